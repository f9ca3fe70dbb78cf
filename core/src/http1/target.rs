//! Request targets and hosts (RFC 9112, section 3.2).
//!
//! ```text
//! origin-form     /path?query
//! absolute-form   scheme://host:port/path?query
//! authority-form  host:port                         CONNECT only, and nothing else with it
//! asterisk-form   *                                 OPTIONS only
//! ```

use super::error::Violation;

/// Checks that `target` has one of the forms, and the one that goes with `method`.
#[inline]
pub(super) fn check(method: &str, target: &str) -> Result<(), Violation> {
    let is_of_form = if method == "CONNECT" {
        port_of(target.as_bytes()).is_some_and(is_port)
    } else if target.starts_with('/') {
        true
    } else if target == "*" {
        method == "OPTIONS"
    } else {
        split_absolute(target).is_some_and(|(authority, _)| is_host(authority.as_bytes()))
    };
    if is_of_form && span(target.as_bytes(), TARGET) == target.len() {
        Ok(())
    } else {
        Err(Violation::Target)
    }
}

/// The authority of a target in absolute or authority form.
pub(super) fn authority<'a>(method: &str, target: &'a str) -> Option<&'a str> {
    if method == "CONNECT" {
        return Some(target);
    }
    split_absolute(target).map(|(authority, _)| authority)
}

/// Path and query of a target.
pub(super) fn path<'a>(method: &str, target: &'a str) -> &'a str {
    if method == "CONNECT" {
        return "";
    }
    match split_absolute(target) {
        Some((_, path)) => path,
        None => target,
    }
}

/// Authority and the rest of `scheme://authority...`.
fn split_absolute(target: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = target.split_once("://")?;
    let mut scheme = scheme.bytes();
    let is_scheme = scheme.next().is_some_and(|first| first.is_ascii_alphabetic())
        && scheme.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    is_scheme.then(|| rest.split_at(end))
}

/// Whether `text` is `host [ ":" port ]` with a host that is not empty (RFC 9110, section 7.2).
#[inline]
pub(super) fn is_host(text: &[u8]) -> bool {
    port_of(text).is_some_and(|port| matches!(port, [] | [b':']) || is_port(port))
}

/// The port of `text` with its colon, empty if there is none; `None` if what is before it is not
/// an IP literal in brackets or a registered name (RFC 3986, section 3.2.2).
#[inline]
fn port_of(text: &[u8]) -> Option<&[u8]> {
    let name_len = match text {
        [b'[', literal @ ..] => {
            let len = span(literal, NAME | COLON);
            (len > 0 && literal.get(len) == Some(&b']')).then_some(len + 2)?
        }
        _ => {
            let len = span(text, NAME | PERCENT);
            text.get(..len).is_some_and(is_encoded).then_some(len)?
        }
    };
    let port = text.get(name_len..)?;
    (name_len > 0 && matches!(port, [] | [b':', ..])).then_some(port)
}

/// Whether each percent sign has two digits behind it.
#[inline]
fn is_encoded(name: &[u8]) -> bool {
    let is_digits = |part: &[u8]| matches!(part, [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit());
    name.split(|byte| *byte == b'%').skip(1).all(is_digits)
}

/// Whether `port` is a colon and a number of 16 bits.
fn is_port(port: &[u8]) -> bool {
    let [b':', digits @ ..] = port else { return false };
    core::str::from_utf8(digits).is_ok_and(|digits| {
        digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok()
    })
}

/// Unreserved or sub-delimiter.
const NAME: u8 = 1;
const COLON: u8 = 2;
const PERCENT: u8 = 8;
/// Visible and not the sign of a fragment.
const TARGET: u8 = 4;

/// Which of the classes a byte is in.
static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = b'!';
    let mut rest: &mut [u8] = classes.split_at_mut(byte as usize).1;
    while byte <= b'~' {
        let [class, behind @ ..] = rest else { break };
        if byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'-' | b'.'
                    | b'_'
                    | b'~'
                    | b'!'
                    | b'$'
                    | b'&'
                    | b'\''
                    | b'('
                    | b')'
                    | b'*'
                    | b'+'
                    | b','
                    | b';'
                    | b'='
            )
        {
            *class |= NAME;
        }
        if byte == b':' {
            *class |= COLON;
        }
        if byte == b'%' {
            *class |= PERCENT;
        }
        if byte != b'#' {
            *class |= TARGET;
        }
        rest = behind;
        byte += 1;
    }
    classes
}

/// Length of what `bytes` begin with that is in one of `classes`.
#[inline]
fn span(bytes: &[u8], classes: u8) -> usize {
    let is_within = |byte: &u8| CLASSES.get(usize::from(*byte)).is_some_and(|of| of & classes != 0);
    bytes.iter().position(|byte| !is_within(byte)).unwrap_or(bytes.len())
}
