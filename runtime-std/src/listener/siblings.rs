//! Sockets beside a listener's own, for as many threads.

use std::io;
#[cfg(target_os = "linux")]
use std::net::TcpListener;

#[cfg(target_os = "linux")]
use socket2::{Domain, Protocol, SockRef, Socket, Type};

#[cfg(target_os = "linux")]
use super::BACKLOG;
use super::socket::Kind;
use super::{Listener, ListenerSocket};

impl Listener {
    /// `len` more sockets that listen there. On Linux those of TCP have queues of their own, and
    /// the system gives each connection that comes to one of them. Elsewhere, and where somebody
    /// else has bound the socket, who may go on with it when we end, they are the same socket: what
    /// waits in its queue must not go with us.
    pub(crate) fn siblings(&self, len: usize) -> io::Result<Vec<ListenerSocket>> {
        let sibling = |_| match &self.parts.socket.kind {
            #[cfg(target_os = "linux")]
            Kind::Tcp(socket) if !self.is_adopted => ListenerSocket::bound(listen_beside(socket)?),
            Kind::Tcp(socket) => ListenerSocket::adopted(socket.try_clone()?),
            Kind::Unix(socket) => ListenerSocket::unix(socket.try_clone()?),
        };
        (0..len).map(sibling).collect()
    }
}

/// A socket that listens at the same address, for a share of the connections.
///
/// `first` was bound without sharing: nobody else's address is shared by mistake.
#[cfg(target_os = "linux")]
fn listen_beside(first: &TcpListener) -> io::Result<TcpListener> {
    let first = SockRef::from(first);
    first.set_reuse_port(true)?;
    let address = first.local_addr()?;
    let socket = Socket::new(address.domain(), Type::STREAM, Some(Protocol::TCP))?;
    if address.domain() == Domain::IPV6 {
        socket.set_only_v6(first.only_v6()?)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
