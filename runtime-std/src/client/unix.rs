use std::io;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use drywire::address::{UnixName, UnixPlace};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::error::ConnectError;
use crate::listener::abstract_name;
use crate::stream::Stream;

/// Connects to a Unix socket. It answers at once unless its queue is full.
pub(super) fn connect(name: &UnixName, timeout: Duration) -> Result<Stream, ConnectError> {
    connect_within(name, timeout).map_err(ConnectError::Unix)
}

/// What the system calls `name`.
pub(crate) fn sock_addr(name: &UnixName) -> io::Result<SockAddr> {
    match name.place() {
        UnixPlace::Path(path) => SockAddr::unix(path),
        UnixPlace::Abstract(name) => abstract_name(name),
    }
}

fn connect_within(name: &UnixName, timeout: Duration) -> io::Result<Stream> {
    let name = sock_addr(name)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // A full queue is waited for as a write is. The system takes zero for ever, and has a limit.
    let timeout = timeout.clamp(Duration::from_millis(1), Duration::from_secs(24 * 60 * 60));
    socket.set_write_timeout(Some(timeout))?;
    match socket.connect(&name) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            return Err(io::ErrorKind::TimedOut.into());
        }
        connected => connected?,
    }
    socket.set_write_timeout(None)?;
    Stream::try_from(UnixStream::from(socket))
}
