//! What is shown on a terminal while a load is on: a histogram of the latencies so far.

use std::env;
use std::io::{self, IsTerminal};

use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::report::{count, time};
use crate::output::Output;

/// Rows of the histogram at most, and their widest bar.
const ROWS: usize = 12;
const BAR_LEN: usize = 40;

/// Lines on standard error that are drawn anew and rubbed out at the end; none off a terminal.
pub(super) struct Screen(Option<ProgressBar>);

impl Screen {
    pub(super) fn new(output: Output) -> Self {
        let is_dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
        if output.is_json() || is_dumb || !io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        // The template is a legal one.
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        Self(Some(bar))
    }

    pub(super) fn draw(&self, latencies: &Histogram<u64>, rate: f64) {
        let Some(bar) = &self.0 else { return };
        let title = if latencies.is_empty() {
            "warming up".to_owned()
        } else {
            format!("{} requests, {} a second now", latencies.len(), count(rate))
        };
        let lines = [title].into_iter().chain(lines(latencies)).collect::<Vec<_>>();
        bar.set_message(lines.join("\n"));
        bar.tick();
    }

    pub(super) fn end(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// A row for each doubling, or for less than one if they are few.
#[expect(clippy::cast_possible_truncation, reason = "nanoseconds of an hour, and a bar")]
fn lines(latencies: &Histogram<u64>) -> Vec<String> {
    if latencies.is_empty() {
        return Vec::new();
    }
    let (min, max) = (latencies.min().max(1), latencies.max().max(1));
    let doublings = (max as f64 / min as f64).log2().max(1.0);
    let step = (doublings / ROWS as f64).max(0.25).exp2();
    let mut rows: Vec<(f64, u64)> = Vec::new();
    let mut from = min as f64;
    while from <= max as f64 && rows.len() <= ROWS {
        let until = from * step;
        // The histogram counts both ends.
        let last = (until.ceil() as u64).saturating_sub(1).max(from as u64);
        rows.push((until, latencies.count_between(from.ceil() as u64, last)));
        from = until;
    }
    let most = rows.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    let row = |(until, count): (f64, u64)| {
        let len = (count as f64 / most as f64 * BAR_LEN as f64).ceil() as usize;
        let bar = "█".repeat(len);
        let share = count as f64 / latencies.len() as f64 * 100.0;
        format!("  up to {:>8}  {bar:BAR_LEN$} {share:6.2} %", time(until / 1e9))
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
            let lines = lines(&latencies);
            assert!((1..=ROWS + 1).contains(&lines.len()), "{lines:?}");
            assert!(lines.iter().any(|line| line.contains('█')), "{lines:?}");
        }
    }
}
