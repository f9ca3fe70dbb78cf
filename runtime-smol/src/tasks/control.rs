//! What ends a server.

use std::sync::atomic::{AtomicU8, Ordering};

use drywire::shutdown::{Phase, Request};
use drywire_std::{Controlled, Ledger};
use event_listener::Event;

use super::roster::Roster;

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
    /// Notified when a place was given back that is waited for, when nothing is left, and when the
    /// phase has changed.
    pub(super) closed: Event,
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

    /// Wakes the tasks that wait for a place, if one was given back, or for the last to end.
    pub(super) fn wake_waiters(&self) {
        if self.ledger.poll_waiters() {
            self.closed.notify(usize::MAX);
        }
    }
}

impl Controlled for Control {
    fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Tells the tasks if the server is in a new phase.
    fn heed(&self) {
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
