//! The two sides of one conversation: the adapter's and the kit's.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use drywire::CloseReason;
use drywire::statistics::Statistics;
use nix::sys::pthread::Pthread;
use rustls::{ClientConnection, ServerConnection};
use socket2::{SockAddr, Socket, Type};
use tempfile::TempDir;

use super::lab::{Lab, THREAD, localhost, narrow};
use super::peer::Peer;
use super::runtime::{CallError, Server};
use super::scene::{Flaw, Scene, Trust};
use super::verdict::{Failure, Halt, ensure, same, text};
use crate::protocol::{Event, Traces};

/// A conversation that has begun.
pub(crate) struct Stage<'a> {
    pub(super) lab: &'a Lab,
    pub(super) scene: Scene,
    pub(super) subject: Subject,
    pub(super) events: Receiver<Event>,
    pub(super) traces: Traces,
    /// The frames that were taken from the events so far.
    pub(super) frames: Vec<Vec<u8>>,
    /// Lives as long as the socket in it.
    pub(super) _folder: Option<TempDir>,
}

/// The adapter's side.
pub(super) enum Subject {
    Server { server: Option<Box<dyn Server>>, place: SockAddr },
    Client { outcome: Receiver<Result<CloseReason, CallError>>, stream: Option<Socket> },
}

