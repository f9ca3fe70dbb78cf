//! The load: many connections in one thread over epoll, by hand and without any type of Drywire, so
//! that what it checks is not checked by what it measures. Every byte of every answer is compared.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rustix::event::Timespec;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustls::ClientConfig;
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use socket2::{Domain, Socket, Type};

use crate::options::Framing;
use crate::tls::{Sealed, advance, close};

/// How long nothing may happen.
const PATIENCE: Duration = Duration::from_secs(10);
const EVENTS_MAX: usize = 256;
const BUFFER_LEN: usize = 256 * 1024;
/// Of the number that each request begins with.
const NUMBER_LEN: usize = 8;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Workload {
    pub(crate) framing: Framing,
    pub(crate) is_tls: bool,
    /// Bytes of a payload.
    pub(crate) size: usize,
    pub(crate) connections: usize,
    /// Of those, how many ask.
    pub(crate) active: usize,
    /// Requests in flight on each.
    pub(crate) depth: usize,
    /// Each request has a connection of its own.
    pub(crate) connects: bool,
}

/// What was done.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) requests: u64,
    /// In nanoseconds.
    pub(crate) latency: Histogram<u64>,
}

/// Connections to one server.
pub(crate) struct Load {
    workload: Workload,
    address: SocketAddr,
    config: Option<Arc<ClientConfig>>,
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
    clients: Vec<Option<Client>>,
    shared: Shared,
    /// Answers are followed by new requests.
    is_asking: bool,
    /// Connections made so far.
    made: u64,
}

struct Shared {
    request: Request,
    buffer: Vec<u8>,
    plaintext: Vec<u8>,
    outgoing: Vec<u8>,
    sealed: Sealed,
    completed: u64,
    latency: Histogram<u64>,
    epoch: Instant,
    /// Since the epoch.
    now: u64,
}

impl Load {
    /// Connects; with TLS the handshakes are done by the requests.
    pub(crate) fn connect(port: u16, workload: Workload) -> io::Result<Self> {
        let mut load = Self {
            workload,
            address: (Ipv4Addr::LOCALHOST, port).into(),
            config: workload.is_tls.then(crate::tls::client),
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            events: Vec::with_capacity(EVENTS_MAX),
            clients: Vec::new(),
            shared: Shared {
                request: Request::new(workload),
                buffer: vec![0; BUFFER_LEN],
                plaintext: Vec::new(),
                outgoing: Vec::new(),
                sealed: Sealed::default(),
                completed: 0,
                latency: histogram(),
                epoch: Instant::now(),
                now: 0,
            },
            is_asking: false,
            made: 0,
        };
        load.clients.resize_with(workload.connections, || None);
        if !workload.connects {
            for at in 0..workload.connections {
                load.open(at)?;
                // All of them ask once, a few at a time, so that each has been served.
                if at % 32 == 31 || at + 1 == workload.connections {
                    load.ask_once(at - at % 32..at + 1)?;
                }
            }
        }
        Ok(load)
    }

    fn ask_once(&mut self, which: Range<usize>) -> io::Result<()> {
        self.ask(which.clone(), 1)?;
        while self.clients[which.clone()].iter().flatten().any(|client| client.received == 0) {
            self.wait()?;
        }
        self.stop_asking();
        while !self.is_quiet() {
            self.wait()?;
        }
        Ok(())
    }

    /// Asks for so long, then waits for the answers that are under way.
    pub(crate) fn run(&mut self, time: Duration) -> io::Result<Done> {
        self.shared.completed = 0;
        self.shared.latency.reset();
        self.is_asking = true;
        let end = Instant::now() + time;
        if self.workload.connects {
            (0..self.workload.connections).try_for_each(|at| self.open(at))?;
        } else {
            self.ask(0..self.workload.active, self.workload.depth)?;
        }
        while self.is_asking || !self.is_quiet() {
            self.wait()?;
            if self.is_asking && Instant::now() >= end {
                self.stop_asking();
            }
        }
        let latency = std::mem::replace(&mut self.shared.latency, histogram());
        Ok(Done { requests: self.shared.completed, latency })
    }

    fn is_quiet(&self) -> bool {
        let mut clients = self.clients.iter().flatten();
        if self.workload.connects { clients.next().is_none() } else { !clients.any(Client::waits) }
    }

    /// Keeps so many requests in flight on each of these from now on.
    fn ask(&mut self, which: Range<usize>, target: usize) -> io::Result<()> {
        self.shared.now = nanos(self.shared.epoch);
        let clients = self.clients[which].iter_mut().flatten();
        clients.into_iter().try_for_each(|client| client.ask(&mut self.shared, target))
    }

