//! One shape for the adapters under test: start a server, connect to one.

mod kit;
mod smol;
mod std;

pub use kit::Evented;
pub use smol::Smol;
pub use std::Std;

use ::std::fmt;
use ::std::sync::Arc;
use ::std::sync::mpsc::{Receiver, Sender, channel};
use ::std::thread;
use ::std::time::{Duration, Instant};

use drywire::address::{Address, Endpoint, Host, HostPort, UnixPlace};
use drywire::admission::AdmissionLimits;
use drywire::datagram::RequestLimits;
use drywire::framing::AnyFraming;
use drywire::ping::PingStatistics;
use drywire::proxy::{Introduction, ProxyPolicy};
use drywire::statistics::Statistics;
use drywire::tls::{ClientTls, Negotiated, ServerTls};
use drywire::{CloseReason, Limits, Peer};
use drywire_std::ping::PingError;
use drywire_std::{ConnectError, Error, Listener};
use rustls::pki_types::ServerName;
use tempfile::TempDir;

use crate::PATIENCE;
use crate::datagrams;
use crate::peer::{Place, Raw, Reach};
use crate::pings::{Observer, Pinged};
use crate::protocol::{Behaviour, Event, Scripts};

/// An adapter under test.
pub trait Adapter: fmt::Debug + Send + Sync {
    /// Runs a server on threads of its own.
    fn serve(&self, orders: Orders) -> Box<dyn Control>;

    /// Connects to `address` as `dial` says.
    ///
    /// # Errors
    /// Those of the adapter's client.
    fn connect(&self, address: &Address, dial: &Dial) -> Result<Box<dyn Talk>, ConnectError>;

    /// Runs a server of datagrams on threads of its own.
    fn serve_datagrams(&self, orders: datagrams::Orders) -> Box<dyn datagrams::Control>;

    /// A client of datagrams that asks for echoes.
    ///
    /// # Errors
    /// Those of the adapter's client.
    fn connect_datagrams(
        &self,
        address: &Address,
        limits: RequestLimits,
    ) -> Result<Box<dyn datagrams::Client>, ConnectError>;

    /// Pings and tells `observer` what happens.
    ///
    /// # Errors
    /// Those of the adapter's pinger.
    fn ping(
        &self,
        pinged: Pinged,
        observer: &mut Observer<'_>,
    ) -> Result<PingStatistics, PingError>;
}

/// A server's handle.
pub trait Control: Send {
    /// Lets it drain.
    fn drain(&self);
    /// Stops it.
    fn stop(&self);
    /// Its counts.
    fn statistics(&self) -> Statistics;
}

/// A client's stream of frames.
pub trait Talk: Send {
    /// Queues a frame.
    fn send(&mut self, frame: &[u8]) -> Result<(), Error>;
    /// Writes what is queued.
    fn flush(&mut self) -> Result<(), Error>;
    /// Waits for a frame.
    fn recv(&mut self) -> Result<Option<Vec<u8>>, Error>;
    /// Finishes our side.
    fn finish(&mut self) -> Result<(), Error>;
    /// Closes.
    fn close(self: Box<Self>) -> Result<CloseReason, Error>;
    /// Aborts.
    fn abort(self: Box<Self>);
    /// What TLS agreed on.
    fn negotiated(&self) -> Option<&Negotiated>;
    /// How it ended.
    fn close_reason(&self) -> Option<CloseReason>;
}

impl fmt::Debug for dyn Talk + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Talk").field("close_reason", &self.close_reason()).finish_non_exhaustive()
    }
}

/// What an adapter is given to serve.
#[derive(Debug)]
pub struct Orders {
    pub(crate) listeners: Vec<Listener>,
    pub(crate) limits: Limits,
    pub(crate) admission: AdmissionLimits,
    pub(crate) scripts: Scripts,
    pub(crate) closes: Sender<(Peer, CloseReason)>,
    pub(crate) summary: Sender<Summary>,
}

/// What became of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Whether nothing was ended by force.
    pub drained: bool,
    /// The last counts.
    pub statistics: Statistics,
}

/// A server to be started.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Addresses to listen on.
    pub addresses: Vec<String>,
    /// The framing.
    pub framing: AnyFraming,
    /// What it does.
    pub behaviour: Behaviour,
    /// Limits of connections.
    pub limits: Limits,
    /// Limits of the server.
    pub admission: AdmissionLimits,
    /// TLS, on all addresses.
    pub tls: Option<ServerTls>,
    /// Who must begin with a PROXY header, on all addresses.
    pub proxy: Option<ProxyPolicy>,
    /// Where the files of Unix sockets are.
    folder: Option<Arc<TempDir>>,
}

