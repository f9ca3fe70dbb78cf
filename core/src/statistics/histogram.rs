use core::ops::AddAssign;
use core::time::Duration;

use crate::counts::{Counts, add};

/// How often something took how long, by fixed bounds.
///
/// # Bounds
/// 160 bytes, whatever is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Histogram {
    /// Durations up to each of the bounds and above the one before; the last is what is longer than
    /// all of them.
    pub(super) counts: [u64; Self::BOUNDS.len() + 1],
    pub(super) nanos: u64,
}

impl Histogram {
    /// The bounds: from a handshake on one host to a connection that lives for days.
    pub const BOUNDS: [Duration; 18] = [
        Duration::from_micros(500),
        Duration::from_millis(1),
        Duration::from_millis(2),
        Duration::from_millis(5),
        Duration::from_millis(10),
        Duration::from_millis(20),
        Duration::from_millis(50),
        Duration::from_millis(100),
        Duration::from_millis(200),
        Duration::from_millis(500),
        Duration::from_secs(1),
        Duration::from_secs(2),
        Duration::from_secs(5),
        Duration::from_secs(10),
        Duration::from_secs(60),
        Duration::from_secs(10 * 60),
        Duration::from_secs(60 * 60),
        Duration::from_secs(24 * 60 * 60),
    ];

    /// Nothing counted.
    #[must_use]
    pub const fn new() -> Self {
        Self { counts: [0; Self::BOUNDS.len() + 1], nanos: 0 }
    }

    /// Counts one.
    pub fn record(&mut self, duration: Duration) {
        let index = Self::BOUNDS.partition_point(|bound| *bound < duration);
        if let Some(count) = self.counts.get_mut(index) {
            add(count, 1);
        }
        add(&mut self.nanos, u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }

    /// For each bound in turn, how many took at most as long.
    pub fn cumulative(&self) -> impl Iterator<Item = (Duration, u64)> {
        let mut sum = 0;
        Self::BOUNDS.into_iter().zip(self.counts).map(move |(bound, count)| {
            add(&mut sum, count);
            (bound, sum)
        })
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// How long they took together.
    #[must_use]
    pub const fn sum(&self) -> Duration {
        Duration::from_nanos(self.nanos)
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl AddAssign for Histogram {
    fn add_assign(&mut self, other: Self) {
        self.join(other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_what_is_at_most_as_long() {
        assert!(Histogram::BOUNDS.is_sorted());
        for (index, bound) in Histogram::BOUNDS.into_iter().enumerate() {
            let nano = Duration::from_nanos(1);
            for (duration, expected) in
                [(bound - nano, index), (bound, index), (bound + nano, index + 1)]
            {
                let mut histogram = Histogram::new();
                histogram.record(duration);
                let counts: alloc::vec::Vec<_> =
                    histogram.cumulative().map(|(_, count)| count).collect();
                let zeros = counts.iter().filter(|count| **count == 0).count();
                assert_eq!((zeros, histogram.count()), (expected, 1), "{duration:?}");
                assert!(counts.iter().skip(expected).all(|count| *count == 1));
                assert_eq!(histogram.sum(), duration);
            }
        }
    }

    #[test]
    fn two_are_joined_and_none_runs_over() {
        let mut one = Histogram::new();
        one.record(Duration::from_millis(3));
        let mut both = one;
        both += one;
        assert_eq!((both.count(), both.sum()), (2, Duration::from_millis(6)));
        both.record(Duration::MAX);
        assert_eq!((both.count(), both.sum()), (3, Duration::from_nanos(u64::MAX)));
        assert_eq!(both.cumulative().last(), Some((Duration::from_secs(86_400), 2)));
    }
}
