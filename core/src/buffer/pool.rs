//! The free list that a driver owns and its connections share.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::storage::Storage;
use super::{LARGE_LEN, SMALL_LEN};

/// A bounded free list of buffers, last in first out.
///
/// A driver has one for all connections that it serves on one thread, or one behind a lock: it is
/// touched only by [`lease`](crate::Connection::lease) and [`settle`](crate::Connection::settle),
/// never across a system call. What does not fit goes back to the allocator.
pub struct Pool {
    large: FreeList,
    small: FreeList,
}

/// Free buffers of one size. Each has its own bound, so that many of one size do not displace the
/// other.
struct FreeList {
    #[expect(clippy::vec_box, reason = "a connection holds its storage by one pointer")]
    buffers: Vec<Box<Storage>>,
    /// Bytes of each buffer.
    size: usize,
    count_max: usize,
}

impl Pool {
    /// An empty pool that holds at most `len_max` bytes of free buffers, an eighth of them in
    /// buffers of 2 KiB, the rest in such of 65 KiB.
    #[must_use]
    pub const fn new(len_max: usize) -> Self {
        let small_len_max = len_max / 8;
        Self {
            large: FreeList::new(LARGE_LEN, len_max - small_len_max),
            small: FreeList::new(SMALL_LEN, small_len_max),
        }
    }

    /// Bytes of free buffers that are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.large.len() + self.small.len()
    }

    /// Whether no free buffer is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn take_large(&mut self) -> Box<Storage> {
        self.large.take()
    }

    pub(super) fn take_small(&mut self) -> Box<Storage> {
        self.small.take()
    }

    /// Keeps `storage` if it is of a size that is leased and there is room; buffers that had to
    /// grow for one long frame are not kept.
    pub(super) fn give(&mut self, storage: Option<Box<Storage>>) {
        let Some(mut storage) = storage else { return };
        storage.clear();
        match storage.capacity() {
            LARGE_LEN => self.large.give(storage),
            SMALL_LEN => self.small.give(storage),
            _ => {}
        }
    }
}

impl FreeList {
    const fn new(size: usize, len_max: usize) -> Self {
        Self { buffers: Vec::new(), size, count_max: len_max / size }
    }

    fn len(&self) -> usize {
        self.buffers.len() * self.size
    }

    fn take(&mut self) -> Box<Storage> {
        self.buffers.pop().unwrap_or_else(|| Storage::allocate(self.size))
    }

    fn give(&mut self, storage: Box<Storage>) {
        if self.buffers.len() < self.count_max {
            self.buffers.push(storage);
        }
    }
}

/// 4 MiB: about thirty busy connections of two buffers each.
impl Default for Pool {
    fn default() -> Self {
        Self::new(4 * 1024 * 1024)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_size_holds_no_more_than_its_share() {
        let mut pool = Pool::new(8 * LARGE_LEN);
        for taken in [7, 8, 9] {
            let buffers: Vec<_> = (0..taken).map(|_| pool.take_large()).collect();
            buffers.into_iter().for_each(|buffer| pool.give(Some(buffer)));
            assert_eq!(pool.len(), 7 * LARGE_LEN);
        }
        let small_max = LARGE_LEN / SMALL_LEN;
        let buffers: Vec<_> = (0..=small_max).map(|_| pool.take_small()).collect();
        buffers.into_iter().for_each(|buffer| pool.give(Some(buffer)));
        assert_eq!(pool.len(), 7 * LARGE_LEN + small_max * SMALL_LEN);
        pool.give(Some(Storage::allocate(LARGE_LEN + 1)));
        assert_eq!(pool.len(), 7 * LARGE_LEN + small_max * SMALL_LEN);
    }
}
