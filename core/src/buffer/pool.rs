//! The free list that a driver owns and its connections share.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use super::{LARGE_LEN, SMALL_LEN};

/// A bounded free list of buffers, last in first out.
///
/// A driver has one for all connections that it serves on one thread, or one behind a lock: it is
/// touched only by [`lease`](crate::Connection::lease) and [`settle`](crate::Connection::settle),
/// never across a system call. What does not fit goes back to the allocator.
pub struct Pool {
    large: Vec<Box<[u8]>>,
    small: Vec<Box<[u8]>>,
    len: usize,
    len_max: usize,
}

impl Pool {
    /// An empty pool that holds at most `len_max` bytes of free buffers.
    #[must_use]
    pub const fn new(len_max: usize) -> Self {
        Self { large: Vec::new(), small: Vec::new(), len: 0, len_max }
    }

    /// Bytes of free buffers that are held.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether no free buffer is held.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn take_large(&mut self) -> Box<[u8]> {
        Self::take(&mut self.large, &mut self.len).unwrap_or_else(|| allocate(LARGE_LEN))
    }

    pub(super) fn take_small(&mut self) -> Box<[u8]> {
        Self::take(&mut self.small, &mut self.len).unwrap_or_else(|| allocate(SMALL_LEN))
    }

    fn take(list: &mut Vec<Box<[u8]>>, len: &mut usize) -> Option<Box<[u8]>> {
        let buffer = list.pop()?;
        *len -= buffer.len();
        Some(buffer)
    }

    /// Keeps `storage` if it is of a size that is leased and there is room; buffers that had to
    /// grow for one long frame are not kept.
    pub(super) fn give(&mut self, storage: Box<[u8]>) {
        let list = match storage.len() {
            LARGE_LEN => &mut self.large,
            SMALL_LEN => &mut self.small,
            _ => return,
        };
        if self.len.saturating_add(storage.len()) <= self.len_max {
            self.len += storage.len();
            list.push(storage);
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
        f.debug_struct("Pool").field("len", &self.len).field("len_max", &self.len_max).finish()
    }
}

/// Storage for at least `len` bytes: small, large, or a power of two above.
pub(super) fn allocate(len: usize) -> Box<[u8]> {
    let len = if len <= SMALL_LEN {
        SMALL_LEN
    } else if len <= LARGE_LEN {
        LARGE_LEN
    } else {
        len.checked_next_power_of_two().unwrap_or(len)
    };
    vec![0; len].into_boxed_slice()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_no_more_than_its_limit() {
        let mut pool = Pool::new(LARGE_LEN + SMALL_LEN);
        let (one, two) = (pool.take_large(), pool.take_large());
        pool.give(one);
        assert_eq!(pool.len(), LARGE_LEN);
        pool.give(two);
        assert_eq!(pool.len(), LARGE_LEN);
        let small = pool.take_small();
        pool.give(small);
        assert_eq!(pool.len(), LARGE_LEN + SMALL_LEN);
        pool.take_large();
        pool.take_small();
        assert!(pool.is_empty());
    }

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
            assert_eq!(allocate(len).len(), expected, "{len}");
        }
    }
}