impl Setup {
    /// An echo of frames, over IPv4, without TLS.
    ///
    /// # Panics
    /// If there is no such framing.
    #[must_use]
    pub fn echo(framing: &str) -> Self {
        Self {
            addresses: vec![IPV4.into()],
            framing: framing.parse().expect("a framing"),
            behaviour: Behaviour::Echo,
            limits: Limits::new(),
            admission: AdmissionLimits::new(),
            tls: None,
            proxy: None,
            folder: None,
        }
    }

    /// Behaves in another way.
    #[must_use]
    pub const fn behaving(mut self, behaviour: Behaviour) -> Self {
        self.behaviour = behaviour;
        self
    }

    /// Listens elsewhere.
    #[must_use]
    pub fn at(mut self, address: impl Into<String>) -> Self {
        self.addresses = vec![address.into()];
        self
    }

    /// Listens on a socket of this kind.
    ///
    /// # Panics
    /// If there is no folder for temporary files.
    #[must_use]
    pub fn reach(mut self, reach: Reach) -> Self {
        let address = match reach {
            Reach::V4 => IPV4.to_owned(),
            Reach::V6 => IPV6.to_owned(),
            Reach::Unix => {
                let folder = Arc::new(tempfile::tempdir().expect("a folder"));
                let address = format!("unix:{}", folder.path().join("socket").display());
                self.folder = Some(folder);
                address
            }
        };
        self.at(address)
    }

    /// Speaks TLS.
    #[must_use]
    pub fn tls(mut self, tls: &ServerTls) -> Self {
        self.tls = Some(tls.clone());
        self
    }

    /// Requires PROXY headers.
    #[must_use]
    pub fn behind(mut self, policy: ProxyPolicy) -> Self {
        self.proxy = Some(policy);
        self
    }

    /// Changes the limits of connections.
    #[must_use]
    pub fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.limits);
        self
    }

    /// Changes the limits of the server.
    #[must_use]
    pub fn admission(mut self, change: impl FnOnce(&mut AdmissionLimits)) -> Self {
        change(&mut self.admission);
        self
    }

    /// Limits frames.
    #[must_use]
    pub fn frame_len_max(mut self, frame_len_max: usize) -> Self {
        self.framing = self.framing.with_frame_len_max(frame_len_max);
        self
    }

    /// Starts it.
    ///
    /// # Panics
    /// If it cannot listen.
    #[must_use]
    pub fn serve(self, adapter: &dyn Adapter) -> Running {
        let listen = |address: &String| {
            let listener = Listener::bind(&address.parse().expect("an address"));
            let listener = listener.expect("the address is free");
            let listener = match &self.tls {
                None => listener,
                Some(tls) => listener.with_tls(tls.clone()),
            };
            match &self.proxy {
                None => listener,
                Some(policy) => listener.with_proxy(policy.clone()),
            }
        };
        let listeners: Vec<_> = self.addresses.iter().map(listen).collect();
        let addresses = listeners.iter().map(|listener| listener.address().clone()).collect();
        let (events_sender, events) = channel();
        let (closes_sender, closes) = channel();
        let (summary_sender, summary) = channel();
        let scripts = Scripts::new(self.framing, self.behaviour, events_sender);
        let control = adapter.serve(Orders {
            listeners,
            limits: self.limits,
            admission: self.admission,
            scripts,
            closes: closes_sender,
            summary: summary_sender,
        });
        Running {
            control,
            addresses,
            events,
            closes,
            summary,
            is_ended: false,
            _folder: self.folder,
        }
    }
}

/// Any port of the loopback, over IPv4.
pub const IPV4: &str = "tcp://127.0.0.1:0";

/// Any port of the loopback, over IPv6.
pub const IPV6: &str = "tcp://[::1]:0";

/// A server that runs. Dropping it stops it.
pub struct Running {
    control: Box<dyn Control>,
    addresses: Vec<Address>,
    events: Receiver<Event>,
    closes: Receiver<(Peer, CloseReason)>,
    summary: Receiver<Summary>,
    is_ended: bool,
    /// Outlives the server.
    _folder: Option<Arc<TempDir>>,
}

