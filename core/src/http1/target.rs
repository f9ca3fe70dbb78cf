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
pub(super) fn check(method: &str, target: &str) -> Result<(), Violation> {
    let is_visible = target.bytes().all(|byte| matches!(byte, b'!'..=b'~') && byte != b'#');
    let is_of_form = if method == "CONNECT" {
        is_host_with_port(target)
    } else if target == "*" {
        method == "OPTIONS"
    } else if target.starts_with('/') {
        true
    } else {
        split_absolute(target).is_some_and(|(authority, _)| is_host(authority))
    };
    if is_visible && is_of_form { Ok(()) } else { Err(Violation::Target) }
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
pub(super) fn is_host(text: &str) -> bool {
    let (host, port) = split_port(text);
    is_host_name(host) && port.is_none_or(is_port)
}

fn is_host_with_port(text: &str) -> bool {
    let (host, port) = split_port(text);
    is_host_name(host) && port.is_some_and(|port| !port.is_empty() && is_port(port))
}

fn split_port(text: &str) -> (&str, Option<&str>) {
    let name_end = text.rfind(']').unwrap_or(0);
    match text.rfind(':') {
        Some(colon) if colon >= name_end => {
            let (host, port) = text.split_at(colon);
            (host, port.get(1..))
        }
        _ => (text, None),
    }
}

/// An IP literal in brackets, or a registered name (RFC 3986, section 3.2.2).
fn is_host_name(host: &str) -> bool {
    if let Some(literal) = host.strip_prefix('[') {
        return literal.strip_suffix(']').is_some_and(|literal| {
            !literal.is_empty() && literal.bytes().all(|byte| is_name_byte(byte) || byte == b':')
        });
    }
    !host.is_empty() && is_registered_name(host)
}

/// Characters of a name, and percent signs with two digits behind them.
fn is_registered_name(host: &str) -> bool {
    let mut parts = host.split('%');
    parts.next().is_some_and(|part| part.bytes().all(is_name_byte))
        && parts.all(|part| {
            let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
            digits >= 2 && part.bytes().all(is_name_byte)
        })
}

/// Unreserved, or sub-delimiter.
const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
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
}

/// Digits of a port number; RFC 3986 allows none.
fn is_port(port: &str) -> bool {
    port.bytes().all(|byte| byte.is_ascii_digit())
        && (port.is_empty() || port.parse::<u16>().is_ok())
}
