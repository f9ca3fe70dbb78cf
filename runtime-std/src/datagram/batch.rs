use std::fmt;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::os::unix::net::UnixDatagram;

use drywire::datagram::{DatagramEndpoint, DatagramPeer};
use drywire::limits::DATAGRAM_LEN_MAX;
use drywire::{Fault, Instant};
use quinn_udp::{RecvMeta, UdpSocketState};
use rustix::net::addr::SocketAddrArg;
use rustix::net::{SendFlags, SocketAddrAny, SocketAddrUnix};

use super::socket::{DatagramSocket, unix_peer};
use crate::fault::fault;
use crate::turn::Readiness;

/// Datagrams that one system call receives or sends, where the system can.
pub const BATCH_LEN: usize = quinn_udp::BATCH_SIZE;

/// Bytes from the beginning of one buffer to the next: room for the longest datagram and a byte
/// that only a longer one reaches. No multiple of 4 KiB, so that short datagrams do not displace
/// each other in the processor's cache.
const STRIDE: usize = 65_536 + 64;

const _: () = assert!(STRIDE > DATAGRAM_LEN_MAX);

/// What a driver needs to move datagrams between sockets and endpoints, many at a time, and
/// decides nothing.
///
/// # Bounds
/// With UDP about 2 MiB of buffers, of which the system provides what is touched; with Unix
/// sockets 64 KiB.
pub struct DatagramBatch {
    buffers: Vec<u8>,
    /// What receives many at once. None for Unix sockets, of which one is received at a time.
    receiver: Option<UdpSocketState>,
    /// A socket that is connected has one peer, and waits for room there as well.
    is_connected: bool,
    /// An IPv6 socket, whose IPv4 peers have addresses that are mapped into IPv6.
    is_ipv6: bool,
}

impl DatagramBatch {
    /// Buffers for `socket`.
    ///
    /// # Errors
    /// Those of the system.
    pub fn new(socket: &DatagramSocket) -> io::Result<Self> {
        let is_connected = socket.remote().is_ok();
        let is_ipv6 = match socket {
            DatagramSocket::Udp(socket) => socket.local_addr()?.is_ipv6(),
            DatagramSocket::Unix(_) => false,
        };
        Ok(match socket {
            DatagramSocket::Udp(_) => Self {
                buffers: vec![0; BATCH_LEN * STRIDE],
                receiver: Some(receiver()?),
                is_connected,
                is_ipv6,
            },
            DatagramSocket::Unix(_) => {
                Self { buffers: vec![0; STRIDE], receiver: None, is_connected, is_ipv6 }
            }
        })
    }

    /// Receives up to [`BATCH_LEN`] datagrams, if the endpoint wants to and the socket may have
    /// some. Returns how many came.
    pub fn receive(
        &mut self,
        endpoint: &mut DatagramEndpoint<DatagramPeer>,
        socket: &DatagramSocket,
        readiness: &mut Readiness,
        now: Instant,
    ) -> usize {
        if !readiness.readable || !endpoint.interest().read {
            return 0;
        }
        let received = match (socket, &self.receiver) {
            (DatagramSocket::Udp(socket), Some(receiver)) => {
                receive_udp(receiver, socket, &mut self.buffers, endpoint, now)
            }
            (DatagramSocket::Unix(socket), _) => {
                receive_unix(socket, &mut self.buffers, endpoint, now)
            }
            (DatagramSocket::Udp(_), None) => Ok(0),
        };
        match received {
            Ok(count) => {
                readiness.readable = count == BATCH_LEN;
                count
            }
            Err(error) => {
                // What the socket reports of datagrams sent before is reported once; there may be
                // more behind it.
                readiness.readable = error.kind() != ErrorKind::WouldBlock;
                if readiness.readable {
                    endpoint.socket_failed(fault(&error), now);
                }
                0
            }
        }
    }

    /// Sends what there is, as far as the socket takes it. Returns how many datagrams went.
    pub fn transmit(
        &self,
        endpoint: &mut DatagramEndpoint<DatagramPeer>,
        socket: &DatagramSocket,
        readiness: &mut Readiness,
        now: Instant,
    ) -> usize {
        let mut transmitted = 0;
        let mut is_again = false;
        while readiness.writable && endpoint.interest().write {
            match self.send(endpoint, socket) {
                Ok(count) => {
                    // As many as were queued at least.
                    let _ = endpoint.transmitted(count, now);
                    transmitted += count;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock && self.waits_for(socket) => {
                    readiness.writable = false;
                }
                // What was sent before was refused. The system says so instead of sending, once.
                Err(error)
                    if error.kind() == ErrorKind::ConnectionRefused
                        && self.is_connected
                        && self.receiver.is_some()
                        && !is_again =>
                {
                    is_again = true;
                    endpoint.socket_failed(fault(&error), now);
                    continue;
                }
                // A Unix peer that does not read: waiting for room, which is one peer's, would
                // keep the others waiting.
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    endpoint.transmit_failed(Fault::TimedOut, now);
                }
                Err(error) => endpoint.transmit_failed(fault(&error), now),
            }
            is_again = false;
        }
        transmitted
    }

    /// Whether a socket that takes nothing can be waited for.
    const fn waits_for(&self, socket: &DatagramSocket) -> bool {
        self.is_connected || matches!(socket, DatagramSocket::Udp(_))
    }

