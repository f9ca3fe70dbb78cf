//! Connecting over IP: starts and ends the attempts that the connector asks for.

use std::io;
use std::net::{SocketAddr, TcpStream};

use drywire::Instant;
use drywire::address::{HostPort, Resolution};
use drywire::connector::{
    self, Attempt, AttemptId, Connector, ConnectorLimits, ConnectorStep, Timings,
};
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};

use super::resolver::Resolver;
use crate::clock::Clock;
use crate::error::ConnectError;
use crate::fault::fault;
use crate::stream::Stream;
use crate::wait::{is_readable, is_writable, wait};

/// Connects to a host. `clock` began when that was asked for.
pub(super) fn connect(
    place: &HostPort,
    limits: &ConnectorLimits,
    clock: Clock,
) -> Result<(Stream, Timings), ConnectError> {
    let mut attempts = Attempts {
        connector: Connector::new(limits.clone(), clock.now()),
        clock,
        sockets: Vec::new(),
        resolver: None,
        resolved_at: None,
        unresolved: None,
    };
    match place.resolution() {
        Resolution::Known(address) => {
            attempts.connector.resolved([address], clock.now());
            attempts.connector.resolution_finished(clock.now());
        }
        Resolution::Lookup { name, port } => {
            attempts.resolver = Some(Resolver::ask(name, port).map_err(ConnectError::Io)?);
        }
    }
    attempts.run()
}

/// Begins to connect, without waiting for it. Returns whether it has been done already.
pub(crate) fn begin(address: SocketAddr) -> io::Result<(Socket, bool)> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    match socket.connect(&address.into()) {
        Ok(()) => Ok((socket, true)),
        Err(error) if Errno::from_io_error(&error) == Some(Errno::INPROGRESS) => {
            Ok((socket, false))
        }
        Err(error) => Err(error),
    }
}

/// What an attempt came to that has ended: an error that is there for the taking, or none.
pub(crate) fn outcome(socket: &Socket) -> io::Result<()> {
    socket.take_error().and_then(|error| error.map_or(Ok(()), Err))
}

struct Attempts {
    connector: Connector,
    clock: Clock,
    /// Those in flight, and the one that has connected.
    sockets: Vec<(AttemptId, Socket)>,
    /// None when there is nothing to be asked any more.
    resolver: Option<Resolver>,
    /// When it had answered.
    resolved_at: Option<Instant>,
    /// Why there is no address.
    unresolved: Option<io::Error>,
}

impl Attempts {
    fn run(mut self) -> Result<(Stream, Timings), ConnectError> {
        loop {
            match self.connector.next(self.clock.now()) {
                Some(ConnectorStep::Start(attempt)) => self.start(attempt),
                Some(ConnectorStep::Cancel(id)) => {
                    self.sockets.retain(|(in_flight, _)| *in_flight != id);
                }
                Some(ConnectorStep::Connected(attempt)) => return self.finish(attempt.id),
                Some(ConnectorStep::Failed(error)) => return Err(self.blame(error)),
                None => {
                    self.wait().map_err(ConnectError::Io)?;
                    self.connector.handle_timeout(self.clock.now());
                }
            }
        }
    }

    fn start(&mut self, Attempt { id, address }: Attempt) {
        match begin(address) {
            Ok((socket, is_connected)) => {
                self.sockets.push((id, socket));
                if is_connected {
                    self.connector.connected(id, self.clock.now());
                }
            }
            Err(error) => self.connector.failed(id, fault(&error), self.clock.now()),
        }
    }

    /// Waits for an attempt, the resolver or the deadline, and reports what came.
    fn wait(&mut self) -> io::Result<()> {
        let timeout = self.connector.deadline().and_then(|at| self.clock.until(at));
        let attempts = self.sockets.iter().map(|(_, socket)| PollFd::new(socket, PollFlags::OUT));
        let resolver = self.resolver.iter().map(|resolver| PollFd::new(resolver, PollFlags::IN));
        let mut fds: Vec<_> = attempts.chain(resolver).collect();
        wait(&mut fds, timeout)?;
        let (attempts, resolver) = fds.split_at(self.sockets.len());
        let ready: Vec<_> = attempts.iter().map(is_writable).collect();
        if resolver.iter().any(is_readable) {
            self.resolved();
        }
        let now = self.clock.now();
        let mut ready = ready.into_iter();
        let connector = &mut self.connector;
        self.sockets.retain(|(id, socket)| {
            if ready.next() != Some(true) {
                return true;
            }
            match outcome(socket) {
                Ok(()) => {
                    connector.connected(*id, now);
                    true
                }
                Err(error) => {
                    connector.failed(*id, fault(&error), now);
                    false
                }
            }
        });
        Ok(())
    }

    fn resolved(&mut self) {
        let Some(answer) = self.resolver.take().and_then(|resolver| resolver.answer()) else {
            return;
        };
        let now = self.clock.now();
        self.resolved_at = Some(now);
        match answer {
            Ok(addresses) => self.connector.resolved(addresses, now),
            Err(error) => self.unresolved = Some(error),
        }
        self.connector.resolution_finished(now);
    }

    fn finish(self, winner: AttemptId) -> Result<(Stream, Timings), ConnectError> {
        let resolved = self.resolved_at.map(|at| at.saturating_duration_since(Instant::ZERO));
        let timings = Timings { resolved, connected: self.clock.elapsed(), secured: None };
        // The connector only lets win what is in flight.
        let socket =
            self.sockets.into_iter().find(|(id, _)| *id == winner).map(|(_, socket)| socket);
        let socket = socket.ok_or_else(|| ConnectError::Io(io::ErrorKind::NotConnected.into()))?;
        let stream = Stream::try_from(TcpStream::from(socket)).map_err(ConnectError::Io)?;
        Ok((stream, timings))
    }

    fn blame(self, error: connector::ConnectError) -> ConnectError {
        match (error, self.unresolved) {
            (connector::ConnectError::NoAddress, Some(error)) => ConnectError::Resolve(error),
            (error, _) => ConnectError::Connector(error),
        }
    }
}
