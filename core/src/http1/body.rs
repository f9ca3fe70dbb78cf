//! Received bodies (RFC 9112, section 6).
//!
//! ```text
//! Content-Length: 5    │h e l l o│
//! chunked              │3 CR LF│h e l│CR LF 2 ;x CR LF│l o│CR LF 0 CR LF│Name: value CR LF│CR LF│
//! until the end        │h e l l o│ end of the stream
//! ```
//!
//! What is between two pieces of data, such as the end of a chunk and the size of the next one,
//! is part of the frame behind it.

use super::error::{HttpPart, Violation};
use super::fields::Fields;
use super::grammar::is_text_byte;
use super::limits::{HttpLimits, PIECE_LEN_MAX};
use super::lines::{self, Lines};
use crate::error::DecodeError;

/// What is still to come of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    /// Nothing but the end of the message, which takes no bytes.
    Complete,
    /// So many bytes, at least 1.
    Length { left: u64 },
    /// All that comes until the stream ends, within the limit.
    UntilEnd { left_max: u64 },
    /// Chunks.
    Chunked(Chunked),
}

/// A part of a body, within the `len` bytes at the front of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Data from `start` to `len`.
    Data { start: usize, len: usize },
    /// Field lines from `start` to the last two bytes of `len`.
    Trailers { start: usize, len: usize },
    /// The end of the message.
    End { len: usize },
}

impl Incoming {
    pub(super) const fn length(len: u64) -> Self {
        if len == 0 { Self::Complete } else { Self::Length { left: len } }
    }

    pub(super) const CHUNKED: Self = Self::Chunked(Chunked::START);

    /// Takes the next piece off `input`, if it is there.
    #[inline]
    pub(super) fn next(
        &mut self,
        input: &[u8],
        limits: &HttpLimits,
    ) -> Result<Option<Piece>, DecodeError> {
        match self {
            Self::Complete => Ok(Some(Piece::End { len: 0 })),
            Self::Length { left } => {
                let len = piece_len(input.len(), *left);
                *left -= len as u64;
                if *left == 0 {
                    *self = Self::Complete;
                }
                Ok(if len == 0 { None } else { Some(Piece::Data { start: 0, len }) })
            }
            Self::UntilEnd { left_max } => {
                if input.is_empty() {
                    return Ok(None);
                }
                let len = piece_len(input.len(), *left_max);
                if len == 0 {
                    return Err(body_too_long(limits));
                }
                *left_max -= len as u64;
                Ok(Some(Piece::Data { start: 0, len }))
            }
            Self::Chunked(chunked) => {
                let piece = chunked.next(input, limits)?;
                if let Some(Piece::Trailers { .. } | Piece::End { .. }) = piece {
                    *self = Self::Complete;
                }
                Ok(piece)
            }
        }
    }

    /// Whether a line is awaited, rather than data of which any piece is one.
    pub(super) const fn awaits_line(&self) -> bool {
        match self {
            Self::Complete | Self::Length { .. } | Self::UntilEnd { .. } => false,
            Self::Chunked(chunked) => !matches!(chunked.at, At::Data { .. }),
        }
    }

    /// Whether nothing of it has been shown.
    pub(super) const fn is_untouched(&self) -> bool {
        match self {
            Self::Complete => false,
            Self::Length { .. } | Self::UntilEnd { .. } => true,
            Self::Chunked(chunked) => chunked.body_len == 0,
        }
    }

    /// Bytes that are left of a known length.
    pub(super) const fn left(&self) -> Option<u64> {
        match self {
            Self::Complete => Some(0),
            Self::Length { left } => Some(*left),
            Self::UntilEnd { .. } | Self::Chunked(_) => None,
        }
    }
}

/// What can be shown of `available` bytes when `left` belong to the body.
fn piece_len(available: usize, left: u64) -> usize {
    let available = available.min(PIECE_LEN_MAX);
    usize::try_from(left).map_or(available, |left| left.min(available))
}

const fn body_too_long(limits: &HttpLimits) -> DecodeError {
    DecodeError::Http { part: HttpPart::Body, max: limits.body_len_max }
}

/// A chunked body (RFC 9112, section 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunked {
    at: At,
    /// Bytes of the unfinished frame that `at` is behind, while it is in a line.
    scanned: usize,
    /// Size of the chunk whose line is being read.
    size: u64,
    /// Bytes of extensions so far.
    extensions_len: usize,
    /// Sizes of all chunks that were announced.
    body_len: u64,
}

/// What is expected next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// CR behind the data of a chunk.
    EndCr,
    /// LF behind that.
    EndLf,
    /// A digit of a size, or what ends it.
    Size { digits: u8 },
    /// White space, or the semicolon of an extension.
    Space,
    /// An extension, or CR.
    Extension,
    /// LF behind the size.
    SizeLf,
    /// Data, behind `prefix` bytes of lines.
    Data { prefix: usize, left: u64 },
    /// Trailers, from `start` on.
    Trailers { start: usize, lines: Lines },
}

/// Digits that a chunk size may have, leading zeros included.
const SIZE_DIGITS_MAX: u8 = 16;

