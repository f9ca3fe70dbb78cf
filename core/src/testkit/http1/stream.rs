use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::body::{self, Length};
use super::head::{self, Block};
use crate::error::{DecodeError, RemoteError};
use crate::http1::{HttpLimits, HttpPart, Violation};

/// A name and a value.
pub type Field = (String, Vec<u8>);

/// The start line and the fields of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Of a request; empty in a response.
    pub method: String,
    /// Of a request; empty in a response.
    pub target: String,
    /// Of a response; zero in a request.
    pub status: u16,
    /// Of a response; empty in a request.
    pub reason: Vec<u8>,
    /// The version is 1.0 or 1.1.
    pub minor: u8,
    /// In order.
    pub fields: Vec<Field>,
}

/// What is shown of a stream, the pieces of one body joined.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are the frames of the framing")]
pub enum Event {
    Request(Head),
    Informational(Head),
    Response(Head),
    Body(Vec<u8>),
    Trailers(Vec<Field>),
    End,
    Tunnel(Vec<u8>),
}

/// A reason to refuse a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nobody may send it.
    Invalid(Violation),
    /// A part is larger than allowed.
    TooLarge(HttpPart),
}

impl Fault {
    /// Whether `error` says the same.
    #[must_use]
    pub fn is(&self, error: &DecodeError) -> bool {
        match (self, error) {
            (Self::Invalid(violation), DecodeError::Invalid(RemoteError::Http(other))) => {
                violation == other
            }
            (Self::TooLarge(part), DecodeError::Http { part: other, .. }) => part == other,
            _ => false,
        }
    }
}

/// How a stream ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Between two messages, or with a body that the end of the stream ends.
    Finished,
    /// Inside a message. What there is of it may already be wrong, for these reasons, which may be
    /// told before its end comes or not.
    Truncated(Vec<Fault>),
    /// Behind a message after which no other may come. What follows is not looked at.
    Over,
    /// With a message that must be refused, for one of these reasons.
    Refused(Vec<Fault>),
}

/// What a stream comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What is shown.
    pub events: Vec<Event>,
    /// What comes then.
    pub ending: Ending,
}

/// What a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// With this status.
    pub status: u16,
    /// And says that it closes.
    pub closes: bool,
}

impl Answer {
    /// What is answered to a request: 101 only to one that offers to change protocols (RFC 9110,
    /// section 7.8), 200 to the others.
    #[must_use]
    pub fn to(self, request: &Head) -> Self {
        let offers = request.minor == 1
            && !head::values(&request.fields, "upgrade").is_empty()
            && head::tokens(&request.fields, "connection").iter().any(|token| token == "upgrade");
        if self.status == 101 && !offers { Self { status: 200, ..self } } else { self }
    }
}

/// What a client has asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// With this method.
    pub method: String,
    /// Of version 1.0 or 1.1.
    pub minor: u8,
    /// And has said that it closes or, in version 1.0, not that it keeps the connection.
    pub closes: bool,
    /// And has said that it would change to another protocol.
    pub upgrades: bool,
}

/// Reads a whole stream, which ends behind `input`, as a server that gives `answer` to every
/// request when it has ended.
#[must_use]
pub fn requests(limits: &HttpLimits, input: &[u8], answer: impl Fn(&Head) -> Answer) -> Account {
    let mut reader = Reader { limits, input, events: vec![] };
    let ending = loop {
        if let Err(ending) = reader.request(&answer) {
            break ending;
        }
    };
    Account { events: reader.events, ending }
}

/// Reads a whole stream, which ends behind `input`, as a client that has sent requests and then
/// ended none of them early.
#[must_use]
pub fn responses(limits: &HttpLimits, input: &[u8], asked: &[Asked]) -> Account {
    let mut reader = Reader { limits, input, events: vec![] };
    for asked in asked {
        if let Err(ending) = reader.response(asked) {
            return Account { events: reader.events, ending };
        }
    }
    let ending = if reader.input.is_empty() {
        Ending::Finished
    } else {
        Ending::Refused(vec![Fault::Invalid(Violation::Unsolicited)])
    };
    Account { events: reader.events, ending }
}

struct Reader<'a> {
    limits: &'a HttpLimits,
    /// What is left.
    input: &'a [u8],
    events: Vec<Event>,
}

