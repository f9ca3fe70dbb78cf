use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::Arc;

use drywire::address::Address;
use drywire::ping::{PingOptions, PingStatistics, Request};
use rustix::event::{PollFd, PollFlags};

use super::connections::Connections;
use super::error::{PingError, PingFailure};
use super::probe::Probe;
use super::session::{Observer, PingEvent, PingSession, Wait};
use crate::client::Client;
use crate::signal::Signal;
use crate::wait::{is_readable, wait};

/// Asks one target for echoes, as [`drywire::ping`] says.
///
/// # Examples
/// ```no_run
/// use drywire::ping::PingOptions;
/// use drywire_std::ping::{PingEvent, Pinger};
///
/// let mut options = PingOptions::new();
/// options.count = Some(3);
/// let statistics = Pinger::icmp("192.0.2.1:0".parse()?).options(options).run(|event, _| {
///     if let PingEvent::Reply { reply, .. } = event {
///         println!("{}: {:?}", reply.number, reply.round_trip);
///     }
/// })?;
/// println!("{} of {}", statistics.received, statistics.sent);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a pinger does nothing before it runs"]
pub struct Pinger {
    target: Target,
    options: PingOptions,
    hop_limit: Option<u8>,
    stop: Arc<Signal>,
}

#[derive(Debug)]
enum Target {
    Icmp(SocketAddr),
    Udp(SocketAddr),
    Stream(Box<(Client, Address)>),
}

/// Stops a [`Pinger`] from outside. Cheap to clone; dropping it changes nothing.
#[derive(Clone, Debug)]
pub struct PingHandle {
    stop: Arc<Signal>,
}

/// Sends requests and hears of them, without waiting. Readable when there may be news.
pub(super) trait Carrier: AsFd {
    fn transmit(&mut self, request: &Request, payload: &[u8]) -> Result<(), PingFailure>;

    /// Tells what there is. False if there may be more.
    fn hear(&mut self, session: &mut PingSession, observer: &mut Observer<'_>) -> bool;
}

impl Pinger {
    /// Pings by ICMP, over a datagram socket if the system grants one, else over a raw socket. The
    /// port of `destination` means nothing.
    pub fn icmp(destination: SocketAddr) -> Self {
        Self::new(Target::Icmp(destination))
    }

    /// Pings by UDP, an echo (RFC 862) at `destination`. Payloads must have 16 bytes, for replies to
    /// be told apart.
    pub fn udp(destination: SocketAddr) -> Self {
        Self::new(Target::Udp(destination))
    }

    /// Pings by connections that `client` makes to `address`, with TLS if that has it, one for each
    /// request, and an echo over each. With an empty payload there is no echo, and a connection is
    /// all that is asked for.
    ///
    /// A connection that is given up goes on until the client's limits end it;
    /// [`Attempts::limits`](super::Attempts::limits) has some that fit.
    pub fn stream(client: Client, address: Address) -> Self {
        Self::new(Target::Stream(Box::new((client, address))))
    }

    fn new(target: Target) -> Self {
        let options = PingOptions::new();
        Self { target, options, hop_limit: None, stop: Arc::default() }
    }

    /// Sets what is asked and how long is waited. A nonce of 0 is replaced by a random one.
    pub fn options(mut self, options: PingOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets how many routers a datagram may pass; connections are not limited by it.
    pub const fn hop_limit(mut self, hop_limit: u8) -> Self {
        self.hop_limit = Some(hop_limit);
        self
    }

    /// What stops it, from another thread.
    #[must_use]
    pub fn handle(&self) -> PingHandle {
        PingHandle { stop: Arc::clone(&self.stop) }
    }

    /// Pings until the options or a handle end it, and tells `observer` what happens.
    ///
    /// # Errors
    /// [`PingError`].
    pub fn run(
        self,
        mut observer: impl FnMut(&PingEvent, &PingStatistics) + Send,
    ) -> Result<PingStatistics, PingError> {
        let observer = &mut observer;
        let session = PingSession::new(self.options);
        let with_hop_limit = |probe: Probe| match self.hop_limit {
            Some(hop_limit) => probe.set_hop_limit(hop_limit).map(|()| probe),
            None => Ok(probe),
        };
        match self.target {
            Target::Icmp(destination) => {
                let probe = with_hop_limit(Probe::icmp(destination)?)?;
                drive(session, probe, &self.stop, observer)
            }
            Target::Udp(destination) => {
                let probe = with_hop_limit(Probe::udp(destination)?)?;
                drive(session, probe, &self.stop, observer)
            }
            Target::Stream(target) => {
                let (client, address) = *target;
                let connections = Connections::new(client, address, session.clock())?;
                drive(session, connections, &self.stop, observer)
            }
        }
    }
}

fn drive(
    mut session: PingSession,
    mut carrier: impl Carrier,
    stop: &Signal,
    observer: &mut Observer<'_>,
) -> Result<PingStatistics, PingError> {
    let stopped = stop.arm()?;
    loop {
        let has_more = !carrier.hear(&mut session, observer);
        let mut transmit = |request: &Request, payload: &[u8]| carrier.transmit(request, payload);
        let deadline = match session.turn(&mut transmit, observer) {
            Wait::Finished(_) => return Ok(session.into_statistics()),
            Wait::Until(deadline) if !has_more => deadline,
            Wait::Until(_) | Wait::Nothing => Some(drywire::Instant::ZERO),
        };
        let timeout = deadline.and_then(|at| session.clock().until(at));
        let mut fds = [&stopped as &dyn AsFd, &carrier]
            .map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN));
        wait(&mut fds, timeout)?;
        if is_readable(&fds[0]) {
            session.stop();
        }
    }
}

impl PingHandle {
    /// Ends the ping: what is in flight is not waited for.
    pub fn stop(&self) {
        self.stop.raise();
    }
}
