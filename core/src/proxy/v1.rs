//! Version 1: a line of text.

use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use core::str::FromStr;

use super::{Header, HeaderError, Parse, Route, Transport, Version};

/// Bytes of the longest line, its end included.
pub const LINE_LEN_MAX: usize = 107;

pub(super) const SIGNATURE: [u8; 6] = *b"PROXY ";

const UNKNOWN: &[u8] = b"UNKNOWN";

pub(super) fn parse(input: &[u8]) -> Result<Parse, HeaderError> {
    for (offset, (found, expected)) in input.iter().zip(SIGNATURE).enumerate() {
        if *found != expected {
            return Err(HeaderError::Signature { offset, found: *found });
        }
    }
    // The end of a line that ends in time begins within these.
    let line = input.get(..LINE_LEN_MAX - 1).unwrap_or(input);
    let Some(end) = line.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
        return if line.len() == LINE_LEN_MAX - 1 {
            Err(HeaderError::LineLen { max: LINE_LEN_MAX })
        } else {
            Ok(Parse::Need { len: line.len() + 2 })
        };
    };
    match (line.get(end), input.get(end + 1)) {
        (Some(b'\r'), None) => Ok(Parse::Need { len: end + 2 }),
        (Some(b'\r'), Some(b'\n')) => {
            let fields = line.get(SIGNATURE.len()..end).unwrap_or_default();
            let header = Header::new(Version::One, route(fields)?, Vec::new());
            Ok(Parse::Found { len: end + 2, header })
        }
        (_, _) => Err(HeaderError::LineEnd { offset: end }),
    }
}

fn route(text: &[u8]) -> Result<Route, HeaderError> {
    let mut fields = Fields { text, offset: SIGNATURE.len() };
    let (offset, protocol) = (fields.offset, fields.next());
    match protocol {
        UNKNOWN => Ok(Route::Unknown),
        b"TCP4" => {
            let ips: [Ipv4Addr; 2] = [fields.address()?, fields.address()?];
            Ok(Route::v4(Transport::Stream, ips, fields.ports()?))
        }
        b"TCP6" => {
            let ips: [Ipv6Addr; 2] = [fields.address()?, fields.address()?];
            Ok(Route::v6(Transport::Stream, ips, fields.ports()?))
        }
        _ => Err(HeaderError::Protocol { offset }),
    }
}

/// What is left of a line, to be taken apart at its spaces.
struct Fields<'a> {
    text: &'a [u8],
    offset: usize,
}

impl<'a> Fields<'a> {
    fn next(&mut self) -> &'a [u8] {
        let mut parts = self.text.splitn(2, |byte| *byte == b' ');
        let field = parts.next().unwrap_or_default();
        let rest = parts.next();
        self.offset += field.len() + usize::from(rest.is_some());
        self.text = rest.unwrap_or_default();
        field
    }

    fn address<A: FromStr>(&mut self) -> Result<A, HeaderError> {
        let (offset, field) = (self.offset, self.next());
        let text = core::str::from_utf8(field).ok();
        text.and_then(|text| text.parse().ok()).ok_or(HeaderError::Address { offset })
    }

    /// The source's port and the destination's, which is the rest.
    fn ports(&mut self) -> Result<[u16; 2], HeaderError> {
        let (offset, field) = (self.offset, self.next());
        let source = port(field).ok_or(HeaderError::Port { offset })?;
        let offset = self.offset;
        let destination = port(self.text).ok_or(HeaderError::Port { offset })?;
        Ok([source, destination])
    }
}

fn port(digits: &[u8]) -> Option<u16> {
    match digits {
        [b'0'] => Some(0),
        [b'1'..=b'9', ..] => digits.iter().try_fold(0_u16, |port, digit| match digit {
            b'0'..=b'9' => port.checked_mul(10)?.checked_add(u16::from(digit - b'0')),
            _ => None,
        }),
        _ => None,
    }
}

pub(super) fn write(route: &Route) -> Vec<u8> {
    use alloc::format;
    match route {
        Route::Ip { source, destination, .. } => {
            let family = if source.is_ipv4() { "TCP4" } else { "TCP6" };
            let (from, to) = (source.ip(), destination.ip());
            let ports = [source, destination].map(SocketAddr::port);
            format!("PROXY {family} {from} {to} {} {}\r\n", ports[0], ports[1]).into_bytes()
        }
        Route::Local | Route::Unknown | Route::Unix { .. } => b"PROXY UNKNOWN\r\n".to_vec(),
    }
}
