//! The start line and the fields, and the fields behind a chunked body.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::stream::{Ending, Fault, Field, Head};
use crate::http1::{HttpLimits, HttpPart, Violation};

/// Lines up to an empty one.
#[derive(Debug)]
pub(super) enum Block {
    /// The lines without their ends, and how many bytes they and the empty line take.
    Whole(Vec<Vec<u8>>, usize),
    /// The empty line is not there.
    Partial,
    /// An LF is where none may be, behind so many bytes.
    Broken(usize),
}

/// Finds the lines up to the first empty one. A CR without an LF is a part of its line.
pub(super) fn block(input: &[u8]) -> Block {
    let mut lines = vec![];
    let mut line = vec![];
    let mut at = 0;
    while at < input.len() {
        if input[at..].starts_with(b"\r\n") {
            at += 2;
            if line.is_empty() {
                return Block::Whole(lines, at);
            }
            lines.push(core::mem::take(&mut line));
        } else if input[at] == b'\n' {
            return Block::Broken(at);
        } else {
            line.push(input[at]);
            at += 1;
        }
    }
    Block::Partial
}

/// Finds a CR without an LF in the lines.
fn check_bare_cr(lines: &[Vec<u8>], faults: &mut Vec<Fault>) {
    if lines.iter().any(|line| line.contains(&b'\r')) {
        faults.push(Fault::Invalid(Violation::BareCr));
    }
}

/// Reads the lines of a request's head.
pub(super) fn request(lines: &[Vec<u8>], limits: &HttpLimits) -> (Head, Vec<Fault>) {
    let mut head = Head::default();
    let mut faults = vec![];
    let Some((line, fields)) = lines.split_first() else {
        return (head, vec![Fault::Invalid(Violation::RequestLine)]);
    };
    check_bare_cr(lines, &mut faults);
    let parts: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    if parts.len() != 3 || parts.iter().any(|part| part.is_empty()) {
        faults.push(Fault::Invalid(Violation::RequestLine));
    }
    if is_token(parts[0]) && parts.len() > 1 {
        head.method = String::from_utf8_lossy(parts[0]).into_owned();
    } else {
        faults.push(Fault::Invalid(Violation::Method));
    }
    if let Some(target) = parts.get(1) {
        // Without a space behind it, it has a CR before its LF.
        if target.len() + usize::from(parts.len() == 2) > limits.target_len_max {
            faults.push(Fault::TooLarge(HttpPart::Target));
        }
        if target.is_empty() || !target.iter().all(u8::is_ascii_graphic) {
            faults.push(Fault::Invalid(Violation::Target));
        }
        head.target = String::from_utf8_lossy(target).into_owned();
    }
    if let Some(version) = parts.get(2) {
        head.minor = minor(version, Violation::Version, &mut faults);
    }
    head.fields = self::fields(fields, limits, &mut faults);
    if faults.is_empty() {
        target_and_host(&head, &mut faults);
    }
    (head, faults)
}

/// Reads the lines of a response's head.
pub(super) fn response(lines: &[Vec<u8>], limits: &HttpLimits) -> (Head, Vec<Fault>) {
    let mut head = Head::default();
    let mut faults = vec![];
    let Some((line, fields)) = lines.split_first() else {
        return (head, vec![Fault::Invalid(Violation::StatusLine)]);
    };
    check_bare_cr(lines, &mut faults);
    let mut parts = line.splitn(3, |byte| *byte == b' ');
    let (version, status, reason) = (parts.next(), parts.next(), parts.next());
    head.minor = minor(version.unwrap_or_default(), Violation::StatusLine, &mut faults);
    match status {
        Some([first @ b'1'..=b'9', second @ b'0'..=b'9', third @ b'0'..=b'9']) => {
            let digit = |digit: &u8| u16::from(*digit - b'0');
            head.status = digit(first) * 100 + digit(second) * 10 + digit(third);
        }
        _ => faults.push(Fault::Invalid(Violation::StatusLine)),
    }
    match reason {
        Some(reason) if is_text(reason) => head.reason = reason.to_vec(),
        // A status line without the space before an empty reason is often seen.
        None => {}
        Some(_) => faults.push(Fault::Invalid(Violation::StatusLine)),
    }
    head.fields = self::fields(fields, limits, &mut faults);
    (head, faults)
}

