//! A datagram listener of a loop.

use std::io;

use drywire::Instant;
use drywire::shutdown::Phase;
use mio::event::Event;
use mio::{Interest, Registry, Token};

use super::source::Source;
use crate::datagram::{DatagramServing, DatagramSocket};
use crate::ledger::Ledger;

/// A datagram listener that is being served.
pub(super) struct Datagrams {
    serving: DatagramServing,
    socket: DatagramSocket,
    /// Something has happened since the last turn.
    is_called: bool,
}

impl Datagrams {
    pub(super) const fn new(serving: DatagramServing, socket: DatagramSocket) -> Self {
        Self { serving, socket, is_called: true }
    }

    pub(super) fn register(&self, registry: &Registry, token: Token) -> io::Result<()> {
        Source(&self.socket).register(registry, token, Interest::READABLE.add(Interest::WRITABLE))
    }

    /// Takes note of what the system tells.
    pub(super) fn notice(&mut self, event: &Event) {
        let readiness = self.serving.readiness();
        readiness.readable |= event.is_readable() || event.is_error() || event.is_read_closed();
        readiness.writable |= event.is_writable() || event.is_error() || event.is_write_closed();
    }

    /// Takes a turn if there is something to do.
    pub(super) fn turn(&mut self, ledger: &Ledger, now: Instant) {
        let is_due = self.deadline().is_some_and(|at| at <= now);
        if self.is_busy() || is_due {
            self.is_called = false;
            self.serving.turn(&self.socket, ledger, now);
        }
    }

    /// Tells it of the server's phase.
    pub(super) fn heed(&mut self, phase: Phase, now: Instant) {
        match phase {
            Phase::Serving | Phase::Pausing => return,
            Phase::Draining => self.serving.close(now),
            Phase::Stopping => self.serving.abort(),
        }
        self.is_called = true;
    }

    /// Whether a turn makes sense without waiting.
    pub(super) fn is_busy(&self) -> bool {
        !self.is_closed() && (self.is_called || self.serving.is_busy())
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.serving.interest().deadline.filter(|_| !self.is_closed())
    }

    pub(super) fn is_closed(&self) -> bool {
        self.serving.is_closed()
    }
}
