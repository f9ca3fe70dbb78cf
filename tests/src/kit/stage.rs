//! The two sides of one conversation: the adapter's and the kit's.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use drywire::address::Address;
use drywire::admission::AdmissionLimits;
use drywire::framing::AnyFraming;
use drywire::statistics::Statistics;
use drywire::tls::{ClientTls, ServerTls};
use drywire::{CloseReason, Limits};
use nix::sys::pthread::Pthread;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, ServerConnection};
use socket2::{Domain, SockAddr, Socket, Type};
use tempfile::TempDir;

use super::peer::Peer;
use super::runtime::{Call, CallError, Runtime, Server, Serving};
use super::variant::{Side, Variant};
use super::verdict::{Failure, Halt, ensure, same, text};
use crate::certificates::Certificates;
use crate::protocol::{Behaviour, Event, Scripts};

/// Longer than any case lasts.
pub(crate) const NEVER: Duration = Duration::from_secs(600);

/// Bytes of the small buffers of sockets; the system takes more where that is its least.
const NARROW_LEN: usize = 4096;

/// What a case is run with.
pub(crate) struct Lab {
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) certificates: Arc<Certificates>,
    pub(crate) variant: Variant,
    /// How long to wait for one thing.
    pub(crate) patience: Duration,
}

/// What the adapter's side of a conversation is to be.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    framing: AnyFraming,
    behaviour: Behaviour,
    limits: Limits,
    admission: AdmissionLimits,
    trust: Trust,
    is_narrow: bool,
    /// Futures are dropped after so many polls.
    polls: Option<usize>,
}

/// Who trusts whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Both.
    Mutual,
    /// The adapter refuses the peer: a client that has no certificate, a server whose certificate
    /// has this flaw.
    AdapterRefuses(Flaw),
    /// The peer refuses the adapter.
    PeerRefuses,
}

/// What is wrong with the certificate of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    WrongName,
    Expired,
    UnknownIssuer,
}

impl Scene {
    /// An echo of frames, with no deadline that could pass while a case runs.
    pub(crate) fn echo(framing: &str) -> Self {
        let mut limits = Limits::new();
        limits.handshake_timeout = NEVER;
        limits.frame_timeout = NEVER;
        limits.stall_timeout = NEVER;
        limits.idle_timeout = NEVER;
        limits.drain_idle_timeout = NEVER;
        limits.linger_timeout = NEVER;
        let mut admission = AdmissionLimits::new();
        admission.drain_timeout = NEVER;
        Self {
            framing: framing.parse().expect("a framing"),
            behaviour: Behaviour::Echo,
            limits,
            admission,
            trust: Trust::Mutual,
            is_narrow: false,
            polls: None,
        }
    }

    pub(crate) fn behaving(framing: &str, behaviour: Behaviour) -> Self {
        Self { behaviour, ..Self::echo(framing) }
    }

    pub(crate) fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.limits);
        self
    }

    pub(crate) fn admission(mut self, change: impl FnOnce(&mut AdmissionLimits)) -> Self {
        change(&mut self.admission);
        self
    }

    pub(crate) fn frame_len_max(mut self, frame_len_max: usize) -> Self {
        self.framing = self.framing.with_frame_len_max(frame_len_max);
        self
    }

    pub(crate) const fn trust(mut self, trust: Trust) -> Self {
        self.trust = trust;
        self
    }

    /// Gives the sockets that the kit makes small buffers.
    pub(crate) const fn narrow(mut self) -> Self {
        self.is_narrow = true;
        self
    }

    /// Drops the futures of a client after so many polls.
    pub(crate) const fn dropping_after(mut self, polls: usize) -> Self {
        self.polls = Some(polls);
        self
    }
}

/// A conversation that has begun.
pub(crate) struct Stage<'a> {
    lab: &'a Lab,
    scene: Scene,
    subject: Subject,
    events: Receiver<Event>,
    thread: Arc<OnceLock<Pthread>>,
    /// The frames that were taken from the events so far.
    frames: Vec<Vec<u8>>,
    /// Lives as long as the socket in it.
    _folder: Option<TempDir>,
}

enum Subject {
    Server { server: Option<Box<dyn Server>>, place: SockAddr },
    Client { outcome: Receiver<Result<CloseReason, CallError>>, stream: Option<Socket> },
}

impl Lab {
    pub(crate) const fn is_server(&self) -> bool {
        matches!(self.variant.side, Side::Server)
    }

    /// Goes on only if the variant is as it says.
    pub(crate) fn only(&self, is: bool, otherwise: &'static str) -> Result<(), Halt> {
        if is { Ok(()) } else { Err(Halt::NotApplicable(otherwise)) }
    }

    pub(crate) fn only_tls(&self) -> Result<(), Halt> {
        self.only(self.variant.is_tls, "there is none without TLS")
    }

    pub(crate) fn only_server(&self) -> Result<(), Halt> {
        self.only(self.is_server(), "what a server does")
    }

    pub(crate) fn only_client(&self) -> Result<(), Halt> {
        self.only(!self.is_server(), "what a client does")
    }

