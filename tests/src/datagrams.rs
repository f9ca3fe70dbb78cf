//! One shape for the datagram sockets of the adapters under test.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use drywire::address::{Address, Endpoint};
use drywire::datagram::{DatagramLimits, DatagramStatistics};
use drywire::statistics::Statistics;
use drywire_std::Listener;
use drywire_std::datagram::{DatagramError, DatagramListener, Reply};
use tempfile::TempDir;

use crate::PATIENCE;
use crate::adapter::{Adapter, place};
use crate::peer::Place;

/// What an adapter is given to serve: echoes of datagrams, and of lines over streams.
#[derive(Debug)]
pub struct Orders {
    pub(crate) streams: Vec<Listener>,
    pub(crate) datagrams: Vec<DatagramListener>,
    pub(crate) limits: DatagramLimits,
    pub(crate) ended: Sender<Ended>,
}

/// What became of a server.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// Whether nothing was ended by force.
    pub drained: bool,
    /// The last counts of streams.
    pub statistics: Statistics,
    /// The last counts of datagrams.
    pub datagrams: DatagramStatistics,
}

/// A server's handle.
pub trait Control: Send {
    /// Lets it drain.
    fn drain(&self);
    /// Stops it.
    fn stop(&self);
    /// Its counts.
    fn statistics(&self) -> DatagramStatistics;
}

/// A client.
pub trait Client: Send {
    /// Sends a datagram.
    fn send(&mut self, bytes: &[u8]) -> Result<(), DatagramError>;
    /// Waits for a datagram.
    fn recv(&mut self, timeout: Duration) -> Result<Option<Vec<u8>>, DatagramError>;
    /// Asks for an echo.
    fn request(&mut self, bytes: &[u8]) -> Result<Reply, DatagramError>;
    /// The counts of attempts and replies.
    fn request_statistics(&self) -> DatagramStatistics;
}

/// A server to be started.
#[derive(Debug)]
pub struct Setup {
    streams: Vec<String>,
    datagrams: Vec<String>,
    limits: DatagramLimits,
    folder: Arc<TempDir>,
}

impl Setup {
    /// An echo at these addresses of datagrams, in which `FOLDER` stands for a folder of its own.
    ///
    /// # Panics
    /// If there is no folder for temporary files.
    #[must_use]
    pub fn at(addresses: &[&str]) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        let path = folder.path().display().to_string();
        let datagrams = addresses.iter().map(|address| address.replace("FOLDER", &path)).collect();
        Self { streams: Vec::new(), datagrams, limits: DatagramLimits::new(), folder }
    }

    /// An echo of lines at this address of streams, too.
    #[must_use]
    pub fn beside(mut self, address: &str) -> Self {
        self.streams.push(address.to_owned());
        self
    }

    /// Changes the limits.
    #[must_use]
    pub fn limits(mut self, change: impl FnOnce(&mut DatagramLimits)) -> Self {
        change(&mut self.limits);
        self
    }

    /// Starts it.
    ///
    /// # Panics
    /// If it cannot listen.
    #[must_use]
    pub fn serve(self, adapter: &dyn Adapter) -> Running {
        let parse = |address: &String| address.parse::<Address>().expect("an address");
        let streams: Vec<_> = self.streams.iter().map(parse).collect();
        let streams: Vec<_> =
            streams.iter().map(|at| Listener::bind(at).expect("it is free")).collect();
        let datagrams: Vec<_> = self.datagrams.iter().map(parse).collect();
        let datagrams: Vec<_> =
            datagrams.iter().map(|at| DatagramListener::bind(at).expect("it is free")).collect();
        let stream_addresses = streams.iter().map(|listener| listener.address().clone()).collect();
        let addresses = datagrams.iter().map(|listener| listener.address().clone()).collect();
        let (sender, ended) = channel();
        let orders = Orders { streams, datagrams, limits: self.limits, ended: sender };
        let control = adapter.serve_datagrams(orders);
        Running {
            control,
            addresses,
            stream_addresses,
            ended,
            folder: self.folder,
            is_ended: false,
        }
    }
}

/// A server that runs. Dropping it stops it.
#[expect(missing_debug_implementations, reason = "a handle has none")]
pub struct Running {
    control: Box<dyn Control>,
    /// Where it takes datagrams.
    pub addresses: Vec<Address>,
    /// Where it takes streams.
    pub stream_addresses: Vec<Address>,
    ended: Receiver<Ended>,
    /// Of its Unix sockets.
    pub folder: Arc<TempDir>,
    is_ended: bool,
}

impl Running {
    /// Its counts.
    #[must_use]
    pub fn statistics(&self) -> DatagramStatistics {
        self.control.statistics()
    }

