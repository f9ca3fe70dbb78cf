//! Out: work for the driver. (Steps, the application's share of it, are in `steps`.)

use super::Connection;
use super::link::{Flow, Hold};
use super::timers::Deadline;
use super::wire::Inflow;
use crate::framing::Framing;

/// What a connection waits for. Costs O(1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest {
    /// Input: lend the receive buffer to a read.
    pub read: bool,
    /// Room in the transport: there is something to transmit.
    pub write: bool,
    /// Shut down the transport's write side now, then call [`Connection::shut_down`].
    pub shutdown: bool,
    /// There are steps to take without waiting: the turn ended before all were taken, something
    /// failed since, or what the next one awaits was sent.
    pub again: bool,
    /// When to call [`Connection::handle_timeout`] at the latest.
    pub deadline: Option<Deadline>,
}

impl<F: Framing> Connection<F> {
    /// What must be sent, in order; empty when nothing must. With TLS this is where queued frames
    /// are sealed, small ones together in one record.
    pub fn transmit(&mut self) -> &[u8] {
        if self.link.state.is_over() {
            return &[];
        }
        let finishing = self.link.is_finishing();
        let (waiting_len, staged_len) = (self.receive.len(), self.link.staged.len());
        if let Err(error) = self.link.wire.seal(&mut self.link.staged, finishing, &mut self.receive)
        {
            self.session_failed(error);
        }
        self.record_sealed(waiting_len, staged_len);
        self.link.queue_changed();
        self.link.wire.offer(&self.link.staged)
    }

    /// What the connection waits for.
    #[must_use]
    pub fn interest(&self) -> Interest {
        Interest {
            read: self.wants_read(),
            write: self.wants_write(),
            shutdown: self.wants_shutdown(),
            again: self.link.paused || self.has_untold_failure() || self.is_released(),
            deadline: self.link.deadline(),
        }
    }

    /// Whether there is something to transmit: [`Interest::write`] alone, without the deadline,
    /// which is most of the work.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        self.link.wants_write()
    }

    /// Whether the transport's write side is to be shut down: [`Interest::shutdown`] alone.
    #[must_use]
    pub fn wants_shutdown(&self) -> bool {
        self.link.wants_shutdown()
    }

    /// Whether sealing has failed the session since steps were last taken.
    fn has_untold_failure(&self) -> bool {
        self.link.state.is_conversing()
            && self.link.flow == Flow::Open
            && matches!(self.inflow, Inflow::Failed(_))
    }

    /// Whether an answer was sent that the next frame awaits, since steps were last taken.
    fn is_released(&self) -> bool {
        self.link.state.is_conversing()
            && self.link.flow == Flow::Open
            && self.link.hold == Hold::Released
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) at the latest, and why.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        self.link.deadline()
    }
}
