use core::fmt;

use super::{Framing, Payload, Scan, Whole, check_item, checked_len};
use crate::buffer::Buffer;
use crate::error::{DecodeError, EncodeError, RemoteError};
use crate::limits::FRAME_LEN_MAX;

/// Frames with their length in a header before them, as an integer of fixed width.
///
/// ```text
/// |<- offset ->|<- width ->|                        |
/// +------------+-----------+----------+-------------+
/// |            |  length   |          |             |
/// +------------+-----------+----------+-------------+
/// |<------------ skip --------------->|<- payload ->|
/// ```
///
/// The header is the offset and the field. The payload that is yielded has
/// `length + adjustment` bytes and begins `skip` bytes after the beginning of the frame. Unless
/// given, the adjustment is 0 and `skip` is the header, so the payload is what follows the header.
///
/// - With a larger `skip`, bytes between header and payload are dropped. They are not part of
///   `length + adjustment`.
/// - With a smaller `skip`, the payload begins with the rest of the header. A frame that would end
///   inside its own header is refused.
/// - With an adjustment, the length may count more than the payload, for example the header.
///
/// Encode takes what decode yields, and writes the bytes that are skipped as zeros around the
/// length field. Where the payload contains the length field, or a part of it, that part must be
/// right. The field is never truncated: a payload whose length does not fit is refused.
///
/// The limit is checked after the adjustment and as soon as the field is there, so a frame beyond
/// it is refused before any of it is waited for. The field is read again while the payload
/// arrives; a byte of the payload is never looked at.
///
/// # Examples
/// A type and a length that counts all of the frame; the header is yielded too:
///
/// ```
/// use drywire::framing::{Endian, Framing, LengthPrefix, Scan};
///
/// let mut framing = LengthPrefix::new(2, Endian::Big)?.with_offset(1).with_skip(0);
/// let Ok(Scan::Found(whole)) = framing.scan(b"T\x00\x05hi") else { panic!() };
/// assert_eq!(LengthPrefix::view(whole.found, &mut b"T\x00\x05hi".to_owned()), b"T\x00\x05hi");
/// # Ok::<(), drywire::framing::LengthPrefixError>(())
/// ```
#[derive(Clone, Debug)]
pub struct LengthPrefix {
    frame_len_max: usize,
    adjustment: i64,
    offset: u16,
    /// `None` is the length of the header.
    skip: Option<u16>,
    /// `1..=8`.
    width: u8,
    endian: Endian,
}

/// The byte order of an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endian {
    /// Most significant byte first, the network's order.
    Big,
    /// Least significant byte first.
    Little,
}

/// Options that make no length prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LengthPrefixError {
    /// The length field must have 1 to 8 bytes.
    Width {
        /// What was asked for, in bytes.
        width: u8,
    },
}

impl LengthPrefix {
    /// Frames of at most [`FRAME_LEN_MAX`] bytes behind a length field of `width` bytes.
    ///
    /// # Errors
    /// [`LengthPrefixError::Width`] unless `width` is 1 to 8.
    pub const fn new(width: u8, endian: Endian) -> Result<Self, LengthPrefixError> {
        match width {
            1..=8 => Ok(Self::of(width, endian)),
            _ => Err(LengthPrefixError::Width { width }),
        }
    }

    /// One byte.
    #[must_use]
    pub const fn u8() -> Self {
        Self::of(1, Endian::Big)
    }

    /// Two bytes, most significant first.
    #[must_use]
    pub const fn u16be() -> Self {
        Self::of(2, Endian::Big)
    }

    /// Two bytes, least significant first.
    #[must_use]
    pub const fn u16le() -> Self {
        Self::of(2, Endian::Little)
    }

    /// Four bytes, most significant first.
    #[must_use]
    pub const fn u32be() -> Self {
        Self::of(4, Endian::Big)
    }

