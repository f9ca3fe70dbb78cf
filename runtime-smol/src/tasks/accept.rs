//! The tasks that accept, and what sees the server to its end.

use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Weak};
use std::task::Poll;

use async_executor::Executor;
use async_io::Timer;
use drywire::admission::{Accept, Reservation};
use drywire::framing::Framing;
use drywire::proxy::ProxyPolicy;
use drywire::shutdown::{Phase, Request};
use drywire::tls::ServerTls;
use drywire::{Instant, Peer, Protocol};
use drywire_std::{Controlled, Listener, ListenerSocket, SocketFile, Stream, Summary};
use event_listener::EventListener;
use futures_lite::future::{or, yield_now, zip};

use super::alarm::keep_time;
use super::connection::Service;
use super::control::Control;
use super::datagram::Datagrams;
use super::roster::Events;
use super::watch::Watched;
use super::workers::Workers;

/// Connections that are accepted before other tasks run.
const ACCEPTS_MAX: usize = 16;

/// Serves `listeners` until the server has ended.
pub(super) async fn run<F, P>(
    service: Service<F>,
    listeners: Vec<Listener>,
    datagrams: Vec<Datagrams>,
    workers: Workers,
) -> io::Result<Summary>
where
    F: Fn(&Peer) -> P + Send + Sync + 'static,
    P: Protocol<Framing: Framing<Found: Send> + Send> + Send + 'static,
{
    let control = StopOnDrop(Arc::clone(&service.common.control));
    let ledger = &control.0.ledger;
    let service = Arc::new(service);
    let common = Arc::clone(&service.common);
    workers.executor().spawn(async move { keep_time(&common.control).await }).detach();
    let common = Arc::clone(&service.common);
    let watching = async move {
        if let Some(watch) = &common.watch {
            watch.run(&common.control.roster).await;
        }
    };
    workers.executor().spawn(watching).detach();
    let mut tasks = Vec::new();
    for (listener, number) in listeners.into_iter().zip(0..) {
        let parts = listener.into_parts();
        let at = control.0.roster.enter();
        let acceptor = Acceptor {
            service: Arc::clone(&service),
            executor: workers.downgrade(),
            socket: Watched::new(parts.socket, service.common.watch.as_ref(), at)?,
            at,
            tls: parts.tls,
            proxy: parts.proxy,
            number,
            _file: parts.file,
        };
        tasks.push(workers.executor().spawn(acceptor.accept()));
    }
    for mut datagrams in datagrams {
        tasks.push(workers.executor().spawn(poll_fn(move |cx| datagrams.poll(cx))));
    }
    let accepting = async {
        for task in tasks {
            task.await;
        }
    };
    zip(accepting, await_drained(&control.0)).await;
    workers.join().await;
    service.common.rethrow();
    Ok(ledger.summary())
}

/// A server whose future is dropped is stopped.
struct StopOnDrop(Arc<Control>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.request(Request::Stop);
    }
}

/// What accepts from one listener.
struct Acceptor<F> {
    service: Arc<Service<F>>,
    executor: Weak<Executor<'static>>,
    socket: Watched<ListenerSocket>,
    /// The place on the roster.
    at: usize,
    tls: Option<ServerTls>,
    proxy: Option<Arc<ProxyPolicy>>,
    /// Its place in the order of the server's listeners.
    number: u32,
    /// Removed after the socket is closed.
    _file: Option<SocketFile>,
}

impl<F> Drop for Acceptor<F> {
    fn drop(&mut self) {
        self.service.common.control.roster.leave(self.at);
    }
}

