//! What is in a whole head: httparse, and the strictness that it leaves to us.

use core::mem::MaybeUninit;

use httparse::{Header, ParserConfig, Status};

use super::announced::Announced;
use super::error::Violation;
use super::exchange::{Kind, Role};
use super::frame::Version;
use super::grammar::is_token;
use super::head::{blank_len, split_first_line};
use super::limits::HttpLimits;
use super::{lines, target};

/// Where the parts of a request's head lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RequestHead {
    pub(super) start: usize,
    pub(super) method_len: usize,
    pub(super) target_len: usize,
    pub(super) fields_start: usize,
    pub(super) version: Version,
}

/// Where the parts of a response's head lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ResponseHead {
    pub(super) fields_start: usize,
    pub(super) status: u16,
    pub(super) version: Version,
}

/// Bytes of a first line of a response before its reason: `HTTP/1.1 200 `.
pub(super) const REASON_START: usize = 13;

const fn headers<'a>() -> [MaybeUninit<Header<'a>>; HttpLimits::FIELDS_MAX] {
    [const { MaybeUninit::uninit() }; HttpLimits::FIELDS_MAX]
}

/// A head and how many bytes it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    Request { len: usize, head: RequestHead, announced: Announced, kind: Kind },
    Response { len: usize, head: ResponseHead, announced: Announced },
}

/// Parses the head that is expected at the front of `bytes`, if it is whole. Line ends are not
/// looked at, nor any limit but that of fields.
#[inline]
pub(super) fn head(
    role: Role,
    bytes: &[u8],
    fields_max: usize,
) -> Result<Option<Parsed>, Violation> {
    match role {
        Role::Server => request(bytes, fields_max),
        Role::Client => response(bytes, fields_max),
    }
}

#[inline]
fn request(bytes: &[u8], fields_max: usize) -> Result<Option<Parsed>, Violation> {
    let start = blank_len(bytes);
    let bytes = bytes.get(start..).unwrap_or(&[]);
    let mut headers = headers();
    let room = headers.get_mut(..fields_max).unwrap_or(&mut []);
    let mut parsed = httparse::Request::new(&mut []);
    let len = match parsed.parse_with_uninit_headers(bytes, room) {
        Ok(Status::Complete(len)) => len,
        Ok(Status::Partial) => return Ok(None),
        Err(_) => return Err(diagnose_request(bytes)),
    };
    let (Some(method), Some(path)) = (parsed.method, parsed.path) else {
        return Err(Violation::RequestLine);
    };
    let version = version(parsed.version)?;
    target::check(method, path)?;
    let announced = announced(parsed.headers)?;
    announced.check_request(method, version)?;
    let fields_start = method.len() + path.len() + " ".len() * 2 + "HTTP/1.1\r\n".len();
    let line = bytes.get(..fields_start).unwrap_or(bytes);
    if !line.ends_with(b"\r\n") {
        return Err(Violation::RequestLine);
    }
    let (method_len, target_len) = (method.len(), path.len());
    let fields_start = start + fields_start;
    let head = RequestHead { start, method_len, target_len, fields_start, version };
    Ok(Some(Parsed::Request { len: start + len, head, announced, kind: Kind::of(method) }))
}

#[inline]
fn response(bytes: &[u8], fields_max: usize) -> Result<Option<Parsed>, Violation> {
    let mut headers = headers();
    let room = headers.get_mut(..fields_max).unwrap_or(&mut []);
    let mut parsed = httparse::Response::new(&mut []);
    // httparse skips empty lines, which only a request may have before it.
    if bytes.starts_with(b"\r") {
        return Err(diagnose_response(bytes));
    }
    let config = ParserConfig::default();
    let len = match config.parse_response_with_uninit_headers(&mut parsed, bytes, room) {
        Ok(Status::Complete(len)) => len,
        Ok(Status::Partial) => return Ok(None),
        Err(_) => return Err(diagnose_response(bytes)),
    };
    let status = parsed.code.filter(|status| *status >= 100).ok_or(Violation::StatusLine)?;
    let version = version(parsed.version)?;
    let announced = announced(parsed.headers)?;
    announced.check_version(version)?;
    let (line, _) = split_first_line(bytes);
    let head = ResponseHead { fields_start: line.len(), status, version };
    Ok(Some(Parsed::Response { len, head, announced }))
}

const fn version(minor: Option<u8>) -> Result<Version, Violation> {
    match minor {
        Some(0) => Ok(Version::Http10),
        Some(1) => Ok(Version::Http11),
        _ => Err(Violation::VersionUnsupported),
    }
}

#[inline]
fn announced(headers: &[Header<'_>]) -> Result<Announced, Violation> {
    let mut announced = Announced::default();
    for header in headers {
        announced.take(header.name, header.value)?;
    }
    announced.check()
}

/// Why httparse refuses a request: the first thing that is wrong.
#[cold]
fn diagnose_request(head: &[u8]) -> Violation {
    let (line, fields) = split_first_line(head);
    let Err(violation) = check_request_line(line).and_then(|()| lines::check(fields)) else {
        return Violation::RequestLine;
    };
    violation
}

fn check_request_line(line: &[u8]) -> Result<(), Violation> {
    let line = line.strip_suffix(b"\r\n").ok_or(Violation::BareLf)?;
    if line.contains(&b'\r') {
        return Err(Violation::BareCr);
    }
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Violation::RequestLine);
    };
    if !is_token(method) {
        return Err(Violation::Method);
    }
    if !target.iter().all(u8::is_ascii_graphic) {
        return Err(Violation::Target);
    }
    check_version(version)
}

fn check_version(version: &[u8]) -> Result<(), Violation> {
    match version {
        b"HTTP/1.0" | b"HTTP/1.1" => Ok(()),
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => {
            Err(Violation::VersionUnsupported)
        }
        _ => Err(Violation::Version),
    }
}

/// Why httparse refuses a response: the first thing that is wrong.
#[cold]
fn diagnose_response(head: &[u8]) -> Violation {
    let (line, fields) = split_first_line(head);
    let line = line.strip_suffix(b"\r\n").unwrap_or(line);
    if line.contains(&b'\r') {
        return Violation::BareCr;
    }
    let version = line.split(|byte| *byte == b' ').next().unwrap_or(&[]);
    if check_version(version) == Err(Violation::VersionUnsupported) {
        return Violation::VersionUnsupported;
    }
    let is_well_formed = check_version(version).is_ok()
        && matches!(line.get(8..), Some([b' ', a, b, c, rest @ ..])
            if [a, b, c].iter().all(|digit| digit.is_ascii_digit())
                && matches!(rest, [] | [b' ', ..])
                && super::grammar::is_text(rest));
    if !is_well_formed {
        return Violation::StatusLine;
    }
    lines::check(fields).err().unwrap_or(Violation::StatusLine)
}
