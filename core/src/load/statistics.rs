use core::time::Duration;

use alloc::collections::BTreeMap;

use super::mismatch::Mismatch;
use crate::connection::CloseKind;
use crate::ping::Distribution;
use crate::time::Instant;

/// What takes latencies: a histogram.
pub trait Record {
    /// Takes one.
    fn record(&mut self, latency: Duration);

    /// Takes so many that have waited so long, and were not answered: a lower bound. Unless it is
    /// told otherwise, each is recorded as a latency.
    fn record_waiting(&mut self, waited: Duration, count: u64) {
        (0..count).for_each(|_| self.record(waited));
    }
}

impl Record for Distribution {
    fn record(&mut self, latency: Duration) {
        Self::record(self, latency);
    }
}

/// What became of a [`Load`](super::Load).
///
/// A request is counted if it was due after the warm-up and before the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadStatistics<R> {
    /// Requests that were answered, also after the end.
    pub answered: u64,
    /// Answers that came while it was counted, also to requests of the warm-up unless
    /// [`requests_max`](super::LoadOptions::requests_max) of them are counted: over
    /// [`elapsed`](Self::elapsed) they are the rate that the peer kept.
    pub completed: u64,
    /// Requests that were sent, and not answered when their connection ended.
    pub unanswered: u64,
    /// Requests that were due at a rate, and never sent because the peer was too slow.
    pub unsent: u64,
    /// When asking was over, more than one in a hundred of the requests due at a rate had not been
    /// sent, and more than are due in 50 ms.
    pub is_rate_missed: bool,
    /// Connections on which something came that is no echo. They are ended, and lost.
    pub mismatched: u64,
    /// The first of that.
    pub mismatch: Option<Mismatch>,
    /// Connections that were opened, in the warm-up too.
    pub opened: u64,
    /// Those that could not be.
    pub connect_failed: u64,
    /// Those that ended before their time, by how.
    pub lost: BTreeMap<CloseKind, u64>,
    /// From when a request was due to the last byte of its answer, or as long as it had waited when
    /// it was given up, or when asking was over and it was not sent: a
    /// [lower bound](Record::record_waiting).
    pub latency: R,
    /// From when it was sent: what would be told without correction. The same in
    /// [`Pace::Closed`](super::Pace::Closed), and then not recorded.
    pub service: R,
    /// When counting began.
    pub began_at: Instant,
    /// When counting ended: asking was over, or the last of
    /// [`requests_max`](super::LoadOptions::requests_max) was answered or given up. Until then the
    /// latest time that was told.
    pub ended_at: Instant,
    /// When the last answer came that is counted.
    pub last_at: Instant,
}

impl<R> LoadStatistics<R> {
    /// Whether all was as it should be: every request answered, with its echo.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let failures = [self.unanswered, self.unsent, self.mismatched, self.connect_failed];
        failures.iter().all(|count| *count == 0) && self.lost.is_empty()
    }

    /// How long was counted, whether or not anything was answered. Zero if it ended in the warm-up.
    #[must_use]
    pub const fn elapsed(&self) -> Duration {
        self.ended_at.saturating_duration_since(self.began_at)
    }
}
