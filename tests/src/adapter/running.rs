//! A server that runs, as a test sees it.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use drywire::address::Address;
use drywire::statistics::Statistics;
use drywire::{CloseReason, Peer};
use tempfile::TempDir;

use super::{Control, Summary, place};
use crate::PATIENCE;
use crate::peer::{Place, Raw};
use crate::protocol::Event;

/// A server that runs. Dropping it stops it.
pub struct Running {
    pub(super) control: Box<dyn Control>,
    pub(super) addresses: Vec<Address>,
    pub(super) events: Receiver<Event>,
    pub(super) closes: Receiver<(Peer, CloseReason)>,
    pub(super) summary: Receiver<Summary>,
    pub(super) is_ended: bool,
    /// Outlives the server.
    pub(super) _folder: Option<Arc<TempDir>>,
}

impl Running {
    /// Where it listens first.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.addresses[0]
    }

    /// Where it listens first, for peers made by hand.
    ///
    /// # Panics
    /// If that is an abstract socket.
    #[must_use]
    pub fn place(&self) -> Place {
        place(self.address())
    }

    /// A raw connection to it.
    #[must_use]
    pub fn connect(&self) -> Raw {
        Raw::connect(&self.place())
    }

    /// Where it listens.
    #[must_use]
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Its port.
    ///
    /// # Panics
    /// If it listens on a Unix socket.
    #[must_use]
    pub fn port(&self) -> u16 {
        match self.place() {
            Place::Tcp(address) => address.port(),
            Place::Unix(path) => panic!("{} has no port", path.display()),
        }
    }

    /// What a protocol sees next.
    ///
    /// # Panics
    /// If nothing happens.
    #[must_use]
    pub fn event(&self) -> Event {
        self.events.recv_timeout(PATIENCE).expect("something happens")
    }

    /// What a protocol has seen until its connection closed.
    ///
    /// # Panics
    /// If none closes.
    #[must_use]
    pub fn trace(&self) -> Vec<Event> {
        let mut trace = Vec::new();
        while !matches!(trace.last(), Some(Event::Closed(_))) {
            trace.push(self.event());
        }
        trace
    }

    /// How the next connection ended.
    ///
    /// # Panics
    /// If none does.
    #[must_use]
    pub fn reason(&self) -> CloseReason {
        self.end().1
    }

    /// Whose connection ended next, and how.
    ///
    /// # Panics
    /// If none does.
    #[must_use]
    pub fn end(&self) -> (Peer, CloseReason) {
        self.closes.recv_timeout(PATIENCE).expect("a connection ends")
    }

    /// Its counts.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.control.statistics()
    }

    /// Waits until its counts are as `wanted`.
    ///
    /// # Panics
    /// If they do not become so.
    pub fn until(&self, wanted: impl Fn(&Statistics) -> bool) -> Statistics {
        crate::counts::until(|| self.statistics(), wanted)
    }

    /// Lets it drain, without waiting.
    pub fn begin_drain(&self) {
        self.control.drain();
    }

    /// Drains it.
    ///
    /// # Panics
    /// If it does not end.
    #[must_use]
    pub fn drain(mut self) -> Summary {
        self.control.drain();
        self.ended()
    }

    /// Stops it.
    ///
    /// # Panics
    /// If it does not end.
    #[must_use]
    pub fn stop(mut self) -> Summary {
        self.control.stop();
        self.ended()
    }

    fn ended(&mut self) -> Summary {
        self.is_ended = true;
        self.summary.recv_timeout(2 * PATIENCE).expect("the server ends")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_ended {
            self.control.stop();
            // A server that does not stop is another test's matter.
            let _ = self.summary.recv_timeout(PATIENCE);
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}
