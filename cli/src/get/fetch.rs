use std::io::Write;

use drywire::http1::{Response, Version};
use drywire::protocol::http_get::{Application, Connected, Event, Span, Validator};
use serde_json::{Value, json};

use super::download::Download;
use super::progress::Progress;
use super::timing::Exchange;
use super::upload::Upload;
use crate::development_certificate::sha256;
use crate::exit::{Exit, Stop};
use crate::output::Output;
use crate::text::{Escaped, bytes_json};

/// What becomes of one answer.
pub(super) struct Fetch<'a> {
    pub(super) output: Output,
    pub(super) options: Options,
    /// Standard output without one.
    pub(super) download: Option<&'a mut Download>,
    pub(super) upload: Option<&'a mut Upload>,
    pub(super) progress: Progress,
    pub(super) exchanges: Vec<Exchange>,
    /// The last byte of a body that was printed.
    pub(super) last: Option<u8>,
    /// Bytes of the body.
    pub(super) received: u64,
}

#[derive(Clone, Copy)]
pub(super) struct Options {
    pub(super) include: bool,
    pub(super) resume: bool,
    /// Bytes of the body that an earlier run has left, and that are not asked for.
    pub(super) asked_from: u64,
    pub(super) fail: bool,
    pub(super) insecure: bool,
}

impl Application for Fetch<'_> {
    type Error = Stop;

    fn told(&mut self, event: Event<'_>) -> Result<(), Stop> {
        match event {
            Event::Connected(connected) => {
                self.warn(&connected);
                self.exchanges.push(Exchange::new(&connected));
                Ok(())
            }
            Event::Informational(response) => {
                self.answered();
                self.include(&response)
            }
            Event::Redirected { response, to } => {
                self.ended();
                if self.output.is_json() {
                    let status = response.status;
                    let to = to.to_string();
                    let redirect = json!({ "event": "redirect", "status": status, "to": to });
                    return self.output.record("", &redirect);
                }
                self.include(&response)
            }
            Event::Response { response, span } => self.begin(&response, span),
            Event::Body(bytes) => self.body(bytes),
            Event::Complete | Event::AlreadyComplete => {
                self.ended();
                self.download.as_mut().map_or(Ok(()), |download| download.complete())
            }
            _ => Ok(()),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Stop> {
        self.upload.as_mut().map_or(Ok(0), |upload| upload.read(buffer))
    }

    fn rewind(&mut self) -> Result<(), Stop> {
        self.upload.as_mut().map_or(Ok(()), |upload| upload.rewind())
    }
}

impl Fetch<'_> {
    fn warn(&self, connected: &Connected<'_>) {
        let Some(tls) = connected.negotiated.filter(|_| self.options.insecure) else { return };
        let fingerprint = tls.peer_certificates.first().map(|der| sha256(der)).unwrap_or_default();
        self.output.warn(format_args!(
            "warning: the server is not verified (--insecure); its certificate's SHA-256 is \
             {fingerprint}"
        ));
    }

    fn answered(&mut self) {
        if let Some(exchange) = self.exchanges.last_mut() {
            exchange.answered();
        }
    }

    fn ended(&mut self) {
        self.progress.end();
        if let Some(exchange) = self.exchanges.last_mut() {
            exchange.answered();
            exchange.ended();
        }
    }

    fn begin(&mut self, response: &Response<'_>, span: Span) -> Result<(), Stop> {
        self.answered();
        let status = Status(response);
        if self.options.fail && response.status >= 400 {
            return Err(Stop::new(Exit::Failed, format_args!("the server answered {status}")));
        }
        if self.output.is_json() {
            self.output.record("", &head_json(response, span))?;
        }
        if self.options.asked_from > 0 && span.offset == 0 {
            self.output.note(format_args!(
                "the {} bytes that are there are not gone on with, for the resource has \
                 changed or comes whole only",
                self.options.asked_from
            ));
        }
        self.include(response)?;
        if let Some(download) = &mut self.download {
            // Of a part, nobody could go on with the rest.
            let validator = Validator::of(response).filter(|_| response.status == 200);
            let offset = if self.options.resume { span.offset } else { 0 };
            download.begin(offset, validator.as_ref())?;
        }
        let resumed = if self.options.resume { span.offset } else { 0 };
        self.progress.begin(resumed, span.len.map(|len| resumed + len));
        Ok(())
    }

    /// Prints the head of an answer, if that is asked for.
    fn include(&self, response: &Response<'_>) -> Result<(), Stop> {
        if !self.options.include {
            return Ok(());
        }
        print(&head(response))
    }

    fn body(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.received += bytes.len() as u64;
        self.progress.add(bytes.len());
        match &mut self.download {
            Some(download) => download.write(bytes),
            None if self.output.is_json() => self.output.record("", &bytes_json("body", bytes)),
            None => {
                self.last = bytes.last().copied().or(self.last);
                print(bytes)
            }
        }
    }
}

/// Writes to standard output, at once.
fn print(bytes: &[u8]) -> Result<(), Stop> {
    let mut data = std::io::stdout().lock();
    data.write_all(bytes).and_then(|()| data.flush()).map_err(|error| Stop::output(&error))
}

/// A head as it is on the wire.
fn head(response: &Response<'_>) -> Vec<u8> {
    let mut head = format!("{} {}", version(response), response.status).into_bytes();
    head.push(b' ');
    head.extend_from_slice(response.reason);
    for (name, value) in response.fields.iter() {
        head.extend_from_slice(b"\r\n");
        head.extend_from_slice(name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value);
    }
    head.extend_from_slice(b"\r\n\r\n");
    head
}

fn head_json(response: &Response<'_>, span: Span) -> Value {
    let fields = response.fields.iter();
    let fields: Vec<_> =
        fields.map(|(name, value)| json!([name, Escaped(value).to_string()])).collect();
    json!({
        "event": "response",
        "version": version(response),
        "status": response.status,
        "reason": Escaped(response.reason).to_string(),
        "fields": fields,
        "offset": span.offset,
        "len": span.len,
    })
}

const fn version(response: &Response<'_>) -> &'static str {
    match response.version {
        Version::Http10 => "HTTP/1.0",
        Version::Http11 => "HTTP/1.1",
    }
}

/// Status and reason, for people.
struct Status<'a>(&'a Response<'a>);

impl std::fmt::Display for Status<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.status)?;
        if self.0.reason.is_empty() { Ok(()) } else { write!(f, " {}", Escaped(self.0.reason)) }
    }
}
