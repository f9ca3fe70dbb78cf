//! The bytes of requests.

use alloc::vec::Vec;

/// How many bytes a number takes.
const NUMBER_LEN: usize = 8;

/// Letters, of which no stretch is like the next, behind two numbers in letters as well: no framing
/// of text has its delimiter there.
///
/// ```text
///  0            8            16
/// ┌────────────┬────────────┬──────────────┐
/// │ sequence   │ connection │ letters      │
/// └────────────┴────────────┴──────────────┘
/// ```
///
/// A request that is shorter is the beginning of that, without its first letters if it has less than
/// eight: the digits that change are the last of a number.
#[derive(Debug)]
pub(super) struct Request {
    bytes: Vec<u8>,
    /// Of the connection whose number is in the bytes.
    connection: u32,
}

impl Request {
    pub(super) fn new(len: usize) -> Self {
        let mut state = 1_u32;
        let letters = core::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            letter(state >> 28)
        });
        let mut request = Self { bytes: letters.take(len).collect(), connection: 0 };
        request.write(NUMBER_LEN, 0);
        request
    }

    /// The one with this number on this connection.
    pub(super) fn numbered(&mut self, connection: u32, sequence: u32) -> &[u8] {
        if self.connection != connection {
            self.connection = connection;
            self.write(NUMBER_LEN, connection);
        }
        self.write(0, sequence);
        &self.bytes
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    fn write(&mut self, at: usize, number: u32) {
        let Some(room) = self.bytes.get_mut(at..) else { return };
        let len = room.len().min(NUMBER_LEN);
        for (digit, byte) in room.iter_mut().take(len).enumerate() {
            *byte = letter(number >> (4 * (len - 1 - digit)));
        }
    }
}

/// Of the lowest four bits.
const fn letter(number: u32) -> u8 {
    b'a' + (number & 15) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_as_drawn() {
        let mut request = Request::new(18);
        let bytes = request.numbered(0x12, 0xabc).to_vec();
        assert_eq!(bytes[..16], *b"aaaaaklmaaaaaabc");
        assert!(bytes.iter().all(u8::is_ascii_lowercase));
        assert_eq!(request.numbered(0x12, 0xabd)[16..], bytes[16..]);
        assert_ne!(request.numbered(0x12, 0xabd), bytes);
        assert_ne!(request.numbered(0x13, 0xabc), bytes);
        assert_eq!(request.numbered(0x12, 0xabc), bytes);
    }

    #[test]
    fn short_requests_differ_from_the_next() {
        for len in 1..=16 {
            let mut request = Request::new(len);
            let first = request.numbered(0, 0).to_vec();
            assert_eq!(first.len(), len);
            assert_ne!(request.numbered(0, 1), first, "{len}");
        }
    }
}
