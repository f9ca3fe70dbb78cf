use alloc::boxed::Box;
use alloc::vec;
use core::hash::Hasher;
use core::mem::size_of;
use core::time::Duration;

use super::DatagramAddress;
use super::limits::SourceRate;
use super::statistics::Dropped;
use crate::time::Instant;

/// Places that a source can take.
const WAYS: usize = 16;

/// A token bucket for each source, in a table of fixed size.
///
/// A source has its place in one set of places, by its hash. Where all places of its set are taken
/// by sources that have sent lately, it shares the bucket that all such sources share. So each
/// datagram costs the same, however many sources there are, and a flood from forged addresses
/// leaves the sources that are known alone.
#[derive(Debug)]
pub(super) struct Sources {
    rate: SourceRate,
    /// Empty before the first datagram.
    buckets: Box<[Bucket]>,
    sets: usize,
    shared: Bucket,
    seed: u64,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    source: u64,
    /// When the bucket will be full again.
    full_at: Instant,
    /// When the latest datagram came. None in a place that was never taken.
    seen_at: Option<Instant>,
    /// Up to when nothing is taken.
    paused_until: Instant,
    /// Datagrams since the last silence.
    row: u32,
}

const EMPTY: Bucket = Bucket {
    source: 0,
    full_at: Instant::ZERO,
    seen_at: None,
    paused_until: Instant::ZERO,
    row: 0,
};

impl Sources {
    pub(super) fn new(rate: SourceRate, sources_max: usize) -> Self {
        let sets = sets(sources_max);
        Self { rate, buckets: Box::default(), sets, shared: EMPTY, seed: 0 }
    }

    /// For a table that is still empty.
    pub(super) fn reseed(&mut self, seed: u64) {
        self.seed = seed;
        self.buckets = Box::default();
    }

    /// Takes a token of the source of `from`, or says why there is none.
    pub(super) fn take<A: DatagramAddress>(
        &mut self,
        from: &A,
        now: Instant,
    ) -> Result<(), Dropped> {
        let mut hasher = Fold(self.seed);
        from.hash_source(&mut hasher);
        let source = hasher.finish();
        if self.buckets.is_empty() {
            self.buckets = vec![EMPTY; self.sets.saturating_mul(WAYS)].into_boxed_slice();
        }
        let rate = self.rate;
        let set = (source >> 32) as usize % self.sets;
        let ways = self.buckets.chunks_exact_mut(WAYS).nth(set).unwrap_or_default();
        let at = ways
            .iter()
            .position(|bucket| bucket.seen_at.is_some() && bucket.source == source)
            .or_else(|| ways.iter().position(|bucket| bucket.is_free(rate, now)));
        let bucket = at.and_then(|at| ways.get_mut(at)).unwrap_or(&mut self.shared);
        if bucket.source != source && at.is_some() {
            *bucket = Bucket { source, ..EMPTY };
        }
        bucket.take(rate, now)
    }

    pub(super) fn memory_len_max(sources_max: usize) -> usize {
        sets(sources_max).saturating_mul(WAYS * size_of::<Bucket>())
    }
}

impl Bucket {
    /// Whether nothing is remembered that still matters.
    fn is_free(&self, rate: SourceRate, now: Instant) -> bool {
        self.seen_at.is_none_or(|seen_at| {
            self.full_at <= now && self.paused_until <= now && seen_at + rate.pause <= now
        })
    }

    fn take(&mut self, rate: SourceRate, now: Instant) -> Result<(), Dropped> {
        let was_silent = self.seen_at.is_none_or(|seen_at| seen_at + rate.pause <= now);
        self.seen_at = Some(now);
        if self.paused_until > now {
            return Err(Dropped::SourcePaused);
        }
        if was_silent {
            self.row = 0;
        }
        if self.row >= rate.row_max.max(1) {
            self.row = 0;
            self.paused_until = now + rate.pause;
            // A pause of no length is none.
            if self.paused_until > now {
                return Err(Dropped::SourcePaused);
            }
        }
        let interval = Duration::from_nanos(1_000_000_000 / u64::from(rate.per_second.max(1)));
        let depth = interval.saturating_mul(rate.burst.max(1));
        let full_at = self.full_at.max(now) + interval;
        if full_at.saturating_duration_since(now) > depth {
            return Err(Dropped::SourceRate);
        }
        self.full_at = full_at;
        self.row = self.row.saturating_add(1);
        Ok(())
    }
}

