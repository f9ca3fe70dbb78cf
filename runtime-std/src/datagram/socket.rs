use std::io;
use std::net::UdpSocket;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr as UnixAddress, UnixDatagram};

use drywire::datagram::{DatagramPeer, UnixPeer};

/// A datagram socket that does not block: UDP or Unix.
///
/// Made from the standard library's sockets with `try_from`, which puts them into non-blocking
/// mode.
#[derive(Debug)]
pub enum DatagramSocket {
    /// Over IPv4 or IPv6.
    Udp(UdpSocket),
    /// A Unix socket.
    Unix(UnixDatagram),
}

impl DatagramSocket {
    /// The socket's own address.
    ///
    /// # Errors
    /// Those of the system.
    pub fn local(&self) -> io::Result<DatagramPeer> {
        match self {
            Self::Udp(socket) => Ok(DatagramPeer::ip(socket.local_addr()?)),
            Self::Unix(socket) => Ok(DatagramPeer::Unix(unix_peer(&socket.local_addr()?))),
        }
    }

    /// The address that the socket is connected to.
    ///
    /// # Errors
    /// Those of the system, [`NotConnected`](io::ErrorKind::NotConnected) among them.
    pub fn remote(&self) -> io::Result<DatagramPeer> {
        match self {
            Self::Udp(socket) => Ok(DatagramPeer::ip(socket.peer_addr()?)),
            Self::Unix(socket) => Ok(DatagramPeer::Unix(unix_peer(&socket.peer_addr()?))),
        }
    }
}

/// # Errors
/// Those of the system when it changes the socket's mode.
impl TryFrom<UdpSocket> for DatagramSocket {
    type Error = io::Error;

    fn try_from(socket: UdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self::Udp(socket))
    }
}

/// # Errors
/// Those of the system when it changes the socket's mode.
impl TryFrom<UnixDatagram> for DatagramSocket {
    type Error = io::Error;

    fn try_from(socket: UnixDatagram) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self::Unix(socket))
    }
}

impl AsFd for DatagramSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Udp(socket) => socket.as_fd(),
            Self::Unix(socket) => socket.as_fd(),
        }
    }
}

/// A name that is too long for its owner counts as none: such a peer cannot be answered.
pub(super) fn unix_peer(address: &UnixAddress) -> UnixPeer {
    #[cfg(target_os = "linux")]
    if let Some(name) = std::os::linux::net::SocketAddrExt::as_abstract_name(address) {
        return UnixPeer::abstract_name(name).unwrap_or(UnixPeer::UNNAMED);
    }
    address
        .as_pathname()
        .and_then(|path| UnixPeer::path(path.as_os_str().as_bytes()))
        .unwrap_or(UnixPeer::UNNAMED)
}
