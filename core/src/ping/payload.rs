use alloc::vec::Vec;

use crate::time::Instant;

/// Bytes of number and time at the beginning of a payload.
pub const STAMP_LEN: usize = 16;

/// What follows the stamp, again and again: each byte is the low half of where it stands.
#[expect(clippy::indexing_slicing, reason = "the compiler does it")]
const FILLING: [u8; 256] = {
    let mut bytes = [0; 256];
    let mut byte = 16_u8;
    let mut at = 0;
    while at < bytes.len() {
        bytes[at] = byte;
        (byte, at) = (byte.wrapping_add(1), at + 1);
    }
    bytes
};

/// What a payload holds:
///
/// ```text
///  0                    8                   16
/// ┌────────────────────┬────────────────────┬──────────────────┐
/// │ number XOR nonce   │ nanoseconds        │ 16, 17, 18, …    │
/// └────────────────────┴────────────────────┴──────────────────┘
/// ```
///
/// Big-endian; a payload that is shorter is the beginning of that.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    pub(super) number: u64,
    pub(super) sent_at: Instant,
    pub(super) nonce: u64,
}

impl Stamp {
    pub(super) fn write(&self, len: usize, payload: &mut Vec<u8>) {
        payload.clear();
        payload.extend_from_slice(&self.bytes());
        while payload.len() < len {
            payload.extend_from_slice(&FILLING);
        }
        payload.truncate(len);
    }

    pub(super) fn is_in(&self, payload: &[u8], len: usize) -> bool {
        let (stamp, filling) = payload.split_at(payload.len().min(STAMP_LEN));
        let is_filling = |block: &[u8]| FILLING.get(..block.len()) == Some(block);
        payload.len() == len
            && self.bytes().get(..stamp.len()) == Some(stamp)
            && filling.chunks(FILLING.len()).all(is_filling)
    }

    fn bytes(&self) -> [u8; STAMP_LEN] {
        let number = u128::from(self.number ^ self.nonce) << 64;
        (number | u128::from(self.sent_at.as_nanos())).to_be_bytes()
    }
}

/// The number in a payload, if it is long enough for one.
pub(super) fn number_in(payload: &[u8], nonce: u64) -> Option<u64> {
    payload.first_chunk().map(|number| u64::from_be_bytes(*number) ^ nonce)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_as_drawn() {
        let stamp = Stamp {
            number: 0x0102,
            sent_at: Instant::from_nanos(0x0304),
            nonce: 0xff00_0000_0000_0000,
        };
        let mut payload = std::vec![9; 99];
        stamp.write(18, &mut payload);
        assert_eq!(payload, [255, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 3, 4, 16, 17]);
        assert_eq!(number_in(&payload, stamp.nonce), Some(0x0102));
        assert_eq!(number_in(&payload[..7], stamp.nonce), None);
        for len in 0..600 {
            stamp.write(len, &mut payload);
            assert!(payload.len() == len && stamp.is_in(&payload, len));
            assert!(!stamp.is_in(&payload, len + 1));
            if let Some(last) = payload.last_mut() {
                *last ^= 1;
                assert!(!stamp.is_in(&payload, len));
            }
        }
    }
}
