use alloc::vec::Vec;
use core::time::Duration;

/// A bucket is at most 1/64 of what is in it wide, so its middle is at most 1/128 off.
const PRECISION_BITS: u32 = 6;

/// Times, as far as a few figures tell of them: least, most, mean, spread, percentiles, jitter.
///
/// Percentiles come from a histogram whose buckets widen with what they count: times below 128 ns
/// have one each, longer ones share it with those that differ by less than 1/64.
///
/// # Bounds
/// At most 30 KiB, however many times are recorded; as much as the longest of them needs. A
/// percentile is off by 1/128 (0.8 %) at most. Everything else is exact to 1 ns for up to 2^40 times
/// below 18 minutes; counters that run over stay at their end.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use drywire::ping::Distribution;
///
/// let mut times = Distribution::new();
/// [10, 20, 30].into_iter().for_each(|millis| times.record(Duration::from_millis(millis)));
/// assert_eq!(times.mean(), Some(Duration::from_millis(20)));
/// assert_eq!(times.percentile(100), times.max());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// As long as the highest bucket that counts something.
    buckets: Vec<u64>,
    count: u64,
    min: u64,
    max: u64,
    sum: u128,
    sum_of_squares: u128,
    last: u64,
    /// In sixteenths of a nanosecond, as RFC 3550 computes it.
    jitter: u128,
}

impl Distribution {
    /// No times yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            buckets: Vec::new(),
            count: 0,
            min: u64::MAX,
            max: 0,
            sum: 0,
            sum_of_squares: 0,
            last: 0,
            jitter: 0,
        }
    }

    /// Records a time.
    pub fn record(&mut self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let at = bucket_of(nanos);
        if self.buckets.len() <= at {
            self.buckets.resize(at + 1, 0);
        }
        if let Some(bucket) = self.buckets.get_mut(at) {
            *bucket = bucket.saturating_add(1);
        }
        if self.count > 0 {
            let difference = u128::from(nanos.abs_diff(self.last));
            let decay = self.jitter.saturating_add(8) >> 4;
            self.jitter = self.jitter.saturating_add(difference).saturating_sub(decay);
        }
        self.last = nanos;
        self.count = self.count.saturating_add(1);
        self.min = if self.count == 1 { nanos } else { self.min.min(nanos) };
        self.max = self.max.max(nanos);
        self.sum = self.sum.saturating_add(nanos.into());
        let square = u128::from(nanos).saturating_mul(nanos.into());
        self.sum_of_squares = self.sum_of_squares.saturating_add(square);
    }

    /// How many times there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The shortest.
    #[must_use]
    pub fn min(&self) -> Option<Duration> {
        self.figure(self.min)
    }

    /// The longest.
    #[must_use]
    pub fn max(&self) -> Option<Duration> {
        self.figure(self.max)
    }

    /// The arithmetic mean.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        self.figure(narrow(self.sum.checked_div(self.count.into()).unwrap_or(0)))
    }

    /// The standard deviation of these times, as ping's `mdev`.
    #[must_use]
    pub fn standard_deviation(&self) -> Option<Duration> {
        let count = u128::from(self.count.max(1));
        // About the mean rounded down, which adds less than 1 to the mean square.
        let mean = self.sum / count;
        let squares = self.sum_of_squares.saturating_add(count.saturating_mul(mean * mean));
        let squares = squares.saturating_sub(self.sum.saturating_mul(2 * mean));
        self.figure(narrow((squares / count).isqrt()))
    }

    /// The time that `percent` of all do not exceed: 50 is the median. Above 100 counts as 100.
    #[must_use]
    pub fn percentile(&self, percent: u8) -> Option<Duration> {
        let percent = u128::from(percent.min(100));
        let rank = (u128::from(self.count) * percent).div_ceil(100).max(1);
        // The first and the last are known exactly, and of few times most are.
        if rank <= 1 || rank >= self.count.into() {
            return self.figure(if rank <= 1 { self.min } else { self.max });
        }
        let mut passed = 0_u128;
        let at = self.buckets.iter().position(|count| {
            passed += u128::from(*count);
            passed >= rank
        });
        self.figure(at.map_or(self.max, middle_of).clamp(self.min, self.max))
    }

    /// How much one time differs from the one before, smoothed. `None` of less than two.
    ///
    /// # Specification
    /// RFC 3550, section 6.4.1 and appendix A.8, with round trips for transit times.
    #[must_use]
    pub fn jitter(&self) -> Option<Duration> {
        (self.count > 1).then(|| Duration::from_nanos(narrow(self.jitter >> 4)))
    }

    fn figure(&self, nanos: u64) -> Option<Duration> {
        (self.count > 0).then(|| Duration::from_nanos(nanos))
    }
}

