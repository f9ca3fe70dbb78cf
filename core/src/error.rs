//! Errors by who is to blame. They carry numbers, never text and never an operating system's error.

use core::fmt;

use crate::http1::{HttpPart, Unsendable, Violation};
use crate::proxy::HeaderError;
use crate::tls::TlsError;

pub use crate::fault::Fault;

/// Why a connection failed. Fatal and sticky: later calls find the same error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The peer exceeded a limit. The peer is to blame, or the limit is too small for it.
    Limit(LimitExceeded),
    /// Our own protocol gave up on the connection, with a code that it chose.
    Local(u32),
    /// The peer broke the protocol. The peer is to blame.
    Remote(RemoteError),
    /// The TLS session failed, on whichever side the alert names.
    Tls(TlsError),
    /// The listener only takes peers that are trusted to send a PROXY header, and this is none of
    /// them.
    Untrusted,
}

/// A limit that was exceeded, with the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitExceeded {
    /// A frame is longer than the framing allows. `len` is what the peer announced or, where
    /// the grammar announces nothing, the least length that is already certain. In bytes.
    FrameLen {
        /// Announced or certain length.
        len: u64,
        /// The limit.
        max: u64,
    },
    /// A PROXY header is longer than it may be, in bytes.
    ProxyHeaderLen {
        /// The length that it announces.
        len: u64,
        /// The limit.
        max: u64,
    },
    /// A part of an HTTP message exceeds its limit.
    Http {
        /// The part.
        part: HttpPart,
        /// The limit, in bytes or counted.
        max: u64,
    },
    /// The server has as many connections as it may.
    Connections {
        /// The limit.
        max: u64,
    },
    /// The server has as many connections from one address as it may.
    ConnectionsPerAddress {
        /// The limit.
        max: u64,
    },
}

/// Bytes of the peer that the protocol does not allow. `offset` counts from the first byte of the
/// frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemoteError {
    /// A framing of your own refused the bytes, with a code that it chose.
    Framing {
        /// Position within the frame, in bytes.
        offset: usize,
        /// The framing's own code.
        code: u32,
    },
    /// An HTTP message that is not well formed or not unambiguous.
    Http(Violation),
    /// A length that is larger than any length can be or, after adjustment, negative or so small
    /// that the frame would end inside its own header.
    LengthOutOfRange,
    /// A length that is written with more bytes than it needs.
    NotCanonical {
        /// Position of the byte that should not be there.
        offset: usize,
    },
    /// The stream does not begin with a PROXY header.
    Proxy(HeaderError),
    /// Another byte than the grammar asks for.
    UnexpectedByte {
        /// Position within the frame, in bytes.
        offset: usize,
        /// The byte that came.
        found: u8,
        /// What the grammar asks for there.
        expected: Expected,
    },
}

/// What a grammar asks for at a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expected {
    /// This very byte.
    Byte(u8),
    /// A decimal digit.
    Digit,
    /// A decimal digit or a colon.
    DigitOrColon,
}

/// Why a framing refuses bytes of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The frame is longer than the limit; see [`LimitExceeded::FrameLen`].
    TooLong {
        /// Announced or certain length, in bytes.
        len: u64,
        /// The limit.
        max: u64,
    },
    /// A part of an HTTP message is longer than its limit; see [`LimitExceeded::Http`].
    Http {
        /// The part.
        part: HttpPart,
        /// The limit, in bytes or counted.
        max: u64,
    },
    /// The bytes are not in the grammar.
    Invalid(RemoteError),
    /// The stream ended inside a frame.
    Truncated {
        /// Bytes of the unfinished frame that were there.
        len: usize,
    },
}

/// Why a framing refuses to encode a frame. The caller is to blame; nothing was queued and the
/// connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// The frame is longer than the limit.
    TooLong {
        /// Its length, in bytes.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// The frame is one of another framing than the connection's, which is an
    /// [`Either`](crate::Either).
    Foreign,
    /// The frame contains bytes that would end it.
    Forbidden {
        /// Where they begin.
        offset: usize,
    },
    /// The HTTP message may not be like this, or not now.
    Http(Unsendable),
    /// The frame contains its own length field, or a part of it, and that does not say the
    /// frame's length.
    LengthMismatch {
        /// Where the field or that part of it begins.
        offset: usize,
    },
    /// The frame does not have the one length that the framing has.
    WrongLength {
        /// Its length, in bytes.
        len: usize,
        /// The length it must have.
        expected: usize,
    },
    /// The length does not fit the length field.
    Unrepresentable {
        /// Its length, in bytes.
        len: usize,
    },
}

/// Why [`send`](crate::Connection::send) refused. The queue is unchanged and the connection goes
/// on as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The connection is closing or closed.
    Closed,
    /// The framing refuses the frame. Sending it again is pointless.
    Encode(EncodeError),
    /// We have finished our side.
    Finished,
    /// At least the high-water mark of bytes is queued. Try again when they have been transmitted.
    Full,
}

