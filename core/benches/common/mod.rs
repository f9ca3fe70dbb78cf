//! Paired measurement: what is measured and its limit take turns, so that a machine whose speed
//! drifts changes both, and the ratio of each pair is what counts.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Whether this is `cargo bench`. Otherwise everything runs once, as a test.
pub(crate) fn is_bench() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// What one side of a pair took per round.
fn seconds_per_round(rounds: u32, mut round: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..rounds {
        round();
    }
    start.elapsed().as_secs_f64() / f64::from(rounds)
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Times `ours` against `limit`, both of which handle `len` bytes in `frames` frames a round, and
/// prints a line: throughput, time per frame, and the median, least and greatest ratio of pairs.
pub(crate) fn pair(
    name: &str,
    len: usize,
    frames: usize,
    mut ours: impl FnMut() -> usize,
    limit_name: &str,
    mut limit: impl FnMut() -> usize,
) {
    if !is_bench() {
        black_box((ours(), limit()));
        return;
    }
    const PAIRS: usize = 9;
    let target = Duration::from_millis(40).as_secs_f64();
    let once = seconds_per_round(3, || {
        black_box(ours());
    });
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few thousand")]
    let rounds = (target / once).clamp(1.0, 1e6) as u32;
    let (mut times, mut ratios) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let ours = seconds_per_round(rounds, || {
            black_box(ours());
        });
        let limit = seconds_per_round(rounds, || {
            black_box(limit());
        });
        times.push(ours);
        ratios.push(ours / limit);
    }
    let time = median(times);
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = ratios.iter().copied().fold(0.0, f64::max);
    println!(
        "{name:<34} {:>9.0} MB/s {:>9.2} ns/frame   {:>6.2} x {limit_name} ({least:.2} to {greatest:.2})",
        len as f64 / time / 1e6,
        time / frames as f64 * 1e9,
        median(ratios),
    );
}
