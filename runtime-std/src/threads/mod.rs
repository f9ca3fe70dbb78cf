//! A thread per connection: the server for protocols that are few at a time or heavy, and the
//! simplest one to look into.
//!
//! The thread in [`Server::run`] accepts; each connection then has a thread of its own, which waits
//! in poll for its socket, its next deadline and the server's end. A handshake, a slow peer or a
//! protocol that takes its time therefore keeps nobody else waiting. A connection costs one
//! descriptor, the thread's stack as far as it is used, and buffers while it works. A thread that is
//! done waits up to a second for another connection: what a protocol puts into variables of its
//! thread is there for the next one.
//!
//! On Linux a thread that has just served its peer waits for more in the read itself, without poll,
//! for up to 10 ms; the server's end it may hear of that much later, no deadline. A busy connection
//! then takes the same system calls as a thread written by hand, and keeps its buffers.
//!
//! What is accepted and how connections end is decided by [`drywire::admission`] and
//! [`drywire::Connection`].

// In the order of reading: `accept` is the thread that accepts, `connection` that of a connection,
// and `crew` the threads that are kept for the next one.
mod accept;
mod connection;
mod crew;

use std::fmt;
use std::sync::{Arc, Mutex};

use drywire::admission::AdmissionLimits;
use drywire::buffer::Pool;
use drywire::datagram::{DatagramLimits, DatagramPeer, DatagramProtocol};
use drywire::{CloseReason, Limits, Peer, Protocol};

use crate::control::Control;
use crate::datagram::DatagramListener;
use crate::error::ServeError;
pub use crate::handle::{ServerHandle, Summary};
use crate::listener::Listener;
use crate::setup::Setup;
use connection::Service;

/// Bytes of a connection's stack by default: what a TLS handshake takes in a build without
/// optimisation, and room for the protocol. The system only provides what is touched.
pub const STACK_LEN: usize = 256 * 1024;

/// A server with a thread per connection.
///
/// # Examples
/// ```
/// use drywire::framing::Lines;
/// use drywire::protocol::Echo;
/// use drywire_std::{Listener, Server};
///
/// let server = Server::new(|_peer: &_| Echo::new(Lines::new()))
///     .listen(Listener::bind(&"tcp://127.0.0.1:0".parse()?)?);
/// let handle = server.handle();
/// // From a signal's thread, say; here before the server has begun.
/// handle.drain();
/// let summary = server.run()?;
/// assert!(summary.drained);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a server does nothing before it runs"]
pub struct Server<F> {
    factory: F,
    setup: Setup<Control>,
    stack_len: usize,
}

impl<F, P> Server<F>
where
    F: Fn(&Peer) -> P + Send + Sync,
    P: Protocol,
{
    /// A server that runs what `factory` makes for each connection, in the connection's thread.
    pub fn new(factory: F) -> Self {
        Self { factory, setup: Setup::default(), stack_len: STACK_LEN }
    }

    /// Sets the limits of each connection.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.setup.limits = Arc::new(limits);
        self
    }

    /// Sets the limits of the server.
    pub fn admission(self, limits: AdmissionLimits) -> Self {
        self.setup.admission(limits);
        self
    }

    /// Records every connection; the server's end does not [finish](crate::Recording::finish) it. Its times
    /// begin with the server's making.
    #[cfg(feature = "record")]
    pub fn record(self, recording: crate::Recording) -> Self {
        self.setup.record(recording);
        self
    }

    /// Logs its connections at the level trace: beside another server, as a listener for its
    /// figures, they are of little interest.
    pub fn background(self) -> Self {
        self.setup.background();
        self
    }

    /// Serves `listener` too. There may be several, of any kind.
    pub fn listen(mut self, listener: Listener) -> Self {
        self.setup.listeners.push(listener);
        self
    }

    /// Sets the limits of each datagram listener.
    pub fn datagram_limits(mut self, limits: DatagramLimits) -> Self {
        self.setup.datagram_limits = limits;
        self
    }

    /// Serves `listener` too, in a thread of its own. There may be several, of any kind, with or
    /// without listeners for streams.
    pub fn listen_datagrams(
        mut self,
        listener: DatagramListener,
        protocol: impl DatagramProtocol<DatagramPeer> + Send + 'static,
    ) -> Self {
        self.setup.listen_datagrams(listener, protocol);
        self
    }

    /// Tells `observer` how each connection ended, in the connection's thread and after it was
    /// counted, and which ones were refused for a limit, in the thread that accepts: there it must
    /// not block.
    pub fn on_close(
        mut self,
        observer: impl Fn(&Peer, &CloseReason) + Send + Sync + 'static,
    ) -> Self {
        self.setup.observer = Some(Box::new(observer));
        self
    }

    /// Sets the bytes of a connection's stack; [`STACK_LEN`] by default.
    pub fn stack_len(mut self, stack_len: usize) -> Self {
        self.stack_len = stack_len;
        self
    }

    /// A handle to end the server and to look into it.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.setup.handle()
    }

    /// Serves until the server is asked to end and all connections have ended.
    ///
    /// # Errors
    /// [`ServeError`]: before anything was accepted or, if the system refuses to wait, after all
    /// connections were stopped.
    /// # Panics
    /// If the observer did, once all connections have ended.
    pub fn run(mut self) -> Result<Summary, ServeError> {
        let datagrams = self.setup.begin()?;
        let service = Service {
            factory: self.factory,
            limits: self.setup.limits,
            observer: self.setup.observer,
            stack_len: self.stack_len,
            control: &self.setup.control,
            pool: Mutex::new(Pool::default()),
        };
        accept::run(&service, self.setup.listeners, datagrams)
    }
}

impl<F> fmt::Debug for Server<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("setup", &self.setup).finish_non_exhaustive()
    }
}
