use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use drywire::Instant;
use drywire::datagram::DatagramStatistics;
use drywire::shutdown::{Phase, Request};
use drywire::statistics::{Observed, Statistics, Visit};
use drywire_std::{Ledger, descriptors};
use event_listener::Event;

use super::roster::Roster;

/// A hold on a [`Server`](super::Server) from outside, before and while it runs. Cheap to clone;
/// dropping it changes nothing.
#[derive(Clone, Debug)]
pub struct ServerHandle {
    control: Arc<Control>,
}

/// What a server and its handles share.
#[derive(Debug, Default)]
pub(super) struct Control {
    pub(super) ledger: Ledger,
    /// The [`Phase`] that was told last, as a number.
    phase: AtomicU8,
    /// The connections' tasks, woken when the phase has changed.
    pub(super) roster: Roster,
    /// Notified when the phase has changed.
    pub(super) changed: Event,
    /// Notified when a connection has ended, and when the phase has changed.
    pub(super) closed: Event,
}

/// What became of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Whether no connection had to be ended by force.
    pub drained: bool,
    /// The last counts.
    pub statistics: Statistics,
    /// The last counts of all datagram listeners.
    pub datagrams: DatagramStatistics,
}

impl ServerHandle {
    pub(super) const fn new(control: Arc<Control>) -> Self {
        Self { control }
    }

    /// Begins the end of the server, or hastens it: what a signal means.
    pub fn request(&self, request: Request) {
        self.control.request(request);
    }

    /// Where the server stands on its way to the end.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.control.ledger.phase()
    }

    /// Whether the server may be sent more connections: it has begun to accept, and nobody has
    /// asked for its end.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.control.ledger.is_ready()
    }

    /// Lets the server end in order: it accepts no more, each connection goes on until it ends or
    /// has been silent for [`drain_idle_timeout`](drywire::Limits::drain_idle_timeout), and those
    /// that are left after [`drain_timeout`](drywire::admission::AdmissionLimits::drain_timeout)
    /// are ended by force. Asked twice is once.
    pub fn drain(&self) {
        self.request(Request::Drain);
    }

    /// Lets the server end at once: every connection ends as
    /// [`Stopped`](drywire::CloseReason::Stopped).
    pub fn stop(&self) {
        self.request(Request::Stop);
    }

    /// The counts of all datagram listeners since the server began.
    #[must_use]
    pub fn datagram_statistics(&self) -> DatagramStatistics {
        self.control.ledger.datagram_statistics()
    }

    /// The counts since the server began.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.control.ledger.statistics()
    }
}

/// For a listener that tells of the server, with [`Admin`](drywire::protocol) for example.
impl Observed for ServerHandle {
    fn is_ready(&self) -> bool {
        self.control.ledger.is_ready()
    }

    fn statistics(&self) -> Statistics {
        self.control.ledger.statistics()
    }

    fn datagrams(&self) -> Option<DatagramStatistics> {
        self.control.ledger.has_datagrams().then(|| self.control.ledger.datagram_statistics())
    }

    fn visits(&self) -> Vec<Visit> {
        self.control.ledger.visits()
    }

    fn listeners(&self) -> Vec<String> {
        self.control.ledger.listeners()
    }

    fn now(&self) -> Instant {
        self.control.ledger.clock().now()
    }

    fn descriptors(&self) -> Option<u64> {
        descriptors()
    }
}

impl Control {
    /// The phase that was told last.
    pub(super) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Serving,
            1 => Phase::Pausing,
            2 => Phase::Draining,
            _ => Phase::Stopping,
        }
    }

    pub(super) fn request(&self, request: Request) {
        self.ledger.request(request);
        self.heed();
    }

    /// Tells the tasks if the server is in a new phase.
    pub(super) fn heed(&self) {
        let phase = self.ledger.phase();
        let number = match phase {
            Phase::Serving => 0,
            Phase::Pausing => 1,
            Phase::Draining => 2,
            Phase::Stopping => 3,
        };
        // Whoever is late does not turn it back.
        if self.phase.fetch_max(number, Ordering::AcqRel) < number {
            self.roster.wake_all();
            self.changed.notify(usize::MAX);
            self.closed.notify(usize::MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_only_move_on() {
        let control = Control::default();
        assert_eq!(control.phase(), Phase::Serving);
        for (request, expected) in [
            (Request::Drain, Phase::Draining),
            (Request::Drain, Phase::Draining),
            (Request::Stop, Phase::Stopping),
            (Request::Drain, Phase::Stopping),
        ] {
            control.request(request);
            assert_eq!(control.phase(), expected);
        }
    }
}
