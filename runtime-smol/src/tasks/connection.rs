//! One connection's task.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use super::control::Control;
use super::seat::{Post, Seat};
use super::watch::Watch;
use drywire::admission::{Permit, Refusal};
use drywire::buffer::Pool;
use drywire::proxy::{Introduced, Preamble};
use drywire::shutdown::Phase;
use drywire::tls::ServerTls;
use drywire::{CloseReason, Connection, Instant, Limits, Peer, Protocol, pump};
use drywire_std::turn::{replay, serving};
use drywire_std::{CloseObserver, Stream, Visitor};

/// What the tasks of a running server share.
pub(super) struct Service<F> {
    pub(super) factory: F,
    pub(super) common: Arc<Common>,
}

/// The part of it that does not depend on the protocol.
pub(super) struct Common {
    pub(super) limits: Arc<Limits>,
    pub(super) observer: Option<Box<CloseObserver>>,
    /// What the observer panicked with, first.
    pub(super) panic: Mutex<Option<Box<dyn Any + Send>>>,
    pub(super) control: Arc<Control>,
    /// What the streams are waited for by; the reactor for each, if there is none.
    pub(super) watch: Option<Watch>,
    /// Locked for lease and settle only.
    pub(super) pool: Mutex<Pool>,
}

/// The place of a connection in the counts, given back when it is dropped: when the connection is
/// over, its protocol panicked, or the server itself is dropped.
struct Place {
    common: Arc<Common>,
    permit: Option<Permit>,
    visitor: Visitor,
    /// On the server's roster.
    at: usize,
    /// What the connection has been told of the server. None before the first poll.
    phase: Option<Phase>,
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
        control.roster.leave(self.at);
        let peer = self.visitor.peer();
        if let Some(permit) = self.permit.take() {
            control.ledger.closed(permit, &self.visitor, &reason);
        }
        control.wake_waiters();
        // Last, so that who hears of the end finds it counted. A server that ends waits for the
        // threads, and so for this.
        self.common.observe(&peer, &reason);
    }
}

impl<F, P> Service<F>
where
    F: Fn(&Peer) -> P,
    P: Protocol,
{
    /// Takes a connection on. None if the reactor does not take its stream.
    pub(super) fn admit(
        &self,
        stream: Stream,
        visitor: Visitor,
        permit: Permit,
    ) -> Option<Admitted> {
        let Control { ledger, roster, .. } = &*self.common.control;
        let at = roster.enter();
        let Ok(seat) = Seat::new(stream, self.common.watch.as_ref(), at) else {
            roster.leave(at);
            ledger.thread_failed(permit, &visitor);
            self.common.control.wake_waiters();
            return None;
        };
        let common = Arc::clone(&self.common);
        let place = Place { common, permit: Some(permit), visitor, at, phase: None, reason: None };
        Some(Admitted { seat, place })
    }

    /// The task of one connection, of which `rest` was read before. None if the factory panics:
    /// that ends this connection only.
    pub(super) fn serve(
        &self,
        admitted: Admitted,
        rest: &[u8],
        tls: Option<&ServerTls>,
    ) -> Option<Serving<P>> {
        // Bindings are dropped in reverse order: if the factory panics, the stream is closed before
        // the place is given back.
        let Admitted { mut place, seat } = admitted;
        let factory = || (self.factory)(&place.visitor.peer());
        let protocol = catch_unwind(AssertUnwindSafe(factory)).ok()?;
        let (now, limits) = (self.common.now(), Arc::clone(&self.common.limits));
        let mut connection = serving(tls, protocol.framing(), limits, now);
        self.common.control.ledger.record(&mut connection, &place.visitor);
        if !rest.is_empty() {
            replay(&mut connection, rest, &mut self.common.pool(), now);
        }
        // The connection has been told nothing yet.
        place.phase = None;
        Some(Serving { seat, connection, protocol, place })
    }
}

impl Common {
    fn now(&self) -> Instant {
        self.control.ledger.clock().now()
    }

    /// For a task that is ready again after its turn, and so keeps the executor from its reactor:
    /// has the other streams looked at, and the deadlines that have come by `now`.
    fn hasten(&self, now: Instant) {
        self.control.roster.hasten(now);
        if let Some(watch) = &self.watch {
            watch.hasten();
        }
    }

