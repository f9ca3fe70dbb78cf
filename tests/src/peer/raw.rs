use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::time::Duration;

use socket2::SockRef;
use tempfile::TempDir;

use crate::PATIENCE;

/// Where to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Over IPv4 or IPv6.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

/// What kind of socket to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The loopback of IPv4.
    V4,
    /// The loopback of IPv6.
    V6,
    /// A Unix socket in a folder of its own.
    Unix,
}

impl Reach {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::V4, Self::V6, Self::Unix];
}

/// A byte stream.
#[derive(Debug)]
pub enum Raw {
    /// Over IPv4 or IPv6.
    Tcp(TcpStream),
    /// Over a Unix socket.
    Unix(UnixStream),
}

impl Raw {
    /// Connects.
    ///
    /// # Panics
    /// If that fails.
    #[must_use]
    pub fn connect(place: &Place) -> Self {
        let stream = match place {
            Place::Tcp(address) => TcpStream::connect(address).map(Self::Tcp),
            Place::Unix(path) => UnixStream::connect(path).map(Self::Unix),
        };
        stream.unwrap_or_else(|error| panic!("cannot connect to {place:?}: {error}")).patient()
    }

    /// Connects over IP with a small receive buffer, so that little is needed to fill it.
    ///
    /// # Panics
    /// If that fails.
    #[must_use]
    pub fn connect_narrow(place: &Place) -> Self {
        let Place::Tcp(address) = place else { panic!("{place:?} is not over IP") };
        let domain = socket2::Domain::for_address(*address);
        let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None).expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a small buffer");
        socket.connect(&(*address).into()).expect("a connection");
        Self::Tcp(socket.into()).patient()
    }

    /// Both ends of a Unix stream.
    ///
    /// # Panics
    /// If there can be none.
    #[must_use]
    pub fn pair() -> (Self, UnixStream) {
        let (one, other) = UnixStream::pair().expect("a pair of sockets");
        (Self::Unix(one).patient(), other)
    }

    fn patient(self) -> Self {
        match &self {
            Self::Tcp(stream) => {
                stream.set_nodelay(true).expect("an option of TCP");
                stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
                stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
            }
            Self::Unix(stream) => {
                stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
                stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
            }
        }
        self
    }

    /// Sends all of `bytes`.
    ///
    /// # Panics
    /// If they are not taken.
    pub fn send(&mut self, bytes: &[u8]) {
        self.write_all(bytes).expect("the bytes are taken");
    }

    /// Sends `bytes` one by one, each in a segment of its own.
    ///
    /// # Panics
    /// If they are not taken.
    pub fn send_one_by_one(&mut self, bytes: &[u8]) {
        bytes.chunks(1).for_each(|byte| self.send(byte));
    }

    /// Reads as many bytes as `expected` has, and compares.
    ///
    /// # Panics
    /// If they are others, or do not come.
    pub fn expect(&mut self, expected: &[u8]) {
        let bytes = self.read(expected.len());
        assert_eq!(bytes.escape_ascii().to_string(), expected.escape_ascii().to_string());
    }

    /// Reads exactly `len` bytes.
    ///
    /// # Panics
    /// If they do not come.
    #[must_use]
    pub fn read(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.read_exact(&mut bytes).unwrap_or_else(|error| panic!("{len} bytes: {error}"));
        bytes
    }

    /// Reads to the end of the stream.
    ///
    /// # Panics
    /// If the stream does not end, or ends by a reset.
    #[must_use]
    pub fn read_to_end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        Read::read_to_end(self, &mut bytes).expect("the stream ends");
        bytes
    }

    /// Expects the end of the stream, and nothing before.
    ///
    /// # Panics
    /// If something comes, or the stream does not end, or ends by a reset.
    pub fn expect_end(&mut self) {
        let rest = self.read_to_end();
        assert_eq!(rest.escape_ascii().to_string(), "");
    }

    /// Expects that the stream is over, in order or by a reset, and ends it. What comes before is
    /// thrown away.
    ///
    /// # Panics
    /// If it goes on.
    pub fn expect_gone(mut self) {
        match Read::read_to_end(&mut self, &mut Vec::new()) {
            Ok(_) => {}
            Err(error) => assert!(is_reset(&error), "{error}"),
        }
    }

    /// Ends our side: FIN.
    ///
    /// # Panics
    /// If the stream is not connected.
    pub fn finish(&mut self) {
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
        .expect("the stream is connected");
    }

    /// Ends the stream by a reset: RST. Of a Unix socket that is its end with bytes unread.
    ///
    /// # Panics
    /// If the stream is not connected.
    pub fn reset(self) {
        match &self {
            Self::Tcp(stream) => {
                SockRef::from(stream).set_linger(Some(Duration::ZERO)).expect("an option of TCP");
            }
            Self::Unix(_) => {}
        }
    }

    /// How many bytes can be sent before the other side reads.
    ///
    /// # Panics
    /// If the stream fails.
    pub fn fill(&mut self, bytes: &[u8]) -> usize {
        self.set_nonblocking(true);
        let mut sent = 0;
        let full = loop {
            match self.write(&bytes[sent..]) {
                Ok(len) => sent += len,
                Err(error) => break error,
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
        self.set_nonblocking(false);
        sent
    }

    fn set_nonblocking(&self, nonblocking: bool) {
        match self {
            Self::Tcp(stream) => stream.set_nonblocking(nonblocking),
            Self::Unix(stream) => stream.set_nonblocking(nonblocking),
        }
        .expect("the mode of a socket");
    }

    /// Another hold on the same stream.
    ///
    /// # Panics
    /// If the system refuses.
    #[must_use]
    pub fn another(&self) -> Self {
        match self {
            Self::Tcp(stream) => Self::Tcp(stream.try_clone().expect("a descriptor")),
            Self::Unix(stream) => Self::Unix(stream.try_clone().expect("a descriptor")),
        }
    }
}

fn is_reset(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
}

impl Read for Raw {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Raw {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A socket that listens.
#[derive(Debug)]
pub enum RawListener {
    /// Over IPv4 or IPv6.
    Tcp(TcpListener),
    /// A Unix socket, and its folder.
    Unix(UnixListener, TempDir),
}

impl RawListener {
    /// Listens.
    ///
    /// # Panics
    /// If it cannot.
    #[must_use]
    pub fn bind(reach: Reach) -> Self {
        match reach {
            Reach::V4 => Self::Tcp(TcpListener::bind("127.0.0.1:0").expect("a port")),
            Reach::V6 => Self::Tcp(TcpListener::bind("[::1]:0").expect("a port")),
            Reach::Unix => {
                let folder = tempfile::tempdir().expect("a folder");
                let socket = UnixListener::bind(folder.path().join("socket")).expect("a socket");
                Self::Unix(socket, folder)
            }
        }
    }

    /// Where it listens, in the grammar of addresses.
    ///
    /// # Panics
    /// If the system does not tell.
    #[must_use]
    pub fn address(&self) -> String {
        match self {
            Self::Tcp(socket) => format!("tcp://{}", socket.local_addr().expect("an address")),
            Self::Unix(_, folder) => format!("unix:{}", folder.path().join("socket").display()),
        }
    }

    /// The same, with TLS.
    #[must_use]
    pub fn tls_address(&self) -> String {
        let address = self.address();
        match address.strip_prefix("tcp") {
            Some(rest) => format!("tls{rest}"),
            None => format!("tls+{address}"),
        }
    }

    /// Accepts a connection.
    ///
    /// # Panics
    /// If none comes.
    #[must_use]
    pub fn accept(&self) -> Raw {
        match self {
            Self::Tcp(socket) => {
                SockRef::from(socket).set_read_timeout(Some(PATIENCE)).expect("a timeout");
                Raw::Tcp(socket.accept().expect("a connection").0)
            }
            Self::Unix(socket, _) => {
                SockRef::from(socket).set_read_timeout(Some(PATIENCE)).expect("a timeout");
                Raw::Unix(socket.accept().expect("a connection").0)
            }
        }
        .patient()
    }
}
