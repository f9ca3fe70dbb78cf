//! One connection's task.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use super::Observer;
use super::handle::Control;
use crate::driver::Driver;
use async_io::Async;
use drywire::admission::{Permit, Refusal};
use drywire::buffer::Pool;
use drywire::shutdown::Phase;
use drywire::tls::ServerTls;
use drywire::{CloseReason, Connection, Error, Limits, Peer, Protocol, pump};
use drywire_std::turn::serving;
use drywire_std::{Stream, Visitor};

/// What the tasks of a running server share.
pub(super) struct Service<F> {
    pub(super) factory: F,
    pub(super) common: Arc<Common>,
}

/// The part of it that does not depend on the protocol.
pub(super) struct Common {
    pub(super) limits: Arc<Limits>,
    pub(super) observer: Option<Box<Observer>>,
    /// What the observer panicked with, first.
    pub(super) panic: Mutex<Option<Box<dyn Any + Send>>>,
    pub(super) control: Arc<Control>,
    /// Locked for lease and settle only.
    pub(super) pool: Mutex<Pool>,
}

/// The place of a connection in the counts, given back when it is dropped: when the connection is
/// over, its protocol panicked, or the server itself is dropped.
struct Place {
    common: Arc<Common>,
    permit: Option<Permit>,
    visitor: Arc<Visitor>,
    /// On the server's roster. None before the first poll.
    at: Option<usize>,
    /// How the connection ended. None as long as it has not.
    reason: Option<CloseReason>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let control = &self.common.control;
        let reason = self.reason.take().unwrap_or_else(|| match control.phase() {
            Phase::Serving | Phase::Pausing | Phase::Draining => CloseReason::Aborted,
            Phase::Stopping => CloseReason::Stopped,
        });
        if let Some(at) = self.at {
            control.roster.leave(at);
        }
        if let Some(permit) = self.permit.take() {
            control.ledger.closed(permit, &self.visitor, &reason);
        }
        control.closed.notify(usize::MAX);
        // Last, so that who hears of the end finds it counted. A server that ends waits for the
        // threads, and so for this.
        self.common.observe(self.visitor.peer(), &reason);
    }
}

impl<F, P> Service<F>
where
    F: Fn(&Peer) -> P,
    P: Protocol,
{
    /// The task of one connection. None if the reactor does not take the stream or the factory
    /// panics: that ends this connection only.
    pub(super) fn serve(
        &self,
        stream: Stream,
        peer: &Peer,
        tls: Option<&ServerTls>,
        permit: Permit,
    ) -> Option<Serving<P>> {
        let ledger = &self.common.control.ledger;
        let visitor = ledger.enter(peer, tls.is_some(), false);
        let Ok(stream) = Async::new_nonblocking(stream) else {
            ledger.thread_failed(permit, &visitor);
            return None;
        };
        let common = Arc::clone(&self.common);
        let place = Place { common, permit: Some(permit), visitor, at: None, reason: None };
        let protocol = catch_unwind(AssertUnwindSafe(|| (self.factory)(peer))).ok()?;
        let (clock, limits) = (ledger.clock(), Arc::clone(&self.common.limits));
        let connection = serving(tls, protocol.framing(), limits, clock.now());
        let driver = Driver::new(stream, clock);
        Some(Serving { driver, connection, protocol, phase: None, place })
    }
}

impl Common {
    pub(super) fn refused(&self, peer: &Peer, refusal: Refusal) {
        // A server that ends refuses by chance: whether this one came too early or too late.
        if let Refusal::Limit(limit) = refusal {
            self.observe(peer, &CloseReason::Failed(Error::Limit(limit)));
        }
    }

    /// Tells the observer. A panic of it is kept, for this is called while a task is dropped.
    fn observe(&self, peer: &Peer, reason: &CloseReason) {
        let Some(observer) = &self.observer else { return };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| observer(peer, reason))) {
            self.panic.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(panic);
        }
    }

    /// Panics as the observer did.
    pub(super) fn rethrow(&self) {
        if let Some(panic) = self.panic.lock().unwrap_or_else(PoisonError::into_inner).take() {
            resume_unwind(panic);
        }
    }

    /// No call within panics, so that a poisoned lock means nothing.
    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that is being served. The fields are dropped in this order: whoever waits for the
/// place may need the descriptor.
pub(super) struct Serving<P: Protocol> {
    driver: Driver,
    connection: Connection<P::Framing>,
    protocol: P,
    /// What the connection has been told of the server.
    phase: Option<Phase>,
    place: Place,
}

impl<P: Protocol> Serving<P> {
    /// Takes a turn if there is something to do, and is ready when the connection is over.
    ///
    /// After a turn that left more to do the task goes to the end of the executor's queue, so that
    /// a peer who always sends does not keep the others waiting.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.heed(cx) && self.driver.poll_busy(&self.connection, cx).is_pending() {
            return Poll::Pending;
        }
        self.turn();
        if self.connection.is_closed() {
            self.place.reason = self.connection.close_reason().cloned();
            return Poll::Ready(());
        }
        if self.driver.poll_busy(&self.connection, cx).is_ready() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Tells the connection what has changed of the server. Returns whether anything has.
    fn heed(&mut self, cx: &Context<'_>) -> bool {
        let control = &self.place.common.control;
        // First on the roster, then a look, so that no change falls between. Once is enough: the
        // waker of a task does not change.
        self.place.at.get_or_insert_with(|| control.roster.enter(cx.waker().clone()));
        let phase = control.phase();
        if self.phase == Some(phase) {
            return false;
        }
        match phase {
            Phase::Serving | Phase::Pausing => {}
            Phase::Draining => self.connection.drain(self.driver.now()),
            Phase::Stopping => self.connection.stop(),
        }
        self.phase = Some(phase);
        true
    }

    fn turn(&mut self) {
        let common = &self.place.common;
        let now = self.driver.now();
        self.connection.lease(&mut common.pool());
        let received_len = self.driver.take_in(&mut self.connection, now);
        pump(&mut self.connection, &mut self.protocol);
        let transmitted_len = self.driver.put_out(&mut self.connection, now);
        pump(&mut self.connection, &mut self.protocol);
        self.connection.settle(&mut common.pool());
        let ledger = &common.control.ledger;
        let (received_len, transmitted_len) = (received_len as u64, transmitted_len as u64);
        ledger.turned(&self.place.visitor, &self.connection, received_len, transmitted_len);
    }
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use std::mem::size_of;

    use drywire::framing::{AnyFraming, LengthPrefix, Lines};
    use drywire::protocol::Echo;

    use super::*;

    /// What an idle connection costs beside the system's, rustls' and the reactor's share.
    #[test]
    fn a_task_is_small() {
        let sizes = [
            size_of::<Serving<Echo<Lines>>>(),
            size_of::<Serving<Echo<LengthPrefix>>>(),
            size_of::<Serving<Echo<AnyFraming>>>(),
        ];
        println!(
            "{sizes:?}: driver {}, connection {}, place {}",
            size_of::<Driver>(),
            size_of::<Connection<Lines>>(),
            size_of::<Place>()
        );
        assert!(sizes.iter().all(|size| *size <= 640), "{sizes:?}");
    }
}
