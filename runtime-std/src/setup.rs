//! What servers of every model are made of before they run.

use std::io;
use std::sync::Arc;

use drywire::admission::AdmissionLimits;
use drywire::datagram::{DatagramLimits, DatagramPeer, DatagramProtocol};
use drywire::{CloseReason, Limits, Peer};

use crate::control::Control;
use crate::datagram::{AnyDatagramProtocol, DatagramListener, DatagramServing, DatagramSocket};
use crate::error::ServeError;
use crate::handle::ServerHandle;
use crate::listener::Listener;

/// Is told of every end.
pub(crate) type Observer = dyn Fn(&Peer, &CloseReason) + Send + Sync;

/// All of a server but its factory and what its model adds.
#[derive(Default)]
pub(crate) struct Setup {
    pub(crate) limits: Arc<Limits>,
    pub(crate) listeners: Vec<Listener>,
    datagram_listeners: Vec<(DatagramListener, AnyDatagramProtocol)>,
    pub(crate) datagram_limits: DatagramLimits,
    pub(crate) observer: Option<Box<Observer>>,
    pub(crate) control: Arc<Control>,
}

impl Setup {
    pub(crate) fn admission(&self, limits: AdmissionLimits) {
        self.control.ledger.set_limits(limits);
    }

    pub(crate) fn background(&self) {
        self.control.ledger.set_background();
    }

    pub(crate) fn listen_datagrams(
        &mut self,
        listener: DatagramListener,
        protocol: impl DatagramProtocol<DatagramPeer> + Send + 'static,
    ) {
        self.datagram_listeners.push((listener, Box::new(protocol)));
    }

    pub(crate) fn handle(&self) -> ServerHandle {
        ServerHandle::new(Arc::clone(&self.control))
    }

    /// Checks that there is all that is needed, and makes the datagram listeners ready.
    pub(crate) fn begin(&mut self) -> Result<Vec<(DatagramServing, DatagramSocket)>, ServeError> {
        if self.listeners.is_empty() && self.datagram_listeners.is_empty() {
            return Err(ServeError::ListenerMissing);
        }
        if let Some(listener) = self.listeners.iter().find(|listener| listener.lacks_tls()) {
            return Err(ServeError::TlsMissing(listener.address().clone()));
        }
        let ledger = &self.control.ledger;
        ledger.serves(&self.listeners);
        let datagrams = self.datagram_listeners.drain(..).map(|(listener, protocol)| {
            DatagramServing::new(listener, protocol, &self.datagram_limits, ledger)
        });
        datagrams.collect::<io::Result<_>>().map_err(ServeError::Io)
    }
}