/// Reads a version: what stands behind `HTTP/1.`.
fn minor(version: &[u8], otherwise: Violation, faults: &mut Vec<Fault>) -> u8 {
    match version {
        b"HTTP/1.0" => 0,
        b"HTTP/1.1" => 1,
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => {
            faults.push(Fault::Invalid(Violation::VersionUnsupported));
            1
        }
        _ => {
            faults.push(Fault::Invalid(otherwise));
            1
        }
    }
}

/// Reads field lines.
fn fields(lines: &[Vec<u8>], limits: &HttpLimits, faults: &mut Vec<Fault>) -> Vec<Field> {
    if lines.len() > limits.fields_max {
        faults.push(Fault::TooLarge(HttpPart::Fields));
    }
    let mut fields = vec![];
    for line in lines {
        if matches!(line.first(), Some(b' ' | b'\t')) {
            faults.push(Fault::Invalid(Violation::ObsFold));
            continue;
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            faults.push(Fault::Invalid(Violation::FieldName));
            continue;
        };
        let (name, value) = (&line[..colon], trim(&line[colon + 1..]));
        if !is_token(name) {
            faults.push(Fault::Invalid(Violation::FieldName));
        }
        if matches!(name.last(), Some(b' ' | b'\t')) {
            faults.push(Fault::Invalid(Violation::SpaceBeforeColon));
        }
        if !is_text(value) {
            faults.push(Fault::Invalid(Violation::FieldValue));
        }
        fields.push((String::from_utf8_lossy(name).into_owned(), value.to_vec()));
    }
    fields
}

/// Checks the target by its form and the host (RFC 9112, sections 3.2 and 3.2.2).
fn target_and_host(head: &Head, faults: &mut Vec<Fault>) {
    let target = head.target.as_str();
    let is_legal = match (head.method.as_str(), target) {
        ("CONNECT", authority) => is_authority(authority.as_bytes(), true),
        (method, "*") => method == "OPTIONS",
        (_, path) if path.starts_with('/') => true,
        (_, absolute) => match absolute.split_once("://") {
            Some((scheme, rest)) if is_scheme(scheme) => {
                let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
                is_authority(&rest.as_bytes()[..end], false)
            }
            _ => false,
        },
    };
    if !is_legal || target.contains('#') {
        faults.push(Fault::Invalid(Violation::Target));
    }
    let hosts = values(&head.fields, "host");
    if hosts.len() > 1 {
        faults.push(Fault::Invalid(Violation::HostRepeated));
    }
    if hosts.is_empty() && head.minor == 1 {
        faults.push(Fault::Invalid(Violation::HostMissing));
    }
    if hosts.iter().any(|host| !is_authority(host, false)) {
        faults.push(Fault::Invalid(Violation::HostInvalid));
    }
}

/// A letter, then letters, digits and three signs (RFC 3986, section 3.1).
fn is_scheme(text: &str) -> bool {
    let others = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(others)
}

/// `host [":" port]` (RFC 3986, sections 3.2.2 and 3.2.3), without an empty host; no user.
fn is_authority(text: &[u8], needs_port: bool) -> bool {
    let text = text.to_vec();
    let (host_len, is_host) = if text.first() == Some(&b'[') {
        let Some(end) = text.iter().position(|byte| *byte == b']') else { return false };
        let inside = &text[1..end];
        let is_address =
            |byte: &u8| byte.is_ascii_alphanumeric() || b":.-_~!$&'()*+,;=".contains(byte);
        (end + 1, !inside.is_empty() && inside.iter().all(is_address))
    } else {
        let end = text.iter().position(|byte| *byte == b':').unwrap_or(text.len());
        (end, end > 0 && is_registered_name(&text[..end]))
    };
    let port = &text[host_len..];
    let is_port = match port.split_first() {
        None => !needs_port,
        Some((b':', digits)) => {
            let number =
                core::str::from_utf8(digits).ok().and_then(|text| text.parse::<u16>().ok());
            let is_digits = digits.iter().all(u8::is_ascii_digit);
            is_digits && (number.is_some() || (digits.is_empty() && !needs_port))
        }
        Some(_) => false,
    };
    is_host && is_port
}

