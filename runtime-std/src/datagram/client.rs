use std::time::Duration;

use drywire::Instant;
use drywire::address::Address;
use drywire::datagram::{
    Answer, DatagramPeer, DatagramStatistics, Matcher, RequestLimits, SamePayload,
};
use rustix::event::{PollFd, PollFlags};

use super::connect::ConnectedDatagram;
use super::error::DatagramError;
use super::exchange::DatagramExchange;
use crate::clock::Clock;
use crate::error::ConnectError;
use crate::turn::Readiness;
use crate::wait::{is_readable, is_writable, wait};

/// A reply to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reply {
    /// What came.
    pub bytes: Vec<u8>,
    /// From the first attempt to the reply.
    pub elapsed: Duration,
    /// How often the request was sent.
    pub attempts: u32,
}

impl Reply {
    /// What became of a request, as a result.
    ///
    /// # Errors
    /// [`DatagramError::TimedOut`].
    pub fn from_answer(answer: Answer<'_>) -> Result<Self, DatagramError> {
        match answer {
            Answer::Reply { bytes, elapsed, attempts, .. } => {
                Ok(Self { bytes: bytes.to_vec(), elapsed, attempts })
            }
            Answer::TimedOut { attempts, fault, .. } => {
                Err(DatagramError::TimedOut { attempts, fault })
            }
            _ => Err(DatagramError::TimedOut { attempts: 0, fault: None }),
        }
    }
}

/// A datagram socket with one peer, UDP or Unix.
///
/// # Examples
/// ```
/// use drywire::datagram::DatagramEcho;
/// use drywire::protocol::Discard;
/// use drywire_std::datagram::{DatagramClient, DatagramListener};
/// use drywire_std::Server;
///
/// let listener = DatagramListener::bind(&"udp://127.0.0.1:0".parse()?)?;
/// let address = listener.address().clone();
/// let server = Server::new(|_: &_| Discard::<drywire::framing::Raw>::default())
///     .listen_datagrams(listener, DatagramEcho);
/// let handle = server.handle();
/// let serving = std::thread::spawn(|| server.run());
///
/// let mut client = DatagramClient::connect(&address)?;
/// assert_eq!(client.request(b"hello")?.bytes, b"hello");
///
/// handle.drain();
/// assert!(serving.join().expect("the server does not panic")?.drained);
/// assert_eq!(handle.datagram_statistics().transmitted, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct DatagramClient<M = SamePayload> {
    exchange: DatagramExchange<M>,
    connected: ConnectedDatagram,
    readiness: Readiness,
    clock: Clock,
}

impl DatagramClient {
    /// Connects to `address`: nothing is sent. Requests are those of an echo.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub fn connect(address: &Address) -> Result<Self, ConnectError> {
        Self::connect_with(address, SamePayload, RequestLimits::new())
    }
}

impl<M: Matcher> DatagramClient<M> {
    /// Connects to `address`: nothing is sent. `matcher` decides which datagram answers which
    /// request.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub fn connect_with(
        address: &Address,
        matcher: M,
        limits: RequestLimits,
    ) -> Result<Self, ConnectError> {
        let connected = ConnectedDatagram::new(address)?;
        let clock = Clock::new();
        let exchange = DatagramExchange::new(&connected.socket, matcher, limits, clock.now());
        let exchange = exchange.map_err(ConnectError::Io)?;
        Ok(Self { exchange, connected, readiness: Readiness::new(), clock })
    }

    /// Sends a datagram, once; waits for room in the socket. Nobody knows whether it arrives.
    ///
    /// # Errors
    /// [`DatagramError`].
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), DatagramError> {
        self.exchange.send(bytes).map_err(DatagramError::Send)?;
        self.until(None, |exchange| exchange.is_flushed().then_some(()))?;
        Ok(())
    }

    /// Waits for a datagram; None if none comes within `timeout`.
    ///
    /// # Errors
    /// [`DatagramError`]: a [`Fault`](DatagramError::Fault) of the socket is told once, and the
    /// client goes on.
    pub fn recv(&mut self, timeout: Duration) -> Result<Option<Vec<u8>>, DatagramError> {
        let end = self.clock.now() + timeout;
        let taken = self.until(Some(end), |exchange| {
            let bytes = exchange.take_datagram().map(<[u8]>::to_vec);
            match (bytes, exchange.take_fault()) {
                (Some(bytes), _) => Some(Ok(bytes)),
                (None, Some(fault)) => Some(Err(DatagramError::Fault(fault))),
                (None, None) => None,
            }
        })?;
        taken.transpose()
    }

    /// Asks and waits for the reply; asks again as [`RequestLimits`] say. Datagrams that come
    /// meanwhile and are no reply are counted and gone.
    ///
    /// # Errors
    /// [`DatagramError`].
    pub fn request(&mut self, bytes: &[u8]) -> Result<Reply, DatagramError> {
        self.exchange.request(bytes, self.clock.now()).map_err(DatagramError::Request)?;
        let reply = self.until(None, |exchange| exchange.take_answer().map(Reply::from_answer))?;
        reply.unwrap_or(Err(DatagramError::TimedOut { attempts: 0, fault: None }))
    }

    /// The client's own address.
    ///
    /// # Errors
    /// Those of the system.
    pub fn local(&self) -> Result<DatagramPeer, DatagramError> {
        self.connected.socket.local().map_err(DatagramError::Io)
    }

    /// The counts of the socket's datagrams.
    #[must_use]
    pub const fn statistics(&self) -> &DatagramStatistics {
        self.exchange.statistics()
    }

    /// The counts of attempts and replies.
    #[must_use]
    pub const fn request_statistics(&self) -> &DatagramStatistics {
        self.exchange.request_statistics()
    }

    /// Turns and waits until `done` has something, or until `end`.
    fn until<T>(
        &mut self,
        end: Option<Instant>,
        mut done: impl FnMut(&mut DatagramExchange<M>) -> Option<T>,
    ) -> Result<Option<T>, DatagramError> {
        loop {
            let now = self.clock.now();
            self.exchange.turn(&self.connected.socket, &mut self.readiness, now);
            if let Some(done) = done(&mut self.exchange) {
                return Ok(Some(done));
            }
            if end.is_some_and(|end| end <= now) {
                return Ok(None);
            }
            if self.exchange.is_busy(self.readiness) {
                continue;
            }
            let at = self.exchange.deadline().into_iter().chain(end).min();
            let mut events = PollFlags::IN;
            events.set(PollFlags::OUT, self.exchange.wants_write());
            let mut fds = [PollFd::new(&self.connected.socket, events)];
            wait(&mut fds, at.and_then(|at| self.clock.until(at))).map_err(DatagramError::Io)?;
            let [socket] = &fds;
            self.readiness.readable |= is_readable(socket);
            self.readiness.writable |= is_writable(socket);
        }
    }
}