impl<F, P> Acceptor<F>
where
    F: Fn(&Peer) -> P + Send + Sync + 'static,
    P: Protocol<Framing: Framing<Found: Send> + Send> + Send + 'static,
{
    /// Accepts until the admission says that there will be no more, then closes the listener.
    async fn accept(self) {
        let control = &*self.service.common.control;
        poll_fn(|cx| {
            control.roster.attach(self.at, cx.waker());
            Poll::Ready(())
        })
        .await;
        loop {
            // Listens first and looks then, so that no change falls between.
            let changed = control.changed.listen();
            match control.ledger.poll() {
                Accept::Never => break,
                Accept::Now => self.accept_some(control, changed).await,
                Accept::WaitUntil(_) | Accept::WaitForClose => {
                    let closed = control.closed.listen();
                    match control.ledger.poll() {
                        Accept::WaitUntil(at) => wait(closed, Some(at), control).await,
                        Accept::WaitForClose => closed.await,
                        Accept::Never | Accept::Now => {}
                    }
                }
            }
        }
    }

    /// Accepts those that are there, not too many, or waits until there may be one or the server
    /// `changed`.
    async fn accept_some(&self, control: &Control, changed: EventListener) {
        for _ in 0..ACCEPTS_MAX {
            let Some(reservation) = control.ledger.reserve() else { return };
            match self.socket.get_ref().accept() {
                Ok((stream, peer)) => {
                    self.start(reservation, stream, peer.by(self.number), control);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    control.ledger.unused(reservation);
                    control.wake_waiters();
                    return or(changed, self.readable(control)).await;
                }
                Err(error) => {
                    control.ledger.accept_failed(reservation, &error);
                    control.wake_waiters();
                }
            }
        }
        // Those that are there before those that still come.
        yield_now().await;
    }

    /// Waits until the listener has somebody, or cannot say so.
    async fn readable(&self, control: &Control) {
        let (post, now) = ((&control.roster, self.at), || Instant::ZERO);
        poll_fn(|cx| self.socket.poll(Events::READ, Instant::MAX, now, post, cx)).await;
    }

    fn start(&self, reservation: Reservation, stream: Stream, peer: Peer, control: &Control) {
        let policy = self.proxy.as_deref();
        let (permit, preamble) = match control.ledger.accepted_by(reservation, policy, &peer) {
            Ok(accepted) => accepted,
            Err(refusal) => {
                drop(stream);
                control.wake_waiters();
                return self.service.common.refused(&peer, refusal);
            }
        };
        let tls = self.tls.as_ref();
        let visitor = control.ledger.enter(&peer, tls.is_some(), preamble.is_some());
        let admitted = self.service.admit(stream, visitor, permit);
        let (Some(mut admitted), Some(executor)) = (admitted, self.executor.upgrade()) else {
            return;
        };
        let Some(preamble) = preamble else {
            if let Some(mut serving) = self.service.serve(admitted, &[], tls) {
                executor.spawn(poll_fn(move |cx| serving.poll(cx))).detach();
            }
            return;
        };
        let (service, tls) = (Arc::clone(&self.service), tls.cloned());
        let task = async move {
            let rest = admitted.introduce(preamble).await?;
            let mut serving = service.serve(admitted, &rest, tls.as_ref())?;
            drop((service, rest, tls));
            poll_fn(|cx| serving.poll(cx)).await;
            Some(())
        };
        executor.spawn(task).detach();
    }
}

/// Waits until the server has been asked to end and no connection is left; tells the tasks of the
/// phases that come with time.
async fn await_drained(control: &Control) {
    loop {
        // While it serves, ends of connections are nothing to wake up for.
        let event = match control.phase() {
            Phase::Serving | Phase::Pausing => control.changed.listen(),
            Phase::Draining | Phase::Stopping => control.closed.listen(),
        };
        control.heed();
        if control.ledger.is_drained() {
            return;
        }
        wait(event, control.ledger.deadline(), control).await;
    }
}

/// Waits for `event`, at most until `at`.
async fn wait(event: EventListener, at: Option<Instant>, control: &Control) {
    match at.and_then(|at| control.ledger.clock().instant(at)) {
        None => event.await,
        Some(at) => {
            let timer = async {
                Timer::at(at).await;
            };
            or(event, timer).await;
        }
    }
}
