//! The checksum of Castagnoli, reflected, as iSCSI and SCTP have it.
//!
//! # Specification
//! RFC 9260, appendix A.

/// The polynomial 0x1EDC6F41, its bits in reverse order.
const POLYNOMIAL: u32 = 0x82F6_3B78;

/// What each value of a byte does to the checksum.
const TABLE: [u32; 256] = table();

#[allow(clippy::indexing_slicing, reason = "at compile time")]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    let mut byte = 0_u32;
    while index < table.len() {
        let mut crc = byte;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
        byte += 1;
    }
    table
}

/// A checksum in the making.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crc32c(u32);

impl Crc32c {
    pub(super) const fn new() -> Self {
        Self(!0)
    }

    #[must_use]
    pub(super) fn over(self, bytes: &[u8]) -> Self {
        Self(bytes.iter().fold(self.0, |crc, byte| {
            let index = usize::from(crc.to_le_bytes()[0] ^ byte);
            // Every byte is in the table.
            crc >> 8 ^ TABLE.get(index).copied().unwrap_or(0)
        }))
    }

    pub(super) const fn sum(self) -> u32 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of RFC 3720, appendix B.4, and the usual check value.
    #[test]
    fn known_sums() {
        let ascending: [u8; 32] = core::array::from_fn(|index| index.to_le_bytes()[0]);
        let mut descending = ascending;
        descending.reverse();
        for (bytes, sum) in [
            (&b""[..], 0),
            (b"123456789", 0xE306_9283),
            (&[0; 32], 0x8A91_36AA),
            (&[0xff; 32], 0x62A8_AB43),
            (&ascending, 0x46DD_794E),
            (&descending, 0x113F_DB5C),
        ] {
            assert_eq!(Crc32c::new().over(bytes).sum(), sum, "{bytes:x?}");
            for cut in 0..=bytes.len() {
                let (head, tail) = bytes.split_at(cut);
                assert_eq!(Crc32c::new().over(head).over(tail).sum(), sum);
            }
        }
    }
}
