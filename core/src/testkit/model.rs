//! Naive decoders and writers for the framings in the box.
//!
//! Each works on all of the bytes at once, with vectors, wide integers and loops that are meant to
//! be obviously right. They share nothing with the framings but the names of the errors.

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use core::num::NonZeroUsize;

use crate::error::{DecodeError, Expected, RemoteError};
use crate::framing::{
    AnyFraming, Delimiter, Endian, Fixed, LengthPrefix, LineEnding, Lines, Netstring, Raw,
    Unterminated, Varint, VarintFormat,
};

/// What a byte stream comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded<T = Vec<u8>> {
    /// Every frame up to the end or the error.
    pub frames: Vec<T>,
    /// Whether the stream ended between two frames, and if not, why.
    pub end: Result<(), DecodeError>,
}

/// A framing in the box with its options, and the limit `max` in bytes of payload.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the options are those of the framings")]
#[non_exhaustive]
pub enum Model {
    Delimiter { max: usize, delimiter: Vec<u8> },
    Fixed { max: usize, len: NonZeroUsize },
    Leb128 { max: usize, canonical: bool },
    LengthPrefix { max: usize, prefix: Prefix },
    Lines { max: usize, line_ending: LineEnding, unterminated: Unterminated },
    Netstring { max: usize },
    Quic { max: usize },
    Raw { max: usize },
}

/// The options of [`LengthPrefix`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the options are those of the framing")]
pub struct Prefix {
    pub width: u8,
    pub endian: Endian,
    pub offset: u16,
    pub adjustment: i64,
    pub skip: Option<u16>,
}

/// A frame at the front of the bytes, and how many of them it takes.
type Front = Result<(Vec<u8>, usize), DecodeError>;

impl Model {
    /// The framing that this is the model of.
    ///
    /// # Panics
    /// If the options are none that the framing allows.
    #[must_use]
    pub fn framing(&self) -> AnyFraming {
        let (framing, max) = match *self {
            Self::Delimiter { max, ref delimiter } => {
                let framing = Delimiter::new(delimiter).expect("1 to 16 bytes");
                (AnyFraming::Delimiter(framing), max)
            }
            Self::Fixed { max, len } => (AnyFraming::Fixed(Fixed::new(len)), max),
            Self::Leb128 { max, canonical } => {
                (AnyFraming::Varint(Varint::new(VarintFormat::Leb128 { canonical })), max)
            }
            Self::LengthPrefix { max, prefix } => {
                let framing = LengthPrefix::new(prefix.width, prefix.endian)
                    .expect("1 to 8 bytes")
                    .with_offset(prefix.offset)
                    .with_adjustment(prefix.adjustment);
                let framing = match prefix.skip {
                    Some(skip) => framing.with_skip(skip),
                    None => framing,
                };
                (AnyFraming::LengthPrefix(framing), max)
            }
            Self::Lines { max, line_ending, unterminated } => {
                let framing =
                    Lines::new().with_line_ending(line_ending).with_unterminated(unterminated);
                (AnyFraming::Lines(framing), max)
            }
            Self::Netstring { max } => (AnyFraming::Netstring(Netstring::new()), max),
            Self::Quic { max } => (AnyFraming::Varint(Varint::new(VarintFormat::Quic)), max),
            Self::Raw { max } => (AnyFraming::Raw(Raw::new()), max),
        };
        framing.with_frame_len_max(max)
    }

    /// Decodes a whole stream.
    #[must_use]
    pub fn decode(&self, input: &[u8]) -> Decoded {
        let mut frames = Vec::new();
        let mut rest = input;
        while !rest.is_empty() {
            match self.front(rest) {
                Ok((frame, len)) => {
                    frames.push(frame);
                    rest = &rest[len..];
                }
                Err(error) => return Decoded { frames, end: Err(error) },
            }
        }
        Decoded { frames, end: Ok(()) }
    }

    /// Writes a frame without asking whether it may be written; `None` if no bytes can say its
    /// length.
    #[must_use]
    pub fn write(&self, frame: &[u8]) -> Option<Vec<u8>> {
        Some(match *self {
            Self::Fixed { .. } | Self::Raw { .. } => frame.to_vec(),
            Self::Delimiter { ref delimiter, .. } => [frame, delimiter].concat(),
            Self::Leb128 { .. } => {
                let mut wire = Vec::new();
                let mut left = frame.len();
                while left >= 128 {
                    wire.push((left % 128 + 128) as u8);
                    left /= 128;
                }
                wire.push(left as u8);
                [&wire, frame].concat()
            }
            Self::LengthPrefix { prefix, .. } => prefix.write(frame)?,
            Self::Lines { line_ending: LineEnding::Lf, .. } => [frame, b"\n"].concat(),
            Self::Lines { line_ending: LineEnding::CrLf, .. } => [frame, b"\r\n"].concat(),
            Self::Netstring { .. } => {
                [alloc::format!("{}:", frame.len()).as_bytes(), frame, b","].concat()
            }
            Self::Quic { .. } => {
                let len = frame.len() as u128;
                let bits = [6, 14, 30, 62].into_iter().find(|bits| len < 1 << bits)?;
                let log2 = [6, 14, 30, 62].into_iter().position(|other| other == bits)? as u128;
                let integer = (len + (log2 << bits)).to_be_bytes();
                [&integer[16 - (bits + 2) / 8..], frame].concat()
            }
        })
    }

