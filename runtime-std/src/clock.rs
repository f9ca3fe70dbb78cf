use std::time::{Duration, Instant};

/// The monotonic clock that tells a driver's connections the time.
///
/// Copies share their epoch, and only instants of one epoch may be compared: everything that
/// serves one connection uses copies of one clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    epoch: Instant,
}

impl Clock {
    /// A clock whose epoch is now.
    #[must_use]
    pub fn new() -> Self {
        Self { epoch: Instant::now() }
    }

    /// The time on this clock.
    #[must_use]
    pub fn now(&self) -> drywire::Instant {
        drywire::Instant::from_elapsed(self.epoch.elapsed())
    }

    /// How long it is since the epoch.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.epoch.elapsed()
    }

    /// How long it is until `at`; zero when that has passed, `None` when it never comes.
    #[must_use]
    pub fn until(&self, at: drywire::Instant) -> Option<Duration> {
        (at < drywire::Instant::MAX).then(|| at.saturating_duration_since(self.now()))
    }

    /// The standard library's name for `at`; `None` when that never comes.
    #[must_use]
    pub fn instant(&self, at: drywire::Instant) -> Option<Instant> {
        if at == drywire::Instant::MAX {
            return None;
        }
        self.epoch.checked_add(at.saturating_duration_since(drywire::Instant::ZERO))
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_share_the_epoch_and_never_is_never() {
        let clock = Clock::new();
        let copy = clock;
        let (earlier, later) = (clock.now(), copy.now());
        assert!(earlier <= later);
        assert_eq!(clock.until(earlier), Some(Duration::ZERO));
        let hour = Duration::from_secs(3600);
        assert!(clock.until(later + hour).is_some_and(|left| left <= hour && !left.is_zero()));
        assert_eq!(clock.until(drywire::Instant::MAX), None);
        assert_eq!(clock.instant(drywire::Instant::MAX), None);
        assert_eq!(clock.instant(drywire::Instant::ZERO + hour), Some(clock.epoch + hour));
    }
}
