//! Why a message is refused: the peer's with the status that answers it, or our own.

use core::fmt;

/// What is wrong with a message of the peer. Fatal: where the next message begins is not certain.
///
/// Where several things are wrong with one head, the earliest in the bytes is named as far as the
/// grammar of lines goes, and what the fields mean is looked at after that.
///
/// The sections are those of the rules that are kept. Where recipients may choose, the stricter choice
/// is made, and four refusals go beyond the grammar: leading zeros in Content-Length, an empty Host, chunk
/// sizes of more than 16 digits, and minor versions above 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// A line feed without a carriage return before it (RFC 9112, section 2.2).
    BareLf,
    /// A carriage return without a line feed behind it (RFC 9112, section 2.2).
    BareCr,
    /// The method is not a token (RFC 9112, section 3.1).
    Method,
    /// The first line is not `method SP target SP version` (RFC 9112, section 3).
    RequestLine,
    /// The target has none of the forms, or not the one that goes with the method (RFC 9112,
    /// section 3.2).
    Target,
    /// The version is not `HTTP/` digit `.` digit (RFC 9112, section 2.3).
    Version,
    /// The version is another one than 1.0 and 1.1.
    VersionUnsupported,
    /// The first line is not `version SP status SP reason`, with three digits of 100 or more as
    /// the status (RFC 9112, section 4).
    StatusLine,
    /// A field line without a colon or a name, or whose name is not a token (RFC 9112, section 5).
    FieldName,
    /// White space between a field's name and its colon (RFC 9112, section 5.1).
    SpaceBeforeColon,
    /// A field line that begins with white space (RFC 9112, section 5.2).
    ObsFold,
    /// A control character in a field's value (RFC 9110, section 5.5).
    FieldValue,
    /// No Host in a request of HTTP/1.1 (RFC 9112, section 3.2).
    HostMissing,
    /// More than one Host (RFC 9112, section 3.2).
    HostRepeated,
    /// A Host that is empty or not a host and port (RFC 9112, section 3.2).
    HostInvalid,
    /// A Content-Length that is not a plain decimal number without leading zeros (RFC 9110,
    /// section 8.6).
    ContentLength,
    /// A Content-Length beyond 64 bits.
    ContentLengthOverflow,
    /// More than one Content-Length, even if they agree (RFC 9112, section 6.3).
    ContentLengthRepeated,
    /// Content-Length beside Transfer-Encoding (RFC 9112, section 6.1).
    LengthAndCoding,
    /// A Transfer-Encoding that is not a list of tokens (RFC 9112, section 6.1).
    TransferEncoding,
    /// A transfer coding other than `chunked` (RFC 9112, section 6.1).
    TransferCodingUnknown,
    /// More than one transfer coding (RFC 9112, section 6.1).
    TransferCodings,
    /// Transfer-Encoding in a message of HTTP/1.0 (RFC 9112, section 6.1).
    TransferEncodingInHttp10,
    /// A CONNECT request that announces a body (RFC 9110, section 9.3.6).
    ConnectBody,
    /// A chunk size that is not hexadecimal digits, or with something else behind it than an
    /// extension (RFC 9112, section 7.1).
    ChunkSize,
    /// A chunk size of more than 16 digits (RFC 9112, section 7.1).
    ChunkSizeOverflow,
    /// A control character in a chunk extension (RFC 9112, section 7.1.1).
    ChunkExtension,
    /// Something else than CRLF behind the data of a chunk (RFC 9112, section 7.1).
    ChunkEnd,
    /// A trailer field that says where the message ends or whom it is for (RFC 9110, section 6.5.1).
    TrailerField,
    /// A response to nothing.
    Unsolicited,
    /// The status 101 without a request that offered to change protocols (RFC 9110, section 7.8).
    UpgradeUnasked,
}