    /// Four bytes, least significant first.
    #[must_use]
    pub const fn u32le() -> Self {
        Self::of(4, Endian::Little)
    }

    /// Eight bytes, most significant first.
    #[must_use]
    pub const fn u64be() -> Self {
        Self::of(8, Endian::Big)
    }

    /// Eight bytes, least significant first.
    #[must_use]
    pub const fn u64le() -> Self {
        Self::of(8, Endian::Little)
    }

    const fn of(width: u8, endian: Endian) -> Self {
        let frame_len_max = FRAME_LEN_MAX;
        Self { frame_len_max, adjustment: 0, offset: 0, skip: None, width, endian }
    }

    /// Accepts and sends at most `frame_len_max` bytes a frame, as it is yielded.
    #[must_use]
    pub const fn with_frame_len_max(self, frame_len_max: usize) -> Self {
        Self { frame_len_max, ..self }
    }

    /// Puts `offset` bytes before the length field. They are sent as zeros.
    #[must_use]
    pub const fn with_offset(self, offset: u16) -> Self {
        Self { offset, ..self }
    }

    /// Adds `adjustment` to the length that is read, and takes it from the one that is sent.
    #[must_use]
    pub const fn with_adjustment(self, adjustment: i64) -> Self {
        Self { adjustment, ..self }
    }

    /// Begins the payload `skip` bytes after the beginning of the frame, not behind the header.
    #[must_use]
    pub const fn with_skip(self, skip: u16) -> Self {
        Self { skip: Some(skip), ..self }
    }

    /// The width of the length field and its byte order, if no other option was given.
    #[inline]
    pub(super) const fn plain(&self) -> Option<(u8, Endian)> {
        match self {
            Self { adjustment: 0, offset: 0, skip: None, width, endian, .. } => {
                Some((*width, *endian))
            }
            _ => None,
        }
    }

    fn header_len(&self) -> usize {
        usize::from(self.offset) + usize::from(self.width)
    }

    fn skip_len(&self) -> usize {
        self.skip.map_or_else(|| self.header_len(), usize::from)
    }

    /// What the length field must say before a payload of `len` bytes, if it can.
    fn field(&self, len: usize) -> Option<u64> {
        let adjustment = self.adjustment.unsigned_abs();
        let value = if self.adjustment < 0 {
            (len as u64).checked_add(adjustment)
        } else {
            (len as u64).checked_sub(adjustment)
        };
        value.filter(|value| value.leading_zeros() >= 64 - 8 * u32::from(self.width))
    }

    /// Where the payload of a legal frame lies that has nothing but the length before it and does
    /// not end within eight bytes: the usual one, so this is short. All others are left to
    /// [`Self::locate_any`].
    #[inline]
    fn locate_plain(&self, input: &[u8]) -> Option<Payload> {
        let (width, endian) = self.plain()?;
        // One read, whatever the width.
        let len = usize::try_from(endian.read(*input.first_chunk()?, width)).ok()?;
        if len > self.frame_len_max {
            return None;
        }
        let start = usize::from(width);
        Some(Payload { start, end: start.checked_add(len)? })
    }

    /// Where the payload lies, with every option; `None` while the header is not whole.
    #[inline(never)]
    fn locate_any(&self, input: &[u8]) -> Result<Option<Payload>, DecodeError> {
        let header_len = self.header_len();
        let Some(field) = input.get(usize::from(self.offset)..header_len) else {
            return Ok(None);
        };
        let mut bytes = [0; 8];
        for (byte, from) in bytes.iter_mut().zip(field) {
            *byte = *from;
        }
        let len = self.endian.read(bytes, self.width).checked_add_signed(self.adjustment);
        let len = checked_len(len.ok_or(RemoteError::LengthOutOfRange)?, self.frame_len_max)?;
        let start = self.skip_len();
        let end = start.checked_add(len).filter(|end| *end >= header_len);
        Ok(Some(Payload { start, end: end.ok_or(RemoteError::LengthOutOfRange)? }))
    }

