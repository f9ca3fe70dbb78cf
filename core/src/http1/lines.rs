//! Field lines: where they end, and what is wrong with one.

use memchr::{memchr, memchr_iter};

use super::error::{HttpPart, Violation};
use super::grammar::{is_text, is_token, trim_ows};
use crate::error::DecodeError;

/// How far lines have been looked through for the empty one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lines {
    /// Where the line begins that `scanned` is in.
    line_start: usize,
    /// No line ends between `line_start` and here.
    scanned: usize,
    /// Lines before that.
    count: usize,
}

impl Lines {
    /// Lines from `line_start` on, the first `scanned` bytes of the input known to have no line end
    /// behind it.
    pub(super) const fn new(line_start: usize, scanned: usize) -> Self {
        Self { line_start, scanned, count: 0 }
    }

    /// Where the empty line ends, if it is in `window`. At most `first` lines and `fields_max` of
    /// fields may come before it.
    #[inline]
    pub(super) fn find_end(
        &mut self,
        window: &[u8],
        first: usize,
        fields_max: usize,
    ) -> Result<Option<usize>, DecodeError> {
        let scanned = self.scanned;
        for at in memchr_iter(b'\n', window.get(scanned..).unwrap_or(&[])) {
            let at = scanned + at;
            if at == self.line_start || window.get(at - 1) != Some(&b'\r') {
                return Err(Violation::BareLf.into());
            }
            if at == self.line_start + 1 {
                return Ok(Some(at + 1));
            }
            self.line_start = at + 1;
            self.count += 1;
            if self.count > first + fields_max {
                let max = fields_max as u64;
                return Err(DecodeError::Http { part: HttpPart::Fields, max });
            }
        }
        self.scanned = window.len();
        Ok(None)
    }
}

/// Checks lines of fields, each with its line end.
pub(super) fn check(mut lines: &[u8]) -> Result<(), Violation> {
    while let Some(end) = memchr(b'\n', lines) {
        let (line, rest) = lines.split_at(end);
        check_line(line.strip_suffix(b"\r").ok_or(Violation::BareLf)?)?;
        lines = rest.get(1..).unwrap_or(&[]);
    }
    Ok(())
}

/// Checks one line of a field, without its line end.
fn check_line(line: &[u8]) -> Result<(), Violation> {
    if line.contains(&b'\r') {
        return Err(Violation::BareCr);
    }
    if matches!(line, [b' ' | b'\t', ..]) {
        return Err(Violation::ObsFold);
    }
    let colon = memchr(b':', line).ok_or(Violation::FieldName)?;
    let (name, value) = line.split_at(colon);
    if is_token(trim_ows(name)) && !is_token(name) {
        return Err(Violation::SpaceBeforeColon);
    }
    check_field(name, value)
}

/// Checks name and value of one field.
pub(super) fn check_field(name: &[u8], value: &[u8]) -> Result<(), Violation> {
    if !is_token(name) {
        return Err(Violation::FieldName);
    }
    if is_text(value) { Ok(()) } else { Err(Violation::FieldValue) }
}

/// Whether a field says where the message ends or whom it is for, and so must be in the head
/// (RFC 9110, section 6.5.1).
pub(super) fn is_forbidden_trailer(name: &str) -> bool {
    ["content-length", "host", "transfer-encoding"]
        .iter()
        .any(|forbidden| name.eq_ignore_ascii_case(forbidden))
}