    /// Sends one or more of what is queued.
    fn send(
        &self,
        endpoint: &DatagramEndpoint<DatagramPeer>,
        socket: &DatagramSocket,
    ) -> io::Result<usize> {
        let Some((to, bytes)) = endpoint.transmit() else { return Ok(0) };
        if self.is_connected {
            match socket {
                DatagramSocket::Udp(socket) => socket.send(bytes)?,
                DatagramSocket::Unix(socket) => socket.send(bytes)?,
            };
            return Ok(1);
        }
        if endpoint.queued().0 > 1 {
            return send_many(endpoint, socket, self.is_ipv6);
        }
        rustix::net::sendto(socket, bytes, SendFlags::NOSIGNAL, &any_address(to, self.is_ipv6))?;
        Ok(1)
    }
}

impl fmt::Debug for DatagramBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatagramBatch").field("is_connected", &self.is_connected).finish()
    }
}

/// What receives many datagrams at once from any socket. It is made over a socket of its own,
/// because making it sets options that are meant for QUIC: with them, datagrams that are longer
/// than the path allows could not be sent at all instead of in fragments.
fn receiver() -> io::Result<UdpSocketState> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    UdpSocketState::new((&socket).into())
}

fn receive_udp(
    receiver: &UdpSocketState,
    socket: &UdpSocket,
    buffers: &mut [u8],
    endpoint: &mut DatagramEndpoint<DatagramPeer>,
    now: Instant,
) -> io::Result<usize> {
    let mut metas = [RecvMeta::default(); BATCH_LEN];
    let mut parts = buffers.chunks_exact_mut(STRIDE);
    let mut slices = [(); BATCH_LEN].map(|()| IoSliceMut::new(parts.next().unwrap_or_default()));
    let count = receiver.recv(socket.into(), &mut slices, &mut metas)?;
    for (slice, meta) in slices.iter().zip(&metas).take(count) {
        let bytes = slice.get(..meta.len).unwrap_or_default();
        endpoint.received(DatagramPeer::ip(meta.addr), bytes, now);
    }
    Ok(count)
}

/// One at a time, as many as a batch has.
fn receive_unix(
    socket: &UnixDatagram,
    buffer: &mut [u8],
    endpoint: &mut DatagramEndpoint<DatagramPeer>,
    now: Instant,
) -> io::Result<usize> {
    let mut count = 0;
    while count < BATCH_LEN {
        match socket.recv_from(buffer) {
            Ok((len, from)) => {
                count += 1;
                if len > DATAGRAM_LEN_MAX {
                    endpoint.received_truncated(len, now);
                } else {
                    let bytes = buffer.get(..len).unwrap_or_default();
                    endpoint.received(DatagramPeer::Unix(unix_peer(&from)), bytes, now);
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // What came is told first; an error that is more than emptiness comes again.
            Err(_) if count > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

/// Sends as many as one system call can.
#[cfg(target_os = "linux")]
fn send_many(
    endpoint: &DatagramEndpoint<DatagramPeer>,
    socket: &DatagramSocket,
    is_ipv6: bool,
) -> io::Result<usize> {
    use rustix::net::{MMsgHdr, SendAncillaryBuffer, sendmmsg};

    let nowhere = SocketAddrUnix::new_unnamed().as_any();
    let mut queued = endpoint.transmit_all();
    let mut count = 0;
    let messages = [(); BATCH_LEN].map(|()| match queued.next() {
        Some((to, bytes)) => {
            count += 1;
            (any_address(to, is_ipv6), [IoSlice::new(bytes)])
        }
        None => (nowhere.clone(), [IoSlice::new(&[])]),
    });
    let mut controls = [(); BATCH_LEN].map(|()| SendAncillaryBuffer::default());
    let mut filled = messages.iter();
    let mut headers = controls.each_mut().map(|control| match filled.next() {
        Some((address, slices)) => MMsgHdr::new_with_addr(address, slices, control),
        None => MMsgHdr::new(&[], control),
    });
    let headers = headers.get_mut(..count).unwrap_or_default();
    Ok(sendmmsg(socket, headers, SendFlags::NOSIGNAL)?)
}

/// One at a time, where the system cannot do more.
#[cfg(not(target_os = "linux"))]
fn send_many(
    endpoint: &DatagramEndpoint<DatagramPeer>,
    socket: &DatagramSocket,
    is_ipv6: bool,
) -> io::Result<usize> {
    let Some((to, bytes)) = endpoint.transmit() else { return Ok(0) };
    rustix::net::sendto(socket, bytes, SendFlags::empty(), &any_address(to, is_ipv6))?;
    Ok(1)
}

/// The address as the system takes it. One without a name is nowhere, which the system says.
fn any_address(peer: &DatagramPeer, is_ipv6: bool) -> SocketAddrAny {
    let name = match peer {
        DatagramPeer::Ip(SocketAddr::V4(address)) if is_ipv6 => {
            let mapped = address.ip().to_ipv6_mapped();
            return SocketAddrV6::new(mapped, address.port(), 0, 0).as_any();
        }
        DatagramPeer::Ip(address) => return address.as_any(),
        DatagramPeer::Unix(name) => name,
        _ => return SocketAddrUnix::new_unnamed().as_any(),
    };
    let named = name.as_path().and_then(|path| SocketAddrUnix::new(path).ok());
    #[cfg(target_os = "linux")]
    let named = named.or_else(|| {
        name.as_abstract().and_then(|name| SocketAddrUnix::new_abstract_name(name).ok())
    });
    named.unwrap_or_else(SocketAddrUnix::new_unnamed).as_any()
}
