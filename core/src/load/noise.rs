/// Whether two series of measurements differ in their means by more than three standard errors of
/// the difference. None if either has less than three, which tell nothing of its noise.
///
/// # Specification
/// Welch's t statistic, compared with 3: of series without a difference fewer than one in a hundred
/// come so far, if they have ten measurements each.
#[must_use]
pub fn is_beyond_noise(a: &[f64], b: &[f64]) -> Option<bool> {
    let ((a_mean, a_error), (b_mean, b_error)) = (mean_and_error(a)?, mean_and_error(b)?);
    let difference = a_mean - b_mean;
    // Squares, for want of a root.
    Some(difference * difference > 9.0 * (a_error + b_error))
}

/// The mean, and the square of its standard error.
fn mean_and_error(figures: &[f64]) -> Option<(f64, f64)> {
    let count = figures.len() as f64;
    if figures.len() < 3 {
        return None;
    }
    let mean = figures.iter().sum::<f64>() / count;
    let squares = figures.iter().map(|figure| (figure - mean) * (figure - mean)).sum::<f64>();
    Some((mean, squares / (count - 1.0) / count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_told_from_a_difference() {
        // Deviation 1, so that a mean of four has an error of 1/2, and a difference of 0.707.
        let series = |mean: f64| [mean - 1.224_745, mean, mean, mean + 1.224_745];
        assert_eq!(is_beyond_noise(&series(5.0), &series(5.0)), Some(false));
        assert_eq!(is_beyond_noise(&series(5.0), &series(7.12)), Some(false));
        assert_eq!(is_beyond_noise(&series(5.0), &series(7.13)), Some(true));
        assert_eq!(is_beyond_noise(&series(7.13), &series(5.0)), Some(true));
        assert_eq!(is_beyond_noise(&[1.0; 3], &[1.0; 3]), Some(false));
        assert_eq!(is_beyond_noise(&[1.0; 3], &[2.0; 3]), Some(true));
        assert_eq!(is_beyond_noise(&[1.0; 2], &[2.0; 3]), None);
    }
}
