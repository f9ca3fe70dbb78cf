//! Framings: bytes to frames and back.
//!
//! A framing looks at the bytes that have arrived and says where a frame ends ([`Framing::scan`]),
//! then shows it in place ([`Framing::view`]). The two are apart so that the receive buffer, the
//! transmit buffer and the framing are never borrowed by the same value: an echo copies a frame
//! once, from the one buffer to the other.
//!
//! | framing | on the wire | frame |
//! |---|---|---|
//! | [`Raw`] | anything | what one read brought |
//! | [`Fixed`] | n bytes | n bytes |
//! | [`Lines`] | line, LF or CRLF | the line |
//! | [`Delimiter`] | bytes, terminator | the bytes |
//! | [`LengthPrefix`] | integer, payload | the payload |
//! | [`Varint`] | LEB128 or QUIC integer, payload | the payload |
//! | [`Netstring`] | decimal, colon, payload, comma | the payload |
//! | [`AnyFraming`] | one of the above, chosen at run time | its frame |
//! | [`Either`](crate::Either) | one of two, chosen at run time | `Either` of theirs |
//!
//! All of them count their limit on the payload that is yielded (after adjustment, without prefix,
//! terminator or skipped header), refuse on encode what they would refuse on decode, scan each
//! byte once however the input is cut, and allocate nothing.

mod any;
mod delimiter;
mod either;
mod fixed;
mod length_prefix;
mod lines;
mod netstring;
mod raw;
mod varint;

pub use any::{AnyFraming, ParseFramingError};
pub use delimiter::Delimiter;
pub use fixed::Fixed;
pub use length_prefix::{Endian, LengthPrefix, LengthPrefixError};
pub use lines::{LineEnding, Lines, Unterminated};
pub use netstring::Netstring;
pub use raw::Raw;
pub use varint::{Varint, VarintFormat};

use crate::buffer::{Buffer, nothing};
use crate::error::{DecodeError, EncodeError};

/// A grammar that cuts a byte stream into frames, and writes frames.
///
/// The value holds the options and how far the current frame has been scanned. It is told the same
/// unconsumed bytes again, longer, until it has found a whole frame; then it forgets them and the
/// next scan begins with the byte after that frame.
pub trait Framing {
    /// Where a frame's parts lie, independent of the bytes. Must not be large: it is copied.
    type Found: Copy;
    /// A frame as the application sees it, borrowed from the receive buffer.
    type Frame<'a>;
    /// What the application gives to be sent.
    type Item<'a>;

    /// Looks for a whole frame at the front of `input`.
    ///
    /// `input` begins with the first byte of the frame and is never shorter than in the scan
    /// before, unless that one found a frame. Must look at each byte only once over all scans of
    /// one frame, a header of bounded length excepted, and must decide the same however the bytes
    /// were cut.
    ///
    /// # Errors
    /// [`DecodeError`] if no continuation of `input` is a legal frame. Fatal: the connection does
    /// not scan again.
    fn scan(&mut self, input: &[u8]) -> Result<Scan<Self::Found>, DecodeError>;

    /// Decides about what is left, which may be nothing, when the peer has finished and
    /// [`scan`](Self::scan) needed more: a last frame, or none. `None` is only for an empty
    /// `input`. After a frame, scanning goes on behind it.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] unless the grammar lets the end of the stream come here.
    fn scan_end(&mut self, input: &[u8]) -> Result<Option<Whole<Self::Found>>, DecodeError> {
        if input.is_empty() { Ok(None) } else { Err(DecodeError::Truncated { len: input.len() }) }
    }

    /// Shows the frame that `found` describes; `bytes` are exactly the [`Whole::len`] bytes of it.
    fn view(found: Self::Found, bytes: &mut [u8]) -> Self::Frame<'_>;

