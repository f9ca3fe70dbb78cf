//! Many connections of clients in one loop.

mod connecting;
mod entry;
mod target;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use drywire::buffer::Pool;
use drywire::connector::ConnectorLimits;
use drywire::{CloseReason, Handle, Instant, Limits, Protocol};
use mio::{Events, Poll, Token, Waker};
use slab::Slab;

use super::link::Link;
use super::queue::enqueue;
use super::timers::Timers;
use crate::client::Client;
use crate::clock::Clock;
use crate::error::ConnectError;
use crate::stream::Stream;
use entry::{Entry, Turned};
pub use target::Target;

/// Events that are taken from the system at once.
const EVENTS_MAX: usize = 1024;

/// What wakes a loop without being a connection.
const CALL: Token = Token(0);

/// Many connections of clients, each with a protocol of its own, in one thread and one readiness
/// loop: for a load generator, a crawler, a pool of upstream connections.
///
/// [`next`](Self::next) drives all of them until one has ended, and gives its protocol back. Between
/// calls nothing happens. Connections may be added at any time, also from what the loop returned.
/// What comes on a connection is for its protocol, which has the connection's timer too; several
/// protocols that share something can share it through an [`Rc`](std::rc::Rc), for they stay in one
/// thread.
///
/// A connection takes one turn at a time, as with [`Server`](super::Server): none keeps another
/// waiting for long. A protocol that panics, panics out of the call.
///
/// # Examples
/// A thousand connections that each ask once.
///
/// ```
/// use drywire::framing::Lines;
/// use drywire::protocol::Echo;
/// use drywire::tls::Negotiated;
/// use drywire::{CloseReason, Handle, Protocol};
/// use drywire_std::evented::{Clients, Server, Target};
/// use drywire_std::{Client, Listener};
///
/// struct Ask(Vec<u8>);
///
/// impl Protocol for Ask {
///     type Framing = Lines;
///
///     fn framing(&self) -> Lines {
///         Lines::new()
///     }
///
///     fn on_open(&mut self, _: Option<&Negotiated>, handle: &mut Handle<'_, Lines>) {
///         let _ = handle.send(b"hello");
///     }
///
///     fn on_frame(&mut self, frame: &[u8], handle: &mut Handle<'_, Lines>) {
///         self.0 = frame.to_vec();
///         handle.close();
///     }
/// }
///
/// let listener = Listener::bind(&"tcp://127.0.0.1:0".parse()?)?;
/// let target = Target::resolve(&Client::new(), listener.address())?;
/// let server = Server::new(|_: &_| Echo::new(Lines::new())).listen(listener);
/// let handle = server.handle();
/// let serving = std::thread::spawn(|| server.run());
///
/// let mut clients = Clients::new(&Client::new())?;
/// for _ in 0..100 {
///     clients.connect(&target, Ask(Vec::new()));
/// }
/// let mut asked = 100;
/// while let Some(ended) = clients.next()? {
///     assert!(matches!(ended.outcome, Ok(CloseReason::Closed)), "{:?}", ended.outcome);
///     assert_eq!(ended.protocol.0, b"hello");
///     if asked < 1000 {
///         clients.connect(&target, Ask(Vec::new()));
///         asked += 1;
///     }
/// }
/// assert_eq!(asked, 1000);
/// handle.drain();
/// assert_eq!(serving.join().unwrap()?.statistics.accepted, 1000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Clients<P: Protocol> {
    limits: Arc<Limits>,
    connector: ConnectorLimits,
    spin: Duration,
    clock: Clock,
    poll: Poll,
    events: Events,
    waker: Arc<Waker>,
    is_called: bool,
    entries: Slab<Entry<P>>,
    /// The slots of those that have something to do, each once.
    queue: VecDeque<usize>,
    timers: Timers,
    pool: Pool,
    /// As of the last wait.
    now: Instant,
    /// Connections since the beginning.
    serial: u64,
    ended: VecDeque<Ended<P>>,
}

/// Names a connection of [`Clients`]. None has the name of another, whether it has ended or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId {
    serial: u64,
    slot: usize,
}

/// A connection that has ended, or was never made.
#[derive(Debug)]
#[non_exhaustive]
pub struct Ended<P> {
    /// Its name.
    pub id: ClientId,
    /// What it was given.
    pub protocol: P,
    /// How it ended, or why it was never made. A connection that is made, but not opened because
    /// the TLS handshake failed, has ended.
    pub outcome: Result<CloseReason, ConnectError>,
    /// When it was asked for, on the [clock](Clients::clock) of the loop.
    pub began_at: Instant,
    /// When the transport was connected.
    pub connected_at: Option<Instant>,
    /// When it ended.
    pub ended_at: Instant,
    /// Bytes of the transport that came.
    pub received_len: u64,
    /// Bytes of the transport that went.
    pub transmitted_len: u64,
}

/// What [`Clients::next_until`] returns for.
#[derive(Debug)]
#[non_exhaustive]
pub enum News<P> {
    /// A connection has ended.
    Ended(Ended<P>),
    /// The time has come.
    Due,
    /// An [`Alarm`] was raised.
    Called,
    /// There is no connection.
    Idle,
}

