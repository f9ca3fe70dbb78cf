use std::io;
use std::net::SocketAddr;
#[cfg(target_os = "linux")]
use std::net::UdpSocket;
use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use drywire::address::{Address, Endpoint, HostPort, UnixPlace};
#[cfg(target_os = "linux")]
use socket2::SockRef;
use socket2::{Domain, Protocol, Socket, Type};

use super::socket::DatagramSocket;
use crate::listener::{BindError, SocketFile, abstract_name, bind_first, resolve, with_endpoint};

/// Bytes that the system is asked to keep for a UDP socket until they are received. Systems cut it
/// down to their own limit.
const RECEIVE_LEN: usize = 4 * 1024 * 1024;

/// A datagram socket that is bound: UDP or Unix. To a server it is what a
/// [`Listener`](crate::Listener) is for streams.
///
/// It does not block. The file of a Unix socket is removed when it is dropped.
///
/// A Unix socket's answers that their peers have not read take from the room that the system gives
/// the socket, on Linux without a bound for a peer that is connected: one that asks much and reads
/// nothing can use it up, and answers to others are then lost and counted. Only processes that may
/// write to the socket's file can do that.
///
/// # Examples
/// ```
/// use drywire_std::datagram::DatagramListener;
///
/// let listener = DatagramListener::bind(&"udp://127.0.0.1:0".parse()?)?;
/// assert_ne!(listener.address().to_string(), "udp://127.0.0.1:0");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct DatagramListener {
    parts: DatagramListenerParts,
}

/// What a [`DatagramListener`] is made of, for drivers that wait in their own way.
#[derive(Debug)]
#[non_exhaustive]
pub struct DatagramListenerParts {
    /// The socket, in non-blocking mode.
    pub socket: DatagramSocket,
    /// The address, with the real port.
    pub address: Address,
    /// The file of a Unix socket, to be kept as long as the socket.
    pub file: Option<SocketFile>,
}

impl DatagramListener {
    /// Binds to `address`.
    ///
    /// A host's name is resolved, which may block, and the first of its addresses that can be bound
    /// is. `[::]` takes IPv4 too, where the system can, and is `0.0.0.0` where there is no IPv6. A
    /// Unix socket's file that nobody has bound is replaced.
    ///
    /// # Errors
    /// [`BindError`].
    pub fn bind(address: &Address) -> Result<Self, BindError> {
        if !matches!(address, Address::Datagram { .. }) {
            return Err(BindError::NotDatagram(address.clone()));
        }
        let system = |source| BindError::System { address: address.clone(), source };
        let (socket, file, address) = match address.endpoint() {
            Endpoint::Internet(place) => {
                let candidates = resolve(place)
                    .map_err(|source| BindError::Resolve { address: address.clone(), source })?;
                let socket = bind_first(&candidates, bind_internet).map_err(system)?;
                let local = socket.local_addr().map_err(system)?.as_socket();
                let port = local.map_or(place.port, |local| local.port());
                let place = HostPort { host: place.host.clone(), port };
                let address = with_endpoint(address, Endpoint::Internet(place));
                (DatagramSocket::Udp(socket.into()), None, address)
            }
            Endpoint::Unix(name) => {
                let (socket, file) = match name.place() {
                    UnixPlace::Path(path) => {
                        let bound = SocketFile::bind_socket(Path::new(path), Type::DGRAM);
                        let (socket, file) = bound.map_err(|error| error.at(address))?;
                        (socket, Some(file))
                    }
                    UnixPlace::Abstract(name) => (bind_abstract(name).map_err(system)?, None),
                };
                socket.set_nonblocking(true).map_err(system)?;
                (DatagramSocket::Unix(UnixDatagram::from(socket)), file, address.clone())
            }
        };
        Ok(Self { parts: DatagramListenerParts { socket, address, file } })
    }

