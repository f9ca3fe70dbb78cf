//! A task per connection, on an executor with a number of threads: the server for protocols that
//! are many at a time and do not block.
//!
//! Each listener has a task that accepts; each connection then has a task of its own, which waits
//! for its socket, its next deadline and the server's end. A handshake or a slow peer therefore
//! keeps nobody else waiting, and neither does a peer who always sends: a task takes one turn at a
//! time. A connection costs one descriptor, its task, and buffers while it works.
//!
//! What is accepted and how connections end is decided by [`drywire::admission`] and
//! [`drywire::Connection`].

// In the order of reading: `control` ends a server, `accept` is the task of a listener, `connection`
// that of a connection, with its stream in a `seat`. What wakes tasks is the `roster`, told by the
// `watch` and the `alarm`; `workers` are the threads that run them.
mod accept;
mod alarm;
mod connection;
mod control;
mod datagram;
mod roster;
mod seat;
mod watch;
mod workers;

use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::thread;

use drywire::admission::AdmissionLimits;
use drywire::buffer::Pool;
use drywire::datagram::{DatagramLimits, DatagramPeer, DatagramProtocol};
use drywire::framing::Framing;
use drywire::{CloseReason, Limits, Peer, Protocol};
use drywire_std::datagram::DatagramListener;
use drywire_std::{Listener, ServeError, Setup};
pub use drywire_std::{ServerHandle, Summary};

use connection::{Common, Service};
use control::Control;
use datagram::Datagrams;
use watch::Watch;
use workers::Workers;

/// A server with a task per connection.
///
/// # Examples
/// ```
/// use drywire_smol::drywire::framing::Lines;
/// use drywire_smol::drywire::protocol::Echo;
/// use drywire_smol::{Listener, Server};
///
/// let server = Server::new(|_peer: &_| Echo::new(Lines::new()))
///     .listen(Listener::bind(&"tcp://127.0.0.1:0".parse()?)?);
/// let handle = server.handle();
/// // From a signal's task, say; here before the server has begun.
/// handle.drain();
/// let summary = smol::block_on(server.run())?;
/// assert!(summary.drained);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a server does nothing before it runs"]
pub struct Server<F> {
    factory: F,
    setup: Setup<Control>,
    threads: Option<NonZeroUsize>,
    is_portable: bool,
}

impl<F, P> Server<F>
where
    F: Fn(&Peer) -> P + Send + Sync + 'static,
    P: Protocol<Framing: Framing<Found: Send> + Send> + Send + 'static,
{
    /// A server that runs what `factory` makes for each connection.
    pub fn new(factory: F) -> Self {
        Self { factory, setup: Setup::default(), threads: None, is_portable: false }
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

    /// Records every connection; the server's end does not [finish](drywire_std::Recording::finish) it. Its times
    /// begin with the server's making.
    #[cfg(feature = "record")]
    pub fn record(self, recording: drywire_std::Recording) -> Self {
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

    /// Serves `listener` too, in a task of its own. There may be several, of any kind, with or
    /// without listeners for streams.
    pub fn listen_datagrams(
        mut self,
        listener: DatagramListener,
        protocol: impl DatagramProtocol<DatagramPeer> + Send + 'static,
    ) -> Self {
        self.setup.listen_datagrams(listener, protocol);
        self
    }

    /// Tells `observer` how each connection ended and which ones were refused for a limit, in the
    /// threads that serve: it must not block.
    pub fn on_close(
        mut self,
        observer: impl Fn(&Peer, &CloseReason) + Send + Sync + 'static,
    ) -> Self {
        self.setup.observer = Some(Box::new(observer));
        self
    }

    /// Sets how many threads serve; as many as the system can run at once by default.
    pub const fn threads(mut self, count: NonZeroUsize) -> Self {
        self.threads = Some(count);
        self
    }

    /// Waits for each connection alone, by async-io's own means, as is done on systems other than
    /// Linux: more system calls and more memory.
    pub const fn portable(mut self) -> Self {
        self.is_portable = true;
        self
    }

    /// A handle to end the server and to look into it.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.setup.handle()
    }

    /// Serves until the server is asked to end and all connections have ended.
    ///
    /// Runs on any executor: the server brings its own threads, and this future only waits.
    ///
    /// # Errors
    /// [`ServeError`], before anything was accepted.
    /// # Panics
    /// If the observer did, once all connections have ended.
    /// # Cancel safety
    /// Dropping the future stops the server; it does not wait for the threads.
    pub async fn run(mut self) -> Result<Summary, ServeError> {
        let datagrams = self.setup.begin()?;
        let Setup { limits, observer, control, listeners, .. } = self.setup;
        let datagrams = datagrams
            .into_iter()
            .map(|(serving, socket)| Datagrams::new(serving, socket, Arc::clone(&control)));
        let datagrams = datagrams.collect::<io::Result<_>>().map_err(ServeError::Io)?;
        let watch = if self.is_portable { None } else { Watch::new().map_err(ServeError::Io)? };
        let common = Common {
            watch,
            limits,
            observer,
            panic: Mutex::new(None),
            control,
            pool: Mutex::new(Pool::default()),
        };
        let service = Service { factory: self.factory, common: Arc::new(common) };
        let threads = self.threads.map_or_else(thread::available_parallelism, Ok);
        let workers = Workers::start(threads.unwrap_or(NonZeroUsize::MIN));
        let workers = workers.map_err(ServeError::Io)?;
        accept::run(service, listeners, datagrams, workers).await.map_err(ServeError::Io)
    }
}

impl<F> fmt::Debug for Server<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("setup", &self.setup).finish_non_exhaustive()
    }
}
