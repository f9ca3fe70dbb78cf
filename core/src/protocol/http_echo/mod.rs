//! A server that says what arrived.

mod account;

use alloc::boxed::Box;
use alloc::string::ToString;

use super::Protocol;
use super::answer::Answer;
use super::pace::Pace;
use crate::connection::{CloseReason, Handle};
use crate::error::SendError;
use crate::http1::{BodyLen, Fields, Frame, Http1, HttpLimits, Request, Response};
use crate::peer::Peer;
use crate::tls::Negotiated;
use account::Account;
pub use account::Fingerprint;

/// Bytes of a media type that is sent back; of a longer one nothing is.
const TYPE_LEN_MAX: usize = 1024;

/// The methods that are named to those who ask. Any other is answered like POST, but for CONNECT,
/// which asks for a tunnel to somewhere else, and TRACE, which asks for its head in a type of its
/// own; `reporting` tells of heads.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// Answers each HTTP request with a faithful account of what arrived.
///
/// By default that is the request's body: the answer has the same length, or comes in chunks if the
/// request did, the same type unless it is longer than 1 KiB, and the same trailers. The body is streamed, so that its size does
/// not matter: a client that does not read the answer is read from no more once the transmit queue
/// is full. A client that sends all of a large body before it reads anything waits for itself, and
/// so does a proxy: nginx 1.22 at times stops in the middle of a body of megabytes that is answered
/// while it is sent, whoever answers. Behind such a proxy, report instead.
///
/// [`reporting`](Self::reporting) answers with JSON about the request instead.
///
/// Either way HEAD is answered with what GET would be without the body, CONNECT and TRACE with 405, `Expect:
/// 100-continue` with an informational answer, and what is no HTTP with the status that says why
/// and a line about it, after which the connection is closed. Requests that come one after the
/// other without waiting are answered in their order.
///
/// # Bounds
/// A body must come at 500 bytes a second, counted every 30 s, unless it was not read for a while
/// because the client does not read; else the answer is 408, if there is none yet, and the
/// connection closes.
///
/// # Specification
/// RFC 9110 and RFC 9112.
#[derive(Debug)]
pub struct HttpEcho {
    limits: HttpLimits,
    account: Option<Box<Account>>,
    exchange: Exchange,
    pace: Pace,
}

/// Where the exchange stands, on our side.
#[derive(Debug, Default)]
enum Exchange {
    /// No request, or one of which nothing has been answered.
    #[default]
    Begin,
    /// The client has been told to send its body.
    Continued,
    /// The body goes back as it comes.
    Echo {
        /// What takes the place of a body in an answer to HEAD: nothing.
        is_head: bool,
        /// The answer comes in chunks, and so can have trailers.
        is_chunked: bool,
        /// The trailers have been sent.
        has_trailers: bool,
    },
    /// An account is made, which will be the answer.
    Account { is_head: bool },
    /// The request has no right to another answer than this.
    Answer { is_head: bool, answer: Box<Answer> },
}

impl HttpEcho {
    /// [`Error::Local`](crate::Error::Local) code: the framing refused to send an answer.
    pub const NOT_ENCODABLE: u32 = 1;

    /// [`Error::Local`](crate::Error::Local) code: a body came too slowly.
    pub const BODY_TOO_SLOW: u32 = 2;

    /// An echo of bodies.
    #[must_use]
    pub fn new() -> Self {
        Self {
            limits: HttpLimits::new(),
            account: None,
            exchange: Exchange::Begin,
            pace: Pace::default(),
        }
    }

