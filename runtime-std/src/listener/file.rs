//! The file of a Unix socket: binding over one that nobody listens on, and taking it away again.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use drywire::address::Address;
use rustix::io::Errno;
use socket2::{Domain, SockAddr, Socket, Type};

use super::BindError;

/// The file of a Unix socket. Dropping it removes the file, unless another has taken its place.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

/// Why the file cannot be bound.
pub(crate) enum FileError {
    InUse,
    NotASocket,
    System(io::Error),
}

impl FileError {
    /// The same of `address`.
    pub(crate) fn at(self, address: &Address) -> BindError {
        let address = address.clone();
        match self {
            Self::InUse => BindError::InUse(address),
            Self::NotASocket => BindError::NotASocket(address),
            Self::System(source) => BindError::System { address, source },
        }
    }
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

impl SocketFile {
    /// Binds and listens at `path`. A socket that is there and that nobody listens on was left by a
    /// process that did not end in order; it is replaced.
    ///
    /// Two processes that begin at the same moment may both find the file stale; the one that is
    /// later has it.
    pub(super) fn bind(path: &Path, backlog: i32) -> Result<(UnixListener, Self), FileError> {
        let (socket, file) = Self::bind_socket(path, Type::STREAM)?;
        socket.listen(backlog)?;
        Ok((socket.into(), file))
    }

    /// Binds a socket of `kind` at `path`, as [`bind`](Self::bind) does.
    pub(crate) fn bind_socket(path: &Path, kind: Type) -> Result<(Socket, Self), FileError> {
        let name = SockAddr::unix(path)?;
        let socket = Socket::new(Domain::UNIX, kind, None)?;
        match socket.bind(&name) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                if !fs::symlink_metadata(path)?.file_type().is_socket() {
                    return Err(FileError::NotASocket);
                }
                if is_live(&name, kind)? {
                    return Err(FileError::InUse);
                }
                fs::remove_file(path)?;
                socket.bind(&name)?;
            }
            bound => bound?,
        }
        let metadata = fs::symlink_metadata(path)?;
        let file = Self { path: path.into(), device: metadata.dev(), inode: metadata.ino() };
        Ok((socket, file))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|metadata| metadata.dev() == self.device && metadata.ino() == self.inode);
        if is_ours {
            // A file that cannot be removed is stale to the next process.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether somebody listens on the socket, found out without waiting for a place in its queue.
fn is_live(name: &SockAddr, kind: Type) -> io::Result<bool> {
    let socket = Socket::new(Domain::UNIX, kind, None)?;
    socket.set_nonblocking(true)?;
    match socket.connect(name) {
        Ok(()) => Ok(true),
        Err(error) => match error.kind() {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => Ok(false),
            // The queue is full.
            io::ErrorKind::WouldBlock => Ok(true),
            // A socket of another kind, which the system says only if it is alive.
            _ if Errno::from_io_error(&error) == Some(Errno::PROTOTYPE) => Ok(true),
            _ => Err(error),
        },
    }
}
