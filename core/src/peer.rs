//! Who is at the other end.

use core::fmt;
use core::net::{IpAddr, SocketAddr};

/// The two ends of an accepted or established stream, as the transport names them, and the listener
/// that it came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer {
    ends: Ends,
    listener: u32,
}

/// The names of the two ends of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ends {
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
        let ends = Ends::Ip { remote: canonical(remote), local: canonical(local) };
        Self { ends, listener: 0 }
    }

    /// A peer over a Unix socket.
    #[must_use]
    pub const fn unix() -> Self {
        Self { ends: Ends::Unix, listener: 0 }
    }

    /// The same, come by the listener of this number.
    #[must_use]
    pub const fn by(mut self, listener: u32) -> Self {
        self.listener = listener;
        self
    }

    /// The two ends.
    #[must_use]
    pub const fn ends(&self) -> Ends {
        self.ends
    }

    /// Which listener of its server the connection came by, in the order in which the server was
    /// given them, from 0; 0 also where there is none.
    #[must_use]
    pub const fn listener(&self) -> u32 {
        self.listener
    }

    /// The peer's address, where it has one.
    #[must_use]
    pub const fn remote(&self) -> Option<SocketAddr> {
        match self.ends {
            Ends::Ip { remote, .. } => Some(remote),
            Ends::Unix => None,
        }
    }

    /// Our address, where there is one.
    #[must_use]
    pub const fn local(&self) -> Option<SocketAddr> {
        match self.ends {
            Ends::Ip { local, .. } => Some(local),
            Ends::Unix => None,
        }
    }

    /// The address that connections are counted by.
    #[must_use]
    pub const fn remote_ip(&self) -> Option<IpAddr> {
        match self.ends {
            Ends::Ip { remote, .. } => Some(remote.ip()),
            Ends::Unix => None,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ends {
            Ends::Ip { remote, .. } => remote.fmt(f),
            Ends::Unix => f.write_str("unix"),
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
        let (remote, local) = ("192.0.2.1:7".parse()?, "[::1]:8".parse()?);
        assert_eq!(peer.ends(), Ends::Ip { remote, local });
        assert_eq!(peer.remote_ip(), Some("192.0.2.1".parse()?));
        assert_eq!((Peer::unix().to_string().as_str(), Peer::unix().remote_ip()), ("unix", None));
        Ok(())
    }

    #[test]
    fn peers_of_two_listeners_are_two() {
        let (first, second) = (Peer::unix(), Peer::unix().by(1));
        assert_eq!((first.listener(), second.listener()), (0, 1));
        assert_ne!(first, second);
        assert_eq!(first.ends(), second.ends());
    }
}
