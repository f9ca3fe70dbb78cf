//! What arrives.
//!
//! ```text
//! Head ──head──► Body ──End──► Head │ Waiting ──the other side's message ends──► Head │ Tunnel
//!                                   │ Tunnel │ Over
//! any ──refused──► Failed
//! ```

use super::Http1;
use super::announced::Announced;
use super::body::{Incoming, Piece};
use super::error::{HttpPart, Violation};
use super::exchange::{
    Asked, Expectation, Kind, Offer, Outstanding, Persistence, Role, Sending, Then,
};
use super::frame::BodyLen;
use super::head::{HeadScan, has_line_ends};
use super::limits::{HttpLimits, PIECE_LEN_MAX};
use super::parse::{self, Parsed, RequestHead, ResponseHead};
use super::shape::{Found, Shape};
use crate::error::DecodeError;
use crate::framing::{Scan, Whole};

/// What is expected of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Receiving {
    /// A head.
    Head(HeadScan),
    /// The rest of a message.
    Body(Incoming),
    /// Nothing before our side has said something.
    Waiting,
    /// Bytes of no message.
    Tunnel,
    /// Nothing: all is said.
    Over,
    /// Nothing that could be understood.
    Failed(DecodeError),
}

impl Http1 {
    pub(super) const fn head(&self) -> Receiving {
        Receiving::Head(match self.role {
            Role::Server => HeadScan::REQUEST,
            Role::Client => HeadScan::RESPONSE,
        })
    }

    #[inline]
    pub(super) fn receive(&mut self, input: &[u8]) -> Result<Scan<Found>, DecodeError> {
        let found = match &mut self.receiving {
            Receiving::Head(_) => match (self.role, self.sending) {
                (Role::Client, _) if self.outstanding.is_empty() => {
                    if input.is_empty() {
                        Ok(None)
                    } else {
                        Err(Violation::Unsolicited.into())
                    }
                }
                // An error that was not asked for is being sent.
                (Role::Server, Sending::Message { .. } | Sending::Over) => return Ok(Scan::Hold),
                (Role::Client | Role::Server, _) => self.receive_head(input),
            },
            Receiving::Body(incoming) => {
                let piece = incoming.next(input, &self.limits);
                piece.map(|piece| piece.map(|piece| self.receive_piece(piece)))
            }
            Receiving::Waiting | Receiving::Over => return Ok(Scan::Hold),
            Receiving::Tunnel => {
                let len = input.len().min(PIECE_LEN_MAX);
                Ok((len > 0).then_some(Whole { len, found: Found(Shape::Tunnel) }))
            }
            Receiving::Failed(error) => Err(*error),
        };
        match found {
            Ok(Some(whole)) => Ok(Scan::Found(whole)),
            Ok(None) => Ok(Scan::Need(input.len().saturating_add(1))),
            Err(error) => Err(self.receive_failed(error)),
        }
    }

    /// The stream has ended, and what is left of it is not a frame.
    pub(super) fn receive_end(
        &mut self,
        input: &[u8],
    ) -> Result<Option<Whole<Found>>, DecodeError> {
        match self.receiving {
            Receiving::Body(Incoming::UntilEnd { .. }) if input.is_empty() => {
                let len = 0;
                Ok(Some(self.receive_piece(Piece::End { len })))
            }
            Receiving::Head(_) if input.is_empty() && self.outstanding.is_empty() => Ok(None),
            Receiving::Tunnel | Receiving::Waiting | Receiving::Over if input.is_empty() => {
                Ok(None)
            }
            Receiving::Head(_)
            | Receiving::Body(_)
            | Receiving::Waiting
            | Receiving::Tunnel
            | Receiving::Over
            | Receiving::Failed(_) => Err(DecodeError::Truncated { len: input.len() }),
        }
    }

    #[cold]
    fn receive_failed(&mut self, error: DecodeError) -> DecodeError {
        // A refused head can still be answered; a body only if its request has not been.
        let is_answered = !matches!(self.receiving, Receiving::Head(_) | Receiving::Failed(_))
            && self.sending == Sending::Rest;
        if self.role == Role::Client || is_answered {
            self.sending = Sending::Over;
        }
        self.persistence = Persistence::Ending;
        self.receiving = Receiving::Failed(error);
        error
    }

    #[inline]
    fn receive_head(&mut self, input: &[u8]) -> Result<Option<Whole<Found>>, DecodeError> {
        let Receiving::Head(scan) = &mut self.receiving else { return Ok(None) };
        if scan.is_fresh() && !input.is_empty() {
            if let Some(parsed) = Self::parse_at_once(self.role, &self.limits, input) {
                return self.receive_parsed(parsed).map(Some);
            }
        }
        let Some(end) = scan.find_end(input, &self.limits)? else { return Ok(None) };
        let head = input.get(..end).unwrap_or(input);
        match parse::head(self.role, head, self.limits.field_count_max())? {
            Some(parsed) => self.receive_parsed(parsed).map(Some),
            // Not before the empty line that was found.
            None => Err(Violation::FieldName.into()),
        }
    }

