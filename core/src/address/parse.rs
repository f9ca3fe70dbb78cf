use core::str::FromStr;

use super::scheme::Kind;
use super::{Address, AddressError, AddressProblem, Endpoint, Host, HostPort, Target, UnixName};

/// # Errors
/// [`AddressError`] for text outside the grammar, with the position.
/// # Bounds
/// Linear in the length of the text. What is kept stays within the limits of the [module](super).
impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let Some((name, rest)) = text.split_once(':') else {
            return parse_bare(text);
        };
        let rest_at = name.len() + 1;
        let authority = rest.strip_prefix("//");
        match (Kind::from_scheme(name), authority) {
            (Some((kind, true)), _) => parse_unix(kind, rest, rest_at),
            (Some((kind, false)), Some(authority)) => parse_internet(kind, authority, rest_at + 2),
            (None, Some(_)) => Err(AddressProblem::UnknownScheme.at(0)),
            // `tcp:7` is port 7 of the host `tcp`.
            (Some((_, false)) | None, None) => parse_bare(text),
        }
    }
}

fn parse_bare(text: &str) -> Result<Address, AddressError> {
    parse_internet(Kind::Stream { tls: false }, text, 0)
}

/// Parses what follows `scheme://`; `at` is its position in the whole text.
fn parse_internet(kind: Kind, text: &str, at: usize) -> Result<Address, AddressError> {
    let (authority, target) = match kind {
        Kind::Http { .. } => text.split_at(text.find(['/', '?', '#']).unwrap_or(text.len())),
        Kind::Stream { .. } | Kind::Datagram => (text, ""),
    };
    let place = HostPort::parse(authority, kind.default_port(), at)?;
    let target = match target {
        "" => None,
        _ => Some(Target::parse(target, at + authority.len())?),
    };
    Ok(kind.address(Endpoint::Internet(place), target))
}

/// Parses what follows `scheme:`; `at` is its position in the whole text.
fn parse_unix(kind: Kind, text: &str, at: usize) -> Result<Address, AddressError> {
    // `unix:///path` is common; there is no host to name between the slashes.
    let (text, at) = match text.strip_prefix("//") {
        Some(path) if path.starts_with('/') => (path, at + 2),
        Some(_) | None => (text, at),
    };
    let (name, target) = match (kind, text.find(":/")) {
        (Kind::Http { .. }, Some(colon)) => {
            let (name, target) = text.split_at(colon);
            (name, target.strip_prefix(':'))
        }
        (Kind::Http { .. }, None) | (Kind::Stream { .. } | Kind::Datagram, _) => (text, None),
    };
    let place = UnixName::parse(name, at)?;
    let target = match target {
        Some(target) => Some(Target::parse(target, at + name.len() + 1)?),
        None => None,
    };
    Ok(kind.address(Endpoint::Unix(place), target))
}

impl HostPort {
    /// Parses `[host] ":" port`, or a host alone where there is a default port.
    fn parse(text: &str, default: Option<u16>, at: usize) -> Result<Self, AddressError> {
        if let Some(sign) = text.find('@') {
            return Err(AddressProblem::UserInfo.at(at + sign));
        }
        let host_len = match text.find(']') {
            Some(bracket) if text.starts_with('[') => bracket + 1,
            None if text.starts_with('[') => {
                return Err(AddressProblem::BracketMissing.at(at + text.len()));
            }
            Some(_) | None => text.find(':').unwrap_or(text.len()),
        };
        let (host, rest) = text.split_at(host_len);
        let port_at = at + host.len() + 1;
        let (host, port) = match rest.strip_prefix(':') {
            Some(port) if port.contains(':') && !host.starts_with('[') => {
                return Err(AddressProblem::BracketsNeeded.at(at));
            }
            Some(port) => (Host::parse_or_any(host, at)?, parse_port(port, port_at)?),
            None => match (rest.chars().next(), default) {
                (Some(found), _) => {
                    return Err(AddressProblem::AfterBracket { found }.at(at + host.len()));
                }
                (None, Some(port)) => (Host::parse(host, at)?, port),
                (None, None) => {
                    Host::parse(host, at)?;
                    return Err(AddressProblem::PortMissing.at(at + text.len()));
                }
            },
        };
        Ok(Self { host, port })
    }
}

fn parse_port(text: &str, at: usize) -> Result<u16, AddressError> {
    if text.is_empty() {
        return Err(AddressProblem::PortMissing.at(at));
    }
    let mut port: u16 = 0;
    for (offset, found) in text.char_indices() {
        let Some(digit) = found.to_digit(10) else {
            return Err(AddressProblem::PortCharacter { found }.at(at + offset));
        };
        port = u16::try_from(u32::from(port) * 10 + digit)
            .map_err(|_| AddressProblem::PortOutOfRange.at(at))?;
    }
    Ok(port)
}
