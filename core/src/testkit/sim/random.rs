use core::ops::RangeInclusive;
use core::time::Duration;

/// Numbers that look random and are the same on every machine for the same seed.
///
/// The generator is SplitMix64: a counter that goes on by an odd constant, and a function that
/// mixes it. It is small, passes the usual statistical tests, and is not for cryptography. All that
/// is drawn is worked out in integers, or by operations that IEEE 754 defines to the last bit.
///
/// # Specification
/// G. Steele, D. Lea, C. Flood: Fast splittable pseudorandom number generators (OOPSLA 2014).
///
/// # Examples
/// ```
/// use drywire::testkit::sim::Random;
///
/// let mut random = Random::new(1_234_567);
/// assert_eq!(random.next_u64(), 6_457_827_717_110_365_317);
/// assert!(random.below(6) < 6);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random {
    state: u64,
}

/// The odd number nearest to 2^64 divided by the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The natural logarithm of 2, in 32 bits behind the point.
const LN_2: u128 = 2_977_044_472;

impl Random {
    /// The numbers of one seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Other numbers for each `number`, which do not depend on how many were drawn from the others:
    /// for parts that must not disturb each other.
    #[must_use]
    pub const fn of(seed: u64, number: u64) -> Self {
        Self { state: mix(seed.wrapping_add(mix(number.wrapping_add(STEP)))) }
    }

    /// The next number.
    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        mix(self.state)
    }

    /// A number from 0 to below `bound`, each as likely as any other; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        // The high half of a product is even but for a remainder, which is drawn again.
        let remainder = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.next_u64()) * u128::from(bound);
            if product as u64 >= remainder {
                return (product >> 64) as u64;
            }
        }
    }

    /// A number of a range, each as likely as any other; its start if there is none.
    pub fn within(&mut self, range: RangeInclusive<usize>) -> usize {
        let (start, end) = (*range.start(), *range.end());
        let count = (end as u64).saturating_sub(start as u64).saturating_add(1);
        start.saturating_add(self.below(count) as usize)
    }

    /// True with a probability from 0 for never to 1 for always.
    pub fn chance(&mut self, probability: f64) -> bool {
        /// One more than the greatest number of 53 bits, which is what `f64` holds exactly.
        const RANGE: f64 = 9_007_199_254_740_992.0;
        probability > 0.0 && ((self.next_u64() >> 11) as f64) < probability * RANGE
    }

    /// A time from zero to `longest`, each nanosecond as likely as any other.
    pub fn up_to(&mut self, longest: Duration) -> Duration {
        if longest.is_zero() {
            return Duration::ZERO;
        }
        let nanos = u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.below(nanos.saturating_add(1)))
    }

    /// A time between things that happen without memory of each other, on average every `mean`:
    /// exponentially distributed.
    pub fn exponential(&mut self, mean: Duration) -> Duration {
        let nanos = mean.as_nanos().min(u128::from(u64::MAX));
        let product = nanos * ((self.minus_log2() * LN_2) >> 32);
        Duration::from_nanos(u64::try_from(product >> 32).unwrap_or(u64::MAX))
    }

    /// Minus the logarithm to base 2 of a number above 0 up to 1, in 32 bits behind the point.
    fn minus_log2(&mut self) -> u128 {
        let number = self.next_u64().max(1);
        let zeros = number.leading_zeros();
        // From 1 to below 2, in 63 bits behind the point. Squaring it doubles its logarithm, of
        // which each bit is then whether the square reaches 2.
        let mut part = u128::from(number << zeros);
        let mut fraction = 0_u128;
        for _ in 0..32 {
            part = (part * part) >> 63;
            let bit = part >> 64;
            part >>= bit;
            fraction = (fraction << 1) | bit;
        }
        (u128::from(zeros + 1) << 32) - fraction
    }
}

const fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_reference() {
        // What the published reference implementation yields for this seed.
        let mut random = Random::new(1_234_567);
        for expected in [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ] {
            assert_eq!(random.next_u64(), expected);
        }
    }

    #[test]
    fn numbers_stay_below_their_bound_and_reach_all_of_it() {
        let mut random = Random::new(1);
        let mut counts = [0_u32; 7];
        (0..70_000).for_each(|_| counts[random.below(7) as usize] += 1);
        assert!(counts.iter().all(|count| (9_600..10_400).contains(count)), "{counts:?}");
        assert_eq!((random.below(0), random.below(1)), (0, 0));
        assert_eq!(random.within(4..=4), 4);
        assert!((0..1000).all(|_| (3..=5).contains(&random.within(3..=5))));
    }

    #[test]
    fn chances_are_what_they_say() {
        let mut random = Random::new(2);
        let mut happened = |probability| (0..10_000).filter(|_| random.chance(probability)).count();
        assert_eq!((happened(0.0), happened(1.0)), (0, 10_000));
        assert!((2_850..3_150).contains(&happened(0.3)));
    }

    #[test]
    fn exponential_times_have_their_mean_and_their_median() {
        let mut random = Random::new(3);
        let mean = Duration::from_secs(1);
        let mut times: [Duration; 20_000] = core::array::from_fn(|_| random.exponential(mean));
        times.sort_unstable();
        let average = times.iter().sum::<Duration>() / 20_000;
        assert!((970..1030).contains(&average.as_millis()), "{average:?}");
        // The median of an exponential distribution is its mean times ln 2.
        assert!((675..711).contains(&times[10_000].as_millis()), "{:?}", times[10_000]);
        // One in a thousand is above ln 1000 = 6.9 times the mean.
        assert!((6_300..7_700).contains(&times[19_980].as_millis()), "{:?}", times[19_980]);
    }
}
