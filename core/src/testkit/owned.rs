//! Framings whose frames can be kept.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::buffer::Buffer;
use crate::framing::{ByteFraming, Framing};

/// A framing with what a law has to know about it: how its frames are kept, compared and sent.
///
/// Every framing of byte slices is one. A structured framing of your own implements it so that the
/// laws can be checked for it too: it names an owned twin of its frames, says how to copy and to
/// send one, and how to make one of any bytes.
///
/// ```
/// use drywire::buffer::Buffer;
/// use drywire::framing::{Framing, Scan, Whole};
/// use drywire::testkit::{OwnedFrames, check};
/// use drywire::{DecodeError, EncodeError};
///
/// /// Numbers of two bytes.
/// #[derive(Clone)]
/// struct Numbers;
///
/// impl Framing for Numbers {
///     type Found = ();
///     type Frame<'a> = u16;
///     type Item<'a> = u16;
///
///     fn scan(&mut self, input: &[u8]) -> Result<Scan<()>, DecodeError> {
///         let is_whole = input.len() >= 2;
///         Ok(if is_whole { Scan::Found(Whole { len: 2, found: () }) } else { Scan::Need(2) })
///     }
///
///     fn view((): (), bytes: &mut [u8]) -> u16 {
///         u16::from_be_bytes([bytes[0], bytes[1]])
///     }
///
///     fn encode(&mut self, number: u16, transmit: &mut Buffer) -> Result<(), EncodeError> {
///         transmit.extend_from_slice(&number.to_be_bytes());
///         Ok(())
///     }
///
///     fn wire_len_max(&self) -> usize {
///         2
///     }
/// }
///
/// impl OwnedFrames for Numbers {
///     type Owned = u16;
///
///     fn own(frame: &u16) -> u16 {
///         *frame
///     }
///
///     fn item<R>(frame: &u16, take: impl FnOnce(u16) -> R) -> R {
///         take(*frame)
///     }
///
///     fn frame_from(&self, bytes: &[u8]) -> Option<u16> {
///         Some(bytes.iter().fold(0, |number, byte| number ^ u16::from(*byte) << 4))
///     }
/// }
///
/// check::framing(Numbers);
/// ```
pub trait OwnedFrames: Framing {
    /// A frame that borrows nothing.
    type Owned: Clone + fmt::Debug + PartialEq;

    /// Copies a frame.
    fn own(frame: &Self::Frame<'_>) -> Self::Owned;

    /// Gives `take` the item that sends `frame`.
    fn item<R>(frame: &Self::Owned, take: impl FnOnce(Self::Item<'_>) -> R) -> R;

    /// A frame made of any bytes, the same of the same bytes; `None` if these make none. What
    /// [`check`](super::check) sends: let it reach every kind of frame, legal or not. A type that
    /// implements `Arbitrary` of the crate arbitrary has it in a line:
    /// `Owned::arbitrary(&mut Unstructured::new(bytes)).ok()`.
    fn frame_from(&self, bytes: &[u8]) -> Option<Self::Owned> {
        let _ = bytes;
        None
    }

    /// Appends `next` to the frame before it if it means nothing where the one ends and the other
    /// begins. Returns whether it did, or whether `next` itself means nothing. By default frames
    /// stay apart.
    fn join(&self, last: Option<&mut Self::Owned>, next: &Self::Owned) -> bool {
        let _ = (last, next);
        false
    }

    /// Whether `heard` is what the other side may be told when `said` is sent: the same, unless the
    /// framing adds something of its own.
    fn is_heard_as(said: &Self::Owned, heard: &Self::Owned) -> bool {
        said == heard
    }

    /// Puts a frame into words, for a [time-line](super::sim::Timeline).
    fn describe(frame: &Self::Owned) -> String {
        format!("{frame:?}")
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

    fn frame_from(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        Some(bytes.to_vec())
    }

    fn describe(frame: &Vec<u8>) -> String {
        super::sim::quoted(frame)
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
