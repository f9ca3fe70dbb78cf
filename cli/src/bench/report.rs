//! What came out, for people and as JSON.

use std::time::Duration;

use drywire::connection::CloseKind;
use drywire::load::{LoadStatistics, Mismatch};
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::latencies::{Latencies, QUANTILES, Slice, seconds};
use super::options;
use crate::args::BenchArguments;
use crate::text::hex;

/// Of the JSON: it rises when a member changes its meaning or goes.
pub(super) const VERSION: u64 = 1;

/// Figures of a run.
pub(super) struct Report {
    pub(super) requests: u64,
    pub(super) seconds: f64,
    bytes: u64,
    /// Requests a second that were asked for, if many of them were never sent.
    rate_missed: Option<f64>,
    errors: Vec<(String, u64)>,
}

impl Report {
    pub(super) fn new(statistics: &LoadStatistics<Latencies>, arguments: &BenchArguments) -> Self {
        let mut errors: Vec<(String, u64)> = [
            ("mismatched", statistics.mismatched),
            ("unanswered", statistics.unanswered),
            ("unsent", statistics.unsent),
            ("connect_failed", statistics.connect_failed),
        ]
        .map(|(name, count)| (name.to_owned(), count))
        .into();
        // What is no echo is told as that.
        let lost = statistics.lost.iter().filter(|(kind, _)| **kind != CloseKind::LocalError);
        errors.extend(lost.map(|(kind, count)| (kind.name().to_owned(), *count)));
        errors.retain(|(_, count)| *count > 0);
        Self {
            requests: statistics.completed,
            seconds: statistics.elapsed().as_secs_f64(),
            bytes: statistics.completed.saturating_mul(arguments.size.get() as u64),
            rate_missed: arguments
                .rate
                .filter(|_| statistics.is_rate_missed)
                .map(|rate| rate.get() as f64),
            errors,
        }
    }

    fn per_second(&self, count: u64) -> f64 {
        if self.seconds > 0.0 { count as f64 / self.seconds } else { 0.0 }
    }

    /// A table: what, figures.
    pub(super) fn text(&self, statistics: &LoadStatistics<Latencies>, has_rate: bool) -> String {
        let (requests, bytes) = (self.per_second(self.requests), self.per_second(self.bytes));
        if self.seconds == 0.0 {
            return "interrupted before anything was counted".to_owned();
        }
        let mut text = format!(
            "{:>12} requests in {}, {} a second, {} a second\n\n",
            self.requests,
            time(self.seconds),
            count(requests),
            volume(bytes)
        );
        text.push_str(&head());
        if self.requests == 0 {
            // How long those had waited that were given up says nothing of the server's speed.
            text.push_str("latency       nothing was answered\n");
        } else {
            text.push_str(&line("latency", statistics.latency.total()));
            if has_rate {
                text.push_str(&line("uncorrected", statistics.service.total()));
            }
        }
        if self.requests > 0 && statistics.unanswered + statistics.unsent > 0 {
            text.push_str("what was not answered counts as long as it had waited: a lower bound\n");
        }
        if let Some(rate) = self.rate_missed {
            let (reached, asked) = (count(requests), count(rate));
            text.push_str(&format!("\nasked for {asked} a second, reached {reached} a second\n"));
        }
        if self.errors.is_empty() {
            text.push_str("\nno errors");
        } else {
            let errors = self.errors.iter().map(|(name, count)| format!("{count} {name}"));
            let errors: Vec<_> = errors.collect();
            text.push_str(&format!("\nerrors: {}", errors.join(", ").replace('_', " ")));
        }
        if let Some(mismatch) = &statistics.mismatch {
            text.push_str(&comparison(mismatch));
        }
        text
    }

    pub(super) fn json(
        &self,
        statistics: &LoadStatistics<Latencies>,
        arguments: &BenchArguments,
    ) -> Value {
        let errors: serde_json::Map<_, _> =
            self.errors.iter().map(|(name, count)| (name.clone(), json!(count))).collect();
        let has_rate = arguments.rate.is_some();
        json!({
            "event": "bench",
            "version": VERSION,
            "address": arguments.address.as_ref().map(ToString::to_string),
            "options": options_json(arguments),
            "requests": self.requests,
            "bytes": self.bytes,
            "seconds": self.seconds,
            "requests_per_second": self.per_second(self.requests),
            "bytes_per_second": self.per_second(self.bytes),
            "latency": figures(statistics.latency.total()),
            "uncorrected": has_rate.then(|| figures(statistics.service.total())),
            "rate_missed": self.rate_missed.is_some(),
            "errors": errors,
            "mismatch": statistics.mismatch.as_ref().map(mismatch),
            "slices": statistics.latency.slices().iter().map(slice).collect::<Vec<_>>(),
        })
    }
}

