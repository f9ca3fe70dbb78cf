use alloc::vec::Vec;

use super::{Histogram, Statistics};
use crate::counts::Counts;

/// For processes of one program: the order and the count of the numbers are those of this version.
impl Statistics {
    /// All counts, one after the other.
    ///
    /// # Examples
    /// ```
    /// use drywire::statistics::Statistics;
    ///
    /// let statistics = Statistics::new();
    /// let numbers = statistics.to_numbers();
    /// assert_eq!(Statistics::from_numbers(numbers), Some(statistics));
    /// ```
    #[must_use]
    pub fn to_numbers(&self) -> Vec<u64> {
        self.numbers()
    }

    /// Statistics of all their counts. `None` if there are more numbers or fewer.
    #[must_use]
    pub fn from_numbers(numbers: impl IntoIterator<Item = u64>) -> Option<Self> {
        Self::new().with_numbers(numbers)
    }
}

impl Counts for Statistics {
    fn places(&mut self) -> impl Iterator<Item = &mut u64> {
        let Self {
            accepted,
            active,
            refused,
            refusals,
            closed,
            received_len,
            transmitted_len,
            handshakes,
            handshake_time,
            connection_time,
        } = self;
        [accepted, active, refused, received_len, transmitted_len]
            .into_iter()
            .chain(refusals)
            .chain(closed)
            .chain(handshakes)
            .chain(handshake_time.places())
            .chain(connection_time.places())
    }
}

impl Counts for Histogram {
    fn places(&mut self) -> impl Iterator<Item = &mut u64> {
        let Self { counts, nanos } = self;
        counts.iter_mut().chain([nanos])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_has_a_number_of_its_own() {
        let len = Statistics::new().to_numbers().len();
        let numbers: Vec<_> = (1..=len as u64).collect();
        let statistics = Statistics::from_numbers(numbers.iter().copied()).unwrap();
        assert_eq!(statistics.to_numbers(), numbers);
        // Each of them counts: joined with itself every one is doubled.
        let mut both = statistics;
        both += statistics;
        assert!(both.to_numbers().iter().zip(&numbers).all(|(both, one)| *both == 2 * one));
        for other in [len - 1, len + 1] {
            assert_eq!(Statistics::from_numbers((0..other).map(|_| 0)), None);
        }
    }
}