    /// Sets the limits of requests.
    #[must_use]
    pub const fn with_limits(mut self, limits: HttpLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Answers with an account in JSON: method, target, version, the fields in their order, how
    /// long the body was, trailers, `peer`, with `via` if a balancer told of it, `local`, and what TLS
    /// agreed on. `fingerprint`, if there is
    /// one, tells certificates of clients apart.
    ///
    /// Bytes in fields that are no UTF-8 are given as `\xNN`, and backslashes beside them as `\\`;
    /// then the field's object has `"escaped":true`.
    ///
    /// # Bounds
    /// The account holds the head and the trailers of a request, and so at most six times what the
    /// limits allow of them.
    #[must_use]
    pub fn reporting(mut self, peer: &Peer, fingerprint: Option<Fingerprint>) -> Self {
        self.account = Some(Box::new(Account::new(peer, fingerprint)));
        self
    }

    fn on_request(
        &mut self,
        request: &Request<'_>,
        handle: &mut Handle<'_, Http1>,
    ) -> Result<(), SendError> {
        let is_head = request.method == "HEAD";
        if matches!(request.method, "CONNECT" | "TRACE") {
            let answer = Box::new(Answer::not_allowed(METHODS));
            self.exchange = Exchange::Answer { is_head, answer };
            return Ok(());
        }
        if matches!(self.exchange, Exchange::Begin) && request.expects_continue() {
            handle.send(Frame::Informational(Response::new(100, Fields::NONE)))?;
            self.exchange = Exchange::Continued;
        }
        if let Some(account) = &mut self.account {
            account.begin(request);
            self.exchange = Exchange::Account { is_head };
            return Ok(());
        }
        send_head(request, handle)?;
        let is_chunked = request.body() == BodyLen::Chunked;
        self.exchange = Exchange::Echo { is_head, is_chunked, has_trailers: false };
        Ok(())
    }

    fn on_body(&mut self, piece: &[u8], handle: &mut Handle<'_, Http1>) -> Result<(), SendError> {
        match (&self.exchange, &mut self.account) {
            (Exchange::Echo { is_head: false, .. }, _) => handle.send(Frame::Body(piece)),
            (Exchange::Account { .. }, Some(account)) => {
                account.body(piece.len());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn on_trailers(
        &mut self,
        trailers: Fields<'_>,
        handle: &mut Handle<'_, Http1>,
    ) -> Result<(), SendError> {
        match (&mut self.exchange, &mut self.account) {
            (Exchange::Echo { is_head: false, is_chunked: true, has_trailers }, _) => {
                // Those that have no place in trailers are not echoed.
                match handle.send(Frame::Trailers(trailers)) {
                    Ok(()) => *has_trailers = true,
                    Err(SendError::Encode(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            (Exchange::Account { .. }, Some(account)) => account.trailers(trailers),
            _ => {}
        }
        Ok(())
    }

    fn on_end(&mut self, handle: &mut Handle<'_, Http1>) -> Result<(), SendError> {
        if let (Exchange::Account { is_head }, Some(account)) = (&self.exchange, &mut self.account)
        {
            let answer = Answer::new(200, "application/json", account.end());
            self.exchange = Exchange::Answer { is_head: *is_head, answer: Box::new(answer) };
        }
        match &mut self.exchange {
            Exchange::Answer { is_head, answer } => answer.send(*is_head, handle)?,
            Exchange::Echo { .. } => handle.send(Frame::End)?,
            Exchange::Begin | Exchange::Continued | Exchange::Account { .. } => {}
        }
        self.exchange = Exchange::Begin;
        Ok(())
    }
}

/// Sends the head of an answer whose body is the request's.
fn send_head(request: &Request<'_>, handle: &mut Handle<'_, Http1>) -> Result<(), SendError> {
    let body = request.body();
    let len = match body {
        BodyLen::Length(len) => len,
        BodyLen::None | BodyLen::Chunked => 0,
    };
    let len = len.to_string();
    let framing = match body {
        BodyLen::Chunked => ("transfer-encoding", b"chunked".as_slice()),
        BodyLen::Length(_) | BodyLen::None => ("content-length", len.as_bytes()),
    };
    // With a longer one the head of the answer could be longer than the request's.
    let content_type =
        request.fields.get("content-type").filter(|value| value.len() <= TYPE_LEN_MAX);
    let allow = (request.method == "OPTIONS").then_some(METHODS.as_bytes());
    let mut fields = [framing; 3];
    let mut len = 1;
    for (name, value) in [("content-type", content_type), ("allow", allow)] {
        if let (Some(value), Some(field)) = (value, fields.get_mut(len)) {
            *field = (name, value);
            len += 1;
        }
    }
    let fields = fields.get(..len).unwrap_or_default();
    handle.send(Frame::Response(Response::new(200, Fields::new(fields))))
}

impl Default for HttpEcho {
    fn default() -> Self {
        Self::new()
    }
}

impl Protocol for HttpEcho {
    type Framing = Http1;

    fn framing(&self) -> Http1 {
        Http1::server().with_limits(self.limits)
    }

    fn on_open(&mut self, negotiated: Option<&Negotiated>, _: &mut Handle<'_, Http1>) {
        if let (Some(account), Some(negotiated)) = (&mut self.account, negotiated) {
            account.tls(negotiated);
        }
    }

    fn on_frame(&mut self, frame: Frame<'_>, handle: &mut Handle<'_, Http1>) {
        let sent = match frame {
            Frame::Request(request) => {
                self.pace.begin(handle);
                self.on_request(&request, handle)
            }
            Frame::Body(piece) => {
                let sent = self.on_body(piece, handle);
                if sent.is_ok() {
                    self.pace.came(piece.len());
                }
                sent
            }
            Frame::Trailers(trailers) => self.on_trailers(trailers, handle),
            Frame::End => {
                Pace::end(handle);
                self.on_end(handle)
            }
            // To clients only, or in tunnels, which are never opened.
            _ => Ok(()),
        };
        match sent {
            Ok(()) | Err(SendError::Closed | SendError::Finished) => {}
            Err(SendError::Full) => {
                self.pace.excuse();
                handle.retain();
            }
            Err(SendError::Encode(_)) => handle.fail(Self::NOT_ENCODABLE),
        }
    }

    fn on_timer(&mut self, handle: &mut Handle<'_, Http1>) {
        if self.pace.is_too_slow(handle) {
            let _ = Answer::late_body().send_last(handle);
            handle.fail(Self::BODY_TOO_SLOW);
        }
    }

    fn on_failed(&mut self, reason: &CloseReason, handle: &mut Handle<'_, Http1>) {
        send_failure(reason, handle);
    }
}

/// Sends the last answer, if there is still one to be sent.
pub(super) fn send_failure(reason: &CloseReason, handle: &mut Handle<'_, Http1>) {
    if let Some(answer) = Answer::failure(reason) {
        // The framing refuses it where another answer has begun; then it is too late.
        let _ = answer.send_last(handle);
    }
}
