//! What a server counts.

use core::ops::AddAssign;

use crate::connection::CloseKind;

/// Counts of a server since it began.
///
/// Counters that run over stay at their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Connections that were admitted.
    pub accepted: u64,
    /// Of those, the ones that are not closed yet.
    pub active: u64,
    /// Connections that were accepted from the system and turned away, for want of room or of
    /// resources.
    pub refused: u64,
    /// Of the admitted ones, those that are closed, by [`CloseKind::index`].
    pub closed: [u64; CloseKind::COUNT],
    /// Bytes that came from peers.
    pub received_len: u64,
    /// Bytes that went to peers.
    pub transmitted_len: u64,
}

impl Statistics {
    /// Counts of a server to which nothing has happened.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            accepted: 0,
            active: 0,
            refused: 0,
            closed: [0; CloseKind::COUNT],
            received_len: 0,
            transmitted_len: 0,
        }
    }

    /// Admitted connections that ended in this way.
    #[must_use]
    pub fn closed_as(&self, kind: CloseKind) -> u64 {
        self.closed.get(kind.index()).copied().unwrap_or(0)
    }

    /// Whether no connection had to be ended by force.
    #[must_use]
    pub fn all_drained(&self) -> bool {
        self.closed_as(CloseKind::Stopped) == 0
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

    pub(crate) fn closed(&mut self, kind: CloseKind) {
        self.active = self.active.saturating_sub(1);
        if let Some(count) = self.closed.get_mut(kind.index()) {
            add(count, 1);
        }
    }
}

const fn add(counter: &mut u64, count: u64) {
    *counter = counter.saturating_add(count);
}

impl Default for Statistics {
    fn default() -> Self {
        Self::new()
    }
}

/// Joins the counts of several loops or processes.
impl AddAssign for Statistics {
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
        let mut one = Statistics::new();
        one.admitted();
        one.admitted();
        one.admitted();
        one.refused();
        one.closed(CloseKind::Reset);
        one.withdrawn();
        one.transferred(3, 4);
        let mut once = [0; CloseKind::COUNT];
        once[CloseKind::Reset.index()] = 1;
        let expected = Statistics {
            accepted: 2,
            active: 1,
            refused: 2,
            closed: once,
            received_len: 3,
            transmitted_len: 4,
        };
        assert_eq!(one, expected);
        assert_eq!((one.closed_as(CloseKind::Reset), one.closed_as(CloseKind::Closed)), (1, 0));
        assert!(one.all_drained());
        let mut stopped = one;
        stopped.closed(CloseKind::Stopped);
        assert!(!stopped.all_drained());

        let mut both = one;
        both += one;
        let expected = Statistics {
            accepted: 4,
            active: 2,
            refused: 4,
            closed: once.map(|count| 2 * count),
            received_len: 6,
            transmitted_len: 8,
        };
        assert_eq!(both, expected);

        both.transferred(u64::MAX, u64::MAX);
        assert_eq!((both.received_len, both.transmitted_len), (u64::MAX, u64::MAX));
    }
}
