//! When requests are due.

use core::time::Duration;

use super::options::Pace;
use crate::time::Instant;

const SECOND: u128 = 1_000_000_000;

/// The instants at which the requests of each slot are due.
#[derive(Debug)]
pub(super) struct Schedule {
    began_at: Instant,
    slots: u64,
    /// Requests in a second, if they are due at a rate.
    rate: Option<u64>,
}

impl Schedule {
    pub(super) const fn new(began_at: Instant, slots: u64, pace: Pace) -> Self {
        let rate = match pace {
            Pace::Closed => None,
            Pace::Open { rate } => Some(rate),
        };
        Self { began_at, slots, rate }
    }

    pub(super) const fn has_rate(&self) -> bool {
        self.rate.is_some()
    }

    /// When the `number`th request of a slot is due: slots take turns. None without a rate.
    pub(super) fn due(&self, slot: u64, number: u64) -> Option<Instant> {
        let rate = u128::from(self.rate?);
        let position = u128::from(number) * u128::from(self.slots) + u128::from(slot);
        // Exact, so that nothing adds up.
        let nanos = position.saturating_mul(SECOND) / rate;
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
        Some(self.began_at + Duration::from_nanos(nanos))
    }

    /// How many requests of a slot are due before `end`.
    pub(super) fn count_before(&self, slot: u64, end: Instant) -> u64 {
        let Some(rate) = self.rate else { return 0 };
        let nanos = end.saturating_duration_since(self.began_at).as_nanos();
        // The least position whose time is not before the end.
        let positions = nanos.saturating_mul(rate.into()).div_ceil(SECOND);
        let slots = u128::from(self.slots.max(1));
        let numbers = positions.saturating_sub(slot.into()).div_ceil(slots);
        u64::try_from(numbers).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_take_turns_and_nothing_adds_up() {
        let schedule = Schedule::new(Instant::from_nanos(7), 4, Pace::Open { rate: 3 });
        let due = |slot, number| schedule.due(slot, number).map(Instant::as_nanos);
        assert_eq!(due(0, 0), Some(7));
        assert_eq!(due(1, 0), Some(7 + 333_333_333));
        assert_eq!(due(3, 0), Some(7 + 1_000_000_000));
        assert_eq!(due(0, 3_000_000), Some(7 + 4_000_000_000_000_000));
        assert_eq!(due(3, u64::MAX), Some(u64::MAX), "never");
        assert_eq!(Schedule::new(Instant::ZERO, 1, Pace::Closed).due(0, 0), None);
    }

    #[test]
    fn those_before_an_end_are_counted() {
        for (slots, rate) in [(1, 1), (1, 1_000), (3, 7), (7, 3)] {
            let began_at = Instant::from_nanos(11);
            let schedule = Schedule::new(began_at, slots, Pace::Open { rate });
            for slot in 0..slots {
                for nanos in [0, 1, 999_999_999, 1_000_000_000, 1_000_000_001, 5_500_000_000] {
                    let end = began_at + Duration::from_nanos(nanos);
                    let due = |number: &u64| schedule.due(slot, *number).unwrap() < end;
                    let expected = (0..).take_while(due).count() as u64;
                    assert_eq!(
                        schedule.count_before(slot, end),
                        expected,
                        "{slots} {rate} {nanos}"
                    );
                }
            }
        }
    }
}
