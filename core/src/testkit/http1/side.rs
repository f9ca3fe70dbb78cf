use alloc::vec::Vec;

use super::owned::{request, response};
use super::stream::{Account, Answer, Asked, Ending, Event, Head};
use crate::buffer::Buffer;
use crate::error::{DecodeError, EncodeError};
use crate::framing::{Framing, Scan, Whole};
use crate::http1::{Frame, Http1, HttpLimits, Unsendable};
use crate::testkit::OwnedFrames;
use crate::testkit::laws;
use crate::testkit::model::Decoded;

/// One side that speaks HTTP/1.1, for laws: a server that answers every request when it has ended,
/// or a client that has asked. Neither sends a response that nobody has asked for, as a server may
/// whose client keeps it waiting.
#[derive(Clone, Debug)]
pub struct Side {
    http1: Http1,
    is_server: bool,
    answer: Option<Answer>,
    /// The head of the request that has not ended.
    asked: Head,
}

impl Side {
    /// A server that answers each request with `answer`, if there is one.
    #[must_use]
    pub fn server(limits: HttpLimits, answer: Option<Answer>) -> Self {
        Self {
            is_server: true,
            http1: Http1::server().with_limits(limits),
            answer,
            asked: Head::default(),
        }
    }

    /// A client that has sent requests without bodies.
    ///
    /// # Panics
    /// If one of them may not be sent.
    #[must_use]
    pub fn client(limits: HttpLimits, asked: &[Asked]) -> Self {
        let mut http1 = Http1::client();
        for asked in asked {
            let mut fields: Vec<(&str, &[u8])> = Vec::new();
            fields.push(("Host", b"a"));
            match (asked.closes, asked.upgrades) {
                (true, _) if asked.minor == 1 => fields.push(("Connection", b"close")),
                (_, true) => fields.extend([("Connection", &b"upgrade"[..]), ("Upgrade", b"echo")]),
                _ => {}
            }
            let target = if asked.method == "CONNECT" { "a:80" } else { "/" };
            let request = request(&asked.method, target, asked.minor, &fields);
            let mut transmit = Buffer::new();
            http1.encode(Frame::Request(request), &mut transmit).expect("a request");
            http1.encode(Frame::End, &mut transmit).expect("its end");
        }
        // What was asked is not bound by the limits of what is read.
        Self {
            is_server: false,
            http1: http1.with_limits(limits),
            answer: None,
            asked: Head::default(),
        }
    }

    /// Law: `input`, cut at `cuts`, comes to what the naive model says.
    ///
    /// # Panics
    /// When the law is broken.
    pub fn reads(&self, input: &[u8], cuts: &[usize], account: &Account) {
        let mut side = self.clone();
        let Decoded { frames, end } = laws::framing::decode_on(&mut side, input, cuts);
        let shown = laws::framing::joined(&side, frames);
        let text = input.escape_ascii();
        assert_eq!(shown, account.events, "shown of {text} and by the model");
        let is_equal = match (&account.ending, &end) {
            (Ending::Finished, Ok(())) => !side.is_over(),
            (Ending::Over, Ok(())) => side.is_over(),
            (Ending::Truncated(_), Err(DecodeError::Truncated { .. })) => true,
            (Ending::Truncated(faults) | Ending::Refused(faults), Err(error)) => {
                faults.iter().any(|fault| fault.is(error))
            }
            _ => false,
        };
        assert!(is_equal, "{text} ends with {end:?}, in the model with {:?}", account.ending);
    }
}

impl Framing for Side {
    type Found = <Http1 as Framing>::Found;
    type Frame<'a> = Frame<'a>;
    type Item<'a> = Frame<'a>;

    fn scan(&mut self, input: &[u8]) -> Result<Scan<Self::Found>, DecodeError> {
        self.http1.scan(input)
    }

    fn scan_end(&mut self, input: &[u8]) -> Result<Option<Whole<Self::Found>>, DecodeError> {
        self.http1.scan_end(input)
    }

    fn view(found: Self::Found, bytes: &mut [u8]) -> Frame<'_> {
        Http1::view(found, bytes)
    }

    fn encode(&mut self, item: Frame<'_>, transmit: &mut Buffer) -> Result<(), EncodeError> {
        if self.is_server && matches!(item, Frame::Response(_)) && !self.http1.is_message_due() {
            return Err(Unsendable::Unasked.into());
        }
        self.http1.encode(item, transmit)
    }

    fn wire_len_max(&self) -> usize {
        self.http1.wire_len_max()
    }

    fn has_whole_frames(&self) -> bool {
        self.http1.has_whole_frames()
    }

    fn is_over(&self) -> bool {
        self.http1.is_over()
    }
}

impl OwnedFrames for Side {
    type Owned = Event;

    fn own(frame: &Frame<'_>) -> Event {
        Http1::own(frame)
    }

    fn item<R>(event: &Event, take: impl FnOnce(Frame<'_>) -> R) -> R {
        Http1::item(event, take)
    }

    fn is_heard_as(said: &Event, heard: &Event) -> bool {
        Http1::is_heard_as(said, heard)
    }

    fn join(&self, last: Option<&mut Event>, next: &Event) -> bool {
        self.http1.join(last, next)
    }

    fn answer(&mut self, event: &Event, transmit: &mut Buffer) {
        match event {
            Event::Request(head) => self.asked.clone_from(head),
            Event::End => {
                let Some(answer) = self.answer.map(|answer| answer.to(&self.asked)) else { return };
                let has_length = answer.status != 101
                    && !(self.asked.method == "CONNECT" && answer.status / 100 == 2);
                let mut fields: Vec<(&str, &[u8])> = Vec::new();
                if has_length {
                    fields.push(("Content-Length", b"0"));
                } else if answer.status == 101 {
                    fields.extend([("Connection", &b"upgrade"[..]), ("Upgrade", b"echo")]);
                }
                if answer.closes {
                    fields.push(("Connection", b"close"));
                }
                let head = Head { status: answer.status, minor: 1, ..Head::default() };
                let head = Frame::Response(response(&head, &fields));
                self.http1.encode(head, transmit).expect("an answer");
                self.http1.encode(Frame::End, transmit).expect("its end");
            }
            _ => {}
        }
    }
}