    /// Appends `item` to `transmit`.
    ///
    /// # Errors
    /// [`EncodeError`] if the peer's framing, with these options, would refuse the frame. The
    /// connection takes back whatever was appended before the error.
    fn encode(&mut self, item: Self::Item<'_>, transmit: &mut Buffer) -> Result<(), EncodeError>;

    /// What [`encode`](Self::encode) would append, where that is bytes of the item as they lie.
    ///
    /// These are then sent, and `encode` is not called, so that TLS can seal them without a copy:
    /// `None` for what `encode` would refuse, or would have to take note of. `None`, unless
    /// overridden, for everything.
    #[inline]
    fn verbatim<'i>(&self, _item: &'i Self::Item<'_>) -> Option<&'i [u8]> {
        None
    }

    /// The most bytes that one legal frame takes on the wire, or, for a framing without a notion
    /// of a whole frame, the most that it yields at once. Bounds the receive buffer.
    fn wire_len_max(&self) -> usize;

    /// Whether the frame deadline applies: true unless any chunk is a frame.
    fn has_whole_frames(&self) -> bool {
        true
    }

    /// Whether the conversation is over for this framing: it will neither show nor take another
    /// frame. The connection asks after a frame was sent or consumed, and then
    /// [closes](crate::Handle::close).
    fn is_over(&self) -> bool {
        false
    }

    /// Takes note that the connection is to end soon: a grammar that can say so does.
    fn drain(&mut self) {}
}

/// What a scan came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan<T> {
    /// More bytes are needed: the frame will have at least this many in all, which is more than
    /// there are.
    Need(usize),
    /// Nothing is shown before something has been sent: the grammar orders the two directions.
    /// Bytes are kept, and so is the news that the peer has finished.
    Hold,
    /// A frame is there.
    Found(Whole<T>),
}

impl<T> Scan<T> {
    #[inline]
    fn map<U>(self, map: impl FnOnce(Whole<T>) -> Whole<U>) -> Scan<U> {
        match self {
            Self::Need(len) => Scan::Need(len),
            Self::Hold => Scan::Hold,
            Self::Found(whole) => Scan::Found(map(whole)),
        }
    }
}

/// A whole frame at the front of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole<T> {
    /// How many bytes it takes on the wire. Zero is for an event that the grammar knows from what
    /// came before, such as the end of a body of known length; each must bring the framing on, so
    /// that they come to an end.
    pub len: usize,
    /// Where its parts lie.
    pub found: T,
}

/// The payload's place within a frame's bytes, for framings whose frame is a byte slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload {
    /// First byte of the payload, counted from the first byte of the frame.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
}

impl Payload {
    /// The payload within `bytes`; empty if it does not lie within.
    #[must_use]
    #[inline]
    pub fn of(self, bytes: &[u8]) -> &[u8] {
        match bytes.get(self.start..self.end) {
            Some(payload) => payload,
            None => nothing(),
        }
    }
}

/// The frame is all of its bytes.
impl From<Whole<()>> for Whole<Payload> {
    #[inline]
    fn from(whole: Whole<()>) -> Self {
        Self { len: whole.len, found: Payload { start: 0, end: whole.len } }
    }
}

/// A framing whose frames are byte slices, both ways. Implemented for every such framing.
pub trait ByteFraming: for<'a> Framing<Frame<'a> = &'a [u8], Item<'a> = &'a [u8]> {}

impl<F> ByteFraming for F where F: for<'a> Framing<Frame<'a> = &'a [u8], Item<'a> = &'a [u8]> {}

/// A payload length from the wire, once it is known to be within the limit.
#[inline]
fn checked_len(len: u64, frame_len_max: usize) -> Result<usize, DecodeError> {
    match usize::try_from(len) {
        Ok(len) if len <= frame_len_max => Ok(len),
        _ => Err(DecodeError::TooLong { len, max: frame_len_max as u64 }),
    }
}

/// Refuses to encode a payload beyond the limit.
#[inline]
const fn check_item(item: &[u8], frame_len_max: usize) -> Result<(), EncodeError> {
    if item.len() > frame_len_max {
        return Err(EncodeError::TooLong { len: item.len(), max: frame_len_max });
    }
    Ok(())
}
