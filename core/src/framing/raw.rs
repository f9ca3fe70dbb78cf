use super::{Framing, Scan, Whole};
use crate::buffer::Buffer;
use crate::error::{DecodeError, EncodeError};
use crate::limits::FRAME_LEN_MAX;

/// No framing: every chunk that arrives is a frame.
///
/// ```text
/// stream = *OCTET
/// ```
///
/// Where one chunk ends and the next begins has no meaning. A chunk longer than the limit is
/// yielded in pieces; an empty frame sends nothing.
#[derive(Clone, Debug)]
pub struct Raw {
    frame_len_max: usize,
}

impl Raw {
    /// Chunks of at most [`FRAME_LEN_MAX`] bytes.
    #[must_use]
    pub const fn new() -> Self {
        Self { frame_len_max: FRAME_LEN_MAX }
    }

    /// Yields and sends at most `frame_len_max` bytes at once; 0 counts as 1.
    #[must_use]
    pub const fn with_frame_len_max(self, frame_len_max: usize) -> Self {
        Self { frame_len_max: if frame_len_max == 0 { 1 } else { frame_len_max } }
    }
}

impl Default for Raw {
    fn default() -> Self {
        Self::new()
    }
}

impl Framing for Raw {
    /// All of its bytes are the frame.
    type Found = ();
    type Frame<'a> = &'a [u8];
    type Item<'a> = &'a [u8];

    #[inline]
    fn scan(&mut self, input: &[u8]) -> Result<Scan<()>, DecodeError> {
        Ok(match input.len().min(self.frame_len_max) {
            0 => Scan::Need(1),
            len => Scan::Found(Whole { len, found: () }),
        })
    }

    #[inline]
    fn view((): (), bytes: &mut [u8]) -> &[u8] {
        bytes
    }

    #[inline]
    fn encode(&mut self, item: &[u8], transmit: &mut Buffer) -> Result<(), EncodeError> {
        let len = item.len();
        if len > self.frame_len_max {
            return Err(EncodeError::TooLong { len, max: self.frame_len_max });
        }
        transmit.extend_from_slice(item);
        Ok(())
    }

    #[inline]
    fn verbatim<'i>(&self, item: &'i &[u8]) -> Option<&'i [u8]> {
        (item.len() <= self.frame_len_max).then_some(item)
    }

    fn wire_len_max(&self) -> usize {
        self.frame_len_max
    }

    fn has_whole_frames(&self) -> bool {
        false
    }
}
