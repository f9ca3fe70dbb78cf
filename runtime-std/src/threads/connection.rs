//! One connection's thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use drywire::admission::{Permit, Refusal};
use drywire::buffer::Pool;
use drywire::proxy::{Introduced, Preamble};
use drywire::tls::ServerTls;
use drywire::{CloseReason, Limits, Peer, Protocol};

use crate::control::Control;
use crate::driver::{Surroundings, drive, introduce};
use crate::ledger::Ledger;
use crate::setup::CloseObserver;
use crate::signal::Bell;
use crate::stream::Stream;
use crate::turn::serving;
use crate::visitors::Visitor;

/// What the threads of a running server share.
pub(super) struct Service<'a, F> {
    pub(super) factory: F,
    pub(super) limits: Arc<Limits>,
    pub(super) observer: Option<Box<CloseObserver>>,
    pub(super) stack_len: usize,
    pub(super) control: &'a Control,
    pub(super) pool: Mutex<Pool>,
}

/// A connection for a thread.
pub(super) struct Job<'a> {
    pub(super) stream: Stream,
    pub(super) preamble: Option<Preamble>,
    pub(super) tls: Option<ServerTls>,
    pub(super) place: Place<'a>,
}

/// The place of a connection in the counts, given back when it is dropped.
pub(super) struct Place<'a> {
    ledger: &'a Ledger,
    /// Rung for the thread that accepts.
    closed: &'a Bell,
    permit: Option<Permit>,
    visitor: Visitor,
    /// How the connection ended. None as long as no thread has taken it.
    reason: Option<CloseReason>,
}

impl<'a> Place<'a> {
    pub(super) const fn new(
        permit: Permit,
        visitor: Visitor,
        ledger: &'a Ledger,
        closed: &'a Bell,
    ) -> Self {
        Self { ledger, closed, permit: Some(permit), visitor, reason: None }
    }

    /// Lets the visitor be the client that its header names. Returns the bytes that were read
    /// behind the header.
    fn introduced(&mut self, introduced: Introduced) -> Result<Vec<u8>, CloseReason> {
        let Introduced { header, rest } = introduced;
        if let Some(permit) = &mut self.permit {
            self.ledger.introduced(permit, &self.visitor, header)?;
        }
        Ok(rest)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        match (self.permit.take(), &self.reason) {
            (Some(permit), Some(reason)) => {
                self.ledger.closed(permit, &self.visitor, reason);
            }
            (Some(permit), None) => self.ledger.thread_failed(permit, &self.visitor),
            (None, _) => {}
        }
        if self.ledger.poll_waiters() {
            self.closed.ring();
        }
    }
}

impl<F, P> Service<'_, F>
where
    F: Fn(&Peer) -> P,
    P: Protocol,
{
    /// Serves one connection to its end. A protocol that panics ends its connection only.
    pub(super) fn serve(&self, job: Job<'_>, around: Surroundings<'_>) {
        let Job { stream, preamble, tls, mut place } = job;
        let reason = catch_unwind(AssertUnwindSafe(|| {
            let rest = match preamble {
                None => Vec::new(),
                Some(preamble) => {
                    let introduced =
                        introduce(preamble, &self.limits, &stream, &place.visitor, around);
                    match introduced.and_then(|introduced| place.introduced(introduced)) {
                        Ok(rest) => rest,
                        Err(reason) => return reason,
                    }
                }
            };
            let mut protocol = (self.factory)(&place.visitor.peer());
            let now = around.ledger.clock().now();
            let limits = Arc::clone(&self.limits);
            let mut connection = serving(tls.as_ref(), protocol.framing(), limits, now);
            around.ledger.record(&mut connection, &place.visitor);
            around.replay(&mut connection, &rest, now);
            drive(&mut connection, &mut protocol, &stream, &place.visitor, around)
        }))
        .unwrap_or(CloseReason::Aborted);
        place.reason = Some(reason.clone());
        let peer = place.visitor.peer();
        // Whoever waits for the place may need the descriptor.
        drop(stream);
        drop(place);
        self.observe(&peer, &reason);
    }
}

impl<F> Service<'_, F> {
    pub(super) fn refused(&self, peer: &Peer, refusal: Refusal) {
        if let Some(reason) = refusal.close_reason() {
            self.observe(peer, &reason);
        }
    }

    fn observe(&self, peer: &Peer, reason: &CloseReason) {
        if let Some(observer) = &self.observer {
            observer(peer, reason);
        }
    }
}
