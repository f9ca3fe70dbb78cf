//! What a run takes note of: counts, a digest, and the time-line if there is one.

use alloc::string::String;

use super::timeline::{Freight, Mark, Timeline, label};
use crate::testkit::way::{Tag, UNTAGGED};
use crate::time::Instant;

/// What happened in a run, counted.
///
/// Nothing is lost without a word: what was sent was received, lost, or is
/// [under way](super::Sim::under_way_len).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// Events: rounds of work on one node, and faults.
    pub events: u64,
    /// Events in which something moved.
    pub events_moving: u64,
    /// Bytes that ends of streams have written.
    pub stream_len_sent: u64,
    /// Bytes that ends of streams have read.
    pub stream_len_received: u64,
    /// Bytes of streams that a cut or a reset has lost.
    pub stream_len_lost: u64,
    /// Segments of streams that a link has lost, and that came later for it.
    pub segments_resent: u64,
    /// Datagrams that endpoints have sent.
    pub datagrams_sent: u64,
    /// Datagrams that a link made of one that was sent.
    pub datagrams_doubled: u64,
    /// Datagrams that endpoints have received.
    pub datagrams_received: u64,
    /// Datagrams that were lost, or that nobody was there for.
    pub datagrams_lost: u64,
    /// Datagrams that were received before one that was sent to the same endpoint earlier.
    pub datagrams_overtaking: u64,
    /// Faults that struck.
    pub faults: u64,
}

#[derive(Debug)]
pub(super) struct Log {
    pub(super) totals: Totals,
    digest: u64,
    pub(super) timeline: Option<Timeline>,
    now: Instant,
    /// The node that is worked on, and the one at the other end.
    node: usize,
    peer: usize,
    /// What is sent is TLS records.
    is_tls: bool,
}

impl Log {
    pub(super) const fn new() -> Self {
        Self {
            totals: Totals {
                events: 0,
                events_moving: 0,
                stream_len_sent: 0,
                stream_len_received: 0,
                stream_len_lost: 0,
                segments_resent: 0,
                datagrams_sent: 0,
                datagrams_doubled: 0,
                datagrams_received: 0,
                datagrams_lost: 0,
                datagrams_overtaking: 0,
                faults: 0,
            },
            digest: 0xcbf2_9ce4_8422_2325,
            timeline: None,
            now: Instant::ZERO,
            node: 0,
            peer: 0,
            is_tls: false,
        }
    }

    /// Says what the following happens to.
    pub(super) const fn about(&mut self, node: usize, peer: usize, is_tls: bool, now: Instant) {
        self.node = node;
        self.peer = peer;
        self.is_tls = is_tls;
        self.now = now;
    }

    /// Says to whom the following is sent.
    pub(super) const fn toward(&mut self, peer: usize) {
        self.peer = peer;
    }

    pub(super) const fn has_timeline(&self) -> bool {
        self.timeline.is_some()
    }

    /// A figure of all that happened, by which runs are compared.
    pub(super) const fn digest(&self) -> u64 {
        self.digest
    }

    /// Mixes bytes into the digest (FNV-1a, over words).
    fn digest_words(&mut self, words: [u64; 4]) {
        for word in words {
            self.digest = (self.digest ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(29);
        }
    }

    fn digest_bytes(&mut self, kind: u64, bytes: &[u8]) {
        let sum = bytes
            .iter()
            .fold(kind, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        self.digest_words([self.now.as_nanos(), self.node as u64, bytes.len() as u64, sum]);
    }

    fn depart(&mut self, freight: Freight, bytes: &[u8], resends: u32) -> Tag {
        self.digest_bytes(freight as u64, bytes);
        let (now, node, peer) = (self.now, self.node, self.peer);
        let is_tls = self.is_tls;
        self.timeline.as_mut().map_or(UNTAGGED, |timeline| {
            timeline.depart(now, node, peer, freight, label(bytes, freight, is_tls), resends)
        })
    }

    /// A segment of a stream left.
    pub(super) fn sent(&mut self, bytes: &[u8], resends: u32) -> Tag {
        self.depart(Freight::Bytes, bytes, resends)
    }

    /// The end of a stream left.
    pub(super) fn sent_end(&mut self) -> Tag {
        self.depart(Freight::End, &[], 0)
    }

    /// A reset left.
    pub(super) fn sent_reset(&mut self) -> Tag {
        self.depart(Freight::Reset, &[], 0)
    }

    /// A datagram left.
    pub(super) fn sent_datagram(&mut self, bytes: &[u8]) -> Tag {
        self.depart(Freight::Datagram, bytes, 0)
    }

    /// What was sent has arrived.
    pub(super) fn taken(&mut self, tag: Tag) {
        self.digest_bytes(11, &[]);
        if let Some(timeline) = &mut self.timeline {
            timeline.arrive(self.now, tag);
        }
    }

    /// What was sent will never arrive.
    pub(super) fn lost(&mut self, tag: Tag) {
        self.digest_bytes(12, &[]);
        if let Some(timeline) = &mut self.timeline {
            timeline.lose(self.now, tag);
        }
    }

    /// The node was told something, or something befell it.
    pub(super) fn note(&mut self, mark: Mark) {
        let (now, node) = (self.now, self.node);
        if let Some(timeline) = &mut self.timeline {
            timeline.note(now, node, mark);
        }
    }

    /// A fault struck, at the node and at the one at the other end.
    pub(super) fn fault(&mut self, say: impl Fn() -> String) {
        self.totals.faults += 1;
        self.digest_bytes(13, &[]);
        if self.has_timeline() {
            self.note(Mark::Fault(say()));
        }
    }

    /// As [`note`](Self::note), for what costs something to say.
    pub(super) fn step(&mut self, say: impl FnOnce() -> String) {
        if self.has_timeline() {
            self.note(Mark::Step(say()));
        }
    }
}
