//! A listener of a loop.

use std::io;
use std::sync::Arc;

use drywire::Peer;
use drywire::proxy::ProxyPolicy;
use drywire::tls::ServerTls;
use mio::{Interest, Registry, Token};

use super::source::Source;
use crate::listener::{ListenerSocket, SocketFile};
use crate::stream::Stream;

/// A listening socket, this loop's own or one that all loops share.
#[derive(Debug)]
pub(super) struct Door {
    socket: ListenerSocket,
    pub(super) tls: Option<ServerTls>,
    pub(super) proxy: Option<Arc<ProxyPolicy>>,
    /// The listener's place in the order of the server's.
    number: u32,
    /// There may be a connection to accept.
    pub(super) is_ready: bool,
    /// Removed after the socket is closed.
    _file: Option<SocketFile>,
}

impl Door {
    pub(super) const fn new(
        socket: ListenerSocket,
        tls: Option<ServerTls>,
        proxy: Option<Arc<ProxyPolicy>>,
        number: u32,
        file: Option<SocketFile>,
    ) -> Self {
        Self { socket, tls, proxy, number, is_ready: false, _file: file }
    }

    pub(super) fn register(&self, registry: &Registry, token: Token) -> io::Result<()> {
        Source(&self.socket).register(registry, token, Interest::READABLE)
    }

    pub(super) fn close(self, registry: &Registry) {
        // Other loops may have the same socket.
        Source(&self.socket).deregister(registry);
    }

    /// Accepts a connection. None if there is none, until the system tells of one again.
    pub(super) fn accept(&mut self) -> io::Result<Option<(Stream, Peer)>> {
        match self.socket.accept() {
            Ok((stream, peer)) => Ok(Some((stream, peer.by(self.number)))),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.is_ready = false;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
