//! Frames of a reader, with their places: what `frames` prints, and how `send` cuts its input.

use std::io::{self, Read};

use drywire::DecodeError;
use drywire::framing::{AnyFraming, Framing, Payload, Scan};

/// How much is read at once, and the smallest buffer.
const CHUNK_LEN: usize = 64 * 1024;

/// Cuts what a reader yields into frames.
///
/// # Bounds
/// Holds no more than twice the longest frame, and twice [`CHUNK_LEN`] at least; a frame that only
/// announces its length makes the buffer grow no faster than its bytes arrive.
pub(crate) struct Pieces<R> {
    reader: R,
    framing: AnyFraming,
    /// `buffer[start..end]` has been read and not been consumed.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Where `start` is in the input.
    offset: u64,
    /// How many bytes the piece that was shown last takes.
    shown: usize,
    /// How many bytes the next frame has at least.
    need: usize,
    /// What was found in what has been read.
    upcoming: Option<Cut>,
    ended: bool,
}

/// A part of the input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// A whole frame.
    Frame {
        /// Where it begins.
        offset: u64,
        /// How many bytes it takes.
        wire_len: usize,
        bytes: &'a [u8],
    },
    /// What is left at the end and is no whole frame.
    Rest { offset: u64, bytes: &'a [u8] },
}

/// Why there are no further pieces.
#[derive(Debug)]
pub(crate) enum PieceError {
    Read(io::Error),
    /// The frame that begins at `offset` is not in the grammar.
    Decode {
        offset: u64,
        error: DecodeError,
    },
}

/// A piece before it is borrowed.
enum Cut {
    Frame(usize, Payload),
    Rest,
    Invalid(DecodeError),
    End,
}

impl<R: Read> Pieces<R> {
    pub(crate) fn new(reader: R, framing: AnyFraming) -> Self {
        Self {
            reader,
            framing,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            offset: 0,
            shown: 0,
            need: 0,
            upcoming: None,
            ended: false,
        }
    }

    /// Whether [`next`](Self::next) returns without reading.
    pub(crate) fn is_ready(&mut self) -> bool {
        self.consume_shown();
        if self.upcoming.is_none() {
            self.upcoming = self.look();
        }
        self.upcoming.is_some()
    }

    /// The next piece, or `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Piece<'_>>, PieceError> {
        while !self.is_ready() {
            self.read().map_err(PieceError::Read)?;
        }
        let bytes = &mut self.buffer[self.start..self.end];
        let offset = self.offset;
        match self.upcoming.take() {
            Some(Cut::Frame(wire_len, found)) => {
                self.shown = wire_len;
                let bytes = AnyFraming::view(found, &mut bytes[..wire_len]);
                Ok(Some(Piece::Frame { offset, wire_len, bytes }))
            }
            Some(Cut::Rest) => {
                self.shown = bytes.len();
                Ok(Some(Piece::Rest { offset, bytes }))
            }
            Some(Cut::Invalid(error)) => Err(PieceError::Decode { offset, error }),
            Some(Cut::End) | None => Ok(None),
        }
    }

    fn consume_shown(&mut self) {
        self.start += self.shown;
        self.offset += self.shown as u64;
        self.shown = 0;
    }

    /// Looks for a piece in what has been read.
    fn look(&mut self) -> Option<Cut> {
        let input = &self.buffer[self.start..self.end];
        match self.framing.scan(input) {
            Ok(Scan::Found(whole)) => return Some(Cut::Frame(whole.len, whole.found)),
            Ok(Scan::Need(need)) => self.need = need,
            // No framing of bytes holds.
            Ok(Scan::Hold) => {}
            Err(error) => return Some(Cut::Invalid(error)),
        }
        if !self.ended {
            return None;
        }
        Some(match self.framing.scan_end(input) {
            Ok(Some(whole)) => Cut::Frame(whole.len, whole.found),
            Ok(None) => Cut::End,
            Err(DecodeError::Truncated { .. }) => Cut::Rest,
            Err(error) => Cut::Invalid(error),
        })
    }

    /// Reads once, into room for what is needed or for twice what is there, whichever is less.
    fn read(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let room = self.need.min(self.end.saturating_mul(2)).max(self.end + CHUNK_LEN);
        if self.buffer.len() < room {
            self.buffer.resize(room, 0);
        }
        loop {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(len) => self.end += len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Yields one byte at a time.
    struct Trickle<'a>(&'a [u8]);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
            self.0 = rest;
            buffer[0] = *first;
            Ok(1)
        }
    }

    /// Where each piece begins, how many bytes it takes (0 for a rest), and its payload.
    fn pieces(framing: &str, reader: impl Read) -> Vec<(u64, usize, Vec<u8>)> {
        let mut pieces = Pieces::new(reader, framing.parse().unwrap());
        let mut all = Vec::new();
        while let Some(piece) = pieces.next().unwrap() {
            all.push(match piece {
                Piece::Frame { offset, wire_len, bytes } => (offset, wire_len, bytes.to_vec()),
                Piece::Rest { offset, bytes } => (offset, 0, bytes.to_vec()),
            });
        }
        all
    }

    #[test]
    fn frames_have_their_places_however_they_are_read() {
        let check = |framing, input, expected: &[(u64, usize, &[u8])]| {
            let expected: Vec<_> =
                expected.iter().map(|(at, len, bytes)| (*at, *len, bytes.to_vec())).collect();
            assert_eq!(pieces(framing, input), expected);
            assert_eq!(pieces(framing, Trickle(input)), expected);
        };
        check("lines", b"a\r\n\nbc", &[(0, 3, b"a"), (3, 1, b""), (4, 0, b"bc")]);
        check("u16be", b"\0\x01x\0\0\0", &[(0, 3, b"x"), (3, 2, b""), (5, 0, b"\0")]);
        check("fixed:2", b"abcd", &[(0, 2, b"ab"), (2, 2, b"cd")]);
        check("netstring", b"", &[]);
    }

    #[test]
    fn an_error_has_the_place_of_its_frame() {
        let mut pieces = Pieces::new(&b"1:a,2:bc;"[..], "netstring".parse().unwrap());
        assert!(matches!(pieces.next(), Ok(Some(Piece::Frame { offset: 0, .. }))));
        assert!(matches!(pieces.next(), Err(PieceError::Decode { offset: 4, .. })));
    }

    #[test]
    fn memory_is_bounded_however_much_is_read() {
        let framing = "u32be".parse::<AnyFraming>().unwrap().with_frame_len_max(300_000);
        let frame = [&300_000_u32.to_be_bytes()[..], &[7; 300_000]].concat();
        let input = frame.repeat(20);
        let mut pieces = Pieces::new(&input[..], framing);
        let mut count = 0;
        while let Some(Piece::Frame { bytes, .. }) = pieces.next().unwrap() {
            assert_eq!(bytes.len(), 300_000);
            count += 1;
        }
        assert_eq!(count, 20);
        assert!(pieces.buffer.len() <= 2 * frame.len(), "{} bytes", pieces.buffer.len());
    }
}