impl Running {
    /// Where it listens first.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.addresses[0]
    }

    /// Where it listens first, for peers made by hand.
    ///
    /// # Panics
    /// If that is an abstract socket.
    #[must_use]
    pub fn place(&self) -> Place {
        place(self.address())
    }

    /// A raw connection to it.
    #[must_use]
    pub fn connect(&self) -> Raw {
        Raw::connect(&self.place())
    }

    /// Where it listens.
    #[must_use]
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Its port.
    ///
    /// # Panics
    /// If it listens on a Unix socket.
    #[must_use]
    pub fn port(&self) -> u16 {
        match self.place() {
            Place::Tcp(address) => address.port(),
            Place::Unix(path) => panic!("{} has no port", path.display()),
        }
    }

    /// What a protocol sees next.
    ///
    /// # Panics
    /// If nothing happens.
    #[must_use]
    pub fn event(&self) -> Event {
        self.events.recv_timeout(PATIENCE).expect("something happens")
    }

    /// What a protocol has seen until its connection closed.
    ///
    /// # Panics
    /// If none closes.
    #[must_use]
    pub fn trace(&self) -> Vec<Event> {
        let mut trace = Vec::new();
        while !matches!(trace.last(), Some(Event::Closed(_))) {
            trace.push(self.event());
        }
        trace
    }

    /// How the next connection ended.
    ///
    /// # Panics
    /// If none does.
    #[must_use]
    pub fn reason(&self) -> CloseReason {
        self.end().1
    }

    /// Whose connection ended next, and how.
    ///
    /// # Panics
    /// If none does.
    #[must_use]
    pub fn end(&self) -> (Peer, CloseReason) {
        self.closes.recv_timeout(PATIENCE).expect("a connection ends")
    }

    /// Its counts.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.control.statistics()
    }

    /// Waits until its counts are as `wanted`.
    ///
    /// # Panics
    /// If they do not become so.
    pub fn until(&self, wanted: impl Fn(&Statistics) -> bool) -> Statistics {
        let begin = Instant::now();
        loop {
            let statistics = self.statistics();
            if wanted(&statistics) {
                return statistics;
            }
            assert!(begin.elapsed() < PATIENCE, "{statistics:?}");
            thread::yield_now();
        }
    }

    /// Lets it drain, without waiting.
    pub fn begin_drain(&self) {
        self.control.drain();
    }

    /// Drains it.
    ///
    /// # Panics
    /// If it does not end.
    #[must_use]
    pub fn drain(mut self) -> Summary {
        self.control.drain();
        self.ended()
    }

    /// Stops it.
    ///
    /// # Panics
    /// If it does not end.
    #[must_use]
    pub fn stop(mut self) -> Summary {
        self.control.stop();
        self.ended()
    }

    fn ended(&mut self) -> Summary {
        self.is_ended = true;
        self.summary.recv_timeout(2 * PATIENCE).expect("the server ends")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_ended {
            self.control.stop();
            // A server that does not stop is another test's matter.
            let _ = self.summary.recv_timeout(PATIENCE);
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

/// How to connect.
#[derive(Clone, Debug)]
pub struct Dial {
    /// The framing.
    pub framing: AnyFraming,
    /// Limits of the connection.
    pub limits: Limits,
    /// TLS.
    pub tls: Option<ClientTls>,
    /// Whom the certificate must be for.
    pub server_name: Option<ServerName<'static>>,
    /// The PROXY header to begin with.
    pub introduction: Option<Introduction>,
}

impl Dial {
    /// Without TLS. Waits for nothing longer than [`PATIENCE`].
    ///
    /// # Panics
    /// If there is no such framing.
    #[must_use]
    pub fn plain(framing: &str) -> Self {
        let mut limits = Limits::new();
        limits.idle_timeout = PATIENCE;
        let framing = framing.parse().expect("a framing");
        Self { framing, limits, tls: None, server_name: None, introduction: None }
    }

    /// With TLS, for the name `localhost`.
    #[must_use]
    pub fn tls(mut self, tls: &ClientTls) -> Self {
        self.tls = Some(tls.clone());
        self.server_name = ServerName::try_from("localhost").ok();
        self
    }

    /// Changes the limits.
    #[must_use]
    pub fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.limits);
        self
    }

    /// Connects.
    ///
    /// # Panics
    /// If that fails.
    #[must_use]
    pub fn connect(&self, adapter: &dyn Adapter, address: &Address) -> Box<dyn Talk> {
        let talk = adapter.connect(address, self);
        talk.unwrap_or_else(|error| panic!("cannot connect to {address}: {error}"))
    }
}

/// Fails when `elapsed` since `begin` is not between the bounds.
///
/// # Panics
/// If it is not.
pub fn assert_elapsed(begin: Instant, least: Duration, most: Duration) {
    let elapsed = begin.elapsed();
    assert!((least..most).contains(&elapsed), "took {elapsed:?}, not {least:?} to {most:?}");
}

/// The address as peers made by hand want it.
///
/// # Panics
/// If it is a name or an abstract socket.
#[must_use]
pub fn place(address: &Address) -> Place {
    match address.endpoint() {
        Endpoint::Internet(HostPort { host: Host::V4(host), port }) => {
            Place::Tcp((*host, *port).into())
        }
        Endpoint::Internet(HostPort { host: Host::V6 { address, .. }, port }) => {
            Place::Tcp((*address, *port).into())
        }
        Endpoint::Unix(name) => match name.place() {
            UnixPlace::Path(path) => Place::Unix(path.into()),
            UnixPlace::Abstract(_) => panic!("{address} has no file"),
        },
        Endpoint::Internet(_) => panic!("{address} is a name"),
    }
}