    pub(super) fn refused(&self, peer: &Peer, refusal: Refusal) {
        if let Some(reason) = refusal.close_reason() {
            self.observe(peer, &reason);
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

/// A connection that has no protocol yet. The fields are dropped in this order, as those of
/// [`Serving`].
pub(super) struct Admitted {
    seat: Seat,
    place: Place,
}

impl Admitted {
    /// Receives the header that the stream begins with, and lets the peer be the client that it
    /// names. Returns the bytes that were read behind it; None if the connection is over.
    pub(super) async fn introduce(&mut self, mut preamble: Preamble) -> Option<Vec<u8>> {
        poll_fn(|cx| self.poll_header(&mut preamble, cx)).await;
        let outcome = preamble.into_outcome().and_then(|introduced| {
            let Place { common, permit, visitor, .. } = &mut self.place;
            let Introduced { header, rest } = introduced;
            if let Some(permit) = permit {
                common.control.ledger.introduced(permit, &*visitor, header)?;
            }
            Ok(rest)
        });
        outcome.map_err(|reason| self.place.reason = Some(reason)).ok()
    }

    fn poll_header(&mut self, preamble: &mut Preamble, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(phase) = self.place.news(cx) {
            let now = self.place.common.now();
            match phase {
                Phase::Serving | Phase::Pausing => {}
                Phase::Draining => {
                    preamble.drain(self.place.common.limits.drain_idle_timeout, now);
                }
                Phase::Stopping => preamble.stop(),
            }
        }
        while !preamble.is_done() {
            if self.seat.poll_header(preamble.deadline(), self.place.post(), cx).is_pending() {
                return Poll::Pending;
            }
            let now = self.place.common.now();
            let received_len = self.seat.take_in_header(preamble, now);
            let ledger = &self.place.common.control.ledger;
            ledger.received_header(&self.place.visitor, received_len as u64);
        }
        Poll::Ready(())
    }
}

impl Place {
    /// The server's phase, if the connection has not been told of it.
    fn news(&mut self, cx: &Context<'_>) -> Option<Phase> {
        let control = &self.common.control;
        if self.phase.is_none() {
            // First on the roster, then a look, so that no change falls between.
            control.roster.attach(self.at, cx.waker());
        }
        let phase = control.phase();
        (self.phase.replace(phase) != Some(phase)).then_some(phase)
    }

    fn post(&self) -> Post<'_> {
        let Control { ledger, roster, .. } = &*self.common.control;
        Post { roster, at: self.at, clock: ledger.clock() }
    }
}

/// A connection that is being served. The fields are dropped in this order: whoever waits for the
/// place may need the descriptor.
pub(super) struct Serving<P: Protocol> {
    seat: Seat,
    connection: Connection<P::Framing>,
    protocol: P,
    place: Place,
}

impl<P: Protocol> Serving<P> {
    /// Takes a turn if there is something to do, and is ready when the connection is over.
    ///
    /// After a turn that left more to do the task goes to the end of the executor's queue, so that
    /// a peer who always sends does not keep the others waiting.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.heed(cx)
            && self.seat.poll_busy(&self.connection, self.place.post(), cx).is_pending()
        {
            return Poll::Pending;
        }
        self.turn();
        if self.connection.is_closed() {
            self.place.reason = self.connection.close_reason().cloned();
            return Poll::Ready(());
        }
        if self.seat.poll_busy(&self.connection, self.place.post(), cx).is_ready() {
            self.place.common.hasten(self.connection.now());
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Tells the connection what has changed of the server. Returns whether anything has.
    fn heed(&mut self, cx: &Context<'_>) -> bool {
        let Some(phase) = self.place.news(cx) else { return false };
        match phase {
            Phase::Serving | Phase::Pausing => {}
            Phase::Draining => self.connection.drain(self.place.common.now()),
            Phase::Stopping => self.connection.stop(),
        }
        true
    }

    fn turn(&mut self) {
        let common = &self.place.common;
        let now = common.now();
        self.connection.lease(&mut common.pool());
        let received_len = self.seat.take_in(&mut self.connection, now);
        pump(&mut self.connection, &mut self.protocol);
        let transmitted_len = self.seat.put_out(&mut self.connection, &mut self.protocol, now);
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
            "{sizes:?}: seat {}, connection {}, place {}",
            size_of::<Seat>(),
            size_of::<Connection<Lines>>(),
            size_of::<Place>()
        );
        assert!(sizes.iter().all(|size| *size <= 400), "{sizes:?}");
    }
}