    fn stop_asking(&mut self) {
        self.is_asking = false;
        let clients = self.clients.iter_mut().flatten();
        // Connections that are made for a request are used for it.
        clients.filter(|_| !self.workload.connects).for_each(|client| client.target = 0);
    }

    fn open(&mut self, at: usize) -> io::Result<()> {
        let stream = dial(self.address, self.made)?;
        let interest = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        epoll::add(&self.epoll, &stream, EventData::new_u64(at as u64), interest)?;
        let session = match &self.config {
            None => None,
            Some(config) => {
                let name = ServerName::try_from("localhost").expect("a name");
                let session = UnbufferedClientConnection::new(Arc::clone(config), name);
                Some(Box::new(session.map_err(io::Error::other)?))
            }
        };
        let mut client = Client {
            stream,
            is_open: session.is_none(),
            session,
            target: 0,
            stash: Vec::new(),
            unsent: Vec::new(),
            number: self.made << 32,
            sent: 0,
            received: 0,
            offset: 0,
            sent_at: vec![0; self.workload.depth.max(1)],
            leaving: if self.workload.connects { Leaving::AfterAnswer } else { Leaving::Never },
        };
        self.made += 1;
        if self.workload.connects {
            self.shared.now = nanos(self.shared.epoch);
            client.ask(&mut self.shared, 1)?;
        }
        self.clients[at] = Some(client);
        Ok(())
    }

    /// Takes what happens next.
    fn wait(&mut self) -> io::Result<()> {
        let mut events = std::mem::take(&mut self.events);
        events.clear();
        let patience = Timespec { tv_sec: PATIENCE.as_secs() as i64, tv_nsec: 0 };
        let room = rustix::buffer::spare_capacity(&mut events);
        match epoll::wait(&self.epoll, room, Some(&patience)) {
            Ok(0) => return Err(ErrorKind::TimedOut.into()),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        self.shared.now = nanos(self.shared.epoch);
        for event in &events {
            let at = event.data.u64() as usize;
            let Some(client) = self.clients.get_mut(at).and_then(Option::as_mut) else { continue };
            if !client.turn(&mut self.shared)? {
                self.clients[at] = None;
                if self.is_asking {
                    self.open(at)?;
                }
            }
        }
        self.events = events;
        Ok(())
    }
}

/// One request after the other, as bytes.
struct Request {
    bytes: Vec<u8>,
    /// Where the number stands.
    header_len: usize,
}

impl Request {
    fn new(workload: Workload) -> Self {
        assert!(workload.size >= NUMBER_LEN);
        let header_len = workload.framing.header_len();
        let mut bytes = (workload.size as u32).to_be_bytes()[..header_len].to_vec();
        // Such that no stretch of it is like the next one.
        let mut state = 1_u32;
        bytes.extend((0..workload.size).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        }));
        Self { bytes, header_len }
    }

    fn numbered(&mut self, number: u64) -> &[u8] {
        let at = self.header_len;
        self.bytes[at..at + NUMBER_LEN].copy_from_slice(&number.to_be_bytes());
        &self.bytes
    }
}

struct Client {
    stream: TcpStream,
    session: Option<Box<UnbufferedClientConnection>>,
    /// The handshake is done.
    is_open: bool,
    /// How many requests to have in flight.
    target: usize,
    /// Of a record that has not arrived yet.
    stash: Vec<u8>,
    unsent: Vec<u8>,
    /// Of its first request.
    number: u64,
    sent: u64,
    received: u64,
    /// How much of the next answer has arrived.
    offset: usize,
    /// Of the requests in flight, by number.
    sent_at: Vec<u64>,
    leaving: Leaving,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    Never,
    AfterAnswer,
    /// It has finished its side.
    Now,
}

impl Client {
    fn in_flight(&self) -> u64 {
        self.sent - self.received
    }

    fn waits(&self) -> bool {
        self.in_flight() > 0 || self.target > 0
    }

    fn ask(&mut self, shared: &mut Shared, target: usize) -> io::Result<()> {
        self.target = target;
        let mut stash = std::mem::take(&mut self.stash);
        self.take(shared, &mut stash)
    }

    /// Takes what has arrived, and asks again. False at the end of the connection.
    fn turn(&mut self, shared: &mut Shared) -> io::Result<bool> {
        if !self.unsent.is_empty() {
            let unsent = std::mem::take(&mut self.unsent);
            self.write(&unsent)?;
        }
        let mut buffer = std::mem::take(&mut shared.buffer);
        let outcome = self.read(shared, &mut buffer);
        shared.buffer = buffer;
        outcome
    }

