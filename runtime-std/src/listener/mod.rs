//! Sockets that listen: bound to an address, adopted from somebody else, or taken apart for another
//! runtime.

mod error;
mod file;
#[cfg(feature = "evented")]
mod siblings;
mod socket;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;

use drywire::Peer;
use drywire::address::{Address, Endpoint, HostPort, Resolution, UnixPlace};
use drywire::proxy::ProxyPolicy;
use drywire::tls::ServerTls;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::stream::Stream;
pub use error::BindError;
#[cfg(not(target_os = "linux"))]
pub(crate) use file::FileError;
pub use file::SocketFile;
pub use socket::ListenerSocket;

/// Connections that the system may hold until they are accepted. Systems cut it down to their own
/// limit, 4,096 on Linux.
pub const BACKLOG: i32 = 4096;

/// A socket that is bound and listens: TCP or Unix.
///
/// It does not block. The file of a Unix socket is removed when it is dropped.
///
/// # Examples
/// ```
/// use drywire_std::Listener;
///
/// let listener = Listener::bind(&"tcp://127.0.0.1:0".parse()?)?;
/// assert_ne!(listener.address().to_string(), "tcp://127.0.0.1:0");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Listener {
    parts: ListenerParts,
    /// Somebody else has bound the socket.
    #[cfg(feature = "evented")]
    is_adopted: bool,
}

/// What a [`Listener`] is made of, for drivers that wait in their own way.
#[derive(Debug)]
#[non_exhaustive]
pub struct ListenerParts {
    /// The socket, in non-blocking mode.
    pub socket: ListenerSocket,
    /// The address, with the real port.
    pub address: Address,
    /// The TLS configuration.
    pub tls: Option<ServerTls>,
    /// Who must begin with a PROXY header; without it nobody does.
    pub proxy: Option<Arc<ProxyPolicy>>,
    /// The file of a Unix socket, to be kept as long as the socket.
    pub file: Option<SocketFile>,
}

impl Listener {
    /// Binds to `address` and listens.
    ///
    /// A host's name is resolved, which may block, and the first of its addresses that can be bound
    /// is. `[::]` takes IPv4 too, where the system can, and is `0.0.0.0` where there is no IPv6. A
    /// Unix socket's file that nobody listens on is replaced.
    ///
    /// An address with TLS needs [`with_tls`](Self::with_tls) before it is served.
    ///
    /// # Errors
    /// [`BindError`].
    pub fn bind(address: &Address) -> Result<Self, BindError> {
        if let Address::Datagram { .. } = address {
            return Err(BindError::Datagram(address.clone()));
        }
        let system = |source| BindError::System { address: address.clone(), source };
        let (socket, file, address) = match address.endpoint() {
            Endpoint::Internet(place) => {
                let candidates = resolve(place)
                    .map_err(|source| BindError::Resolve { address: address.clone(), source })?;
                let socket = bind_first(&candidates, bind_internet).map_err(system)?;
                let port = socket.local_addr().map_err(system)?.port();
                let place = HostPort { host: place.host.clone(), port };
                let address = with_endpoint(address, Endpoint::Internet(place));
                (ListenerSocket::bound(socket).map_err(system)?, None, address)
            }
            Endpoint::Unix(name) => {
                let (socket, file) = match name.place() {
                    UnixPlace::Path(path) => {
                        let bound = SocketFile::bind(Path::new(path), BACKLOG);
                        let (socket, file) = bound.map_err(|error| error.at(address))?;
                        (socket, Some(file))
                    }
                    UnixPlace::Abstract(name) => (bind_abstract(name).map_err(system)?, None),
                };
                (ListenerSocket::unix(socket).map_err(system)?, file, address.clone())
            }
        };
        let parts = ListenerParts { socket, address, tls: None, proxy: None, file };
        Ok(Self {
            parts,
            #[cfg(feature = "evented")]
            is_adopted: false,
        })
    }

    /// Takes a socket that listens already, for example one that another process has bound, by the
    /// name of `address`. What the name says of the place need not be so; its kind must be.
    ///
    /// The file of a Unix socket belongs to whoever bound it.
    ///
    /// # Errors
    /// [`BindError::Datagram`] if the address is one of datagrams, [`BindError::NotListening`] if
    /// the socket is not a listening one of the address' kind, and [`BindError::System`].
    pub fn adopt(socket: OwnedFd, address: Address) -> Result<Self, BindError> {
        if let Address::Datagram { .. } = address {
            return Err(BindError::Datagram(address));
        }
        let socket = Socket::from(socket);
        let is_listening = || {
            let domain = socket.local_addr()?.domain();
            let is_kind = match address.endpoint() {
                Endpoint::Internet(_) => domain == Domain::IPV4 || domain == Domain::IPV6,
                Endpoint::Unix(_) => domain == Domain::UNIX,
            };
            Ok(is_kind && socket.r#type()? == Type::STREAM && socket.is_listener()?)
        };
        match is_listening() {
            Ok(true) => {}
            Ok(false) => return Err(BindError::NotListening(address)),
            Err(source) => return Err(BindError::System { address, source }),
        }
        let socket = match address.endpoint() {
            Endpoint::Internet(_) => ListenerSocket::adopted(socket.into()),
            Endpoint::Unix(_) => ListenerSocket::unix(socket.into()),
        };
        match socket {
            Ok(socket) => Ok(Self {
                parts: ListenerParts { socket, address, tls: None, proxy: None, file: None },
                #[cfg(feature = "evented")]
                is_adopted: true,
            }),
            Err(source) => Err(BindError::System { address, source }),
        }
    }

    /// Runs TLS on every connection. The address then says so.
    #[must_use]
    pub fn with_tls(mut self, tls: ServerTls) -> Self {
        match &mut self.parts.address {
            Address::Stream { tls, .. } | Address::Http { tls, .. } => *tls = true,
            Address::Datagram { .. } => {}
        }
        self.parts.tls = Some(tls);
        self
    }

    /// Requires a PROXY header, before TLS, from those whom `policy` trusts, and takes nobody else,
    /// unless it says so. The protocol is made once the header is there, for the client that it
    /// names.
    #[must_use]
    pub fn with_proxy(mut self, policy: ProxyPolicy) -> Self {
        self.parts.proxy = Some(Arc::new(policy));
        self
    }

    /// The address, with the real port where 0 was asked for.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.parts.address
    }

