//! What a server counts.

use core::ops::AddAssign;

/// Counts of a server since it began, by `N` kinds of ends.
///
/// Counters that run over stay at their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics<const N: usize> {
    /// Connections that were admitted.
    pub accepted: u64,
    /// Of those, the ones that are not closed yet.
    pub active: u64,
    /// Connections that were accepted from the system and turned away, for want of room or of
    /// resources.
    pub refused: u64,
    /// Of the admitted ones, those that are closed, by the index of the kind of their end.
    pub closed: [u64; N],
    /// Bytes that came from peers.
    pub received_len: u64,
    /// Bytes that went to peers.
    pub transmitted_len: u64,
}

impl<const N: usize> Statistics<N> {
    /// Counts of a server to which nothing has happened.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            accepted: 0,
            active: 0,
            refused: 0,
            closed: [0; N],
            received_len: 0,
            transmitted_len: 0,
        }
    }

    /// Counts bytes.
    pub const fn transferred(&mut self, received_len: u64, transmitted_len: u64) {
        add(&mut self.received_len, received_len);
        add(&mut self.transmitted_len, transmitted_len);
    }

    pub(crate) const fn admitted(&mut self) {
        add(&mut self.accepted, 1);
        add(&mut self.active, 1);
    }

    /// Counts an admitted connection as refused after all.
    pub(crate) const fn withdrawn(&mut self) {
        self.accepted = self.accepted.saturating_sub(1);
        self.active = self.active.saturating_sub(1);
        self.refused();
    }

    pub(crate) const fn refused(&mut self) {
        add(&mut self.refused, 1);
    }

    pub(crate) fn closed(&mut self, kind: usize) {
        self.active = self.active.saturating_sub(1);
        if let Some(count) = self.closed.get_mut(kind) {
            add(count, 1);
        }
    }
}

const fn add(counter: &mut u64, count: u64) {
    *counter = counter.saturating_add(count);
}

impl<const N: usize> Default for Statistics<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// Joins the counts of several loops or processes.
impl<const N: usize> AddAssign for Statistics<N> {
    fn add_assign(&mut self, other: Self) {
        add(&mut self.accepted, other.accepted);
        add(&mut self.active, other.active);
        add(&mut self.refused, other.refused);
        for (count, other) in self.closed.iter_mut().zip(other.closed) {
            add(count, other);
        }
        self.transferred(other.received_len, other.transmitted_len);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_is_kept_and_joined() {
        let mut one = Statistics::<2>::new();
        one.admitted();
        one.admitted();
        one.admitted();
        one.refused();
        one.closed(1);
        one.withdrawn();
        one.transferred(3, 4);
        let expected = Statistics {
            accepted: 2,
            active: 1,
            refused: 2,
            closed: [0, 1],
            received_len: 3,
            transmitted_len: 4,
        };
        assert_eq!(one, expected);

        let mut both = one;
        both += one;
        let expected = Statistics {
            accepted: 4,
            active: 2,
            refused: 4,
            closed: [0, 2],
            received_len: 6,
            transmitted_len: 8,
        };
        assert_eq!(both, expected);

        both.transferred(u64::MAX, u64::MAX);
        assert_eq!((both.received_len, both.transmitted_len), (u64::MAX, u64::MAX));
    }
}