    fn read(&mut self, shared: &mut Shared, buffer: &mut [u8]) -> io::Result<bool> {
        loop {
            let stashed = self.stash.len();
            buffer[..stashed].copy_from_slice(&self.stash);
            match (&self.stream).read(&mut buffer[stashed..]) {
                Ok(0) if self.leaving == Leaving::Now => return Ok(false),
                Ok(0) => {
                    return Err(io::Error::new(ErrorKind::UnexpectedEof, "the server finished"));
                }
                Ok(len) => {
                    self.stash.clear();
                    self.take(shared, &mut buffer[..stashed + len])?;
                    // The end of the stream may have come with the same edge.
                    if stashed + len < buffer.len() && self.leaving != Leaving::Now {
                        return Ok(true);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            }
        }
    }

    fn take(&mut self, shared: &mut Shared, incoming: &mut [u8]) -> io::Result<()> {
        match self.session.take() {
            None => {
                self.answered(shared, incoming)?;
                self.write(&shared.outgoing)?;
                if self.leaves() {
                    self.stream.shutdown(Shutdown::Write)?;
                }
            }
            Some(mut session) => {
                let mut sealed = std::mem::take(&mut shared.sealed);
                self.take_records(shared, incoming, &mut session, &mut sealed)?;
                shared.sealed = sealed;
                self.session = Some(session);
            }
        }
        Ok(())
    }

    fn take_records(
        &mut self,
        shared: &mut Shared,
        incoming: &mut [u8],
        session: &mut UnbufferedClientConnection,
        sealed: &mut Sealed,
    ) -> io::Result<()> {
        let mut opened = std::mem::take(&mut shared.plaintext);
        opened.clear();
        sealed.clear();
        let mut outcome = Ok(());
        let progress = advance(session, incoming, &mut opened, sealed, |opened, seal| {
            self.is_open = true;
            outcome = self.answered(shared, opened);
            opened.clear();
            seal(&shared.outgoing);
        })?;
        outcome?;
        shared.plaintext = opened;
        let held = &mut incoming[progress.consumed..];
        let leaves = self.leaves();
        if leaves {
            close(session, held, sealed)?;
        }
        self.stash.extend_from_slice(held);
        self.write(sealed.bytes())?;
        if leaves {
            self.stream.shutdown(Shutdown::Write)?;
        }
        Ok(())
    }

    /// Compares what has arrived, and puts new requests into `outgoing`.
    fn answered(&mut self, shared: &mut Shared, arrived: &[u8]) -> io::Result<()> {
        self.check(shared, arrived)?;
        if self.leaving != Leaving::Never && self.received > 0 {
            self.target = 0;
        }
        shared.outgoing.clear();
        while self.in_flight() < self.target as u64 {
            let request = shared.request.numbered(self.number + self.sent);
            shared.outgoing.extend_from_slice(request);
            let at = (self.sent % self.sent_at.len() as u64) as usize;
            self.sent_at[at] = shared.now;
            self.sent += 1;
        }
        Ok(())
    }

    /// Whether this is the moment to finish our side.
    fn leaves(&mut self) -> bool {
        let leaves = self.leaving == Leaving::AfterAnswer && self.received > 0;
        if leaves {
            self.leaving = Leaving::Now;
        }
        leaves
    }

    /// Compares what has arrived with what was sent.
    fn check(&mut self, shared: &mut Shared, mut arrived: &[u8]) -> io::Result<()> {
        while !arrived.is_empty() {
            let expected = shared.request.numbered(self.number + self.received);
            let len = arrived.len().min(expected.len() - self.offset);
            let (answer, rest) = arrived.split_at(len);
            if self.in_flight() == 0 || expected[self.offset..self.offset + len] != *answer {
                return Err(io::Error::new(ErrorKind::InvalidData, "that is no echo"));
            }
            self.offset += len;
            if self.offset == expected.len() {
                let at = (self.received % self.sent_at.len() as u64) as usize;
                shared.latency.saturating_record(shared.now - self.sent_at[at]);
                shared.completed += 1;
                self.received += 1;
                self.offset = 0;
            }
            arrived = rest;
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if !self.unsent.is_empty() {
            self.unsent.extend_from_slice(bytes);
            return Ok(());
        }
        match (&self.stream).write(bytes) {
            Ok(len) => self.unsent.extend_from_slice(&bytes[len..]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.unsent.extend_from_slice(bytes);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// From one of many addresses of this machine, so that ports do not run out.
fn dial(address: SocketAddr, number: u64) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let [.., low, _] = (number / 4).to_be_bytes();
    let from = Ipv4Addr::new(127, 0, low, (number % 200) as u8 + 1);
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    // On the loopback the handshake is done when this returns.
    socket.connect(&address.into())?;
    socket.set_tcp_nodelay(true)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("bounds")
}

fn nanos(epoch: Instant) -> u64 {
    u64::try_from(epoch.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
