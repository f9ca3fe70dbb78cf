//! A framing without a connection, and frames as text.
#![allow(unreachable_pub, reason = "one binary")]

use drywire::buffer::Buffer;
use drywire::framing::{Framing, Scan};
use drywire::http1::{Fields, Frame, Http1, HttpLimits, Request, Response, Version};
use drywire::{DecodeError, EncodeError};

/// A framing, what has arrived and not been taken, and what was sent.
pub struct Side {
    pub framing: Http1,
    input: Vec<u8>,
    sent: Buffer,
}

impl Side {
    pub fn new(framing: Http1) -> Self {
        Self { framing, input: Vec::new(), sent: Buffer::new() }
    }

    pub fn server() -> Self {
        Self::new(Http1::server())
    }

    /// A client that has sent a request with that method.
    pub fn client(method: &str) -> Self {
        let mut client = Self::new(Http1::client());
        client.ask(method);
        client
    }

    pub fn ask(&mut self, method: &str) {
        let target = if method == "CONNECT" { "a:1" } else { "/" };
        let request = Request::new(method, target, Fields::new(&[("host", b"a")]));
        self.send(Frame::Request(request)).unwrap();
        self.send(Frame::End).unwrap();
    }

    /// Sends a response with that status, that says that its body is empty, and its end.
    pub fn answer(&mut self, status: u16) {
        self.send(response(status, &[("content-length", b"0")])).unwrap();
        self.send(Frame::End).unwrap();
    }

    pub fn send(&mut self, frame: Frame<'_>) -> Result<(), EncodeError> {
        let len = self.sent.len();
        let result = self.framing.encode(frame, &mut self.sent);
        if result.is_err() {
            // As the connection does.
            let kept = self.sent.filled()[..len].to_vec();
            self.sent.clear();
            self.sent.extend_from_slice(&kept);
        }
        result
    }

    /// What was sent since the last call.
    pub fn sent(&mut self) -> String {
        let sent = String::from_utf8_lossy(self.sent.filled()).into_owned();
        self.sent.clear();
        sent
    }

    /// Takes the next frame, as text.
    fn take(&mut self) -> Result<Option<String>, DecodeError> {
        let Scan::Found(whole) = self.framing.scan(&self.input)? else { return Ok(None) };
        let mut bytes: Vec<u8> = self.input.drain(..whole.len).collect();
        Ok(Some(text(&Http1::view(whole.found, &mut bytes))))
    }

    /// All frames that `input` completes, bodies joined, and what is wrong with it.
    pub fn try_receive(&mut self, input: &[u8]) -> (Vec<String>, Option<DecodeError>) {
        self.input.extend_from_slice(input);
        let mut frames = Vec::new();
        loop {
            match self.take() {
                Ok(Some(frame)) => join(&mut frames, frame),
                Ok(None) => return (frames, None),
                Err(error) => {
                    assert_eq!(self.framing.scan(&self.input), Err(error), "sticky");
                    return (frames, Some(error));
                }
            }
        }
    }

    pub fn receive(&mut self, input: &[u8]) -> Vec<String> {
        let (frames, error) = self.try_receive(input);
        assert_eq!(error, None, "{}", input.escape_ascii());
        frames
    }

    /// The peer finishes.
    pub fn receive_end(&mut self) -> Result<Option<String>, DecodeError> {
        let whole = self.framing.scan_end(&self.input)?;
        Ok(whole.map(|whole| {
            let mut bytes: Vec<u8> = self.input.drain(..whole.len).collect();
            text(&Http1::view(whole.found, &mut bytes))
        }))
    }
}

fn join(frames: &mut Vec<String>, frame: String) {
    for piece in ["| ", "tunnel "] {
        if let (Some(last), Some(more)) = (frames.last_mut(), frame.strip_prefix(piece)) {
            if last.starts_with(piece) {
                return last.push_str(more);
            }
        }
    }
    frames.push(frame);
}

pub fn text(frame: &Frame<'_>) -> String {
    match frame {
        Frame::Request(Request { method, target, version, fields }) => {
            format!("{method} {target} {}{}", short(*version), field_text(fields))
        }
        Frame::Informational(response) => format!("info {}", response_text(response)),
        Frame::Response(response) => response_text(response),
        Frame::Body(piece) => format!("| {}", piece.escape_ascii()),
        Frame::Trailers(fields) => format!("trailers{}", field_text(fields)),
        Frame::End => "end".into(),
        Frame::Tunnel(bytes) => format!("tunnel {}", bytes.escape_ascii()),
        other => panic!("{other:?}"),
    }
}

fn response_text(response: &Response<'_>) -> String {
    let Response { version, status, reason, fields } = response;
    format!("{} {status} {}{}", short(*version), reason.escape_ascii(), field_text(fields))
}

const fn short(version: Version) -> &'static str {
    match version {
        Version::Http10 => "1.0",
        Version::Http11 => "1.1",
    }
}

fn field_text(fields: &Fields<'_>) -> String {
    fields.iter().map(|(name, value)| format!(" {name}={}", value.escape_ascii())).collect()
}

/// What a new side makes of `input`: whole, byte by byte and cut once anywhere, all of which must
/// be the same.
pub fn outcome(new: impl Fn() -> Side, input: &[u8]) -> (Vec<String>, Option<DecodeError>) {
    let whole = new().try_receive(input);
    let by = |cuts: &mut dyn Iterator<Item = usize>| {
        let (mut side, mut start) = (new(), 0);
        let mut frames = Vec::new();
        for end in cuts.chain([input.len()]) {
            let (more, error) = side.try_receive(&input[start..end]);
            start = end;
            more.into_iter().for_each(|frame| join(&mut frames, frame));
            if error.is_some() {
                return (frames, error);
            }
        }
        (frames, None)
    };
    assert_eq!(by(&mut (1..input.len())), whole, "byte by byte: {}", input.escape_ascii());
    for cut in 0..input.len().min(400) {
        assert_eq!(by(&mut [cut].into_iter()), whole, "cut at {cut}: {}", input.escape_ascii());
    }
    whole
}

/// The frames that a new side makes of `input`, which must be in the grammar.
pub fn accepted(new: impl Fn() -> Side, input: &[u8]) -> Vec<String> {
    let (frames, error) = outcome(new, input);
    assert_eq!(error, None, "{}", input.escape_ascii());
    frames
}

/// Why a new side refuses `input`.
pub fn refused(new: impl Fn() -> Side, input: &[u8]) -> DecodeError {
    let (frames, error) = outcome(new, input);
    error.unwrap_or_else(|| panic!("{} is {frames:?}", input.escape_ascii()))
}

pub fn response<'a>(status: u16, fields: &'a [(&'a str, &'a [u8])]) -> Frame<'a> {
    Frame::Response(Response::new(status, Fields::new(fields)))
}

pub fn request<'a>(
    method: &'a str,
    target: &'a str,
    fields: &'a [(&'a str, &'a [u8])],
) -> Frame<'a> {
    Frame::Request(Request::new(method, target, Fields::new(fields)))
}

/// Limits with one changed.
pub fn limited(change: impl FnOnce(&mut HttpLimits)) -> HttpLimits {
    let mut limits = HttpLimits::new();
    change(&mut limits);
    limits
}
