//! Strides: from the frame that was shown to the one behind it, while nothing else is going on.
//!
//! Between the first and the last frame of a batch this is all that happens, so it is made short: a
//! frame of 64 bytes is echoed in 210 instructions and 8 ns; the long way takes twice as many and
//! as long. What is unusual in any way is left to `advance`, which could do all of it.

use super::state::Input;
use super::steps::{Decoded, Wait};
use super::{Connection, Front};
use crate::error::DecodeError;
use crate::framing::{Framing, Scan, Whole};

/// How far a stride went.
pub(super) enum Stride<T> {
    /// To a frame, which is shown.
    Frame(Whole<T>),
    /// To the end of the batch: there is nothing until something happens outside.
    Nothing,
    /// To something else.
    Other,
}

impl<F: Framing> Connection<F> {
    /// Goes from the frame that was shown to the next.
    #[inline]
    pub(super) fn stride(&mut self) -> Stride<F::Found> {
        let Front::Shown(Whole { len, .. }) = self.front else { return Stride::Other };
        if !self.link.is_flowing() || self.framing.is_over() {
            return Stride::Other;
        }
        self.lent = 0;
        if self.receive.take_frame(len) {
            self.front = Front::Unseen;
            return Stride::Other;
        }
        match self.framing.scan(self.receive.filled()) {
            Ok(Scan::Found(whole)) => {
                self.front = Front::Shown(whole);
                Stride::Frame(whole)
            }
            // Not passed on as it is: it would be written to memory for every frame.
            Ok(Scan::Need(_)) => self.end_stride(Ok(Wait::Input)),
            Ok(Scan::Hold) => self.end_stride(Ok(Wait::Output)),
            Err(error) => self.end_stride(Err(error)),
        }
    }

    /// Takes note that no frame follows.
    #[cold]
    #[inline(never)]
    fn end_stride(&mut self, end: Result<Wait, DecodeError>) -> Stride<F::Found> {
        self.front = Front::Unseen;
        match self.conclude(end) {
            Decoded::Nothing => return Stride::Nothing,
            Decoded::Step(pending) => self.upcoming = Some(pending),
            Decoded::Fail(reason) => self.fail_for(reason),
            Decoded::Over => self.link.input(Input::Close),
        }
        Stride::Other
    }
}
