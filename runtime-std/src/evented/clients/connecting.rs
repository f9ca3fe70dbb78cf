//! A connection that is not there yet.

use std::io;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use drywire::Instant;
use drywire::connector::{Attempt, AttemptId, Connector, ConnectorLimits, ConnectorStep};
use mio::{Interest, Registry, Token};
use socket2::{Domain, SockAddr, Socket, Type};

use super::target::{Place, Target};
use crate::client::attempts::{begin, outcome};
use crate::client::header;
use crate::client::unix::sock_addr;
use crate::error::ConnectError;
use crate::evented::link::reading;
use crate::evented::source::Source;
use crate::fault::fault;
use crate::stream::Stream;

/// Until a Unix socket whose queue is full is tried again, at first; doubled each time.
const PAUSE_MIN: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// What is being connected to.
pub(super) struct Connecting {
    pub(super) target: Target,
    /// When somebody gives up.
    timeout: Duration,
    way: Way,
}

#[allow(clippy::large_enum_variant, reason = "it is in a box, and nearly always the large one")]
enum Way {
    Internet {
        connector: Connector,
        /// Those in flight, and the one that has connected.
        sockets: Vec<(AttemptId, Socket)>,
    },
    /// Nothing tells when a queue has room.
    Unix { expires_at: Instant, retry_at: Instant, pause: Duration },
}

/// How far it has come.
pub(super) enum Progress {
    /// The stream is registered.
    Connected(Stream),
    Failed(ConnectError),
    /// It waits for a socket, or for this.
    Waiting(Instant),
}

impl Connecting {
    pub(super) fn new(target: Target, limits: &ConnectorLimits, now: Instant) -> Self {
        let timeout = limits.connect_timeout;
        let way = match &target.place {
            Place::Internet(addresses) => {
                let mut connector = Connector::new(limits.clone(), now);
                connector.resolved(addresses.iter().copied(), now);
                connector.resolution_finished(now);
                Way::Internet { connector, sockets: Vec::new() }
            }
            Place::Unix(_) => {
                Way::Unix { expires_at: now + timeout, retry_at: now, pause: PAUSE_MIN }
            }
        };
        Self { target, timeout, way }
    }

    /// Goes on. Every socket is looked at, because any of them may be the one that is ready.
    pub(super) fn advance(&mut self, registry: &Registry, token: Token, now: Instant) -> Progress {
        let progress = match &mut self.way {
            Way::Internet { connector, sockets } => {
                report(connector, sockets, now);
                advance(connector, sockets, registry, token, now)
            }
            Way::Unix { expires_at, retry_at, pause } => {
                let Place::Unix(name) = &self.target.place else {
                    return Progress::Failed(ConnectError::Unix(
                        io::ErrorKind::InvalidInput.into(),
                    ));
                };
                if *retry_at > now {
                    return Progress::Waiting(*retry_at);
                }
                match sock_addr(name).and_then(|name| connect_unix(&name, registry, token)) {
                    Ok(Some(stream)) => Progress::Connected(stream),
                    Ok(None) if *expires_at <= now => {
                        Progress::Failed(ConnectError::Unix(io::ErrorKind::TimedOut.into()))
                    }
                    Ok(None) => {
                        *retry_at = (now + *pause).min(*expires_at);
                        *pause = (*pause * 2).min(PAUSE_MAX);
                        Progress::Waiting(*retry_at)
                    }
                    Err(error) => Progress::Failed(ConnectError::Unix(error)),
                }
            }
        };
        match (progress, &self.target.introduction) {
            (Progress::Connected(stream), Some(introduction)) => {
                match header::send(&stream, introduction, self.timeout) {
                    Ok(()) => Progress::Connected(stream),
                    Err(error) => Progress::Failed(ConnectError::ProxyHeader(error)),
                }
            }
            (progress, _) => progress,
        }
    }

    /// When to go on at the latest.
    pub(super) fn deadline(&self) -> Instant {
        match &self.way {
            Way::Internet { connector, .. } => connector.deadline().unwrap_or(Instant::MAX),
            Way::Unix { retry_at, .. } => *retry_at,
        }
    }
}

/// Reports the attempts that have ended.
fn report(connector: &mut Connector, sockets: &mut Vec<(AttemptId, Socket)>, now: Instant) {
    sockets.retain(|(id, socket)| match outcome(socket) {
        Err(error) => {
            connector.failed(*id, fault(&error), now);
            false
        }
        Ok(()) => {
            // One that is in flight has no error either.
            if socket.peer_addr().is_ok() {
                connector.connected(*id, now);
            }
            true
        }
    });
    connector.handle_timeout(now);
}

/// Does what the connector says.
fn advance(
    connector: &mut Connector,
    sockets: &mut Vec<(AttemptId, Socket)>,
    registry: &Registry,
    token: Token,
    now: Instant,
) -> Progress {
    loop {
        match connector.next(now) {
            Some(ConnectorStep::Start(Attempt { id, address })) => {
                let begun = begin(address).and_then(|(socket, is_connected)| {
                    Source(&socket).register(registry, token, everything())?;
                    Ok((socket, is_connected))
                });
                match begun {
                    Ok((socket, is_connected)) => {
                        sockets.push((id, socket));
                        if is_connected {
                            connector.connected(id, now);
                        }
                    }
                    Err(error) => connector.failed(id, fault(&error), now),
                }
            }
            Some(ConnectorStep::Cancel(id)) => sockets.retain(|(in_flight, _)| *in_flight != id),
            Some(ConnectorStep::Connected(winner)) => {
                let mut sockets = sockets.drain(..).filter(|(id, _)| *id == winner.id);
                // The connector only lets win what is in flight.
                return match sockets.next().map(|(_, socket)| stream(socket)) {
                    Some(Ok(stream)) => Progress::Connected(stream),
                    Some(Err(error)) => Progress::Failed(ConnectError::Io(error)),
                    None => Progress::Failed(ConnectError::Io(io::ErrorKind::NotConnected.into())),
                };
            }
            Some(ConnectorStep::Failed(error)) => {
                return Progress::Failed(ConnectError::Connector(error));
            }
            None => return Progress::Waiting(connector.deadline().unwrap_or(Instant::MAX)),
        }
    }
}

/// The socket as a stream. It does not block already.
fn stream(socket: Socket) -> io::Result<Stream> {
    socket.set_tcp_nodelay(true)?;
    Ok(Stream::Tcp(TcpStream::from(socket)))
}

/// Connects at once, or not at all if the queue is full.
fn connect_unix(name: &SockAddr, registry: &Registry, token: Token) -> io::Result<Option<Stream>> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    match socket.connect(name) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
        connected => connected?,
    }
    Source(&socket).register(registry, token, everything())?;
    Ok(Some(Stream::Unix(UnixStream::from(socket))))
}

const fn everything() -> Interest {
    reading().add(Interest::WRITABLE)
}
