//! A small adapter that can be wrong in many ways: a thread for each connection, which looks every
//! few milliseconds at what is asked of it.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant as Clock};

use drywire::admission::{Accept, AcceptFault, Admission, AdmissionLimits};
use drywire::shutdown::Phase;
use drywire::statistics::Statistics;
use drywire::tls::TlsSession;
use drywire::{CloseReason, Connection, Fault as TransportFault, Instant, Protocol, pump};
use drywire_conformance::kit::{Call, CallError, Runtime, Server, Serving, Unsupported};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Socket, Type};

/// What may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// Whoever is accepted is served to the end before the next is.
    AcceptsOneByOne,
    /// Every connection is admitted.
    AdmitsAll,
    /// To drain is to stop.
    DrainStops,
    /// The peer's end ends the connection.
    EndEndsAll,
    /// The peer's end is taken for a reset.
    EndIsReset,
    /// What a read brings is looked at when the next one brings more.
    HoldsInput,
    /// Connections are not told that the server drains.
    IgnoresDrain,
    /// Failures of the stream count as "not now".
    IgnoresErrors,
    /// Our side of the stream is never ended.
    IgnoresShutdown,
    /// Connections are not told that the server stops.
    IgnoresStop,
    /// A wait that is interrupted is taken for a failure.
    InterruptionIsFailure,
    /// The stream is kept when the connection is over.
    LeaksStreams,
    /// What is read when a future is dropped is lost.
    LosesDropped,
    /// A failure ends the stream before what was queued is written.
    NoFlushOnFailure,
    /// The connection is never told the time.
    NoTimeouts,
    /// Without descriptors the server ends.
    QuitsWithoutDescriptors,
    /// What the connection does not want to read is read, and thrown away.
    ReadsAlways,
    /// Nothing is read as long as there is something to write.
    ReadsAfterWriting,
    /// A system that refuses to connect is taken for a reset.
    RefusalIsReset,
    /// A read that does not fill the buffer is the last.
    ShortReadIsLast,
    /// All is taken to be written, whatever the system says.
    ShortWriteIsWhole,
    /// Both sides of the stream are ended where it is ours.
    ShutsBoth,
    /// No wait waits.
    Spins,
    /// Urgent bytes are among the others.
    UrgentInline,
    /// A read that would block is taken for a failure.
    WouldBlockIsFailure,
    /// Every end is told as one that we asked for.
    WrongReason,
}

/// How often is looked at what the server is asked.
const LOOK: Duration = Duration::from_millis(3);

/// The adapter.
pub(crate) struct Faulty {
    fault: Fault,
    is_over: Arc<AtomicBool>,
}

impl Faulty {
    pub(crate) fn new(fault: Fault) -> Self {
        Self { fault, is_over: Arc::default() }
    }

    /// Ends all that is left of its servers and clients.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// A conversation with what is known of its stream.
struct Conversation<P: Protocol> {
    fault: Fault,
    stream: Socket,
    connection: Connection<P::Framing>,
    protocol: P,
    epoch: Clock,
    readable: bool,
    writable: bool,
    is_last: bool,
    held: Vec<u8>,
    reads: usize,
}

impl<P: Protocol> Conversation<P> {
    fn new(
        fault: Fault,
        stream: Socket,
        connection: Connection<P::Framing>,
        protocol: P,
        epoch: Clock,
    ) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        // Neither is an option of Unix sockets.
        let _ = stream.set_tcp_nodelay(true);
        if fault == Fault::UrgentInline {
            let _ = stream.set_out_of_band_inline(true);
        }
        let (readable, writable, is_last) = (false, true, false);
        let (held, reads) = (Vec::new(), 0);
        Ok(Self {
            fault,
            stream,
            connection,
            protocol,
            epoch,
            readable,
            writable,
            is_last,
            held,
            reads,
        })
    }

    fn now(&self) -> Instant {
        Instant::from_elapsed(self.epoch.elapsed())
    }

    /// Runs to the end. `phase` tells what the server is asked.
    fn run(mut self, is_over: &AtomicBool, phase: impl Fn() -> Phase) -> CloseReason {
        let mut told = Phase::Serving;
        let reason = loop {
            if is_over.load(Ordering::Relaxed) {
                break CloseReason::Aborted;
            }
            let asked = phase();
            if asked != told {
                self.heed(asked);
                told = asked;
            }
            self.turn();
            if let (true, Some(reason)) =
                (self.connection.is_closed(), self.connection.close_reason())
            {
                break reason.clone();
            }
            self.wait();
        };
        match self.fault {
            Fault::LeaksStreams => std::mem::forget(self.stream),
            Fault::WrongReason => return CloseReason::Aborted,
            _ => {}
        }
        reason
    }

    fn heed(&mut self, phase: Phase) {
        match phase {
            Phase::Serving | Phase::Pausing => {}
            Phase::Draining if self.fault == Fault::DrainStops => self.connection.stop(),
            Phase::Draining if self.fault == Fault::IgnoresDrain => {}
            Phase::Draining => self.connection.drain(self.now()),
            Phase::Stopping if self.fault == Fault::IgnoresStop => {}
            Phase::Stopping => self.connection.stop(),
        }
    }

