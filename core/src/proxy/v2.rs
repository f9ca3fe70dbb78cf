//! Version 2: binary.

use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::crc32c::Crc32c;
use super::header::UNIX_ADDRESS_LEN;
use super::tlv::{self, CHECKSUM_LEN};
use super::{Header, HeaderError, Parse, Route, Transport, UnixAddress, Version};

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// Bytes up to and with the length field.
const FIXED_LEN: usize = SIGNATURE.len() + 4;

const VERSION: u8 = 2;

const LOCAL: u8 = 0;
const PROXY: u8 = 1;

const UNSPECIFIED: u8 = 0;

const INET: u8 = 1;
const INET6: u8 = 2;
const UNIX: u8 = 3;

const STREAM: u8 = 1;
const DATAGRAM: u8 = 2;

const INET_LEN: usize = 2 * (4 + 2);
const INET6_LEN: usize = 2 * (16 + 2);
const UNIX_LEN: usize = 2 * UNIX_ADDRESS_LEN;

pub(super) fn parse(input: &[u8], len_max: usize) -> Result<Parse, HeaderError> {
    for (offset, (found, expected)) in input.iter().zip(SIGNATURE).enumerate() {
        if *found != expected {
            return Err(HeaderError::Signature { offset, found: *found });
        }
    }
    let mut fixed = input.get(SIGNATURE.len()..).unwrap_or_default().iter().copied();
    let Some(command) = fixed.next() else { return Ok(Parse::Need { len: FIXED_LEN }) };
    let command = match (command >> 4, command & 0xf) {
        (VERSION, command @ (LOCAL | PROXY)) => command,
        (VERSION, found) => return Err(HeaderError::Command { found }),
        (found, _) => return Err(HeaderError::Version { found }),
    };
    let Some(family) = fixed.next() else { return Ok(Parse::Need { len: FIXED_LEN }) };
    // What a local connection says of its family must be ignored.
    let kind = if command == PROXY { Kind::of(family)? } else { Kind::Nothing(Route::Local) };
    let (Some(high), Some(low)) = (fixed.next(), fixed.next()) else {
        return Ok(Parse::Need { len: FIXED_LEN });
    };
    let len = usize::from(u16::from_be_bytes([high, low]));
    let min = kind.addresses_len();
    if len < min {
        return Err(HeaderError::AddressLen { len, min });
    }
    let whole = FIXED_LEN + len;
    if whole > len_max {
        return Err(HeaderError::TooLong { len: whole, max: len_max });
    }
    let Some(bytes) = input.get(..whole) else { return Ok(Parse::Need { len: whole }) };
    let header = match kind {
        Kind::Nothing(route) => Header::new(Version::Two, route, Vec::new()),
        Kind::Addresses { family, transport } => {
            let addresses = bytes.get(FIXED_LEN..).unwrap_or_default();
            // The length was compared.
            let route =
                route(family, transport, addresses).ok_or(HeaderError::AddressLen { len, min })?;
            let tlvs = bytes.get(FIXED_LEN + min..).unwrap_or_default();
            if let Some(at) = tlv::check(tlvs, FIXED_LEN + min)? {
                check_sum(bytes, at)?;
            }
            Header::new(Version::Two, route, tlvs.to_vec())
        }
    };
    Ok(Parse::Found { len: whole, header })
}

/// What a header has behind its fixed part.
enum Kind {
    /// Something that is not looked into.
    Nothing(Route),
    Addresses {
        family: u8,
        transport: Transport,
    },
}

impl Kind {
    fn of(byte: u8) -> Result<Self, HeaderError> {
        let (family, transport) = (byte >> 4, byte & 0xf);
        if family > UNIX {
            return Err(HeaderError::Family { found: family });
        }
        let transport = match transport {
            UNSPECIFIED => return Ok(Self::Nothing(Route::Unknown)),
            STREAM => Transport::Stream,
            DATAGRAM => Transport::Datagram,
            found => return Err(HeaderError::Transport { found }),
        };
        if family == UNSPECIFIED {
            return Ok(Self::Nothing(Route::Unknown));
        }
        Ok(Self::Addresses { family, transport })
    }

    const fn addresses_len(&self) -> usize {
        match self {
            Self::Addresses { family: INET, .. } => INET_LEN,
            Self::Addresses { family: INET6, .. } => INET6_LEN,
            Self::Addresses { .. } => UNIX_LEN,
            Self::Nothing(_) => 0,
        }
    }
}

