//! Frames: what one side sends and the other is shown.

use super::announced::Announced;
use super::fields::Fields;
use super::target;

/// A part of the conversation. What is received can be sent, so there is one type for both ways.
///
/// A message is its head, pieces of its body, trailers if there are any, and [`End`](Self::End).
/// Informational responses come before a final one and have no end of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Frame<'a> {
    /// The head of a request: to a server.
    Request(Request<'a>),
    /// A response of 1xx other than 101: others will follow.
    Informational(Response<'a>),
    /// The head of a final response, or of the response 101.
    Response(Response<'a>),
    /// A piece of the body, as it arrived. One that is received is not empty; an empty one sends
    /// nothing. At most [`PIECE_LEN_MAX`](super::PIECE_LEN_MAX) bytes.
    Body(&'a [u8]),
    /// The fields behind a chunked body.
    Trailers(Fields<'a>),
    /// The end of the message, also of one without a body.
    End,
    /// Bytes of no message, after 101 or a successful CONNECT. At most
    /// [`PIECE_LEN_MAX`](super::PIECE_LEN_MAX).
    Tunnel(&'a [u8]),
}

/// The version of a message (RFC 9110, section 2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
}

impl Version {
    /// As it is on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
        }
    }
}

/// The body that the fields of a request announce (RFC 9112, section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLen {
    /// No body.
    None,
    /// As many bytes, which may be zero.
    Length(u64),
    /// In chunks.
    Chunked,
}

/// The head of a request.
///
/// # Specification
/// RFC 9112, section 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The method, as it was sent: methods know case.
    pub method: &'a str,
    /// The target, as it was sent.
    pub target: &'a str,
    /// The version.
    pub version: Version,
    /// The fields.
    pub fields: Fields<'a>,
}

impl<'a> Request<'a> {
    /// A request of HTTP/1.1.
    #[must_use]
    pub const fn new(method: &'a str, target: &'a str, fields: Fields<'a>) -> Self {
        Self { method, target, version: Version::Http11, fields }
    }

    /// Whom the request is for: the authority of the target if it has one, whatever Host says,
    /// else Host. `None` for a request of HTTP/1.0 without either.
    ///
    /// # Specification
    /// RFC 9112, sections 3.2.2 and 3.3.
    #[must_use]
    pub fn authority(&self) -> Option<&'a str> {
        target::authority(self.method, self.target)
            .or_else(|| core::str::from_utf8(self.fields.get("host")?).ok())
    }

    /// Path and query: the target without scheme and authority. `*` for the asterisk form, empty
    /// for the authority form of CONNECT.
    #[must_use]
    pub fn path(&self) -> &'a str {
        target::path(self.method, self.target)
    }

    /// Which body the fields announce.
    #[must_use]
    pub fn body(&self) -> BodyLen {
        Announced::of(&self.fields).map_or(BodyLen::None, |announced| announced.body_len())
    }

    /// Whether the client waits for a response of 100 before it sends the body (RFC 9110,
    /// section 10.1.1).
    #[must_use]
    pub fn expects_continue(&self) -> bool {
        self.version == Version::Http11
            && !matches!(self.body(), BodyLen::None | BodyLen::Length(0))
            && self.fields.has_token("expect", "100-continue")
    }
}

/// The head of a response.
///
/// # Specification
/// RFC 9112, section 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response<'a> {
    /// The version.
    pub version: Version,
    /// The status code.
    pub status: u16,
    /// The reason phrase: for people, in no particular encoding, possibly empty.
    pub reason: &'a [u8],
    /// The fields.
    pub fields: Fields<'a>,
}

impl<'a> Response<'a> {
    /// A response of HTTP/1.1 with the usual reason phrase.
    #[must_use]
    pub const fn new(status: u16, fields: Fields<'a>) -> Self {
        let reason = super::status::reason(status).as_bytes();
        Self { version: Version::Http11, status, reason, fields }
    }

    /// Whether another response to the same request follows: 1xx other than 101.
    #[must_use]
    pub const fn is_informational(&self) -> bool {
        matches!(self.status, 100 | 102..=199)
    }
}