    fn turn(&mut self) {
        let now = self.now();
        self.read(now);
        if self.fault != Fault::NoTimeouts {
            self.connection.handle_timeout(now);
        }
        pump(&mut self.connection, &mut self.protocol);
        if self.fault == Fault::NoFlushOnFailure && self.connection.failure().is_some() {
            self.connection.abort();
        }
        self.write(now);
        if self.connection.interest().shutdown && self.fault != Fault::IgnoresShutdown {
            let how = match self.fault {
                Fault::ShutsBoth => Shutdown::Both,
                _ => Shutdown::Write,
            };
            match self.stream.shutdown(how) {
                Ok(()) => self.connection.shut_down(now).expect("it was asked for"),
                Err(_) => self.connection.transmit_failed(TransportFault::Reset, now),
            }
        }
        pump(&mut self.connection, &mut self.protocol);
    }

    fn read(&mut self, now: Instant) {
        let interest = self.connection.interest();
        if !self.readable || self.is_last {
            return;
        }
        if !interest.read {
            if self.fault == Fault::ReadsAlways {
                self.readable = self.stream.read(&mut [0; 65536]).is_ok_and(|len| len > 0);
            }
            return;
        }
        if interest.write && self.fault == Fault::ReadsAfterWriting {
            return;
        }
        let buffer = self.connection.receive_buffer();
        let lent = buffer.len();
        match (&self.stream).read(buffer) {
            Ok(0) => self.ended(now),
            Ok(len) => {
                self.reads += 1;
                match self.fault {
                    Fault::HoldsInput => {
                        let new = buffer[..len].to_vec();
                        let old = std::mem::replace(&mut self.held, new);
                        buffer[..old.len()].copy_from_slice(&old);
                        self.connection.received(old.len(), now).expect("it was lent");
                        return;
                    }
                    Fault::LosesDropped if self.reads % 2 == 0 => return,
                    Fault::ShortReadIsLast => self.is_last = len < lent,
                    _ => {}
                }
                self.connection.received(len, now).expect("it was lent");
            }
            Err(error) => match (error.kind(), self.fault) {
                (ErrorKind::WouldBlock, Fault::WouldBlockIsFailure) => {
                    self.connection.transport_failed(TransportFault::Other, now);
                }
                (ErrorKind::WouldBlock, _) | (_, Fault::IgnoresErrors) => self.readable = false,
                (kind, _) => self.connection.transport_failed(TransportFault::from(kind), now),
            },
        }
    }

    fn ended(&mut self, now: Instant) {
        match self.fault {
            Fault::EndIsReset => self.connection.transport_failed(TransportFault::Reset, now),
            Fault::EndEndsAll => self.connection.abort(),
            _ => self.connection.received_eof(now).expect("it comes once"),
        }
    }

    fn write(&mut self, now: Instant) {
        while self.connection.interest().write && self.writable {
            let bytes = self.connection.transmit();
            let queued = bytes.len();
            match (&self.stream).write(bytes) {
                Ok(_) if self.fault == Fault::ShortWriteIsWhole => {
                    self.connection.transmitted(queued, now).expect("it was shown");
                }
                Ok(len) => self.connection.transmitted(len, now).expect("it was shown"),
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.writable = false,
                Err(_) if self.fault == Fault::IgnoresErrors => self.writable = false,
                Err(error) => {
                    let fault = TransportFault::from(error.kind());
                    self.connection.transmit_failed(fault, now);
                }
            }
        }
    }

    fn wait(&mut self) {
        let interest = self.connection.interest();
        let is_busy = interest.again
            || interest.shutdown && self.fault != Fault::IgnoresShutdown
            || interest.read
                && self.readable
                && !self.is_last
                && !(self.fault == Fault::ReadsAfterWriting && interest.write)
            || interest.write && self.writable;
        let left = interest
            .deadline
            .map_or(LOOK, |deadline| deadline.at.saturating_duration_since(self.now()).min(LOOK));
        let timeout = if is_busy || self.fault == Fault::Spins { Duration::ZERO } else { left };
        let mut events = PollFlags::empty();
        let reads = interest.read || self.fault == Fault::ReadsAlways;
        events.set(PollFlags::IN, reads && !self.readable && !self.is_last);
        events.set(PollFlags::OUT, interest.write && !self.writable);
        let mut fds = [PollFd::from_borrowed_fd(self.stream.as_fd(), events)];
        let timeout = Timespec::try_from(timeout).ok();
        if events.is_empty() {
            // The system would tell of the end of a stream all the same.
            let _ = poll(&mut [], timeout.as_ref());
            return;
        }
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => {
                let told = fds[0].revents();
                let gone = PollFlags::ERR | PollFlags::HUP;
                self.readable |= told.intersects(PollFlags::IN | gone);
                self.writable |= told.intersects(PollFlags::OUT | gone);
            }
            Err(rustix::io::Errno::INTR) if self.fault != Fault::InterruptionIsFailure => {}
            Err(_) => self.connection.transport_failed(TransportFault::Other, self.now()),
        }
    }
}

