//! Drywire over tokio: a task for each connection.
//!
//! All state is in the conversation, so that its future may be dropped at any await and made again.

use std::future::{pending, poll_fn};
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant as Clock;

use drywire::admission::{Accept, AcceptFault, Admission, AdmissionLimits, Permit};
use drywire::buffer::Pool;
use drywire::framing::Framing;
use drywire::shutdown::{Phase, Request};
use drywire::statistics::Statistics;
use drywire::tls::{ServerTls, TlsSession};
use drywire::{CloseKind, CloseReason, Connection, Fault, Instant, Limits, Protocol, pump};
use tokio::io::Interest;
use tokio::sync::{Notify, watch};
use tokio::task::yield_now;
use tokio::time::sleep_until;

use super::stream::{Listener, Stream};

/// A stream and its connection. What is known of the stream's readiness tokio keeps: a call that
/// would block takes it back.
pub(crate) struct Conversation<P: Protocol> {
    stream: Stream,
    connection: Connection<P::Framing>,
    protocol: P,
    pool: Arc<Mutex<Pool>>,
    epoch: Clock,
    phases: watch::Receiver<Phase>,
}

impl<P: Protocol> Conversation<P> {
    pub(crate) fn new(
        stream: Stream,
        connection: Connection<P::Framing>,
        protocol: P,
        around: Surroundings,
    ) -> Self {
        let Surroundings { pool, epoch, phases } = around;
        Self { stream, connection, protocol, pool, epoch, phases }
    }

    /// Runs the conversation to its end. Dropped at any await it goes on with the next call.
    pub(crate) async fn run(&mut self) -> CloseReason {
        loop {
            self.turn();
            match self.connection.close_reason() {
                Some(reason) if self.connection.is_closed() => return reason.clone(),
                _ => self.wait().await,
            }
            // A peer that always sends does not keep the other tasks from their turn.
            yield_now().await;
        }
    }

    /// One turn. Nothing in it waits.
    fn turn(&mut self) {
        let now = Instant::from_elapsed(self.epoch.elapsed());
        let (connection, stream) = (&mut self.connection, &self.stream);
        // 1. Begin: buffers from the pool, and a budget.
        connection.lease(&mut lock(&self.pool));
        // 2. Read, once.
        if connection.interest().read {
            match stream.try_read(connection.receive_buffer()) {
                Ok(0) => connection.received_eof(now).expect("the end comes once"),
                Ok(len) => connection.received(len, now).expect("no more than was lent"),
                Err(error) if is_temporary(&error) => {}
                Err(error) => connection.transport_failed(Fault::from(error.kind()), now),
            }
        }
        // 3. Tell the time.
        connection.handle_timeout(now);
        // 4. Hand out what has happened.
        pump(connection, &mut self.protocol);
        // 5. Write, until the stream has had enough.
        while connection.interest().write {
            match stream.try_write(connection.transmit()) {
                Ok(len) => connection.transmitted(len, now).expect("no more than was shown"),
                Err(error) if is_temporary(&error) => break,
                Err(error) => connection.transmit_failed(Fault::from(error.kind()), now),
            }
        }
        // 6. End our side, when the connection says so.
        if connection.interest().shutdown {
            match stream.shut_down_write() {
                Ok(()) => connection.shut_down(now).expect("it was asked for"),
                Err(error) => connection.transmit_failed(Fault::from(error.kind()), now),
            }
        }
        // 7. Hand out what has come of that, and give the buffers back.
        pump(connection, &mut self.protocol);
        connection.settle(&mut lock(&self.pool));
    }

    /// 8. Waits for the stream, the deadline or the server, whichever is first.
    async fn wait(&mut self) {
        let interest = self.connection.interest();
        if interest.again || interest.shutdown {
            return yield_now().await;
        }
        let stream = async {
            let wanted = match (interest.read, interest.write) {
                (true, true) => Interest::READABLE | Interest::WRITABLE,
                (true, false) => Interest::READABLE,
                (false, true) => Interest::WRITABLE,
                (false, false) => return pending().await,
            };
            // A failure of the reactor counts as readiness: the next call says what is wrong.
            let _ = self.stream.ready(wanted).await;
        };
        let deadline = async {
            match interest.deadline.and_then(|deadline| clock(self.epoch, deadline.at)) {
                Some(at) => sleep_until(at.into()).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = stream => {}
            () = deadline => {}
            Ok(()) = self.phases.changed() => {
                match *self.phases.borrow_and_update() {
                    Phase::Serving | Phase::Pausing => {}
                    Phase::Draining => {
                        self.connection.drain(Instant::from_elapsed(self.epoch.elapsed()));
                    }
                    Phase::Stopping => self.connection.stop(),
                }
            }
            else => pending().await,
        }
    }
}

/// What the conversations of one server share.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pool: Arc<Mutex<Pool>>,
    epoch: Clock,
    phases: watch::Receiver<Phase>,
}

impl Surroundings {
    /// Those of a client: nobody but the peer ends it.
    pub(crate) fn none() -> Self {
        Self { pool: Arc::default(), epoch: Clock::now(), phases: watch::channel(Phase::Serving).1 }
    }
}

/// A server, before and while it runs.
#[derive(Clone)]
pub(crate) struct Handle {
    admission: Arc<Mutex<Admission>>,
    phases: watch::Sender<Phase>,
    /// Wakes the task that accepts, and no other: there may be room, or an end.
    changed: Arc<Notify>,
    epoch: Clock,
}

