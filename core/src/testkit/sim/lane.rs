//! One direction of a link: when what is sent over it arrives.

use core::time::Duration;

use super::link::Link;
use super::log::Log;
use super::random::Random;
use crate::connection::Connection;
use crate::framing::Framing;
use crate::testkit::way::{Moved, UNTAGGED, Way, write};
use crate::time::Instant;

/// How often a segment is lost in a row at most, so that a link that loses everything has an end.
const RESENDS_MAX: u32 = 16;

/// When bytes leave that are sent one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    /// Since then there was always something to send.
    busy_since: Instant,
    /// Bytes that were sent since.
    busy_len: u64,
}

impl Line {
    /// When the last of `len` bytes has left. Exact: what is rounded is never added up.
    pub(super) fn leave(&mut self, len: usize, now: Instant, bandwidth: Option<u64>) -> Instant {
        let Some(bandwidth) = bandwidth else { return now };
        if self.busy_until(bandwidth) <= now {
            *self = Self { busy_since: now, busy_len: 0 };
        }
        self.busy_len = self.busy_len.saturating_add(len as u64);
        self.busy_until(bandwidth)
    }

    fn busy_until(&self, bandwidth: u64) -> Instant {
        let nanos = (u128::from(self.busy_len) * 1_000_000_000).div_ceil(u128::from(bandwidth));
        self.busy_since + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// One direction of a stream over a link.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) way: Way,
    line: Line,
    random: Random,
    /// Nothing arrives before this, which keeps the order and holds what is stalled.
    not_before: Instant,
    /// Until then nothing is delivered.
    pub(super) stalled_until: Instant,
    /// Bytes that the writer has written.
    pub(super) sent_len: u64,
    /// Where the next fault strikes; the writer is stopped there.
    pub(super) fault_at: u64,
    /// The writer, or something in between, has ended the stream.
    is_ended: bool,
    /// What is sent gets lost, and the writer is not told.
    pub(super) is_cut: bool,
    /// Bytes that got lost in the link, which the writer's system still holds.
    lost_len: usize,
    /// The peer's reset arrives then.
    pub(super) reset_at: Option<Instant>,
    /// The writer's socket is gone and has said so.
    pub(super) has_reset: bool,
}

impl Lane {
    pub(super) fn new(random: Random) -> Self {
        Self {
            way: Way::default(),
            line: Line::default(),
            random,
            not_before: Instant::ZERO,
            stalled_until: Instant::ZERO,
            sent_len: 0,
            fault_at: u64::MAX,
            is_ended: false,
            is_cut: false,
            lost_len: 0,
            reset_at: None,
            has_reset: false,
        }
    }

    fn window_left(&self, link: &Link) -> usize {
        link.window.saturating_sub(self.way.len()).saturating_sub(self.lost_len)
    }

    /// Whether the window is full.
    pub(super) fn is_full(&self, link: &Link) -> bool {
        self.window_left(link) == 0
    }

    /// When what leaves now arrives, in order; and how often it was lost on the way.
    fn arrival(&mut self, len: usize, now: Instant, link: &Link) -> (Instant, u32) {
        let left = self.line.leave(len, now, link.bandwidth);
        let mut resends = 0;
        while resends < RESENDS_MAX && self.random.chance(link.loss) {
            resends += 1;
        }
        let at = left + link.latency + self.random.up_to(link.jitter);
        let at = at + link.resend_timeout.saturating_mul(resends);
        self.not_before = self.not_before.max(at);
        (self.not_before, resends)
    }

    /// Takes what the writer has, once.
    pub(super) fn write<F: Framing>(
        &mut self,
        from: &mut Connection<F>,
        now: Instant,
        link: &Link,
        log: &mut Log,
    ) -> bool {
        let left = usize::try_from(self.fault_at.saturating_sub(self.sent_len));
        let room = self.window_left(link).min(left.unwrap_or(usize::MAX));
        let len_max =
            link.writes.map_or(usize::MAX, |(start, end)| self.random.within(start..=end));
        let moved = write(from, now, room, || len_max, |bytes| self.carry(bytes, now, link, log));
        if moved == Moved::End {
            self.end(now, link, log);
        }
        moved != Moved::Nothing
    }

    /// Brings bytes on their way, in segments.
    fn carry(&mut self, bytes: &[u8], now: Instant, link: &Link, log: &mut Log) {
        self.sent_len += bytes.len() as u64;
        log.totals.stream_len_sent += bytes.len() as u64;
        let mut rest = bytes;
        while !rest.is_empty() {
            let len = link
                .segments
                .map_or(rest.len(), |(start, end)| self.random.within(start..=end).min(rest.len()));
            let (segment, behind) = rest.split_at(len);
            rest = behind;
            if self.is_cut || self.is_ended {
                log.totals.stream_len_lost += len as u64;
                self.lost_len += len;
                let tag = log.sent(segment, 0);
                log.lost(tag);
                continue;
            }
            let (at, resends) = self.arrival(len, now, link);
            log.totals.segments_resent += u64::from(resends);
            let tag = log.sent(segment, resends);
            self.way.push(at, segment.to_vec(), tag);
        }
    }

    /// Ends the stream behind what is under way.
    pub(super) fn end(&mut self, now: Instant, link: &Link, log: &mut Log) {
        if core::mem::replace(&mut self.is_ended, true) {
            return;
        }
        let tag = log.sent_end();
        if self.is_cut {
            log.lost(tag);
        } else {
            let (at, _) = self.arrival(0, now, link);
            self.way.end(at, tag);
        }
    }

    /// Gives the reader what has arrived, once.
    pub(super) fn read<F: Framing>(
        &mut self,
        to: &mut Connection<F>,
        now: Instant,
        link: &Link,
        log: &mut Log,
    ) -> bool {
        if self.stalled_until > now {
            return false;
        }
        let random = &mut self.random;
        let len_max = || link.reads.map_or(usize::MAX, |(start, end)| random.within(start..=end));
        let moved = self.way.read(to, now, len_max, !link.is_apart, |tag| log.taken(tag));
        if let Moved::Bytes(len) = moved {
            log.totals.stream_len_received += len as u64;
        }
        moved != Moved::Nothing
    }

    /// When something arrives that has not yet.
    pub(super) fn next_arrival(&self, now: Instant) -> Option<Instant> {
        let first = self.way.next_at().map(|at| at.max(self.stalled_until));
        [first, self.reset_at]
            .into_iter()
            .flatten()
            .filter(|at| *at > now && *at < Instant::MAX)
            .min()
    }

    /// Loses what is under way.
    pub(super) fn lose(&mut self, log: &mut Log) {
        let len = self.way.lose(|tag| {
            if tag != UNTAGGED {
                log.lost(tag)
            }
        });
        self.lost_len += len;
        log.totals.stream_len_lost += len as u64;
    }

    /// Lets what has arrived fall, for nobody reads any more. Returns whether there were bytes.
    pub(super) fn discard_arrived(&mut self, now: Instant, log: &mut Log) -> bool {
        if self.stalled_until > now {
            return false;
        }
        let has_bytes = self.way.has_arrived(now);
        if has_bytes {
            self.lose(log);
        } else if let Some(tag) = self.way.take_end(now) {
            log.taken(tag);
        }
        has_bytes
    }
}