    /// Binds `len` sockets to one UDP address, for as many processes. The system gives all
    /// datagrams of a source to the same of them, so that each process knows all about its sources.
    /// What any other process of this user binds to the address by sharing it takes part, too;
    /// whoever does not share finds it taken, as does another call of this.
    ///
    /// It is only one socket where that cannot be: for a Unix socket, and on systems other than
    /// Linux.
    ///
    /// # Errors
    /// [`BindError`].
    pub fn bind_group(address: &Address, len: NonZeroUsize) -> Result<Vec<Self>, BindError> {
        let first = Self::bind(address)?;
        let mut group = Vec::new();
        #[cfg(target_os = "linux")]
        if let DatagramSocket::Udp(socket) = &first.parts.socket {
            let address = &first.parts.address;
            let system = |source| BindError::System { address: address.clone(), source };
            for _ in 1..len.get() {
                let socket = DatagramSocket::Udp(bind_beside(socket).map_err(system)?);
                let address = address.clone();
                group.push(Self { parts: DatagramListenerParts { socket, address, file: None } });
            }
        }
        #[cfg(not(target_os = "linux"))]
        let _ = len;
        group.insert(0, first);
        Ok(group)
    }

    /// Takes a socket that is bound already, for example by another process, by the name of
    /// `address`. What the name says of the place need not be so; its kind must be.
    ///
    /// The file of a Unix socket belongs to whoever bound it.
    ///
    /// # Errors
    /// [`BindError::NotDatagram`] if the address is one of byte streams, [`BindError::NotListening`]
    /// if the socket is not one for datagrams of the address' kind, and [`BindError::System`].
    pub fn adopt(socket: OwnedFd, address: Address) -> Result<Self, BindError> {
        if !matches!(address, Address::Datagram { .. }) {
            return Err(BindError::NotDatagram(address));
        }
        let socket = Socket::from(socket);
        let is_kind = || {
            let domain = socket.local_addr()?.domain();
            let is_kind = match address.endpoint() {
                Endpoint::Internet(_) => domain == Domain::IPV4 || domain == Domain::IPV6,
                Endpoint::Unix(_) => domain == Domain::UNIX,
            };
            Ok(is_kind && socket.r#type()? == Type::DGRAM)
        };
        match is_kind().and_then(|is_kind| socket.set_nonblocking(true).map(|()| is_kind)) {
            Ok(true) => {}
            Ok(false) => return Err(BindError::NotListening(address)),
            Err(source) => return Err(BindError::System { address, source }),
        }
        let socket = match address.endpoint() {
            Endpoint::Internet(_) => DatagramSocket::Udp(socket.into()),
            Endpoint::Unix(_) => DatagramSocket::Unix(UnixDatagram::from(socket)),
        };
        Ok(Self { parts: DatagramListenerParts { socket, address, file: None } })
    }

    /// The address, with the real port where 0 was asked for.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.parts.address
    }

    pub(crate) const fn parts(&self) -> &DatagramListenerParts {
        &self.parts
    }

    /// Takes the listener apart.
    #[must_use]
    pub fn into_parts(self) -> DatagramListenerParts {
        self.parts
    }
}

