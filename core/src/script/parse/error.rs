//! Why a text is no script.

use core::fmt;

use super::VERSION;

/// Why a text is no script, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseScriptError {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub flaw: Flaw,
    /// The word that was not understood, if it is one.
    pub word: Option<Word>,
}

/// What is wrong with a line of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// The first line is not that of a script.
    NoScript,
    /// The script is of another version.
    Version {
        /// Its version.
        found: u32,
    },
    /// There are more entries than are accepted.
    TooManyEntries {
        /// The limit.
        max: usize,
    },
    /// The line is longer than is accepted.
    LineTooLong {
        /// The limit, in bytes.
        max: usize,
    },
    /// The text is longer than is accepted.
    TooLong {
        /// The limit, in bytes.
        max: usize,
    },
    /// The line does not begin with the number of a connection.
    Connection,
    /// No time follows on the number of the connection.
    Time,
    /// The times of the connection add up to more than there is.
    TimeTooLate,
    /// There is no such call.
    UnknownCall,
    /// A beginning has no such key.
    UnknownKey,
    /// It is not what the call is made with.
    Argument,
    /// The number is larger than it can be.
    TooLarge,
    /// The line ends before the call does.
    Missing,
    /// Something follows on the call.
    Excess,
    /// The connection has not begun.
    NotBegun,
    /// The connection has begun before.
    BegunTwice,
    /// The connection was dropped before.
    AfterDropped,
    /// The recording ended before.
    AfterEnding,
}

/// The word at which reading stopped, or its beginning.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Word {
    bytes: [u8; Self::LEN_MAX],
    len: usize,
    is_cut: bool,
}

impl Word {
    /// Bytes that are kept.
    const LEN_MAX: usize = 32;

    pub(super) fn new(word: &[u8]) -> Self {
        let mut bytes = [0; Self::LEN_MAX];
        let mut len = 0;
        for (to, byte) in bytes.iter_mut().zip(word) {
            *to = *byte;
            len += 1;
        }
        Self { bytes, len, is_cut: word.len() > len }
    }

    /// At most its first 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Whether there was none: the line had come to its end.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// In quotes, as it would be written in a program.
impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.is_cut { "…" } else { "" };
        write!(f, "\"{}{more}\"", self.as_bytes().escape_ascii())
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for ParseScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.flaw)?;
        match &self.word {
            Some(word) if !word.is_empty() => write!(f, ": {word}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoScript => "expected drywire-script and a version",
            Self::Version { found } => {
                return write!(f, "version {found}, expected {VERSION}");
            }
            Self::TooManyEntries { max } => {
                return write!(f, "more than the limit of {max} entries");
            }
            Self::LineTooLong { max } => return write!(f, "longer than the limit of {max} bytes"),
            Self::TooLong { max } => {
                return write!(f, "the script is longer than the limit of {max} bytes");
            }
            Self::Connection => "expected the number of a connection",
            Self::Time => "expected a time in nanoseconds after +, as in +1500",
            Self::TimeTooLate => "the time is beyond the last that there is",
            Self::UnknownCall => "no such call",
            Self::UnknownKey => "no such key",
            Self::Argument => "not what the call is made with",
            Self::TooLarge => "the number is larger than it can be",
            Self::Missing => "the line ends before the call does",
            Self::Excess => "something follows on the call",
            Self::NotBegun => "the connection has not begun",
            Self::BegunTwice => "the connection has begun before",
            Self::AfterDropped => "the connection was dropped before",
            Self::AfterEnding => "the recording ended before",
        })
    }
}

impl core::error::Error for ParseScriptError {}
