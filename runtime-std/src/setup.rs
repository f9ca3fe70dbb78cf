//! What servers of every model and runtime are made of before they run.

use std::fmt;
use std::io;
use std::sync::Arc;

use drywire::admission::AdmissionLimits;
use drywire::datagram::{DatagramLimits, DatagramPeer, DatagramProtocol};
use drywire::{CloseReason, Limits, Peer};

use crate::datagram::{AnyDatagramProtocol, DatagramListener, DatagramServing, DatagramSocket};
use crate::error::ServeError;
use crate::handle::{Controlled, ServerHandle};
use crate::listener::Listener;

/// Is told of every end.
pub type CloseObserver = dyn Fn(&Peer, &CloseReason) + Send + Sync;

/// All of a server but its factory and what its model adds.
///
/// `C` is what the server and its handles share.
#[derive(Default)]
#[non_exhaustive]
pub struct Setup<C> {
    /// The limits of each connection.
    pub limits: Arc<Limits>,
    /// Whom streams are accepted from.
    pub listeners: Vec<Listener>,
    datagram_listeners: Vec<(DatagramListener, AnyDatagramProtocol)>,
    /// The limits of each datagram listener.
    pub datagram_limits: DatagramLimits,
    /// Who is told of every end.
    pub observer: Option<Box<CloseObserver>>,
    /// What is shared.
    pub control: Arc<C>,
}

impl<C: Controlled + 'static> Setup<C> {
    /// Sets the limits of the server.
    pub fn admission(&self, limits: AdmissionLimits) {
        self.control.ledger().set_limits(limits);
    }

    /// Records every connection.
    #[cfg(feature = "record")]
    pub fn record(&self, recording: crate::Recording) {
        self.control.ledger().set_recording(recording);
    }

    /// Logs connections at the level trace.
    pub fn background(&self) {
        self.control.ledger().set_background();
    }

    /// Serves `listener` too.
    pub fn listen_datagrams(
        &mut self,
        listener: DatagramListener,
        protocol: impl DatagramProtocol<DatagramPeer> + Send + 'static,
    ) {
        self.datagram_listeners.push((listener, Box::new(protocol)));
    }

    /// A handle of the server.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        ServerHandle::new(Arc::clone(&self.control))
    }

    /// Checks that there is all that is needed, and makes the datagram listeners ready. The listeners
    /// for streams stay.
    ///
    /// # Errors
    /// [`ServeError`].
    pub fn begin(&mut self) -> Result<Vec<(DatagramServing, DatagramSocket)>, ServeError> {
        if self.listeners.is_empty() && self.datagram_listeners.is_empty() {
            return Err(ServeError::ListenerMissing);
        }
        if let Some(listener) = self.listeners.iter().find(|listener| listener.lacks_tls()) {
            return Err(ServeError::TlsMissing(listener.address().clone()));
        }
        let ledger = self.control.ledger();
        ledger.serves(&self.listeners);
        let datagrams = self.datagram_listeners.drain(..).map(|(listener, protocol)| {
            DatagramServing::new(listener, protocol, &self.datagram_limits, ledger)
        });
        datagrams.collect::<io::Result<_>>().map_err(ServeError::Io)
    }
}

impl<C: fmt::Debug> fmt::Debug for Setup<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("limits", &self.limits)
            .field("listeners", &self.listeners)
            .field("control", &self.control)
            .finish_non_exhaustive()
    }
}
