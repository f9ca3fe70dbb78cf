//! Out: work for the driver. (Steps, the application's share of it, are in `steps`.)

use super::Connection;
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
    /// The turn ended before all steps were taken: begin another without waiting.
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
        let before = self.link.queued_len();
        let finishing = self.link.is_finishing();
        let received_len = self.receive.len();
        if let Err(error) = self.link.wire.seal(&mut self.link.staged, finishing, &mut self.receive)
        {
            self.link.staged.clear();
            self.inflow = Inflow::Failed(error);
        }
        if self.receive.len() != received_len {
            self.hungry = false;
        }
        self.link.queue_changed(before);
        self.link.wire.offer(&self.link.staged)
    }

    /// What the connection waits for.
    #[must_use]
    pub fn interest(&self) -> Interest {
        Interest {
            read: self.wants_read(),
            write: self.link.wants_write(),
            shutdown: self.link.wants_shutdown(),
            again: self.turn.paused,
            deadline: self.link.deadline(),
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) at the latest, and why.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        self.link.deadline()
    }
}
