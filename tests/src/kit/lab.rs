//! Where conversations are begun: the adapter's side is started, with sockets and certificates of the
//! kit's.

use std::io;
use std::panic::Location;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use drywire::CloseReason;
use drywire::address::Address;
use drywire::tls::{ClientTls, ServerTls};
use rustls::pki_types::ServerName;
use socket2::{Domain, SockAddr, Socket, Type};
use tempfile::TempDir;

use super::runtime::{Call, CallError, Runtime, Serving};
use super::scene::{Scene, Trust};
use super::stage::{Stage, Subject};
use super::variant::{Side, Variant};
use super::verdict::{Failure, Halt};
use crate::certificates::Certificates;
use crate::protocol::Scripts;

/// The name of the kit's threads.
pub(crate) const THREAD: &str = "conformance";

/// Bytes of the small buffers of sockets; the system takes more where that is its least.
const NARROW_LEN: usize = 4096;

/// What a case is run with.
pub(crate) struct Lab {
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) certificates: Arc<Certificates>,
    pub(crate) variant: Variant,
    /// How long to wait for one thing.
    pub(crate) patience: Duration,
    pub(crate) asked: Arc<Asked>,
}

/// The call to the adapter that has not returned, and the line of the case that makes it: what a
/// case that does not end may be stuck in.
#[derive(Debug, Default)]
pub(crate) struct Asked(Mutex<Option<(&'static str, &'static Location<'static>)>>);

impl Asked {
    fn set(&self, asked: Option<(&'static str, &'static Location<'static>)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = asked;
    }

    /// What there is to say of a case that has not ended.
    #[track_caller]
    pub(crate) fn failure(&self, time_max: Duration) -> Failure {
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            None => Failure::new("the case to end", format!("it goes on after {time_max:?}")),
            Some((call, at)) => {
                let seen = format!("that it does not, {time_max:?} after the case began");
                Failure::at(format!("{call} to return"), seen, at)
            }
        }
    }
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

    /// Makes a call to the adapter, which may not return.
    #[track_caller]
    pub(crate) fn ask<T>(&self, call: &'static str, ask: impl FnOnce() -> T) -> T {
        self.asked.set(Some((call, Location::caller())));
        let answer = ask();
        self.asked.set(None);
        answer
    }

    /// Starts the adapter's side. A client is connected, the stream not yet taken.
    #[track_caller]
    pub(crate) fn begin(&self, scene: Scene) -> Result<Stage<'_>, Halt> {
        let (listener, address, folder) = self.listen(scene.is_narrow);
        let place = listener.local_addr().expect("a name");
        let (events_sender, events) = channel();
        let scripts = Scripts::new(scene.framing.clone(), scene.behaviour, events_sender);
        let traces = scripts.traces.clone();
        let subject = if self.is_server() {
            let serving = Serving {
                listener,
                address,
                tls: self.server_tls(scene.trust),
                limits: scene.limits.clone(),
                admission: scene.admission.clone(),
                scripts,
            };
            let server = self.ask("Runtime::serve", || self.runtime.serve(serving))?;
            Subject::Server { server: Some(server), place }
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
        Ok(Stage { lab: self, scene, subject, events, traces, frames: Vec::new(), _folder: folder })
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

pub(super) fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").expect("a name")
}

pub(super) fn narrow(socket: &Socket) {
    // Segments of the loopback are longer than small buffers, and would each wait for a timer. Not an
    // option of Unix sockets.
    let _ = socket.set_tcp_mss(1400);
    socket.set_send_buffer_size(NARROW_LEN).expect("a small buffer");
    socket.set_recv_buffer_size(NARROW_LEN).expect("a small buffer");
}
