//! What is shown on a terminal while a load is on: a histogram of the latencies so far.

use hdrhistogram::Histogram;

use super::report::{count, time};
use crate::canvas::Canvas;
use crate::output::Output;

/// Rows of the histogram at most, and their widest bar.
const ROWS: usize = 13;
const BAR_LEN: usize = 40;

/// What stands around a bar.
const AROUND_LEN: usize = 29;

/// Lines that are drawn anew and rubbed out at the end; none off a terminal.
pub(super) struct Screen(Option<Canvas>);

impl Screen {
    pub(super) fn new(output: Output) -> Self {
        Self(if output.is_json() { None } else { Canvas::new() })
    }

    pub(super) fn draw(&mut self, latencies: &Histogram<u64>, rate: f64) {
        let Some(canvas) = &mut self.0 else { return };
        let title = if latencies.is_empty() {
            "warming up".to_owned()
        } else {
            format!("{} requests, {} a second now", latencies.len(), count(rate))
        };
        let (width, height) = Canvas::size();
        let rows = lines(latencies, width, height.saturating_sub(1));
        canvas.draw(&[title].into_iter().chain(rows).collect::<Vec<_>>());
    }

    pub(super) fn end(&mut self) {
        self.0.iter_mut().for_each(Canvas::clear);
    }
}

/// A row for each doubling, or for less than one if they are few, no more than `rows_max`.
#[expect(clippy::cast_possible_truncation, reason = "nanoseconds of an hour, and a bar")]
fn lines(latencies: &Histogram<u64>, width: usize, rows_max: usize) -> Vec<String> {
    let rows_max = rows_max.min(ROWS);
    if latencies.is_empty() || rows_max < 2 {
        return Vec::new();
    }
    let bar_len = width.saturating_sub(AROUND_LEN).min(BAR_LEN);
    let (min, max) = (latencies.min().max(1), latencies.max().max(1));
    let doublings = (max as f64 / min as f64).log2().max(1.0);
    let step = (doublings / (rows_max - 1) as f64).max(0.25).exp2();
    let mut rows: Vec<(u64, u64)> = Vec::new();
    let mut from = min;
    while from <= max {
        let until =
            if rows.len() + 1 < rows_max { (from as f64 * step).ceil() as u64 } else { max };
        // The histogram counts both ends, and what it does not tell apart from them.
        let last = latencies.highest_equivalent(until.saturating_sub(1).max(from));
        rows.push((last, latencies.count_between(from, last)));
        from = last + 1;
    }
    let most = rows.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    let row = |(last, count): (u64, u64)| {
        let len = (count as f64 / most as f64 * bar_len as f64).ceil() as usize;
        let bar = "█".repeat(len);
        let share = count as f64 / latencies.len() as f64 * 100.0;
        format!("  up to {:>8}  {bar:bar_len$} {share:6.2} %", time(last as f64 / 1e9))
    };
    rows.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_cover_all_latencies_and_are_few() {
        for (least, most) in [(1, 1), (1, 3_000_000_000), (100_000, 100_900), (5_000, 40_000)] {
            let mut latencies = Histogram::new_with_bounds(1, 3_600_000_000_000, 3).unwrap();
            latencies.record(least).unwrap();
            latencies.record(most).unwrap();
            for (width, height) in [(79, 100), (79, 5), (40, 2), (AROUND_LEN, 10)] {
                let lines = lines(&latencies, width, height);
                assert!((1..=ROWS.min(height)).contains(&lines.len()), "{lines:?}");
                assert!(lines.iter().all(|line| line.chars().count() <= width), "{lines:?}");
                let has_bars = lines.iter().any(|line| line.contains('█'));
                assert_eq!(has_bars, width > AROUND_LEN, "{lines:?}");
                let shares = lines.iter().map(|line| {
                    line.rsplit_once(' ').unwrap().0.rsplit_once(' ').unwrap().1.parse::<f64>()
                });
                assert_eq!(shares.sum::<Result<f64, _>>(), Ok(100.0), "{lines:?}");
            }
            assert!(lines(&latencies, 79, 1).is_empty());
        }
    }
}
