use core::net::IpAddr;

use super::echo::{ECHO_REQUEST_V4, ECHO_REQUEST_V6};
use super::{ECHO_HEADER_LEN, Echo, PacketError, Version};

/// The packet that an error is about, as far as it was sent along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Original<'a> {
    /// Where it should have gone.
    pub destination: IpAddr,
    /// The number of the protocol above IP.
    pub protocol: u8,
    /// What follows the headers of IP, perhaps cut off.
    pub payload: &'a [u8],
}

impl<'a> Original<'a> {
    pub(super) fn parse(version: Version, bytes: &'a [u8]) -> Result<Self, PacketError> {
        match version {
            Version::V4 => {
                let header = ipv4::Header::parse(bytes)?;
                Ok(Self {
                    destination: header.destination.into(),
                    protocol: header.protocol,
                    payload: header.rest(bytes),
                })
            }
            Version::V6 => ipv6::parse(bytes),
        }
    }

    /// The echo request that it was, if it was one.
    ///
    /// Its checksum is not verified: too much of it may have been cut off.
    #[must_use]
    pub fn echo_request(&self) -> Option<Echo<'a>> {
        let expected = match (self.protocol, self.destination) {
            (1, IpAddr::V4(_)) => ECHO_REQUEST_V4,
            (58, IpAddr::V6(_)) => ECHO_REQUEST_V6,
            _ => return None,
        };
        let (header, payload) = self.payload.split_first_chunk::<ECHO_HEADER_LEN>()?;
        let [kind, 0, _, _, a, b, c, d] = *header else { return None };
        let (identifier, sequence) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        (kind == expected).then_some(Echo { identifier, sequence, payload })
    }
}

/// RFC 791, section 3.1.
pub(super) mod ipv4 {
    use core::net::Ipv4Addr;

    use super::PacketError;

    /// The header without options, in bytes.
    const LEN_MIN: usize = 20;

    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Header {
        pub(crate) source: Ipv4Addr,
        pub(crate) destination: Ipv4Addr,
        pub(crate) protocol: u8,
        pub(crate) hop_limit: u8,
        /// With options; within the bytes.
        len: usize,
        /// Header and payload as they were sent; at least `len`.
        total_len: usize,
    }

    impl Header {
        pub(crate) fn parse(bytes: &[u8]) -> Result<Self, PacketError> {
            let truncated = |expected| PacketError::Truncated { len: bytes.len(), expected };
            let header = bytes.first_chunk::<LEN_MIN>().ok_or_else(|| truncated(LEN_MIN))?;
            #[rustfmt::skip]
            let [
                version_and_len, _, total_high, total_low,
                _, _, fragment_high, fragment_low,
                hop_limit, protocol, _, _,
                source @ .., d0, d1, d2, d3,
            ] = *header;
            let version = version_and_len >> 4;
            if version != 4 {
                return Err(PacketError::Version { found: version });
            }
            let len = usize::from(version_and_len & 0xf) * 4;
            let total_len = usize::from(u16::from_be_bytes([total_high, total_low]));
            if len < LEN_MIN || total_len < len {
                return Err(PacketError::HeaderLen { len });
            }
            if bytes.len() < len {
                return Err(truncated(len));
            }
            let offset = (u16::from_be_bytes([fragment_high, fragment_low]) & 0x1fff) << 3;
            if offset != 0 {
                return Err(PacketError::Fragment { offset });
            }
            let destination = Ipv4Addr::new(d0, d1, d2, d3);
            Ok(Self { source: source.into(), destination, protocol, hop_limit, len, total_len })
        }

        /// What follows the header, all of which must be there.
        pub(crate) fn whole<'a>(&self, bytes: &'a [u8]) -> Result<&'a [u8], PacketError> {
            let truncated = PacketError::Truncated { len: bytes.len(), expected: self.total_len };
            bytes.get(self.len..self.total_len).ok_or(truncated)
        }

        /// What follows the header, as far as it is there.
        pub(crate) fn rest<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
            bytes.get(self.len..self.total_len.min(bytes.len())).unwrap_or_default()
        }
    }
}

/// RFC 8200, sections 3 and 4.
mod ipv6 {
    use core::net::Ipv6Addr;

    use super::{Original, PacketError};

    const HEADER_LEN: usize = 40;

    /// Extension headers that are looked through. We send one at most, and routers add none.
    const HEADERS_MAX: usize = 8;

    const HOP_BY_HOP: u8 = 0;
    const ROUTING: u8 = 43;
    const FRAGMENT: u8 = 44;
    const DESTINATION: u8 = 60;

    pub(super) fn parse(bytes: &[u8]) -> Result<Original<'_>, PacketError> {
        let truncated = |expected| PacketError::Truncated { len: bytes.len(), expected };
        let (header, mut payload) =
            bytes.split_first_chunk::<HEADER_LEN>().ok_or_else(|| truncated(HEADER_LEN))?;
        let [version, _, _, _, _, _, mut protocol, _, ..] = *header;
        if version >> 4 != 6 {
            return Err(PacketError::Version { found: version >> 4 });
        }
        let destination = header.last_chunk::<16>().copied().unwrap_or_default();
        let destination = Ipv6Addr::from(destination).into();
        for _ in 0..=HEADERS_MAX {
            if !matches!(protocol, HOP_BY_HOP | ROUTING | FRAGMENT | DESTINATION) {
                return Ok(Original { destination, protocol, payload });
            }
            let at = bytes.len() - payload.len();
            let extension = payload.first_chunk::<8>().ok_or_else(|| truncated(at + 8))?;
            let [next, len, fragment_high, fragment_low, ..] = *extension;
            let len = if protocol == FRAGMENT { 8 } else { 8 + usize::from(len) * 8 };
            let offset = u16::from_be_bytes([fragment_high, fragment_low]) & !7;
            if protocol == FRAGMENT && offset != 0 {
                return Err(PacketError::Fragment { offset });
            }
            payload = payload.get(len..).ok_or_else(|| truncated(at + len))?;
            protocol = next;
        }
        Err(PacketError::HeadersTooMany { max: HEADERS_MAX })
    }
}