impl Violation {
    /// The status that a server should answer. For what only a client can find, 502: what a
    /// gateway would answer.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::VersionUnsupported => 505,
            Self::TransferCodingUnknown | Self::TransferCodings => 501,
            Self::StatusLine | Self::Unsolicited | Self::UpgradeUnasked => 502,
            Self::BareLf
            | Self::BareCr
            | Self::Method
            | Self::RequestLine
            | Self::Target
            | Self::Version
            | Self::FieldName
            | Self::SpaceBeforeColon
            | Self::ObsFold
            | Self::FieldValue
            | Self::HostMissing
            | Self::HostRepeated
            | Self::HostInvalid
            | Self::ContentLength
            | Self::ContentLengthOverflow
            | Self::ContentLengthRepeated
            | Self::LengthAndCoding
            | Self::TransferEncoding
            | Self::TransferEncodingInHttp10
            | Self::ConnectBody
            | Self::ChunkSize
            | Self::ChunkSizeOverflow
            | Self::ChunkExtension
            | Self::ChunkEnd
            | Self::TrailerField => 400,
        }
    }
}

/// A part of a message that has a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpPart {
    /// The content, in bytes.
    Body,
    /// The chunk extensions of one body, in bytes.
    ChunkExtensions,
    /// The field lines of one head or of the trailers, counted.
    Fields,
    /// The head, in bytes, with all line ends and with empty lines before it.
    Head,
    /// The target of a request, in bytes.
    Target,
    /// The trailers, in bytes, without the empty line behind them.
    Trailers,
}

impl HttpPart {
    /// The status that a server should answer when the part exceeds its limit.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Body => 413,
            Self::ChunkExtensions => 400,
            Self::Target => 414,
            Self::Fields | Self::Head | Self::Trailers => 431,
        }
    }
}

/// Why a frame cannot be sent. Nothing was queued, and the exchange is where it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unsendable {
    /// A request by a server, or a response by a client.
    WrongRole,
    /// The frame is not due: a body without a head, a second head before the end, trailers twice,
    /// a tunnel that was not agreed on.
    OutOfTurn,
    /// No further message will be sent on this connection.
    Over,
    /// As many requests are unanswered as may be.
    Outstanding {
        /// The limit.
        max: u8,
    },
    /// Nothing may follow a CONNECT, or an offer to change protocols, before its answer.
    AwaitingAnswer,
    /// A response to nothing. Only an error (status 400 or more) may be sent so.
    Unasked,
    /// A status that does not go with this kind of frame.
    Status(u16),
    /// An informational response to a peer of HTTP/1.0 (RFC 9110, section 15.2).
    InformationalToHttp10,
    /// The status 101 in answer to a request that did not offer to change protocols (RFC 9110,
    /// section 7.8).
    UpgradeUnasked,
    /// A reason phrase with a control character (RFC 9112, section 4).
    Reason,
    /// The peer would refuse it, for this.
    Violation(Violation),
    /// A part exceeds a limit of our own.
    Limit {
        /// The part.
        part: HttpPart,
        /// Its limit.
        max: u64,
    },
    /// Chunks to a peer of HTTP/1.0, or one whose version is not known to be later.
    ChunkedToHttp10,
    /// Content-Length or Transfer-Encoding in a message that may have neither (RFC 9110,
    /// section 8.6; RFC 9112, section 6.1).
    BodyAnnounced,
    /// More body than was announced.
    BodyTooLong {
        /// Length of the piece, in bytes.
        len: u64,
        /// What was left of the announced length, in bytes.
        left: u64,
    },
    /// The end before all of the announced body.
    BodyTooShort {
        /// What is left of the announced length, in bytes.
        left: u64,
    },
    /// Trailers behind a body that is not chunked (RFC 9110, section 6.5).
    TrailersUnchunked,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BareLf => "a line feed without a carriage return",
            Self::BareCr => "a carriage return without a line feed",
            Self::Method => "the method is not a token",
            Self::RequestLine => "the request line is malformed",
            Self::Target => "the request target is malformed or does not go with the method",
            Self::Version => "the HTTP version is malformed",
            Self::VersionUnsupported => "the HTTP version is neither 1.0 nor 1.1",
            Self::StatusLine => "the status line is malformed",
            Self::FieldName => "a field line without a valid name",
            Self::SpaceBeforeColon => "white space between a field name and its colon",
            Self::ObsFold => "a field line that begins with white space",
            Self::FieldValue => "a control character in a field value",
            Self::HostMissing => "the Host field is missing",
            Self::HostRepeated => "the Host field is repeated",
            Self::HostInvalid => "the Host field is empty or malformed",
            Self::ContentLength => "Content-Length is not a plain decimal number",
            Self::ContentLengthOverflow => "Content-Length exceeds 64 bits",
            Self::ContentLengthRepeated => "Content-Length is repeated",
            Self::LengthAndCoding => "Content-Length beside Transfer-Encoding",
            Self::TransferEncoding => "Transfer-Encoding is malformed",
            Self::TransferCodingUnknown => "a transfer coding other than chunked",
            Self::TransferCodings => "more than one transfer coding",
            Self::TransferEncodingInHttp10 => "Transfer-Encoding in a message of HTTP/1.0",
            Self::ConnectBody => "a CONNECT request with a body",
            Self::ChunkSize => "a chunk size is malformed",
            Self::ChunkSizeOverflow => "a chunk size has more than 16 digits",
            Self::ChunkExtension => "a control character in a chunk extension",
            Self::ChunkEnd => "no line end behind the data of a chunk",
            Self::TrailerField => "a trailer field that must be in the head",
            Self::Unsolicited => "a response to no request",
            Self::UpgradeUnasked => "the protocol is changed without an offer",
        })
    }
}

