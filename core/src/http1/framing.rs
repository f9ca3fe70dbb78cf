//! The framing: the state of both directions, and nothing else.

use super::body::CHUNK_LINES_LEN_MAX;
use super::exchange::{Offer, Outstanding, Persistence, Role, Sending};
use super::frame::{Frame, Version};
use super::head::HeadScan;
use super::limits::{HttpLimits, PIECE_LEN_MAX};
use super::receive::Receiving;
use super::shape::Found;
use crate::buffer::Buffer;
use crate::error::{DecodeError, EncodeError};
use crate::framing::{Framing, Scan, Whole};

/// HTTP/1.1, for a server or a client.
///
/// ```
/// use drywire::http1::{Fields, Frame, Http1, Response};
/// use drywire::{Connection, Instant, Step};
///
/// let mut server = Connection::plain(Http1::server(), Default::default(), Instant::ZERO);
/// let input = b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";
/// server.receive_buffer()[..input.len()].copy_from_slice(input);
/// server.received(input.len(), Instant::ZERO)?;
/// while let Some(step) = server.next() {
///     match step {
///         Step::Frame(Frame::Request(request), _) => assert_eq!(request.target, "/hello"),
///         Step::Frame(Frame::End, mut handle) => {
///             let fields = Fields::new(&[("content-length", b"2")]);
///             handle.send(Frame::Response(Response::new(200, fields)))?;
///             handle.send(Frame::Body(b"hi"))?;
///             handle.send(Frame::End)?;
///         }
///         _ => {}
///     }
/// }
/// assert_eq!(server.transmit(), b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
///
/// # Sending
///
/// The fields that are given say how the body ends: Content-Length, or Transfer-Encoding of
/// `chunked`; a response without either is ended by closing, a request without either has no body.
/// [`Body`](Frame::Body) and [`End`](Frame::End) are checked against that. Responses to HEAD and of
/// 204 and 304, and 101 and 2xx to CONNECT, have no body, and are followed by `End` all the same.
///
/// One field is added if it is missing: `connection: close` to the response with which the
/// connection ends, because the request, the response, its body or a violation wants it, or
/// because an expected 100 was never sent; and `connection: keep-alive` to a response that lets a
/// connection of HTTP/1.0 go on. When the last message has ended, the framing
/// [is over](Framing::is_over) and the connection closes.
///
/// A response to nothing is refused, unless it is an error (status 400 or more) and no request is
/// being read behind its head: the answer to a head that was refused, or that came too late. It
/// ends the connection.
///
/// # Bounds
/// Holds one head, or the trailers, at a time. A byte is looked at once, however the input is cut.
/// Allocates nothing.
#[derive(Clone, Debug)]
pub struct Http1 {
    pub(super) role: Role,
    pub(super) limits: HttpLimits,
    pub(super) receiving: Receiving,
    pub(super) sending: Sending,
    pub(super) persistence: Persistence,
    /// The requests that a client has sent and that are not answered.
    pub(super) outstanding: Outstanding,
    /// Whether the last request that a client has sent offers to change protocols.
    pub(super) offered: Offer,
    /// The version of the peer's last message.
    pub(super) peer: Option<Version>,
    /// The next answer is the last.
    pub(super) draining: bool,
}

impl Http1 {
    /// The side that is shown requests and sends responses.
    #[must_use]
    pub const fn server() -> Self {
        Self::new(Role::Server, HeadScan::REQUEST)
    }

    /// The side that sends requests and is shown responses.
    #[must_use]
    pub const fn client() -> Self {
        Self::new(Role::Client, HeadScan::RESPONSE)
    }

    const fn new(role: Role, head: HeadScan) -> Self {
        Self {
            role,
            limits: HttpLimits::new(),
            receiving: Receiving::Head(head),
            sending: Sending::Rest,
            persistence: Persistence::Persistent,
            outstanding: Outstanding::EMPTY,
            offered: Offer::None,
            peer: None,
            draining: false,
        }
    }

    /// The same within other limits.
    #[must_use]
    pub const fn with_limits(self, limits: HttpLimits) -> Self {
        Self { limits, ..self }
    }

    /// The limits.
    #[must_use]
    pub const fn limits(&self) -> &HttpLimits {
        &self.limits
    }

    /// Whether another exchange may follow on this connection, as far as is known by now.
    #[must_use]
    pub fn is_keep_alive(&self) -> bool {
        self.persistence == Persistence::Persistent
            && !matches!(self.sending, Sending::Tunnel | Sending::Over)
    }

    /// Whether the last message has ended on both sides, and bytes are of no message now.
    #[must_use]
    pub fn is_tunnel(&self) -> bool {
        self.receiving == Receiving::Tunnel && self.sending == Sending::Tunnel
    }

    /// Whether a server owes an answer, or the rest of one; or a client the rest of a request.
    #[must_use]
    pub const fn is_message_due(&self) -> bool {
        matches!(self.sending, Sending::Due(_) | Sending::Message { .. })
    }

    /// How many requests of a client have no final response yet.
    #[must_use]
    pub const fn outstanding(&self) -> usize {
        self.outstanding.len() as usize
    }

    /// Bytes of the body that is being received which are still to come, if its length is known.
    #[must_use]
    pub const fn body_left(&self) -> Option<u64> {
        match &self.receiving {
            Receiving::Body(incoming) => incoming.left(),
            _ => None,
        }
    }
}

impl Framing for Http1 {
    type Found = Found;
    type Frame<'a> = Frame<'a>;
    type Item<'a> = Frame<'a>;

    #[inline]
    fn scan(&mut self, input: &[u8]) -> Result<Scan<Found>, DecodeError> {
        self.receive(input)
    }

    fn scan_end(&mut self, input: &[u8]) -> Result<Option<Whole<Found>>, DecodeError> {
        self.receive_end(input)
    }

    #[inline]
    fn view(found: Found, bytes: &mut [u8]) -> Frame<'_> {
        found.0.view(bytes)
    }

    #[inline]
    fn encode(&mut self, item: Frame<'_>, transmit: &mut Buffer) -> Result<(), EncodeError> {
        self.send(&item, transmit)
    }

    fn wire_len_max(&self) -> usize {
        let limits = &self.limits;
        let trailers = limits.trailers_len_max.saturating_add("\r\n".len());
        PIECE_LEN_MAX
            .max(trailers)
            .saturating_add(CHUNK_LINES_LEN_MAX)
            .saturating_add(limits.chunk_extensions_len_max)
            .max(limits.head_len_max)
    }

    /// Whether a head, the line of a chunk or trailers are awaited: of anything else, any piece is
    /// a frame.
    fn has_whole_frames(&self) -> bool {
        match &self.receiving {
            Receiving::Head(_) => true,
            Receiving::Body(incoming) => incoming.awaits_line(),
            Receiving::Waiting | Receiving::Tunnel | Receiving::Over | Receiving::Failed(_) => {
                false
            }
        }
    }

    fn is_over(&self) -> bool {
        self.sending == Sending::Over
    }

    fn drain(&mut self) {
        self.draining = true;
    }
}

const _: () = assert!(size_of::<Http1>() <= 256);
