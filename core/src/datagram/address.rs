use core::fmt;
use core::hash::{Hash, Hasher};
use core::net::{IpAddr, SocketAddr};

use crate::address::UNIX_LEN_MAX;
use crate::limits::SERVICE_PORT_END;

/// What an endpoint must know of the addresses of its transport.
pub trait DatagramAddress: Clone + Eq + fmt::Debug {
    /// Feeds to `hasher` what datagrams are counted by: the same for all addresses that one peer
    /// can send from at will.
    fn hash_source<H: Hasher>(&self, hasher: &mut H);

    /// Whether an answer can reach a peer there at all: the address is one peer's own.
    fn is_answerable(&self) -> bool;

    /// Whether services rather than clients send from there, which may answer an answer.
    fn is_service(&self) -> bool;

    /// Whether a datagram from there to an endpoint at `local` comes from that endpoint itself, or
    /// from another of its kind.
    fn is_own(&self, local: &Self) -> bool;
}

/// IPv4 addresses, also those mapped into IPv6, are counted singly, IPv6 addresses by their first
/// 64 bits. A source port equal to the endpoint's own is the endpoint's own or that of the same
/// service elsewhere.
impl DatagramAddress for SocketAddr {
    fn hash_source<H: Hasher>(&self, hasher: &mut H) {
        match self.ip().to_canonical() {
            IpAddr::V4(address) => address.to_bits().hash(hasher),
            IpAddr::V6(address) => (address.to_bits() >> 64).hash(hasher),
        }
    }

    fn is_answerable(&self) -> bool {
        let is_one_peer = match self.ip().to_canonical() {
            IpAddr::V4(ip) => !ip.is_unspecified() && !ip.is_multicast() && !ip.is_broadcast(),
            IpAddr::V6(ip) => !ip.is_unspecified() && !ip.is_multicast(),
        };
        is_one_peer && self.port() != 0
    }

    fn is_service(&self) -> bool {
        self.port() < SERVICE_PORT_END
    }

    fn is_own(&self, local: &Self) -> bool {
        self.port() == local.port()
    }
}

/// A peer of a datagram socket: over IP or a Unix socket. Owns what it says and never allocates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DatagramPeer {
    /// Over IPv4 or IPv6.
    Ip(SocketAddr),
    /// A Unix socket.
    Unix(UnixPeer),
}

impl DatagramPeer {
    /// A peer over IP; an address that is mapped into IPv6 is turned back.
    #[must_use]
    pub const fn ip(address: SocketAddr) -> Self {
        match address {
            SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
                Some(v4) => Self::Ip(SocketAddr::V4(core::net::SocketAddrV4::new(v4, v6.port()))),
                None => Self::Ip(address),
            },
            SocketAddr::V4(_) => Self::Ip(address),
        }
    }
}

impl DatagramAddress for DatagramPeer {
    fn hash_source<H: Hasher>(&self, hasher: &mut H) {
        match self {
            Self::Ip(address) => address.hash_source(hasher),
            Self::Unix(name) => name.hash(hasher),
        }
    }

    fn is_answerable(&self) -> bool {
        match self {
            Self::Ip(address) => address.is_answerable(),
            Self::Unix(name) => !name.is_unnamed(),
        }
    }

    fn is_service(&self) -> bool {
        match self {
            Self::Ip(address) => address.is_service(),
            Self::Unix(_) => false,
        }
    }

    fn is_own(&self, local: &Self) -> bool {
        match (self, local) {
            (Self::Ip(address), Self::Ip(local)) => address.is_own(local),
            (Self::Unix(name), Self::Unix(local)) => name == local,
            (Self::Ip(_), Self::Unix(_)) | (Self::Unix(_), Self::Ip(_)) => false,
        }
    }
}

impl fmt::Display for DatagramPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Unix(name) => name.fmt(f),
        }
    }
}

/// The name of a Unix socket, or none: a socket that was not bound has none and cannot be answered.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnixPeer {
    kind: Kind,
    len: u8,
    /// Zero behind the name, so that equal names are equal values.
    bytes: [u8; UNIX_LEN_MAX],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Kind {
    Unnamed,
    Path,
    Abstract,
}

impl UnixPeer {
    /// A socket without a name.
    pub const UNNAMED: Self = Self { kind: Kind::Unnamed, len: 0, bytes: [0; UNIX_LEN_MAX] };

    /// The socket at `path`; `None` if it is empty or longer than [`UNIX_LEN_MAX`].
    #[must_use]
    pub fn path(path: &[u8]) -> Option<Self> {
        if path.is_empty() { None } else { Self::new(Kind::Path, path) }
    }

    /// The socket of this name, without the leading zero, in Linux' abstract namespace; `None` if
    /// it is longer than [`UNIX_LEN_MAX`].
    #[must_use]
    pub fn abstract_name(name: &[u8]) -> Option<Self> {
        Self::new(Kind::Abstract, name)
    }