/// Makes a loop return, from any thread.
#[derive(Clone, Debug)]
pub struct Alarm(Arc<Waker>);

impl Alarm {
    /// Has [`Clients::next_until`] return [`News::Called`] as soon as it can, now or when it is called.
    ///
    /// # Errors
    /// Those of the system.
    pub fn raise(&self) -> io::Result<()> {
        self.0.wake()
    }
}

impl<P: Protocol> Clients<P> {
    /// A loop without connections. `client` says their limits, and those of connecting.
    ///
    /// # Errors
    /// Those of the system, when it is out of descriptors.
    pub fn new(client: &Client) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), CALL)?);
        let clock = Clock::new();
        Ok(Self {
            limits: Arc::new(client.limits.clone()),
            connector: client.connector.clone(),
            spin: Duration::ZERO,
            clock,
            poll,
            events: Events::with_capacity(EVENTS_MAX),
            waker,
            is_called: false,
            entries: Slab::new(),
            queue: VecDeque::new(),
            timers: Timers::new(),
            pool: Pool::default(),
            now: clock.now(),
            serial: 0,
            ended: VecDeque::new(),
        })
    }

    /// Looks again and again, instead of waiting, when something is due within `spin`. The system
    /// counts waits in milliseconds and ends them up to one too late; a millisecond here makes timers
    /// exact, and takes a processor for that long before each.
    #[must_use]
    pub const fn spin(mut self, spin: Duration) -> Self {
        self.spin = spin;
        self
    }

    /// The clock of the loop. Protocols are told the time of the last wait.
    #[must_use]
    pub const fn clock(&self) -> Clock {
        self.clock
    }

    /// How many connections there are, made or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no connection.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What makes the loop return from another thread.
    #[must_use]
    pub fn alarm(&self) -> Alarm {
        Alarm(Arc::clone(&self.waker))
    }

    /// Begins to connect to `target`, for `protocol`. What comes of it, [`next`](Self::next) tells.
    ///
    /// Several addresses are tried as [`drywire::connector`] says. A Unix socket whose queue is full
    /// is tried again until the time for connecting is over.
    pub fn connect(&mut self, target: &Target, protocol: P) -> ClientId {
        let now = self.clock.now();
        let entry = Entry::connecting(target, &self.connector, protocol, now);
        self.insert(entry)
    }

    /// Takes a stream that is connected, for `protocol`. There is no TLS.
    ///
    /// # Errors
    /// Those of the system, if it does not take the stream.
    pub fn adopt(&mut self, stream: Stream, protocol: P) -> io::Result<ClientId> {
        let token = Token(1 + self.entries.vacant_key());
        let link = Link::new(stream, self.poll.registry(), token)?;
        let entry = Entry::plain(link, protocol, Arc::clone(&self.limits), self.clock.now());
        Ok(self.insert(entry))
    }

    fn insert(&mut self, mut entry: Entry<P>) -> ClientId {
        self.serial += 1;
        entry.serial = self.serial;
        let serial = entry.serial;
        let slot = self.entries.insert(entry);
        if let Some(entry) = self.entries.get_mut(slot) {
            enqueue(&mut self.queue, &mut entry.is_queued, slot);
        }
        ClientId { serial, slot }
    }

    /// Lets `act` do something with a connection from outside: what it sends, goes with the loop's next
    /// round. None if the connection has ended or is not made yet.
    pub fn with<R>(
        &mut self,
        id: ClientId,
        act: impl FnOnce(&mut P, &mut Handle<'_, P::Framing>) -> R,
    ) -> Option<R> {
        let entry = self.entries.get_mut(id.slot).filter(|entry| entry.serial == id.serial)?;
        let (protocol, mut handle) = entry.parts()?;
        let result = act(protocol, &mut handle);
        enqueue(&mut self.queue, &mut entry.is_queued, id.slot);
        Some(result)
    }

    /// The same with every connection that is made.
    pub fn each(&mut self, mut act: impl FnMut(ClientId, &mut P, &mut Handle<'_, P::Framing>)) {
        for (slot, entry) in &mut self.entries {
            let serial = entry.serial;
            let Some((protocol, mut handle)) = entry.parts() else { continue };
            act(ClientId { serial, slot }, protocol, &mut handle);
            enqueue(&mut self.queue, &mut entry.is_queued, slot);
        }
    }

    /// Ends every connection as [`Stopped`](CloseReason::Stopped), made or not;
    /// [`next`](Self::next) tells of them.
    pub fn stop(&mut self) {
        for (slot, entry) in &mut self.entries {
            entry.stop();
            enqueue(&mut self.queue, &mut entry.is_queued, slot);
        }
    }

    /// The same with those that are not made yet.
    pub fn stop_connecting(&mut self) {
        for (slot, entry) in &mut self.entries {
            if entry.parts().is_none() {
                entry.stop();
                enqueue(&mut self.queue, &mut entry.is_queued, slot);
            }
        }
    }

    /// Drives all connections until one has ended. None when there is none. An [`Alarm`] that is
    /// raised meanwhile is told by the following [`next_until`](Self::next_until).
    ///
    /// # Errors
    /// Those of the system, if it refuses to wait.
    #[expect(clippy::should_implement_trait, reason = "the caller adds connections in between")]
    pub fn next(&mut self) -> io::Result<Option<Ended<P>>> {
        let mut is_called = false;
        let next = loop {
            match self.next_until(Instant::MAX) {
                Ok(News::Ended(ended)) => break Ok(Some(ended)),
                Ok(News::Idle) => break Ok(None),
                Ok(News::Called) => is_called = true,
                Ok(News::Due) => {}
                Err(error) => break Err(error),
            }
        };
        // An alarm is for `next_until`, whenever that is called.
        self.is_called |= is_called;
        next
    }

    /// Drives all connections until one has ended, `at` has come on the [clock](Self::clock) of the
    /// loop, or an [`Alarm`] is raised.
    ///
    /// # Errors
    /// Those of the system, if it refuses to wait.
    pub fn next_until(&mut self, at: Instant) -> io::Result<News<P>> {
        loop {
            if let Some(ended) = self.ended.pop_front() {
                return Ok(News::Ended(ended));
            }
            if std::mem::take(&mut self.is_called) {
                return Ok(News::Called);
            }
            if self.now >= at {
                return Ok(News::Due);
            }
            if self.entries.is_empty() {
                return Ok(News::Idle);
            }
            self.round(at)?;
        }
    }

    /// Waits once, and gives everybody who has something to do one turn.
    fn round(&mut self, until: Instant) -> io::Result<()> {
        let timeout = self.timeout(until);
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => self.events.clear(),
            outcome => outcome?,
        }
        self.now = self.clock.now();
        for event in &self.events {
            let Some(slot) = event.token().0.checked_sub(1) else {
                self.is_called = true;
                continue;
            };
            if let Some(entry) = self.entries.get_mut(slot) {
                entry.notice(event);
                enqueue(&mut self.queue, &mut entry.is_queued, slot);
            }
        }
        while let Some(slot) = self.timers.pop(self.now) {
            let Some(entry) = self.entries.get_mut(slot) else { continue };
            let at = entry.deadline();
            if at > self.now {
                self.timers.arm(slot, at);
            } else {
                enqueue(&mut self.queue, &mut entry.is_queued, slot);
            }
        }
        for _ in 0..self.queue.len() {
            let Some(slot) = self.queue.pop_front() else { break };
            self.turn(slot);
        }
        Ok(())
    }

    fn timeout(&self, until: Instant) -> Option<Duration> {
        if !self.queue.is_empty() {
            return Some(Duration::ZERO);
        }
        let at = self.timers.next().map_or(until, |at| at.min(until));
        let left = self.clock.until(at)?;
        Some(left.saturating_sub(self.spin))
    }

    fn turn(&mut self, slot: usize) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        entry.is_queued = false;
        let token = Token(1 + slot);
        let registry = self.poll.registry();
        match entry.turn(token, registry, &self.limits, &mut self.pool, self.now) {
            Turned::Waiting(at) => self.timers.arm(slot, at),
            Turned::Busy => enqueue(&mut self.queue, &mut entry.is_queued, slot),
            Turned::Over(outcome) => {
                self.timers.disarm(slot);
                let entry = self.entries.remove(slot);
                let id = ClientId { serial: entry.serial, slot };
                self.ended.extend(entry.ended(id, outcome, self.now));
            }
        }
    }
}

