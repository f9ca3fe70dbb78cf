use alloc::vec::Vec;
use core::fmt;
use core::ops::RangeInclusive;
use core::time::Duration;

/// What a link does to what is sent over it.
///
/// A new link is ideal: nothing takes time, nothing is lost, what is written is read in one piece.
/// Each method takes one of these away. What a stream and what a datagram suffers differs, as it
/// does in the world:
///
/// | property | a stream | datagrams |
/// |---|---|---|
/// | [`latency`](Self::latency) | every byte takes this long | every datagram |
/// | [`jitter`](Self::jitter) | up to this on top; the order stays | so that they overtake each other |
/// | [`bandwidth`](Self::bandwidth) | bytes leave one after the other | of one sender the same |
/// | [`loss`](Self::loss) | a segment comes later, and all behind it | a datagram never comes |
/// | [`duplication`](Self::duplication) | nothing | a datagram comes twice |
/// | [`reordering`](Self::reordering) | nothing | a datagram comes later than those behind it |
/// | [`segments`](Self::segments) | a write is cut on its way | nothing |
/// | [`reads`](Self::reads), [`writes`](Self::writes) | short reads and writes | nothing |
/// | [`apart`](Self::apart) | what has arrived is not joined | nothing |
/// | [`window`](Self::window) | how much is taken before it is read | nothing |
///
/// It prints as the expression that makes it.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use drywire::testkit::sim::Link;
///
/// let mobile = Link::new()
///     .latency(Duration::from_millis(60))
///     .jitter(Duration::from_millis(30))
///     .bandwidth(1_000_000)
///     .loss(0.02)
///     .segments(1..=1400);
/// assert!(mobile.to_string().starts_with("Link::new().latency(Duration::from_nanos(60000000))"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    pub(super) latency: Duration,
    pub(super) jitter: Duration,
    pub(super) bandwidth: Option<u64>,
    pub(super) loss: f64,
    pub(super) resend_timeout: Duration,
    pub(super) duplication: f64,
    pub(super) reordering: f64,
    pub(super) segments: Option<(usize, usize)>,
    pub(super) reads: Option<(usize, usize)>,
    pub(super) writes: Option<(usize, usize)>,
    pub(super) is_apart: bool,
    pub(super) window: usize,
}

/// Bytes that a link takes before they are read, unless it is told otherwise.
const WINDOW: usize = 256 * 1024;

/// How long a lost segment is missed, unless the link is told otherwise: what many systems wait at
/// least before they send again.
const RESEND_TIMEOUT: Duration = Duration::from_millis(200);

impl Link {
    /// An ideal link with a window of 256 KiB.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            latency: Duration::ZERO,
            jitter: Duration::ZERO,
            bandwidth: None,
            loss: 0.0,
            resend_timeout: RESEND_TIMEOUT,
            duplication: 0.0,
            reordering: 0.0,
            segments: None,
            reads: None,
            writes: None,
            is_apart: false,
            window: WINDOW,
        }
    }

    /// Sets how long everything takes, one way.
    #[must_use]
    pub const fn latency(self, latency: Duration) -> Self {
        Self { latency, ..self }
    }

    /// Sets how much longer it may take, each time drawn anew.
    #[must_use]
    pub const fn jitter(self, jitter: Duration) -> Self {
        Self { jitter, ..self }
    }

    /// Sets how many bytes leave in a second; 0 counts as 1. What is written together arrives
    /// when its last byte does.
    #[must_use]
    pub const fn bandwidth(self, bytes_per_second: u64) -> Self {
        let bytes_per_second = if bytes_per_second == 0 { 1 } else { bytes_per_second };
        Self { bandwidth: Some(bytes_per_second), ..self }
    }

    /// Sets how likely it is that a datagram or a segment is lost, from 0 to 1. A lost segment is
    /// sent again after [`resend_timeout`](Self::resend_timeout), as often as it takes, at most 16
    /// times in a row.
    #[must_use]
    pub const fn loss(self, probability: f64) -> Self {
        Self { loss: probability, ..self }
    }

    /// Sets how long a lost segment of a stream is missed before it is sent again. Default 200 ms.
    #[must_use]
    pub const fn resend_timeout(self, timeout: Duration) -> Self {
        Self { resend_timeout: timeout, ..self }
    }

    /// Sets how likely it is that a datagram comes twice, from 0 to 1.
    #[must_use]
    pub const fn duplication(self, probability: f64) -> Self {
        Self { duplication: probability, ..self }
    }

    /// Sets how likely it is that a datagram is held back for one to three times the latency and
    /// jitter on top, or a millisecond if these are less, from 0 to 1.
    #[must_use]
    pub const fn reordering(self, probability: f64) -> Self {
        Self { reordering: probability, ..self }
    }

    /// Sets the lengths of the segments that a write is cut into, each drawn anew.
    #[must_use]
    pub fn segments(self, len: RangeInclusive<usize>) -> Self {
        Self { segments: Some(bounds(&len)), ..self }
    }

    /// Sets how many bytes one read takes at most, each time drawn anew.
    #[must_use]
    pub fn reads(self, len: RangeInclusive<usize>) -> Self {
        Self { reads: Some(bounds(&len)), ..self }
    }

    /// Sets how many bytes one write takes at most, each time drawn anew.
    #[must_use]
    pub fn writes(self, len: RangeInclusive<usize>) -> Self {
        Self { writes: Some(bounds(&len)), ..self }
    }

    /// Keeps what has arrived apart: one read takes from one segment. Otherwise it is coalesced.
    #[must_use]
    pub const fn apart(self) -> Self {
        Self { is_apart: true, ..self }
    }

    /// Sets how many bytes are taken in each direction before the reader has read them; 0 counts
    /// as 1. A writer that meets a full window waits.
    #[must_use]
    pub const fn window(self, len: usize) -> Self {
        Self { window: if len == 0 { 1 } else { len }, ..self }
    }

    /// Links with less of one property each, for [minimising](super::explore()): the first has none
    /// of it, others half.
    pub(super) fn simpler(&self) -> Vec<Self> {
        let mut simpler = Vec::new();
        let ideal = Self::new();
        for change in [
            (|to: &mut Self, from: &Self| to.segments = from.segments) as fn(&mut Self, &Self),
            |to, from| to.reads = from.reads,
            |to, from| to.writes = from.writes,
            |to, from| to.is_apart = from.is_apart,
            |to, from| to.loss = from.loss,
            |to, from| to.duplication = from.duplication,
            |to, from| to.reordering = from.reordering,
            |to, from| to.bandwidth = from.bandwidth,
            |to, from| to.jitter = from.jitter,
            |to, from| to.latency = from.latency,
            |to, from| to.resend_timeout = from.resend_timeout,
            |to, from| to.window = from.window,
            |to, _| to.jitter = whole(to.jitter / 2),
            |to, _| to.latency = whole(to.latency / 2),
        ] {
            let mut link = self.clone();
            change(&mut link, &ideal);
            if link != *self && !simpler.contains(&link) {
                simpler.push(link);
            }
        }
        simpler
    }
}