    /// How many bytes at the front and at the end of an unfinished frame the framing may look at
    /// in more than one scan, for [`scanned_once`](super::laws::framing::scanned_once).
    #[must_use]
    pub fn looked_at_again(&self) -> (usize, usize) {
        match self {
            Self::Fixed { .. } | Self::Raw { .. } => (0, 0),
            Self::Delimiter { delimiter, .. } => (0, delimiter.len() - 1),
            Self::Leb128 { .. } => (10, 0),
            Self::LengthPrefix { prefix, .. } => (prefix.header_len(), 0),
            // A CR, which LF may follow.
            Self::Lines { .. } => (0, 1),
            Self::Netstring { max } => (max.to_string().len() + 1, 0),
            Self::Quic { .. } => (8, 0),
        }
    }

    /// The first frame of a stream that is not empty.
    fn front(&self, rest: &[u8]) -> Front {
        match *self {
            Self::Raw { max } => {
                let len = rest.len().min(max.max(1));
                Ok((rest[..len].to_vec(), len))
            }
            Self::Fixed { max, len } => {
                let len = len.get();
                let max_as_u64 = max as u64;
                if len > max {
                    Err(DecodeError::TooLong { len: len as u64, max: max_as_u64 })
                } else {
                    take(rest, 0, len as u128, 0)
                }
            }
            Self::Lines { max, unterminated, .. } => lines(rest, max, unterminated),
            Self::Delimiter { max, ref delimiter } => delimited(rest, max, delimiter),
            Self::LengthPrefix { max, prefix } => prefix.front(rest, max),
            Self::Leb128 { max, canonical } => leb128(rest, max, canonical),
            Self::Quic { max } => quic(rest, max),
            Self::Netstring { max } => netstring(rest, max),
        }
    }
}

/// The error for a frame whose length is not announced: it is at least one byte too long.
fn one_too_long(max: usize) -> DecodeError {
    DecodeError::TooLong { len: max as u64 + 1, max: max as u64 }
}

fn truncated(rest: &[u8]) -> DecodeError {
    DecodeError::Truncated { len: rest.len() }
}

/// The `len` bytes behind the first `start`, with `trailer` bytes behind them.
fn take(rest: &[u8], start: usize, len: u128, trailer: usize) -> Front {
    if start as u128 + len + trailer as u128 > usize::MAX as u128 {
        return Err(DecodeError::Invalid(RemoteError::LengthOutOfRange));
    }
    let end = start + len as usize;
    if rest.len() < end + trailer {
        return Err(truncated(rest));
    }
    Ok((rest[start..end].to_vec(), end + trailer))
}

fn lines(rest: &[u8], max: usize, unterminated: Unterminated) -> Front {
    if let Some(line_feed) = rest.iter().position(|byte| *byte == b'\n') {
        let line = &rest[..line_feed];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > max {
            return Err(one_too_long(max));
        }
        return Ok((line.to_vec(), line_feed + 1));
    }
    // Whatever comes, the payload will have these, apart from a last CR.
    let certain = rest.strip_suffix(b"\r").unwrap_or(rest);
    match unterminated {
        _ if certain.len() > max => Err(one_too_long(max)),
        Unterminated::Refuse => Err(truncated(rest)),
        Unterminated::Yield if rest.len() > max => Err(one_too_long(max)),
        Unterminated::Yield => Ok((rest.to_vec(), rest.len())),
    }
}

fn delimited(rest: &[u8], max: usize, delimiter: &[u8]) -> Front {
    for start in 0..rest.len() {
        if rest[start..].starts_with(delimiter) {
            if start > max {
                return Err(one_too_long(max));
            }
            return Ok((rest[..start].to_vec(), start + delimiter.len()));
        }
    }
    // A legal frame may still come of it if a delimiter can begin within the limit.
    let can_begin = |start: usize| start <= max && delimiter.starts_with(&rest[start..]);
    if (0..=rest.len()).any(can_begin) { Err(truncated(rest)) } else { Err(one_too_long(max)) }
}

