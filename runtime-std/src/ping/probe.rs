use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use drywire::icmp::{ECHO_HEADER_LEN, Echo, EchoFilter, Heard, Layout};
use drywire::ping::Request;
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::error::{PingError, PingFailure};
use super::pinger::Carrier;
use super::session::{News, Observer, PingSession, random};
use super::{error_queue, icmp};

/// Longest packet that can arrive.
const PACKET_LEN_MAX: usize = 65_535;

/// Packets and errors that are taken in one turn, so that a flood does not keep requests from being
/// sent.
const PACKETS_MAX: usize = 64;

/// A socket that carries requests as datagrams, by ICMP or UDP. It never waits.
///
/// Why a request did not arrive is heard by raw sockets and, on Linux, by the others too.
#[derive(Debug)]
pub struct Probe {
    /// Of whatever kind: what std calls a UDP socket sends and receives datagrams.
    socket: UdpSocket,
    destination: SocketAddr,
    kind: Kind,
    /// Room for a packet that is sent or received.
    packet: Mutex<Vec<u8>>,
}

#[derive(Debug)]
enum Kind {
    Icmp { filter: EchoFilter, identifier: u16, layout: Layout, is_raw: bool },
    Udp,
}

impl Kind {
    /// A raw socket hears the routers' packets themselves. In its error queue it would find those
    /// about everybody's requests, without their destinations.
    const fn has_error_queue(&self) -> bool {
        match self {
            Self::Icmp { is_raw, .. } => !*is_raw,
            Self::Udp => true,
        }
    }
}

impl Probe {
    /// A probe by ICMP. The port of `destination` means nothing.
    ///
    /// # Errors
    /// [`PingError`].
    pub fn icmp(mut destination: SocketAddr) -> Result<Self, PingError> {
        destination.set_port(0);
        let [.., high, low] = random().to_be_bytes();
        let opened = icmp::open(destination, u16::from_be_bytes([high, low]))?;
        let icmp::Opened { socket, filter, identifier, layout, is_raw } = opened;
        let kind = Kind::Icmp { filter, identifier, layout, is_raw };
        Ok(Self::new(socket, destination, kind)?)
    }

    /// A probe by UDP, of an echo at `destination`.
    ///
    /// # Errors
    /// [`PingError::Io`].
    pub fn udp(destination: SocketAddr) -> Result<Self, PingError> {
        let socket =
            Socket::new(Domain::for_address(destination), Type::DGRAM, Some(Protocol::UDP))?;
        // Others cannot answer then.
        socket.connect(&destination.into())?;
        Ok(Self::new(socket, destination, Kind::Udp)?)
    }

    fn new(socket: Socket, destination: SocketAddr, kind: Kind) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        if kind.has_error_queue() {
            error_queue::enable(&socket, destination.is_ipv4())?;
        }
        Ok(Self {
            socket: socket.into(),
            destination,
            kind,
            packet: Mutex::new(vec![0; PACKET_LEN_MAX]),
        })
    }

    /// Sets how many routers a request may pass.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_hop_limit(&self, hop_limit: u8) -> io::Result<()> {
        match self.destination {
            SocketAddr::V4(_) => self.socket.set_ttl(hop_limit.into()),
            SocketAddr::V6(_) => SockRef::from(&self.socket).set_unicast_hops_v6(hop_limit.into()),
        }
    }

    /// Sends a request.
    ///
    /// # Errors
    /// [`PingFailure::Transmit`].
    pub fn transmit(&self, request: &Request, payload: &[u8]) -> Result<(), PingFailure> {
        // What was said of an earlier request is in the queue, and nothing that this one failed by.
        let _ = self.socket.take_error();
        let sent = match self.kind {
            Kind::Icmp { identifier, layout, .. } => {
                let echo = Echo { identifier, sequence: request.sequence, payload };
                let mut packet = self.packet();
                echo.write_request(layout.version(), &mut packet);
                self.socket.send_to(&packet, self.destination)
            }
            Kind::Udp => self.socket.send(payload),
        };
        sent.map(drop).map_err(PingFailure::Transmit)
    }

    /// Tells `session` what has come. False if there may be more.
    pub fn hear(&self, session: &mut PingSession, observer: &mut Observer<'_>) -> bool {
        let mut packet = self.packet();
        packet.resize(PACKET_LEN_MAX, 0);
        self.hear_errors(&mut packet, session, observer)
            & self.hear_packets(&mut packet, session, observer)
    }

    fn packet(&self) -> MutexGuard<'_, Vec<u8>> {
        self.packet.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear_packets(
        &self,
        packet: &mut [u8],
        session: &mut PingSession,
        observer: &mut Observer<'_>,
    ) -> bool {
        for _ in 0..PACKETS_MAX {
            let received = self.socket.recv_from(packet);
            let at = session.clock().now();
            let (len, from) = match received {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                // What was said of a request; it is in the queue too. Or a call that was interrupted.
                Err(_) => continue,
            };
            let packet = packet.get(..len).unwrap_or_default();
            match &self.kind {
                Kind::Icmp { filter, .. } => {
                    // Whatever is no packet of ours is somebody else's.
                    let Ok(Some(heard)) = filter.read(packet, from.ip()) else { continue };
                    let news = match heard {
                        Heard::Reply { sequence, payload, hop_limit } => {
                            News::Answered { sequence, payload, at, from: Some(from), hop_limit }
                        }
                        Heard::Report { sequence, report } => {
                            News::Failed { sequence, failure: PingFailure::Report(report), at }
                        }
                        _ => continue,
                    };
                    session.hear(news, observer);
                }
                Kind::Udp => {
                    let Some(sequence) = session.ping().sequence_in(packet) else { continue };
                    let (payload, from, hop_limit) = (packet, Some(from), None);
                    let news = News::Answered { sequence, payload, at, from, hop_limit };
                    session.hear(news, observer);
                }
            }
        }
        false
    }

    fn hear_errors(
        &self,
        packet: &mut [u8],
        session: &mut PingSession,
        observer: &mut Observer<'_>,
    ) -> bool {
        for _ in 0..PACKETS_MAX {
            let (report, len) = match error_queue::take(&self.socket, packet) {
                Ok(Some(taken)) => taken,
                Ok(None) => return true,
                Err(_) => continue,
            };
            let original = packet.get(..len).unwrap_or_default();
            let Some((report, sequence)) = report.zip(self.sequence_in(original, session)) else {
                continue;
            };
            let (failure, at) = (PingFailure::Report(report), session.clock().now());
            session.hear(News::Failed { sequence, failure, at }, observer);
        }
        false
    }

    /// The sequence of the request of ours whose beginning the error queue has kept.
    fn sequence_in(&self, original: &[u8], session: &PingSession) -> Option<u16> {
        match self.kind {
            Kind::Icmp { identifier, .. } => {
                let [_, _, _, _, a, b, c, d] = *original.first_chunk::<ECHO_HEADER_LEN>()?;
                let is_ours = u16::from_be_bytes([a, b]) == identifier;
                is_ours.then_some(u16::from_be_bytes([c, d]))
            }
            Kind::Udp => session.ping().sequence_in(original),
        }
    }
}

impl Carrier for Probe {
    fn transmit(&mut self, request: &Request, payload: &[u8]) -> Result<(), PingFailure> {
        Self::transmit(self, request, payload)
    }

    fn hear(&mut self, session: &mut PingSession, observer: &mut Observer<'_>) -> bool {
        Self::hear(self, session, observer)
    }
}

impl AsFd for Probe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
