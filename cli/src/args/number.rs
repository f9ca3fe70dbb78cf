use std::fmt;
use std::num::{IntErrorKind, ParseIntError};
use std::str::FromStr;

/// Why a text is no number of the kind that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberError {
    Malformed,
    TooLarge,
    Zero,
}

/// Parses a whole number; those types that have no zero refuse it.
pub(crate) fn number<N: FromStr<Err = ParseIntError>>(text: &str) -> Result<N, NumberError> {
    text.parse().map_err(|error: ParseIntError| match error.kind() {
        IntErrorKind::Zero => NumberError::Zero,
        IntErrorKind::PosOverflow => NumberError::TooLarge,
        _ => NumberError::Malformed,
    })
}

impl fmt::Display for NumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "expected a whole number",
            Self::TooLarge => "too large",
            Self::Zero => "must be at least 1",
        })
    }
}

impl std::error::Error for NumberError {}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU8;

    use super::*;

    #[test]
    fn numbers_are_whole_and_fit() {
        assert_eq!(number::<u8>("0"), Ok(0));
        assert_eq!(number::<NonZeroU8>("255"), Ok(NonZeroU8::MAX));
        for (text, expected) in [
            ("0", "must be at least 1"),
            ("256", "too large"),
            ("", "expected a whole number"),
            ("-1", "expected a whole number"),
            ("1.5", "expected a whole number"),
            ("x", "expected a whole number"),
        ] {
            assert_eq!(number::<NonZeroU8>(text).unwrap_err().to_string(), expected, "{text}");
        }
    }
}
