use std::fmt;
use std::io;
use std::sync::Arc;

use drywire::connector::Timings;
use drywire::framing::Framing;
use drywire::tls::{ClientTls, Negotiated, ServerTls, TlsSession};
use drywire::{CloseReason, Connection, Limits, Peer};
use rustix::event::{PollFd, PollFlags};
use rustls::pki_types::ServerName;

use crate::clock::Clock;
use crate::conversation::{Conversation, Ready};
use crate::error::{ConnectError, Error};
use crate::split::{self, Receiver, Sender};
use crate::stream::Stream;
use crate::turn::{Readiness, is_busy_with};
use crate::wait::{is_readable, is_writable, wait};

/// Frames over one established stream, plain or TLS, on either side.
///
/// Calls wait for the peer as long as the connection's deadlines allow. While one waits it does
/// whatever the connection needs, reading up to
/// [`receive_backlog_max`](Limits::receive_backlog_max) while it waits to write: two peers that
/// both send first do not block each other before their buffers are full.
///
/// Between calls nothing happens; a deadline that passes then is acted on by the next one.
/// Dropping it ends the stream without [`flush`](Self::flush) or farewell, which a peer that speaks
/// TLS takes for a truncation: [`close`](Self::close) is the way to end.
///
/// # Examples
/// ```
/// use std::os::unix::net::UnixStream;
/// use drywire::framing::Lines;
/// use drywire_std::{Framed, Stream};
///
/// let (one, other) = UnixStream::pair()?;
/// let mut one = Framed::plain(Stream::try_from(one)?, Lines::new(), Default::default())?;
/// let mut other = Framed::plain(Stream::try_from(other)?, Lines::new(), Default::default())?;
/// one.send(b"hello")?;
/// one.finish()?;
/// assert_eq!(other.recv()?, Some(&b"hello"[..]));
/// assert_eq!(other.recv()?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Framed<F: Framing> {
    conversation: Conversation<F>,
    peer: Peer,
    stream: Stream,
    readiness: Readiness,
    clock: Clock,
    timings: Timings,
}

/// Creation, over a stream that somebody has connected or accepted.
impl<F: Framing> Framed<F> {
    /// Frames without TLS.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub fn plain(stream: Stream, framing: F, limits: Limits) -> Result<Self, ConnectError> {
        Self::plain_with(stream, framing, limits, |_, _| {})
    }

    /// Frames as the client of a TLS session with the server `name`; waits for the handshake.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub fn client(
        stream: Stream,
        tls: &ClientTls,
        name: ServerName<'static>,
        framing: F,
        limits: Limits,
    ) -> Result<Self, ConnectError> {
        Self::client_with(stream, tls, name, framing, limits, |_, _| {})
    }

    /// Frames as the server of a TLS session; waits for the handshake.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub fn server(
        stream: Stream,
        tls: &ServerTls,
        framing: F,
        limits: Limits,
    ) -> Result<Self, ConnectError> {
        let clock = Clock::new();
        let session = TlsSession::server(tls);
        let connection = Connection::tls(session, framing, Arc::new(limits), clock.now());
        Self::open(connection, stream, clock, |_, _| {})
    }

    /// As [`plain`](Self::plain), with a connection that `prepare` has seen first.
    pub(crate) fn plain_with(
        stream: Stream,
        framing: F,
        limits: Limits,
        prepare: impl FnOnce(&mut Connection<F>, &Peer),
    ) -> Result<Self, ConnectError> {
        let clock = Clock::new();
        let connection = Connection::plain(framing, Arc::new(limits), clock.now());
        Self::open(connection, stream, clock, prepare)
    }

    /// As [`client`](Self::client), with a connection that `prepare` has seen first.
    pub(crate) fn client_with(
        stream: Stream,
        tls: &ClientTls,
        name: ServerName<'static>,
        framing: F,
        limits: Limits,
        prepare: impl FnOnce(&mut Connection<F>, &Peer),
    ) -> Result<Self, ConnectError> {
        let clock = Clock::new();
        let session = TlsSession::client(tls, name).map_err(ConnectError::Tls)?;
        let connection = Connection::tls(session, framing, Arc::new(limits), clock.now());
        Self::open(connection, stream, clock, prepare)
    }

    fn open(
        mut connection: Connection<F>,
        stream: Stream,
        clock: Clock,
        prepare: impl FnOnce(&mut Connection<F>, &Peer),
    ) -> Result<Self, ConnectError> {
        let peer = stream.peer().map_err(ConnectError::Io)?;
        prepare(&mut connection, &peer);
        let conversation = Conversation::new(connection);
        let (readiness, timings) = (Readiness::new(), Timings::default());
        let mut framed = Self { conversation, peer, stream, readiness, clock, timings };
        // One that fails is seen to its end, so that the peer learns why.
        framed.until(|conversation| {
            conversation.is_open() || conversation.connection().is_closed()
        })?;
        match framed.close_reason() {
            Some(reason) => Err(ConnectError::Closed(reason.clone())),
            None => Ok(framed),
        }
    }

    /// Keeps how long it took to get here.
    pub(crate) const fn with_timings(mut self, timings: Timings) -> Self {
        self.timings = timings;
        self
    }
}

impl<F: Framing> Framed<F> {
    /// Queues a frame. Nothing is written before [`flush`](Self::flush), [`recv`](Self::recv) or
    /// [`close`](Self::close), unless the queue is full: then it waits until there is room.
    ///
    /// # Errors
    /// [`Error`]; the frame is then not queued.
    pub fn send(&mut self, item: F::Item<'_>) -> Result<(), Error> {
        self.until(|conversation| {
            conversation.connection().is_writable() || conversation.close_reason().is_some()
        })?;
        self.conversation.send(item)
    }

