//! What is to be done next, and what becomes of what comes.

use super::INFORMATIONAL_MAX;
use super::error::{GetError, RangeProblem};
use super::event::{Event, Span};
use super::range::ContentRange;
use super::request::{Outgoing, Part, Upload};
use super::run::HttpGet;
use crate::address::Address;
use crate::connection::CloseReason;
use crate::http1::{Frame, PIECE_LEN_MAX, Response};

/// What a driver has to do next.
#[derive(Debug)]
#[non_exhaustive]
pub enum Order<'a> {
    /// Connect to this address, with [`Http1::client`](crate::http1::Http1::client) for a framing;
    /// then [`connected`](HttpGet::connected). If that fails all has.
    Connect(&'a Address),
    /// Send this; then [`sent`](HttpGet::sent) or [`unsent`](HttpGet::unsent). If a frame comes, or
    /// none will any more, before there is room: [`received`](HttpGet::received) instead, and ask
    /// again.
    Send(Outgoing<'a>),
    /// Begin the body of the request [again](super::Application::rewind); then
    /// [`rewound`](HttpGet::rewound).
    Rewind,
    /// Once there is room, [read](super::Application::read) up to this many bytes of the request's
    /// body, none if it has ended, and send them; then [`piece`](HttpGet::piece) or
    /// [`unsent`](HttpGet::unsent). If a frame comes before that, as in [`Send`](Self::Send).
    Read(usize),
    /// Receive a frame; then [`received`](HttpGet::received).
    Receive,
    /// Finish the connection and leave it; then [`left`](HttpGet::left).
    Leave,
    /// Drop the connection with whatever of the request is left, which nobody would read; then
    /// [`left`](HttpGet::left).
    Abandon,
    /// Nothing: the answer is whole.
    Done,
}

/// How far the exchange is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Connecting,
    Rewinding,
    /// Both directions go on, each by itself.
    Exchanging(Answer),
    Leaving {
        is_done: bool,
    },
    Done,
}

/// How far the request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sending {
    Head,
    /// The body is sent, and this many bytes of it were.
    Body {
        sent: u64,
    },
    End,
    /// All of it was sent.
    Over,
    /// The rest of it is not sent.
    Stopped,
}

/// How far the answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// For its head.
    Awaited { informational: u32 },
    /// The body, of which this many bytes have come.
    Body { span: Span, received: u64 },
}

impl Answer {
    const NONE: Self = Self::Awaited { informational: 0 };
}

#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) state: State,
    sending: Sending,
    /// The request's body has been read, at least in part.
    was_read: bool,
}

impl Exchange {
    pub(super) const fn new() -> Self {
        Self { state: State::Connecting, sending: Sending::Head, was_read: false }
    }

    const fn begin(&mut self) {
        self.state = State::Exchanging(Answer::NONE);
        self.sending = Sending::Head;
    }
}