/// A driver's call that does not fit the connection's state. The caller is to blame; nothing was
/// changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MisuseError {
    /// More bytes were said to be received than were lent.
    ReceivedTooMuch {
        /// What was said, in bytes.
        len: usize,
        /// What was lent.
        lent: usize,
    },
    /// Bytes or an end of stream were reported after the end of stream.
    ReceivedAfterEnd,
    /// More bytes were said to be transmitted than were queued.
    TransmittedTooMuch {
        /// What was said, in bytes.
        len: usize,
        /// What was queued.
        queued: usize,
    },
    /// The write side was said to be shut down when that was not asked for.
    ShutdownUnasked,
    /// The session is plain, or its handshake is not done, or its version has no key update.
    KeyUpdateUnavailable,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit(limit) => limit.fmt(f),
            Self::Local(code) => write!(f, "the local protocol gave up with code {code}"),
            Self::Remote(error) => error.fmt(f),
            Self::Tls(error) => error.fmt(f),
            Self::Untrusted => f.write_str("the peer is not trusted to send a PROXY header"),
        }
    }
}

impl fmt::Display for LimitExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FrameLen { len, max } => {
                write!(f, "a frame of {len} bytes or more exceeds the limit of {max}")
            }
            Self::Http { part, max } => write!(f, "the {part} exceeds the limit of {max}"),
            Self::ProxyHeaderLen { len, max } => {
                write!(f, "a PROXY header of {len} bytes exceeds the limit of {max}")
            }
            Self::Connections { max } => write!(f, "{max} connections are open, the most allowed"),
            Self::ConnectionsPerAddress { max } => {
                write!(f, "{max} connections from this address are open, the most allowed")
            }
        }
    }
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Framing { offset, code } => {
                write!(f, "the framing refused byte {offset} of a frame with code {code}")
            }
            Self::Http(violation) => violation.fmt(f),
            Self::LengthOutOfRange => f.write_str("a frame's length is out of range"),
            Self::NotCanonical { offset } => {
                write!(f, "a frame's length is longer than it needs to be, at byte {offset}")
            }
            Self::Proxy(error) => error.fmt(f),
            Self::UnexpectedByte { offset, found, expected } => {
                write!(f, "expected {expected} at byte {offset} of a frame, found {found:#04x}")
            }
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Byte(byte) => write!(f, "{byte:#04x}"),
            Self::Digit => f.write_str("a digit"),
            Self::DigitOrColon => f.write_str("a digit or a colon"),
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TooLong { len, max } => LimitExceeded::FrameLen { len, max }.fmt(f),
            Self::Http { part, max } => LimitExceeded::Http { part, max }.fmt(f),
            Self::Invalid(error) => error.fmt(f),
            Self::Truncated { len } => {
                write!(f, "the stream ended {len} bytes into a frame")
            }
        }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { len, max } => {
                write!(f, "a frame of {len} bytes exceeds the limit of {max}")
            }
            Self::Foreign => f.write_str("the frame is one of another framing"),
            Self::Forbidden { offset } => {
                write!(f, "the frame contains its own terminator at byte {offset}")
            }
            Self::Http(unsendable) => unsendable.fmt(f),
            Self::LengthMismatch { offset } => {
                write!(f, "the length field at byte {offset} of the frame does not say its length")
            }
            Self::WrongLength { len, expected } => {
                write!(f, "a frame of {len} bytes where every frame has {expected}")
            }
            Self::Unrepresentable { len } => {
                write!(f, "a frame of {len} bytes does not fit the length field")
            }
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the connection is closed"),
            Self::Encode(error) => error.fmt(f),
            Self::Finished => f.write_str("our side is finished"),
            Self::Full => f.write_str("the transmit queue is full"),
        }
    }
}

impl fmt::Display for MisuseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReceivedTooMuch { len, lent } => {
                write!(f, "{len} bytes reported as received, {lent} lent")
            }
            Self::ReceivedAfterEnd => f.write_str("input reported after the end of stream"),
            Self::TransmittedTooMuch { len, queued } => {
                write!(f, "{len} bytes reported as transmitted, {queued} queued")
            }
            Self::ShutdownUnasked => f.write_str("a shutdown reported that was not asked for"),
            Self::KeyUpdateUnavailable => f.write_str("the session cannot update its keys"),
        }
    }
}

impl core::error::Error for DecodeError {}
impl core::error::Error for EncodeError {}
impl core::error::Error for Error {}
impl core::error::Error for LimitExceeded {}
impl core::error::Error for MisuseError {}
impl core::error::Error for RemoteError {}
impl core::error::Error for SendError {}

/// A header that is too long exceeds a limit; every other is the peer's error.
impl From<HeaderError> for Error {
    fn from(error: HeaderError) -> Self {
        match error {
            HeaderError::TooLong { len, max } => {
                Self::Limit(LimitExceeded::ProxyHeaderLen { len: len as u64, max: max as u64 })
            }
            error => Self::Remote(RemoteError::Proxy(error)),
        }
    }
}

impl From<RemoteError> for DecodeError {
    fn from(error: RemoteError) -> Self {
        Self::Invalid(error)
    }
}

impl From<Violation> for DecodeError {
    fn from(violation: Violation) -> Self {
        Self::Invalid(RemoteError::Http(violation))
    }
}

impl From<Unsendable> for EncodeError {
    fn from(unsendable: Unsendable) -> Self {
        Self::Http(unsendable)
    }
}

impl From<EncodeError> for SendError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}
