//! Small HTTP answers that are known as a whole.

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use crate::connection::{CloseReason, Handle};
use crate::error::SendError;
use crate::http1::{Fields, Frame, Http1, Response};

/// Bytes of the body that are queued at once: what a queue that is almost full grows by.
const PIECE_LEN: usize = 16 * 1024;

/// Longer than the head of an answer without `allow`.
const LAST_HEAD_LEN_MAX: usize = 256;

/// The media type of answers to people.
pub(super) const TEXT: &str = "text/plain; charset=utf-8";

/// An answer on its way.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    status: u16,
    content_type: &'static str,
    /// The methods that there are, where another was asked for.
    allow: Option<&'static str>,
    body: Vec<u8>,
    /// The connection ends behind it.
    is_last: bool,
    sent: Sent,
}

/// What of an answer is queued already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Nothing,
    /// The head, and so many bytes of the body.
    Head {
        len: usize,
    },
    All,
}

impl Answer {
    pub(super) fn new(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            content_type,
            allow: None,
            body: body.into(),
            is_last: false,
            sent: Sent::Nothing,
        }
    }

    /// One line for people.
    pub(super) fn line(status: u16, line: &str) -> Self {
        Self::new(status, TEXT, format!("{line}\n"))
    }

    /// What is answered to a failure, if an answer makes sense.
    pub(super) fn failure(reason: &CloseReason) -> Option<Self> {
        let mut answer = Self::line(reason.http_status()?, &reason.to_string());
        answer.is_last = true;
        Some(answer)
    }

    /// What is answered to a request whose body comes too slowly.
    pub(super) fn late_body() -> Self {
        let mut answer = Self::line(408, "the body comes too slowly");
        answer.is_last = true;
        answer
    }

    /// A refusal of the method, with those that there are.
    pub(super) fn not_allowed(allow: &'static str) -> Self {
        let mut answer = Self::line(405, "this method is not allowed here");
        answer.allow = Some(allow);
        answer
    }

    /// Queues a last answer behind which nothing is sent: without its line if that may not fit, for
    /// nothing would bring the rest later.
    pub(super) fn send_last(mut self, handle: &mut Handle<'_, Http1>) -> Result<(), SendError> {
        if handle.room() <= LAST_HEAD_LEN_MAX + self.body.len() {
            self.body.clear();
        }
        self.send(false, handle)
    }

    /// Queues what is left, the body unless it `is_head` that was asked for, as far as there is
    /// room. After [`SendError::Full`] it goes on where it was.
    pub(super) fn send(
        &mut self,
        is_head: bool,
        handle: &mut Handle<'_, Http1>,
    ) -> Result<(), SendError> {
        if self.sent == Sent::Nothing {
            self.send_head(handle)?;
            self.sent = Sent::Head { len: if is_head { self.body.len() } else { 0 } };
        }
        while let Sent::Head { len } = &mut self.sent {
            let rest = self.body.get(*len..).unwrap_or_default();
            let piece = rest.get(..PIECE_LEN).unwrap_or(rest);
            if piece.is_empty() {
                handle.send(Frame::End)?;
                self.sent = Sent::All;
            } else {
                handle.send(Frame::Body(piece))?;
                *len += piece.len();
            }
        }
        Ok(())
    }

    fn send_head(&self, handle: &mut Handle<'_, Http1>) -> Result<(), SendError> {
        let len = self.body.len().to_string();
        let mut fields = Vec::from([
            ("content-type", self.content_type.as_bytes()),
            ("content-length", len.as_bytes()),
        ]);
        fields.extend(self.allow.map(|allow| ("allow", allow.as_bytes())));
        fields.extend(self.is_last.then_some(("connection", b"close".as_slice())));
        handle.send(Frame::Response(Response::new(self.status, Fields::new(&fields))))
    }
}
