use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use async_io::{Async, Timer};
use drywire::address::Address;
use drywire::ping::{PingOptions, PingStatistics, Request};
use drywire_std::ping::{Observer, PingError, PingEvent, PingFailure, PingSession, Probe, Wait};
use event_listener::Event;
use futures_lite::future::yield_now;

use super::connections::Connections;
use crate::client::Client;

/// Asks one target for echoes, as [`drywire::ping`] says.
///
/// # Examples
/// ```no_run
/// use drywire_smol::drywire::ping::PingOptions;
/// use drywire_smol::ping::{PingEvent, Pinger};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut options = PingOptions::new();
/// options.count = Some(3);
/// let pinger = Pinger::icmp("192.0.2.1:0".parse()?).options(options);
/// let statistics = smol::block_on(pinger.run(|event, _| {
///     if let PingEvent::Reply { reply, .. } = event {
///         println!("{}: {:?}", reply.number, reply.round_trip);
///     }
/// }))?;
/// println!("{} of {}", statistics.received, statistics.sent);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a pinger does nothing before it runs"]
pub struct Pinger {
    target: Target,
    options: PingOptions,
    hop_limit: Option<u8>,
    stop: Arc<Stop>,
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
    stop: Arc<Stop>,
}

#[derive(Debug, Default)]
struct Stop {
    is_raised: AtomicBool,
    raised: Event,
}

/// Sends requests and hears of them, without waiting.
pub(super) trait Carrier {
    fn transmit(&mut self, request: &Request, payload: &[u8]) -> Result<(), PingFailure>;

    /// Tells what there is. False if there may be more.
    fn hear(&mut self, session: &mut PingSession, observer: &mut Observer<'_>) -> bool;

    /// Waits until there may be news.
    fn poll_news(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
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
    /// [`Attempts::limits`](drywire_std::ping::Attempts::limits) has some that fit.
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

    /// What stops it, from another task or thread.
    #[must_use]
    pub fn handle(&self) -> PingHandle {
        PingHandle { stop: Arc::clone(&self.stop) }
    }

    /// Pings until the options or a handle end it, and tells `observer` what happens.
    ///
    /// # Errors
    /// [`PingError`].
    /// # Cancel safety
    /// Dropping the future ends the ping; what the observer was told last are the counts.
    pub async fn run(
        self,
        mut observer: impl FnMut(&PingEvent, &PingStatistics) + Send,
    ) -> Result<PingStatistics, PingError> {
        let observer = &mut observer;
        let session = PingSession::new(self.options);
        let probe = |probe: Probe| {
            self.hop_limit.map_or(Ok(()), |hop_limit| probe.set_hop_limit(hop_limit))?;
            Async::new_nonblocking(probe)
        };
        match self.target {
            Target::Icmp(destination) => {
                let probe = probe(Probe::icmp(destination)?)?;
                drive(session, probe, &self.stop, observer).await
            }
            Target::Udp(destination) => {
                let probe = probe(Probe::udp(destination)?)?;
                drive(session, probe, &self.stop, observer).await
            }
            Target::Stream(target) => {
                let (client, address) = *target;
                let connections = Connections::new(client, address, session.clock());
                drive(session, connections, &self.stop, observer).await
            }
        }
    }
}

async fn drive(
    mut session: PingSession,
    mut carrier: impl Carrier,
    stop: &Stop,
    observer: &mut Observer<'_>,
) -> Result<PingStatistics, PingError> {
    let mut stopped = stop.raised.listen();
    let mut timer = Timer::never();
    loop {
        if stop.is_raised.load(Ordering::SeqCst) {
            session.stop();
        }
        let has_more = !carrier.hear(&mut session, observer);
        let transmit = |request: &Request, payload: &[u8]| carrier.transmit(request, payload);
        let deadline = match session.turn(transmit, observer) {
            Wait::Finished(_) => return Ok(session.into_statistics()),
            Wait::Until(deadline) if !has_more => deadline,
            Wait::Until(_) | Wait::Nothing => {
                yield_now().await;
                continue;
            }
        };
        match deadline.and_then(|at| session.clock().instant(at)) {
            Some(at) => timer.set_at(at),
            None => timer.clear(),
        }
        poll_fn(|cx| {
            if Pin::new(&mut stopped).poll(cx).is_ready()
                || Pin::new(&mut timer).poll(cx).is_ready()
            {
                return Poll::Ready(Ok(()));
            }
            carrier.poll_news(cx)
        })
        .await?;
    }
}

impl Carrier for Async<Probe> {
    fn transmit(&mut self, request: &Request, payload: &[u8]) -> Result<(), PingFailure> {
        self.get_ref().transmit(request, payload)
    }

    fn hear(&mut self, session: &mut PingSession, observer: &mut Observer<'_>) -> bool {
        self.get_ref().hear(session, observer)
    }

    fn poll_news(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_readable(cx)
    }
}

impl PingHandle {
    /// Ends the ping: what is in flight is not waited for.
    pub fn stop(&self) {
        self.stop.is_raised.store(true, Ordering::SeqCst);
        self.stop.raised.notify(usize::MAX);
    }
}