/// A server that runs.
struct Running {
    admission: Arc<Mutex<Admission>>,
    epoch: Clock,
    thread: JoinHandle<Statistics>,
}

impl Runtime for Faulty {
    fn name(&self) -> &'static str {
        "faulty"
    }

    fn serve(&self, serving: Serving) -> Result<Box<dyn Server>, Unsupported> {
        let limits = match self.fault {
            Fault::AdmitsAll => AdmissionLimits::new(),
            _ => serving.admission.clone(),
        };
        let (admission, epoch) = (Arc::new(Mutex::new(Admission::new(limits))), Clock::now());
        let (shared, fault, is_over) =
            (Arc::clone(&admission), self.fault, Arc::clone(&self.is_over));
        let thread = thread::spawn(move || accept(fault, serving, &shared, epoch, &is_over));
        Ok(Box::new(Running { admission, epoch, thread }))
    }

    fn call(&self, call: Call) -> Result<CloseReason, CallError> {
        let stream = Socket::new(call.place.domain(), Type::STREAM, None)?;
        match stream.connect(&call.place) {
            Err(_) if self.fault == Fault::RefusalIsReset => return Ok(CloseReason::Reset),
            outcome => outcome?,
        }
        let (framing, limits) = (call.script.framing(), Arc::new(call.limits));
        let connection = match call.tls {
            None => Connection::plain(framing, limits, Instant::ZERO),
            Some((tls, name)) => {
                let session = TlsSession::client(&tls, name).expect("a configuration");
                Connection::tls(session, framing, limits, Instant::ZERO)
            }
        };
        let conversation =
            Conversation::new(self.fault, stream, connection, call.script, Clock::now())?;
        Ok(conversation.run(&self.is_over, || Phase::Serving))
    }

    /// Here a turn is what a future would be.
    fn call_dropping(&self, call: Call, _: usize) -> Result<CloseReason, CallError> {
        self.call(call)
    }
}

/// Accepts, and serves each in a thread of its own.
fn accept(
    fault: Fault,
    serving: Serving,
    admission: &Arc<Mutex<Admission>>,
    epoch: Clock,
    is_over: &Arc<AtomicBool>,
) -> Statistics {
    let now = || Instant::from_elapsed(epoch.elapsed());
    let Serving { listener, tls, limits, scripts, .. } = serving;
    listener.set_nonblocking(true).expect("the mode of a socket");
    let (mut listener, limits) = (Some(listener), Arc::new(limits));
    loop {
        let asked = lock(admission).poll(now());
        if asked == Accept::Never {
            listener = None;
        }
        let is_drained = lock(admission).is_drained();
        if is_drained || is_over.load(Ordering::Relaxed) {
            return *lock(admission).statistics();
        }
        let accepted = match (&listener, asked) {
            (Some(listener), Accept::Now) => listener.accept(),
            _ => Err(ErrorKind::WouldBlock.into()),
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let timeout = Timespec::try_from(LOOK).ok();
                let _ = poll(&mut [], timeout.as_ref());
                continue;
            }
            Err(_) if fault == Fault::QuitsWithoutDescriptors => {
                return *lock(admission).statistics();
            }
            Err(_) => {
                lock(admission).accept_failed(AcceptFault::Other, now());
                continue;
            }
        };
        let peer = peer.as_socket().map(|peer| peer.ip());
        let Ok(permit) = lock(admission).accepted(peer, now()) else { continue };
        let protocol = scripts.script();
        let (framing, limits) = (protocol.framing(), Arc::clone(&limits));
        let connection = match &tls {
            None => Connection::plain(framing, limits, now()),
            Some(tls) => Connection::tls(TlsSession::server(tls), framing, limits, now()),
        };
        let conversation = Conversation::new(fault, stream, connection, protocol, epoch);
        let conversation = conversation.expect("the mode of a socket");
        let (admission, is_over) = (Arc::clone(admission), Arc::clone(is_over));
        let serve = move || {
            let phase = || lock(&admission).phase(Instant::from_elapsed(epoch.elapsed()));
            let reason = conversation.run(&is_over, phase);
            lock(&admission).closed(permit, reason.kind());
        };
        if fault == Fault::AcceptsOneByOne {
            serve();
        } else {
            thread::spawn(serve);
        }
    }
}

impl Server for Running {
    fn drain(&self) {
        lock(&self.admission).drain(Instant::from_elapsed(self.epoch.elapsed()));
    }

    fn stop(&self) {
        let now = Instant::from_elapsed(self.epoch.elapsed());
        lock(&self.admission).request(drywire::shutdown::Request::Stop, now);
    }

    fn statistics(&self) -> Statistics {
        *lock(&self.admission).statistics()
    }

    fn join(self: Box<Self>) -> Statistics {
        self.thread.join().expect("the server does not panic")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
