//! What became of a case.

use std::fmt;
use std::io;
use std::panic::Location;

/// What a case expected and what it saw.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// What should have been.
    pub expected: String,
    /// What was.
    pub seen: String,
    /// The line of the case, as `file:line`.
    pub at: String,
}

impl Failure {
    #[track_caller]
    pub(crate) fn new(expected: impl Into<String>, seen: impl Into<String>) -> Self {
        Self::at(expected, seen, Location::caller())
    }

    pub(crate) fn at(
        expected: impl Into<String>,
        seen: impl Into<String>,
        at: &Location<'_>,
    ) -> Self {
        let file = at.file().rsplit('/').next().unwrap_or_default();
        Self { expected: expected.into(), seen: seen.into(), at: format!("{file}:{}", at.line()) }
    }

    #[track_caller]
    pub(crate) fn system(call: &str, error: &io::Error) -> Self {
        Self::new(format!("{call} to succeed"), error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, saw {} ({})", self.expected, self.seen, self.at)
    }
}

/// Why a case does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    Failed(Failure),
    NotApplicable(&'static str),
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Unsupported> for Halt {
    fn from(unsupported: Unsupported) -> Self {
        Self::NotApplicable(unsupported.0)
    }
}

/// What an adapter does not offer, in a few words: "TLS is left out".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsupported(pub &'static str);

/// What became of one case in one [`Variant`](super::Variant).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It went as it should.
    Passed,
    /// It did not.
    Failed(Failure),
    /// It cannot be: why.
    NotApplicable(&'static str),
}

/// Fails when `seen` is not `expected`.
#[track_caller]
pub(crate) fn same<T: fmt::Debug + PartialEq>(seen: &T, expected: &T) -> Result<(), Halt> {
    if seen == expected {
        return Ok(());
    }
    Err(Failure::new(format!("{expected:?}"), format!("{seen:?}")).into())
}

/// Fails when something is not so.
#[track_caller]
pub(crate) fn ensure(is: bool, expected: &str, seen: impl fmt::Display) -> Result<(), Halt> {
    if is { Ok(()) } else { Err(Failure::new(expected, seen.to_string()).into()) }
}

/// Bytes for people, with long ones cut.
pub(crate) fn text(bytes: &[u8]) -> String {
    match bytes {
        [] => "nothing".into(),
        bytes if bytes.len() <= 64 => format!("\"{}\"", bytes.escape_ascii()),
        bytes => format!("{} bytes, \"{}…\"", bytes.len(), bytes[..32].escape_ascii()),
    }
}
