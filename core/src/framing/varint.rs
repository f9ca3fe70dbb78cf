use super::{Framing, Payload, Scan, Whole, check_item, checked_len};
use crate::buffer::Buffer;
use crate::error::{DecodeError, EncodeError, RemoteError};
use crate::limits::FRAME_LEN_MAX;

/// Bytes of the longest LEB128 integer of 64 bits.
const LEB128_LEN_MAX: usize = 10;

/// Bytes of the longest QUIC integer.
const QUIC_LEN_MAX: usize = 8;

/// Frames with their length before them, as an integer of variable length.
///
/// LEB128, as in protobuf's delimited messages: seven bits a byte, the lowest first; the high bit
/// says that more follow.
///
/// ```text
///  7 6     0   7 6     0         7 6     0
/// +-+-------+ +-+-------+       +-+-------+---------------+
/// |1| bits  | |1| bits  |  ...  |0| bits  | payload       |
/// | | 0..6  | | | 7..13 |       | |       |               |
/// +-+-------+ +-+-------+       +-+-------+---------------+
/// ```
///
/// At most ten bytes, and a value of more than 64 bits is refused. An integer may be padded with
/// zero bits by a writer that does not care; `canonical` refuses that.
///
/// QUIC: the two highest bits say how many bytes, the rest is the value in network byte order.
///
/// ```text
///  7 6 5     0
/// +---+-------+---------------------+---------------+
/// | n | value : 0, 1, 3 or 7 more   | payload       |
/// +---+-------+---------------------+---------------+
/// ```
///
/// A longer form than needed is legal there and accepted. Both are sent in the shortest form. The
/// integer is read again while the payload arrives; a byte of the payload is never looked at.
///
/// # Specification
/// Protocol Buffers, "Encoding", section "Base 128 Varints"; RFC 9000, section 16.
#[derive(Clone, Debug)]
pub struct Varint {
    frame_len_max: usize,
    format: VarintFormat,
}

/// How the integer before a frame is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VarintFormat {
    /// LEB128, as in protobuf.
    Leb128 {
        /// Whether an integer with more bytes than it needs is refused.
        canonical: bool,
    },
    /// RFC 9000, section 16.
    Quic,
}

impl Varint {
    /// Frames of at most [`FRAME_LEN_MAX`] bytes.
    #[must_use]
    pub const fn new(format: VarintFormat) -> Self {
        Self { frame_len_max: FRAME_LEN_MAX, format }
    }

    /// Accepts and sends at most `frame_len_max` bytes a frame.
    #[must_use]
    pub const fn with_frame_len_max(self, frame_len_max: usize) -> Self {
        Self { frame_len_max, ..self }
    }

    pub(super) const fn format(&self) -> VarintFormat {
        self.format
    }
}

impl Framing for Varint {
    type Found = Payload;
    type Frame<'a> = &'a [u8];
    type Item<'a> = &'a [u8];

    #[inline]
    fn scan(&mut self, input: &[u8]) -> Result<Scan<Payload>, DecodeError> {
        let integer = match self.format {
            VarintFormat::Leb128 { canonical } => read_leb128(input, canonical)?,
            VarintFormat::Quic => read_quic(input),
        };
        let (value, start) = match integer {
            Integer::Whole { value, len } => (value, len),
            Integer::Need(len) => return Ok(Scan::Need(len)),
        };
        let len = checked_len(value, self.frame_len_max)?;
        let end = start.checked_add(len).ok_or(RemoteError::LengthOutOfRange)?;
        Ok(if input.len() < end {
            Scan::Need(end)
        } else {
            Scan::Found(Whole { len: end, found: Payload { start, end } })
        })
    }

    #[inline]
    fn view(found: Payload, bytes: &mut [u8]) -> &[u8] {
        found.of(bytes)
    }

    #[inline]
    fn encode(&mut self, item: &[u8], transmit: &mut Buffer) -> Result<(), EncodeError> {
        check_item(item, self.frame_len_max)?;
        let len = item.len();
        let written = match self.format {
            VarintFormat::Leb128 { .. } => write_leb128(len as u64),
            VarintFormat::Quic => write_quic(len as u64),
        };
        let (bytes, integer_len) = written.ok_or(EncodeError::Unrepresentable { len })?;
        transmit.extend_prefixed(bytes, integer_len, item, []);
        Ok(())
    }