impl Reader<'_> {
    /// Reads one request.
    fn request(&mut self, answer: &impl Fn(&Head) -> Answer) -> Result<(), Ending> {
        let lines = self.lines(true)?;
        let (head, mut faults) = head::request(&lines, self.limits);
        let length = body::of_request(&head, &mut faults);
        self.check_len(length, &mut faults);
        if !faults.is_empty() {
            return Err(Ending::Refused(faults));
        }
        self.events.push(Event::Request(head.clone()));
        self.body(length)?;
        self.events.push(Event::End);

        let answer = answer(&head).to(&head);
        if (head.method == "CONNECT" && answer.status / 100 == 2) || answer.status == 101 {
            return Err(self.tunnel());
        }
        // A server reads nothing behind a tunnel that it has refused.
        let is_refused = head.method == "CONNECT";
        if answer.closes || is_refused || !keeps(&head) { Err(Ending::Over) } else { Ok(()) }
    }

    /// Reads the informational responses and the final one to one request.
    fn response(&mut self, asked: &Asked) -> Result<(), Ending> {
        loop {
            let lines = self.lines(false)?;
            let (head, mut faults) = head::response(&lines, self.limits);
            if head.status == 101 && !asked.upgrades {
                faults.push(Fault::Invalid(Violation::UpgradeUnasked));
            }
            let length = body::of_response(&head, &asked.method, &mut faults);
            self.check_len(length, &mut faults);
            if !faults.is_empty() {
                return Err(Ending::Refused(faults));
            }
            if head.status / 100 == 1 && head.status != 101 {
                self.events.push(Event::Informational(head));
                continue;
            }
            self.events.push(Event::Response(head.clone()));
            self.body(length)?;
            self.events.push(Event::End);

            if head.status == 101 || (asked.method == "CONNECT" && head.status / 100 == 2) {
                return Err(self.tunnel());
            }
            if asked.closes || !keeps(&head) || length == Length::UntilClose {
                return Err(Ending::Over);
            }
            return Ok(());
        }
    }

    /// Takes the head of a message off the input.
    fn lines(&mut self, is_request: bool) -> Result<Vec<Vec<u8>>, Ending> {
        let before = self.input;
        if is_request {
            // RFC 9112, section 2.2: an empty line before a request line.
            while let Some(rest) = self.input.strip_prefix(b"\r\n") {
                self.input = rest;
            }
        }
        let max = self.limits.head_len_max;
        let window_len = before.len().min(max);
        let blank_len = (before.len() - self.input.len()).min(window_len);
        let window = &before[blank_len..window_len];
        match head::block(window) {
            Block::Whole(lines, len) => {
                self.input = &before[blank_len + len..];
                Ok(lines)
            }
            Block::Partial if before.is_empty() && is_request => Err(Ending::Finished),
            Block::Partial => {
                let mut faults = head::partial_faults(window, is_request, self.limits);
                if before.len() < max {
                    return Err(Ending::Truncated(faults));
                }
                faults.push(Fault::TooLarge(HttpPart::Head));
                Err(Ending::Refused(faults))
            }
            Block::Broken(at) => {
                let mut faults = head::partial_faults(&window[..=at], is_request, self.limits);
                faults.push(Fault::Invalid(Violation::BareLf));
                Err(Ending::Refused(faults))
            }
        }
    }

    /// A length that is announced is checked before anything of the body comes.
    fn check_len(&self, length: Length, faults: &mut Vec<Fault>) {
        if matches!(length, Length::Known(len) if len > self.limits.body_len_max) {
            faults.push(Fault::TooLarge(HttpPart::Body));
        }
    }

    /// Takes a body off the input.
    fn body(&mut self, length: Length) -> Result<(), Ending> {
        match length {
            Length::None => Ok(()),
            Length::Known(len) => self.bytes(len),
            Length::Chunked => self.chunks(),
            Length::UntilClose => {
                let all = self.input.len() as u64;
                if all > self.limits.body_len_max {
                    self.show(self.limits.body_len_max);
                    return Err(Ending::Refused(vec![Fault::TooLarge(HttpPart::Body)]));
                }
                self.show(all);
                Ok(())
            }
        }
    }

    /// Shows so many bytes of a body, or all that there are if that is fewer.
    fn show(&mut self, len: u64) {
        let len = usize::try_from(len).unwrap_or(usize::MAX).min(self.input.len());
        let (piece, rest) = self.input.split_at(len);
        self.input = rest;
        if piece.is_empty() {
            return;
        }
        if let Some(Event::Body(body)) = self.events.last_mut() {
            body.extend_from_slice(piece);
        } else {
            self.events.push(Event::Body(piece.to_vec()));
        }
    }

    /// Takes exactly so many bytes of a body off the input.
    fn bytes(&mut self, len: u64) -> Result<(), Ending> {
        let is_whole = self.input.len() as u64 >= len;
        self.show(len);
        if is_whole { Ok(()) } else { Err(Ending::Truncated(vec![])) }
    }

    /// Takes a chunked body off the input, and shows the trailers.
    fn chunks(&mut self) -> Result<(), Ending> {
        let mut total: u128 = 0;
        let mut extensions_len = 0;
        loop {
            let (size, extension_len, len) =
                body::chunk_line(self.input, extensions_len, self.limits)?;
            extensions_len += extension_len;
            self.input = &self.input[len..];
            if size == 0 {
                break;
            }
            total += u128::from(size);
            if total > u128::from(self.limits.body_len_max) {
                return Err(Ending::Refused(vec![Fault::TooLarge(HttpPart::Body)]));
            }
            let is_whole = self.input.len() as u64 >= size;
            self.show(size);
            if !is_whole {
                return Err(Ending::Truncated(vec![]));
            }
            for expected in b"\r\n" {
                match self.input.split_first() {
                    None => return Err(Ending::Truncated(vec![])),
                    Some((byte, rest)) if byte == expected => self.input = rest,
                    Some(_) => {
                        let fault = Fault::Invalid(Violation::ChunkEnd);
                        return Err(Ending::Refused(vec![fault]));
                    }
                }
            }
        }
        let (trailers, len) = head::trailers(self.input, self.limits)?;
        self.input = &self.input[len..];
        if !trailers.is_empty() {
            self.events.push(Event::Trailers(trailers));
        }
        Ok(())
    }

    /// Shows everything that is left.
    fn tunnel(&mut self) -> Ending {
        if !self.input.is_empty() {
            self.events.push(Event::Tunnel(self.input.to_vec()));
        }
        Ending::Finished
    }
}

/// Whether another message may follow this one (RFC 9112, section 9.3).
fn keeps(head: &Head) -> bool {
    let says = |token: &str| head::tokens(&head.fields, "connection").iter().any(|t| t == token);
    if says("close") { false } else { head.minor == 1 || says("keep-alive") }
}
