use core::fmt;
use core::str::FromStr;

use super::error::RangeProblem;
use super::event::Span;
use crate::http1::Response;

/// A part of a resource, in bytes from 0.
///
/// Its text is that of a `range` field without the unit: `0-99`, `100-`, or `-500` for the last
/// 500. One part only: several come in a format of their own.
///
/// # Specification
/// RFC 9110, section 14.1.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// From a byte to the end.
    From {
        /// The first byte.
        first: u64,
    },
    /// From a byte to another.
    Between {
        /// The first byte.
        first: u64,
        /// The last, which belongs to it.
        last: u64,
    },
    /// The last bytes.
    Last {
        /// How many, which is not 0.
        len: u64,
    },
}

/// Why a text is no [`Range`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeError;

impl FromStr for Range {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        let (first, last) = text.split_once('-').ok_or(RangeError)?;
        match (first, last) {
            ("", len) => match number(len) {
                Some(len) if len > 0 => Ok(Self::Last { len }),
                _ => Err(RangeError),
            },
            (first, "") => Ok(Self::From { first: number(first).ok_or(RangeError)? }),
            (first, last) => match (number(first), number(last)) {
                (Some(first), Some(last)) if first <= last => Ok(Self::Between { first, last }),
                _ => Err(RangeError),
            },
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::From { first } => write!(f, "{first}-"),
            Self::Between { first, last } => write!(f, "{first}-{last}"),
            Self::Last { len } => write!(f, "-{len}"),
        }
    }
}

impl fmt::Display for RangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a range of bytes, as in 0-99, 100- or -500")
    }
}

impl core::error::Error for RangeError {}

/// Decimal digits and nothing else.
fn number(text: &str) -> Option<u64> {
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_digits { text.parse().ok() } else { None }
}

impl Range {
    /// What `response`, a 206, is of what was asked for.
    pub(super) fn check(self, response: &Response<'_>) -> Result<Span, RangeProblem> {
        let ContentRange::Part { first, last, complete_len } = ContentRange::of(response)? else {
            return Err(RangeProblem::Unknown);
        };
        let other = RangeProblem::Other { first, last };
        // What a server may leave out at the end is left to be asked for.
        let is_asked_for = match self {
            Self::From { first: asked } => first == asked,
            Self::Between { first: asked, last: asked_last } => {
                first == asked && last <= asked_last
            }
            Self::Last { len } => {
                let complete_len = complete_len.ok_or(RangeProblem::Unknown)?;
                first == complete_len.saturating_sub(len)
                    && last.checked_add(1) == Some(complete_len)
            }
        };
        if !is_asked_for {
            return Err(other);
        }
        // A part that ends at the last byte there could be is nobody's.
        let len = (last - first).checked_add(1).ok_or(other)?;
        Ok(Span { offset: first, len: Some(len), complete_len })
    }
}

/// The field `content-range`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContentRange {
    Part {
        first: u64,
        last: u64,
        complete_len: Option<u64>,
    },
    /// There is none, of a resource of this length.
    Unsatisfied {
        complete_len: u64,
    },
}

impl ContentRange {
    /// # Specification
    /// RFC 9110, section 14.4. A part that contradicts itself is none.
    pub(super) fn of(response: &Response<'_>) -> Result<Self, RangeProblem> {
        let mut values = response.fields.get_all("content-range");
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(RangeProblem::Unknown);
        };
        core::str::from_utf8(value).ok().and_then(Self::parse).ok_or(RangeProblem::Unknown)
    }

    fn parse(text: &str) -> Option<Self> {
        let (unit, text) = text.split_once(' ')?;
        if !unit.eq_ignore_ascii_case("bytes") {
            return None;
        }
        let (part, complete_len) = text.split_once('/')?;
        if part == "*" {
            return Some(Self::Unsatisfied { complete_len: number(complete_len)? });
        }
        let (first, last) = part.split_once('-')?;
        let (first, last) = (number(first)?, number(last)?);
        let complete_len = match complete_len {
            "*" => None,
            text => Some(number(text)?),
        };
        let is_valid = first <= last && complete_len.is_none_or(|len| last < len);
        is_valid.then_some(Self::Part { first, last, complete_len })
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn ranges_are_printed_as_they_are_parsed() {
        for (text, range) in [
            ("0-", Range::From { first: 0 }),
            ("0-0", Range::Between { first: 0, last: 0 }),
            ("5-18446744073709551615", Range::Between { first: 5, last: u64::MAX }),
            ("-1", Range::Last { len: 1 }),
        ] {
            assert_eq!(text.parse(), Ok(range));
            assert_eq!(range.to_string(), text);
        }
        for text in [
            "",
            "-",
            "-0",
            "5",
            "5-4",
            "a-",
            "+1-2",
            "1-2,4-5",
            " 1-2",
            "1--2",
            "bytes=0-1",
            "18446744073709551616-",
        ] {
            assert_eq!(text.parse::<Range>(), Err(RangeError), "{text}");
        }
    }

    #[test]
    fn content_ranges_are_read_strictly() {
        let part = |first, last, complete_len| ContentRange::Part { first, last, complete_len };
        for (text, expected) in [
            ("bytes 0-0/1", Some(part(0, 0, Some(1)))),
            ("Bytes 5-9/*", Some(part(5, 9, None))),
            ("bytes */7", Some(ContentRange::Unsatisfied { complete_len: 7 })),
            ("bytes 0-1/1", None),
            ("bytes 2-1/9", None),
            ("bytes=0-1/2", None),
            ("bytes */*", None),
            ("bytes  0-1/2", None),
            ("bytes 0-1", None),
            ("items 0-1/2", None),
            ("bytes 0-18446744073709551616/*", None),
        ] {
            assert_eq!(ContentRange::parse(text), expected, "{text}");
        }
    }
}
