use alloc::vec::Vec;
use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use super::{BuildError, HeaderError, Tlv, Tlvs, kind, tlv, v1, v2};

/// Bytes of an address of a Unix socket.
pub const UNIX_ADDRESS_LEN: usize = 108;

/// A PROXY header. What is in one that was made or parsed can be written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Header {
    version: Version,
    route: Route,
    /// Whole and of lengths that their types can have; empty in version 1 and without addresses.
    tlvs: Vec<u8>,
}

/// The format of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// A line of text.
    One,
    /// Binary.
    Two,
}

/// From where to where the stream goes that a header begins.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Route {
    /// From the sender of the header to us: a health check, say. `LOCAL` in version 2.
    Local,
    /// From a client of which nothing is said.
    Unknown,
    /// Over IP. Both ends are of one family.
    Ip {
        /// What the client used.
        transport: Transport,
        /// The client's end.
        source: SocketAddr,
        /// The end that the client connected to.
        destination: SocketAddr,
    },
    /// Over a Unix socket.
    Unix {
        /// What the client used.
        transport: Transport,
        /// The client's end.
        source: UnixAddress,
        /// The end that the client connected to.
        destination: UnixAddress,
    },
}

/// What a client used to reach the sender of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// TCP, or a Unix stream.
    Stream,
    /// UDP, or Unix datagrams.
    Datagram,
}

/// The name of a Unix socket. Zeros behind it are padding, and not part of it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UnixAddress(Vec<u8>);

/// What the beginning of a stream is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parse {
    /// Part of a header.
    Need {
        /// Bytes that the header has at least.
        len: usize,
    },
    /// A header.
    Found {
        /// Its bytes.
        len: usize,
        /// What is in it.
        header: Header,
    },
}

impl Header {
    /// Parses the header at the beginning of `input`; what is behind it is not looked at.
    ///
    /// It is refused at the first byte with which no header can begin, addresses and TLVs when they
    /// are all there. Whatever comes later does not change that.
    ///
    /// # Errors
    /// [`HeaderError`]; [`TooLong`](HeaderError::TooLong) if it says to be longer than `len_max`.
    pub fn parse(input: &[u8], len_max: usize) -> Result<Parse, HeaderError> {
        match input.first() {
            None => Ok(Parse::Need { len: 1 }),
            Some(first) if *first == v1::SIGNATURE[0] => v1::parse(input),
            Some(_) => v2::parse(input, len_max),
        }
    }

    pub(super) const fn new(version: Version, route: Route, tlvs: Vec<u8>) -> Self {
        Self { version, route, tlvs }
    }

    /// A header for a connection of the sender itself.
    #[must_use]
    pub const fn local() -> Self {
        Self::new(Version::Two, Route::Local, Vec::new())
    }

    /// A header for a client of which nothing can be said. Some receivers refuse it in version 1.
    #[must_use]
    pub const fn unknown(version: Version) -> Self {
        Self::new(version, Route::Unknown, Vec::new())
    }

    /// A header for a client that is connected by TCP. Where only one end is of IPv4, it is mapped
    /// into IPv6.
    #[must_use]
    pub fn tcp(version: Version, source: SocketAddr, destination: SocketAddr) -> Self {
        Self::new(version, Route::ip(Transport::Stream, source, destination), Vec::new())
    }

    /// A header for a client of UDP.
    #[must_use]
    pub fn udp(source: SocketAddr, destination: SocketAddr) -> Self {
        Self::new(Version::Two, Route::ip(Transport::Datagram, source, destination), Vec::new())
    }

    /// A header for a client of a Unix socket.
    #[must_use]
    pub const fn unix(transport: Transport, source: UnixAddress, destination: UnixAddress) -> Self {
        Self::new(Version::Two, Route::Unix { transport, source, destination }, Vec::new())
    }

