use memchr::memchr;

use super::{Framing, Payload, Scan, Whole, check_item};
use crate::buffer::Buffer;
use crate::error::{DecodeError, EncodeError};
use crate::limits::LINE_LEN_MAX;

/// Lines that end in LF or CRLF; the frame is the line without its ending.
///
/// ```text
/// stream  = *line [last]
/// line    = *payload [CR] LF
/// payload = %x00-09 / %x0B-FF    ; any octet but LF
/// last    = 1*payload            ; only with Unterminated::Yield
/// ```
///
/// One CR before LF belongs to the ending; any other CR is payload. No character set is assumed.
/// A payload with LF is refused on encode, and so is one that ends in CR where lines are sent with
/// LF, for the peer would take the CR off.
///
/// # Specification
/// The endings of RFC 5234, appendix B.1 (`CRLF`, `LF`).
#[derive(Clone, Debug)]
pub struct Lines {
    frame_len_max: usize,
    /// Bytes at the front of the input that are known to contain no LF.
    scanned: usize,
    line_ending: LineEnding,
    unterminated: Unterminated,
}

/// What is sent at the end of a line. Both are accepted from the peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineEnding {
    /// LF, as Unix text has it.
    #[default]
    Lf,
    /// CRLF, as Internet protocols have it.
    CrLf,
}

/// What becomes of bytes behind the last line ending when the peer finishes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unterminated {
    /// They are refused as truncated: who cuts a connection must not be able to make a shorter
    /// line out of a longer one.
    #[default]
    Refuse,
    /// They are yielded like a line, with a CR at their end if they have one.
    Yield,
}

impl Lines {
    /// Lines of at most [`LINE_LEN_MAX`] bytes, sent with LF; a last one without ending is refused.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            frame_len_max: LINE_LEN_MAX,
            scanned: 0,
            line_ending: LineEnding::Lf,
            unterminated: Unterminated::Refuse,
        }
    }

    /// Accepts and sends at most `frame_len_max` bytes a line, its ending not counted.
    #[must_use]
    pub const fn with_frame_len_max(self, frame_len_max: usize) -> Self {
        Self { frame_len_max, ..self }
    }

    /// Ends the lines that are sent with `line_ending`.
    #[must_use]
    pub const fn with_line_ending(self, line_ending: LineEnding) -> Self {
        Self { line_ending, ..self }
    }

    /// Chooses what becomes of a last line without ending.
    #[must_use]
    pub const fn with_unterminated(self, unterminated: Unterminated) -> Self {
        Self { unterminated, ..self }
    }

    /// The one error for a line that is too long. How much longer it is depends on how much of it
    /// has arrived, so the least excess is reported.
    const fn too_long(&self) -> DecodeError {
        let max = self.frame_len_max as u64;
        DecodeError::TooLong { len: max.saturating_add(1), max }
    }
}

impl Default for Lines {
    fn default() -> Self {
        Self::new()
    }
}

impl Framing for Lines {
    type Found = Payload;
    type Frame<'a> = &'a [u8];
    type Item<'a> = &'a [u8];

    #[inline]
    fn scan(&mut self, input: &[u8]) -> Result<Scan<Payload>, DecodeError> {
        let window = input.get(..self.wire_len_max()).unwrap_or(input);
        let fresh = window.get(self.scanned..).unwrap_or(&[]);
        let line_feed = memchr(b'\n', fresh).map(|at| self.scanned + at);
        let line = line_feed.and_then(|at| window.get(..at)).unwrap_or(window);
        // Without LF yet, a CR may still become part of the ending.
        let end = line.len() - usize::from(line.last() == Some(&b'\r'));
        if end > self.frame_len_max {
            return Err(self.too_long());
        }
        let Some(line_feed) = line_feed else {
            self.scanned = window.len();
            return Ok(Scan::Need(window.len() + 1));
        };
        self.scanned = 0;
        Ok(Scan::Found(Whole { len: line_feed + 1, found: Payload { start: 0, end } }))
    }

    fn scan_end(&mut self, input: &[u8]) -> Result<Option<Whole<Payload>>, DecodeError> {
        let len = input.len();
        if len == 0 {
            return Ok(None);
        }
        match self.unterminated {
            Unterminated::Refuse => Err(DecodeError::Truncated { len }),
            Unterminated::Yield if len > self.frame_len_max => Err(self.too_long()),
            Unterminated::Yield => {
                self.scanned = 0;
                Ok(Some(Whole { len, found: Payload { start: 0, end: len } }))
            }
        }
    }

    #[inline]
    fn view(found: Payload, bytes: &mut [u8]) -> &[u8] {
        found.of(bytes)
    }

    #[inline]
    fn encode(&mut self, item: &[u8], transmit: &mut Buffer) -> Result<(), EncodeError> {
        check_item(item, self.frame_len_max)?;
        if let Some(offset) = memchr(b'\n', item) {
            return Err(EncodeError::Forbidden { offset });
        }
        match (self.line_ending, item) {
            (LineEnding::Lf, [before @ .., b'\r']) => {
                return Err(EncodeError::Forbidden { offset: before.len() });
            }
            // The length of each ending is known when compiling, so that no copy is a call.
            (LineEnding::Lf, _) => transmit.extend_from_slices([item, b"\n"]),
            (LineEnding::CrLf, _) => transmit.extend_from_slices([item, b"\r\n"]),
        }
        Ok(())
    }

    #[inline]
    fn wire_len_max(&self) -> usize {
        self.frame_len_max.saturating_add(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_goes_on_where_the_last_one_ended() {
        let mut framing = Lines::new();
        assert_eq!(framing.scan(b"ab\r"), Ok(Scan::Need(4)));
        assert_eq!(framing.scanned, 3);
        let found = Payload { start: 0, end: 2 };
        assert_eq!(framing.scan(b"ab\r\ncd"), Ok(Scan::Found(Whole { len: 4, found })));
        assert_eq!(framing.scanned, 0);
    }

    #[test]
    fn a_carriage_return_at_the_limit_may_still_be_the_ending() {
        let mut framing = Lines::new().with_frame_len_max(2);
        let found = Payload { start: 0, end: 2 };
        assert_eq!(framing.scan(b"ab\r"), Ok(Scan::Need(4)));
        assert_eq!(framing.scan(b"ab\r\n"), Ok(Scan::Found(Whole { len: 4, found })));

        let error = DecodeError::TooLong { len: 3, max: 2 };
        assert_eq!(framing.scan(b"ab\rc\n"), Err(error));
        assert_eq!(Lines::new().with_frame_len_max(2).scan(b"ab\r\r\n"), Err(error));
        assert_eq!(Lines::new().with_frame_len_max(2).scan(b"abcdefgh\n"), Err(error));
    }
}
