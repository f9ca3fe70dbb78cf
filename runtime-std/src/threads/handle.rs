use std::sync::Arc;

use drywire::statistics::Statistics;

use crate::ledger::Ledger;
use crate::signal::Signal;

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
    pub(super) drain: Signal,
    pub(super) stop: Signal,
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
        self.control.drain.raise();
    }

    /// Lets the server end at once: every connection ends as
    /// [`Stopped`](drywire::CloseReason::Stopped).
    pub fn stop(&self) {
        self.control.stop.raise();
    }

    /// The counts since the server began.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.control.ledger.statistics()
    }
}