fn route(family: u8, transport: Transport, addresses: &[u8]) -> Option<Route> {
    match family {
        INET => {
            let (source, rest) = addresses.split_first_chunk::<4>()?;
            let (destination, rest) = rest.split_first_chunk::<4>()?;
            let ips = [*source, *destination].map(Ipv4Addr::from);
            Some(Route::v4(transport, ips, ports(rest)?))
        }
        INET6 => {
            let (source, rest) = addresses.split_first_chunk::<16>()?;
            let (destination, rest) = rest.split_first_chunk::<16>()?;
            let ips = [*source, *destination].map(Ipv6Addr::from);
            Some(Route::v6(transport, ips, ports(rest)?))
        }
        _ => {
            let (source, rest) = addresses.split_first_chunk::<UNIX_ADDRESS_LEN>()?;
            let destination = rest.first_chunk::<UNIX_ADDRESS_LEN>()?;
            let [source, destination] =
                [source, destination].map(|name| UnixAddress::unpadded(name));
            Some(Route::Unix { transport, source, destination })
        }
    }
}

fn ports(bytes: &[u8]) -> Option<[u16; 2]> {
    let (source, rest) = bytes.split_first_chunk::<2>()?;
    let destination = rest.first_chunk::<2>()?;
    Some([*source, *destination].map(u16::from_be_bytes))
}

/// Checks the checksum whose value is at `at`.
fn check_sum(bytes: &[u8], at: usize) -> Result<(), HeaderError> {
    let (computed, found) = sum(bytes, at);
    if found == computed { Ok(()) } else { Err(HeaderError::Checksum { found, computed }) }
}

/// The checksum as it should be and as it is, of a header that has it at `at`.
fn sum(bytes: &[u8], at: usize) -> (u32, u32) {
    let before = bytes.get(..at).unwrap_or_default();
    let value = bytes.get(at..).and_then(|rest| rest.first_chunk::<CHECKSUM_LEN>());
    let behind = bytes.get(at + CHECKSUM_LEN..).unwrap_or_default();
    let computed = Crc32c::new().over(before).over(&[0; CHECKSUM_LEN]).over(behind).sum();
    (computed, u32::from_be_bytes(value.copied().unwrap_or_default()))
}

/// Bytes of the addresses, if there are any.
pub(super) const fn addresses_len(route: &Route) -> Option<usize> {
    match route {
        Route::Local | Route::Unknown => None,
        Route::Ip { source: SocketAddr::V4(_), .. } => Some(INET_LEN),
        Route::Ip { source: SocketAddr::V6(_), .. } => Some(INET6_LEN),
        Route::Unix { .. } => Some(UNIX_LEN),
    }
}

pub(super) fn write(route: &Route, tlvs: &[u8]) -> Vec<u8> {
    let addresses_len = addresses_len(route).unwrap_or(0);
    let len = addresses_len + tlvs.len();
    let mut bytes = Vec::with_capacity(FIXED_LEN + len);
    bytes.extend_from_slice(&SIGNATURE);
    let command = if matches!(route, Route::Local) { LOCAL } else { PROXY };
    bytes.push(VERSION << 4 | command);
    bytes.push(family(route));
    // No more TLVs are taken than the length can say.
    bytes.extend_from_slice(&u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes());
    match route {
        Route::Local | Route::Unknown => {}
        Route::Ip { source, destination, .. } => {
            for ip in [source.ip(), destination.ip()] {
                match ip {
                    core::net::IpAddr::V4(ip) => bytes.extend_from_slice(&ip.octets()),
                    core::net::IpAddr::V6(ip) => bytes.extend_from_slice(&ip.octets()),
                }
            }
            for port in [source.port(), destination.port()] {
                bytes.extend_from_slice(&port.to_be_bytes());
            }
        }
        Route::Unix { source, destination, .. } => {
            bytes.extend_from_slice(&source.padded());
            bytes.extend_from_slice(&destination.padded());
        }
    }
    let tlvs_at = bytes.len();
    bytes.extend_from_slice(tlvs);
    if let Ok(Some(at)) = tlv::check(tlvs, tlvs_at) {
        let (computed, _) = sum(&bytes, at);
        if let Some(value) = bytes.get_mut(at..at + CHECKSUM_LEN) {
            value.copy_from_slice(&computed.to_be_bytes());
        }
    }
    bytes
}

/// Lets the checksum, if there is one, be that of the header as it is.
pub(super) fn refresh_checksum(route: &Route, tlvs: &mut Vec<u8>) {
    let mut bytes = write(route, tlvs);
    *tlvs = bytes.split_off(bytes.len() - tlvs.len());
}

const fn family(route: &Route) -> u8 {
    let (family, transport) = match route {
        Route::Local | Route::Unknown => return UNSPECIFIED,
        Route::Ip { source: SocketAddr::V4(_), transport, .. } => (INET, transport),
        Route::Ip { source: SocketAddr::V6(_), transport, .. } => (INET6, transport),
        Route::Unix { transport, .. } => (UNIX, transport),
    };
    let transport = match transport {
        Transport::Stream => STREAM,
        Transport::Datagram => DATAGRAM,
    };
    family << 4 | transport
}
