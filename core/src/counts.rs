//! What all statistics are: counts, each in its place.

use alloc::vec::Vec;

/// Counts in a fixed order.
pub(crate) trait Counts: Copy {
    /// Where each count is.
    fn places(&mut self) -> impl Iterator<Item = &mut u64>;

    /// All counts, one after the other.
    fn numbers(mut self) -> Vec<u64> {
        self.places().map(|place| *place).collect()
    }

    /// These, with `numbers` for their counts. `None` if there are more numbers or fewer.
    fn with_numbers(mut self, numbers: impl IntoIterator<Item = u64>) -> Option<Self> {
        let mut numbers = numbers.into_iter();
        for place in self.places() {
            *place = numbers.next()?;
        }
        numbers.next().is_none().then_some(self)
    }

    /// Adds every count of `other`.
    fn join(&mut self, mut other: Self) {
        for (place, count) in self.places().zip(other.places()) {
            add(place, *count);
        }
    }
}

/// Counts `count` more. A counter that runs over stays at its end.
pub(crate) const fn add(counter: &mut u64, count: u64) {
    *counter = counter.saturating_add(count);
}
