//! A connection of frames over one established stream, for a task that reads and writes itself.

use std::future::poll_fn;
use std::sync::Arc;

use async_io::Async;
use drywire::connector::Timings;
use drywire::framing::Framing;
use drywire::tls::{ClientTls, Negotiated, ServerTls, TlsSession};
use drywire::{CloseReason, Connection, Limits, Peer};
use drywire_std::rustls::pki_types::ServerName;
use drywire_std::{Clock, ConnectError, Conversation, Error, Ready, Stream};

use crate::channel::Channel;
use crate::driver::Driver;
use crate::split::{self, Receiver, Sender};

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
/// Of byte framings it also is a [`Stream`](futures_lite::Stream) of frames and a
/// [`Sink`](futures_sink::Sink) for them.
///
/// # Cancel safety
/// All state is in the connection. A future that is dropped before it is ready loses no byte that
/// came and sends none twice; each call says what holds for its own frame.
///
/// # Examples
/// ```
/// use std::os::unix::net::UnixStream;
/// use drywire_smol::drywire::framing::Lines;
/// use drywire_smol::{Framed, Stream};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (one, other) = UnixStream::pair()?;
/// smol::block_on(async {
///     let one = Framed::plain(Stream::try_from(one)?, Lines::new(), Default::default());
///     let other = Framed::plain(Stream::try_from(other)?, Lines::new(), Default::default());
///     let (mut one, mut other) = (one.await?, other.await?);
///     one.send(b"hello").await?;
///     one.finish().await?;
///     assert_eq!(other.recv().await?, Some(&b"hello"[..]));
///     assert_eq!(other.recv().await?, None);
///     Ok(())
/// })
/// # }
/// ```
#[derive(Debug)]
pub struct Framed<F: Framing> {
    pub(crate) channel: Channel<F>,
    peer: Peer,
    timings: Timings,
}

/// Creation, over a stream that somebody has connected or accepted.
impl<F: Framing> Framed<F> {
    /// Frames without TLS. Ready at once.
    ///
    /// # Errors
    /// [`ConnectError`].
    /// # Cancel safety
    /// Dropping the future closes the stream.
    pub async fn plain(stream: Stream, framing: F, limits: Limits) -> Result<Self, ConnectError> {
        Self::plain_with(stream, framing, limits, |_, _| {}).await
    }

    /// Frames as the client of a TLS session with the server `name`; waits for the handshake.
    ///
    /// # Errors
    /// [`ConnectError`].
    /// # Cancel safety
    /// Dropping the future closes the stream.
    pub async fn client(
        stream: Stream,
        tls: &ClientTls,
        name: ServerName<'static>,
        framing: F,
        limits: Limits,
    ) -> Result<Self, ConnectError> {
        Self::client_with(stream, tls, name, framing, limits, |_, _| {}).await
    }

    /// Frames as the server of a TLS session; waits for the handshake.
    ///
    /// # Errors
    /// [`ConnectError`].
    /// # Cancel safety
    /// Dropping the future closes the stream.
    pub async fn server(
        stream: Stream,
        tls: &ServerTls,
        framing: F,
        limits: Limits,
    ) -> Result<Self, ConnectError> {
        let clock = Clock::new();
        let session = TlsSession::server(tls);
        let connection = Connection::tls(session, framing, Arc::new(limits), clock.now());
        Self::open(connection, stream, clock, |_, _| {}).await
    }

    /// As [`plain`](Self::plain), with a connection that `prepare` has seen first.
    pub(crate) async fn plain_with(
        stream: Stream,
        framing: F,
        limits: Limits,
        prepare: impl FnOnce(&mut Connection<F>, &Peer),
    ) -> Result<Self, ConnectError> {
        let clock = Clock::new();
        let connection = Connection::plain(framing, Arc::new(limits), clock.now());
        Self::open(connection, stream, clock, prepare).await
    }

    /// As [`client`](Self::client), with a connection that `prepare` has seen first.
    pub(crate) async fn client_with(
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
        Self::open(connection, stream, clock, prepare).await
    }