    fn new(kind: Kind, name: &[u8]) -> Option<Self> {
        let mut bytes = [0; UNIX_LEN_MAX];
        bytes.get_mut(..name.len())?.copy_from_slice(name);
        Some(Self { kind, len: u8::try_from(name.len()).ok()?, bytes })
    }

    /// Whether the socket has no name.
    #[must_use]
    pub const fn is_unnamed(&self) -> bool {
        matches!(self.kind, Kind::Unnamed)
    }

    /// The path of its file. None if it has no name, or an abstract one.
    #[must_use]
    pub fn as_path(&self) -> Option<&[u8]> {
        matches!(self.kind, Kind::Path).then(|| self.name())
    }

    /// The name in Linux' abstract namespace, without the leading zero. None if it has another, or
    /// none.
    #[must_use]
    pub fn as_abstract(&self) -> Option<&[u8]> {
        matches!(self.kind, Kind::Abstract).then(|| self.name())
    }

    fn name(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// `/path`, `@name` for abstract names, `unnamed`; bytes that are not printable ASCII are escaped.
impl fmt::Display for UnixPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Unnamed => return f.write_str("unnamed"),
            Kind::Path => {}
            Kind::Abstract => f.write_str("@")?,
        }
        self.name().escape_ascii().fmt(f)
    }
}

impl fmt::Debug for UnixPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnixPeer({self})")
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn ip(text: &str) -> DatagramPeer {
        DatagramPeer::ip(text.parse().unwrap())
    }

    struct Sum(u64);

    impl Hasher for Sum {
        fn finish(&self) -> u64 {
            self.0
        }

        fn write(&mut self, bytes: &[u8]) {
            for byte in bytes {
                self.0 = self.0.wrapping_mul(257).wrapping_add(u64::from(*byte) + 1);
            }
        }
    }

    fn source(peer: &DatagramPeer) -> u64 {
        let mut sum = Sum(0);
        peer.hash_source(&mut sum);
        sum.finish()
    }

    #[test]
    fn sources_are_what_one_peer_can_send_from() {
        assert_eq!(ip("[::ffff:192.0.2.1]:7").to_string(), "192.0.2.1:7");
        for (one, other, is_same) in [
            ("192.0.2.1:7", "192.0.2.1:8", true),
            ("192.0.2.1:7", "192.0.2.2:7", false),
            ("[2001:db8::1]:7", "[2001:db8::ffff:2]:7", true),
            ("[2001:db8:0:1::1]:7", "[2001:db8::1]:7", false),
        ] {
            assert_eq!(source(&ip(one)) == source(&ip(other)), is_same, "{one} {other}");
        }
        let [a, b] = [b"/a", b"/b"].map(|path| DatagramPeer::Unix(UnixPeer::path(path).unwrap()));
        assert_ne!(source(&a), source(&b));
    }

    #[test]
    fn who_can_be_answered_is_one_peer() {
        for (address, expected) in [
            ("192.0.2.1:1024", true),
            ("[2001:db8::1]:1024", true),
            ("192.0.2.1:0", false),
            ("0.0.0.0:1024", false),
            ("224.0.0.1:1024", false),
            ("255.255.255.255:1024", false),
            ("[::]:1024", false),
            ("[ff02::1]:1024", false),
            ("[::ffff:224.0.0.1]:1024", false),
        ] {
            assert_eq!(ip(address).is_answerable(), expected, "{address}");
        }
        assert!(!DatagramPeer::Unix(UnixPeer::UNNAMED).is_answerable());
        assert!(DatagramPeer::Unix(UnixPeer::path(b"/a").unwrap()).is_answerable());
        assert!(ip("192.0.2.1:1023").is_service() && !ip("192.0.2.1:1024").is_service());
        assert!(ip("192.0.2.1:7007").is_own(&ip("0.0.0.0:7007")));
        assert!(!ip("192.0.2.1:7007").is_own(&ip("0.0.0.0:7008")));
    }

    #[test]
    fn unix_names_have_a_longest() {
        for len in [UNIX_LEN_MAX - 1, UNIX_LEN_MAX] {
            let name = alloc::vec![b'a'; len];
            assert_eq!(UnixPeer::path(&name).unwrap().as_path(), Some(&name[..]));
        }
        let name = [b'a'; UNIX_LEN_MAX + 1];
        assert_eq!((UnixPeer::path(&name), UnixPeer::path(b"")), (None, None));
        let peer = UnixPeer::abstract_name(b"n\n").unwrap();
        assert_eq!((peer.to_string().as_str(), peer.as_path()), ("@n\\n", None));
        assert_eq!(peer.as_abstract(), Some(&b"n\n"[..]));
        assert_eq!(UnixPeer::UNNAMED.to_string(), "unnamed");
    }
}
