//! The driver of one connection: a thread that waits in poll and leaves every decision to the
//! connection.

use std::os::fd::BorrowedFd;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use drywire::buffer::Pool;
use drywire::framing::Framing;
use drywire::{CloseReason, Connection, Fault, Protocol, pump};
use rustix::event::{PollFd, PollFlags};

use crate::ledger::Ledger;
use crate::stream::Stream;
use crate::turn::{Readiness, handle_timeout, is_busy, receive, shut_down, transmit};
use crate::visitors::Visitor;
use crate::wait::{is_readable, is_writable, wait};

/// What the drivers of one server share.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    pub(crate) ledger: &'a Ledger,
    /// Locked for lease and settle only.
    pub(crate) pool: &'a Mutex<Pool>,
    /// Readable for ever once the server is being drained.
    pub(crate) drain: BorrowedFd<'a>,
    /// Readable for ever once the server is being stopped.
    pub(crate) stop: BorrowedFd<'a>,
}

/// Runs `protocol` over `stream` until the connection is over.
pub(crate) fn drive<P: Protocol>(
    connection: &mut Connection<P::Framing>,
    protocol: &mut P,
    stream: &Stream,
    visitor: &Visitor,
    around: Surroundings<'_>,
) -> CloseReason {
    let Surroundings { ledger, pool, .. } = around;
    let clock = ledger.clock();
    let mut readiness = Readiness::new();
    let mut is_draining = false;
    loop {
        let now = clock.now();
        connection.lease(&mut pool.lock().unwrap_or_else(PoisonError::into_inner));
        let received = receive(connection, stream, &mut readiness, now);
        handle_timeout(connection, now);
        pump(connection, protocol);
        let transmitted = transmit(connection, stream, &mut readiness, now);
        shut_down(connection, || stream.shut_down_write(), now);
        pump(connection, protocol);
        connection.settle(&mut pool.lock().unwrap_or_else(PoisonError::into_inner));
        ledger.turned(visitor, connection, received as u64, transmitted as u64);
        if connection.is_closed() {
            // A connection that is closed has its reason.
            return connection.close_reason().cloned().unwrap_or(CloseReason::Aborted);
        }
        match rest(connection, stream, &mut readiness, is_draining, around) {
            Woken::Ready => {}
            Woken::Drain => {
                is_draining = true;
                connection.drain(clock.now());
            }
            Woken::Stop => connection.stop(),
            Woken::Failed => connection.transport_failed(Fault::Other, clock.now()),
        }
    }
}

/// What ended a wait.
enum Woken {
    Ready,
    Drain,
    Stop,
    Failed,
}

/// Waits for what the connection is interested in, or not at all if it is busy; even then the
/// signals are looked at.
fn rest<F: Framing>(
    connection: &Connection<F>,
    stream: &Stream,
    readiness: &mut Readiness,
    is_draining: bool,
    around: Surroundings<'_>,
) -> Woken {
    let interest = connection.interest();
    let timeout = if is_busy(connection, *readiness) {
        Some(Duration::ZERO)
    } else {
        interest.deadline.and_then(|deadline| around.ledger.clock().until(deadline.at))
    };
    let mut events = PollFlags::empty();
    events.set(PollFlags::IN, interest.read);
    events.set(PollFlags::OUT, interest.write);
    // The system reports the end of a descriptor even to those who ask for nothing. To wait
    // without a spin, what is not waited for is not shown to it; the signal to stop stands in.
    let stop = PollFd::from_borrowed_fd(around.stop, PollFlags::IN);
    let drain = PollFd::from_borrowed_fd(around.drain, PollFlags::IN);
    let mut fds = [stop.clone(), stop.clone(), stop];
    if !is_draining {
        fds[1] = drain;
    }
    if !events.is_empty() {
        fds[2] = PollFd::new(stream, events);
    }
    if wait(&mut fds, timeout).is_err() {
        return Woken::Failed;
    }
    let [stop, drain, stream] = &fds;
    if is_readable(stop) {
        return Woken::Stop;
    }
    readiness.readable |= is_readable(stream);
    readiness.writable |= is_writable(stream);
    if is_readable(drain) { Woken::Drain } else { Woken::Ready }
}