    /// Starts the adapter's side. A client is connected, the stream not yet taken.
    pub(crate) fn begin(&self, scene: Scene) -> Result<Stage<'_>, Halt> {
        let (listener, address, folder) = self.listen(scene.is_narrow);
        let place = listener.local_addr().expect("a name");
        let (events_sender, events) = channel();
        let scripts = Scripts::new(scene.framing.clone(), scene.behaviour, events_sender);
        let thread = Arc::clone(&scripts.thread);
        let subject = if self.is_server() {
            let serving = Serving {
                listener,
                address,
                tls: self.server_tls(scene.trust),
                limits: scene.limits.clone(),
                admission: scene.admission.clone(),
                scripts,
            };
            Subject::Server { server: Some(self.runtime.serve(serving)?), place }
        } else {
            let call = Call {
                place,
                address,
                tls: self.client_tls(),
                limits: scene.limits.clone(),
                script: scripts.script(),
            };
            drop(scripts);
            let outcome = self.call(call, scene.polls);
            let stream = self.accept(&listener, &outcome)?;
            Subject::Client { outcome, stream: Some(stream) }
        };
        let (scene, frames) = (scene, Vec::new());
        Ok(Stage { lab: self, scene, subject, events, thread, frames, _folder: folder })
    }

    /// A call to nobody.
    pub(crate) fn call_nobody(&self) -> Receiver<Result<CloseReason, CallError>> {
        let (listener, address, _folder) = self.listen(false);
        let place = listener.local_addr().expect("a name");
        drop(listener);
        let scene = Scene::echo("lines");
        let scripts = Scripts::new(scene.framing, scene.behaviour, channel().0);
        let tls = self.client_tls();
        let script = scripts.script();
        self.call(Call { place, address, tls, limits: scene.limits, script }, None)
    }

    fn call(&self, call: Call, polls: Option<usize>) -> Receiver<Result<CloseReason, CallError>> {
        let (sender, outcome): (Sender<_>, _) = channel();
        let runtime = Arc::clone(&self.runtime);
        let work = move || {
            let outcome = match polls {
                None => runtime.call(call),
                Some(polls) => runtime.call_dropping(call, polls),
            };
            // The case may be over.
            let _ = sender.send(outcome);
        };
        thread::Builder::new().name(THREAD.into()).spawn(work).expect("a thread can be started");
        outcome
    }

    /// Accepts the client, unless it says that it does not come.
    fn accept(
        &self,
        listener: &Socket,
        outcome: &Receiver<Result<CloseReason, CallError>>,
    ) -> Result<Socket, Halt> {
        listener.set_nonblocking(true).expect("the mode of a socket");
        let begun = Instant::now();
        while begun.elapsed() < self.patience {
            match outcome.try_recv() {
                Ok(Err(CallError::Unsupported(unsupported))) => return Err(unsupported.into()),
                Ok(Err(CallError::Connect(error))) => {
                    return Err(Failure::system("connect", &error).into());
                }
                // It will be seen on the stage.
                Ok(Ok(_)) | Err(_) => {}
            }
            match listener.accept() {
                Ok((stream, _)) => return Ok(stream),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::yield_now(),
                Err(error) => return Err(Failure::system("accept", &error).into()),
            }
        }
        Err(Failure::new("a client that connects", "none").into())
    }

    fn listen(&self, is_narrow: bool) -> (Socket, Address, Option<TempDir>) {
        let is_unix = self.variant.is_unix;
        let domain = if is_unix { Domain::UNIX } else { Domain::IPV4 };
        let socket = Socket::new(domain, Type::STREAM, None).expect("a socket");
        if is_narrow {
            // Those that are accepted have the same.
            narrow(&socket);
        }
        let folder = is_unix.then(|| tempfile::tempdir().expect("a folder"));
        let place = match &folder {
            Some(folder) => SockAddr::unix(folder.path().join("socket")).expect("a path"),
            None => SockAddr::from(std::net::SocketAddr::from(([127, 0, 0, 1], 0))),
        };
        socket.bind(&place).expect("the place is free");
        socket.listen(128).expect("a socket that listens");
        let address = match &folder {
            Some(folder) => format!("unix:{}", folder.path().join("socket").display()),
            None => {
                let place = socket.local_addr().ok().and_then(|place| place.as_socket());
                format!("tcp://{}", place.expect("a name"))
            }
        };
        let address = match (self.variant.is_tls, address.strip_prefix("tcp")) {
            (false, _) => address,
            (true, Some(rest)) => format!("tls{rest}"),
            (true, None) => format!("tls+{address}"),
        };
        (socket, address.parse().expect("an address"), folder)
    }

    fn server_tls(&self, trust: Trust) -> Option<ServerTls> {
        let certificates = &self.certificates;
        let tls = || match trust {
            Trust::Mutual => certificates.server_tls(),
            Trust::AdapterRefuses(_) => certificates.demanding_server_tls(),
            Trust::PeerRefuses => {
                let config = certificates.server_config(&certificates.foreign, &[]);
                ServerTls::new(config).expect("a configuration")
            }
        };
        self.variant.is_tls.then(tls)
    }

    fn client_tls(&self) -> Option<(ClientTls, ServerName<'static>)> {
        self.variant.is_tls.then(|| (self.certificates.client_tls(), localhost()))
    }
}

/// The name of the kit's threads.
pub(crate) const THREAD: &str = "conformance";

fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").expect("a name")
}

fn narrow(socket: &Socket) {
    // Segments of the loopback are longer than small buffers, and would each wait for a timer. Not an
    // option of Unix sockets.
    let _ = socket.set_tcp_mss(1400);
    socket.set_send_buffer_size(NARROW_LEN).expect("a small buffer");
    socket.set_recv_buffer_size(NARROW_LEN).expect("a small buffer");
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
    pub(crate) fn statistics(&self) -> Statistics {
        self.server().statistics()
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
    pub(crate) fn begin_drain(&self) {
        self.server().drain();
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
        self.server().stop();
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
        *self.thread.get().expect("the connection was open")
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
                server.stop();
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
