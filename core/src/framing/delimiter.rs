use memchr::memchr_iter;

use super::{Framing, Payload, Scan, Whole, check_item};
use crate::buffer::Buffer;
use crate::error::{DecodeError, EncodeError};
use crate::limits::FRAME_LEN_MAX;

/// Frames that end in a delimiter of one or more bytes; the frame comes without it.
///
/// ```text
/// stream = *( payload delimiter )
/// ```
///
/// The payload is everything before the first occurrence of the delimiter. There is no escaping:
/// a payload that would make the delimiter occur earlier, by itself or together with the delimiter
/// behind it, is refused on encode. Bytes behind the last delimiter at the end of the stream are
/// truncated.
#[derive(Clone, Debug)]
pub struct Delimiter {
    frame_len_max: usize,
    /// No delimiter ends within that many bytes at the front of the input.
    scanned: usize,
    bytes: [u8; Self::LEN_MAX],
    /// `1..=LEN_MAX`.
    len: u8,
}

impl Delimiter {
    /// Longest delimiter, in bytes: it is stored in place.
    pub const LEN_MAX: usize = 16;

    /// Frames of at most [`FRAME_LEN_MAX`] bytes that end in `delimiter`; `None` if that is empty
    /// or longer than [`LEN_MAX`](Self::LEN_MAX).
    #[must_use]
    pub fn new(delimiter: &[u8]) -> Option<Self> {
        let len = u8::try_from(delimiter.len()).ok().filter(|len| *len > 0)?;
        let mut bytes = [0; Self::LEN_MAX];
        bytes.get_mut(..delimiter.len())?.copy_from_slice(delimiter);
        Some(Self { frame_len_max: FRAME_LEN_MAX, scanned: 0, bytes, len })
    }

    /// Accepts and sends at most `frame_len_max` bytes a frame, the delimiter not counted.
    #[must_use]
    pub const fn with_frame_len_max(self, frame_len_max: usize) -> Self {
        Self { frame_len_max, ..self }
    }

    /// The delimiter.
    #[must_use]
    pub fn delimiter(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&self.bytes)
    }

    /// The end of the first delimiter in `bytes` that ends behind the first `scanned` of them.
    ///
    /// Each byte behind those is looked at as a possible end, with the few bytes before it; so it
    /// does not matter where the input was cut.
    #[inline]
    fn find_end(&self, bytes: &[u8], scanned: usize) -> Option<usize> {
        let delimiter = self.delimiter();
        let (last, before) = delimiter.split_last()?;
        let start = scanned.max(before.len());
        memchr_iter(*last, bytes.get(start..)?)
            .map(|at| start + at)
            .find(|at| bytes.get(at - before.len()..*at) == Some(before))
            .map(|at| at + 1)
    }

    /// Whether `bytes`, in which no delimiter ends, can go on to be a legal frame: they are within
    /// the limit, or what exceeds it is the beginning of a delimiter.
    fn is_open(&self, bytes: &[u8]) -> bool {
        bytes.len() <= self.frame_len_max
            || self.beginnings().any(|beginning| {
                bytes.len() - self.frame_len_max <= beginning.len() && bytes.ends_with(beginning)
            })
    }

    /// What the delimiter begins with, itself excluded, longest first.
    fn beginnings(&self) -> impl Iterator<Item = &[u8]> {
        let delimiter = self.delimiter();
        (1..delimiter.len()).rev().filter_map(|len| delimiter.get(..len))
    }

    /// Where `payload` makes the delimiter begin that would end too early.
    fn find_forbidden(&self, payload: &[u8]) -> Option<usize> {
        let delimiter = self.delimiter();
        if let Some(end) = self.find_end(payload, 0) {
            return Some(end - delimiter.len());
        }
        // The payload ends as the delimiter begins, and the delimiter goes on as it begins.
        self.beginnings()
            .find(|beginning| {
                payload.ends_with(beginning)
                    && delimiter
                        .get(beginning.len()..)
                        .is_some_and(|rest| delimiter.starts_with(rest))
            })
            .map(|beginning| payload.len() - beginning.len())
    }
}

impl Framing for Delimiter {
    type Found = Payload;
    type Frame<'a> = &'a [u8];
    type Item<'a> = &'a [u8];

    #[inline]
    fn scan(&mut self, input: &[u8]) -> Result<Scan<Payload>, DecodeError> {
        let window = input.get(..self.wire_len_max()).unwrap_or(input);
        if let Some(len) = self.find_end(window, self.scanned) {
            self.scanned = 0;
            let end = len - usize::from(self.len);
            return Ok(Scan::Found(Whole { len, found: Payload { start: 0, end } }));
        }
        self.scanned = window.len();
        if self.is_open(window) {
            return Ok(Scan::Need(window.len() + 1));
        }
        // How long the frame is depends on how much of it has arrived: the least is reported.
        let max = self.frame_len_max as u64;
        Err(DecodeError::TooLong { len: max.saturating_add(1), max })
    }

    #[inline]
    fn view(found: Payload, bytes: &mut [u8]) -> &[u8] {
        found.of(bytes)
    }

    #[inline]
    fn encode(&mut self, item: &[u8], transmit: &mut Buffer) -> Result<(), EncodeError> {
        check_item(item, self.frame_len_max)?;
        if let Some(offset) = self.find_forbidden(item) {
            return Err(EncodeError::Forbidden { offset });
        }
        transmit.extend_from_slices([item, self.delimiter()]);
        Ok(())
    }

    #[inline]
    fn wire_len_max(&self) -> usize {
        self.frame_len_max.saturating_add(usize::from(self.len))
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// Every text of at most `len_max` letters out of two.
    fn texts(len_max: u32) -> impl Iterator<Item = Vec<u8>> {
        (0..=len_max).flat_map(|len| {
            (0..1_u32 << len)
                .map(move |bits| (0..len).map(|at| b'a' + u8::from(bits >> at & 1 == 1)).collect())
        })
    }

    #[test]
    fn what_makes_a_delimiter_occur_early_is_forbidden_and_nothing_else() {
        for delimiter in texts(4).skip(1) {
            let framing = Delimiter::new(&delimiter).unwrap();
            for payload in texts(6) {
                let wire = [payload.as_slice(), &delimiter].concat();
                let first = wire.windows(delimiter.len()).position(|at| at == delimiter).unwrap();
                let expected = Some(first).filter(|first| *first != payload.len());
                let context = (&delimiter, &payload);
                assert_eq!(framing.find_forbidden(&payload), expected, "{context:?}");
            }
        }
    }

    #[test]
    fn a_frame_beyond_the_limit_is_open_only_while_the_delimiter_may_have_begun() {
        let framing = Delimiter::new(b"abac").unwrap().with_frame_len_max(2);
        for (bytes, is_open) in [
            (b"xx".as_slice(), true),
            (b"xxx", false),
            (b"xxa", true),
            (b"xxab", true),
            (b"xxaba", true),
            (b"xaba", true),
            (b"xxxa", false),
            (b"xxabab", false),
        ] {
            assert_eq!(framing.is_open(bytes), is_open, "{bytes:?}");
        }
    }

    #[test]
    fn a_delimiter_has_one_to_sixteen_bytes() {
        assert!(Delimiter::new(&[]).is_none());
        assert!(Delimiter::new(&[7; 17]).is_none());
        assert_eq!(Delimiter::new(&[7]).unwrap().delimiter(), [7]);
        assert_eq!(Delimiter::new(&[7; 16]).unwrap().delimiter(), [7; 16]);
    }
}