/// Unreserved characters, signs and what is encoded with a percent sign.
fn is_registered_name(text: &[u8]) -> bool {
    let mut at = 0;
    while at < text.len() {
        let byte = text[at];
        if byte == b'%' {
            let digits = text.get(at + 1..at + 3).unwrap_or_default();
            if digits.len() < 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
                return false;
            }
            at += 3;
        } else if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte) {
            at += 1;
        } else {
            return false;
        }
    }
    true
}

/// Reads the fields behind the last chunk, and the bytes that they take with the empty line.
pub(super) fn trailers(input: &[u8], limits: &HttpLimits) -> Result<(Vec<Field>, usize), Ending> {
    let window_len = limits.trailers_len_max.saturating_add(2).min(input.len());
    let window = &input[..window_len];
    let as_head = |len: usize| [b"HTTP/1.1 200 OK\r\n", &window[..len]].concat();
    match block(window) {
        Block::Whole(lines, len) => {
            let mut faults = vec![];
            check_bare_cr(&lines, &mut faults);
            let fields = fields(&lines, limits, &mut faults);
            if fields.iter().any(|(name, _)| is_forbidden_trailer(name)) {
                faults.push(Fault::Invalid(Violation::TrailerField));
            }
            if faults.is_empty() { Ok((fields, len)) } else { Err(Ending::Refused(faults)) }
        }
        Block::Broken(at) => {
            let mut faults = partial_faults(&as_head(at + 1), false, limits);
            faults.push(Fault::Invalid(Violation::BareLf));
            Err(Ending::Refused(faults))
        }
        Block::Partial => {
            let mut faults = partial_faults(&as_head(window_len), false, limits);
            if window_len == limits.trailers_len_max.saturating_add(2) {
                faults.push(Fault::TooLarge(HttpPart::Trailers));
                return Err(Ending::Refused(faults));
            }
            Err(Ending::Truncated(faults))
        }
    }
}

/// What can be wrong already in lines whose end has not come.
pub(super) fn partial_faults(input: &[u8], is_request: bool, limits: &HttpLimits) -> Vec<Fault> {
    let mut lines: Vec<Vec<u8>> = vec![];
    let mut rest = input;
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        lines.push(rest[..end].to_vec());
        rest = &rest[end + 2..];
    }
    if !rest.is_empty() {
        lines.push(rest.to_vec());
    }
    if is_request { request(&lines, limits).1 } else { response(&lines, limits).1 }
}

/// Fields that say where the message ends or whom it is for (RFC 9110, section 6.5.1).
fn is_forbidden_trailer(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["content-length", "host", "transfer-encoding"].contains(&name.as_str())
}

/// The values of the fields with this name, in order.
pub(super) fn values(fields: &[Field], name: &str) -> Vec<Vec<u8>> {
    let named = fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value.clone()).collect()
}

/// The members of a list of tokens, over all fields with this name, in lower case.
pub(super) fn tokens(fields: &[Field], name: &str) -> Vec<String> {
    let values = values(fields, name);
    let members = values.iter().flat_map(|value| value.split(|byte| *byte == b','));
    members.map(|member| String::from_utf8_lossy(trim(member)).to_ascii_lowercase()).collect()
}

/// Without spaces and tabs at both ends.
pub(super) fn trim(text: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let Some(start) = text.iter().position(|byte| !is_space(byte)) else { return &[] };
    let end = text.iter().rposition(|byte| !is_space(byte)).unwrap_or(start);
    &text[start..=end]
}

/// RFC 9110, section 5.6.2.
pub(super) fn is_token(text: &[u8]) -> bool {
    let is_sign = |byte: &u8| b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(|byte| byte.is_ascii_alphanumeric() || is_sign(byte))
}

/// Spaces, tabs, and anything that is no control character (RFC 9110, section 5.5).
pub(super) fn is_text(text: &[u8]) -> bool {
    text.iter().all(|byte| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f))
}
