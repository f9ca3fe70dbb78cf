use core::num::NonZeroUsize;

use super::{Framing, Scan, Whole, check_item, checked_len};
use crate::buffer::Buffer;
use crate::error::{DecodeError, EncodeError};

/// Frames that all have the same length, with nothing between them.
///
/// ```text
/// stream = *frame
/// frame  = len OCTET
/// ```
///
/// The length is chosen by this side and is thereby the limit; one below it refuses every frame.
#[derive(Clone, Debug)]
pub struct Fixed {
    len: NonZeroUsize,
    frame_len_max: usize,
}

impl Fixed {
    /// Frames of `len` bytes each, without a further limit.
    #[must_use]
    pub const fn new(len: NonZeroUsize) -> Self {
        Self { len, frame_len_max: usize::MAX }
    }

    /// Refuses every frame if their length is more than `frame_len_max` bytes.
    #[must_use]
    pub const fn with_frame_len_max(self, frame_len_max: usize) -> Self {
        Self { frame_len_max, ..self }
    }

    pub(super) const fn len(&self) -> NonZeroUsize {
        self.len
    }
}

impl Framing for Fixed {
    /// All of its bytes are the frame.
    type Found = ();
    type Frame<'a> = &'a [u8];
    type Item<'a> = &'a [u8];

    #[inline]
    fn scan(&mut self, input: &[u8]) -> Result<Scan<()>, DecodeError> {
        if input.is_empty() {
            return Ok(Scan::Need(self.wire_len_max()));
        }
        let len = checked_len(self.len.get() as u64, self.frame_len_max)?;
        Ok(if input.len() < len { Scan::Need(len) } else { Scan::Found(Whole { len, found: () }) })
    }

    #[inline]
    fn view((): (), bytes: &mut [u8]) -> &[u8] {
        bytes
    }

    #[inline]
    fn encode(&mut self, item: &[u8], transmit: &mut Buffer) -> Result<(), EncodeError> {
        check_item(item, self.frame_len_max)?;
        if item.len() != self.len.get() {
            return Err(EncodeError::WrongLength { len: item.len(), expected: self.len.get() });
        }
        transmit.extend_from_slice(item);
        Ok(())
    }

    #[inline]
    fn verbatim<'i>(&self, item: &'i &[u8]) -> Option<&'i [u8]> {
        (item.len() == self.len.get() && item.len() <= self.frame_len_max).then_some(item)
    }

    fn wire_len_max(&self) -> usize {
        self.len.get().min(self.frame_len_max).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_below_the_length_refuses_frames_and_not_silence() {
        let len = NonZeroUsize::new(3).unwrap();
        let mut framing = Fixed::new(len).with_frame_len_max(2);
        let error = DecodeError::TooLong { len: 3, max: 2 };
        assert_eq!(framing.scan(b""), Ok(Scan::Need(2)));
        assert_eq!(framing.scan(b"a"), Err(error));
        let error = EncodeError::TooLong { len: 3, max: 2 };
        assert_eq!(framing.encode(b"abc", &mut Buffer::new()), Err(error));
    }
}