impl fmt::Display for HttpPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Body => "HTTP body length",
            Self::ChunkExtensions => "HTTP chunk extension length",
            Self::Fields => "HTTP field count",
            Self::Head => "HTTP head length",
            Self::Target => "HTTP target length",
            Self::Trailers => "HTTP trailer length",
        })
    }
}

impl fmt::Display for Unsendable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongRole => f.write_str("clients send requests and servers responses"),
            Self::OutOfTurn => f.write_str("the frame is not due here"),
            Self::Over => f.write_str("no further message can be sent on this connection"),
            Self::Outstanding { max } => {
                write!(f, "{max} requests are unanswered, the most allowed")
            }
            Self::AwaitingAnswer => f.write_str("the request before must be answered first"),
            Self::Unasked => f.write_str("a response to no request"),
            Self::Status(status) => write!(f, "status {status} does not go with the frame"),
            Self::InformationalToHttp10 => {
                f.write_str("an informational response to a peer of HTTP/1.0")
            }
            Self::UpgradeUnasked => f.write_str("status 101 to a request that did not offer it"),
            Self::Reason => f.write_str("a control character in the reason phrase"),
            Self::Violation(violation) => violation.fmt(f),
            Self::Limit { part, max } => write!(f, "the {part} exceeds the limit of {max}"),
            Self::ChunkedToHttp10 => f.write_str("chunks to a peer of HTTP/1.0"),
            Self::BodyAnnounced => {
                f.write_str("a body is announced where the message cannot have one")
            }
            Self::BodyTooLong { len, left } => {
                write!(f, "{len} bytes of body where {left} are left of its length")
            }
            Self::BodyTooShort { left } => {
                write!(f, "the body ends {left} bytes before its length")
            }
            Self::TrailersUnchunked => f.write_str("trailers behind a body without chunks"),
        }
    }
}

