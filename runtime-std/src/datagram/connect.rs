use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::unix::net::UnixDatagram;

use drywire::address::{Address, Endpoint, UnixName, UnixPlace};
use socket2::{Domain, SockAddr, Socket, Type};

use super::socket::DatagramSocket;
use crate::error::ConnectError;
#[cfg(not(target_os = "linux"))]
use crate::listener::FileError;
use crate::listener::{SocketFile, abstract_name, resolve};

/// A datagram socket that is connected: it sends to one peer, receives from nobody else, and hears
/// when that peer's system refuses.
#[derive(Debug)]
pub struct ConnectedDatagram {
    /// The socket, in non-blocking mode.
    pub socket: DatagramSocket,
    /// The file of our own Unix socket, to be kept as long as the socket.
    pub file: Option<SocketFile>,
}

impl ConnectedDatagram {
    /// Connects to `address`, from a name of our own, so that we can be answered: with Unix sockets
    /// an abstract one on Linux, and a file in the folder for temporary files elsewhere.
    ///
    /// A host's name is resolved, which may block, and the first of its addresses that there is a
    /// way to is taken. Nothing is sent.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub fn new(address: &Address) -> Result<Self, ConnectError> {
        if !matches!(address, Address::Datagram { .. }) {
            return Err(ConnectError::NotDatagram(address.clone()));
        }
        match address.endpoint() {
            Endpoint::Internet(place) => {
                let candidates = resolve(place).map_err(ConnectError::Resolve)?;
                let socket = connect_first(&candidates).map_err(ConnectError::Io)?;
                Ok(Self { socket, file: None })
            }
            Endpoint::Unix(name) => connect_unix(name).map_err(ConnectError::Unix),
        }
    }
}

fn connect_first(candidates: &[SocketAddr]) -> io::Result<DatagramSocket> {
    let mut outcome = Err(io::Error::from(io::ErrorKind::AddrNotAvailable));
    for candidate in candidates {
        outcome = connect_internet(*candidate);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

fn connect_internet(address: SocketAddr) -> io::Result<DatagramSocket> {
    let socket = match address {
        SocketAddr::V4(_) => UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?,
        SocketAddr::V6(_) => UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0))?,
    };
    socket.connect(address)?;
    socket.try_into()
}

fn connect_unix(name: &UnixName) -> io::Result<ConnectedDatagram> {
    let name = match name.place() {
        UnixPlace::Path(path) => SockAddr::unix(path)?,
        UnixPlace::Abstract(name) => abstract_name(name)?,
    };
    let (socket, file) = bind_anywhere()?;
    socket.connect(&name)?;
    let socket = DatagramSocket::try_from(UnixDatagram::from(socket))?;
    Ok(ConnectedDatagram { socket, file })
}

/// A Unix socket whose name the system chooses.
#[cfg(target_os = "linux")]
fn bind_anywhere() -> io::Result<(Socket, Option<SocketFile>)> {
    let socket = Socket::new(Domain::UNIX, Type::DGRAM, None)?;
    // Linux takes no name for any.
    rustix::net::bind(&socket, &rustix::net::SocketAddrUnix::new_unnamed())?;
    Ok((socket, None))
}

/// A Unix socket in the folder for temporary files.
#[cfg(not(target_os = "linux"))]
fn bind_anywhere() -> io::Result<(Socket, Option<SocketFile>)> {
    for number in 0..1000 {
        let name = format!("drywire-{}-{number}", std::process::id());
        match SocketFile::bind_socket(&std::env::temp_dir().join(name), Type::DGRAM) {
            Ok((socket, file)) => return Ok((socket, Some(file))),
            Err(FileError::InUse | FileError::NotASocket) => {}
            Err(FileError::System(error)) => return Err(error),
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}