impl Stage<'_> {
    /// The peer, before it has said anything.
    pub(crate) fn raw_peer(&mut self) -> Result<Peer, Halt> {
        let socket = match &mut self.subject {
            Subject::Client { stream, .. } => stream.take().expect("a client has one peer"),
            Subject::Server { place, .. } => {
                let domain = place.domain();
                let socket = Socket::new(domain, Type::STREAM, None).expect("a socket");
                if self.scene.is_narrow {
                    narrow(&socket);
                }
                let connected = socket.connect(place);
                connected.map_err(|error| Failure::system("connect", &error))?;
                socket
            }
        };
        Ok(Peer::new(socket, self.lab.patience))
    }

    /// The peer with its session, before the handshake.
    pub(crate) fn silent_peer(&mut self) -> Result<Peer, Halt> {
        let peer = self.raw_peer()?;
        Ok(self.with_session(peer))
    }

    /// The peer with the handshake done, if there is one.
    pub(crate) fn peer(&mut self) -> Result<Peer, Halt> {
        let mut peer = self.silent_peer()?;
        peer.handshake()?;
        Ok(peer)
    }

    pub(crate) fn with_session(&self, peer: Peer) -> Peer {
        let certificates = &self.lab.certificates;
        if !self.lab.variant.is_tls {
            return peer;
        }
        if self.lab.is_server() {
            let session = ClientConnection::new(certificates.peer_client(), localhost());
            return peer.with_session(session.expect("a session"));
        }
        let config = match self.scene.trust {
            Trust::Mutual => certificates.peer_server(&certificates.server),
            Trust::AdapterRefuses(Flaw::WrongName) => {
                certificates.peer_server(&certificates.wrong_name)
            }
            Trust::AdapterRefuses(Flaw::Expired) => certificates.peer_server(&certificates.expired),
            Trust::AdapterRefuses(Flaw::UnknownIssuer) => {
                certificates.peer_server(&certificates.foreign)
            }
            Trust::PeerRefuses => certificates.demanding_peer_server(),
        };
        peer.with_session(ServerConnection::new(config).expect("a session"))
    }

    /// What the adapter's protocol sees next.
    #[track_caller]
    pub(crate) fn event(&mut self) -> Result<Event, Halt> {
        match self.events.recv_timeout(self.lab.patience) {
            Ok(event) => {
                if let Event::Frame(frame) = &event {
                    self.frames.push(frame.clone());
                }
                Ok(event)
            }
            Err(_) => Err(Failure::new("an event", "none").into()),
        }
    }

    /// Waits until the adapter's protocol has been shown `frame`.
    #[track_caller]
    pub(crate) fn await_frame(&mut self, frame: &[u8]) -> Result<(), Halt> {
        loop {
            match self.event()? {
                Event::Frame(shown) if shown == frame => return Ok(()),
                Event::Closed(reason) => {
                    return Err(Failure::new(text(frame), format!("closed: {reason}")).into());
                }
                _ => {}
            }
        }
    }

    /// The protocol is told that the peer has finished.
    #[track_caller]
    pub(crate) fn await_finished(&mut self) -> Result<(), Halt> {
        while self.event()? != Event::Finished {}
        Ok(())
    }

    /// The protocol is told that the connection is open.
    #[track_caller]
    pub(crate) fn await_open(&mut self) -> Result<(), Halt> {
        let event = self.event()?;
        ensure(matches!(event, Event::Open(_)), "the connection to open", format!("{event:?}"))
    }

    /// Waits until a client has returned, and says whether that is because it could not connect.
    #[track_caller]
    pub(crate) fn is_unconnected(&mut self) -> Result<bool, Halt> {
        let Subject::Client { outcome, .. } = &mut self.subject else { panic!("not a client") };
        let told = outcome.recv_timeout(self.lab.patience);
        let told = told.map_err(|_| Failure::new("a call that returns", "it does not"))?;
        let is_unconnected = matches!(told, Err(CallError::Connect(_)));
        // It is still to be accounted for.
        let (sender, again) = channel();
        let _ = sender.send(told);
        *outcome = again;
        Ok(is_unconnected)
    }

    /// Waits until a connection has ended, and returns why.
    #[track_caller]
    pub(crate) fn closed(&mut self) -> Result<CloseReason, Halt> {
        loop {
            match self.events.recv_timeout(self.lab.patience) {
                Ok(Event::Closed(reason)) => return Ok(reason),
                Ok(Event::Frame(frame)) => self.frames.push(frame),
                Ok(_) => {}
                Err(_) => return Err(Failure::new("the end of the connection", "none").into()),
            }
        }
    }

    /// Expects that the only connection has shown `frames` and ended for `reason`, wherever that
    /// is told.
    #[track_caller]
    pub(crate) fn ended(mut self, frames: &[&[u8]], reason: &CloseReason) -> Result<(), Halt> {
        same(&self.closed()?, reason)?;
        let shown: Vec<_> = self.frames.iter().map(|frame| text(frame)).collect();
        let expected: Vec<_> = frames.iter().map(|frame| text(frame)).collect();
        same(&shown, &expected)?;
        self.accounted(reason)
    }

    /// Expects that the only connection ended for `reason`, whatever frames it has shown.
    #[track_caller]
    pub(crate) fn ended_for(mut self, reason: &CloseReason) -> Result<(), Halt> {
        same(&self.closed()?, reason)?;
        self.accounted(reason)
    }

    /// What the adapter says at its end agrees with what the protocol was told.
    #[track_caller]
    pub(crate) fn accounted(mut self, reason: &CloseReason) -> Result<(), Halt> {
        let patience = self.lab.patience;
        match &mut self.subject {
            Subject::Client { outcome, .. } => match outcome.recv_timeout(patience) {
                Ok(Ok(told)) => same(&told, reason),
                Ok(Err(CallError::Unsupported(unsupported))) => Err(unsupported.into()),
                Ok(Err(CallError::Connect(error))) => {
                    Err(Failure::system("connect", &error).into())
                }
                Err(_) => Err(Failure::new("a call that returns", "it does not").into()),
            },
            Subject::Server { .. } => {
                let statistics = self.drain()?;
                let counts = (statistics.accepted, statistics.active);
                same(&counts, &(1, 0))?;
                same(&statistics.closed_as(reason.kind()), &1)
            }
        }
    }

    /// All bytes of the frames that were shown so far, in order.
    pub(crate) fn shown(&mut self) -> Vec<u8> {
        while let Ok(event) = self.events.try_recv() {
            if let Event::Frame(frame) = event {
                self.frames.push(frame);
            }
        }
        self.frames.concat()
    }

    pub(crate) fn place(&self) -> SockAddr {
        match &self.subject {
            Subject::Server { place, .. } => place.clone(),
            Subject::Client { .. } => panic!("a client has no place"),
        }
    }

    /// The server's counts.
    #[track_caller]
    pub(crate) fn statistics(&self) -> Statistics {
        self.lab.ask("Server::statistics", || self.server().statistics())
    }

    /// Waits until the server's counts are as `wanted`.
    #[track_caller]
    pub(crate) fn until(
        &self,
        expected: &str,
        wanted: impl Fn(&Statistics) -> bool,
    ) -> Result<(), Halt> {
        let begun = Instant::now();
        loop {
            let statistics = self.statistics();
            if wanted(&statistics) {
                return Ok(());
            }
            if begun.elapsed() > self.lab.patience {
                let counts = (statistics.accepted, statistics.active, statistics.refused);
                let seen = format!("(accepted, active, refused) {counts:?}");
                return Err(Failure::new(expected, seen).into());
            }
            thread::yield_now();
        }
    }

    /// Lets the server drain, without waiting.
    #[track_caller]
    pub(crate) fn begin_drain(&self) {
        self.lab.ask("Server::drain", || self.server().drain());
    }

    /// Drains the server.
    #[track_caller]
    pub(crate) fn drain(&mut self) -> Result<Statistics, Halt> {
        self.begin_drain();
        self.joined()
    }

    /// Stops the server.
    #[track_caller]
    pub(crate) fn stop(&mut self) -> Result<Statistics, Halt> {
        self.lab.ask("Server::stop", || self.server().stop());
        self.joined()
    }

    /// Waits until the server has ended.
    #[track_caller]
    pub(crate) fn joined(&mut self) -> Result<Statistics, Halt> {
        let Subject::Server { server, .. } = &mut self.subject else { panic!("not a server") };
        let server = server.take().expect("it ends once");
        join(server, self.lab.patience)
            .map_err(|_| Failure::new("a server that ends", "it goes on").into())
    }

    /// The adapter's thread that drives the connection.
    #[track_caller]
    pub(crate) fn thread(&self) -> Pthread {
        *self.traces.thread.get().expect("the connection was open")
    }

    /// At how many places in memory the adapter has shown frames since this was asked last.
    pub(crate) fn take_places_count(&self) -> usize {
        self.traces.take_places_count()
    }

    fn server(&self) -> &dyn Server {
        match &self.subject {
            Subject::Server { server: Some(server), .. } => server.as_ref(),
            _ => panic!("no server runs"),
        }
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        if let Subject::Server { server, .. } = &mut self.subject {
            if let Some(server) = server.take() {
                self.lab.ask("Server::stop", || server.stop());
                // That it does not end is another case's matter.
                let _ = join(server, self.lab.patience);
            }
        }
    }
}

fn join(server: Box<dyn Server>, patience: Duration) -> Result<Statistics, RecvTimeoutError> {
    let (sender, statistics) = channel();
    // The case may be over.
    let work = move || sender.send(server.join()).unwrap_or_default();
    thread::Builder::new().name(THREAD.into()).spawn(work).expect("a thread can be started");
    statistics.recv_timeout(patience)
}