impl core::error::Error for Unsendable {}
impl core::error::Error for Violation {}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    /// Every variant; a new one makes `status` fail to build, and is added here.
    const VIOLATIONS: [(Violation, u16, &str); 31] = [
        (Violation::BareLf, 400, "a line feed without a carriage return"),
        (Violation::BareCr, 400, "a carriage return without a line feed"),
        (Violation::Method, 400, "the method is not a token"),
        (Violation::RequestLine, 400, "the request line is malformed"),
        (Violation::Target, 400, "the request target is malformed or does not go with the method"),
        (Violation::Version, 400, "the HTTP version is malformed"),
        (Violation::VersionUnsupported, 505, "the HTTP version is neither 1.0 nor 1.1"),
        (Violation::StatusLine, 502, "the status line is malformed"),
        (Violation::FieldName, 400, "a field line without a valid name"),
        (Violation::SpaceBeforeColon, 400, "white space between a field name and its colon"),
        (Violation::ObsFold, 400, "a field line that begins with white space"),
        (Violation::FieldValue, 400, "a control character in a field value"),
        (Violation::HostMissing, 400, "the Host field is missing"),
        (Violation::HostRepeated, 400, "the Host field is repeated"),
        (Violation::HostInvalid, 400, "the Host field is empty or malformed"),
        (Violation::ContentLength, 400, "Content-Length is not a plain decimal number"),
        (Violation::ContentLengthOverflow, 400, "Content-Length exceeds 64 bits"),
        (Violation::ContentLengthRepeated, 400, "Content-Length is repeated"),
        (Violation::LengthAndCoding, 400, "Content-Length beside Transfer-Encoding"),
        (Violation::TransferEncoding, 400, "Transfer-Encoding is malformed"),
        (Violation::TransferCodingUnknown, 501, "a transfer coding other than chunked"),
        (Violation::TransferCodings, 501, "more than one transfer coding"),
        (Violation::TransferEncodingInHttp10, 400, "Transfer-Encoding in a message of HTTP/1.0"),
        (Violation::ConnectBody, 400, "a CONNECT request with a body"),
        (Violation::ChunkSize, 400, "a chunk size is malformed"),
        (Violation::ChunkSizeOverflow, 400, "a chunk size has more than 16 digits"),
        (Violation::ChunkExtension, 400, "a control character in a chunk extension"),
        (Violation::ChunkEnd, 400, "no line end behind the data of a chunk"),
        (Violation::TrailerField, 400, "a trailer field that must be in the head"),
        (Violation::Unsolicited, 502, "a response to no request"),
        (Violation::UpgradeUnasked, 502, "the protocol is changed without an offer"),
    ];

    #[test]
    fn violations_have_a_text_and_a_status() {
        for (violation, status, text) in VIOLATIONS {
            assert_eq!((violation.status(), violation.to_string().as_str()), (status, text));
        }
    }

    #[test]
    fn what_cannot_be_sent_says_why() {
        let part = HttpPart::Head;
        let texts = [
            (Unsendable::WrongRole, "clients send requests and servers responses"),
            (Unsendable::OutOfTurn, "the frame is not due here"),
            (Unsendable::Over, "no further message can be sent on this connection"),
            (Unsendable::Outstanding { max: 64 }, "64 requests are unanswered, the most allowed"),
            (Unsendable::AwaitingAnswer, "the request before must be answered first"),
            (Unsendable::Unasked, "a response to no request"),
            (Unsendable::Status(99), "status 99 does not go with the frame"),
            (Unsendable::InformationalToHttp10, "an informational response to a peer of HTTP/1.0"),
            (Unsendable::UpgradeUnasked, "status 101 to a request that did not offer it"),
            (Unsendable::Reason, "a control character in the reason phrase"),
            (Unsendable::Violation(Violation::BareCr), "a carriage return without a line feed"),
            (Unsendable::Limit { part, max: 9 }, "the HTTP head length exceeds the limit of 9"),
            (Unsendable::ChunkedToHttp10, "chunks to a peer of HTTP/1.0"),
            (Unsendable::BodyAnnounced, "a body is announced where the message cannot have one"),
            (
                Unsendable::BodyTooLong { len: 2, left: 1 },
                "2 bytes of body where 1 are left of its length",
            ),
            (Unsendable::BodyTooShort { left: 3 }, "the body ends 3 bytes before its length"),
            (Unsendable::TrailersUnchunked, "trailers behind a body without chunks"),
        ];
        for (unsendable, text) in texts {
            assert_eq!(unsendable.to_string(), text);
        }
    }

    #[test]
    fn parts_are_named_in_their_limits() {
        let parts = [
            (HttpPart::Body, "HTTP body length"),
            (HttpPart::ChunkExtensions, "HTTP chunk extension length"),
            (HttpPart::Fields, "HTTP field count"),
            (HttpPart::Head, "HTTP head length"),
            (HttpPart::Target, "HTTP target length"),
            (HttpPart::Trailers, "HTTP trailer length"),
        ];
        for (part, text) in parts {
            let error = crate::DecodeError::Http { part, max: 7 };
            assert_eq!(error.to_string(), alloc::format!("the {text} exceeds the limit of 7"));
        }
    }
}
