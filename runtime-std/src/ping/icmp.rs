//! The two kinds of ICMP sockets.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use drywire::icmp::{EchoFilter, Layout};
use socket2::{Domain, Protocol, Socket, Type};

use super::error::PingError;

/// A socket, and what it writes and delivers.
pub(super) struct Opened {
    pub(super) socket: Socket,
    pub(super) filter: EchoFilter,
    pub(super) identifier: u16,
    pub(super) layout: Layout,
    pub(super) is_raw: bool,
}

impl Opened {
    fn datagram(socket: Socket, layout: Layout, identifier: u16, to: SocketAddr) -> Self {
        let filter = EchoFilter::new(layout, identifier, to.ip());
        Self { socket, filter, identifier, layout, is_raw: false }
    }

    fn raw(socket: Socket, layout: Layout, identifier: u16, to: SocketAddr) -> Self {
        Self { is_raw: true, ..Self::datagram(socket, layout, identifier, to) }
    }
}

/// Opens a socket for echo requests to `destination`: a datagram socket if the system grants one,
/// else a raw socket.
///
/// The identifier of a datagram socket is the kernel's choice, and `identifier` that of a raw one.
pub(super) fn open(destination: SocketAddr, identifier: u16) -> Result<Opened, PingError> {
    let datagram = match datagram(destination) {
        Ok(opened) => return Ok(opened),
        Err(error) => error,
    };
    match socket(destination, Type::RAW) {
        Ok(socket) => {
            let layout = match destination {
                SocketAddr::V4(_) => Layout::Ipv4,
                SocketAddr::V6(_) => Layout::Icmpv6,
            };
            Ok(Opened::raw(socket, layout, identifier, destination))
        }
        Err(raw) => Err(PingError::Refused { datagram, raw }),
    }
}

fn datagram(destination: SocketAddr) -> io::Result<Opened> {
    let socket = socket(destination, Type::DGRAM)?;
    let (layout, any) = match destination {
        SocketAddr::V4(_) => (Layout::Icmpv4, IpAddr::from(Ipv4Addr::UNSPECIFIED)),
        SocketAddr::V6(_) => (Layout::Icmpv6, Ipv6Addr::UNSPECIFIED.into()),
    };
    // Bound, it has the identifier that the kernel writes into every request; it is its port.
    socket.bind(&SocketAddr::new(any, 0).into())?;
    let local = socket.local_addr()?.as_socket();
    let identifier = local.ok_or(io::ErrorKind::InvalidData)?.port();
    Ok(Opened::datagram(socket, layout, identifier, destination))
}

fn socket(destination: SocketAddr, kind: Type) -> io::Result<Socket> {
    let protocol = match destination {
        SocketAddr::V4(_) => Protocol::ICMPV4,
        SocketAddr::V6(_) => Protocol::ICMPV6,
    };
    Socket::new(Domain::for_address(destination), kind, Some(protocol))
}
