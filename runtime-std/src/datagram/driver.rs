//! The driver of one datagram listener: a thread that waits in poll and leaves every decision to
//! the endpoint.

use std::time::Duration;

use rustix::event::{PollFd, PollFlags};

use super::serving::DatagramServing;
use super::socket::DatagramSocket;
use crate::driver::Surroundings;
use crate::wait::{is_readable, is_writable, wait};

/// Serves until the endpoint is over.
pub(crate) fn drive(
    mut serving: DatagramServing,
    socket: &DatagramSocket,
    around: Surroundings<'_>,
) {
    let clock = around.ledger.clock();
    let mut is_draining = false;
    loop {
        serving.turn(socket, around.ledger, clock.now());
        if serving.is_closed() {
            return;
        }
        let interest = serving.interest();
        let timeout = if serving.is_busy() {
            Some(Duration::ZERO)
        } else {
            interest.deadline.and_then(|at| clock.until(at))
        };
        let mut events = PollFlags::empty();
        events.set(PollFlags::IN, interest.read);
        events.set(PollFlags::OUT, interest.write);
        let stop = PollFd::from_borrowed_fd(around.stop, PollFlags::IN);
        let drain = PollFd::from_borrowed_fd(around.drain, PollFlags::IN);
        let drain = if is_draining { stop.clone() } else { drain };
        let mut fds = [stop, drain, PollFd::new(socket, events)];
        if wait(&mut fds, timeout).is_err() {
            serving.abort();
            continue;
        }
        let [stop, drain, socket] = &fds;
        let readiness = serving.readiness();
        readiness.readable |= is_readable(socket);
        readiness.writable |= is_writable(socket);
        if is_readable(stop) {
            serving.abort();
        } else if is_readable(drain) && !is_draining {
            is_draining = true;
            serving.close(clock.now());
        }
    }
}
