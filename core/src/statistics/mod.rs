//! What a server counts.

mod histogram;
mod kinds;
mod listing;
mod numbers;
mod observed;
mod prometheus;
mod visit;

pub use histogram::Histogram;
pub use kinds::{HandshakeKind, RefusalKind};
pub use listing::Listing;
pub use observed::Observed;
pub use prometheus::PROMETHEUS_TYPE;
pub(crate) use prometheus::head;
pub use visit::Visit;

use core::ops::AddAssign;
use core::time::Duration;

use crate::connection::CloseKind;
use crate::counts::{Counts, add};

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
    /// Connections that were accepted from the system and turned away. Those for which there was no
    /// thread or task are among the admitted ones too, closed as refused.
    pub refused: u64,
    /// Of those, by [`RefusalKind::index`].
    pub refusals: [u64; RefusalKind::COUNT],
    /// Of the admitted ones, those that are closed, by [`CloseKind::index`].
    pub closed: [u64; CloseKind::COUNT],
    /// Bytes that came from peers.
    pub received_len: u64,
    /// Bytes that went to peers.
    pub transmitted_len: u64,
    /// TLS handshakes that are over, by [`HandshakeKind::index`].
    pub handshakes: [u64; HandshakeKind::COUNT],
    /// How long those took that came to a session.
    pub handshake_time: Histogram,
    /// How long closed connections lasted.
    pub connection_time: Histogram,
}

impl Statistics {
    /// Counts of a server to which nothing has happened.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            accepted: 0,
            active: 0,
            refused: 0,
            refusals: [0; RefusalKind::COUNT],
            closed: [0; CloseKind::COUNT],
            received_len: 0,
            transmitted_len: 0,
            handshakes: [0; HandshakeKind::COUNT],
            handshake_time: Histogram::new(),
            connection_time: Histogram::new(),
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

    /// Connections that were turned away for this.
    #[must_use]
    pub fn refused_for(&self, kind: RefusalKind) -> u64 {
        self.refusals.get(kind.index()).copied().unwrap_or(0)
    }

    /// TLS handshakes that came to this.
    #[must_use]
    pub fn handshakes_as(&self, kind: HandshakeKind) -> u64 {
        self.handshakes.get(kind.index()).copied().unwrap_or(0)
    }

    /// Counts a TLS handshake that is over, and how long it took.
    pub fn handshaken(&mut self, kind: HandshakeKind, duration: Duration) {
        if let Some(count) = self.handshakes.get_mut(kind.index()) {
            add(count, 1);
        }
        if kind.version().is_some() {
            self.handshake_time.record(duration);
        }
    }

    /// Counts how long a connection lasted that is closed.
    pub fn lasted(&mut self, duration: Duration) {
        self.connection_time.record(duration);
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

    /// Counts an admitted connection as refused after all. It stays among those that were admitted:
    /// a count that falls is taken for that of another server.
    pub(crate) fn withdrawn(&mut self) {
        self.closed(CloseKind::Refused);
        self.refused(RefusalKind::Resources);
    }

    pub(crate) fn refused(&mut self, kind: RefusalKind) {
        add(&mut self.refused, 1);
        if let Some(count) = self.refusals.get_mut(kind.index()) {
            add(count, 1);
        }
    }

    pub(crate) fn closed(&mut self, kind: CloseKind) {
        self.active = self.active.saturating_sub(1);
        if let Some(count) = self.closed.get_mut(kind.index()) {
            add(count, 1);
        }
    }
}

impl Default for Statistics {
    fn default() -> Self {
        Self::new()
    }
}

/// Joins the counts of several loops or processes.
impl AddAssign for Statistics {
    fn add_assign(&mut self, other: Self) {
        self.join(other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(millis: u64, count: u32) -> Histogram {
        let mut histogram = Histogram::new();
        (0..count).for_each(|_| histogram.record(Duration::from_millis(millis)));
        histogram
    }

    #[test]
    fn every_count_is_kept_and_joined() {
        let mut one = Statistics::new();
        one.admitted();
        one.admitted();
        one.admitted();
        one.refused(RefusalKind::Ending);
        one.closed(CloseKind::Reset);
        one.withdrawn();
        one.transferred(3, 4);
        one.handshaken(HandshakeKind::Tls13, Duration::from_millis(3));
        one.handshaken(HandshakeKind::Failed, Duration::from_secs(9));
        one.lasted(Duration::from_secs(7));
        let mut once = [0; CloseKind::COUNT];
        once[CloseKind::Reset.index()] = 1;
        once[CloseKind::Refused.index()] = 1;
        let expected = Statistics {
            accepted: 3,
            active: 1,
            refused: 2,
            refusals: [0, 0, 1, 1, 0],
            closed: once,
            received_len: 3,
            transmitted_len: 4,
            handshakes: [0, 1, 1, 0, 0],
            handshake_time: time(3, 1),
            connection_time: time(7000, 1),
        };
        assert_eq!(one, expected);
        assert_eq!((one.closed_as(CloseKind::Reset), one.closed_as(CloseKind::Closed)), (1, 0));
        assert!(one.all_drained());
        let mut stopped = one;
        stopped.closed(CloseKind::Stopped);
        assert!(!stopped.all_drained());
        assert_eq!(one.refused_for(RefusalKind::Resources), 1);
        assert_eq!(one.handshakes_as(HandshakeKind::Failed), 1);

        let mut both = one;
        both += one;
        let expected = Statistics {
            accepted: 6,
            active: 2,
            refused: 4,
            refusals: [0, 0, 2, 2, 0],
            closed: once.map(|count| 2 * count),
            received_len: 6,
            transmitted_len: 8,
            handshakes: [0, 2, 2, 0, 0],
            handshake_time: time(3, 2),
            connection_time: time(7000, 2),
        };
        assert_eq!(both, expected);

        both.transferred(u64::MAX, u64::MAX);
        assert_eq!((both.received_len, both.transmitted_len), (u64::MAX, u64::MAX));
    }
}
