use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A time in seconds, with fractions, or `none` for no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seconds(pub(crate) Duration);

/// Why a text is no time, or not one that is possible there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SecondsError {
    Malformed,
    Zero,
    Endless,
}

impl Seconds {
    /// Parses a time after which something is given up, so not zero: who means no limit would get
    /// one that is never kept.
    pub(crate) fn positive(text: &str) -> Result<Self, SecondsError> {
        text.parse().and_then(|seconds: Self| {
            if seconds.0.is_zero() { Err(SecondsError::Zero) } else { Ok(seconds) }
        })
    }

    /// Parses a time that has an end.
    pub(crate) fn finite(text: &str) -> Result<Self, SecondsError> {
        text.parse().and_then(|seconds: Self| {
            if seconds.0 == Duration::MAX { Err(SecondsError::Endless) } else { Ok(seconds) }
        })
    }
}

impl FromStr for Seconds {
    type Err = SecondsError;

    fn from_str(text: &str) -> Result<Self, SecondsError> {
        if text == "none" {
            return Ok(Self(Duration::MAX));
        }
        let seconds = text.parse().map_err(|_| SecondsError::Malformed)?;
        Duration::try_from_secs_f64(seconds).map(Self).map_err(|_| SecondsError::Malformed)
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == Duration::MAX { f.write_str("none") } else { self.0.as_secs_f64().fmt(f) }
    }
}

impl fmt::Display for SecondsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "expected seconds, as in 10 or 0.5, or none",
            Self::Zero => "must be more than 0",
            Self::Endless => "must have an end, as 10 or 0.5; 0 is none",
        })
    }
}

impl std::error::Error for SecondsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_printed_as_they_are_parsed() {
        for (text, seconds) in [
            ("10", Duration::from_secs(10)),
            ("0.25", Duration::from_millis(250)),
            ("0", Duration::ZERO),
            ("none", Duration::MAX),
        ] {
            assert_eq!(text.parse(), Ok(Seconds(seconds)));
            assert_eq!(Seconds(seconds).to_string(), text);
        }
        assert_eq!(Seconds::positive("0.5"), Ok(Seconds(Duration::from_millis(500))));
        assert_eq!(Seconds::positive("none"), Ok(Seconds(Duration::MAX)));
        assert_eq!(Seconds::positive("0"), Err(SecondsError::Zero));
        assert_eq!(Seconds::finite("0"), Ok(Seconds(Duration::ZERO)));
        assert_eq!(Seconds::finite("none"), Err(SecondsError::Endless));
        for text in ["", "-1", "inf", "NaN", "1e99", "1s", "0x1"] {
            assert_eq!(text.parse::<Seconds>(), Err(SecondsError::Malformed), "{text}");
        }
    }
}
