//! Heads: where one ends, and what is in it.
//!
//! ```text
//! request-head   = *CRLF  method SP target SP version CRLF  *( field-line CRLF )  CRLF
//! response-head  =        version SP status SP reason CRLF  *( field-line CRLF )  CRLF
//! ```
//!
//! httparse takes a whole head at once. If it is not all there at the first look, its end is looked
//! for line by line, over what is new only; so it is also where something is wrong, for what is
//! wrong first is to be told, however the head was cut.
//! Empty lines before a request are skipped (RFC 9112, section 2.2).

use memchr::{memchr, memchr2};

use super::error::{HttpPart, Violation};
use super::grammar::is_token_byte;
use super::limits::HttpLimits;
use super::lines::Lines;
use crate::error::DecodeError;

/// How far a head has been looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadScan {
    /// Empty lines up to here.
    Blank { scanned: usize },
    /// A token from `start` up to here.
    Method { start: usize, scanned: usize },
    /// A target that begins at `target`, up to here.
    Target { start: usize, target: usize, scanned: usize },
    /// A first line and fields.
    Lines(Lines),
}

impl HeadScan {
    pub(super) const REQUEST: Self = Self::Blank { scanned: 0 };
    pub(super) const RESPONSE: Self = Self::Lines(Lines::new(0, 0));

    /// Whether nothing has been looked at.
    #[inline]
    pub(super) fn is_fresh(&self) -> bool {
        *self == Self::REQUEST || *self == Self::RESPONSE
    }

    /// Where the head at the front of `input` ends, if it is all there.
    ///
    /// Every error is the first one in the order of bytes, so that it does not matter how much
    /// has arrived behind it.
    #[inline]
    pub(super) fn find_end(
        &mut self,
        input: &[u8],
        limits: &HttpLimits,
    ) -> Result<Option<usize>, DecodeError> {
        let window = input.get(..limits.head_len_max).unwrap_or(input);
        loop {
            let next = match *self {
                Self::Blank { scanned } => Self::skip_blank(window, scanned)?,
                Self::Method { start, scanned } => Self::find_method(window, start, scanned)?,
                Self::Target { start, target, scanned } => {
                    Self::find_target(window, start, target, scanned, limits)?
                }
                Self::Lines(mut lines) => {
                    let end = lines.find_end(window, 1, limits.field_count_max())?;
                    if end.is_some() {
                        return Ok(end);
                    }
                    Self::Lines(lines)
                }
            };
            let is_stuck = core::mem::discriminant(&next) == core::mem::discriminant(self);
            *self = next;
            if is_stuck {
                break;
            }
        }
        if input.len() >= limits.head_len_max {
            let max = limits.head_len_max as u64;
            return Err(DecodeError::Http { part: HttpPart::Head, max });
        }
        Ok(None)
    }

    fn skip_blank(window: &[u8], mut scanned: usize) -> Result<Self, DecodeError> {
        loop {
            match window.get(scanned..) {
                Some([b'\r', b'\n', ..]) => scanned += 2,
                Some([b'\r'] | []) | None => return Ok(Self::Blank { scanned }),
                Some([b'\r', ..]) => return Err(Violation::BareCr.into()),
                Some([b'\n', ..]) => return Err(Violation::BareLf.into()),
                Some(_) => return Ok(Self::Method { start: scanned, scanned }),
            }
        }
    }

    #[inline]
    fn find_method(window: &[u8], start: usize, scanned: usize) -> Result<Self, DecodeError> {
        let rest = window.get(scanned..).unwrap_or(&[]);
        let Some(len) = rest.iter().position(|byte| !is_token_byte(*byte)) else {
            return Ok(Self::Method { start, scanned: window.len() });
        };
        let end = scanned + len;
        if end == start || rest.get(len) != Some(&b' ') {
            return Err(Violation::Method.into());
        }
        Ok(Self::Target { start, target: end + 1, scanned: end + 1 })
    }

    #[inline]
    fn find_target(
        window: &[u8],
        start: usize,
        target: usize,
        scanned: usize,
        limits: &HttpLimits,
    ) -> Result<Self, DecodeError> {
        let rest = window.get(scanned..).unwrap_or(&[]);
        let found = memchr2(b' ', b'\n', rest);
        let end = scanned + found.unwrap_or(rest.len());
        if end - target > limits.target_len_max {
            let max = limits.target_len_max as u64;
            return Err(DecodeError::Http { part: HttpPart::Target, max });
        }
        match found.and_then(|at| rest.get(at)) {
            None => Ok(Self::Target { start, target, scanned: end }),
            Some(b' ') if end > target => Ok(Self::Lines(Lines::new(start, end + 1))),
            Some(_) => Err(Violation::RequestLine.into()),
        }
    }
}

/// Whether each line feed in `head` has a carriage return before it. Without a branch, so that many
/// bytes are looked at at once.
#[inline]
pub(super) fn has_line_ends(head: &[u8]) -> bool {
    let behind = head.get(1..).unwrap_or(&[]);
    let is_bare =
        |(before, byte): (&u8, &u8)| u8::from(*byte == b'\n') & u8::from(*before != b'\r');
    let bare = head.iter().zip(behind).map(is_bare).fold(0, |all, is_bare| all | is_bare);
    bare == 0 && !head.starts_with(b"\n")
}

/// The bytes of a head's first line with its line end, and the lines of fields behind it.
pub(super) fn split_first_line(head: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr(b'\n', head).map_or(head.len(), |at| at + 1);
    let (line, rest) = head.split_at(end);
    (line, rest.strip_suffix(b"\r\n").unwrap_or(rest))
}

/// Length of the empty lines before a head.
pub(super) fn blank_len(head: &[u8]) -> usize {
    let mut len = 0;
    while head.get(len..).is_some_and(|rest| rest.starts_with(b"\r\n")) {
        len += 2;
    }
    len
}
