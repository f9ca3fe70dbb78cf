//! The driver of one connection: a thread that waits in poll, or in a read when there is nothing
//! else to wait for, and leaves every decision to the connection.

use std::os::fd::BorrowedFd;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use drywire::buffer::Pool;
use drywire::connection::Deadline;
use drywire::framing::Framing;
use drywire::proxy::{Introduced, Preamble};
use drywire::{CloseReason, Connection, Fault, Instant, Limits, Protocol, pump};
use rustix::event::{PollFd, PollFlags};

use crate::control::Control;
use crate::held::{Held, PATIENCE};
use crate::ledger::Ledger;
use crate::stream::Stream;
use crate::turn::{
    Readiness, finish, handle_timeout, is_busy_with, receive, receive_by, receive_header, replay,
    transmit,
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
    /// What these two are armed by.
    pub(crate) control: &'a Control,
}

impl Surroundings<'_> {
    /// What the server asks for now, without waiting.
    fn asked(&self, is_draining: bool) -> Woken {
        if self.control.stop.is_raised() {
            Woken::Stop
        } else if !is_draining && self.control.drain.is_raised() {
            Woken::Drain
        } else {
            Woken::Ready
        }
    }

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
    let pool = || pool.lock().unwrap_or_else(PoisonError::into_inner);
    let clock = ledger.clock();
    let mut held = Held::new(stream);
    // A peer who speaks first has spoken, as a rule, when a thread has got to it.
    let mut readiness = Readiness { readable: true, writable: true };
    let (mut is_draining, mut is_patient) = (false, false);
    loop {
        let (received, now) = if is_patient {
            // It has the buffers that it needs: what others share is left alone.
            connection.lease(&mut Pool::new(0));
            readiness.readable = true;
            let read = |buffer: &mut [u8]| held.read_patiently(buffer);
            let received = receive_by(connection, read, &mut readiness, || clock.now());
            (received, if received > 0 { connection.now() } else { clock.now() })
        } else {
            connection.lease(&mut pool());
            let now = clock.now();
            (receive(connection, &held, &mut readiness, now), now)
        };
        handle_timeout(connection, now);
        pump(connection, protocol);
        let transmitted = transmit(connection, &held, &mut readiness, now);
        finish(connection, protocol, || stream.shut_down_write(), now);
        ledger.turned(visitor, connection, received as u64, transmitted as u64);
        let wish = Wish::of(connection, readiness);
        // The turn goes on in a read that waits, with the buffers that it has.
        is_patient = received > 0
            // Handlers take their time.
            && wish.only_reads_until(clock.now())
            && held.can_wait()
            && around.asked(is_draining) == Woken::Ready;
        if is_patient {
            continue;
        }
        connection.settle(&mut pool());
        if connection.is_closed() {
            // A connection that is closed has its reason.
            return connection.close_reason().cloned().unwrap_or(CloseReason::Aborted);
        }
        match rest(&wish, stream, &mut readiness, is_draining, around) {
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
            is_known: readiness.readable,
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
    /// Whatever is wished for, the stream is ready for it.
    is_known: bool,
    deadline: Option<Deadline>,
}

impl Wish {
    fn of<F: Framing>(connection: &Connection<F>, readiness: Readiness) -> Self {
        let interest = connection.interest();
        Self {
            read: interest.read,
            write: interest.write,
            is_busy: is_busy_with(interest, readiness),
            is_known: (readiness.readable || !interest.read)
                && (readiness.writable || !interest.write),
            deadline: interest.deadline,
        }
    }

    /// Whether there is nothing to wait for but something to read, nor anything due while a read
    /// waits.
    fn only_reads_until(&self, now: Instant) -> bool {
        let is_early = |deadline: Deadline| deadline.at > now + 2 * PATIENCE;
        self.read && !self.write && !self.is_busy && self.deadline.is_none_or(is_early)
    }
}

/// What ended a wait.
#[derive(Clone, Copy, PartialEq, Eq)]
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
    if wish.is_busy && wish.is_known {
        return around.asked(is_draining);
    }
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

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use std::io::{Read, Write};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::sync::Arc;
    use std::thread;

    use drywire::Peer;
    use drywire::framing::Lines;
    use drywire::protocol::Echo;

    use super::*;
    use crate::turn::serving;
    use crate::wait::tests::WAITS;

    /// Each line takes a read and a write. Only a peer that takes its time is waited for in poll;
    /// this one may, now and then, when the system does not let it go on.
    #[test]
    fn a_peer_that_goes_on_at_once_is_not_waited_for_in_poll() {
        const LINES: usize = 1000;
        let (stream, mut peer) = UnixStream::pair().unwrap();
        let answers = thread::spawn(move || {
            let mut line = [0; 4];
            for _ in 0..LINES {
                peer.write_all(b"one\n").unwrap();
                peer.read_exact(&mut line).unwrap();
                assert_eq!(&line, b"one\n");
            }
        });
        let control = Control::default();
        let [drain, stop] = [&control.drain, &control.stop].map(|signal| signal.arm().unwrap());
        let around = Surroundings {
            ledger: &control.ledger,
            pool: &Mutex::default(),
            drain: drain.as_fd(),
            stop: stop.as_fd(),
            control: &control,
        };
        let visitor = control.ledger.enter(&Peer::unix(), false, false);
        let (framing, now) = (Lines::new(), control.ledger.clock().now());
        let mut connection = serving(None, framing.clone(), Arc::default(), now);
        let (stream, before) = (stream.try_into().unwrap(), WAITS.get());
        let reason = drive(&mut connection, &mut Echo::new(framing), &stream, &visitor, around);
        assert_eq!(reason, CloseReason::Finished);
        let waits = WAITS.get() - before;
        assert!(waits < LINES / 2, "{waits}");
        answers.join().unwrap();
    }
}