    /// The longest payload that may be sent behind nothing but a length field of `width` bytes.
    #[inline]
    fn plain_len_max(&self, width: u8) -> usize {
        let field_max = u64::MAX >> (64 - 8 * u32::from(width));
        self.frame_len_max.min(usize::try_from(field_max).unwrap_or(usize::MAX))
    }

    /// [`Framing::encode`] with every option.
    #[inline(never)]
    fn encode_any(&self, item: &[u8], transmit: &mut Buffer) -> Result<(), EncodeError> {
        let len = item.len();
        check_item(item, self.frame_len_max)?;
        let value = self.field(len).ok_or(EncodeError::Unrepresentable { len })?;
        let bytes = self.endian.write(value, self.width);
        let field = bytes.get(..usize::from(self.width)).unwrap_or(&bytes);
        self.write_skipped(field, item, transmit)
    }

    /// Writes the bytes before `item` that are not yielded, with as much of the length field as lies
    /// in them, checks the rest of it, which `item` contains, and writes `item`.
    fn write_skipped(
        &self,
        field: &[u8],
        item: &[u8],
        transmit: &mut Buffer,
    ) -> Result<(), EncodeError> {
        let (offset, skip) = (usize::from(self.offset), self.skip_len());
        let (skipped, yielded) = field.split_at(skip.saturating_sub(offset).min(field.len()));
        let yielded_at = offset.saturating_sub(skip);
        if !item.get(yielded_at..).is_some_and(|rest| rest.starts_with(yielded)) {
            return Err(EncodeError::LengthMismatch { offset: yielded_at });
        }
        write_zeros(offset.min(skip), transmit);
        transmit.extend_from_slice(skipped);
        write_zeros(skip.saturating_sub(self.header_len()), transmit);
        transmit.extend_from_slice(item);
        Ok(())
    }
}

impl Framing for LengthPrefix {
    type Found = Payload;
    type Frame<'a> = &'a [u8];
    type Item<'a> = &'a [u8];

    #[inline]
    fn scan(&mut self, input: &[u8]) -> Result<Scan<Payload>, DecodeError> {
        let payload = match self.locate_plain(input) {
            Some(payload) => payload,
            None => match self.locate_any(input)? {
                Some(payload) => payload,
                None => return Ok(Scan::Need(self.header_len())),
            },
        };
        Ok(if input.len() < payload.end {
            Scan::Need(payload.end)
        } else {
            Scan::Found(Whole { len: payload.end, found: payload })
        })
    }

    #[inline]
    fn view(found: Payload, bytes: &mut [u8]) -> &[u8] {
        found.of(bytes)
    }

    #[inline]
    fn encode(&mut self, item: &[u8], transmit: &mut Buffer) -> Result<(), EncodeError> {
        match self.plain() {
            Some((width, endian)) if item.len() <= self.plain_len_max(width) => {
                let prefix = endian.write(item.len() as u64, width);
                transmit.extend_prefixed(prefix, usize::from(width), item, []);
                Ok(())
            }
            _ => self.encode_any(item, transmit),
        }
    }

    fn wire_len_max(&self) -> usize {
        self.skip_len().saturating_add(self.frame_len_max).max(self.header_len())
    }
}

impl Endian {
    /// The integer in the first `width`, 1 to 8, of `bytes`.
    #[inline]
    const fn read(self, bytes: [u8; 8], width: u8) -> u64 {
        let spare_bits = 64 - 8 * width as u32;
        match self {
            Self::Big => u64::from_be_bytes(bytes) >> spare_bits,
            Self::Little => u64::from_le_bytes(bytes) << spare_bits >> spare_bits,
        }
    }

    /// The lowest `width` bytes of `value` in this order, at the front of the array.
    #[inline]
    const fn write(self, value: u64, width: u8) -> [u8; 8] {
        match self {
            Self::Big => (value << (64 - 8 * width as u32)).to_be_bytes(),
            Self::Little => value.to_le_bytes(),
        }
    }
}

