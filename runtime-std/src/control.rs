//! What ends a server, the same for every model.

use drywire::shutdown::Phase;

use crate::handle::Controlled;
use crate::ledger::Ledger;
use crate::signal::Signal;

/// What a server and its handles share.
#[derive(Debug, Default)]
pub(crate) struct Control {
    pub(crate) ledger: Ledger,
    /// Raised when the server has been asked to end.
    pub(crate) ending: Signal,
    pub(crate) drain: Signal,
    pub(crate) stop: Signal,
}

impl Control {
    /// Raises the signals of the phase that the server is in.
    pub(crate) fn heed(&self) -> Phase {
        let phase = self.ledger.phase();
        match phase {
            Phase::Serving => {}
            Phase::Pausing => self.ending.raise(),
            Phase::Draining => self.drain.raise(),
            Phase::Stopping => self.stop.raise(),
        }
        phase
    }
}

impl Controlled for Control {
    fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    fn heed(&self) {
        Self::heed(self);
    }
}
