//! Round trips drawn in braille: two of them and four steps of height in each character.

use std::time::Duration;

/// How many round trips a character shows side by side.
pub(super) const SAMPLES_PER_CELL: usize = 2;

/// The steps of height in a character.
const STEPS_PER_CELL: usize = 4;

/// The dots of a character, from the bottom up: those on the left, those on the right.
const DOTS: [[u32; STEPS_PER_CELL]; SAMPLES_PER_CELL] =
    [[0x40, 0x04, 0x02, 0x01], [0x80, 0x20, 0x10, 0x08]];

/// Draws the latest samples that fit, the newest at the right, as columns from the bottom to their
/// height beside `max`; one that is lost (`None`) leaves a gap. Rows from the top down.
pub(super) fn plot(
    samples: &[Option<Duration>],
    max: Duration,
    width: usize,
    rows: usize,
) -> Vec<String> {
    let shown = &samples[samples.len().saturating_sub(width * SAMPLES_PER_CELL)..];
    let heights: Vec<_> = shown.iter().map(|sample| height(*sample, max, rows)).collect();
    let row = |row: usize| {
        let below = (rows - 1 - row) * STEPS_PER_CELL;
        let cell = |pair: &[usize]| {
            let dots = pair.iter().zip(DOTS).flat_map(|(height, dots)| {
                let here = height.saturating_sub(below).min(STEPS_PER_CELL);
                dots.into_iter().take(here)
            });
            char::from_u32(0x2800 + dots.sum::<u32>()).unwrap_or(' ')
        };
        heights.chunks(SAMPLES_PER_CELL).map(cell).collect()
    };
    (0..rows).map(row).collect()
}

/// In steps; what came back has one at least.
fn height(sample: Option<Duration>, max: Duration, rows: usize) -> usize {
    let Some(sample) = sample else { return 0 };
    let steps = u128::try_from(rows * STEPS_PER_CELL).unwrap_or(1);
    let height = (sample.as_nanos() * steps).div_ceil(max.as_nanos().max(1));
    usize::try_from(height.clamp(1, steps)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(millis: &[u64], width: usize, rows: usize) -> Vec<String> {
        // 0 stands for what was lost.
        let samples: Vec<_> = millis
            .iter()
            .map(|millis| (*millis > 0).then(|| Duration::from_millis(*millis)))
            .collect();
        let max = samples.iter().flatten().max().copied().unwrap_or_default();
        plot(&samples, max, width, rows)
    }

    #[test]
    fn columns_are_as_high_as_their_samples() {
        assert_eq!(draw(&[1, 2, 3, 4], 10, 1), ["⣠⣾"]);
        assert_eq!(draw(&[4, 4], 10, 1), ["⣿"]);
        assert_eq!(draw(&[1, 8, 5, 4], 10, 2), ["⢸⡀", "⣸⣿"]);
        // Whatever came back shows.
        assert_eq!(draw(&[1, 1000], 10, 1), ["⣸"]);
    }

    #[test]
    fn what_was_lost_is_a_gap() {
        assert_eq!(draw(&[4, 0, 0, 4], 10, 1), ["⡇⢸"]);
        assert_eq!(draw(&[0, 0, 0], 10, 2), ["⠀⠀", "⠀⠀"]);
        assert_eq!(draw(&[], 10, 2), ["", ""]);
    }

    #[test]
    fn the_newest_samples_are_shown() {
        assert_eq!(draw(&[9, 9, 9, 9, 4, 0, 8, 8], 2, 1), ["⡄⣿"]);
        assert_eq!(draw(&[4; 100], 3, 1), ["⣿⣿⣿"]);
    }
}
