use alloc::vec::Vec;
use core::fmt;

/// What came and is not what was sent: where it begins to differ.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mismatch {
    /// The connection, counted from 1 in the order in which they were asked for.
    pub connection: u32,
    /// The answer on that connection, counted from 0.
    pub answer: u32,
    /// The first byte of the answer that differs, counted from 0.
    pub offset: usize,
    /// The last bytes before it, which were right.
    pub before: Vec<u8>,
    /// What should have come from there on. Empty if the answer should have ended, or none was asked
    /// for.
    pub expected: Vec<u8>,
    /// What came from there on. Empty if the answer ended.
    pub found: Vec<u8>,
}

impl Mismatch {
    /// Of each of the three stretches no more bytes than this are kept.
    pub const AROUND_LEN: usize = 8;

    /// The difference between an answer, of which `right` bytes came before, and the `request`.
    pub(super) fn new(
        connection: u32,
        answer: u32,
        request: &[u8],
        right: usize,
        found: &[u8],
    ) -> Self {
        let pairs = request.iter().skip(right).zip(found);
        let same = pairs.take_while(|(expected, found)| expected == found).count();
        let offset = right.saturating_add(same);
        let some = |bytes: &[u8], from: usize| {
            bytes.iter().skip(from).take(Self::AROUND_LEN).copied().collect()
        };
        let from = offset.saturating_sub(Self::AROUND_LEN);
        let before = request.iter().take(offset).skip(from).copied().collect();
        let (expected, found) = (some(request, offset), some(found, same));
        Self { connection, answer, offset, before, expected, found }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connection, answer, offset, .. } = self;
        match (self.expected.first(), self.found.first()) {
            (Some(expected), Some(found)) => write!(
                f,
                "byte {offset} of answer {answer} on connection {connection} is {found:#04x}, \
                 expected {expected:#04x}"
            ),
            (None, Some(found)) => write!(
                f,
                "byte {offset} of answer {answer} on connection {connection} is {found:#04x}, \
                 expected none"
            ),
            (Some(expected), None) => write!(
                f,
                "answer {answer} on connection {connection} ends before byte {offset}, expected \
                 {expected:#04x}"
            ),
            (None, None) => write!(f, "answer {answer} on connection {connection} is empty"),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn what_differs_is_shown_with_what_is_around_it() {
        let request = b"abcdefghijklmnopqrstuvwxyz";
        let differs = |right, found: &[u8]| Mismatch::new(3, 17, request, right, found);
        let mismatch = differs(0, b"abcdefghijKlmnopqrstuvwxyz");
        assert_eq!(mismatch.offset, 10);
        assert_eq!(mismatch.before, b"cdefghij");
        assert_eq!((&*mismatch.expected, &*mismatch.found), (&b"klmnopqr"[..], &b"Klmnopqr"[..]));
        for (right, found, text) in [
            (0, &b"Abc"[..], "byte 0 of answer 17 on connection 3 is 0x41, expected 0x61"),
            (9, b"jkl\x00", "byte 12 of answer 17 on connection 3 is 0x00, expected 0x6d"),
            (0, b"abc", "answer 17 on connection 3 ends before byte 3, expected 0x64"),
            (25, b"z~", "byte 26 of answer 17 on connection 3 is 0x7e, expected none"),
        ] {
            assert_eq!(differs(right, found).to_string(), text);
        }
        assert_eq!(differs(25, b"z~").before, b"stuvwxyz");
        assert_eq!(
            Mismatch::new(1, 0, b"", 0, b"").to_string(),
            "answer 0 on connection 1 is empty"
        );
    }
}
