//! Accepting with as few system calls as the system lets us.

use std::io;
use std::net::SocketAddr;
#[cfg(target_os = "linux")]
use std::net::TcpStream;
#[cfg(target_os = "linux")]
use std::os::fd::AsFd;
#[cfg(target_os = "linux")]
use std::os::unix::net::UnixStream;

use drywire::Peer;
#[cfg(target_os = "linux")]
use rustix::io::Errno;
#[cfg(target_os = "linux")]
use rustix::net::{SocketFlags, acceptfrom_with};
#[cfg(target_os = "linux")]
use socket2::SockRef;

use super::ListenerSocket;
use crate::stream::Stream;

/// A listening socket, and what is known of all that it accepts.
#[derive(Debug)]
pub(crate) struct Acceptor {
    socket: ListenerSocket,
    /// The local address of every stream, if there is but one.
    local: Option<SocketAddr>,
    /// Those in the queue may have come before the listener had the option.
    #[cfg(target_os = "linux")]
    sets_nodelay: bool,
}

impl Acceptor {
    pub(crate) fn new(socket: ListenerSocket) -> io::Result<Self> {
        let mut local = None;
        #[cfg(target_os = "linux")]
        let mut sets_nodelay = false;
        if let ListenerSocket::Tcp(listener) = &socket {
            local = Some(listener.local_addr()?).filter(|local| !local.ip().is_unspecified());
            // Linux gives what comes the option of its listener.
            #[cfg(target_os = "linux")]
            {
                let listener = SockRef::from(listener);
                sets_nodelay = !listener.tcp_nodelay()?;
                listener.set_tcp_nodelay(true)?;
            }
        }
        Ok(Self {
            socket,
            local,
            #[cfg(target_os = "linux")]
            sets_nodelay,
        })
    }

    pub(crate) const fn socket(&self) -> &ListenerSocket {
        &self.socket
    }

    /// Accepts a connection; see [`ListenerSocket::accept`].
    #[cfg(target_os = "linux")]
    pub(crate) fn accept(&mut self) -> io::Result<(Stream, Peer)> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (stream, remote) = match acceptfrom_with(self.socket.as_fd(), flags) {
            Ok(accepted) => accepted,
            Err(error) => {
                // Whoever comes now, comes to a listener that has the option.
                self.sets_nodelay &= error != Errno::WOULDBLOCK;
                return Err(error.into());
            }
        };
        match &self.socket {
            ListenerSocket::Unix(_) => Ok((Stream::Unix(UnixStream::from(stream)), Peer::unix())),
            ListenerSocket::Tcp(_) => {
                let stream = TcpStream::from(stream);
                // What fails here fails because the peer has already gone.
                let aborted = || io::Error::from(io::ErrorKind::ConnectionAborted);
                let remote = remote.and_then(|remote| SocketAddr::try_from(remote).ok());
                let remote = remote.ok_or_else(aborted)?;
                let local = self.local.map_or_else(|| stream.local_addr(), Ok);
                let peer = Peer::ip(remote, local.map_err(|_| aborted())?);
                if self.sets_nodelay {
                    stream.set_nodelay(true).map_err(|_| aborted())?;
                }
                Ok((Stream::Tcp(stream), peer))
            }
        }
    }

    /// Accepts a connection; see [`ListenerSocket::accept`].
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn accept(&mut self) -> io::Result<(Stream, Peer)> {
        self.socket.accept()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    fn acceptor(address: &str) -> (Acceptor, SocketAddr) {
        let listener = TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let at = listener.local_addr().unwrap();
        // It came before anybody thought of delays.
        drop(TcpStream::connect(("127.0.0.1", at.port())).unwrap());
        (Acceptor::new(ListenerSocket::Tcp(listener)).unwrap(), at)
    }

    #[test]
    fn what_is_accepted_does_not_block_or_delay_and_has_its_names() {
        for address in ["127.0.0.1:0", "0.0.0.0:0"] {
            let (mut acceptor, at) = acceptor(address);
            for _ in 0..3 {
                let client = TcpStream::connect(("127.0.0.1", at.port())).unwrap();
                let mut accepted = Vec::new();
                while let Ok(one) = acceptor.accept() {
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