/// Bytes before the data of a chunk, or before trailers, that are not an extension.
pub(super) const CHUNK_LINES_LEN_MAX: usize = "\r\n\r\n".len() + SIZE_DIGITS_MAX as usize;

impl Chunked {
    const START: Self =
        Self { at: At::Size { digits: 0 }, scanned: 0, size: 0, extensions_len: 0, body_len: 0 };

    fn next(&mut self, input: &[u8], limits: &HttpLimits) -> Result<Option<Piece>, DecodeError> {
        loop {
            match &mut self.at {
                At::Data { prefix, left } => {
                    let start = *prefix;
                    let len = piece_len(input.len().saturating_sub(start), *left);
                    if len == 0 {
                        return Ok(None);
                    }
                    (*prefix, *left) = (0, *left - len as u64);
                    if *left == 0 {
                        (self.at, self.scanned) = (At::EndCr, 0);
                    }
                    return Ok(Some(Piece::Data { start, len: start + len }));
                }
                At::Trailers { start, lines } => {
                    return Self::find_trailers(*start, lines, input, limits);
                }
                _ => {
                    let Some(byte) = input.get(self.scanned) else { return Ok(None) };
                    self.at = self.after(*byte, limits)?;
                    self.scanned += 1;
                }
            }
        }
    }

    /// What is expected behind `byte` of a line.
    fn after(&mut self, byte: u8, limits: &HttpLimits) -> Result<At, DecodeError> {
        match (self.at, byte) {
            (At::EndCr, b'\r') => Ok(At::EndLf),
            (At::EndLf, b'\n') => Ok(At::Size { digits: 0 }),
            (At::EndCr | At::EndLf, _) => Err(Violation::ChunkEnd.into()),
            (At::Size { digits: 1.. } | At::Extension, b'\r') => Ok(At::SizeLf),
            (At::Size { digits: 1.. }, b' ' | b'\t') => self.extension(At::Space, limits),
            (At::Size { digits: 1.. }, b';') => self.extension(At::Extension, limits),
            (At::Size { digits }, _) => self.digit(digits, byte),
            (At::Space, b' ' | b'\t') => self.extension(At::Space, limits),
            (At::Space, b';') => self.extension(At::Extension, limits),
            (At::Space, _) => Err(Violation::ChunkSize.into()),
            (At::Extension, b'\n') => Err(Violation::BareLf.into()),
            (At::Extension, _) if is_text_byte(byte) => self.extension(At::Extension, limits),
            (At::Extension, _) => Err(Violation::ChunkExtension.into()),
            (At::SizeLf, b'\n') => self.sized(limits),
            (At::SizeLf, _) => Err(Violation::BareCr.into()),
            (At::Data { .. } | At::Trailers { .. }, _) => Ok(self.at),
        }
    }

    fn digit(&mut self, digits: u8, byte: u8) -> Result<At, DecodeError> {
        let value = char::from(byte).to_digit(16).ok_or(Violation::ChunkSize)?;
        if digits == SIZE_DIGITS_MAX {
            return Err(Violation::ChunkSizeOverflow.into());
        }
        self.size = self.size << 4 | u64::from(value);
        Ok(At::Size { digits: digits + 1 })
    }

    /// Counts a byte of an extension.
    fn extension(&mut self, at: At, limits: &HttpLimits) -> Result<At, DecodeError> {
        let max = limits.chunk_extensions_len_max;
        if self.extensions_len >= max {
            let max = max as u64;
            return Err(DecodeError::Http { part: HttpPart::ChunkExtensions, max });
        }
        self.extensions_len += 1;
        Ok(at)
    }

    /// The line of a size is whole.
    fn sized(&mut self, limits: &HttpLimits) -> Result<At, DecodeError> {
        let prefix = self.scanned + 1;
        let left = core::mem::take(&mut self.size);
        if left == 0 {
            return Ok(At::Trailers { start: prefix, lines: Lines::new(prefix, prefix) });
        }
        match self.body_len.checked_add(left) {
            Some(len) if len <= limits.body_len_max => self.body_len = len,
            _ => return Err(body_too_long(limits)),
        }
        Ok(At::Data { prefix, left })
    }

    fn find_trailers(
        start: usize,
        lines: &mut Lines,
        input: &[u8],
        limits: &HttpLimits,
    ) -> Result<Option<Piece>, DecodeError> {
        let end_max = start.saturating_add(limits.trailers_len_max).saturating_add(2);
        let window = input.get(..end_max).unwrap_or(input);
        let Some(len) = lines.find_end(window, 0, limits.field_count_max())? else {
            if window.len() == end_max {
                let max = limits.trailers_len_max as u64;
                return Err(DecodeError::Http { part: HttpPart::Trailers, max });
            }
            return Ok(None);
        };
        if len == start + 2 {
            return Ok(Some(Piece::End { len }));
        }
        let fields = window.get(start..len - 2).unwrap_or(&[]);
        lines::check(fields)?;
        if Fields::from_wire(fields).iter().any(|(name, _)| lines::is_forbidden_trailer(name)) {
            return Err(Violation::TrailerField.into());
        }
        Ok(Some(Piece::Trailers { start, len }))
    }
}