    /// Whether the address has TLS and its configuration is missing.
    #[must_use]
    pub const fn lacks_tls(&self) -> bool {
        self.parts.address.is_tls() && self.parts.tls.is_none()
    }

    pub(crate) const fn parts(&self) -> &ListenerParts {
        &self.parts
    }

    /// Takes the listener apart.
    #[must_use]
    pub fn into_parts(self) -> ListenerParts {
        self.parts
    }
}

/// Makes a stream of what the system accepted.
///
/// # Errors
/// [`ConnectionAborted`](io::ErrorKind::ConnectionAborted): what fails here fails because the peer
/// has already gone.
pub fn accepted<T>(stream: T) -> io::Result<(Stream, Peer)>
where
    Stream: TryFrom<T, Error = io::Error>,
{
    let stream = Stream::try_from(stream).map_err(aborted)?;
    let peer = stream.peer().map_err(aborted)?;
    Ok((stream, peer))
}

fn aborted(_: io::Error) -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}

pub(crate) fn with_endpoint(address: &Address, endpoint: Endpoint) -> Address {
    match address {
        Address::Stream { tls, .. } => Address::Stream { endpoint, tls: *tls },
        Address::Datagram { .. } => Address::Datagram { endpoint },
        Address::Http { tls, target, .. } => {
            Address::Http { endpoint, tls: *tls, target: target.clone() }
        }
    }
}

pub(crate) fn resolve(place: &HostPort) -> io::Result<Vec<SocketAddr>> {
    match place.resolution() {
        Resolution::Known(address) if place.host.is_unspecified() && address.is_ipv6() => {
            let v4 = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), address.port());
            Ok(vec![address, v4])
        }
        Resolution::Known(address) => Ok(vec![address]),
        Resolution::Lookup { name, port } => Ok((name.as_str(), port).to_socket_addrs()?.collect()),
    }
}

/// Binds to the first of `candidates` that can be had.
pub(crate) fn bind_first<T>(
    candidates: &[SocketAddr],
    bind: impl Fn(SocketAddr) -> io::Result<T>,
) -> io::Result<T> {
    let mut outcome = Err(io::Error::from(io::ErrorKind::AddrNotAvailable));
    for candidate in candidates {
        outcome = bind(*candidate);
        let is_taken = |error: &io::Error| error.kind() == io::ErrorKind::AddrInUse;
        // Where the wildcard is taken, its IPv4 half alone would be half a server.
        if outcome.as_ref().is_ok() || outcome.as_ref().is_err_and(is_taken) {
            break;
        }
    }
    outcome
}

fn bind_internet(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of a server that has just ended do not keep the next one from listening.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    // For what is accepted, on Linux.
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn bind_abstract(name: &str) -> io::Result<UnixListener> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&abstract_name(name)?)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// A name in the abstract namespace, which only Linux has.
pub(crate) fn abstract_name(name: &str) -> io::Result<SockAddr> {
    if !cfg!(any(target_os = "linux", target_os = "android")) {
        return Err(io::ErrorKind::Unsupported.into());
    }
    SockAddr::unix(format!("\0{name}"))
}

#[cfg(test)]
mod tests {
    use std::net::{TcpStream, UdpSocket};

    use super::*;

    fn adopt(socket: impl Into<OwnedFd>, address: &str) -> Result<Listener, BindError> {
        Listener::adopt(socket.into(), address.parse().unwrap())
    }

    #[test]
    fn a_socket_that_listens_is_adopted_whatever_its_place_is_called() {
        for place in ["127.0.0.1:0", "[::1]:0"] {
            let socket = TcpListener::bind(place).unwrap();
            let at = socket.local_addr().unwrap();
            let listener = adopt(socket, "tls://example.org:443").unwrap();
            assert_eq!(listener.address().to_string(), "tls://example.org:443");
            assert!(listener.lacks_tls());
            let socket = listener.into_parts().socket;
            // It was blocking.
            assert_eq!(socket.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
            let _client = TcpStream::connect(at).unwrap();
            socket.accept().unwrap();
        }
    }

    #[test]
    fn what_does_not_listen_or_is_of_another_kind_is_refused() {
        let tcp = || TcpListener::bind("127.0.0.1:0").unwrap();
        let silent = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        for refused in [
            adopt(UdpSocket::bind("127.0.0.1:0").unwrap(), "tcp://:1"),
            adopt(silent, "tcp://:1"),
            adopt(tcp(), "unix:/x"),
        ] {
            let error = refused.unwrap_err();
            assert!(matches!(error, BindError::NotListening(_)), "{error}");
        }
        let error = adopt(tcp(), "udp://:1").unwrap_err();
        assert_eq!(error.to_string(), "udp://[::]:1 is not a byte stream");
        let error = adopt(tcp(), "unix:/x").unwrap_err();
        let expected = "the socket that was handed over for unix:/x does not listen there";
        assert_eq!(error.to_string(), expected);
        // No socket at all.
        let file = std::fs::File::open("/dev/null").unwrap();
        let error = adopt(file, "tcp://:1").unwrap_err();
        assert!(matches!(error, BindError::System { .. }), "{error}");
    }
}
