use core::fmt;
use core::num::NonZeroUsize;
use core::str::FromStr;

use super::{
    Delimiter, Endian, Fixed, Framing, LengthPrefix, Lines, Netstring, Payload, Raw, Scan, Varint,
    VarintFormat, Whole,
};
use crate::buffer::Buffer;
use crate::error::{DecodeError, EncodeError};

/// One of the framings whose frames are byte slices, chosen at run time.
///
/// It has a name that can be parsed and that it prints:
///
/// ```text
/// name = "raw" / "lines" / "netstring" / "varint" / "quic-varint"
///      / "u8" / "u16be" / "u16le" / "u32be" / "u32le" / "u64be" / "u64le"
///      / "fixed:" 1*DIGIT              ; bytes a frame, at least 1
///      / "delimiter:" 1*16( 2HEXDIG )  ; the delimiter's bytes
/// ```
///
/// A name stands for the framing's defaults. Options that have no name are not printed; a length
/// prefix that is none of the above prints as `length-prefix`, which does not parse.
///
/// # Examples
/// ```
/// use drywire::framing::AnyFraming;
///
/// let framing: AnyFraming = "delimiter:0D0A".parse()?;
/// assert_eq!(framing.with_frame_len_max(512).to_string(), "delimiter:0d0a");
/// # Ok::<(), drywire::framing::ParseFramingError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AnyFraming {
    /// `delimiter:HEX`.
    Delimiter(Delimiter),
    /// `fixed:N`.
    Fixed(Fixed),
    /// `u8` to `u64le`.
    LengthPrefix(LengthPrefix),
    /// `lines`.
    Lines(Lines),
    /// `netstring`.
    Netstring(Netstring),
    /// `raw`.
    Raw(Raw),
    /// `varint` is LEB128, canonical or not; `quic-varint` is QUIC's.
    Varint(Varint),
}

/// Why a text is not the name of a framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseFramingError {
    /// `delimiter:` is not followed by 1 to [`Delimiter::LEN_MAX`] bytes in hexadecimal.
    Delimiter,
    /// `fixed:` is not followed by a number of bytes.
    FixedLen,
    /// There is no framing of that name.
    UnknownName,
}

/// Calls the same for whichever framing it is.
macro_rules! each {
    ($any:expr, $framing:ident => $call:expr) => {
        match $any {
            AnyFraming::Delimiter($framing) => $call,
            AnyFraming::Fixed($framing) => $call,
            AnyFraming::LengthPrefix($framing) => $call,
            AnyFraming::Lines($framing) => $call,
            AnyFraming::Netstring($framing) => $call,
            AnyFraming::Raw($framing) => $call,
            AnyFraming::Varint($framing) => $call,
        }
    };
}

impl AnyFraming {
    /// Accepts and sends at most `frame_len_max` bytes a frame, as the framing itself counts them.
    #[must_use]
    pub const fn with_frame_len_max(self, frame_len_max: usize) -> Self {
        match self {
            Self::Delimiter(framing) => Self::Delimiter(framing.with_frame_len_max(frame_len_max)),
            Self::Fixed(framing) => Self::Fixed(framing.with_frame_len_max(frame_len_max)),
            Self::LengthPrefix(framing) => {
                Self::LengthPrefix(framing.with_frame_len_max(frame_len_max))
            }
            Self::Lines(framing) => Self::Lines(framing.with_frame_len_max(frame_len_max)),
            Self::Netstring(framing) => Self::Netstring(framing.with_frame_len_max(frame_len_max)),
            Self::Raw(framing) => Self::Raw(framing.with_frame_len_max(frame_len_max)),
            Self::Varint(framing) => Self::Varint(framing.with_frame_len_max(frame_len_max)),
        }
    }
}

impl Framing for AnyFraming {
    type Found = Payload;
    type Frame<'a> = &'a [u8];
    type Item<'a> = &'a [u8];

    #[inline]
    fn scan(&mut self, input: &[u8]) -> Result<Scan<Payload>, DecodeError> {
        each!(self, framing => Ok(framing.scan(input)?.map(located)))
    }

    fn scan_end(&mut self, input: &[u8]) -> Result<Option<Whole<Payload>>, DecodeError> {
        each!(self, framing => Ok(framing.scan_end(input)?.map(located)))
    }

    #[inline]
    fn view(found: Payload, bytes: &mut [u8]) -> &[u8] {
        found.of(bytes)
    }

    #[inline]
    fn encode(&mut self, item: &[u8], transmit: &mut Buffer) -> Result<(), EncodeError> {
        each!(self, framing => framing.encode(item, transmit))
    }

    #[inline]
    fn verbatim<'i>(&self, item: &'i &[u8]) -> Option<&'i [u8]> {
        each!(self, framing => framing.verbatim(item))
    }

    fn wire_len_max(&self) -> usize {
        each!(self, framing => framing.wire_len_max())
    }

    fn has_whole_frames(&self) -> bool {
        each!(self, framing => framing.has_whole_frames())
    }

    fn is_over(&self) -> bool {
        each!(self, framing => framing.is_over())
    }
}

/// What any of them has found, in one type.
#[inline]
fn located<T>(whole: Whole<T>) -> Whole<Payload>
where
    Whole<Payload>: From<Whole<T>>,
{
    whole.into()
}

impl FromStr for AnyFraming {
    type Err = ParseFramingError;

