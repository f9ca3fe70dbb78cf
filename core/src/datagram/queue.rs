use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec;
use core::mem::size_of;

/// Datagrams in order, bounded in number and bytes. Their bytes share one ring, in which each is
/// contiguous; it grows up to its bound and then stays.
#[derive(Debug)]
pub(super) struct Queue<A> {
    entries: VecDeque<Entry<A>>,
    ring: Box<[u8]>,
    /// Bytes of all entries.
    len: usize,
    bounds: Bounds,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) datagrams_max: usize,
    pub(super) len_max: usize,
    pub(super) datagram_len_max: usize,
}

#[derive(Debug)]
struct Entry<A> {
    address: A,
    start: usize,
    len: usize,
}

impl Bounds {
    /// With one datagram's length to spare, one that is wrapped to the front of the ring always
    /// fits: less than its length is lost at the end.
    const fn ring_len_max(self) -> usize {
        self.len_max.saturating_add(self.datagram_len_max)
    }
}

impl<A> Queue<A> {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { entries: VecDeque::new(), ring: Box::default(), len: 0, bounds }
    }

    pub(super) fn count(&self) -> usize {
        self.entries.len()
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether a datagram of `len` bytes fits.
    pub(super) fn has_room(&self, len: usize) -> bool {
        self.entries.len() < self.bounds.datagrams_max
            && self.bounds.len_max.checked_sub(self.len).is_some_and(|room| len <= room)
    }

    /// Whether any datagram fits.
    pub(super) fn has_room_for_any(&self) -> bool {
        self.has_room(self.bounds.datagram_len_max)
    }

    /// Adds a datagram; there must be room.
    pub(super) fn push(&mut self, address: A, bytes: &[u8]) {
        let start = self.place(bytes.len()).unwrap_or_else(|| {
            self.grow(bytes.len());
            self.place(bytes.len()).unwrap_or_default()
        });
        let room = self.ring.get_mut(start..).and_then(|rest| rest.get_mut(..bytes.len()));
        debug_assert!(room.is_some(), "a ring that has grown has room");
        if let Some(room) = room {
            room.copy_from_slice(bytes);
            self.len += bytes.len();
            self.entries.push_back(Entry { address, start, len: bytes.len() });
        }
    }

    /// Removes the first. Its bytes stay readable until something is added.
    pub(super) fn pop(&mut self) -> Option<(A, &[u8])> {
        let entry = self.entries.pop_front()?;
        self.len -= entry.len;
        let bytes = self.ring.get(entry.start..entry.start + entry.len).unwrap_or_default();
        Some((entry.address, bytes))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&A, &[u8])> {
        self.entries.iter().map(|entry| {
            let bytes = self.ring.get(entry.start..entry.start + entry.len).unwrap_or_default();
            (&entry.address, bytes)
        })
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.len = 0;
    }

    /// Where `len` bytes fit behind the last entry without being cut.
    fn place(&self, len: usize) -> Option<usize> {
        let (Some(first), Some(last)) = (self.entries.front(), self.entries.back()) else {
            return (len <= self.ring.len()).then_some(0);
        };
        let end = last.start + last.len;
        // One byte stays free between the ends of a wrapped ring, so that it does not look like a
        // single run even when the next datagram is empty.
        if last.start < first.start {
            return (len < first.start - end).then_some(end);
        }
        if len <= self.ring.len() - end { Some(end) } else { (len < first.start).then_some(0) }
    }

    /// Makes the ring at least twice as large, and room for `len` bytes more, and puts the entries
    /// in it one after the other.
    fn grow(&mut self, len: usize) {
        let least = self.len.saturating_add(len);
        let size = self.ring.len().saturating_mul(2).max(1024).max(least);
        let mut ring = vec![0; size.min(self.bounds.ring_len_max() + 1)].into_boxed_slice();
        let mut start = 0;
        for entry in &mut self.entries {
            let from = self.ring.get(entry.start..entry.start + entry.len);
            let to = ring.get_mut(start..start + entry.len);
            if let (Some(from), Some(to)) = (from, to) {
                to.copy_from_slice(from);
            }
            entry.start = start;
            start += entry.len;
        }
        self.ring = ring;
    }

    /// Bytes held at most: the ring, twice while it grows, and the entries, whose number a growing
    /// deque may double.
    pub(super) const fn memory_len_max(bounds: Bounds) -> usize {
        let rings = bounds.ring_len_max().saturating_add(1).saturating_mul(2);
        let entries = bounds.datagrams_max.saturating_mul(2 * size_of::<Entry<A>>());
        rings.saturating_add(entries).saturating_add(4 * size_of::<Entry<A>>())
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    const BOUNDS: Bounds = Bounds { datagrams_max: 6, len_max: 20, datagram_len_max: 9 };

    /// Every order of pushes of every length and pops up to some depth, against a plain list.
    fn explore(steps: &mut Vec<Option<usize>>, depth: usize) {
        let mut queue = Queue::new(BOUNDS);
        // Small from the start, so that growing is met at every state.
        queue.ring = vec![0; 10].into_boxed_slice();
        let mut model: VecDeque<(usize, Vec<u8>)> = VecDeque::new();
        for (at, step) in steps.iter().enumerate() {
            match step {
                Some(len) => {
                    let total: usize = model.iter().map(|(_, bytes)| bytes.len()).sum();
                    let has_room = model.len() < 6 && total + len <= 20;
                    assert_eq!(queue.has_room(*len), has_room, "{steps:?}");
                    if has_room {
                        let first = u8::try_from(at * 16 % 256).unwrap();
                        let bytes: Vec<u8> = (first..).take(*len).collect();
                        queue.push(at, &bytes);
                        model.push_back((at, bytes));
                    }
                }
                None => {
                    let popped = queue.pop().map(|(address, bytes)| (address, bytes.to_vec()));
                    assert_eq!(popped, model.pop_front(), "{steps:?}");
                }
            }
            let seen: Vec<_> = queue.iter().map(|(at, bytes)| (*at, bytes.to_vec())).collect();
            assert!(seen.iter().eq(model.iter()), "{steps:?}: {seen:?} {model:?}");
            assert_eq!(queue.len(), model.iter().map(|(_, bytes)| bytes.len()).sum::<usize>());
            assert!(queue.ring.len() <= BOUNDS.ring_len_max() + 1);
        }
        if depth > 0 {
            for step in [None, Some(0), Some(1), Some(5), Some(9)] {
                steps.push(step);
                explore(steps, depth - 1);
                steps.pop();
            }
        }
    }

    #[test]
    fn a_ring_is_a_list() {
        explore(&mut Vec::new(), 6);
        // The ends of the ring nearly meet, and an empty datagram stands between.
        let mut steps =
            vec![Some(5), Some(5), None, Some(4), Some(1), Some(0), Some(1), None, None];
        explore(&mut steps, 0);
        // Longer ones, in which the ring is full and wraps again and again.
        for pattern in 0..3_usize.pow(9) {
            let mut rest = pattern;
            let steps: Vec<_> = (0..36)
                .map(|_| {
                    if rest == 0 {
                        rest = pattern + 1;
                    }
                    let step = [None, Some(9), Some(4)][rest % 3];
                    rest /= 3;
                    step
                })
                .collect();
            if pattern % 7 == 0 {
                explore(&mut steps.clone(), 0);
            }
        }
    }
}