    /// The head at the front of `input`, if it is whole and nothing is wrong with it.
    #[inline]
    fn parse_at_once(role: Role, limits: &HttpLimits, input: &[u8]) -> Option<Parsed> {
        let window = input.get(..limits.head_len_max).unwrap_or(input);
        let parsed = parse::head(role, window, limits.field_count_max()).ok()??;
        let (len, target_len) = match parsed {
            Parsed::Request { len, head, .. } => (len, head.target_len),
            Parsed::Response { len, .. } => (len, 0),
        };
        let is_legal = target_len <= limits.target_len_max && has_line_ends(window.get(..len)?);
        is_legal.then_some(parsed)
    }

    #[inline]
    fn receive_parsed(&mut self, parsed: Parsed) -> Result<Whole<Found>, DecodeError> {
        let (len, shape) = match parsed {
            Parsed::Request { len, head, announced, kind } => {
                (len, self.receive_request(head, &announced, kind)?)
            }
            Parsed::Response { len, head, announced } => {
                (len, self.receive_response(head, &announced)?)
            }
        };
        Ok(Whole { len, found: Found(shape) })
    }

    #[inline]
    fn receive_request(
        &mut self,
        head: RequestHead,
        announced: &Announced,
        kind: Kind,
    ) -> Result<Shape, DecodeError> {
        let body = match announced.body_len() {
            BodyLen::None => Incoming::Complete,
            BodyLen::Length(len) => self.length(len)?,
            BodyLen::Chunked => Incoming::CHUNKED,
        };
        let mut asked = Asked::new(kind, head.version, announced);
        if body == Incoming::Complete {
            asked.expectation = Expectation::None;
        }
        self.peer = Some(head.version);
        self.sending = Sending::Due(asked);
        self.receiving = Receiving::Body(body);
        Ok(Shape::Request(head))
    }

    fn length(&self, len: u64) -> Result<Incoming, DecodeError> {
        let max = self.limits.body_len_max;
        if len > max {
            return Err(DecodeError::Http { part: HttpPart::Body, max });
        }
        Ok(Incoming::length(len))
    }

    fn receive_response(
        &mut self,
        head: ResponseHead,
        announced: &Announced,
    ) -> Result<Shape, DecodeError> {
        let kind = self.outstanding.first().ok_or(Violation::Unsolicited)?;
        if matches!(head.status, 100 | 102..=199) {
            self.receiving = self.head();
            return Ok(Shape::Informational(head));
        }
        let is_tunnel = head.status == 101 || kind.is_tunnel(head.status);
        // It was the last one, for nothing is sent behind an offer.
        let is_offered = self.offered == Offer::Upgrade && self.outstanding.len() == 1;
        if head.status == 101 && !is_offered {
            return Err(Violation::UpgradeUnasked.into());
        }
        let body = if kind.is_bodiless(head.status) {
            Incoming::Complete
        } else {
            match announced.body_len() {
                BodyLen::None => Incoming::UntilEnd { left_max: self.limits.body_len_max },
                BodyLen::Length(len) => self.length(len)?,
                BodyLen::Chunked => Incoming::CHUNKED,
            }
        };
        self.peer = Some(head.version);
        self.outstanding.pop();
        let until_end = matches!(body, Incoming::UntilEnd { .. });
        if !is_tunnel && (until_end || !announced.is_persistent(head.version)) {
            // Whatever else was asked will not be answered.
            self.persistence = Persistence::Ending;
            self.outstanding = Outstanding::EMPTY;
        }
        self.answered(is_tunnel);
        self.receiving = Receiving::Body(body);
        Ok(Shape::Response(head))
    }

    /// The request that our client may have waited behind has its answer.
    fn answered(&mut self, is_tunnel: bool) {
        if !self.outstanding.is_empty() {
            return;
        }
        match &mut self.sending {
            Sending::AwaitingAnswer => {
                self.sending = if is_tunnel { Sending::Tunnel } else { Sending::Rest };
            }
            Sending::Message { then: then @ Then::AwaitingAnswer, .. } => {
                *then = if is_tunnel { Then::Tunnel } else { Then::Rest };
            }
            Sending::Rest
            | Sending::Due(_)
            | Sending::Message { .. }
            | Sending::Tunnel
            | Sending::Over => {}
        }
    }

    #[inline]
    fn receive_piece(&mut self, piece: Piece) -> Whole<Found> {
        if let Sending::Due(asked) = &mut self.sending {
            // It did not wait, or no longer.
            asked.expectation = Expectation::None;
        }
        let (len, shape) = match piece {
            Piece::Data { start, len } => (len, Shape::Body { start }),
            Piece::Trailers { start, len } => (len, Shape::Trailers { start }),
            Piece::End { len } => {
                self.receive_message_end();
                (len, Shape::End)
            }
        };
        Whole { len, found: Found(shape) }
    }

    fn receive_message_end(&mut self) {
        let is_last = self.role == Role::Client
            && self.persistence == Persistence::Ending
            && self.outstanding.is_empty();
        self.receiving = match (self.role, self.sending) {
            (_, Sending::Tunnel) => Receiving::Tunnel,
            (_, Sending::Message { then: Then::Tunnel, .. }) => Receiving::Waiting,
            (Role::Client, _) if is_last => {
                self.sending = Sending::Over;
                Receiving::Over
            }
            (Role::Client, _) | (Role::Server, Sending::Rest) => self.head(),
            (Role::Server, Sending::Over) => Receiving::Over,
            (Role::Server, Sending::Due(_) | Sending::Message { .. } | Sending::AwaitingAnswer) => {
                Receiving::Waiting
            }
        };
    }
}
