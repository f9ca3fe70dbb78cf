//! The driver of one connection: a thread that waits in poll and leaves every decision to the
//! connection.

use std::os::fd::BorrowedFd;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use drywire::buffer::Pool;
use drywire::connection::Deadline;
use drywire::framing::Framing;
use drywire::proxy::{Introduced, Preamble};
use drywire::{CloseReason, Connection, Fault, Instant, Limits, Protocol, pump};
use rustix::event::{PollFd, PollFlags};

use crate::ledger::Ledger;
use crate::stream::Stream;
use crate::turn::{
    Readiness, handle_timeout, is_busy, receive, receive_header, replay, shut_down, transmit,
};
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

impl Surroundings<'_> {
    /// Lets a new connection receive `rest`; see [`replay`].
    pub(crate) fn replay<F: Framing>(
        &self,
        connection: &mut Connection<F>,
        rest: &[u8],
        now: Instant,
    ) {
        if !rest.is_empty() {
            let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
            replay(connection, rest, &mut pool, now);
        }
    }
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
        match rest(&Wish::of(connection, readiness), stream, &mut readiness, is_draining, around) {
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

/// Receives the header that `stream` begins with.
pub(crate) fn introduce(
    mut preamble: Preamble,
    limits: &Limits,
    stream: &Stream,
    visitor: &Visitor,
    around: Surroundings<'_>,
) -> Result<Introduced, CloseReason> {
    let clock = around.ledger.clock();
    let mut readiness = Readiness::new();
    let mut is_draining = false;
    loop {
        let now = clock.now();
        let received = receive_header(&mut preamble, stream, &mut readiness, now);
        around.ledger.received_header(visitor, received as u64);
        preamble.handle_timeout(now);
        if preamble.is_done() {
            return preamble.into_outcome();
        }
        let wish = Wish {
            read: true,
            write: false,
            is_busy: readiness.readable,
            deadline: preamble.deadline(),
        };
        match rest(&wish, stream, &mut readiness, is_draining, around) {
            Woken::Ready => {}
            Woken::Drain => {
                is_draining = true;
                preamble.drain(limits.drain_idle_timeout, clock.now());
            }
            Woken::Stop => preamble.stop(),
            Woken::Failed => preamble.transport_failed(Fault::Other, clock.now()),
        }
    }
}

/// What to wait for.
struct Wish {
    read: bool,
    write: bool,
    /// There is something to do at once.
    is_busy: bool,
    deadline: Option<Deadline>,
}

impl Wish {
    fn of<F: Framing>(connection: &Connection<F>, readiness: Readiness) -> Self {
        let interest = connection.interest();
        Self {
            read: interest.read,
            write: interest.write,
            is_busy: is_busy(connection, readiness),
            deadline: interest.deadline,
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

/// Waits for what is wished for, or not at all if there is something to do; even then the signals
/// are looked at.
fn rest(
    wish: &Wish,
    stream: &Stream,
    readiness: &mut Readiness,
    is_draining: bool,
    around: Surroundings<'_>,
) -> Woken {
    let timeout = if wish.is_busy {
        Some(Duration::ZERO)
    } else {
        wish.deadline.and_then(|deadline| around.ledger.clock().until(deadline.at))
    };
    let mut events = PollFlags::empty();
    events.set(PollFlags::IN, wish.read);
    events.set(PollFlags::OUT, wish.write);
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
