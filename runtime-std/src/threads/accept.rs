//! The thread that accepts, and that sees the server to its end.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::thread::{self, Builder, Scope};
use std::time::Duration;

use drywire::admission::{Accept, Reservation};
use drywire::shutdown::Phase;
use drywire::{Peer, Protocol};
use rustix::event::{PollFd, PollFlags};

use super::connection::{Job, Place, Service};
use super::crew::Crew;
use crate::datagram::{DatagramServing, DatagramSocket, drive};
use crate::driver::Surroundings;
use crate::error::ServeError;
use crate::handle::Summary;
use crate::listener::Listener;
use crate::signal::Bell;
use crate::wait::{is_readable, wait};

/// Serves `listeners` until the server has ended.
pub(super) fn run<F, P>(
    service: &Service<'_, F>,
    listeners: Vec<Listener>,
    datagrams: Vec<(DatagramServing, DatagramSocket)>,
) -> Result<Summary, ServeError>
where
    F: Fn(&Peer) -> P + Send + Sync,
    P: Protocol,
{
    let control = service.control;
    let ending = control.ending.arm().map_err(ServeError::Io)?;
    let drain = control.drain.arm().map_err(ServeError::Io)?;
    let stop = control.stop.arm().map_err(ServeError::Io)?;
    let closed = Bell::new().map_err(ServeError::Io)?;
    let around = Surroundings {
        ledger: &control.ledger,
        pool: &service.pool,
        drain: drain.as_fd(),
        stop: stop.as_fd(),
        control,
    };
    let crew = Crew::new();
    let acceptor =
        Acceptor { service, closed: &closed, crew: &crew, ending: ending.as_fd(), around };
    // The scope ends when every thread has.
    thread::scope(|scope| {
        let outcome =
            start(scope, datagrams, around).and_then(|()| acceptor.accept(scope, listeners));
        crew.dismiss();
        let outcome = outcome.and_then(|()| acceptor.await_drained());
        if outcome.is_err() {
            control.stop.raise();
        }
        outcome
    })
    .map_err(ServeError::Io)?;
    Ok(control.ledger.summary())
}

/// Gives each datagram listener a thread.
fn start<'scope>(
    scope: &'scope Scope<'scope, '_>,
    datagrams: Vec<(DatagramServing, DatagramSocket)>,
    around: Surroundings<'scope>,
) -> io::Result<()> {
    for (serving, socket) in datagrams {
        Builder::new()
            .name("drywire".into())
            .spawn_scoped(scope, move || drive(serving, &socket, around))?;
    }
    Ok(())
}

/// What the accepting thread waits for beside its listeners.
struct Acceptor<'env, 'job, F> {
    service: &'env Service<'env, F>,
    /// Rung when a place was given back that is waited for, or nothing is left.
    closed: &'job Bell,
    crew: &'env Crew<Job<'job>>,
    ending: BorrowedFd<'env>,
    around: Surroundings<'job>,
}

impl<'env, 'job: 'env, F, P> Acceptor<'env, 'job, F>
where
    F: Fn(&Peer) -> P + Send + Sync,
    P: Protocol,
{
    /// Accepts until the admission says that there will be no more, then closes the listeners.
    fn accept<'scope>(
        &self,
        scope: &'scope Scope<'scope, 'env>,
        listeners: Vec<Listener>,
    ) -> io::Result<()> {
        let ledger = self.around.ledger;
        let sockets: Vec<_> =
            listeners.iter().map(|listener| listener.parts().socket.as_fd()).collect();
        // Who had a place last has the next turn behind the others.
        let mut first = 0;
        loop {
            let phase = self.service.control.heed();
            let (sockets, resume_at) = match ledger.poll() {
                Accept::Never => return Ok(()),
                Accept::Now => (sockets.as_slice(), None),
                Accept::WaitUntil(at) => (&[][..], Some(at)),
                Accept::WaitForClose => (&[][..], None),
            };
            let wake_at = resume_at.into_iter().chain(ledger.deadline()).min();
            let timeout = wake_at.and_then(|at| ledger.clock().until(at));
            let ready = self.wait(sockets, phase, timeout)?;
            let turns = listeners.iter().zip(0..).zip(ready).zip(1..);
            let turns = turns.cycle().skip(first).take(listeners.len());
            for (((listener, number), _), next) in turns.filter(|((_, ready), _)| *ready) {
                let Some(reservation) = ledger.reserve() else { break };
                self.accept_one(scope, listener, number, reservation);
                first = next;
            }
        }
    }

    /// Waits for the listeners' sockets, an end, what changes the phase, or `timeout`. Returns
    /// which of the sockets are ready.
    fn wait(
        &self,
        sockets: &[BorrowedFd<'_>],
        phase: Phase,
        timeout: Option<Duration>,
    ) -> io::Result<Vec<bool>> {
        let Surroundings { drain, stop, .. } = self.around;
        let ending = (phase == Phase::Serving).then_some(self.ending);
        let mut fds: Vec<_> = [self.closed.as_fd(), drain, stop]
            .iter()
            .chain(sockets)
            .chain(&ending)
            .map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN))
            .collect();
        wait(&mut fds, timeout)?;
        let mut ready = fds.iter().map(is_readable);
        if ready.next() == Some(true) {
            self.closed.silence();
        }
        Ok(ready.skip(2).take(sockets.len()).collect())
    }

    fn accept_one<'scope>(
        &self,
        scope: &'scope Scope<'scope, 'env>,
        listener: &Listener,
        number: u32,
        reservation: Reservation,
    ) {
        let (service, around) = (self.service, self.around);
        let (stream, peer) = match listener.parts().socket.accept() {
            Ok((stream, peer)) => (stream, peer.by(number)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return around.ledger.unused(reservation);
            }
            Err(error) => return around.ledger.accept_failed(reservation, &error),
        };
        let tls = listener.parts().tls.clone();
        let policy = listener.parts().proxy.as_deref();
        let (place, preamble) = match around.ledger.accepted_by(reservation, policy, &peer) {
            Ok((permit, preamble)) => {
                let visitor = around.ledger.enter(&peer, tls.is_some(), preamble.is_some());
                (Place::new(permit, visitor, around.ledger, self.closed), preamble)
            }
            Err(refusal) => return service.refused(&peer, refusal),
        };
        let Err(mut job) = self.crew.give(Job { stream, preamble, tls, place }) else { return };
        let crew = self.crew;
        let work = move || {
            loop {
                service.serve(job, around);
                match crew.take() {
                    Some(next) => job = next,
                    None => return,
                }
            }
        };
        // A thread that cannot be started drops the stream and the place, which says so.
        let _ = Builder::new()
            .name("drywire".into())
            .stack_size(service.stack_len)
            .spawn_scoped(scope, work);
    }

    /// Waits until no connection is left, or those that are must be ended by force.
    fn await_drained(&self) -> io::Result<()> {
        let ledger = self.around.ledger;
        while !ledger.is_drained() && self.service.control.heed() != Phase::Stopping {
            let timeout = ledger.deadline().and_then(|at| ledger.clock().until(at));
            let fds = [self.closed.as_fd(), self.around.stop];
            let mut fds = fds.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
            wait(&mut fds, timeout)?;
            self.closed.silence();
        }
        Ok(())
    }
}
