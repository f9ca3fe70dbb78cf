//! Accepting with as few system calls as the system lets us.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixListener;
#[cfg(target_os = "linux")]
use std::os::unix::net::UnixStream;
#[cfg(target_os = "linux")]
use std::sync::atomic::{AtomicBool, Ordering};

use drywire::Peer;
#[cfg(target_os = "linux")]
use rustix::io::Errno;
#[cfg(target_os = "linux")]
use rustix::net::{SocketFlags, acceptfrom_with};
#[cfg(target_os = "linux")]
use socket2::SockRef;

use super::aborted;
#[cfg(not(target_os = "linux"))]
use super::accepted;
use crate::stream::Stream;

/// The socket of a [`Listener`](super::Listener), which does not block, and what is known of all
/// that it accepts: on Linux accepting takes one system call, or two where it listens at every address
/// of the machine, or was bound by somebody else.
#[derive(Debug)]
pub struct ListenerSocket {
    pub(super) kind: Kind,
    /// The local address of every stream, if it is known that there is but one.
    local: Option<SocketAddr>,
    /// Those in the queue may have come before the listener had the option.
    #[cfg(target_os = "linux")]
    sets_nodelay: AtomicBool,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// Over IPv4 or IPv6.
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl ListenerSocket {
    /// One that we have bound, and that had the option before it listened.
    pub(super) fn bound(listener: TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let local = listener.local_addr()?;
        Ok(Self {
            kind: Kind::Tcp(listener),
            local: Some(local).filter(|local| !local.ip().is_unspecified()),
            #[cfg(target_os = "linux")]
            sets_nodelay: AtomicBool::new(false),
        })
    }

    /// One that somebody else has bound, or a copy of it. Whatever it says, it may have had no such
    /// option when the first came that are in its queue, and what it accepts may have been on its way
    /// to any address, where the system is told so.
    pub(super) fn adopted(listener: TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        // Linux gives what comes the option of its listener.
        #[cfg(target_os = "linux")]
        SockRef::from(&listener).set_tcp_nodelay(true)?;
        Ok(Self {
            kind: Kind::Tcp(listener),
            local: None,
            #[cfg(target_os = "linux")]
            sets_nodelay: AtomicBool::new(true),
        })
    }

    pub(super) fn unix(listener: UnixListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self {
            kind: Kind::Unix(listener),
            local: None,
            #[cfg(target_os = "linux")]
            sets_nodelay: AtomicBool::new(false),
        })
    }

    /// Accepts a connection.
    ///
    /// # Errors
    /// Those of the system, for example [`WouldBlock`](io::ErrorKind::WouldBlock) when there is
    /// none; [`AcceptFault::from_os`](drywire::admission::AcceptFault::from_os) tells the
    /// others apart.
    #[cfg(target_os = "linux")]
    pub fn accept(&self) -> io::Result<(Stream, Peer)> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (stream, remote) = match acceptfrom_with(self, flags) {
            Ok(accepted) => accepted,
            Err(error) => {
                if error == Errno::WOULDBLOCK {
                    // Whoever comes now, comes to a listener that has the option.
                    self.sets_nodelay.store(false, Ordering::Relaxed);
                }
                return Err(error.into());
            }
        };
        match &self.kind {
            Kind::Unix(_) => Ok((Stream::Unix(UnixStream::from(stream)), Peer::unix())),
            Kind::Tcp(_) => {
                let stream = TcpStream::from(stream);
                let remote = remote.and_then(|remote| SocketAddr::try_from(remote).ok());
                let remote = remote.ok_or(io::ErrorKind::ConnectionAborted)?;
                let peer = Peer::ip(remote, self.local(&stream)?);
                if self.sets_nodelay.load(Ordering::Relaxed) {
                    stream.set_nodelay(true).map_err(aborted)?;
                }
                Ok((Stream::Tcp(stream), peer))
            }
        }
    }

    /// Accepts a connection.
    ///
    /// # Errors
    /// Those of the system, for example [`WouldBlock`](io::ErrorKind::WouldBlock) when there is
    /// none; [`AcceptFault::from_os`](drywire::admission::AcceptFault::from_os) tells the
    /// others apart.
    #[cfg(not(target_os = "linux"))]
    pub fn accept(&self) -> io::Result<(Stream, Peer)> {
        match &self.kind {
            Kind::Tcp(socket) => {
                let (stream, remote) = socket.accept()?;
                let peer = Peer::ip(remote, self.local(&stream)?);
                Ok((Stream::try_from(stream).map_err(aborted)?, peer))
            }
            Kind::Unix(socket) => accepted(socket.accept()?.0),
        }
    }

    fn local(&self, stream: &TcpStream) -> io::Result<SocketAddr> {
        self.local.map_or_else(|| stream.local_addr().map_err(aborted), Ok)
    }
}

impl AsFd for ListenerSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.kind {
            Kind::Tcp(socket) => socket.as_fd(),
            Kind::Unix(socket) => socket.as_fd(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening(address: &str) -> (ListenerSocket, SocketAddr) {
        let listener = TcpListener::bind(address).unwrap();
        let at = listener.local_addr().unwrap();
        // It came before anybody thought of delays.
        drop(TcpStream::connect(("127.0.0.1", at.port())).unwrap());
        // A copy that was adopted before has set the option for both.
        drop(ListenerSocket::adopted(listener.try_clone().unwrap()).unwrap());
        (ListenerSocket::adopted(listener).unwrap(), at)
    }

    #[test]
    fn what_is_accepted_does_not_block_or_delay_and_has_its_names() {
        for address in ["127.0.0.1:0", "0.0.0.0:0"] {
            let (socket, at) = listening(address);
            for _ in 0..3 {
                let client = TcpStream::connect(("127.0.0.1", at.port())).unwrap();
                let mut accepted = Vec::new();
                while let Ok(one) = socket.accept() {
                    accepted.push(one);
                }
                let (stream, peer) = accepted.pop().unwrap();
                let ends = Peer::ip(client.local_addr().unwrap(), client.peer_addr().unwrap());
                assert_eq!(peer, ends);
                assert_eq!(stream.peer().unwrap(), ends);
                accepted.push((stream, peer));
                for (stream, _) in accepted {
                    let Stream::Tcp(stream) = stream else { panic!("{stream:?}") };
                    assert!(stream.nodelay().unwrap());
                    assert!(stream.peek(&mut [0]).is_ok_and(|len| len == 0) || is_silent(&stream));
                }
            }
        }
    }

    fn is_silent(stream: &TcpStream) -> bool {
        stream.peek(&mut [0]).unwrap_err().kind() == io::ErrorKind::WouldBlock
    }
}
