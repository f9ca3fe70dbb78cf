//! Framings whose frames can be kept.

use alloc::vec::Vec;
use core::fmt;

use crate::buffer::Buffer;
use crate::framing::{ByteFraming, Framing};

/// A framing with what a law has to know about it: how its frames are kept, compared and sent.
///
/// Every framing of byte slices is one. A structured framing of your own implements it so that the
/// laws can be checked for it too; see [`laws::framing`](super::laws::framing).
pub trait OwnedFrames: Framing {
    /// A frame that borrows nothing.
    type Owned: Clone + fmt::Debug + PartialEq;

    /// Copies a frame.
    fn own(frame: &Self::Frame<'_>) -> Self::Owned;

    /// Gives `take` the item that sends `frame`.
    fn item<R>(frame: &Self::Owned, take: impl FnOnce(Self::Item<'_>) -> R) -> R;

    /// Appends `next` to the frame before it if it means nothing where the one ends and the other
    /// begins. Returns whether it did, or whether `next` itself means nothing.
    fn join(&self, last: Option<&mut Self::Owned>, next: &Self::Owned) -> bool;

    /// Whether `heard` is what the other side may be told when `said` is sent: the same, unless the
    /// framing adds something of its own.
    fn is_heard_as(said: &Self::Owned, heard: &Self::Owned) -> bool {
        said == heard
    }

    /// Sends what lets the conversation go on behind `frame`, which was just shown, for framings
    /// that [hold](crate::framing::Scan::Hold) frames back before something is sent.
    fn answer(&mut self, frame: &Self::Owned, transmit: &mut Buffer) {
        let _ = (frame, transmit);
    }
}

impl<F: ByteFraming> OwnedFrames for F {
    type Owned = Vec<u8>;

    fn own(frame: &&[u8]) -> Vec<u8> {
        frame.to_vec()
    }

    fn item<R>(frame: &Vec<u8>, take: impl FnOnce(&[u8]) -> R) -> R {
        take(frame)
    }

    fn join(&self, last: Option<&mut Vec<u8>>, next: &Vec<u8>) -> bool {
        if self.has_whole_frames() {
            return false;
        }
        match last {
            Some(last) => last.extend_from_slice(next),
            None => return next.is_empty(),
        }
        true
    }
}
