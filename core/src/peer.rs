//! Who is at the other end.

use core::fmt;
use core::net::{IpAddr, SocketAddr};

/// The two ends of an accepted or established stream, as the transport names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Peer {
    /// Over IPv4 or IPv6. IPv4 addresses mapped into IPv6 are given as IPv4.
    Ip {
        /// The peer's address.
        remote: SocketAddr,
        /// Ours.
        local: SocketAddr,
    },
    /// Over a Unix socket, whose client ends have no names.
    Unix,
}

impl Peer {
    /// A peer over IP; addresses that are mapped into IPv6 are turned back.
    #[must_use]
    pub fn ip(remote: SocketAddr, local: SocketAddr) -> Self {
        let canonical = |address: SocketAddr| match address {
            SocketAddr::V6(v6) if v6.ip().to_ipv4_mapped().is_some() => {
                SocketAddr::new(v6.ip().to_canonical(), v6.port())
            }
            SocketAddr::V4(_) | SocketAddr::V6(_) => address,
        };
        Self::Ip { remote: canonical(remote), local: canonical(local) }
    }

    /// The address that connections are counted by.
    #[must_use]
    pub const fn remote_ip(&self) -> Option<IpAddr> {
        match self {
            Self::Ip { remote, .. } => Some(remote.ip()),
            Self::Unix => None,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip { remote, .. } => remote.fmt(f),
            Self::Unix => f.write_str("unix"),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn mapped_addresses_are_ipv4() -> Result<(), core::net::AddrParseError> {
        let peer = Peer::ip("[::ffff:192.0.2.1]:7".parse()?, "[::1]:8".parse()?);
        assert_eq!(peer.to_string(), "192.0.2.1:7");
        assert_eq!(peer, Peer::Ip { remote: "192.0.2.1:7".parse()?, local: "[::1]:8".parse()? });
        assert_eq!(peer.remote_ip(), Some("192.0.2.1".parse()?));
        assert_eq!((Peer::Unix.to_string().as_str(), Peer::Unix.remote_ip()), ("unix", None));
        Ok(())
    }
}