    async fn open(
        mut connection: Connection<F>,
        stream: Stream,
        clock: Clock,
        prepare: impl FnOnce(&mut Connection<F>, &Peer),
    ) -> Result<Self, ConnectError> {
        let peer = stream.peer().map_err(ConnectError::Io)?;
        prepare(&mut connection, &peer);
        let stream = Async::new_nonblocking(stream).map_err(ConnectError::Io)?;
        let mut channel = Channel::new(Conversation::new(connection), Driver::new(stream, clock));
        poll_fn(|cx| channel.poll_open(cx)).await.map_err(ConnectError::Closed)?;
        Ok(Self { channel, peer, timings: Timings::default() })
    }

    /// Keeps how long it took to get here.
    pub(crate) fn with_timings(mut self, timings: Timings) -> Self {
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
    /// # Cancel safety
    /// Dropped before it is ready, the frame is not queued. Ready, it is queued whole.
    pub async fn send(&mut self, item: F::Item<'_>) -> Result<(), Error> {
        poll_fn(|cx| self.channel.poll_room(cx)).await;
        self.channel.conversation.send(item)
    }

    /// Writes everything that is queued.
    ///
    /// # Errors
    /// [`Error`].
    /// # Cancel safety
    /// Dropped, what is not written stays queued.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.channel.poll_flush(cx)).await
    }

    /// Writes what is queued while it waits for a frame, and returns it; `None` when the peer has
    /// finished.
    ///
    /// # Errors
    /// [`Error::Closed`] when there can be no more frames for another reason. What the peer is
    /// still to be told of it, such as an alert, is written as far as there is room.
    /// [`close`](Self::close) sees to the rest.
    /// # Cancel safety
    /// Dropped before it is ready, no frame is lost: the next call returns it.
    pub async fn recv(&mut self) -> Result<Option<F::Frame<'_>>, Error> {
        poll_fn(|cx| self.channel.poll_frame(cx)).await?;
        Ok(self.channel.conversation.take_frame())
    }

    /// Writes what there is room for and looks for what has come, then waits until
    /// [`send`](Self::send) or [`recv`](Self::recv) need not: for those who do both at once, with a
    /// peer that may answer before it has read everything.
    ///
    /// # Errors
    /// [`Error::Io`]. That the connection is over the call that need not wait says.
    /// # Cancel safety
    /// Dropped, nothing is lost: what came is received later.
    pub async fn ready(&mut self) -> Result<Ready, Error> {
        Ok(poll_fn(|cx| self.channel.poll_ready(cx)).await)
    }

    /// Writes what is queued and finishes our side. The peer may go on sending.
    ///
    /// # Errors
    /// [`Error`].
    /// # Cancel safety
    /// Once polled our side is finished; dropped, the other calls see to what is left.
    pub async fn finish(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.channel.poll_finish(cx)).await
    }

    /// Writes what is queued, finishes our side and waits until the peer has finished too. What it
    /// still sends is discarded. Returns how it ended.
    ///
    /// # Errors
    /// [`Error::Io`].
    /// # Cancel safety
    /// Dropping the future ends the stream as dropping this does.
    pub async fn close(mut self) -> Result<CloseReason, Error> {
        Ok(poll_fn(|cx| self.channel.poll_close(cx)).await)
    }

    /// Ends the stream at once; what is queued is discarded.
    pub fn abort(mut self) {
        self.channel.conversation.connection_mut().abort();
    }

    /// What the TLS handshake agreed on; `None` without TLS.
    #[must_use]
    pub fn negotiated(&self) -> Option<&Negotiated> {
        self.channel.conversation.negotiated()
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
        self.channel.conversation.close_reason()
    }

    /// Takes it apart into two halves for two tasks.
    #[must_use]
    pub fn split(self) -> (Sender<F>, Receiver<F>) {
        split::split(self.channel)
    }
}

/// Nothing in it is ever pinned.
impl<F: Framing> Unpin for Framed<F> {}
