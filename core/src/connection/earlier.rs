//! How long frames could be before the framing was changed.

/// The most that a frame of any earlier framing takes on the wire, rounded up to a power of two as
/// buffers round what they have to hold: its exponent. Most connections have one framing all their
/// lives, and a byte here rather than eight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EarlierLen(u8);

impl EarlierLen {
    /// There was none.
    pub(super) const NONE: Self = Self(0);

    /// Takes note of a framing whose frames take at most `wire_len_max` bytes.
    pub(super) fn observe(&mut self, wire_len_max: usize) {
        let exponent = usize::BITS - wire_len_max.saturating_sub(1).leading_zeros();
        // No more than the bits of a length.
        self.0 = self.0.max(u8::try_from(exponent).unwrap_or(u8::MAX));
    }

    /// The length, at least 1.
    pub(super) fn len(self) -> usize {
        1_usize.checked_shl(self.0.into()).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_rounded_up_and_only_grow() {
        for (len, rounded) in [
            (0, 1),
            (1, 1),
            (2, 2),
            (3, 4),
            (1 << 20, 1 << 20),
            ((1 << 20) + 1, 1 << 21),
            (usize::MAX / 2, 1 << (usize::BITS - 1)),
            (usize::MAX, usize::MAX),
        ] {
            let mut earlier = EarlierLen::NONE;
            earlier.observe(len);
            assert_eq!(earlier.len(), rounded, "{len}");
            earlier.observe(0);
            assert_eq!(earlier.len(), rounded, "{len}");
        }
    }
}