/// What a driver does.
impl HttpGet {
    /// What to do next. Asking changes nothing.
    #[must_use]
    pub fn next(&self) -> Order<'_> {
        match (self.exchange.state, self.exchange.sending) {
            (State::Connecting, _) => Order::Connect(&self.asking.address),
            (State::Rewinding, _) => Order::Rewind,
            (State::Exchanging(_), Sending::Head) => {
                Order::Send(Outgoing::Head(self.asking.head()))
            }
            (State::Exchanging(_), Sending::Body { sent }) => {
                let left = self.upload_len().map_or(u64::MAX, |len| len.saturating_sub(sent));
                Order::Read(usize::try_from(left).unwrap_or(usize::MAX).min(PIECE_LEN_MAX))
            }
            (State::Exchanging(_), Sending::End) => Order::Send(Outgoing::End),
            (State::Exchanging(_), Sending::Over | Sending::Stopped) => Order::Receive,
            (State::Leaving { .. }, Sending::Over) => Order::Leave,
            (State::Leaving { .. }, _) => Order::Abandon,
            (State::Done, _) => Order::Done,
        }
    }

    /// Whether the request is not sent yet: there is something to wait for in both directions.
    #[must_use]
    pub fn is_sending(&self) -> bool {
        matches!(self.exchange.state, State::Exchanging(_))
            && !matches!(self.exchange.sending, Sending::Over | Sending::Stopped)
    }

    fn upload_len(&self) -> Option<u64> {
        self.asking.upload.and_then(|upload: Upload| upload.len)
    }

    /// A connection is open.
    pub fn connected(&mut self) {
        self.exchange.begin();
        if self.asking.upload.is_some() && self.exchange.was_read {
            self.exchange.state = State::Rewinding;
        }
    }

    /// The request's body begins again.
    pub const fn rewound(&mut self) {
        self.exchange.was_read = false;
        self.exchange.begin();
    }

    /// What was to be sent was sent.
    pub fn sent(&mut self) {
        self.exchange.sending = match self.exchange.sending {
            Sending::Head if self.asking.upload.is_some() => self.body(0),
            Sending::Head => Sending::End,
            Sending::End => Sending::Over,
            other => other,
        };
    }

    fn body(&self, sent: u64) -> Sending {
        if self.upload_len() == Some(sent) { Sending::End } else { Sending::Body { sent } }
    }

    /// What was to be sent could not be, because the connection takes no more. The answer may have
    /// come before that: a server need not read all of a request.
    pub const fn unsent(&mut self) {
        if let Sending::Body { .. } = self.exchange.sending {
            self.exchange.was_read = true;
        }
        self.exchange.sending = Sending::Stopped;
    }

    /// The next `len` bytes of the request's body were read and, if there were any,
    /// [sent](Frame::Body).
    ///
    /// # Errors
    /// [`GetError::UploadTooShort`].
    pub fn piece(&mut self, len: usize) -> Result<(), GetError> {
        let Sending::Body { sent } = self.exchange.sending else { return Ok(()) };
        self.exchange.was_read = true;
        if len == 0 {
            if let Some(announced) = self.upload_len() {
                return Err(GetError::UploadTooShort { sent, announced });
            }
            self.exchange.sending = Sending::End;
            return Ok(());
        }
        self.exchange.sending = self.body(sent.saturating_add(len as u64));
        Ok(())
    }

    /// A frame came, or none: the peer finished, or the connection is over for a reason. Returns
    /// what the application is to be told.
    ///
    /// # Errors
    /// [`GetError`]; the exchange is then over, and the connection to be dropped.
    pub fn received<'a>(
        &'a mut self,
        outcome: Result<Option<Frame<'a>>, CloseReason>,
    ) -> Result<Option<Event<'a>>, GetError> {
        let frame = match outcome {
            Ok(Some(frame)) => frame,
            Ok(None) => return Err(self.ended(None)),
            Err(reason) => return Err(self.ended(Some(reason))),
        };
        let State::Exchanging(answer) = self.exchange.state else {
            return Err(GetError::Unexpected);
        };
        match (answer, frame) {
            (Answer::Awaited { informational }, Frame::Informational(response)) => {
                if informational == INFORMATIONAL_MAX {
                    return Err(GetError::TooManyInformational { max: INFORMATIONAL_MAX });
                }
                let informational = informational + 1;
                self.exchange.state = State::Exchanging(Answer::Awaited { informational });
                Ok(Some(Event::Informational(response)))
            }
            (Answer::Awaited { .. }, Frame::Response(response)) => {
                self.answered(response).map(Some)
            }
            (Answer::Body { span, received }, Frame::Body(bytes)) => {
                let received = received.saturating_add(bytes.len() as u64);
                match span.len {
                    Some(len) if received > len => Err(RangeProblem::TooLong { len }.into()),
                    _ => {
                        self.exchange.state = State::Exchanging(Answer::Body { span, received });
                        Ok(Some(Event::Body(bytes)))
                    }
                }
            }
            (Answer::Body { .. }, Frame::Trailers(fields)) => Ok(Some(Event::Trailers(fields))),
            (Answer::Body { span, received }, Frame::End) => {
                self.check_whole(span, received)?;
                self.exchange.state = State::Leaving { is_done: true };
                Ok(Some(Event::Complete))
            }
            _ => Err(GetError::Unexpected),
        }
    }

    /// The connection was left.
    pub fn left(&mut self) {
        if let State::Leaving { is_done } = self.exchange.state {
            self.exchange.state = if is_done { State::Done } else { State::Connecting };
        }
    }

    /// Acts on the head of the final answer.
    fn answered<'a>(&'a mut self, response: Response<'a>) -> Result<Event<'a>, GetError> {
        if let Some(location) = self.redirects.location(&response) {
            self.redirects.follow(response.status, location, &mut self.asking)?;
            self.exchange.state = State::Leaving { is_done: false };
            return Ok(Event::Redirected { response, to: &self.asking.address });
        }
        let Some(span) = self.span_of(&response)? else {
            self.exchange.state = State::Leaving { is_done: true };
            return Ok(Event::AlreadyComplete);
        };
        // Whoever refuses a request does not want the rest of it.
        if response.status >= 400 && self.is_sending() {
            self.exchange.sending = Sending::Stopped;
        }
        self.exchange.state = State::Exchanging(Answer::Body { span, received: 0 });
        Ok(Event::Response { response, span })
    }

    /// Where the body of `response` belongs; `None` if there is nothing left to go on with.
    fn span_of(&self, response: &Response<'_>) -> Result<Option<Span>, GetError> {
        let whole = self.whole_span(response);
        match (&self.asking.part, response.status) {
            (Part::Whole, 206) if !self.asking.has_own_range() => Err(RangeProblem::Unasked.into()),
            (Part::Whole, _) => Ok(Some(whole)),
            // Without the body it is only the head of a part.
            (_, 206) if self.asking.method == "HEAD" => Ok(Some(whole)),
            (Part::Range(range), 206) => Ok(Some(range.check(response)?)),
            (Part::Range(_), 416) => Err(unsatisfiable(response).into()),
            (Part::Range(_), 200..=299) => Err(RangeProblem::Ignored.into()),
            (Part::Range(_), _) => Ok(Some(whole)),
            (Part::Rest(resume), 206) => {
                let range = super::range::Range::From { first: resume.offset };
                Ok(Some(range.check(response)?))
            }
            // It has changed, or the server knows of no parts.
            (Part::Rest(_), 200) => Ok(Some(whole)),
            (Part::Rest(resume), 416) => match unsatisfiable(response) {
                RangeProblem::Unsatisfiable { complete_len }
                    if complete_len == Some(resume.offset) =>
                {
                    Ok(None)
                }
                problem => Err(problem.into()),
            },
            (Part::Rest(_), status) => Err(GetError::Status(status)),
        }
    }

    /// The span of an answer that is everything there is.
    fn whole_span(&self, response: &Response<'_>) -> Span {
        let has_body = self.asking.method != "HEAD" && !matches!(response.status, 204 | 304);
        let announced = || {
            if response.fields.get("transfer-encoding").is_some() {
                return None;
            }
            let value = response.fields.get("content-length")?;
            core::str::from_utf8(value).ok()?.trim().parse().ok()
        };
        let len = if has_body { announced() } else { Some(0) };
        Span { offset: 0, len, complete_len: len }
    }

    /// Whether the body that has come to its end is all that the head promised.
    fn check_whole(&self, span: Span, received: u64) -> Result<(), GetError> {
        let incomplete =
            |expected| GetError::Incomplete { received, expected: Some(expected), reason: None };
        if let Some(expected) = span.len.filter(|expected| received < *expected) {
            return Err(incomplete(expected));
        }
        // A server may send less than the rest; then the rest is not here.
        let Part::Rest(_) = self.asking.part else { return Ok(()) };
        match span.complete_len.and_then(|len| len.checked_sub(span.offset)) {
            Some(rest) if received < rest => Err(incomplete(rest)),
            _ => Ok(()),
        }
    }

    /// What it means that no frame will come any more.
    fn ended(&self, reason: Option<CloseReason>) -> GetError {
        match self.exchange.state {
            State::Exchanging(Answer::Body { span, received }) => {
                GetError::Incomplete { received, expected: span.len, reason }
            }
            _ => GetError::NoResponse { reason },
        }
    }
}

fn unsatisfiable(response: &Response<'_>) -> RangeProblem {
    let complete_len = match ContentRange::of(response) {
        Ok(ContentRange::Unsatisfied { complete_len }) => Some(complete_len),
        _ => None,
    };
    RangeProblem::Unsatisfiable { complete_len }
}