/// The time in whole milliseconds, so that halving it ends.
const fn whole(duration: Duration) -> Duration {
    Duration::from_millis(duration.as_millis() as u64)
}

/// Lengths of at least 1.
fn bounds(len: &RangeInclusive<usize>) -> (usize, usize) {
    let start = (*len.start()).max(1);
    (start, (*len.end()).max(start))
}

impl Default for Link {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ideal = Self::new();
        f.write_str("Link::new()")?;
        let nanos = |duration: Duration| duration.as_nanos();
        for (name, mine, default) in [
            ("latency", self.latency, ideal.latency),
            ("jitter", self.jitter, ideal.jitter),
            ("resend_timeout", self.resend_timeout, ideal.resend_timeout),
        ] {
            if mine != default {
                write!(f, ".{name}(Duration::from_nanos({}))", nanos(mine))?;
            }
        }
        if let Some(bandwidth) = self.bandwidth {
            write!(f, ".bandwidth({bandwidth})")?;
        }
        for (name, probability) in [
            ("loss", self.loss),
            ("duplication", self.duplication),
            ("reordering", self.reordering),
        ] {
            if probability > 0.0 {
                write!(f, ".{name}({probability:?})")?;
            }
        }
        for (name, bounds) in
            [("segments", self.segments), ("reads", self.reads), ("writes", self.writes)]
        {
            if let Some((start, end)) = bounds {
                write!(f, ".{name}({start}..={end})")?;
            }
        }
        if self.is_apart {
            f.write_str(".apart()")?;
        }
        if self.window != ideal.window {
            write!(f, ".window({})", self.window)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn everything() -> Link {
        Link::new()
            .latency(2 * MS)
            .jitter(MS)
            .bandwidth(0)
            .loss(0.5)
            .resend_timeout(MS)
            .duplication(0.25)
            .reordering(0.125)
            .segments(0..=0)
            .reads(1..=2)
            .writes(3..=4)
            .apart()
            .window(0)
    }

    #[test]
    fn a_link_prints_as_the_expression_that_makes_it() {
        assert_eq!(Link::new().to_string(), "Link::new()");
        let expected = "Link::new().latency(Duration::from_nanos(2000000))\
            .jitter(Duration::from_nanos(1000000)).resend_timeout(Duration::from_nanos(1000000))\
            .bandwidth(1).loss(0.5).duplication(0.25).reordering(0.125).segments(1..=1)\
            .reads(1..=2).writes(3..=4).apart().window(1)";
        assert_eq!(everything().to_string(), expected);
    }

    #[test]
    fn simplifying_ends_at_the_ideal_link() {
        assert!(Link::new().simpler().is_empty());
        // Whichever step is taken, there is an end.
        for choice in 0..5 {
            let (mut link, mut steps) = (everything(), 0);
            while let Some(simpler) = {
                let all = link.simpler();
                all.get(choice % all.len().max(1)).cloned()
            } {
                link = simpler;
                steps += 1;
                assert!(steps < 100, "{link}");
            }
            assert_eq!(link, Link::new());
        }
    }
}
