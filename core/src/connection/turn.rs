//! Turns: the buffers and the budget that a driver gives a connection while it works on it.

use super::Connection;
use super::tap::record;
use crate::buffer::{LARGE_LEN, Pool};
use crate::framing::Framing;

/// What a turn may still take: the bytes of the leased buffer, or a number of frames, whichever is
/// more. Outside of turns nothing is counted.
#[derive(Default)]
pub(super) struct Turn {
    pub(super) is_begun: bool,
    len_left: u32,
    frames_left: u32,
    /// The budget is spent while there was more to do.
    pub(super) paused: bool,
}

impl Turn {
    fn new(frames_max: usize) -> Self {
        let len_left = u32::try_from(LARGE_LEN).unwrap_or(u32::MAX);
        let frames_left = u32::try_from(frames_max).unwrap_or(u32::MAX).max(1);
        Self { is_begun: true, len_left, frames_left, paused: false }
    }

    #[inline]
    pub(super) fn spend(&mut self, len: usize) {
        self.len_left = self.len_left.saturating_sub(u32::try_from(len).unwrap_or(u32::MAX));
        self.frames_left = self.frames_left.saturating_sub(1);
    }

    #[inline]
    pub(super) const fn is_spent(&self) -> bool {
        self.is_begun && self.len_left == 0 && self.frames_left == 0
    }
}

impl<F: Framing> Connection<F> {
    /// Begins a turn: gets buffers from `pool` and a new budget.
    ///
    /// Optional: without it the connection allocates its buffers itself when it needs them and has
    /// no budget.
    pub fn lease(&mut self, pool: &mut Pool) {
        record!(self.link, Lease);
        self.turn = Turn::new(self.link.limits.turn_frames_max);
        self.receive.lease(pool);
        self.link.staged.lease(pool);
        self.link.wire.lease(pool);
        self.lent = 0;
    }

    /// Ends a turn: gives back to `pool` what is not needed until something happens. Take all
    /// steps before.
    pub fn settle(&mut self, pool: &mut Pool) {
        record!(self.link, Settle);
        self.lent = 0;
        self.turn.is_begun = false;
        self.consume_shown();
        // In reverse order: the pool is last in, first out, and a buffer keeps its role.
        self.link.wire.settle(pool);
        self.link.staged.settle(pool);
        self.receive.settle(pool);
    }
}
