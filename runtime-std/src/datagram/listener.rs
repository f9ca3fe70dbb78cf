use std::io;
use std::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use drywire::address::{Address, Endpoint, HostPort, UnixPlace};
use socket2::{Domain, Protocol, Socket, Type};

use super::socket::DatagramSocket;
use crate::listener::{BindError, FileError, SocketFile, abstract_name, resolve, with_endpoint};

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
                let socket = bind_first(&candidates).map_err(system)?;
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
                        let (socket, file) = bound.map_err(|error| match error {
                            FileError::InUse => BindError::InUse(address.clone()),
                            FileError::NotASocket => BindError::NotASocket(address.clone()),
                            FileError::System(source) => system(source),
                        })?;
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

    /// The address, with the real port where 0 was asked for.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.parts.address
    }

    /// Takes the listener apart.
    #[must_use]
    pub fn into_parts(self) -> DatagramListenerParts {
        self.parts
    }
}

fn bind_first(candidates: &[SocketAddr]) -> io::Result<Socket> {
    let mut outcome = Err(io::Error::from(io::ErrorKind::AddrNotAvailable));
    for candidate in candidates {
        outcome = bind_internet(*candidate);
        let is_taken = |error: &io::Error| error.kind() == io::ErrorKind::AddrInUse;
        // Where the wildcard is taken, its IPv4 half alone would be half a server.
        if outcome.as_ref().is_ok() || outcome.as_ref().is_err_and(is_taken) {
            break;
        }
    }
    outcome
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

fn bind_abstract(name: &str) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::DGRAM, None)?;
    socket.bind(&abstract_name(name)?)?;
    Ok(socket)
}
