//! One shape for the adapters under test: start a server, connect to one.

mod dial;
mod kit;
mod running;
mod setup;
mod smol;
mod std;

pub use dial::Dial;
pub use kit::Evented;
pub use running::Running;
pub use setup::{IPV4, IPV6, Setup};
pub use smol::Smol;
pub use std::Std;

use ::std::fmt;
use ::std::sync::mpsc::Sender;
use ::std::time::{Duration, Instant};

use drywire::address::{Address, Endpoint, Host, HostPort, UnixPlace};
use drywire::admission::AdmissionLimits;
use drywire::datagram::RequestLimits;
use drywire::ping::PingStatistics;
use drywire::statistics::Statistics;
use drywire::tls::Negotiated;
use drywire::{CloseReason, Limits, Peer};
use drywire_std::ping::PingError;
use drywire_std::{ConnectError, Error, Listener};

use crate::datagrams;
use crate::peer::Place;
use crate::pings::{Observer, Pinged};
use crate::protocol::Scripts;

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
#[non_exhaustive]
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
#[non_exhaustive]
pub struct Summary {
    /// Whether nothing was ended by force.
    pub drained: bool,
    /// The last counts.
    pub statistics: Statistics,
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
