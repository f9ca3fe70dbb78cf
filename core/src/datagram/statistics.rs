use alloc::vec::Vec;
use core::ops::AddAssign;

use crate::counts::{Counts, add};
use crate::error::Fault;
use crate::kinds::kinds;

kinds! {
    /// Why a datagram that came was not taken.
    Dropped {
        /// The endpoint is closed.
        Closed => "closed",
        /// It answers a request that is over.
        Duplicate => "duplicate",
        /// It comes from the endpoint itself, or from another of its kind.
        OwnAddress => "own_address",
        /// The queue was full.
        QueueFull => "queue_full",
        /// Services, which may answer an answer, send from there.
        ServicePort => "service_port",
        /// The source must pause.
        SourcePaused => "source_paused",
        /// The source sends more than it may.
        SourceRate => "source_rate",
        /// It answers nothing that was asked.
        Stranger => "stranger",
        /// It is longer than the limit.
        TooLong => "too_long",
        /// There is nobody at the source's address to answer.
        Unanswerable => "unanswerable",
        /// The application had no use for it.
        Unwanted => "unwanted",
    }
}

/// Counts of a datagram endpoint since it began.
///
/// What was received was yielded, was dropped for a reason, or waits; what was queued was
/// transmitted, failed, was discarded when the endpoint was closed, or waits. Counters that run
/// over stay at their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DatagramStatistics {
    /// Datagrams that came.
    pub received: u64,
    /// Their bytes.
    pub received_len: u64,
    /// Of those that came, the ones that the application was given and had a use for.
    pub yielded: u64,
    /// Of those that came, the others, by [`Dropped::index`].
    pub dropped: [u64; Dropped::COUNT],
    /// Datagrams that were queued to be sent.
    pub queued: u64,
    /// Of those, the ones that were sent.
    pub transmitted: u64,
    /// Their bytes.
    pub transmitted_len: u64,
    /// Of those that were queued, the ones that the system did not take.
    pub failed: u64,
    /// Of those that were queued, the ones that were discarded at the end.
    pub discarded: u64,
    /// Faults that the socket reported, which end nothing, by [`Fault::index`].
    pub faults: [u64; Fault::COUNT],
}

impl DatagramStatistics {
    /// Counts of an endpoint to which nothing has happened.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            received: 0,
            received_len: 0,
            yielded: 0,
            dropped: [0; Dropped::COUNT],
            queued: 0,
            transmitted: 0,
            transmitted_len: 0,
            failed: 0,
            discarded: 0,
            faults: [0; Fault::COUNT],
        }
    }

    /// Datagrams that were dropped for this reason.
    #[must_use]
    pub fn dropped_as(&self, reason: Dropped) -> u64 {
        self.dropped.get(reason.index()).copied().unwrap_or(0)
    }

    /// Datagrams that were dropped for any reason.
    #[must_use]
    pub fn dropped_in_all(&self) -> u64 {
        self.dropped.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Faults of this kind.
    #[must_use]
    pub fn faults_as(&self, fault: Fault) -> u64 {
        self.faults.get(fault.index()).copied().unwrap_or(0)
    }

    /// All counts, one after the other: for processes of one program, for the order and the count of
    /// the numbers are those of this version.
    ///
    /// # Examples
    /// ```
    /// use drywire::datagram::DatagramStatistics;
    ///
    /// let statistics = DatagramStatistics::new();
    /// let numbers = statistics.to_numbers();
    /// assert_eq!(DatagramStatistics::from_numbers(numbers), Some(statistics));
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

    pub(super) const fn arrived(&mut self, len: usize) {
        add(&mut self.received, 1);
        add(&mut self.received_len, len as u64);
    }

    pub(super) fn dropped(&mut self, reason: Dropped) {
        if let Some(count) = self.dropped.get_mut(reason.index()) {
            add(count, 1);
        }
    }

    pub(super) const fn yielded(&mut self) {
        add(&mut self.yielded, 1);
    }

    /// What was yielded is dropped after all.
    pub(super) fn declined(&mut self, reason: Dropped) {
        self.yielded = self.yielded.saturating_sub(1);
        self.dropped(reason);
    }

    pub(super) const fn queued(&mut self) {
        add(&mut self.queued, 1);
    }

    pub(super) const fn sent(&mut self, len: usize) {
        add(&mut self.transmitted, 1);
        add(&mut self.transmitted_len, len as u64);
    }

    pub(super) const fn failed(&mut self) {
        add(&mut self.failed, 1);
    }

    pub(super) const fn discarded(&mut self, count: usize) {
        add(&mut self.discarded, count as u64);
    }

    pub(super) fn faulted(&mut self, fault: Fault) {
        if let Some(count) = self.faults.get_mut(fault.index()) {
            add(count, 1);
        }
    }
}

