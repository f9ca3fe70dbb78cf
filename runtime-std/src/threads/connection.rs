//! One connection's thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use drywire::admission::{Permit, Refusal};
use drywire::buffer::Pool;
use drywire::tls::ServerTls;
use drywire::{CloseReason, Error, Limits, Peer, Protocol};

use super::Observer;
use super::handle::Control;
use crate::driver::{Surroundings, drive};
use crate::ledger::Ledger;
use crate::signal::Bell;
use crate::stream::Stream;
use crate::turn::serving;
use crate::visitors::Visitor;

/// What the threads of a running server share.
pub(super) struct Service<'a, F> {
    pub(super) factory: F,
    pub(super) limits: Arc<Limits>,
    pub(super) observer: Option<Box<Observer>>,
    pub(super) stack_len: usize,
    pub(super) control: &'a Control,
    pub(super) pool: Mutex<Pool>,
}

/// The place of a connection in the counts, given back when it is dropped.
pub(super) struct Place<'a> {
    ledger: &'a Ledger,
    closed: &'a Bell,
    permit: Option<Permit>,
    visitor: Arc<Visitor>,
    /// How the connection ended. None as long as no thread has taken it.
    reason: Option<CloseReason>,
}

impl<'a> Place<'a> {
    pub(super) const fn new(
        permit: Permit,
        visitor: Arc<Visitor>,
        ledger: &'a Ledger,
        closed: &'a Bell,
    ) -> Self {
        Self { ledger, closed, permit: Some(permit), visitor, reason: None }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        match (self.permit.take(), &self.reason) {
            (Some(permit), Some(reason)) => self.ledger.closed(permit, &self.visitor, reason),
            (Some(permit), None) => self.ledger.thread_failed(permit, &self.visitor),
            (None, _) => {}
        }
        self.closed.ring();
    }
}

impl<F, P> Service<'_, F>
where
    F: Fn(&Peer) -> P,
    P: Protocol,
{
    /// Serves one connection to its end. A protocol that panics ends its connection only.
    pub(super) fn serve(
        &self,
        stream: Stream,
        peer: &Peer,
        tls: Option<ServerTls>,
        mut place: Place<'_>,
        around: Surroundings<'_>,
    ) {
        let reason = catch_unwind(AssertUnwindSafe(|| {
            let mut protocol = (self.factory)(peer);
            let now = around.ledger.clock().now();
            let limits = Arc::clone(&self.limits);
            let mut connection = serving(tls.as_ref(), protocol.framing(), limits, now);
            drive(&mut connection, &mut protocol, &stream, &place.visitor, around)
        }))
        .unwrap_or(CloseReason::Aborted);
        place.reason = Some(reason.clone());
        // Whoever waits for the place may need the descriptor.
        drop(stream);
        drop(place);
        self.observe(peer, &reason);
    }
}

impl<F> Service<'_, F> {
    pub(super) fn refused(&self, peer: &Peer, refusal: Refusal) {
        // When the server ends, whether this one came too early or too late is chance.
        if let Refusal::Limit(limit) = refusal {
            self.observe(peer, &CloseReason::Failed(Error::Limit(limit)));
        }
    }

    fn observe(&self, peer: &Peer, reason: &CloseReason) {
        if let Some(observer) = &self.observer {
            observer(peer, reason);
        }
    }
}