#[inline]
fn write_zeros(len: usize, transmit: &mut Buffer) {
    const ZEROS: [u8; 32] = [0; 32];
    let mut left = len;
    while left > 0 {
        let zeros = ZEROS.get(..left).unwrap_or(&ZEROS);
        transmit.extend_from_slice(zeros);
        left -= zeros.len();
    }
}

impl fmt::Display for LengthPrefixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Width { width } => {
                write!(f, "expected a length field of 1 to 8 bytes, found {width}")
            }
        }
    }
}

impl core::error::Error for LengthPrefixError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// The short ways come to what the long ones come to, and are taken.
    #[test]
    fn a_plain_prefix_is_no_different() {
        for width in 1..=8_u8 {
            for endian in [Endian::Big, Endian::Little] {
                let framing = LengthPrefix::new(width, endian).unwrap().with_frame_len_max(300);
                for len in [0, 1, 8, 255, 256, 300, 301] {
                    let item = [7; 301].get(..len).unwrap();
                    let (mut short, mut long) = (Buffer::new(), Buffer::new());
                    let mut encoder = framing.clone();
                    let encoded = encoder.encode(item, &mut short);
                    assert_eq!(encoded, framing.encode_any(item, &mut long), "{width} {len}");
                    assert_eq!(short.filled(), long.filled(), "{width} {len}");

                    let mut input = endian.write(len as u64, width).to_vec();
                    input.truncate(usize::from(width));
                    input.extend_from_slice(item);
                    if encoded.is_ok() && input.len() >= 8 {
                        assert!(framing.locate_plain(&input).is_some(), "{width} {len}");
                    }
                    for cut in 0..=input.len() {
                        let input = &input[..cut];
                        if let Some(payload) = framing.locate_plain(input) {
                            assert_eq!(framing.locate_any(input), Ok(Some(payload)));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn an_integer_of_any_width_is_read_as_it_was_written() {
        for width in 1..=8_u8 {
            let value = 0x0807_0605_0403_0201 & (u64::MAX >> (64 - 8 * u32::from(width)));
            for endian in [Endian::Big, Endian::Little] {
                let bytes = endian.write(value, width);
                let field = &bytes[..usize::from(width)];
                assert_eq!(field[0], if endian == Endian::Big { width } else { 1 });
                // Whatever bytes follow.
                for after in [0, 0xFF] {
                    let mut input = [after; 8];
                    input[..field.len()].copy_from_slice(field);
                    assert_eq!(endian.read(input, width), value, "{width} {endian:?}");
                }
            }
        }
    }

    #[test]
    fn a_length_that_does_not_fit_is_never_truncated() {
        let framing = LengthPrefix::u8();
        assert_eq!((framing.field(255), framing.field(256)), (Some(255), None));
        let framing = LengthPrefix::u8().with_adjustment(-2);
        assert_eq!((framing.field(253), framing.field(254)), (Some(255), None));
        let framing = LengthPrefix::u8().with_adjustment(2);
        assert_eq!((framing.field(1), framing.field(2)), (None, Some(0)));
        assert_eq!((framing.field(257), framing.field(258)), (Some(255), None));
        let framing = LengthPrefix::u64be().with_adjustment(i64::MIN);
        assert_eq!(framing.field(1), Some((1 << 63) + 1));
        assert_eq!(LengthPrefix::u64be().with_adjustment(i64::MAX).field(1), None);
    }

    #[test]
    fn zeros_are_written_to_the_last() {
        for len in [0, 1, 31, 32, 33, 65, 65_535] {
            let mut transmit = Buffer::new();
            write_zeros(len, &mut transmit);
            assert_eq!(transmit.len(), len);
            assert!(transmit.filled().iter().all(|byte| *byte == 0));
        }
    }
}