impl Counts for DatagramStatistics {
    fn places(&mut self) -> impl Iterator<Item = &mut u64> {
        let Self {
            received,
            received_len,
            yielded,
            dropped,
            queued,
            transmitted,
            transmitted_len,
            failed,
            discarded,
            faults,
        } = self;
        [received, received_len, yielded, queued, transmitted, transmitted_len, failed, discarded]
            .into_iter()
            .chain(dropped)
            .chain(faults)
    }
}

impl Default for DatagramStatistics {
    fn default() -> Self {
        Self::new()
    }
}

/// Joins the counts of several endpoints.
impl AddAssign for DatagramStatistics {
    fn add_assign(&mut self, other: Self) {
        self.join(other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_place_and_its_name() {
        for (at, reason) in Dropped::ALL.iter().enumerate() {
            assert_eq!(reason.index(), at);
            assert!(Dropped::ALL.iter().take(at).all(|other| other.name() != reason.name()));
        }
        let mut statistics = DatagramStatistics::new();
        for (count, fault) in (1..).zip(Fault::ALL) {
            (0..count).for_each(|_| statistics.faulted(*fault));
        }
        assert_eq!(statistics.faults, [1, 2, 3, 4, 5, 6]);
        assert_eq!(statistics.faults_as(Fault::TimedOut), 4);
    }

    #[test]
    fn numbers_are_all_counts() {
        // Every one another.
        let mut statistics = DatagramStatistics::new();
        (1..).zip(statistics.places()).for_each(|(count, place)| *place = count);
        let numbers = statistics.to_numbers();
        let all = 8 + Dropped::COUNT + Fault::COUNT;
        assert_eq!(numbers, (1..).take(all).collect::<Vec<u64>>());
        let back = |numbers: &[u64]| DatagramStatistics::from_numbers(numbers.iter().copied());
        assert_eq!(back(&numbers), Some(statistics));
        assert_eq!(back(&numbers[1..]), None);
        assert_eq!(back(&[&numbers[..], &[0]].concat()), None);
    }

    #[test]
    fn counts_are_joined() {
        let mut one = DatagramStatistics::new();
        one.arrived(3);
        one.arrived(4);
        one.arrived(0);
        one.yielded();
        one.yielded();
        one.declined(Dropped::Unwanted);
        one.dropped(Dropped::Closed);
        (0..3).for_each(|_| one.queued());
        one.sent(5);
        one.failed();
        one.discarded(1);
        one.faulted(Fault::Other);
        let mut both = one;
        both += one;
        assert_eq!((both.received, both.received_len, both.yielded), (6, 14, 2));
        assert_eq!((both.dropped_as(Dropped::Unwanted), both.dropped_in_all()), (2, 4));
        assert_eq!((both.queued, both.transmitted, both.transmitted_len), (6, 2, 10));
        assert_eq!((both.failed, both.discarded, both.faults_as(Fault::Other)), (2, 2, 2));
        both.sent(usize::MAX);
        both.sent(usize::MAX);
        assert_eq!(both.transmitted_len, u64::MAX);
    }
}
