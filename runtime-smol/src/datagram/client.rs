use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use async_io::Async;
use drywire::Instant;
use drywire::address::Address;
use drywire::datagram::{
    DatagramPeer, DatagramStatistics, Matcher, RequestId, RequestLimits, SamePayload,
};
use drywire_std::datagram::{
    ConnectedDatagram, DatagramError, DatagramExchange, DatagramSocket, Reply,
};
use drywire_std::turn::Readiness;
use drywire_std::{Clock, ConnectError};

use crate::alarm::Alarm;

/// Turns after which a poll lets other tasks run.
const TURNS_MAX: usize = 16;

/// A datagram socket with one peer, UDP or Unix.
///
/// # Examples
/// ```
/// use drywire_smol::datagram::{DatagramClient, DatagramListener};
/// use drywire_smol::drywire::datagram::DatagramEcho;
/// use drywire_smol::drywire::framing::Raw;
/// use drywire_smol::drywire::protocol::Discard;
/// use drywire_smol::Server;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = DatagramListener::bind(&"udp://127.0.0.1:0".parse()?)?;
/// let address = listener.address().clone();
/// let server = Server::new(|_: &_| Discard::<Raw>::default())
///     .listen_datagrams(listener, DatagramEcho);
/// let handle = server.handle();
/// smol::block_on(async {
///     let serving = smol::spawn(server.run());
///     let mut client = DatagramClient::connect(&address).await?;
///     assert_eq!(client.request(b"hello").await?.bytes, b"hello");
///
///     handle.drain();
///     assert!(serving.await?.drained);
///     Ok(())
/// })
/// # }
/// ```
#[derive(Debug)]
pub struct DatagramClient<M = SamePayload> {
    exchange: DatagramExchange<M>,
    socket: Async<DatagramSocket>,
    /// Of our own Unix socket; removed after that is closed.
    _file: Option<drywire_std::SocketFile>,
    readiness: Readiness,
    alarm: Alarm,
}

impl DatagramClient {
    /// Connects to `address`: nothing is sent. Requests are those of an echo.
    ///
    /// # Errors
    /// [`ConnectError`].
    /// # Cancel safety
    /// Dropping the future gives up; a name that is being looked up still is.
    pub async fn connect(address: &Address) -> Result<Self, ConnectError> {
        Self::connect_with(address, SamePayload, RequestLimits::new()).await
    }
}

impl<M: Matcher> DatagramClient<M> {
    /// Connects to `address`: nothing is sent. `matcher` decides which datagram answers which
    /// request.
    ///
    /// # Errors
    /// [`ConnectError`].
    /// # Cancel safety
    /// Dropping the future gives up; a name that is being looked up still is.
    pub async fn connect_with(
        address: &Address,
        matcher: M,
        limits: RequestLimits,
    ) -> Result<Self, ConnectError> {
        let address = address.clone();
        let connected = blocking::unblock(move || ConnectedDatagram::new(&address)).await?;
        let clock = Clock::new();
        let exchange = DatagramExchange::new(&connected.socket, matcher, limits, clock.now());
        Ok(Self {
            exchange: exchange.map_err(ConnectError::Io)?,
            socket: Async::new_nonblocking(connected.socket).map_err(ConnectError::Io)?,
            _file: connected.file,
            readiness: Readiness::new(),
            alarm: Alarm::new(clock),
        })
    }

    /// Sends a datagram, once; waits for room in the socket. Nobody knows whether it arrives.
    ///
    /// # Errors
    /// [`DatagramError`].
    /// # Cancel safety
    /// Once polled, the datagram is queued, and is sent with the next call.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), DatagramError> {
        self.exchange.send(bytes).map_err(DatagramError::Send)?;
        self.until(None, |exchange| exchange.is_flushed().then_some(())).await;
        Ok(())
    }

    /// Waits for a datagram; None if none comes within `timeout`.
    ///
    /// # Errors
    /// [`DatagramError`]: a [`Fault`](DatagramError::Fault) of the socket is told once, and the
    /// client goes on.
    /// # Cancel safety
    /// No datagram is lost.
    pub async fn recv(&mut self, timeout: Duration) -> Result<Option<Vec<u8>>, DatagramError> {
        let end = self.alarm.now() + timeout;
        let taken = self.until(Some(end), |exchange| {
            let bytes = exchange.take_datagram().map(<[u8]>::to_vec);
            match (bytes, exchange.take_fault()) {
                (Some(bytes), _) => Some(Ok(bytes)),
                (None, Some(fault)) => Some(Err(DatagramError::Fault(fault))),
                (None, None) => None,
            }
        });
        taken.await.transpose()
    }

    /// Asks and waits for the reply; asks again as [`RequestLimits`] say. Datagrams that come
    /// meanwhile and are no reply are counted and gone.
    ///
    /// # Errors
    /// [`DatagramError`].
    /// # Cancel safety
    /// Dropping the future forgets the request; a reply that comes later is a stranger's.
    pub async fn request(&mut self, bytes: &[u8]) -> Result<Reply, DatagramError> {
        let id = self.exchange.request(bytes, self.alarm.now()).map_err(DatagramError::Request)?;
        let asking = Asking { client: self, id };
        let reply =
            asking.client.until(None, |exchange| exchange.take_answer().map(Reply::from_answer));
        reply.await.unwrap_or(Err(DatagramError::TimedOut { attempts: 0, fault: None }))
    }

    /// The client's own address.
    ///
    /// # Errors
    /// Those of the system.
    pub fn local(&self) -> Result<DatagramPeer, DatagramError> {
        self.socket.get_ref().local().map_err(DatagramError::Io)
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
    async fn until<T>(
        &mut self,
        end: Option<Instant>,
        mut done: impl FnMut(&mut DatagramExchange<M>) -> Option<T>,
    ) -> Option<T> {
        poll_fn(|cx| self.poll_until(end, &mut done, cx)).await
    }

    fn poll_until<T>(
        &mut self,
        end: Option<Instant>,
        done: &mut impl FnMut(&mut DatagramExchange<M>) -> Option<T>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<T>> {
        for _ in 0..TURNS_MAX {
            let now = self.alarm.now();
            self.exchange.turn(self.socket.get_ref(), &mut self.readiness, now);
            if let Some(done) = done(&mut self.exchange) {
                return Poll::Ready(Some(done));
            }
            if end.is_some_and(|end| end <= now) {
                return Poll::Ready(None);
            }
            // A failure of the reactor counts as readiness: the system call says what is wrong.
            if !self.readiness.readable {
                self.readiness.readable = self.socket.poll_readable(cx).is_ready();
            }
            if self.exchange.wants_write() && !self.readiness.writable {
                self.readiness.writable = self.socket.poll_writable(cx).is_ready();
            }
            if self.exchange.is_busy(self.readiness) {
                continue;
            }
            let due = self.exchange.deadline().into_iter().chain(end).min();
            if self.alarm.poll_due(due.unwrap_or(Instant::MAX), cx).is_pending() {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A request that is forgotten when nobody waits for its reply any more.
struct Asking<'a, M: Matcher> {
    client: &'a mut DatagramClient<M>,
    id: RequestId,
}

impl<M: Matcher> Drop for Asking<'_, M> {
    fn drop(&mut self) {
        self.client.exchange.cancel(self.id);
    }
}
