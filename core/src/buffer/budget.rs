//! What a turn may take.

/// What may still be taken out of a buffer in this turn: so many bytes or so many frames, whichever
/// is more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// False outside of turns: what is spent then is not looked at.
    is_bounded: bool,
    len_left: u32,
    frames_left: u32,
}

impl Budget {
    /// Any number.
    pub(super) const UNBOUNDED: Self = Self { is_bounded: false, len_left: 0, frames_left: 0 };

    /// At least one frame.
    pub(crate) fn new(len: usize, frames: usize) -> Self {
        let len_left = u32::try_from(len).unwrap_or(u32::MAX);
        let frames_left = u32::try_from(frames).unwrap_or(u32::MAX).max(1);
        Self { is_bounded: true, len_left, frames_left }
    }

    #[cfg(feature = "record")]
    pub(super) const fn is_bounded(self) -> bool {
        self.is_bounded
    }

    /// Takes a frame of `len` bytes into account. Without a branch, because it is done for every
    /// frame.
    #[inline]
    pub(super) fn spend(&mut self, len: usize) {
        self.len_left = self.len_left.saturating_sub(u32::try_from(len).unwrap_or(u32::MAX));
        self.frames_left = self.frames_left.saturating_sub(1);
    }

    #[inline]
    pub(super) const fn is_spent(self) -> bool {
        self.is_bounded && self.len_left == 0 && self.frames_left == 0
    }
}
