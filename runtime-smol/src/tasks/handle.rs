use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use drywire::statistics::Statistics;
use drywire_std::Ledger;
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
    /// A [`Phase`].
    phase: AtomicU8,
    /// The connections' tasks, woken when the phase has changed.
    pub(super) roster: Roster,
    /// Notified when the phase has changed.
    pub(super) changed: Event,
    /// Notified when a connection has ended, and when the phase has changed.
    pub(super) closed: Event,
}

/// Where a server stands. It only moves on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Serving,
    Draining,
    Stopping,
}

/// What became of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Whether no connection had to be ended by force.
    pub drained: bool,
    /// The last counts.
    pub statistics: Statistics,
}

impl ServerHandle {
    pub(super) const fn new(control: Arc<Control>) -> Self {
        Self { control }
    }

    /// Lets the server end in order: it accepts no more, each connection goes on until it ends or
    /// has been silent for [`drain_idle_timeout`](drywire::Limits::drain_idle_timeout), and those
    /// that are left after [`drain_timeout`](drywire::admission::AdmissionLimits::drain_timeout)
    /// are ended by force. Asked twice is once.
    pub fn drain(&self) {
        self.control.enter(Phase::Draining);
    }

    /// Lets the server end at once: every connection ends as
    /// [`Stopped`](drywire::CloseReason::Stopped).
    pub fn stop(&self) {
        self.control.enter(Phase::Stopping);
    }

    /// The counts since the server began.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.control.ledger.statistics()
    }
}

impl Control {
    pub(super) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Serving,
            1 => Phase::Draining,
            _ => Phase::Stopping,
        }
    }

    /// Moves on to `phase`, unless the server is there or further already.
    pub(super) fn enter(&self, phase: Phase) {
        self.ledger.drain();
        self.phase.fetch_max(phase as u8, Ordering::AcqRel);
        self.roster.wake_all();
        self.changed.notify(usize::MAX);
        self.closed.notify(usize::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_only_move_on() {
        let control = Control::default();
        assert_eq!(control.phase(), Phase::Serving);
        for (entered, expected) in [
            (Phase::Draining, Phase::Draining),
            (Phase::Draining, Phase::Draining),
            (Phase::Stopping, Phase::Stopping),
            (Phase::Draining, Phase::Stopping),
        ] {
            control.enter(entered);
            assert_eq!(control.phase(), expected);
        }
    }
}