fn options_json(arguments: &BenchArguments) -> Value {
    let options = options(arguments);
    json!({
        "connections": arguments.connections.get(),
        "in_flight": arguments.in_flight.map_or(1, Into::into),
        "size": arguments.size.get(),
        "framing": arguments.framing.framing().to_string(),
        "rate": arguments.rate,
        "connect": arguments.connect,
        "resume": arguments.resume,
        "warm_up": arguments.warm_up.0.as_secs_f64(),
        "duration": seconds_of(options.duration),
        "count": options.requests_max,
        "timeout": seconds_of(options.timeout),
    })
}

/// `null` of what never passes.
fn seconds_of(time: Duration) -> Option<f64> {
    (time < Duration::MAX).then_some(time.as_secs_f64())
}

fn mismatch(mismatch: &Mismatch) -> Value {
    json!({
        "connection": mismatch.connection,
        "answer": mismatch.answer,
        "offset": mismatch.offset,
        "before": hex(&mismatch.before, ""),
        "expected": hex(&mismatch.expected, ""),
        "found": hex(&mismatch.found, ""),
    })
}

/// What should have come above what came, the first byte that differs in brackets.
fn comparison(mismatch: &Mismatch) -> String {
    let line = |title: &str, bytes: &[u8]| {
        let before = hex(&mismatch.before, " ");
        let (first, rest) = bytes.split_at(bytes.len().min(1));
        let line = format!("  {title:9}{before:>23} [{:2}] {}", hex(first, ""), hex(rest, " "));
        format!("\n{}", line.trim_end())
    };
    format!(
        "\n\n{mismatch}{}{}",
        line("expected", &mismatch.expected),
        line("found", &mismatch.found)
    )
}

fn slice(slice: &Slice) -> Value {
    let mut value = json!({ "requests_per_second": slice.rate });
    for ((name, _), seconds) in QUANTILES.iter().zip(slice.quantiles) {
        value[*name] = json!(seconds);
    }
    value
}

/// `null` of nothing.
fn figures(histogram: &Histogram<u64>) -> Value {
    if histogram.is_empty() {
        return Value::Null;
    }
    let mut value = json!({
        "min": histogram.min() as f64 / 1e9,
        "mean": histogram.mean() / 1e9,
        "standard_deviation": histogram.stdev() / 1e9,
        "max": histogram.max() as f64 / 1e9,
    });
    for (name, quantile) in QUANTILES {
        value[name] = json!(seconds(histogram, quantile));
    }
    value
}

fn head() -> String {
    let names = ["min"].into_iter().chain(QUANTILES.iter().map(|(name, _)| *name));
    let names = names.chain(["max", "mean"]).map(|name| format!("{name:>9}"));
    format!("{:12}{}\n", "", names.collect::<String>())
}

fn line(title: &str, histogram: &Histogram<u64>) -> String {
    if histogram.is_empty() {
        return format!("{title:12}  nothing was answered\n");
    }
    let quantiles = QUANTILES.iter().map(|(_, quantile)| seconds(histogram, *quantile));
    let figures = [histogram.min() as f64 / 1e9]
        .into_iter()
        .chain(quantiles)
        .chain([histogram.max() as f64 / 1e9, histogram.mean() / 1e9]);
    format!("{title:12}{}\n", figures.map(|s| format!("{:>9}", time(s))).collect::<String>())
}

/// Three digits and a unit.
pub(super) fn time(seconds: f64) -> String {
    let (figure, unit) = match seconds {
        seconds if seconds < 1e-6 => (seconds * 1e9, "ns"),
        seconds if seconds < 1e-3 => (seconds * 1e6, "µs"),
        seconds if seconds < 1.0 => (seconds * 1e3, "ms"),
        seconds => (seconds, "s"),
    };
    format!("{} {unit}", three_digits(figure))
}

/// Three digits, or all of them before the point.
pub(super) fn count(figure: f64) -> String {
    if figure < 1000.0 { three_digits(figure) } else { format!("{figure:.0}") }
}

fn volume(bytes: f64) -> String {
    let units = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    let unit = units.into_iter().find(|(size, _)| bytes >= *size);
    unit.map_or_else(
        || format!("{bytes:.0} B"),
        |(size, unit)| format!("{} {unit}", three_digits(bytes / size)),
    )
}

fn three_digits(figure: f64) -> String {
    let digits = if figure < 10.0 { 2 } else { usize::from(figure < 100.0) };
    format!("{figure:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits() {
        let times = [2e-9, 1.234e-5, 0.1, 1.5, 150.0].map(time);
        assert_eq!(times, ["2.00 ns", "12.3 µs", "100 ms", "1.50 s", "150 s"]);
        assert_eq!([9.0, 99.0, 123_456.0].map(count), ["9.00", "99.0", "123456"]);
        assert_eq!([12.0, 1.5e3, 2.0e9].map(volume), ["12 B", "1.50 kB", "2.00 GB"]);
    }

    #[test]
    fn nothing_has_no_figures() {
        let latencies = Latencies::new();
        assert_eq!(figures(latencies.total()), Value::Null);
        assert_eq!(line("latency", latencies.total()), "latency       nothing was answered\n");
    }
}
