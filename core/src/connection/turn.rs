//! Turns: the buffers and the budget that a driver gives a connection while it works on it.

use super::Connection;
use super::tap::record;
use crate::buffer::{Budget, LARGE_LEN, Pool};
use crate::framing::Framing;

impl<F: Framing> Connection<F> {
    /// Begins a turn: gets buffers from `pool` and a new budget.
    ///
    /// Optional: without it the connection allocates its buffers itself when it needs them and has
    /// no budget.
    pub fn lease(&mut self, pool: &mut Pool) {
        record!(self.link, Lease);
        // The bytes of the leased buffer, or a number of frames, whichever is more.
        let budget = Budget::new(LARGE_LEN, self.link.limits.turn_frames_max);
        self.receive.lease_within(budget, pool);
        self.link.paused = false;
        self.link.staged.lease(pool);
        self.link.wire.lease(pool);
        self.lent = 0;
    }

    /// Ends a turn: gives back to `pool` what is not needed until something happens. Take all
    /// steps before.
    pub fn settle(&mut self, pool: &mut Pool) {
        record!(self.link, Settle);
        self.lent = 0;
        self.consume_shown();
        // In reverse order: the pool is last in, first out, and a buffer keeps its role.
        self.link.wire.settle(pool);
        self.link.staged.settle(pool);
        self.receive.settle(pool);
    }
}
