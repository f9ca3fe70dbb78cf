use alloc::vec::Vec;

use super::RequestId;
use crate::error::Fault;
use crate::time::Instant;

/// A request, and what became of it so far.
#[derive(Debug)]
pub(super) struct Slot<A> {
    pub(super) id: RequestId,
    pub(super) to: A,
    pub(super) request: Vec<u8>,
    pub(super) reply: Vec<u8>,
    pub(super) state: State,
    pub(super) attempts: u32,
    pub(super) first_sent_at: Instant,
    pub(super) replied_at: Instant,
    /// When the attempt is waited for no longer.
    pub(super) retry_at: Instant,
    pub(super) give_up_at: Instant,
    pub(super) fault: Option<Fault>,
}

/// ```text
/// Queued ◄──retry── Waiting ──reply──► Answered ─┐
///   ├──transmitted────► │                        ├─told─► Over ──► another request
///   └─────time-out──────┴────────────► TimedOut ─┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// To be sent.
    Queued,
    /// Sent.
    Waiting,
    Answered,
    TimedOut,
    /// Remembered for duplicates.
    Over,
    /// Not even that.
    Free,
}

impl<A> Slot<A> {
    /// Whether a reply can come.
    pub(super) const fn is_asked(&self) -> bool {
        matches!(self.state, State::Queued | State::Waiting) && self.attempts > 0
    }

    pub(super) const fn is_over(&self) -> bool {
        matches!(self.state, State::Answered | State::TimedOut | State::Over)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Queued => Some(self.give_up_at),
            State::Waiting => Some(self.give_up_at.min(self.retry_at)),
            State::Answered | State::TimedOut | State::Over | State::Free => None,
        }
    }
}
