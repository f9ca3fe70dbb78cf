//! Who is at the other end.

use alloc::sync::Arc;
use core::fmt;
use core::net::{IpAddr, SocketAddr};

use crate::proxy::{Header, Route, UnixAddress};

/// The two ends of an accepted or established stream, as the transport names them, the listener
/// that it came by and, behind a balancer, what its PROXY header says of the client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Peer {
    ends: Ends,
    listener: u32,
    /// Shared: peers are cloned more often than made.
    header: Option<Arc<Header>>,
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
        let ends = Ends::Ip { remote: canonical(remote), local: canonical(local) };
        Self { ends, listener: 0, header: None }
    }

    /// A peer over a Unix socket.
    #[must_use]
    pub const fn unix() -> Self {
        Self { ends: Ends::Unix, listener: 0, header: None }
    }

    /// The same, come by the listener of this number.
    #[must_use]
    pub const fn by(mut self, listener: u32) -> Self {
        self.listener = listener;
        self
    }

    /// The client that `header`, received from this peer, introduces.
    #[must_use]
    pub fn introduced(mut self, header: Header) -> Self {
        self.header = Some(Arc::new(header));
        self
    }

    /// The two ends of the transport's stream: behind a balancer, the balancer and we.
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

    /// Our address of the transport, where there is one.
    #[must_use]
    pub const fn local(&self) -> Option<SocketAddr> {
        match self.ends {
            Ends::Ip { local, .. } => Some(local),
            Ends::Unix => None,
        }
    }

    /// What a balancer that is trusted said of the client.
    #[must_use]
    pub fn header(&self) -> Option<&Header> {
        self.header.as_deref()
    }

    /// The client's address over IP. Behind a balancer that speaks for itself, or for a client of
    /// which it says nothing, it is the balancer's, as the protocol asks for.
    #[must_use]
    pub fn remote(&self) -> Option<SocketAddr> {
        match self.client() {
            Client::Ip(remote) => Some(remote),
            Client::Unix(_) => None,
        }
    }

    /// The address that connections are counted by: the transport's without a header, and behind a
    /// balancer the client's, if its header names one of IP.
    #[must_use]
    pub fn remote_ip(&self) -> Option<IpAddr> {
        match &self.header {
            Some(header) => header.source().map(|source| source.ip().to_canonical()),
            None => self.remote().map(|remote| remote.ip()),
        }
    }

    fn client(&self) -> Client<'_> {
        match (self.header.as_deref().map(Header::route), self.ends) {
            (Some(Route::Ip { source, .. }), _) => Client::Ip(canonical(*source)),
            (Some(Route::Unix { source, .. }), _) => Client::Unix(Some(source)),
            (Some(Route::Local | Route::Unknown) | None, Ends::Ip { remote, .. }) => {
                Client::Ip(remote)
            }
            (Some(Route::Local | Route::Unknown) | None, Ends::Unix) => Client::Unix(None),
        }
    }
}

/// The far end, as far as its name is known.
enum Client<'a> {
    Ip(SocketAddr),
    Unix(Option<&'a UnixAddress>),
}

fn canonical(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V6(v6) if v6.ip().to_ipv4_mapped().is_some() => {
            SocketAddr::new(v6.ip().to_canonical(), v6.port())
        }
        SocketAddr::V4(_) | SocketAddr::V6(_) => address,
    }
}

/// The peer of the transport.
impl fmt::Display for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip { remote, .. } => remote.fmt(f),
            Self::Unix => f.write_str("unix"),
        }
    }
}

/// The client. That it comes through a balancer is not shown.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.client() {
            Client::Ip(remote) => remote.fmt(f),
            Client::Unix(Some(name)) => name.fmt(f),
            Client::Unix(None) => f.write_str("unix"),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;
    use crate::proxy::{Transport, Version};

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

    #[test]
    fn behind_a_balancer_the_peer_is_the_client_that_the_header_names()
    -> Result<(), core::net::AddrParseError> {
        let [client, server] = ["[::ffff:192.0.2.1]:9".parse()?, "[2001:db8::1]:10".parse()?];
        let name = UnixAddress::new(b"/run/client").unwrap();
        let balancer = Peer::ip("10.0.0.1:7".parse()?, "10.0.0.2:8".parse()?).by(3);
        assert_eq!((balancer.header(), balancer.remote()), (None, Some("10.0.0.1:7".parse()?)));
        for (header, text, counted, remote) in [
            (
                Header::tcp(Version::Two, client, server),
                "192.0.2.1:9",
                Some("192.0.2.1".parse()?),
                Some("192.0.2.1:9".parse()?),
            ),
            (Header::local(), "10.0.0.1:7", None, Some("10.0.0.1:7".parse()?)),
            (Header::unknown(Version::One), "10.0.0.1:7", None, Some("10.0.0.1:7".parse()?)),
            (Header::unix(Transport::Stream, name.clone(), name), "unix:/run/client", None, None),
        ] {
            let peer = balancer.clone().introduced(header.clone());
            assert_eq!((peer.to_string().as_str(), peer.remote_ip()), (text, counted));
            assert_eq!((peer.remote(), peer.header()), (remote, Some(&header)));
            assert_eq!((peer.ends(), peer.listener()), (balancer.ends(), 3));
            assert_eq!(peer.ends().to_string(), "10.0.0.1:7");
        }
        let peer = Peer::unix().introduced(Header::local());
        assert_eq!((peer.to_string().as_str(), peer.remote()), ("unix", None));
        Ok(())
    }
}