impl<P: Protocol> fmt::Debug for Clients<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients")
            .field("len", &self.len())
            .field("limits", &self.limits)
            .field("connector", &self.connector)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use drywire::framing::Lines;
    use drywire::protocol::Echo;

    use super::*;

    #[test]
    fn reading_moves_deadlines_and_no_timer() {
        let mut clients = Clients::new(&Client::new()).unwrap();
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let id = clients.adopt(Stream::try_from(ours).unwrap(), Echo::new(Lines::new())).unwrap();
        let mut echo = |clients: &mut Clients<Echo<Lines>>| {
            theirs.write_all(b"x\n").unwrap();
            // It reads, answers and waits again.
            clients.round(Instant::MAX).unwrap();
            theirs.read_exact(&mut [0; 2]).unwrap();
            clients.entries[id.slot].deadline()
        };
        let first = echo(&mut clients);
        let operations = clients.timers.operations();
        let mut last = first;
        for _ in 0..1000 {
            last = echo(&mut clients);
        }
        assert!(last > first, "the idle deadline moves");
        assert_eq!(clients.timers.operations(), operations);
    }

    #[test]
    fn an_alarm_is_not_lost_to_next() {
        let mut clients = Clients::new(&Client::new()).unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        clients.adopt(Stream::try_from(ours).unwrap(), Echo::new(Lines::new())).unwrap();
        clients.alarm().raise().unwrap();
        drop(theirs);
        assert!(clients.next().unwrap().is_some());
        assert!(clients.next().unwrap().is_none());
        assert!(matches!(clients.next_until(Instant::MAX).unwrap(), News::Called));
        assert!(matches!(clients.next_until(Instant::MAX).unwrap(), News::Idle));
    }
}