fn narrow(nanos: u128) -> u64 {
    u64::try_from(nanos).unwrap_or(u64::MAX)
}

/// ```text
/// 0 … 127          a bucket each
/// 128 … 255        64 buckets of 2
/// 256 … 511        64 buckets of 4, and so on
/// ```
fn bucket_of(nanos: u64) -> usize {
    let shift = shift_of(nanos);
    // At most 57 * 64 + 127.
    usize::try_from((u64::from(shift) << PRECISION_BITS) + (nanos >> shift)).unwrap_or(0)
}

fn shift_of(nanos: u64) -> u32 {
    (u64::BITS - nanos.leading_zeros()).saturating_sub(PRECISION_BITS + 1)
}

fn middle_of(bucket: usize) -> u64 {
    let shift = (bucket >> PRECISION_BITS).saturating_sub(1);
    let start = (bucket - (shift << PRECISION_BITS)) as u64;
    (start << shift) + ((1 << shift) >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_cover_every_time_and_are_narrow() {
        let mut edges =
            std::vec![0, 1, 127, 128, 129, 255, 256, 1_000_000_007, u64::MAX - 1, u64::MAX];
        edges.extend((0..64).flat_map(|bit| [1 << bit, (1_u64 << bit) - 1, (1 << bit) + 1]));
        edges.sort_unstable();
        let mut last = 0;
        for nanos in edges {
            let bucket = bucket_of(nanos);
            assert!(bucket >= last && bucket <= 57 * 64 + 127);
            last = bucket;
            let middle = middle_of(bucket);
            assert_eq!(bucket_of(middle), bucket, "{nanos}");
            assert!(middle.abs_diff(nanos) <= nanos / 128, "{nanos}: {middle}");
        }
        let mut previous = None;
        for bucket in 0..=57 * 64 + 127 {
            let middle = middle_of(bucket);
            assert!(previous < Some(middle), "{bucket}");
            previous = Some(middle);
        }
    }

    #[test]
    fn nothing_has_no_figures() {
        let times = Distribution::new();
        let figures = [
            times.min(),
            times.max(),
            times.mean(),
            times.standard_deviation(),
            times.percentile(50),
            times.jitter(),
        ];
        assert_eq!((times.count(), figures), (0, [None; 6]));
    }

    #[test]
    fn figures_by_hand() {
        let mut times = Distribution::new();
        times.record(Duration::from_nanos(2));
        assert_eq!((times.jitter(), times.standard_deviation()), (None, Some(Duration::ZERO)));
        // 2, 4, 4, 4, 5, 5, 7, 9: mean 5, deviation 2.
        for nanos in [4, 4, 4, 5, 5, 7, 9] {
            times.record(Duration::from_nanos(nanos));
        }
        let nanos = |time: Option<Duration>| time.map(|time| time.as_nanos());
        assert_eq!(nanos(times.mean()), Some(5));
        assert_eq!(nanos(times.standard_deviation()), Some(2));
        assert_eq!((nanos(times.min()), nanos(times.max())), (Some(2), Some(9)));
        let percentiles = [0, 50, 51, 75, 87, 88, 100, 255].map(|p| nanos(times.percentile(p)));
        assert_eq!(percentiles, [2, 4, 5, 5, 7, 9, 9, 9].map(Some));
    }

    #[test]
    fn jitter_by_hand() {
        let mut times = Distribution::new();
        times.record(Duration::from_nanos(1000));
        times.record(Duration::from_nanos(1160));
        assert_eq!(times.jitter(), Some(Duration::from_nanos(10)));
        // 10 + (160 - 10) / 16, and 1/16 of a nanosecond is kept.
        times.record(Duration::from_nanos(1000));
        assert_eq!(times.jitter(), Some(Duration::from_nanos(19)));
        // Goes back when nothing changes.
        (0..1000).for_each(|_| times.record(Duration::from_nanos(1000)));
        assert_eq!(times.jitter(), Some(Duration::ZERO));
    }

    #[test]
    fn the_longest_times_are_no_trouble() {
        let mut times = Distribution::new();
        for _ in 0..3 {
            times.record(Duration::MAX);
            times.record(Duration::ZERO);
        }
        assert_eq!(times.max(), Some(Duration::from_nanos(u64::MAX)));
        assert!(times.mean() < times.max() && times.standard_deviation().is_some());
        assert!(times.buckets.len() * 8 <= 30 * 1024);
    }
}
