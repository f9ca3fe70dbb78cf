//! A server that runs, and what it tells of its connections.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use crate::adapter::{Listener, ServeError, Server, ServerHandle, Summary};
use drywire::address::{Address, Endpoint, Resolution};
use drywire::framing::Framing;
use drywire::{CloseReason, Limits, Peer, Protocol};

use crate::calls::serve;
use crate::obey::Obey;
use crate::peer::PATIENCE;

pub(crate) struct Running {
    pub(crate) handle: ServerHandle,
    pub(crate) addresses: Vec<Address>,
    closes: Receiver<(Peer, CloseReason)>,
    ended: Receiver<Result<Summary, ServeError>>,
}

/// Runs `server` with `listeners`.
pub(crate) fn run<F, P>(server: Server<F>, listeners: Vec<Listener>) -> Running
where
    F: Fn(&Peer) -> P + Send + Sync + 'static,
    P: Protocol<Framing: Framing<Found: Send> + Send> + Send + 'static,
{
    let (tell, closes) = mpsc::channel();
    let addresses = listeners.iter().map(|listener| listener.address().clone()).collect();
    let server = listeners.into_iter().fold(server, Server::listen);
    let server = server.on_close(move |peer, reason| {
        let _ = tell.send((peer.clone(), reason.clone()));
    });
    let handle = server.handle();
    let (end, ended) = mpsc::channel();
    thread::spawn(move || {
        let _ = end.send(serve(server));
    });
    Running { handle, addresses, closes, ended }
}

/// Runs [`Obey`] over TCP.
pub(crate) fn obey(limits: Limits) -> Running {
    run(Server::new(|_: &Peer| Obey).limits(limits), vec![loopback()])
}

pub(crate) fn bind(address: &str) -> Listener {
    Listener::bind(&address.parse().unwrap()).unwrap()
}

/// A port of this host.
pub(crate) fn loopback() -> Listener {
    bind("tcp://127.0.0.1:0")
}

/// A name for a Unix socket that nobody else has.
pub(crate) fn socket_path() -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("drywire-adapter-{}-{count}", std::process::id()))
}

impl Running {
    /// Where to dial the first listener.
    pub(crate) fn at(&self) -> SocketAddr {
        socket_addr(&self.addresses[0], Ipv4Addr::LOCALHOST.into())
    }

    /// How the connection that ended next did.
    #[track_caller]
    pub(crate) fn closed(&self) -> CloseReason {
        self.closed_with_peer().1
    }

    #[track_caller]
    pub(crate) fn closed_with_peer(&self) -> (Peer, CloseReason) {
        self.closes.recv_timeout(PATIENCE).unwrap()
    }

    /// What became of the server, which has been asked to end.
    #[track_caller]
    pub(crate) fn ended(&self) -> Summary {
        self.ended.recv_timeout(PATIENCE).unwrap().unwrap()
    }

    /// Stops the server.
    #[track_caller]
    pub(crate) fn stop(&self) -> Summary {
        self.handle.stop();
        self.ended()
    }
}

/// The socket's address, where a wildcard is reached at `host`.
pub(crate) fn socket_addr(address: &Address, host: IpAddr) -> SocketAddr {
    let Endpoint::Internet(place) = address.endpoint() else { panic!("{address}") };
    match place.resolution() {
        Resolution::Known(known) if known.ip().is_unspecified() => {
            SocketAddr::new(host, known.port())
        }
        Resolution::Known(known) => known,
        Resolution::Lookup { port, .. } => SocketAddr::new(host, port),
    }
}