const fn sets(sources_max: usize) -> usize {
    let sets = sources_max.div_ceil(WAYS);
    if sets == 0 { 1 } else { sets }
}

/// A hash that costs little and differs with its seed, so that who does not know the seed cannot
/// choose sources that share places.
struct Fold(u64);

impl Hasher for Fold {
    fn finish(&self) -> u64 {
        // The last bytes must reach the high bits too.
        mix(self.0 ^ 0x9e37_79b9_7f4a_7c15)
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            for (to, from) in word.iter_mut().zip(chunk) {
                *to = *from;
            }
            self.0 = mix(self.0 ^ u64::from_le_bytes(word));
        }
    }
}

/// The full product folded into 64 bits, and the seed again so that zero does not stay.
#[allow(clippy::cast_possible_truncation, reason = "both halves are taken")]
fn mix(word: u64) -> u64 {
    let product = u128::from(word ^ 0x2d35_8dcc_aa6c_78a5) * 0x8bb8_4b93_962e_acc9;
    (product as u64) ^ ((product >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use core::net::SocketAddr;

    use super::*;

    fn rate(per_second: u32, burst: u32, row_max: u32, pause: Duration) -> SourceRate {
        SourceRate { per_second, burst, row_max, pause }
    }

    fn from(host: u32) -> SocketAddr {
        SocketAddr::new(core::net::Ipv4Addr::from_bits(host).into(), 5000)
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_then_the_rate() {
        let mut sources = Sources::new(rate(10, 3, u32::MAX, SECOND), 64);
        let mut take =
            |millis| sources.take(&from(1), Instant::ZERO + Duration::from_millis(millis)).is_ok();
        assert_eq!(
            [0, 0, 0, 0, 99, 100, 100, 250, 300, 300].map(&mut take),
            [true, true, true, false, false, true, false, true, true, false]
        );
        // After a silence all of the burst, and no more.
        assert_eq!([9000; 4].map(take), [true, true, true, false]);
    }

    #[test]
    fn a_row_ends_in_a_pause() {
        let mut sources = Sources::new(rate(1_000_000, 100, 3, SECOND), 64);
        let mut take =
            |millis| sources.take(&from(1), Instant::ZERO + Duration::from_millis(millis));
        assert_eq!([0, 999, 1998].map(&mut take), [Ok(()); 3]);
        // The row is full at 2997; what comes within the second after is lost, however often.
        for millis in [2997, 2998, 3996] {
            assert_eq!(take(millis), Err(Dropped::SourcePaused));
        }
        assert_eq!([3997, 3998, 3999].map(&mut take), [Ok(()); 3]);
        // A silence of a pause breaks a row.
        assert_eq!([4999, 5998, 6997].map(&mut take), [Ok(()); 3]);
        assert_eq!(take(7996), Err(Dropped::SourcePaused));
    }

    #[test]
    fn sources_have_their_own_bucket_until_the_table_is_full() {
        let mut sources = Sources::new(rate(1, 1, u32::MAX, SECOND), 256);
        let now = Instant::from_nanos(5);
        let taken = (0..10_000).filter(|host| sources.take(&from(*host), now).is_ok()).count();
        // Sets fill unevenly, but not much; then there is the shared bucket.
        assert!((200..=257).contains(&taken), "{taken}");
        assert_eq!(sources.buckets.len(), 256);
        // Those that have a place keep it.
        let again = (0..200).filter(|host| sources.take(&from(*host), now).is_ok()).count();
        assert_eq!(again, 0);
        // Once they are silent for long enough, their places are given to others.
        let later = now + SECOND;
        let taken = (20_000..20_100).filter(|host| sources.take(&from(*host), later).is_ok());
        assert!(taken.count() > 90);
    }
}
