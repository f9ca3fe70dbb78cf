//! Look: what a connection is like now.

use super::Connection;
use super::close::CloseReason;
use super::state::State;
use super::steps::Pending;
use super::wire::Wire;
use crate::buffer::Buffer;
use crate::framing::Framing;
use crate::time::Instant;

impl<F: Framing> Connection<F> {
    /// Whether a send would not be refused by `Full` now.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.link.queued_len() < self.link.high_water()
    }

    /// Bytes that are queued to be transmitted.
    #[must_use]
    pub fn queued_len(&self) -> usize {
        self.link.queued_len()
    }

    /// Why the connection is over, once it is.
    #[must_use]
    pub const fn close_reason(&self) -> Option<&CloseReason> {
        match &self.link.state {
            State::Ended { reason } | State::Closed { reason } => Some(reason),
            _ => None,
        }
    }

    /// Why the connection ends or is over, unless it ends in order: what a send that is refused
    /// because it is too late is refused for. It may not have been told in a step yet, and what the
    /// peer sent before may still be yielded.
    #[must_use]
    pub fn failure(&self) -> Option<&CloseReason> {
        self.link.reason().filter(|reason| !reason.is_clean())
    }

    /// Whether the last step has been yielded.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.link.state, State::Closed { .. })
            && !matches!(self.upcoming, Some(Pending::Closed))
    }

    /// The framing.
    #[must_use]
    pub const fn framing(&self) -> &F {
        &self.framing
    }

    /// The latest time that the connection has been told.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.link.timers.now
    }

    /// Bytes of buffers that the connection holds now. What rustls allocates for itself is not
    /// counted.
    #[must_use]
    pub fn memory_len(&self) -> usize {
        self.receive.capacity() + self.link.staged.capacity() + self.link.wire.memory_len()
    }

    /// The most that [`memory_len`](Self::memory_len) can be, whatever the peer sends: computed
    /// from the limits and the framing.
    #[must_use]
    pub fn memory_len_max(&self) -> usize {
        let wire_len_max = self.framing.wire_len_max().max(self.link.earlier.len());
        let waiting = wire_len_max.max(self.link.limits.receive_backlog_max);
        let receive = match self.link.wire {
            Wire::Plain => waiting,
            // Every whole record is opened, behind what waits.
            #[cfg(feature = "tls")]
            Wire::Tls(_) => waiting.saturating_add(crate::tls::OPENED_LEN_MAX),
        };
        let staged = self.link.high_water().saturating_add(wire_len_max);
        Buffer::memory_len_max(receive)
            .saturating_add(Buffer::memory_len_max(staged))
            .saturating_add(self.link.wire.memory_len_max())
    }
}
