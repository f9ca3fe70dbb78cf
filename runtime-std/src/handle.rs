//! A hold on a server, the same for every model and runtime.

use std::fmt;
use std::sync::Arc;

use drywire::Instant;
use drywire::datagram::DatagramStatistics;
use drywire::shutdown::{Phase, Request};
use drywire::statistics::{Observed, Statistics, Visit};

use crate::descriptors::descriptors;
use crate::ledger::Ledger;

/// A hold on a [`Server`](crate::Server) from outside, before and while it runs. Cheap to clone;
/// dropping it changes nothing.
#[derive(Clone, Debug)]
pub struct ServerHandle {
    control: Arc<dyn Controlled>,
}

/// What a server and its handles share.
pub trait Controlled: fmt::Debug + Send + Sync {
    /// Who is there, and where the server stands.
    fn ledger(&self) -> &Ledger;

    /// Tells whoever waits in the server of the [phase](Ledger::phase) that it is in, which may be
    /// a new one.
    fn heed(&self);
}

/// What became of a server; a [`Ledger`] tells [at the end](Ledger::summary).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Whether no connection had to be ended by force.
    pub drained: bool,
    /// The last counts.
    pub statistics: Statistics,
    /// The last counts of all datagram listeners.
    pub datagrams: DatagramStatistics,
}

impl ServerHandle {
    /// A hold on the server that shares `control` with it, for runtimes of other kinds.
    #[must_use]
    pub fn new(control: Arc<impl Controlled + 'static>) -> Self {
        Self { control }
    }

    /// Begins the end of the server, or hastens it: what a signal means.
    ///
    /// # Examples
    /// ```
    /// use drywire::framing::Lines;
    /// use drywire::protocol::Echo;
    /// use drywire::shutdown::Request;
    /// use drywire_std::{Listener, Server};
    ///
    /// let server = Server::new(|_peer: &_| Echo::new(Lines::new()))
    ///     .listen(Listener::bind(&"tcp://127.0.0.1:0".parse()?)?);
    /// let handle = server.handle();
    /// handle.request(Request::Terminate);
    /// assert!(!handle.is_ready());
    /// assert!(server.run()?.drained);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn request(&self, request: Request) {
        self.control.ledger().request(request);
        self.control.heed();
    }

    /// Where the server stands on its way to the end.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.control.ledger().phase()
    }

    /// Whether the server may be sent more connections: it has begun to accept, and nobody has
    /// asked for its end.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.control.ledger().is_ready()
    }

    /// Lets the server end in order: it accepts no more, each connection goes on until it ends or
    /// has been silent for [`drain_idle_timeout`](drywire::Limits::drain_idle_timeout), and those
    /// that are left after [`drain_timeout`](drywire::admission::AdmissionLimits::drain_timeout)
    /// are ended by force. Asked twice is once.
    pub fn drain(&self) {
        self.request(Request::Drain);
    }

    /// Lets the server end at once: every connection ends as
    /// [`Stopped`](drywire::CloseReason::Stopped).
    pub fn stop(&self) {
        self.request(Request::Stop);
    }

    /// The counts of all datagram listeners since the server began.
    #[must_use]
    pub fn datagram_statistics(&self) -> DatagramStatistics {
        self.control.ledger().datagram_statistics()
    }

    /// The counts since the server began.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.control.ledger().statistics()
    }
}

/// For a listener that tells of the server, with [`Admin`](drywire::protocol) for example.
impl Observed for ServerHandle {
    fn is_ready(&self) -> bool {
        self.control.ledger().is_ready()
    }

    fn statistics(&self) -> Statistics {
        self.control.ledger().statistics()
    }

    fn datagrams(&self) -> Option<DatagramStatistics> {
        self.control.ledger().has_datagrams().then(|| self.control.ledger().datagram_statistics())
    }

    fn visits(&self) -> Vec<Visit> {
        self.control.ledger().visits()
    }

    fn listeners(&self) -> Vec<String> {
        self.control.ledger().listeners()
    }

    fn now(&self) -> Instant {
        self.control.ledger().clock().now()
    }

    fn descriptors(&self) -> Option<u64> {
        descriptors()
    }
}
