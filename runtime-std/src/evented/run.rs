//! What the loops of a server share, and how they begin and end.

use std::io;
use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::{self, Builder, ScopedJoinHandle};

use drywire::admission::{Permit, Refusal};
use drywire::shutdown::Request;
use drywire::{CloseReason, Instant, Limits, Peer, Protocol};
use mio::Waker;

use super::datagrams::Datagrams;
use super::door::Door;
use super::event_loop::{EventLoop, Parts};
use crate::control::Control;
use crate::datagram::{DatagramServing, DatagramSocket};
use crate::handle::Summary;
use crate::listener::Listener;
use crate::observation::Observation;
use crate::visitors::VisitorRef;

/// What the loops of a running server share.
pub(super) struct Service<'a, F> {
    pub(super) factory: F,
    pub(super) limits: Arc<Limits>,
    pub(super) observation: Observation,
    pub(super) control: &'a Control,
    /// Of all loops, if there are several.
    wakers: Vec<Waker>,
}

impl<F> Service<'_, F> {
    /// Wakes the loops that wait for a place, if one was given back.
    pub(super) fn wake_waiters(&self) {
        // One that is alone looks before it waits.
        if !self.wakers.is_empty() && self.control.ledger.poll_waiters() {
            for waker in &self.wakers {
                // A loop that cannot be woken looks when something else happens.
                let _ = waker.wake();
            }
        }
    }

    /// Takes note that a connection is over whose descriptor is closed.
    pub(super) fn closed(
        &self,
        permit: Permit,
        visitor: VisitorRef<'_>,
        reason: &CloseReason,
        now: Instant,
    ) {
        let peer = self.control.ledger.closed_at(permit, visitor, reason, now);
        self.wake_waiters();
        self.observation.observe(&peer, reason);
    }

    pub(super) fn refused(&self, peer: &Peer, refusal: Refusal) {
        if let Some(reason) = refusal.close_reason() {
            self.observation.observe(peer, &reason);
        }
    }

    /// Ends all loops.
    pub(super) fn stop(&self) {
        self.control.ledger.request(Request::Stop);
        self.control.heed();
    }
}

/// Serves with `threads` loops, one of them in this thread, until the server has ended.
pub(super) fn run<F, P>(
    factory: F,
    limits: Arc<Limits>,
    observation: Observation,
    control: &Control,
    listeners: Vec<Listener>,
    datagrams: Vec<(DatagramServing, DatagramSocket)>,
    threads: NonZeroUsize,
) -> io::Result<Summary>
where
    F: Fn(&Peer) -> P + Send + Sync,
    P: Protocol,
{
    let signals = [control.ending.arm()?, control.drain.arm()?, control.stop.arm()?];
    let loops = furnish(listeners, datagrams, threads)?;
    for parts in &loops {
        parts.heed(signals.each_ref().map(AsFd::as_fd))?;
    }
    // One that is alone waits for nobody else's connections.
    let wakers = loops.iter().filter(|_| loops.len() > 1).map(Parts::waker);
    let wakers = wakers.collect::<io::Result<_>>()?;
    let service = Service { factory, limits, observation, control, wakers };
    let outcome = serve(&service, loops);
    service.observation.rethrow();
    outcome?;
    Ok(control.ledger.summary())
}

/// Gives all loops but one a thread, and returns when all have ended.
fn serve<F, P>(service: &Service<'_, F>, mut loops: Vec<Parts>) -> io::Result<()>
where
    F: Fn(&Peer) -> P + Send + Sync,
    P: Protocol,
{
    let own = loops.pop();
    thread::scope(|scope| {
        let spawn = |parts| {
            let begin = move || EventLoop::run(service, parts);
            Builder::new().name("drywire".into()).spawn_scoped(scope, begin)
        };
        let (running, failed): (Vec<_>, Vec<_>) =
            loops.into_iter().map(spawn).partition(Result::is_ok);
        if !failed.is_empty() {
            service.stop();
        }
        let own = own.map_or(Ok(()), |parts| EventLoop::run(service, parts));
        // A loop catches what its protocols panic with.
        let join = |thread: ScopedJoinHandle<'_, io::Result<()>>| {
            thread.join().unwrap_or_else(|panic| resume_unwind(panic))
        };
        let others = running.into_iter().flatten().map(join).collect::<Vec<_>>();
        let failed = failed.into_iter().filter_map(Result::err).map(Err);
        failed.chain([own]).chain(others).collect()
    })
}

/// What each loop begins with: every listener, and its share of the datagram listeners.
fn furnish(
    listeners: Vec<Listener>,
    datagrams: Vec<(DatagramServing, DatagramSocket)>,
    threads: NonZeroUsize,
) -> io::Result<Vec<Parts>> {
    let mut loops = (0..threads.get()).map(|_| Parts::new()).collect::<io::Result<Vec<_>>>()?;
    for (listener, number) in listeners.into_iter().zip(0..) {
        let sockets = listener.siblings(threads.get() - 1)?;
        let parts = listener.into_parts();
        let (tls, proxy) = (parts.tls, parts.proxy);
        let own = [(parts.socket, parts.file)].into_iter();
        let sockets = own.chain(sockets.into_iter().map(|socket| (socket, None)));
        for (of, (socket, file)) in loops.iter_mut().zip(sockets) {
            of.doors.push(Door::new(socket, tls.clone(), proxy.clone(), number, file));
        }
    }
    for (index, (serving, socket)) in datagrams.into_iter().enumerate() {
        if let Some(of) = loops.get_mut(index % threads) {
            of.datagrams.push(Datagrams::new(serving, socket));
        }
    }
    Ok(loops)
}