impl Handle {
    fn new(limits: AdmissionLimits) -> Self {
        let admission = Arc::new(Mutex::new(Admission::new(limits)));
        let phases = watch::channel(Phase::Serving).0;
        Self { admission, phases, changed: Arc::default(), epoch: Clock::now() }
    }

    pub(crate) fn request(&self, request: Request) {
        lock(&self.admission).request(request, self.now());
        self.heed();
    }

    pub(crate) fn statistics(&self) -> Statistics {
        *lock(&self.admission).statistics()
    }

    fn now(&self) -> Instant {
        Instant::from_elapsed(self.epoch.elapsed())
    }

    /// Tells the conversations of the phase if it is new, and has the server look at the admission.
    fn heed(&self) {
        let phase = lock(&self.admission).phase(self.now());
        self.phases.send_if_modified(|told| std::mem::replace(told, phase) != phase);
        self.changed.notify_one();
    }

    /// Accepts for a place that is kept for as long as the call takes: a future that is dropped
    /// holds none. None is somebody who was not let in.
    fn poll_accept(
        &self,
        listener: &Listener,
        cx: &mut Context<'_>,
    ) -> Poll<Option<(Stream, Permit)>> {
        let reservation = lock(&self.admission).reserve(self.now());
        let Some(reservation) = reservation else { return Poll::Pending };
        let accepted = listener.poll_accept(cx);
        let (mut admission, now) = (lock(&self.admission), self.now());
        match accepted {
            // Who is refused is dropped.
            Poll::Ready(Ok((stream, peer))) => {
                let admitted = admission.accepted(reservation, peer, now);
                Poll::Ready(admitted.ok().map(|permit| (stream, permit)))
            }
            Poll::Ready(Err(error)) => {
                admission.accept_failed(reservation, accept_fault(&error), now);
                Poll::Ready(None)
            }
            Poll::Pending => {
                admission.unused(reservation);
                Poll::Pending
            }
        }
    }

    fn closed(&self, permit: Permit, kind: CloseKind) {
        lock(&self.admission).closed(permit, kind);
        self.heed();
    }
}

/// A server of one listener.
pub(crate) struct Server<F> {
    pub(crate) factory: F,
    pub(crate) tls: Option<ServerTls>,
    pub(crate) limits: Arc<Limits>,
    listener: Listener,
    handle: Handle,
}

impl<P, F> Server<F>
where
    P: Protocol<Framing: Framing<Found: Send> + Send> + Send + 'static,
    F: Fn() -> P,
{
    pub(crate) fn new(factory: F, listener: Listener, admission: AdmissionLimits) -> Self {
        let handle = Handle::new(admission);
        Self { factory, tls: None, limits: Arc::default(), listener, handle }
    }

    pub(crate) fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Serves until it is asked to end, and all conversations have ended.
    pub(crate) async fn run(self) -> io::Result<Statistics> {
        let Self { factory, tls, limits, listener, handle } = self;
        let mut listener = Some(listener);
        let (phases, epoch) = (handle.phases.subscribe(), handle.epoch);
        let around = Surroundings { pool: Arc::default(), epoch, phases };
        loop {
            let now = handle.now();
            let (accept, is_drained, deadline) = {
                let mut admission = lock(&handle.admission);
                (admission.poll(now), admission.is_drained(), admission.deadline())
            };
            if accept == Accept::Never {
                listener = None;
            }
            if is_drained {
                return Ok(handle.statistics());
            }
            let resume_at = if let Accept::WaitUntil(at) = accept { Some(at) } else { None };
            let wake_at = resume_at.into_iter().chain(deadline).min();
            let accepted = poll_fn(|cx| match &listener {
                Some(listener) => handle.poll_accept(listener, cx),
                None => Poll::Pending,
            });
            let due = async {
                match wake_at.and_then(|at| clock(epoch, at)) {
                    Some(at) => sleep_until(at.into()).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                accepted = accepted => {
                    if let Some((stream, permit)) = accepted {
                        let now = handle.now();
                        let protocol = factory();
                        let (framing, limits) = (protocol.framing(), Arc::clone(&limits));
                        let connection = match &tls {
                            None => Connection::plain(framing, limits, now),
                            Some(tls) => {
                                Connection::tls(TlsSession::server(tls), framing, limits, now)
                            }
                        };
                        let around = around.clone();
                        let mut conversation =
                            Conversation::new(stream, connection, protocol, around);
                        let handle = handle.clone();
                        tokio::spawn(async move {
                            let reason = conversation.run().await;
                            drop(conversation);
                            handle.closed(permit, reason.kind());
                        });
                    }
                }
                () = due => handle.heed(),
                () = handle.changed.notified() => {}
            }
        }
    }
}

fn is_temporary(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// Whether accept failed for the connection alone: then the next may be accepted at once.
fn accept_fault(error: &io::Error) -> AcceptFault {
    match error.kind() {
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted => {
            AcceptFault::Aborted
        }
        _ => AcceptFault::OutOfResources,
    }
}

/// The standard library's name for `at`; none for what never comes.
fn clock(epoch: Clock, at: Instant) -> Option<Clock> {
    if at == Instant::MAX {
        return None;
    }
    epoch.checked_add(at.saturating_duration_since(Instant::ZERO))
}

/// No call within panics, so that a poisoned lock means nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
