use super::{Framing, Payload, Scan, Whole, check_item, checked_len};
use crate::buffer::Buffer;
use crate::error::{DecodeError, EncodeError, Expected, RemoteError};
use crate::limits::FRAME_LEN_MAX;

/// Digits of the largest `u64`.
const DIGITS_MAX: usize = 20;

/// Frames with their length in decimal before them and a comma behind.
///
/// ```text
/// netstring = length ":" payload ","
/// length    = "0" / ( %x31-39 *DIGIT )     ; no leading zeros
/// payload   = *OCTET                       ; as many as length says
/// ```
///
/// A length is refused at the first digit that takes it over the limit, so digits without a colon
/// never go on for longer than the limit has digits. The length is read again while the payload
/// arrives; a byte of the payload is never looked at.
///
/// # Specification
/// D. J. Bernstein, "Netstrings", 1997 (cr.yp.to/proto/netstrings.txt).
#[derive(Clone, Debug)]
pub struct Netstring {
    frame_len_max: usize,
}

impl Netstring {
    /// Frames of at most [`FRAME_LEN_MAX`] bytes.
    #[must_use]
    pub const fn new() -> Self {
        Self { frame_len_max: FRAME_LEN_MAX }
    }

    /// Accepts and sends at most `frame_len_max` bytes a frame.
    #[must_use]
    pub const fn with_frame_len_max(mut self, frame_len_max: usize) -> Self {
        self.frame_len_max = frame_len_max;
        self
    }

    /// Appends a netstring whose length has more digits than [`short_prefix`] takes.
    #[cold]
    fn encode_long(item: &[u8], transmit: &mut Buffer) {
        let mut digits = [0; DIGITS_MAX];
        let mut rest = item.len();
        let mut start = DIGITS_MAX;
        for digit in digits.iter_mut().rev() {
            let [lowest, ..] = (rest % 10).to_le_bytes();
            *digit = b'0' + lowest;
            rest /= 10;
            start -= 1;
            if rest == 0 {
                break;
            }
        }
        let digits = digits.get(start..).unwrap_or(&digits);
        transmit.extend_from_slices([digits, b":", item, b","]);
    }

    /// Looks for the payload of `len` bytes that begins at `start`, and for the comma.
    #[inline]
    fn scan_payload(input: &[u8], start: usize, len: usize) -> Result<Scan<Payload>, RemoteError> {
        let end = start.checked_add(len).filter(|end| *end < usize::MAX);
        let end = end.ok_or(RemoteError::LengthOutOfRange)?;
        match input.get(end) {
            None => Ok(Scan::Need(end + 1)),
            Some(b',') => Ok(Scan::Found(Whole { len: end + 1, found: Payload { start, end } })),
            Some(&found) => {
                let expected = Expected::Byte(b',');
                Err(RemoteError::UnexpectedByte { offset: end, found, expected })
            }
        }
    }
}

impl Default for Netstring {
    fn default() -> Self {
        Self::new()
    }
}

impl Framing for Netstring {
    type Found = Payload;
    type Frame<'a> = &'a [u8];
    type Item<'a> = &'a [u8];

    #[inline]
    fn scan(&mut self, input: &[u8]) -> Result<Scan<Payload>, DecodeError> {
        let mut len: u64 = 0;
        for (offset, &byte) in input.iter().enumerate() {
            let error = match byte {
                b'0'..=b'9' if offset == 1 && len == 0 => RemoteError::NotCanonical { offset: 0 },
                b'0'..=b'9' => {
                    let digit = u64::from(byte - b'0');
                    let longer = len.checked_mul(10).and_then(|len| len.checked_add(digit));
                    let longer = longer.ok_or(RemoteError::LengthOutOfRange)?;
                    checked_len(longer, self.frame_len_max)?;
                    len = longer;
                    continue;
                }
                b':' if offset > 0 => {
                    let len = checked_len(len, self.frame_len_max)?;
                    return Ok(Self::scan_payload(input, offset + 1, len)?);
                }
                found => {
                    let expected = match (offset, len) {
                        (0, _) => Expected::Digit,
                        (1, 0) => Expected::Byte(b':'),
                        _ => Expected::DigitOrColon,
                    };
                    RemoteError::UnexpectedByte { offset, found, expected }
                }
            };
            return Err(DecodeError::Invalid(error));
        }
        Ok(Scan::Need(input.len() + 1))
    }

    #[inline]
    fn view(found: Payload, bytes: &mut [u8]) -> &[u8] {
        found.of(bytes)
    }

    #[inline]
    fn encode(&mut self, item: &[u8], transmit: &mut Buffer) -> Result<(), EncodeError> {
        check_item(item, self.frame_len_max)?;
        match short_prefix(item.len()) {
            Some((prefix, len)) => transmit.extend_prefixed(prefix, len, item, [b',']),
            None => Self::encode_long(item, transmit),
        }
        Ok(())
    }

    fn wire_len_max(&self) -> usize {
        let digits = self.frame_len_max.checked_ilog10().unwrap_or(0) as usize + 1;
        self.frame_len_max.saturating_add(digits + 2)
    }
}

/// The digits of `len` and the colon at the front of an array, and how many bytes they are, if they
/// are no more than eight. Put together in a register, the last first: eight bytes that were written
/// one by one cannot be read at once before they have reached the cache.
#[inline]
const fn short_prefix(len: usize) -> Option<([u8; 8], usize)> {
    let mut rest = len as u64;
    let (mut bytes, mut prefix_len) = (b':' as u64, 1);
    while prefix_len < 8 {
        bytes = bytes << 8 | (b'0' as u64 + rest % 10);
        prefix_len += 1;
        rest /= 10;
        if rest == 0 {
            return Some((bytes.to_le_bytes(), prefix_len));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_in_decimal() {
        for (len, expected) in [(0, "0:,"), (9, "9:"), (10, "10:"), (1009, "1009:")] {
            let mut transmit = Buffer::new();
            Netstring::new().encode(&[b','; 1009][..len], &mut transmit).unwrap();
            assert!(transmit.filled().starts_with(expected.as_bytes()), "{len}");
        }
        let (mut short, mut long) = (Buffer::new(), Buffer::new());
        Netstring::new().encode(b"payload", &mut short).unwrap();
        Netstring::encode_long(b"payload", &mut long);
        assert_eq!(short.filled(), long.filled());
        assert_eq!(short_prefix(9_999_999), Some((*b"9999999:", 8)));
        assert_eq!(short_prefix(10_000_000), None);
    }

    #[test]
    fn room_is_kept_for_as_many_digits_as_the_limit_has() {
        for (max, digits) in [(0, 1), (9, 1), (10, 2), (99, 2), (100, 3)] {
            let framing = Netstring::new().with_frame_len_max(max);
            assert_eq!(framing.wire_len_max(), max + digits + 2, "{max}");
        }
    }
}
