//! Drywire over tokio: a task for each connection.

use std::future::{pending, poll_fn};
use std::io;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Instant as Clock;

use drywire::admission::{Accept, AcceptFault, Admission, AdmissionLimits, Permit};
use drywire::framing::Framing;
use drywire::shutdown::{Phase, Request};
use drywire::statistics::Statistics;
use drywire::tls::{ServerTls, TlsSession};
use drywire::{CloseKind, Connection, Instant, Limits, Protocol};
use tokio::sync::{Notify, watch};
use tokio::time::sleep_until;

use super::conversation::{Conversation, Surroundings, clock, lock};
use super::stream::{Listener, Stream};

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
                admission.accept_failed(reservation, AcceptFault::from_os(&error), now);
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
