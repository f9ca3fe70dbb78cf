//! Bounded buffers: contiguous, lazily compacted, given back when idle.

mod budget;
mod pool;
mod storage;

pub(crate) use budget::Budget;
pub use pool::Pool;
pub(crate) use storage::nothing;

use alloc::boxed::Box;
use core::fmt;
use core::mem::size_of;

use storage::Storage;

/// Bytes of a small buffer: what an idle connection keeps when part of a frame is left over.
pub(crate) const SMALL_LEN: usize = 2 * 1024;

/// Bytes of the buffer that a turn works with. Not a power of two: a receive and a transmit
/// buffer a multiple of 4 KiB apart alias in the first-level cache.
pub(crate) const LARGE_LEN: usize = 65 * 1024;

/// A contiguous queue of bytes: appended at the back, consumed at the front.
///
/// An empty buffer may have no storage at all, and is then no larger than a pointer: most buffers
/// of most connections are, most of the time.
#[derive(Default)]
pub struct Buffer {
    storage: Option<Box<Storage>>,
}

impl Buffer {
    /// An empty buffer without storage.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes that are queued.
    #[must_use]
    #[inline]
    pub fn filled(&self) -> &[u8] {
        match &self.storage {
            Some(storage) => storage.filled(),
            None => &[],
        }
    }

    /// The bytes that are queued, to be changed in place.
    #[inline]
    pub fn filled_mut(&mut self) -> &mut [u8] {
        match &mut self.storage {
            Some(storage) => storage.filled_mut(),
            None => &mut [],
        }
    }

    /// How many bytes are queued.
    #[must_use]
    #[inline]
    pub const fn len(&self) -> usize {
        match &self.storage {
            Some(storage) => storage.len(),
            None => 0,
        }
    }

