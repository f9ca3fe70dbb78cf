//! A readiness loop per thread: the server for connections that are many, most of which are silent
//! at any time, and the one that costs least for each.
//!
//! Every loop waits, once for all of its connections, in an edge-triggered epoll or kqueue, and then
//! gives each connection that has something to do one turn: one read, the protocol, one write. Whoever
//! has more to do afterwards has its next turn behind everybody else, and so have those who come: a
//! flood on one connection keeps no other waiting for longer than
//! [a turn](drywire::Limits::turn_frames_max). Handlers run in the loop; one that blocks keeps all
//! connections of its thread waiting, so that protocols which take their time belong into
//! [`threads`](crate::threads).
//!
//! A connection costs one descriptor, a few hundred bytes, and buffers while it works. It belongs to
//! the loop that accepted it. With several threads each has a socket of its own for every TCP listener
//! (`SO_REUSEPORT`, on Linux), among which the system distributes those who come; where that cannot
//! be they share one. A datagram listener belongs to one thread.
//!
//! What is accepted and how connections end is decided by [`drywire::admission`] and
//! [`drywire::Connection`].
//!
//! # System calls
//!
//! For a request that comes in one piece and an answer: one wait, shared by all that are ready, one
//! read and one write. A connection is registered once, and a second time only if ever its peer did
//! not take what was written. The clock is read once for each wait. The deadline of a connection that
//! moves back with every byte touches no queue until it has come.

// In the order of reading: `run` begins and ends the loops, `event_loop` is one of them. It has
// doors, entries and datagram listeners; `link` is the stream of an entry, `source` what is waited
// for, `timers` and `queue` say whose turn comes. `clients` is such a loop for connections that are
// made, and `load` drives it.
mod clients;
mod datagrams;
mod door;
mod entry;
mod event_loop;
mod link;
mod load;
mod queue;
mod run;
mod source;
mod timers;

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use drywire::admission::AdmissionLimits;
use drywire::datagram::{DatagramLimits, DatagramPeer, DatagramProtocol};
use drywire::{CloseReason, Limits, Peer, Protocol};

pub use clients::{Alarm, ClientId, Clients, Ended, News, Target};
pub use load::{LoadFailure, run_load};

use crate::control::Control;
use crate::datagram::DatagramListener;
use crate::error::ServeError;
pub use crate::handle::{ServerHandle, Summary};
use crate::listener::Listener;
use crate::observation::Observation;
use crate::setup::Setup;

/// A server with a readiness loop per thread.
///
/// # Examples
/// ```
/// use drywire::framing::Lines;
/// use drywire::protocol::Echo;
/// use drywire_std::Listener;
/// use drywire_std::evented::Server;
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
    threads: NonZeroUsize,
}

impl<F, P> Server<F>
where
    F: Fn(&Peer) -> P + Send + Sync,
    P: Protocol,
{
    /// A server that runs what `factory` makes for each connection, in the thread of its loop.
    pub fn new(factory: F) -> Self {
        Self { factory, setup: Setup::default(), threads: NonZeroUsize::MIN }
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

    /// Serves `listener` too, in one of the loops. There may be several, of any kind, with or
    /// without listeners for streams.
    pub fn listen_datagrams(
        mut self,
        listener: DatagramListener,
        protocol: impl DatagramProtocol<DatagramPeer> + Send + 'static,
    ) -> Self {
        self.setup.listen_datagrams(listener, protocol);
        self
    }

    /// Tells `observer` how each connection ended, after it was counted, and which ones were
    /// refused for a limit, in the threads that serve: it must not block.
    pub fn on_close(
        mut self,
        observer: impl Fn(&Peer, &CloseReason) + Send + Sync + 'static,
    ) -> Self {
        self.setup.observer = Some(Box::new(observer));
        self
    }

    /// Sets how many threads serve, each with a loop of its own; one by default. The thread that
    /// runs the server is one of them.
    pub const fn threads(mut self, count: NonZeroUsize) -> Self {
        self.threads = count;
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
        let Setup { limits, observer, control, listeners, .. } = self.setup;
        let observation = Observation::new(observer);
        run::run(self.factory, limits, observation, &control, listeners, datagrams, self.threads)
            .map_err(ServeError::Io)
    }
}

impl<F> fmt::Debug for Server<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("setup", &self.setup)
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}
