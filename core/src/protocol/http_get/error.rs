use core::fmt;

use crate::address::ReferenceError;
use crate::connection::CloseReason;
use crate::error::SendError;

/// Why there is no answer, or not the one that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GetError {
    /// A field that the caller gave cannot be sent.
    Field(FieldProblem),
    /// The body ended before it was whole.
    Incomplete {
        /// Bytes of it that came.
        received: u64,
        /// Bytes that the answer announced, if it did.
        expected: Option<u64>,
        /// How the connection ended; `None` if the peer finished in order.
        reason: Option<CloseReason>,
    },
    /// The connection ended before the answer began.
    NoResponse {
        /// How it ended; `None` if the peer finished in order.
        reason: Option<CloseReason>,
    },
    /// The method is no method, or one of another kind of client.
    Method,
    /// The address is not one of HTTP.
    NotHttp,
    /// The answer is not the part that was asked for.
    Range(RangeProblem),
    /// A redirect that is not followed.
    Redirect(RedirectProblem),
    /// The answer to a request to go on has a status that says nothing of how.
    Status(u16),
    /// More informational answers than there may be.
    TooManyInformational {
        /// The most there may be.
        max: u32,
    },
    /// What came does not belong there.
    Unexpected,
    /// The request could not be sent.
    Unsendable(SendError),
    /// The request's body ended before it was as long as announced.
    UploadTooShort {
        /// Bytes of it that were there.
        sent: u64,
        /// Bytes that were announced.
        announced: u64,
    },
}

/// What is wrong with a field of the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldProblem {
    /// Its name is not a token (RFC 9110, section 5.6.2).
    Name,
    /// The client sends it itself, as the body, the range or the connection demands.
    Reserved,
    /// Its value has a control character.
    Value,
}

/// What is wrong with a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RangeProblem {
    /// The server sent everything.
    Ignored,
    /// The answer does not say which part it is, or not in bytes.
    Unknown,
    /// Another part came.
    Other {
        /// The first byte that came, counted from 0.
        first: u64,
        /// The last.
        last: u64,
    },
    /// A part came, and none was asked for.
    Unasked,
    /// The body is longer than the part that it is said to be.
    TooLong {
        /// The part's length.
        len: u64,
    },
    /// The server has no such part.
    Unsatisfiable {
        /// How long the resource is, if the server said so.
        complete_len: Option<u64>,
    },
}

/// Why a redirect is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedirectProblem {
    /// It leads from `https` to `http`.
    Downgrade,
    /// Its location is no address of HTTP.
    Location(ReferenceError),
    /// It is one more than allowed.
    TooMany {
        /// How many are.
        max: u32,
    },
    /// It leads to a Unix socket.
    UnixSocket,
    /// It asks for the request's body again, which cannot be read again.
    Unrepeatable,
}

impl fmt::Display for GetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(problem) => problem.fmt(f),
            Self::Incomplete { received, expected, reason } => {
                match expected {
                    Some(expected) => {
                        write!(f, "the body is incomplete: {received} of {expected} bytes came")?;
                    }
                    None => write!(f, "the body is incomplete: {received} bytes came")?,
                }
                suffix(reason.as_ref(), f)
            }
            Self::NoResponse { reason } => {
                f.write_str("no answer came")?;
                suffix(reason.as_ref(), f)
            }
            Self::Method => f.write_str("expected the name of a method other than CONNECT"),
            Self::NotHttp => f.write_str("expected an address of HTTP"),
            Self::Range(problem) => problem.fmt(f),
            Self::Redirect(problem) => problem.fmt(f),
            Self::Status(status) => {
                write!(f, "the server answered {status} to the request to go on")
            }
            Self::TooManyInformational { max } => {
                write!(f, "more than {max} informational answers came")
            }
            Self::Unexpected => f.write_str("what came is no answer to the request"),
            Self::Unsendable(error) => write!(f, "the request cannot be sent: {error}"),
            Self::UploadTooShort { sent, announced } => {
                write!(f, "the request's body ended after {sent} of {announced} bytes")
            }
        }
    }
}

/// How the connection ended, where that is not how all do.
fn suffix(reason: Option<&CloseReason>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match reason {
        None => f.write_str(", then the server finished"),
        // Its numbers are those of the buffer, and say less than ours.
        Some(CloseReason::Truncated(crate::connection::Truncation::Frame { .. })) => {
            f.write_str(", then the server finished")
        }
        Some(reason) => write!(f, ", then: {reason}"),
    }
}

impl fmt::Display for FieldProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "a field's name has letters, digits and !#$%&'*+-.^_`|~ only",
            Self::Reserved => {
                "this field is sent as the body, the range and the connection need it"
            }
            Self::Value => "a field's value has no control characters",
        })
    }
}

impl fmt::Display for RangeProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ignored => f.write_str("the server sends everything and no range"),
            Self::Unknown => f.write_str("the server does not say which range it sends"),
            Self::Other { first, last } => {
                write!(f, "the server sends bytes {first} to {last}, which were not asked for")
            }
            Self::Unasked => f.write_str("the server sends a range, and none was asked for"),
            Self::TooLong { len } => {
                write!(f, "the server sends more than the {len} bytes of the range")
            }
            Self::Unsatisfiable { complete_len: Some(len) } => {
                write!(f, "the server has no such range, only {len} bytes")
            }
            Self::Unsatisfiable { complete_len: None } => {
                f.write_str("the server has no such range")
            }
        }
    }
}

impl fmt::Display for RedirectProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Downgrade => f.write_str("a redirect leads from https to http"),
            Self::Location(error) => write!(f, "a redirect has no usable location: {error}"),
            Self::TooMany { max } => write!(f, "more than {max} redirects"),
            Self::UnixSocket => f.write_str("a redirect leads to a Unix socket"),
            Self::Unrepeatable => {
                f.write_str("a redirect asks for the request's body again, which was read once")
            }
        }
    }
}

impl core::error::Error for GetError {}
impl core::error::Error for FieldProblem {}
impl core::error::Error for RangeProblem {}
impl core::error::Error for RedirectProblem {}

impl From<RangeProblem> for GetError {
    fn from(problem: RangeProblem) -> Self {
        Self::Range(problem)
    }
}

impl From<RedirectProblem> for GetError {
    fn from(problem: RedirectProblem) -> Self {
        Self::Redirect(problem)
    }
}

impl From<FieldProblem> for GetError {
    fn from(problem: FieldProblem) -> Self {
        Self::Field(problem)
    }
}
