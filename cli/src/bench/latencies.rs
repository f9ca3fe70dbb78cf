//! Latencies, in all and in slices of the run.

use std::time::Duration;

use drywire::load::Record;
use hdrhistogram::Histogram;

/// Three digits of anything up to an hour.
const NANOS_MAX: u64 = 3_600_000_000_000;
const DIGITS: u8 = 3;

/// The quantiles that are told, by name.
pub(super) const QUANTILES: [(&str, f64); 4] =
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

/// What was recorded since the beginning, and since the last [slice](Self::cut).
#[derive(Clone)]
pub(super) struct Latencies {
    total: Histogram<u64>,
    slice: Histogram<u64>,
    slices: Vec<Slice>,
}

/// What happened between two looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Slice {
    pub(super) rate: f64,
    /// In seconds, of [`QUANTILES`].
    pub(super) quantiles: [f64; 4],
}

impl Latencies {
    pub(super) fn new() -> Self {
        // The bounds are legal.
        let empty = || {
            Histogram::new_with_bounds(1, NANOS_MAX, DIGITS)
                .unwrap_or_else(|_| unreachable!("legal bounds"))
        };
        Self { total: empty(), slice: empty(), slices: Vec::new() }
    }

    /// Ends a slice that took so long; without a time it counts in the total only.
    pub(super) fn cut(&mut self, time: Option<Duration>) {
        if self.slice.is_empty() {
            return;
        }
        if let Some(time) = time {
            let rate = self.slice.len() as f64 / time.as_secs_f64().max(1e-9);
            let quantiles = QUANTILES.map(|(_, quantile)| seconds(&self.slice, quantile));
            self.slices.push(Slice { rate, quantiles });
        }
        // Of the same bounds.
        let _ = self.total.add(&self.slice);
        self.slice.reset();
    }

    /// Those of all slices.
    pub(super) const fn total(&self) -> &Histogram<u64> {
        &self.total
    }

    pub(super) fn slices(&self) -> &[Slice] {
        &self.slices
    }
}

impl Record for Latencies {
    fn record(&mut self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.slice.saturating_record(nanos.max(1));
    }

    /// Counts in the total only: a slice says what was answered in it.
    fn record_waiting(&mut self, waited: Duration, count: u64) {
        let nanos = u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX);
        self.total.saturating_record_n(nanos.max(1), count);
    }
}

/// A quantile, in seconds.
pub(super) fn seconds(histogram: &Histogram<u64>, quantile: f64) -> f64 {
    histogram.value_at_quantile(quantile) as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_make_the_total() {
        let mut latencies = Latencies::new();
        latencies.cut(Some(Duration::from_secs(1)));
        assert!(latencies.slices().is_empty(), "nothing was asked yet");
        for slice in 1..=2 {
            (0..100 * slice).for_each(|_| latencies.record(Duration::from_millis(slice)));
            latencies.cut(Some(Duration::from_secs(2)));
        }
        let rates: Vec<_> = latencies.slices().iter().map(|slice| slice.rate).collect();
        assert_eq!(rates, [50.0, 100.0]);
        assert_eq!(latencies.total().len(), 300);
        let median = latencies.slices()[0].quantiles[0];
        assert!((median - 1e-3).abs() < 1e-6, "{median}");
        assert!((seconds(latencies.total(), 1.0) - 2e-3).abs() < 2e-6);
        latencies.record(Duration::MAX);
        latencies.record(Duration::ZERO);
        latencies.cut(None);
        assert_eq!(latencies.total().len(), 302);
        let slices = latencies.slices().len();
        assert_eq!(slices, 2, "a rest is no slice");
        latencies.record_waiting(Duration::from_secs(9), 10_000_000_000);
        latencies.cut(Some(Duration::from_secs(1)));
        assert_eq!(latencies.total().len(), 10_000_000_302);
        assert_eq!(latencies.slices().len(), slices, "nothing was answered");
    }
}