impl Prefix {
    fn header_len(&self) -> usize {
        self.offset as usize + self.width as usize
    }

    fn skip_len(&self) -> usize {
        self.skip.map_or_else(|| self.header_len(), usize::from)
    }

    fn front(&self, rest: &[u8], max: usize) -> Front {
        let header_len = self.header_len();
        if rest.len() < header_len {
            return Err(truncated(rest));
        }
        let mut field = rest[self.offset as usize..header_len].to_vec();
        if self.endian == Endian::Little {
            field.reverse();
        }
        let mut len: i128 = 0;
        for byte in field {
            len = len * 256 + i128::from(byte);
        }
        len += i128::from(self.adjustment);
        if len < 0 || len > i128::from(u64::MAX) {
            return Err(DecodeError::Invalid(RemoteError::LengthOutOfRange));
        }
        if len > max as i128 {
            return Err(DecodeError::TooLong { len: len as u64, max: max as u64 });
        }
        if self.skip_len() as i128 + len < header_len as i128 {
            return Err(DecodeError::Invalid(RemoteError::LengthOutOfRange));
        }
        take(rest, self.skip_len(), len as u128, 0)
    }

    fn write(&self, frame: &[u8]) -> Option<Vec<u8>> {
        let mut value = frame.len() as i128 - i128::from(self.adjustment);
        let mut field = vec![0; self.width as usize];
        for byte in &mut field {
            *byte = (value & 0xFF) as u8;
            value >>= 8;
        }
        if value != 0 {
            return None;
        }
        if self.endian == Endian::Big {
            field.reverse();
        }
        let mut skipped = [vec![0; self.offset as usize], field].concat();
        skipped.resize(self.skip_len(), 0);
        Some([&skipped, frame].concat())
    }
}

fn leb128(rest: &[u8], max: usize, canonical: bool) -> Front {
    let Some(last) = rest.iter().take(10).position(|byte| *byte < 128) else {
        return Err(if rest.len() < 10 {
            truncated(rest)
        } else {
            DecodeError::Invalid(RemoteError::LengthOutOfRange)
        });
    };
    let mut len: u128 = 0;
    for byte in rest[..=last].iter().rev() {
        len = len * 128 + u128::from(byte % 128);
    }
    if len > u128::from(u64::MAX) {
        Err(DecodeError::Invalid(RemoteError::LengthOutOfRange))
    } else if canonical && last > 0 && rest[last] == 0 {
        Err(DecodeError::Invalid(RemoteError::NotCanonical { offset: last }))
    } else if len > max as u128 {
        Err(DecodeError::TooLong { len: len as u64, max: max as u64 })
    } else {
        take(rest, last + 1, len, 0)
    }
}

fn quic(rest: &[u8], max: usize) -> Front {
    let integer_len = [1, 2, 4, 8][rest[0] as usize / 64];
    if rest.len() < integer_len {
        return Err(truncated(rest));
    }
    let mut len = u128::from(rest[0] % 64);
    for byte in &rest[1..integer_len] {
        len = len * 256 + u128::from(*byte);
    }
    if len > max as u128 {
        return Err(DecodeError::TooLong { len: len as u64, max: max as u64 });
    }
    take(rest, integer_len, len, 0)
}

fn netstring(rest: &[u8], max: usize) -> Front {
    let unexpected = |offset: usize, expected| {
        let found = rest[offset];
        Err(DecodeError::Invalid(RemoteError::UnexpectedByte { offset, found, expected }))
    };
    if !rest[0].is_ascii_digit() {
        return unexpected(0, Expected::Digit);
    }
    let mut len: u128 = 0;
    let mut at = 0;
    while at < rest.len() && rest[at].is_ascii_digit() {
        if at == 1 && rest[0] == b'0' {
            return Err(DecodeError::Invalid(RemoteError::NotCanonical { offset: 0 }));
        }
        len = len * 10 + u128::from(rest[at] - b'0');
        if len > u128::from(u64::MAX) {
            return Err(DecodeError::Invalid(RemoteError::LengthOutOfRange));
        }
        if len > max as u128 {
            return Err(DecodeError::TooLong { len: len as u64, max: max as u64 });
        }
        at += 1;
    }
    if at == rest.len() {
        return Err(truncated(rest));
    }
    if rest[at] != b':' {
        let only_colon = rest[..at] == *b"0";
        let expected = if only_colon { Expected::Byte(b':') } else { Expected::DigitOrColon };
        return unexpected(at, expected);
    }
    let (frame, end) = take(rest, at + 1, len, 1)?;
    if rest[end - 1] != b',' {
        return unexpected(end - 1, Expected::Byte(b','));
    }
    Ok((frame, end))
}
