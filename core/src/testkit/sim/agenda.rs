//! Who is worked on when.

use alloc::collections::BTreeSet;

use super::random::Random;
use crate::time::Instant;

/// The nodes that something is due for: one entry a node, so that a change costs O(log n) and
/// nothing outdated is left.
#[derive(Debug)]
pub(super) struct Agenda {
    entries: BTreeSet<(Instant, u32, u32)>,
    /// Draws the order of what is due at the same instant.
    random: Random,
}

/// The entry of one node: when, and which place among those of the same instant.
pub(super) type Due = Option<(Instant, u32)>;

impl Agenda {
    pub(super) const fn new(random: Random) -> Self {
        Self { entries: BTreeSet::new(), random }
    }

    /// Moves `node` to `at`, or off.
    pub(super) fn set(&mut self, node: u32, due: &mut Due, at: Option<Instant>) {
        if due.map(|(at, _)| at) == at {
            return;
        }
        if let Some((at, place)) = due.take() {
            self.entries.remove(&(at, place, node));
        }
        *due = at.map(|at| (at, self.random.next_u64() as u32));
        if let Some((at, place)) = *due {
            self.entries.insert((at, place, node));
        }
    }

    /// As [`set`](Self::set), unless it is there earlier.
    pub(super) fn hasten(&mut self, node: u32, due: &mut Due, at: Instant) {
        if due.is_none_or(|(set, _)| at < set) {
            self.set(node, due, Some(at));
        }
    }

    /// The first that is due.
    pub(super) fn first(&self) -> Option<(Instant, u32)> {
        self.entries.first().map(|(at, _, node)| (*at, *node))
    }

    /// Takes the first off.
    pub(super) fn take_first(&mut self) {
        self.entries.pop_first();
    }

    /// Bytes of memory, as far as can be told: entries, of which the tree's nodes are two thirds
    /// full on average.
    pub(super) fn memory_len(&self) -> usize {
        self.entries.len() * size_of::<(Instant, u32, u32)>() * 3 / 2
    }
}