    /// Writes everything that is queued.
    ///
    /// # Errors
    /// [`Error`].
    pub fn flush(&mut self) -> Result<(), Error> {
        self.until(|conversation| {
            !conversation.connection().wants_write() || conversation.close_reason().is_some()
        })?;
        self.conversation.is_ended().map(|_| ())
    }

    /// Writes what is queued while it waits for a frame, and returns it; `None` when the peer has
    /// finished.
    ///
    /// # Errors
    /// [`Error::Closed`] when there can be no more frames for another reason. What the peer is
    /// still to be told of it, such as an alert, is written as far as there is room.
    /// [`close`](Self::close) sees to the rest.
    pub fn recv(&mut self) -> Result<Option<F::Frame<'_>>, Error> {
        self.until(|conversation| {
            conversation.has_frame() || !matches!(conversation.is_ended(), Ok(false))
        })?;
        if self.conversation.has_frame() {
            return Ok(self.conversation.take_frame());
        }
        self.conversation.is_ended().map(|_| None)
    }

    /// Writes what there is room for and looks for what has come, then waits until
    /// [`send`](Self::send) or [`recv`](Self::recv) need not: for those who do both at once, with a
    /// peer that may answer before it has read everything.
    ///
    /// # Errors
    /// [`Error::Io`]. That the connection is over the call that need not wait says.
    pub fn ready(&mut self) -> Result<Ready, Error> {
        if self.conversation.ready() != Some(Ready::Receive) {
            self.readiness.readable = true;
            self.turn();
        }
        self.until(|conversation| conversation.ready().is_some())?;
        Ok(self.conversation.ready().unwrap_or(Ready::Receive))
    }

    /// Writes what is queued and finishes our side. The peer may go on sending.
    ///
    /// # Errors
    /// [`Error`].
    pub fn finish(&mut self) -> Result<(), Error> {
        self.conversation.connection_mut().finish();
        self.until(|conversation| {
            let interest = conversation.connection().interest();
            !interest.write && !interest.shutdown || conversation.close_reason().is_some()
        })?;
        self.conversation.is_ended().map(|_| ())
    }

    /// Writes what is queued, finishes our side and waits until the peer has finished too. What it
    /// still sends is discarded. Returns how it ended.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn close(mut self) -> Result<CloseReason, Error> {
        self.conversation.connection_mut().close();
        self.until(|conversation| conversation.connection().is_closed())?;
        // A connection that is closed has its reason.
        Ok(self.close_reason().cloned().unwrap_or(CloseReason::Aborted))
    }

    /// Ends the stream at once; what is queued is discarded.
    pub fn abort(mut self) {
        self.conversation.connection_mut().abort();
    }

    /// What the TLS handshake agreed on; `None` without TLS.
    #[must_use]
    pub fn negotiated(&self) -> Option<&Negotiated> {
        self.conversation.negotiated()
    }

    /// The two ends of the stream.
    #[must_use]
    pub fn peer(&self) -> Peer {
        self.peer.clone()
    }

    /// How long the [`Client`](crate::Client) took to connect; all zero without one.
    #[must_use]
    pub const fn timings(&self) -> Timings {
        self.timings
    }

    /// Why the connection is over or about to be, once it is.
    #[must_use]
    pub const fn close_reason(&self) -> Option<&CloseReason> {
        self.conversation.close_reason()
    }

    /// Takes it apart into two halves for two threads.
    ///
    /// # Errors
    /// Those of the system, which must provide the halves with what they wake each other by.
    pub fn split(self) -> io::Result<(Sender<F>, Receiver<F>)> {
        split::split(self.conversation, self.stream, self.clock)
    }

    /// Turns and waits, until `done`.
    fn until(&mut self, mut done: impl FnMut(&mut Conversation<F>) -> bool) -> Result<(), Error> {
        self.conversation.has_frame();
        while !done(&mut self.conversation) {
            self.turn();
            if done(&mut self.conversation) {
                break;
            }
            self.wait().map_err(Error::Io)?;
        }
        Ok(())
    }

    fn turn(&mut self) {
        let stream = &self.stream;
        let now = self.clock.now();
        self.conversation.turn(stream, || stream.shut_down_write(), &mut self.readiness, now);
    }

    fn wait(&mut self) -> io::Result<()> {
        let connection = self.conversation.connection();
        let interest = connection.interest();
        if is_busy_with(interest, self.readiness) {
            return Ok(());
        }
        let timeout = interest.deadline.and_then(|deadline| self.clock.until(deadline.at));
        let mut events = PollFlags::empty();
        events.set(PollFlags::IN, interest.read);
        events.set(PollFlags::OUT, interest.write);
        let mut fds = [PollFd::new(&self.stream, events)];
        // The system reports the end of a stream even to those who ask for nothing.
        let fds = if events.is_empty() { &mut fds[..0] } else { &mut fds[..] };
        wait(fds, timeout)?;
        self.readiness.readable |= fds.iter().any(is_readable);
        self.readiness.writable |= fds.iter().any(is_writable);
        Ok(())
    }
}

impl<F: Framing> fmt::Debug for Framed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Framed")
            .field("peer", &self.peer)
            .field("connection", self.conversation.connection())
            .finish_non_exhaustive()
    }
}