    /// Waits until its counts are as `wanted`.
    ///
    /// # Panics
    /// If they do not become so.
    pub fn until(&self, wanted: impl Fn(&DatagramStatistics) -> bool) -> DatagramStatistics {
        crate::counts::until(|| self.statistics(), wanted)
    }

    /// The address that it has over IP, at this place in the order of its addresses.
    ///
    /// # Panics
    /// If it has none there.
    #[must_use]
    pub fn ip(&self, at: usize) -> SocketAddr {
        let Place::Tcp(address) = place(&self.addresses[at]) else {
            panic!("{} is not over IP", self.addresses[at])
        };
        address
    }

    /// Ends it in order.
    ///
    /// # Panics
    /// If it does not end.
    #[must_use]
    pub fn drain(mut self) -> Ended {
        self.is_ended = true;
        self.control.drain();
        self.ended.recv_timeout(PATIENCE).expect("the server ends")
    }

    /// Ends it by force.
    ///
    /// # Panics
    /// If it does not end.
    #[must_use]
    pub fn stop(mut self) -> Ended {
        self.is_ended = true;
        self.control.stop();
        self.ended.recv_timeout(PATIENCE).expect("the server ends")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_ended {
            self.control.stop();
            // A server that does not stop is another test's matter.
            let _ = self.ended.recv_timeout(PATIENCE);
        }
    }
}

/// A datagram socket made by hand, connected or not.
#[derive(Debug)]
pub enum Peer {
    /// Over IP.
    Udp(UdpSocket),
    /// A Unix socket, with the folder of its file.
    Unix(UnixDatagram, TempDir),
}

impl Peer {
    /// One that talks to `address`, from a name of its own.
    ///
    /// # Panics
    /// If the system does not give one.
    #[must_use]
    pub fn connect(address: &Address) -> Self {
        match address.endpoint() {
            Endpoint::Internet(_) => {
                let Place::Tcp(to) = place(address) else { panic!("{address} is not over IP") };
                let from = if to.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
                Self::udp(from, to)
            }
            Endpoint::Unix(_) => {
                let Place::Unix(path) = place(address) else { panic!("{address} has no file") };
                let folder = tempfile::tempdir().expect("a folder");
                let socket = UnixDatagram::bind(folder.path().join("peer")).expect("it is free");
                socket.connect(path).expect("somebody is there");
                socket.set_read_timeout(Some(PATIENCE)).expect("it can be set");
                Self::Unix(socket, folder)
            }
        }
    }

    /// One at `from` that talks to `to`.
    ///
    /// # Panics
    /// If the system does not give one.
    #[must_use]
    pub fn udp(from: &str, to: SocketAddr) -> Self {
        let socket = UdpSocket::bind(from).expect("it is free");
        socket.connect(to).expect("there is a way");
        socket.set_read_timeout(Some(PATIENCE)).expect("it can be set");
        Self::Udp(socket)
    }

    /// Sends a datagram.
    ///
    /// # Panics
    /// If the system does not take it.
    pub fn send(&self, bytes: &[u8]) {
        let sent = match self {
            Self::Udp(socket) => socket.send(bytes),
            Self::Unix(socket, _) => socket.send(bytes),
        };
        assert_eq!(sent.expect("the system takes it"), bytes.len());
    }

    /// Expects this datagram next.
    ///
    /// # Panics
    /// If another comes, or none.
    pub fn expect(&self, bytes: &[u8]) {
        let received = self.receive().expect("a datagram");
        assert!(received == bytes, "{} bytes, not {}", received.len(), bytes.len());
    }

    /// The next datagram, None if there is none for a while.
    ///
    /// # Panics
    /// If the socket fails.
    #[must_use]
    pub fn receive(&self) -> Option<Vec<u8>> {
        let mut buffer = vec![0; 70_000];
        let received = match self {
            Self::Udp(socket) => socket.recv(&mut buffer),
            Self::Unix(socket, _) => socket.recv(&mut buffer),
        };
        match received {
            Ok(len) => {
                buffer.truncate(len);
                Some(buffer)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Takes what is there without waiting.
    ///
    /// # Panics
    /// If the socket fails.
    pub fn drain(&self) -> usize {
        match self {
            Self::Udp(socket) => socket.set_nonblocking(true),
            Self::Unix(socket, _) => socket.set_nonblocking(true),
        }
        .expect("it can be set");
        std::iter::from_fn(|| self.receive()).count()
    }
}

/// Where a server's Unix socket is.
///
/// # Panics
/// If that is no path.
#[must_use]
pub fn path(address: &Address) -> PathBuf {
    let Place::Unix(path) = place(address) else { panic!("{address} has no file") };
    path
}
