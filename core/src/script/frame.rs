//! Frames that share the bytes of which they are parts.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::{Deref, Range};

/// A frame that a replay has shown, as it was received.
///
/// All frames of a connection are parts of one stream, which they share: one that was retained and
/// shown again takes no further bytes.
#[derive(Clone)]
pub struct Frame {
    stream: Arc<Vec<u8>>,
    place: Range<usize>,
}

impl Deref for Frame {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.stream.get(self.place.clone()).unwrap_or_default()
    }
}

impl AsRef<[u8]> for Frame {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl PartialEq for Frame {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Frame {}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Frame").field(&&**self).finish()
    }
}

/// What a connection has shown while it is played: every byte once.
#[derive(Default)]
pub(super) struct Shown {
    bytes: Vec<u8>,
    /// Where the frame began that was shown last.
    start: usize,
    is_retained: bool,
}

impl Shown {
    /// The frame that was shown last is shown again.
    pub(super) fn retain(&mut self) {
        self.is_retained = true;
    }

    /// Takes note of a frame. One that was retained is the same, or, in a framing whose frames are
    /// what there is, has become longer.
    pub(super) fn push(&mut self, frame: &[u8]) -> Range<usize> {
        let known = self.bytes.get(self.start..).unwrap_or_default();
        if core::mem::take(&mut self.is_retained) && frame.starts_with(known) {
            let more = frame.get(known.len()..).unwrap_or_default();
            self.bytes.extend_from_slice(more);
        } else {
            self.start = self.bytes.len();
            self.bytes.extend_from_slice(frame);
        }
        self.start..self.start + frame.len()
    }

    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    pub(super) fn into_stream(self) -> Arc<Vec<u8>> {
        Arc::new(self.bytes)
    }
}

impl Frame {
    pub(super) const fn new(stream: Arc<Vec<u8>>, place: Range<usize>) -> Self {
        Self { stream, place }
    }

    pub(super) fn place(&self) -> Range<usize> {
        self.place.clone()
    }
}