    /// Whether no byte is queued.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of storage, used or not.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        match &self.storage {
            Some(storage) => storage.capacity(),
            None => 0,
        }
    }

    /// The most that a buffer takes which had to hold at most `len` bytes: storage, and what keeps
    /// account of it.
    pub(crate) fn memory_len_max(len: usize) -> usize {
        let len = len.max(LARGE_LEN);
        len.checked_next_power_of_two().unwrap_or(len).saturating_add(size_of::<Storage>())
    }

    /// Appends `bytes`.
    #[inline]
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.extend_from_slices([bytes]);
    }

    /// Appends `parts`, one behind the other. Room is made once, so a frame with something before
    /// or behind it should be appended like this.
    #[inline]
    pub fn extend_from_slices<const N: usize>(&mut self, parts: [&[u8]; N]) {
        let len = parts.iter().fold(0_usize, |len, part| len.saturating_add(part.len()));
        self.reserve(len);
        let mut room = self.spare_mut();
        for part in parts {
            let Some((front, rest)) = room.split_at_mut_checked(part.len()) else { return };
            front.copy_from_slice(part);
            room = rest;
        }
        self.commit(len);
    }

    /// Appends the first `prefix_len` bytes of `prefix`, `payload` and `suffix`.
    ///
    /// All eight bytes of the prefix are written, in one store, and the payload over those that
    /// are too many: a copy of a few bytes whose number is not known when compiling is a call, and
    /// costs as much as the payload of a short frame.
    #[inline]
    pub(crate) fn extend_prefixed<const N: usize>(
        &mut self,
        prefix: [u8; 8],
        prefix_len: usize,
        payload: &[u8],
        suffix: [u8; N],
    ) {
        let place = prefix_len..prefix_len.saturating_add(payload.len());
        let is_written = match &mut self.storage {
            Some(storage) => storage.write_prefixed(prefix, place, payload, suffix),
            None => false,
        };
        if !is_written {
            let prefix = prefix.get(..prefix_len).unwrap_or(&prefix);
            self.extend_from_slices([prefix, payload, &suffix]);
        }
    }

    /// The room behind the queued bytes, as it is: nothing is moved or allocated.
    #[inline]
    pub(crate) fn spare_mut(&mut self) -> &mut [u8] {
        match &mut self.storage {
            Some(storage) => storage.spare_mut(),
            None => &mut [],
        }
    }

    /// Makes room for `additional` bytes behind the queued ones, by moving these to the front or
    /// into larger storage.
    #[inline]
    pub(crate) fn reserve(&mut self, additional: usize) {
        if self.storage.as_ref().map_or(0, |storage| storage.spare_len()) < additional {
            self.make_room(additional);
        }
    }

    #[cold]
    fn make_room(&mut self, additional: usize) {
        let len_needed = self.len().saturating_add(additional);
        match &mut self.storage {
            Some(storage) if storage.capacity() >= len_needed => storage.compact(),
            storage => {
                let mut larger = Storage::allocate(len_needed);
                larger.budget =
                    storage.as_ref().map_or(Budget::UNBOUNDED, |storage| storage.budget);
                drop(self.move_into(larger));
            }
        }
    }

    /// Takes `len` bytes of the spare room, which the caller has written, into the queue.
    #[inline]
    pub(crate) fn commit(&mut self, len: usize) {
        debug_assert!(len == 0 || self.storage.is_some());
        if let Some(storage) = &mut self.storage {
            storage.commit(len);
        }
    }

    /// Drops `len` bytes from the front; all of them if there are fewer.
    #[inline]
    pub(crate) fn consume(&mut self, len: usize) {
        if let Some(storage) = &mut self.storage {
            storage.consume(len);
        }
    }

    /// Drops a frame of `len` bytes from the front. Returns whether the turn's budget is spent.
    #[inline]
    pub(crate) fn take_frame(&mut self, len: usize) -> bool {
        match &mut self.storage {
            Some(storage) => storage.take_frame(len),
            None => false,
        }
    }

    /// Whether no more is to be taken out in this turn.
    pub(crate) fn is_spent(&self) -> bool {
        self.storage.as_ref().is_some_and(|storage| storage.budget.is_spent())
    }

    /// Whether a turn goes on that has a budget.
    #[cfg(feature = "record")]
    pub(crate) fn has_budget(&self) -> bool {
        self.storage.as_ref().is_some_and(|storage| storage.budget.is_bounded())
    }

    /// Drops bytes from the back until `len` are left.
    pub(crate) fn truncate(&mut self, len: usize) {
        if let Some(storage) = &mut self.storage {
            storage.truncate(len);
        }
    }

    /// Drops all bytes; the storage stays.
    pub fn clear(&mut self) {
        if let Some(storage) = &mut self.storage {
            storage.clear();
        }
    }

    /// Gets storage for a turn from the pool, unless there is some of that size already.
    pub(crate) fn lease(&mut self, pool: &mut Pool) {
        if self.capacity() < LARGE_LEN {
            let old = self.move_into(pool.take_large());
            pool.give(old);
        }
    }

    /// The same with a budget for the turn. It lies with the storage: without a turn there is
    /// neither.
    pub(crate) fn lease_within(&mut self, budget: Budget, pool: &mut Pool) {
        self.lease(pool);
        if let Some(storage) = &mut self.storage {
            storage.budget = budget;
        }
    }

    /// Gives back to the pool what the queued bytes do not need, and the budget of the turn.
    pub(crate) fn settle(&mut self, pool: &mut Pool) {
        if let Some(storage) = &mut self.storage {
            storage.budget = Budget::UNBOUNDED;
        }
        let old = match (self.len(), self.capacity()) {
            (0, _) => self.storage.take(),
            (1..=SMALL_LEN, SMALL_LEN) => return,
            (1..=SMALL_LEN, _) => self.move_into(pool.take_small()),
            _ => return,
        };
        pool.give(old);
    }

    /// Moves the queued bytes into `storage`, which must be empty and have room for them, and
    /// returns what they were in.
    fn move_into(&mut self, mut storage: Box<Storage>) -> Option<Box<Storage>> {
        let filled = self.filled();
        if let Some(front) = storage.spare_mut().get_mut(..filled.len()) {
            front.copy_from_slice(filled);
            storage.commit(filled.len());
        }
        self.storage.replace(storage)
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_as_they_went_in() {
        // Every way to append 24 bytes in pieces of `chunk` and consume them in pieces of `bite`.
        for chunk in 1..=24 {
            for bite in 1..=24 {
                let input: [u8; 24] = core::array::from_fn(|at| b"0123456789abcdefghijklmn"[at]);
                let mut buffer = Buffer::new();
                let mut output = alloc::vec::Vec::new();
                for piece in input.chunks(chunk) {
                    buffer.extend_from_slice(piece);
                    let len = bite.min(buffer.len());
                    output.extend_from_slice(&buffer.filled()[..len]);
                    buffer.consume(len);
                }
                output.extend_from_slice(buffer.filled());
                assert_eq!(output, input, "chunk {chunk}, bite {bite}");
            }
        }
    }

    #[test]
    fn parts_are_appended_in_order_whatever_room_there_is() {
        for queued in SMALL_LEN - 8..=SMALL_LEN {
            let mut buffer = Buffer::new();
            buffer.extend_from_slice(&[0; SMALL_LEN][..queued]);
            buffer.extend_from_slices([b"one", b"", b"two"]);
            assert_eq!(&buffer.filled()[queued..], b"onetwo", "{queued}");
        }
    }

    #[test]
    fn room_is_made_by_moving_before_it_is_made_by_growing() {
        let mut buffer = Buffer::new();
        buffer.extend_from_slice(&[7; LARGE_LEN]);
        buffer.consume(LARGE_LEN - 3);
        buffer.extend_from_slice(&[8; 100]);
        assert_eq!(buffer.capacity(), LARGE_LEN);
        assert_eq!(buffer.len(), 103);
        assert_eq!(&buffer.filled()[..4], &[7, 7, 7, 8]);
    }

    #[test]
    fn truncate_takes_back_what_was_appended() {
        let mut buffer = Buffer::new();
        buffer.extend_from_slice(b"kept");
        buffer.extend_from_slice(b"taken back");
        buffer.truncate(4);
        assert_eq!(buffer.filled(), b"kept");
        buffer.truncate(9);
        assert_eq!(buffer.filled(), b"kept");
        buffer.truncate(0);
        assert!(buffer.is_empty());
    }

    #[test]
    fn a_budget_lasts_as_long_as_the_turn_wherever_the_bytes_lie() {
        let mut pool = Pool::new(1024 * 1024);
        let mut buffer = Buffer::new();
        for (len, frames) in [(10, 4), (12, 1), (1, 4), (0, 0)] {
            buffer.extend_from_slice(&[7; 12]);
            assert!(!buffer.take_frame(0) && !buffer.is_spent(), "without a turn");
            buffer.lease_within(Budget::new(len, frames), &mut pool);
            let (mut taken, mut count) = (0, 0);
            while !buffer.is_spent() {
                buffer.reserve(2 * LARGE_LEN);
                taken += 3;
                count += 1;
                assert_eq!(buffer.take_frame(3), taken >= len && count >= frames.max(1));
            }
            buffer.settle(&mut pool);
            assert!(!buffer.take_frame(0) && !buffer.is_spent(), "the turn is over");
            buffer.clear();
            buffer.settle(&mut pool);
        }
    }

    #[test]
    fn an_idle_buffer_holds_nothing_and_left_overs_move_into_a_small_one() {
        let mut pool = Pool::new(1024 * 1024);
        let mut buffer = Buffer::new();
        buffer.lease(&mut pool);
        assert_eq!(buffer.capacity(), LARGE_LEN);

        buffer.extend_from_slice(&[1; SMALL_LEN]);
        buffer.settle(&mut pool);
        assert_eq!((buffer.capacity(), buffer.len()), (SMALL_LEN, SMALL_LEN));

        buffer.lease(&mut pool);
        buffer.extend_from_slice(&[1]);
        buffer.settle(&mut pool);
        assert_eq!((buffer.capacity(), buffer.len()), (LARGE_LEN, SMALL_LEN + 1));

        buffer.clear();
        buffer.settle(&mut pool);
        assert_eq!(buffer.capacity(), 0);
        assert_eq!(pool.len(), LARGE_LEN + SMALL_LEN);
    }
}
