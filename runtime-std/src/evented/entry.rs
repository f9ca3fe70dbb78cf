//! A connection of a server in its loop.

use std::mem;
use std::sync::Arc;

use drywire::admission::Permit;
use drywire::buffer::Pool;
use drywire::proxy::{Introduced, Preamble};
use drywire::shutdown::Phase;
use drywire::tls::ServerTls;
use drywire::{CloseReason, Connection, Fault, Instant, Limits, Peer, Protocol};
use mio::{Registry, Token};

use super::link::{Link, Moved};
use super::run::Service;
use crate::ledger::Ledger;
use crate::turn::{replay, serving};
use crate::visitors::VisitorRef;

/// A connection. The stream is dropped first: whoever waits for the place may need the descriptor.
pub(super) struct Entry<P: Protocol> {
    pub(super) link: Link,
    /// It waits for its turn.
    pub(super) is_queued: bool,
    pub(super) stage: Stage<P>,
    pub(super) permit: Permit,
}

/// How far it has come.
#[allow(clippy::large_enum_variant, reason = "nearly all are in the large one")]
pub(super) enum Stage<P: Protocol> {
    /// There is no protocol before the header is there.
    Introducing(Box<Preamble>, Option<ServerTls>),
    /// It begins with its next turn. These bytes were read behind the header.
    Admitted(Vec<u8>, Option<ServerTls>),
    Serving(Connection<P::Framing>, P),
}

/// What a turn is taken with.
pub(super) struct Around<'a, F> {
    pub(super) service: &'a Service<'a, F>,
    pub(super) registry: &'a Registry,
    pub(super) visitor: VisitorRef<'a>,
    pub(super) pool: &'a mut Pool,
    pub(super) phase: Phase,
    pub(super) now: Instant,
}

impl<F> Around<'_, F> {
    const fn ledger(&self) -> &Ledger {
        &self.service.control.ledger
    }
}

/// What a turn came to.
pub(super) enum Turned {
    /// The connection is over.
    Over(CloseReason),
    /// There is more to do without waiting.
    Busy,
    /// It waits for its stream, or for this.
    Waiting(Instant),
}

impl<P: Protocol> Entry<P> {
    /// A connection over `link`, with its header ahead if there is a `preamble`. Nothing of it has
    /// begun.
    pub(super) fn new(
        link: Link,
        preamble: Option<Preamble>,
        tls: Option<ServerTls>,
        permit: Permit,
    ) -> Self {
        let stage = match preamble {
            Some(preamble) => Stage::Introducing(Box::new(preamble), tls),
            None => Stage::Admitted(Vec::new(), tls),
        };
        Self { link, is_queued: false, stage, permit }
    }

    /// Takes a turn, and adds to `moved` what it moved.
    pub(super) fn turn<F: Fn(&Peer) -> P>(
        &mut self,
        token: Token,
        moved: &mut Moved,
        around: &mut Around<'_, F>,
    ) -> Turned {
        loop {
            match &mut self.stage {
                Stage::Serving(connection, protocol) => {
                    let turned = self.link.turn(connection, protocol, around.pool, around.now);
                    let Moved { received, transmitted } = turned;
                    let ledger = around.ledger();
                    ledger.advanced(around.visitor, connection, received, transmitted);
                    *moved += turned;
                    return Self::rest(&mut self.link, connection, token, around);
                }
                Stage::Admitted(rest, tls) => {
                    let (rest, tls) = (mem::take(rest), tls.take());
                    self.stage = Stage::begin(&rest, tls.as_ref(), around);
                }
                Stage::Introducing(preamble, _) => {
                    let received = self.link.receive_header(preamble, around.now);
                    around.ledger().received_header(around.visitor, received);
                    if !preamble.is_done() {
                        let at = preamble.deadline().map_or(Instant::MAX, |deadline| deadline.at);
                        let is_busy = self.link.is_readable();
                        return if is_busy { Turned::Busy } else { Turned::Waiting(at) };
                    }
                    if let Err(reason) = self.introduce(around) {
                        return Turned::Over(reason);
                    }
                }
            }
        }
    }