    /// Adds a TLV behind those that are there.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn push(&mut self, tlv: Tlv<'_>) -> Result<(), BuildError> {
        if tlv.kind() == kind::CRC32C {
            return Err(BuildError::Checksum);
        }
        self.append(tlv)
    }

    /// Adds a checksum, unless there is one. It is that of the header as it is written, also when
    /// more is added.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn push_checksum(&mut self) -> Result<(), BuildError> {
        if self.tlvs().any(|tlv| matches!(tlv, Tlv::Crc32c(_))) {
            return Ok(());
        }
        self.append(Tlv::Crc32c(0))
    }

    fn append(&mut self, tlv: Tlv<'_>) -> Result<(), BuildError> {
        let addresses_len = match (self.version, v2::addresses_len(&self.route)) {
            (Version::Two, Some(len)) => len,
            (Version::One, _) | (Version::Two, None) => return Err(BuildError::Unsupported),
        };
        let before = self.tlvs.len();
        tlv.write(&mut self.tlvs);
        let (len, max) = (addresses_len + self.tlvs.len(), usize::from(u16::MAX));
        let added = self.tlvs.get(before..).unwrap_or_default();
        let outcome = if len > max {
            Err(BuildError::TooLong { len, max })
        } else if tlv::check(added, 0).is_err() {
            Err(BuildError::Value { kind: tlv.kind() })
        } else {
            Ok(())
        };
        match outcome {
            Ok(()) => v2::refresh_checksum(&self.route, &mut self.tlvs),
            Err(_) => self.tlvs.truncate(before),
        }
        outcome
    }

    /// The header as it is sent.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self.version {
            Version::One => v1::write(&self.route),
            Version::Two => v2::write(&self.route, &self.tlvs),
        }
    }

    /// The format.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// From where to where the stream goes.
    #[must_use]
    pub const fn route(&self) -> &Route {
        &self.route
    }

    /// The client's address, if it is one of IP.
    #[must_use]
    pub const fn source(&self) -> Option<SocketAddr> {
        match self.route {
            Route::Ip { source, .. } => Some(source),
            Route::Local | Route::Unknown | Route::Unix { .. } => None,
        }
    }

    /// What else is said of the client.
    #[must_use]
    pub fn tlvs(&self) -> Tlvs<'_> {
        Tlvs::new(&self.tlvs)
    }
}

impl Route {
    pub(super) fn ip(transport: Transport, source: SocketAddr, destination: SocketAddr) -> Self {
        let (source, destination) = match (source, destination) {
            (SocketAddr::V4(source), SocketAddr::V4(destination)) => {
                (SocketAddr::V4(source), SocketAddr::V4(destination))
            }
            (source, destination) => (as_v6(source), as_v6(destination)),
        };
        Self::Ip { transport, source, destination }
    }

    pub(super) const fn v4(transport: Transport, ips: [Ipv4Addr; 2], ports: [u16; 2]) -> Self {
        Self::Ip {
            transport,
            source: SocketAddr::V4(SocketAddrV4::new(ips[0], ports[0])),
            destination: SocketAddr::V4(SocketAddrV4::new(ips[1], ports[1])),
        }
    }

    pub(super) const fn v6(transport: Transport, ips: [Ipv6Addr; 2], ports: [u16; 2]) -> Self {
        Self::Ip {
            transport,
            source: SocketAddr::V6(SocketAddrV6::new(ips[0], ports[0], 0, 0)),
            destination: SocketAddr::V6(SocketAddrV6::new(ips[1], ports[1], 0, 0)),
        }
    }
}

/// Without flow and scope, which headers do not have.
const fn as_v6(address: SocketAddr) -> SocketAddr {
    let ip = match address {
        SocketAddr::V4(v4) => v4.ip().to_ipv6_mapped(),
        SocketAddr::V6(v6) => *v6.ip(),
    };
    SocketAddr::V6(SocketAddrV6::new(ip, address.port(), 0, 0))
}

impl UnixAddress {
    /// The address with this name, which may be empty and, abstract, begin with a zero.
    ///
    /// # Errors
    /// [`BuildError::UnixLen`].
    pub fn new(name: &[u8]) -> Result<Self, BuildError> {
        if name.len() > UNIX_ADDRESS_LEN {
            return Err(BuildError::UnixLen { len: name.len(), max: UNIX_ADDRESS_LEN });
        }
        Ok(Self::unpadded(name))
    }

    pub(super) fn unpadded(bytes: &[u8]) -> Self {
        let len = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        Self(bytes.get(..len).unwrap_or_default().to_vec())
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        &self.0
    }

    /// The name and the zeros behind it.
    #[must_use]
    pub fn padded(&self) -> [u8; UNIX_ADDRESS_LEN] {
        let mut bytes = [0; UNIX_ADDRESS_LEN];
        bytes.iter_mut().zip(&self.0).for_each(|(padded, byte)| *padded = *byte);
        bytes
    }
}

/// As in an address of this crate; what is not in visible ASCII is escaped.
impl fmt::Display for UnixAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name().split_first() {
            None => f.write_str("unix"),
            Some((0, name)) => write!(f, "unix:@{}", name.escape_ascii()),
            Some(_) => write!(f, "unix:{}", self.name().escape_ascii()),
        }
    }
}

impl fmt::Debug for UnixAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnixAddress({self})")
    }
}
