//! What a replay has come to so far, and what that takes.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::frame::{Frame, Shown};
use super::replay::Played;
use super::{Call, Entry, Payload};
use crate::connection::CloseReason;

/// What an entry counts for beside its bytes: itself, and what it is compared by in the end. A
/// vector may have twice the room that it needs.
const PLAYED_LEN: usize = 3 * size_of::<Played>();

pub(super) struct Log {
    played: Vec<Played>,
    shown: BTreeMap<u64, Shown>,
    /// Bytes that what was played takes.
    len: usize,
    /// Bytes that the connections take.
    connections_len: usize,
    /// The most that both were.
    len_peak: usize,
    len_max: usize,
    empty: Arc<Vec<u8>>,
}

impl Log {
    pub(super) fn new(len_max: usize) -> Self {
        Self {
            played: Vec::new(),
            shown: BTreeMap::new(),
            len: 0,
            connections_len: 0,
            len_peak: 0,
            len_max,
            empty: Arc::default(),
        }
    }

    /// Whether it took more than it may.
    pub(super) const fn is_too_large(&self) -> bool {
        self.len_peak > self.len_max
    }

    /// The most bytes that it took.
    pub(super) const fn len_peak(&self) -> usize {
        self.len_peak
    }

    fn grow(&mut self, len: usize) {
        self.len = self.len.saturating_add(len);
        self.len_peak = self.len_peak.max(self.len.saturating_add(self.connections_len));
    }

    /// A connection took `before` bytes and takes `after`.
    pub(super) fn resized(&mut self, before: usize, after: usize) {
        self.connections_len = self.connections_len.saturating_sub(before).saturating_add(after);
        self.grow(0);
    }

    /// Takes note of a frame that is about to be shown.
    pub(super) fn show(&mut self, connection: u64, frame: &[u8]) -> Frame {
        let shown = self.shown.entry(connection).or_default();
        let before = shown.capacity();
        let place = shown.push(frame);
        let more = shown.capacity() - before;
        self.grow(more);
        Frame::new(Arc::clone(&self.empty), place)
    }

    pub(super) fn push(
        &mut self,
        index: usize,
        entry: Entry<'static>,
        frame: Option<Frame>,
        reason: Option<CloseReason>,
    ) {
        let bytes_len = match &entry.call {
            Call::Retain => {
                if let Some(shown) = self.shown.get_mut(&entry.connection) {
                    shown.retain();
                }
                0
            }
            Call::Begin(_) => size_of::<super::Begin>(),
            // Once more when sends are compared.
            call => {
                call.payload().and_then(Payload::bytes).map_or(0, <[u8]>::len).saturating_mul(3)
            }
        };
        self.grow(PLAYED_LEN.saturating_add(bytes_len));
        self.played.push(Played { index, entry, frame, reason });
    }

    /// What was played, with its frames.
    pub(super) fn finish(self) -> Vec<Played> {
        let Self { mut played, shown, .. } = self;
        let streams: BTreeMap<u64, Arc<Vec<u8>>> =
            shown.into_iter().map(|(number, shown)| (number, shown.into_stream())).collect();
        for played in &mut played {
            if let (Some(frame), Some(stream)) =
                (&mut played.frame, streams.get(&played.entry.connection))
            {
                *frame = Frame::new(Arc::clone(stream), frame.place());
            }
        }
        played
    }
}
