//! Connecting over IP: starts and ends the attempts that the connector asks for.

use std::future::{Future, poll_fn};
use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::pin::Pin;
use std::task::{Context, Poll};

use async_io::{Async, Timer};
use blocking::{Task, unblock};
use drywire::Instant;
use drywire::address::{HostPort, Resolution};
use drywire::connector::{self, AttemptId, Connector, ConnectorLimits, ConnectorStep, Timings};
use drywire_std::{Clock, ConnectError, Stream, fault};

/// Connects to a host. `clock` began when that was asked for.
pub(super) async fn connect(
    place: &HostPort,
    limits: &ConnectorLimits,
    clock: Clock,
) -> Result<(Stream, Timings), ConnectError> {
    let mut attempts = Attempts::new(place, limits, clock);
    let stream = poll_fn(|cx| attempts.poll(cx)).await?;
    let resolved = attempts.resolved_at.map(|at| at.saturating_duration_since(Instant::ZERO));
    let timings = Timings { resolved, connected: clock.elapsed(), secured: None };
    let stream = stream.into_inner().and_then(Stream::try_from).map_err(ConnectError::Io)?;
    Ok((stream, timings))
}

/// A connector and what it has under way.
struct Attempts {
    clock: Clock,
    connector: Connector,
    resolving: Option<Task<io::Result<Vec<SocketAddr>>>>,
    resolved_at: Option<Instant>,
    unresolved: Option<io::Error>,
    attempts: Vec<(AttemptId, Socket)>,
    timer: Timer,
}

enum Socket {
    Waiting(Pin<Box<dyn Future<Output = io::Result<Async<TcpStream>>> + Send>>),
    Connected(Async<TcpStream>),
}

impl Attempts {
    fn new(place: &HostPort, limits: &ConnectorLimits, clock: Clock) -> Self {
        let now = clock.now();
        let mut connector = Connector::new(limits.clone(), now);
        let resolving = match place.resolution() {
            Resolution::Known(address) => {
                connector.resolved([address], now);
                connector.resolution_finished(now);
                None
            }
            Resolution::Lookup { name, port } => {
                Some(unblock(move || Ok((name.as_str(), port).to_socket_addrs()?.collect())))
            }
        };
        let (attempts, timer) = (Vec::new(), Timer::never());
        let (resolved_at, unresolved) = (None, None);
        Self { clock, connector, resolving, resolved_at, unresolved, attempts, timer }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Async<TcpStream>, ConnectError>> {
        loop {
            if let Some(outcome) = self.take_steps() {
                return Poll::Ready(outcome);
            }
            let has_news = self.poll_resolving(cx) | self.poll_attempts(cx);
            if !has_news && self.poll_deadline(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Does what the connector says.
    fn take_steps(&mut self) -> Option<Result<Async<TcpStream>, ConnectError>> {
        loop {
            match self.connector.next(self.clock.now())? {
                ConnectorStep::Start(attempt) => {
                    let stream = Box::pin(Async::<TcpStream>::connect(attempt.address));
                    self.attempts.push((attempt.id, Socket::Waiting(stream)));
                }
                ConnectorStep::Cancel(id) => self.attempts.retain(|(other, _)| *other != id),
                ConnectorStep::Connected(winner) => {
                    let attempts = std::mem::take(&mut self.attempts);
                    let stream = attempts.into_iter().find_map(|(id, attempt)| match attempt {
                        Socket::Connected(stream) if id == winner.id => Some(stream),
                        Socket::Connected(_) | Socket::Waiting(_) => None,
                    });
                    // The connector only names an attempt that was said to have connected.
                    let lost = || ConnectError::Io(io::ErrorKind::NotConnected.into());
                    return Some(stream.ok_or_else(lost));
                }
                ConnectorStep::Failed(error) => return Some(Err(self.blame(error))),
            }
        }
    }

    fn blame(&mut self, error: connector::ConnectError) -> ConnectError {
        match (error, self.unresolved.take()) {
            (connector::ConnectError::NoAddress, Some(error)) => ConnectError::Resolve(error),
            (error, _) => ConnectError::Connector(error),
        }
    }

    fn poll_resolving(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(resolving) = &mut self.resolving else { return false };
        let Poll::Ready(outcome) = Pin::new(resolving).poll(cx) else { return false };
        self.resolving = None;
        let now = self.clock.now();
        self.resolved_at = Some(now);
        match outcome {
            Ok(addresses) => self.connector.resolved(addresses, now),
            Err(error) => self.unresolved = Some(error),
        }
        self.connector.resolution_finished(now);
        true
    }

    fn poll_attempts(&mut self, cx: &mut Context<'_>) -> bool {
        let (connector, now) = (&mut self.connector, self.clock.now());
        let mut has_news = false;
        self.attempts.retain_mut(|(id, attempt)| {
            let Socket::Waiting(stream) = attempt else { return true };
            let Poll::Ready(outcome) = stream.as_mut().poll(cx) else { return true };
            has_news = true;
            match outcome {
                Ok(stream) => {
                    connector.connected(*id, now);
                    *attempt = Socket::Connected(stream);
                    true
                }
                Err(error) => {
                    connector.failed(*id, fault(&error), now);
                    false
                }
            }
        });
        has_news
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.connector.deadline().and_then(|at| self.clock.instant(at)) {
            Some(at) => self.timer.set_at(at),
            None => self.timer.clear(),
        }
        if Pin::new(&mut self.timer).poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.connector.handle_timeout(self.clock.now());
        Poll::Ready(())
    }
}