    /// What `connection` waits for behind a turn.
    fn rest<F>(
        link: &mut Link,
        connection: &mut Connection<P::Framing>,
        token: Token,
        around: &Around<'_, F>,
    ) -> Turned {
        if connection.is_closed() {
            // A connection that is closed has its reason.
            let reason = connection.close_reason().cloned();
            return Turned::Over(reason.unwrap_or(CloseReason::Aborted));
        }
        let interest = connection.interest();
        if link.is_busy(interest) {
            return Turned::Busy;
        }
        if interest.write && link.await_room(around.registry, token).is_err() {
            connection.transport_failed(Fault::Other, around.now);
            return Turned::Busy;
        }
        Turned::Waiting(interest.deadline.map_or(Instant::MAX, |deadline| deadline.at))
    }

    /// Goes on behind the header.
    fn introduce<F>(&mut self, around: &Around<'_, F>) -> Result<(), CloseReason> {
        let over = Stage::Admitted(Vec::new(), None);
        let Stage::Introducing(preamble, tls) = mem::replace(&mut self.stage, over) else {
            return Ok(());
        };
        let Introduced { header, rest } = preamble.into_outcome()?;
        around.ledger().introduced(&mut self.permit, around.visitor, header)?;
        self.stage = Stage::Admitted(rest, tls);
        Ok(())
    }

    /// Tells it of the server's phase.
    pub(super) fn heed(&mut self, phase: Phase, limits: &Limits, now: Instant) {
        match (&mut self.stage, phase) {
            (_, Phase::Serving | Phase::Pausing) | (Stage::Admitted(..), _) => {}
            (Stage::Introducing(preamble, _), Phase::Draining) => {
                preamble.drain(limits.drain_idle_timeout, now);
            }
            (Stage::Introducing(preamble, _), Phase::Stopping) => preamble.stop(),
            (Stage::Serving(connection, _), Phase::Draining) => connection.drain(now),
            (Stage::Serving(connection, _), Phase::Stopping) => connection.stop(),
        }
    }

    /// When it must be looked at.
    pub(super) fn deadline(&self) -> Instant {
        let deadline = match &self.stage {
            Stage::Introducing(preamble, _) => preamble.deadline(),
            Stage::Admitted(..) => None,
            Stage::Serving(connection, _) => connection.deadline(),
        };
        deadline.map_or(Instant::MAX, |deadline| deadline.at)
    }
}

impl<P: Protocol> Stage<P> {
    /// Makes protocol and connection, of which `rest` was read before.
    fn begin<F: Fn(&Peer) -> P>(
        rest: &[u8],
        tls: Option<&ServerTls>,
        around: &mut Around<'_, F>,
    ) -> Self {
        let service = around.service;
        let protocol = (service.factory)(&around.visitor.peer());
        let limits = Arc::clone(&service.limits);
        let mut connection = serving(tls, protocol.framing(), limits, around.now);
        around.ledger().record(&mut connection, around.visitor);
        if !rest.is_empty() {
            replay(&mut connection, rest, around.pool, around.now);
        }
        match around.phase {
            Phase::Serving | Phase::Pausing => {}
            Phase::Draining => connection.drain(around.now),
            Phase::Stopping => connection.stop(),
        }
        Self::Serving(connection, protocol)
    }
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use drywire::framing::{AnyFraming, LengthPrefix, Lines, Raw};
    use drywire::protocol::Echo;

    use super::*;

    /// What an idle connection takes in its loop, beside 49 bytes for its line in the list, 16 in the
    /// timers, and rustls' share. Together they are to be no more than 256 over `Raw`.
    #[test]
    fn an_entry_is_small() {
        // A recording listens by one pointer more.
        let tap = if cfg!(feature = "record") { 8 } else { 0 };
        assert!(size_of::<Link>() + size_of::<bool>() <= 16);
        // The stream, that it is queued, and the permit.
        let rest = 16 + 8;
        for (size, size_max) in [
            // The connection, and the protocol with its copy of the framing.
            (size_of::<Entry<Echo<Raw>>>(), rest + 136 + 8),
            (size_of::<Entry<Echo<Lines>>>(), rest + 168 + 24),
            (size_of::<Entry<Echo<LengthPrefix>>>(), rest + 168 + 24),
            (size_of::<Entry<Echo<AnyFraming>>>(), rest + 192 + 48),
        ] {
            assert!(size <= size_max + tap, "{size} bytes, not {size_max} and {tap}");
        }
    }
}
