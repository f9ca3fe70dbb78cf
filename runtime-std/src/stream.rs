use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use drywire::Peer;

/// A connected byte stream that does not block: TCP or Unix.
///
/// Made from the standard library's streams with `try_from`, which puts them into non-blocking
/// mode and turns Nagle's algorithm off: together with delayed acknowledgements it costs 40 ms
/// where a reply is written in two parts, and a connection writes in batches anyway.
///
/// Reading and writing are those of the standard library: short, and with
/// [`WouldBlock`](io::ErrorKind::WouldBlock) and [`Interrupted`](io::ErrorKind::Interrupted).
/// Writing to a peer that is gone is an error, never a signal.
#[derive(Debug)]
pub enum Stream {
    /// Over IPv4 or IPv6.
    Tcp(TcpStream),
    /// Over a Unix socket.
    Unix(UnixStream),
}

impl Stream {
    /// The two ends, as the system names them.
    ///
    /// # Errors
    /// Those of the system, for example that the stream is no longer connected.
    pub fn peer(&self) -> io::Result<Peer> {
        match self {
            Self::Tcp(stream) => Ok(Peer::ip(stream.peer_addr()?, stream.local_addr()?)),
            Self::Unix(_) => Ok(Peer::unix()),
        }
    }

    /// Ends our side of the stream.
    ///
    /// # Errors
    /// Those of the system, for example that the stream is no longer connected.
    pub fn shut_down_write(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }
}

/// # Errors
/// Those of the system when it changes the stream's mode.
impl TryFrom<TcpStream> for Stream {
    type Error = io::Error;

    fn try_from(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        Ok(Self::Tcp(stream))
    }
}

/// # Errors
/// Those of the system when it changes the stream's mode.
impl TryFrom<UnixStream> for Stream {
    type Error = io::Error;

    fn try_from(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self::Unix(stream))
    }
}

impl Read for &Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => (&*stream).read(buffer),
            Stream::Unix(stream) => (&*stream).read(buffer),
        }
    }
}

impl Write for &Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => (&*stream).write(bytes),
            Stream::Unix(stream) => (&*stream).write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}
