//! The bytes of a buffer, and which of them are queued.

use alloc::boxed::Box;
use alloc::vec;
use core::ops::Range;

use super::{Budget, LARGE_LEN, SMALL_LEN};

/// Storage and the queue in it.
///
/// ```text
/// 0        start          end         bytes.len()
/// | consumed | filled      | spare     |
/// ```
///
/// All bytes are initialised, so that a reader or a cipher can write into the spare part.
pub(super) struct Storage {
    bytes: Box<[u8]>,
    /// `start <= end`; both are 0 when nothing is queued.
    start: usize,
    /// `end <= bytes.len()`.
    end: usize,
    /// What may be taken in the turn that the storage was leased for.
    pub(super) budget: Budget,
}

impl Storage {
    /// Storage for at least `len` bytes: small, large, or a power of two above.
    pub(super) fn allocate(len: usize) -> Box<Self> {
        let len = if len <= SMALL_LEN {
            SMALL_LEN
        } else if len <= LARGE_LEN {
            LARGE_LEN
        } else {
            len.checked_next_power_of_two().unwrap_or(len)
        };
        let bytes = vec![0; len].into_boxed_slice();
        Box::new(Self { bytes, start: 0, end: 0, budget: Budget::UNBOUNDED })
    }

    #[inline]
    pub(super) const fn capacity(&self) -> usize {
        self.bytes.len()
    }

    #[inline]
    pub(super) const fn len(&self) -> usize {
        self.end - self.start
    }

    #[inline]
    pub(super) const fn spare_len(&self) -> usize {
        self.bytes.len() - self.end
    }

    #[inline]
    pub(super) fn filled(&self) -> &[u8] {
        match self.bytes.get(self.start..self.end) {
            Some(filled) => filled,
            None => nothing(),
        }
    }

    #[inline]
    pub(super) fn filled_mut(&mut self) -> &mut [u8] {
        match self.bytes.get_mut(self.start..self.end) {
            Some(filled) => filled,
            None => nothing(),
        }
    }

    #[inline]
    pub(super) fn spare_mut(&mut self) -> &mut [u8] {
        match self.bytes.get_mut(self.end..) {
            Some(spare) => spare,
            None => nothing(),
        }
    }

    /// Takes `len` bytes of the spare room into the queue.
    #[inline]
    pub(super) fn commit(&mut self, len: usize) {
        debug_assert!(len <= self.spare_len());
        self.end = (self.end + len).min(self.bytes.len());
    }

    /// Drops `len` bytes from the front; all of them if there are fewer.
    #[inline]
    pub(super) fn consume(&mut self, len: usize) {
        debug_assert!(len <= self.len());
        if len < self.len() {
            self.start += len;
        } else {
            self.clear();
        }
    }

    /// Drops a frame of `len` bytes from the front. Returns whether the turn's budget is spent.
    #[inline]
    pub(super) fn take_frame(&mut self, len: usize) -> bool {
        self.consume(len);
        self.budget.spend(len);
        self.budget.is_spent()
    }

    /// Drops bytes from the back until `len` are left.
    pub(super) fn truncate(&mut self, len: usize) {
        if len == 0 {
            self.clear();
        } else if len < self.len() {
            self.end = self.start + len;
        }
    }

    pub(super) fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
    }

    /// Moves what is queued to the front.
    pub(super) fn compact(&mut self) {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end = self.len();
        self.start = 0;
    }

    /// Appends the prefix that takes the bytes before `place`, the payload that takes `place`, and
    /// the suffix behind it. Returns whether the room was enough; nothing is queued otherwise.
    #[inline]
    pub(super) fn write_prefixed<const N: usize>(
        &mut self,
        prefix: [u8; 8],
        place: Range<usize>,
        payload: &[u8],
        suffix: [u8; N],
    ) -> bool {
        let room = self.spare_mut();
        let end = place.end;
        let Some(front) = room.first_chunk_mut() else { return false };
        *front = prefix;
        let Some(back) = room.get_mut(end..).and_then(|room| room.first_chunk_mut()) else {
            return false;
        };
        *back = suffix;
        let Some(middle) = room.get_mut(place) else { return false };
        middle.copy_from_slice(payload);
        self.commit(end + N);
        true
    }
}

/// No bytes, for a branch that is never taken. That it is one keeps the way through a short frame
/// short: a choice between two slices, made without a branch, has to wait for their bounds.
#[cold]
pub(crate) fn nothing<T: Default>() -> T {
    T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_small_large_or_a_power_of_two() {
        for (len, expected) in [
            (1, SMALL_LEN),
            (SMALL_LEN, SMALL_LEN),
            (SMALL_LEN + 1, LARGE_LEN),
            (LARGE_LEN, LARGE_LEN),
            (LARGE_LEN + 1, 128 * 1024),
            (128 * 1024 + 1, 256 * 1024),
        ] {
            assert_eq!(Storage::allocate(len).capacity(), expected, "{len}");
        }
    }
}