    fn wire_len_max(&self) -> usize {
        self.frame_len_max.saturating_add(match self.format {
            VarintFormat::Leb128 { .. } => LEB128_LEN_MAX,
            VarintFormat::Quic => QUIC_LEN_MAX,
        })
    }
}

/// An integer at the front of the input.
enum Integer {
    /// There, with its value and its length in bytes.
    Whole { value: u64, len: usize },
    /// Not yet: it has at least this many bytes.
    Need(usize),
}

#[inline]
fn read_leb128(input: &[u8], canonical: bool) -> Result<Integer, RemoteError> {
    let mut value = 0;
    for (offset, &byte) in input.iter().enumerate() {
        // Nine bytes bring 63 bits, and the tenth ends it.
        if offset == LEB128_LEN_MAX - 1 && byte > 1 {
            return Err(RemoteError::LengthOutOfRange);
        }
        value |= u64::from(byte & 0x7F) << (7 * offset);
        if byte < 0x80 {
            return if canonical && byte == 0 && offset > 0 {
                Err(RemoteError::NotCanonical { offset })
            } else {
                Ok(Integer::Whole { value, len: offset + 1 })
            };
        }
    }
    Ok(Integer::Need(input.len() + 1))
}

#[inline]
fn read_quic(input: &[u8]) -> Integer {
    let Some(first) = input.first() else {
        return Integer::Need(1);
    };
    let len = 1_usize << (first >> 6);
    let Some(bytes) = input.get(..len) else {
        return Integer::Need(len);
    };
    let value = bytes.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    Integer::Whole { value: value & (u64::MAX >> (64 - 8 * len + 2)), len }
}

/// The bytes of an integer at the front of an array, and how many they are; `None` if the value has
/// more than 56 bits, which no length has. Put together in a register: eight bytes that were written
/// one by one cannot be read at once before they have reached the cache.
#[inline]
const fn write_leb128(mut value: u64) -> Option<([u8; 8], usize)> {
    let (mut bytes, mut len) = (0, 0);
    while len < 8 {
        let byte = value & 0x7F;
        value >>= 7;
        let more = if value == 0 { 0 } else { 0x80 };
        bytes |= (byte | more) << (8 * len);
        len += 1;
        if value == 0 {
            return Some((u64::to_le_bytes(bytes), len));
        }
    }
    None
}

/// Likewise; `None` if the value has more than 62 bits.
#[inline]
const fn write_quic(value: u64) -> Option<([u8; QUIC_LEN_MAX], usize)> {
    let prefix = match value {
        0..0x40 => 0,
        0x40..0x4000 => 1,
        0x4000..0x4000_0000 => 2,
        0x4000_0000..0x4000_0000_0000_0000 => 3,
        _ => return None,
    };
    let len = 1 << prefix;
    let front = value << (64 - 8 * len) | prefix << 62;
    Some((front.to_be_bytes(), len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_written_in_the_shortest_form_and_read_back() {
        for bits in 0..=62 {
            for value in [(1_u64 << bits) - 1, 1 << bits, (1 << bits) + 1] {
                let shortest = value.max(1).ilog2() as usize / 7 + 1;
                assert_eq!(write_leb128(value).is_some(), shortest <= 8, "{value}");
                if let Some((bytes, len)) = write_leb128(value) {
                    assert_eq!(len, shortest, "{value}");
                    let Ok(Integer::Whole { value: read, len }) = read_leb128(&bytes[..len], true)
                    else {
                        panic!("{value}");
                    };
                    assert_eq!((read, len), (value, shortest));
                }

                let shortest = match value.max(1).ilog2() {
                    0..6 => 1,
                    6..14 => 2,
                    14..30 => 4,
                    30..62 => 8,
                    _ => {
                        assert_eq!(write_quic(value), None);
                        continue;
                    }
                };
                let (bytes, len) = write_quic(value).unwrap();
                assert_eq!(len, shortest, "{value}");
                let Integer::Whole { value: read, len } = read_quic(&bytes[..len]) else {
                    panic!("{value}");
                };
                assert_eq!((read, len), (value, shortest));
            }
        }
    }
}
