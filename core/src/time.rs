//! Time as an argument: the core never asks a clock.

use core::fmt;
use core::ops::Add;
use core::time::Duration;

/// A point in time: nanoseconds since an epoch that the driver picks.
///
/// The driver takes it from a monotonic clock, a simulator from a counter. All instants given to
/// one connection must share the epoch; a connection that is told an earlier time than it has
/// seen goes on with the latest. The range is 584 years; arithmetic saturates, and [`Self::MAX`]
/// means "never".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The last instant, which is never reached.
    pub const MAX: Self = Self(u64::MAX);
    /// The epoch itself.
    pub const ZERO: Self = Self(0);

    /// The instant `nanos` nanoseconds after the epoch.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The instant `elapsed` after the epoch; [`Self::MAX`] when it lies beyond.
    #[must_use]
    pub fn from_elapsed(elapsed: Duration) -> Self {
        Self(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX))
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to `self`, zero when `earlier` is later.
    #[must_use]
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The first instant that is later than `self`; [`Self::MAX`] stays itself.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// Saturates at [`Instant::MAX`].
impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(Self::from_elapsed(duration).0))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", Duration::from_nanos(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Instant::from_nanos(5) + Duration::from_nanos(7), Instant::from_nanos(12));
        assert_eq!(Instant::from_nanos(5) + Duration::MAX, Instant::MAX);
        assert_eq!(Instant::MAX.next(), Instant::MAX);
        assert_eq!(Instant::from_elapsed(Duration::MAX), Instant::MAX);
        let later = Instant::from_nanos(9);
        assert_eq!(Instant::ZERO.saturating_duration_since(later), Duration::ZERO);
        assert_eq!(later.saturating_duration_since(Instant::ZERO), Duration::from_nanos(9));
    }
}