    fn from_str(name: &str) -> Result<Self, ParseFramingError> {
        if let Some(len) = name.strip_prefix("fixed:") {
            return parse_fixed(len).map(Self::Fixed).ok_or(ParseFramingError::FixedLen);
        }
        if let Some(hex) = name.strip_prefix("delimiter:") {
            let delimiter = parse_delimiter(hex).ok_or(ParseFramingError::Delimiter)?;
            return Ok(Self::Delimiter(delimiter));
        }
        Ok(match name {
            "raw" => Self::Raw(Raw::new()),
            "lines" => Self::Lines(Lines::new()),
            "netstring" => Self::Netstring(Netstring::new()),
            "varint" => Self::Varint(Varint::new(VarintFormat::Leb128 { canonical: false })),
            "quic-varint" => Self::Varint(Varint::new(VarintFormat::Quic)),
            "u8" => Self::LengthPrefix(LengthPrefix::u8()),
            "u16be" => Self::LengthPrefix(LengthPrefix::u16be()),
            "u16le" => Self::LengthPrefix(LengthPrefix::u16le()),
            "u32be" => Self::LengthPrefix(LengthPrefix::u32be()),
            "u32le" => Self::LengthPrefix(LengthPrefix::u32le()),
            "u64be" => Self::LengthPrefix(LengthPrefix::u64be()),
            "u64le" => Self::LengthPrefix(LengthPrefix::u64le()),
            _ => return Err(ParseFramingError::UnknownName),
        })
    }
}

fn parse_fixed(len: &str) -> Option<Fixed> {
    // The standard library would take a sign.
    let is_number = len.bytes().all(|byte| byte.is_ascii_digit());
    let len: NonZeroUsize = len.parse().ok().filter(|_| is_number)?;
    Some(Fixed::new(len))
}

fn parse_delimiter(hex: &str) -> Option<Delimiter> {
    let mut bytes = [0; Delimiter::LEN_MAX];
    let pairs = hex.as_bytes().chunks(2);
    let delimiter = bytes.get_mut(..pairs.len())?;
    for (byte, pair) in delimiter.iter_mut().zip(pairs) {
        let [high, low] = *pair else { return None };
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(digit(high)? << 4 | digit(low)?).ok()?;
    }
    Delimiter::new(delimiter)
}

impl fmt::Display for AnyFraming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Delimiter(framing) => {
                f.write_str("delimiter:")?;
                return framing.delimiter().iter().try_for_each(|byte| write!(f, "{byte:02x}"));
            }
            Self::Fixed(framing) => return write!(f, "fixed:{}", framing.len()),
            Self::LengthPrefix(framing) => match framing.plain() {
                Some((1, _)) => "u8",
                Some((2, Endian::Big)) => "u16be",
                Some((2, Endian::Little)) => "u16le",
                Some((4, Endian::Big)) => "u32be",
                Some((4, Endian::Little)) => "u32le",
                Some((8, Endian::Big)) => "u64be",
                Some((8, Endian::Little)) => "u64le",
                _ => "length-prefix",
            },
            Self::Lines(_) => "lines",
            Self::Netstring(_) => "netstring",
            Self::Raw(_) => "raw",
            Self::Varint(framing) => match framing.format() {
                VarintFormat::Leb128 { .. } => "varint",
                VarintFormat::Quic => "quic-varint",
            },
        })
    }
}

impl fmt::Display for ParseFramingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Delimiter => {
                "expected 1 to 16 bytes in hexadecimal after delimiter:, as in delimiter:0d0a"
            }
            Self::FixedLen => "expected a positive number of bytes after fixed:, as in fixed:512",
            Self::UnknownName => {
                "expected raw, lines, netstring, varint, quic-varint, u8, u16be, u16le, u32be, \
                 u32le, u64be, u64le, fixed:N or delimiter:HEX"
            }
        })
    }
}

impl core::error::Error for ParseFramingError {}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn a_name_is_printed_as_it_was_parsed() {
        for name in [
            "raw",
            "lines",
            "netstring",
            "varint",
            "quic-varint",
            "u8",
            "u16be",
            "u16le",
            "u32be",
            "u32le",
            "u64be",
            "u64le",
            "fixed:1",
            "fixed:512",
            "delimiter:00",
            "delimiter:0d0a",
            "delimiter:000102030405060708090a0b0c0d0eff",
        ] {
            assert_eq!(name.parse::<AnyFraming>().unwrap().to_string(), name);
        }
        let framing = AnyFraming::LengthPrefix(LengthPrefix::u8().with_offset(1));
        assert_eq!(framing.to_string(), "length-prefix");
    }

    #[test]
    fn what_is_no_name_is_refused_with_what_was_expected() {
        for (name, expected) in [
            ("", ParseFramingError::UnknownName),
            ("Raw", ParseFramingError::UnknownName),
            ("length-prefix", ParseFramingError::UnknownName),
            ("fixed", ParseFramingError::UnknownName),
            ("fixed:", ParseFramingError::FixedLen),
            ("fixed:0", ParseFramingError::FixedLen),
            ("fixed:+1", ParseFramingError::FixedLen),
            ("fixed:99999999999999999999", ParseFramingError::FixedLen),
            ("delimiter:", ParseFramingError::Delimiter),
            ("delimiter:0", ParseFramingError::Delimiter),
            ("delimiter:+1", ParseFramingError::Delimiter),
            ("delimiter:0g", ParseFramingError::Delimiter),
            ("delimiter:0001020304050607080910111213141516", ParseFramingError::Delimiter),
        ] {
            assert_eq!(name.parse::<AnyFraming>().unwrap_err(), expected, "{name}");
        }
    }
}