/// The address is not shared: with UDP, whoever binds it later would take the datagrams.
fn bind_internet(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    // More than the system's default if it can be had; what does not fit is lost either way.
    let _ = socket.set_recv_buffer_size(RECEIVE_LEN);
    socket.bind(&address.into())?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// A socket bound to the same address, for a share of the datagrams.
///
/// `first` was bound without sharing: nobody else's group is joined by mistake.
#[cfg(target_os = "linux")]
fn bind_beside(first: &UdpSocket) -> io::Result<UdpSocket> {
    let first = SockRef::from(first);
    first.set_reuse_port(true)?;
    let address = first.local_addr()?;
    let socket = Socket::new(address.domain(), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(first.only_v6()?)?;
    }
    let _ = socket.set_recv_buffer_size(RECEIVE_LEN);
    socket.set_reuse_port(true)?;
    socket.bind(&address)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn bind_abstract(name: &str) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::DGRAM, None)?;
    socket.bind(&abstract_name(name)?)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    use std::net::Ipv4Addr;
    use std::net::UdpSocket;
    use std::os::unix::net::UnixStream;
    use std::time::{Duration, Instant};

    use super::*;

    /// How long anything may take.
    const PATIENCE: Duration = Duration::from_secs(60);

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    fn group(text: &str, len: usize) -> Vec<DatagramListener> {
        DatagramListener::bind_group(&address(text), NonZeroUsize::new(len).unwrap()).unwrap()
    }

    fn udp(listener: DatagramListener) -> UdpSocket {
        match listener.into_parts().socket {
            DatagramSocket::Udp(socket) => socket,
            DatagramSocket::Unix(socket) => panic!("{socket:?}"),
        }
    }

    /// Waits for a datagram on any of them, and tells on which and from whom.
    fn received(sockets: &[UdpSocket]) -> (usize, SocketAddr) {
        let begin = Instant::now();
        loop {
            for (index, socket) in sockets.iter().enumerate() {
                if let Ok((_, from)) = socket.recv_from(&mut [0; 9]) {
                    return (index, from);
                }
            }
            assert!(begin.elapsed() < PATIENCE, "no datagram came");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn every_source_has_its_socket_in_a_group() {
        for text in ["udp://127.0.0.1:0", "udp://[::1]:0", "udp://[::]:0"] {
            let sockets: Vec<_> = group(text, 3).into_iter().map(udp).collect();
            let mut to = sockets[0].local_addr().unwrap();
            assert!(sockets.iter().all(|socket| socket.local_addr().unwrap() == to));
            if to.ip().is_unspecified() {
                to.set_ip(Ipv4Addr::LOCALHOST.into());
            }
            let mut counts = [0; 3];
            for _ in 0..64 {
                let source = UdpSocket::bind(if to.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" });
                let source = source.unwrap();
                let indexes = [(); 3].map(|()| {
                    source.send_to(b"x", to).unwrap();
                    let (index, from) = received(&sockets);
                    assert_eq!(from.port(), source.local_addr().unwrap().port());
                    index
                });
                assert!(indexes.iter().all(|index| *index == indexes[0]), "{indexes:?}");
                counts[indexes[0]] += 1;
            }
            // One is left out by chance in one of 6 * 10^10 runs.
            assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
        }
    }

    #[test]
    fn an_address_has_one_group() {
        for len in [1, 2] {
            let mut first = group("udp://127.0.0.1:0", len);
            let taken = first[0].address().clone();
            for other in [1, 2] {
                let len = NonZeroUsize::new(other).unwrap();
                let error = DatagramListener::bind_group(&taken, len).unwrap_err();
                assert!(matches!(
                    error,
                    BindError::System { source, .. } if source.kind() == io::ErrorKind::AddrInUse
                ));
            }
            // As long as one of them is there.
            first.truncate(1);
            assert!(DatagramListener::bind(&taken).is_err());
            drop(first);
            assert!(DatagramListener::bind(&taken).is_ok());
        }
    }

    #[test]
    fn unix_sockets_are_alone() {
        let path = std::env::temp_dir().join(format!("drywire-group-{}", std::process::id()));
        let group = group(&format!("unixgram:{}", path.display()), 3);
        assert_eq!(group.len(), 1);
        assert!(path.exists());
        drop(group);
        assert!(!path.exists());
    }

    #[test]
    fn what_is_adopted_is_of_the_address_kind() {
        let udp = || OwnedFd::from(UdpSocket::bind("127.0.0.1:0").unwrap());
        let unix = || OwnedFd::from(UnixDatagram::unbound().unwrap());
        let stream = || OwnedFd::from(UnixStream::pair().unwrap().0);
        let adopt = |socket, text| DatagramListener::adopt(socket, address(text));
        for (socket, text, is_adopted) in [
            (udp(), "udp://192.0.2.1:7", true),
            (unix(), "unixgram:/x", true),
            (udp(), "unixgram:/x", false),
            (unix(), "udp://192.0.2.1:7", false),
            (stream(), "unixgram:/x", false),
        ] {
            match adopt(socket, text) {
                Ok(listener) => {
                    assert!(is_adopted, "{text}");
                    assert_eq!(listener.address().to_string(), text);
                }
                Err(error) => {
                    assert!(!is_adopted, "{error}");
                    assert!(matches!(error, BindError::NotListening(_)), "{error}");
                }
            }
        }
        let error = adopt(udp(), "tcp://192.0.2.1:7").unwrap_err();
        assert!(matches!(error, BindError::NotDatagram(_)), "{error}");
        let adopted = adopt(udp(), "udp://192.0.2.1:7").unwrap().into_parts().socket;
        let DatagramSocket::Udp(adopted) = adopted else { panic!("{adopted:?}") };
        assert_eq!(adopted.recv(&mut [0]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }
}
