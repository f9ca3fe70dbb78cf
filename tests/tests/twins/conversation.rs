//! A connection and its stream, driven by a thread that looks every few milliseconds at what is asked of
//! the server; wrong in any one way.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant as Clock};

use drywire::buffer::Pool;
use drywire::shutdown::Phase;
use drywire::{CloseReason, Connection, Fault as TransportFault, Instant, Protocol, pump};
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::Socket;

use crate::fault::Fault;
use crate::faulty::lock;

/// How often is looked at what the server is asked.
pub(crate) const LOOK: Duration = Duration::from_millis(3);

/// A conversation with what is known of its stream.
pub(crate) struct Conversation<P: Protocol> {
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
    pool: Arc<Mutex<Pool>>,
    /// Tells of each event once.
    edges: Option<OwnedFd>,
}

impl<P: Protocol> Conversation<P> {
    pub(crate) fn new(
        fault: Fault,
        stream: Socket,
        connection: Connection<P::Framing>,
        protocol: P,
        epoch: Clock,
        pool: Arc<Mutex<Pool>>,
    ) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        // Neither is an option of Unix sockets.
        let _ = stream.set_tcp_nodelay(true);
        if fault == Fault::UrgentInline {
            let _ = stream.set_out_of_band_inline(true);
        }
        let edges = (fault == Fault::WaitsForAnEdge).then(|| edges(&stream)).transpose()?;
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
            pool,
            edges,
        })
    }

    fn now(&self) -> Instant {
        Instant::from_elapsed(self.epoch.elapsed())
    }

    /// Runs to the end. `phase` tells what the server is asked.
    pub(crate) fn run(mut self, is_over: &AtomicBool, phase: impl Fn() -> Phase) -> CloseReason {
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
        self.connection.lease(&mut lock(&self.pool));
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
        if self.fault != Fault::KeepsBuffers {
            self.connection.settle(&mut lock(&self.pool));
        }
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
                    Fault::WaitsForAnEdge => self.readable = len == lent,
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
        if let Some(edges) = &self.edges {
            let mut events =
                [epoll::Event { flags: EventFlags::empty(), data: EventData::new_u64(0) }];
            let timeout = Timespec::try_from(timeout).ok();
            if let Ok(1) = epoll::wait(edges, &mut events, timeout.as_ref()) {
                let told = events[0].flags;
                let gone = EventFlags::ERR | EventFlags::HUP;
                self.readable |= told.intersects(EventFlags::IN | gone);
                self.writable |= told.intersects(EventFlags::OUT | gone);
            }
            return;
        }
        let mut events = PollFlags::empty();
        let reads = interest.read || self.fault == Fault::ReadsAlways;
        events.set(PollFlags::IN, reads && !self.readable && !self.is_last);
        events.set(PollFlags::OUT, interest.write && !self.writable);
        events.set(PollFlags::RDHUP, self.fault == Fault::HangUpIsEnd && !self.is_last);
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
                if told.contains(PollFlags::RDHUP) {
                    self.is_last = true;
                    self.connection.received_eof(self.now()).expect("it comes once");
                }
            }
            Err(rustix::io::Errno::INTR) if self.fault != Fault::InterruptionIsFailure => {}
            Err(_) => self.connection.transport_failed(TransportFault::Other, self.now()),
        }
    }
}

fn edges(stream: &Socket) -> io::Result<OwnedFd> {
    let edges = epoll::create(CreateFlags::CLOEXEC)?;
    let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
    epoll::add(&edges, stream, EventData::new_u64(0), flags)?;
    Ok(edges)
}
