//! A small adapter that can be wrong in many ways: a thread for each connection.

use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant as Clock;

use drywire::admission::{Accept, AcceptFault, Admission, AdmissionLimits};
use drywire::shutdown::Phase;
use drywire::statistics::Statistics;
use drywire::tls::TlsSession;
use drywire::{CloseReason, Connection, Instant, Protocol};
use drywire_conformance::kit::{Call, CallError, Runtime, Server, Serving, Unsupported};
use rustix::event::{Timespec, poll};
use socket2::{Socket, Type};

use crate::conversation::{Conversation, LOOK};
use crate::fault::Fault;

/// The adapter.
pub(crate) struct Faulty {
    fault: Fault,
    is_over: Arc<AtomicBool>,
}

impl Faulty {
    pub(crate) fn new(fault: Fault) -> Self {
        Self { fault, is_over: Arc::default() }
    }

    /// Ends all that is left of its servers and clients.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// A server that runs.
struct Running {
    admission: Arc<Mutex<Admission>>,
    epoch: Clock,
    thread: JoinHandle<Statistics>,
}

impl Runtime for Faulty {
    fn name(&self) -> &'static str {
        "faulty"
    }

    fn serve(&self, serving: Serving) -> Result<Box<dyn Server>, Unsupported> {
        let limits = match self.fault {
            Fault::AdmitsAll => AdmissionLimits::new(),
            _ => serving.admission.clone(),
        };
        let (admission, epoch) = (Arc::new(Mutex::new(Admission::new(limits))), Clock::now());
        let (shared, fault, is_over) =
            (Arc::clone(&admission), self.fault, Arc::clone(&self.is_over));
        let thread = thread::spawn(move || accept(fault, serving, &shared, epoch, &is_over));
        Ok(Box::new(Running { admission, epoch, thread }))
    }

    fn call(&self, call: Call) -> Result<CloseReason, CallError> {
        let stream = Socket::new(call.place.domain(), Type::STREAM, None)?;
        match stream.connect(&call.place) {
            Err(_) if self.fault == Fault::RefusalIsReset => return Ok(CloseReason::Reset),
            outcome => outcome?,
        }
        let (framing, limits) = (call.script.framing(), Arc::new(call.limits));
        let connection = match call.tls {
            None => Connection::plain(framing, limits, Instant::ZERO),
            Some((tls, name)) => {
                let session = TlsSession::client(&tls, name).expect("a configuration");
                Connection::tls(session, framing, limits, Instant::ZERO)
            }
        };
        let conversation = Conversation::new(
            self.fault,
            stream,
            connection,
            call.script,
            Clock::now(),
            Arc::default(),
        )?;
        Ok(conversation.run(&self.is_over, || Phase::Serving))
    }

    /// Here a turn is what a future would be.
    fn call_dropping(&self, call: Call, _: usize) -> Result<CloseReason, CallError> {
        self.call(call)
    }
}

/// Accepts, and serves each in a thread of its own.
fn accept(
    fault: Fault,
    serving: Serving,
    admission: &Arc<Mutex<Admission>>,
    epoch: Clock,
    is_over: &Arc<AtomicBool>,
) -> Statistics {
    let now = || Instant::from_elapsed(epoch.elapsed());
    let Serving { listener, tls, limits, scripts, .. } = serving;
    listener.set_nonblocking(true).expect("the mode of a socket");
    let (mut listener, limits, pool) = (Some(listener), Arc::new(limits), Arc::default());
    loop {
        let asked = lock(admission).poll(now());
        if asked == Accept::Never {
            listener = None;
        }
        let is_drained = lock(admission).is_drained();
        if is_drained || is_over.load(Ordering::Relaxed) {
            return *lock(admission).statistics();
        }
        let due = listener.as_ref();
        let due = due.and_then(|listener| Some((listener, lock(admission).reserve(now())?)));
        let Some((listener, reservation)) = due else {
            if fault != Fault::SpinsForRoom || asked != Accept::WaitForClose {
                look_again();
            }
            continue;
        };
        let (stream, peer) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                lock(admission).unused(reservation);
                look_again();
                continue;
            }
            Err(_) if fault == Fault::QuitsWithoutDescriptors => {
                return *lock(admission).statistics();
            }
            Err(_) => {
                lock(admission).accept_failed(reservation, AcceptFault::Other, now());
                continue;
            }
        };
        let peer = peer.as_socket().map(|peer| peer.ip());
        let Ok(permit) = lock(admission).accepted(reservation, peer, now()) else { continue };
        let protocol = scripts.script();
        let (framing, limits) = (protocol.framing(), Arc::clone(&limits));
        let connection = match &tls {
            None => Connection::plain(framing, limits, now()),
            Some(tls) => Connection::tls(TlsSession::server(tls), framing, limits, now()),
        };
        let conversation =
            Conversation::new(fault, stream, connection, protocol, epoch, Arc::clone(&pool));
        let conversation = conversation.expect("the mode of a socket");
        let (admission, is_over) = (Arc::clone(admission), Arc::clone(is_over));
        let serve = move || {
            let phase = || lock(&admission).phase(Instant::from_elapsed(epoch.elapsed()));
            let reason = conversation.run(&is_over, phase);
            lock(&admission).closed(permit, reason.kind());
        };
        if fault == Fault::AcceptsOneByOne {
            serve();
        } else {
            thread::spawn(serve);
        }
    }
}

/// Lets some time pass.
fn look_again() {
    let timeout = Timespec::try_from(LOOK).ok();
    let _ = poll(&mut [], timeout.as_ref());
}

impl Server for Running {
    fn drain(&self) {
        lock(&self.admission).drain(Instant::from_elapsed(self.epoch.elapsed()));
    }

    fn stop(&self) {
        let now = Instant::from_elapsed(self.epoch.elapsed());
        lock(&self.admission).request(drywire::shutdown::Request::Stop, now);
    }

    fn statistics(&self) -> Statistics {
        *lock(&self.admission).statistics()
    }

    fn join(self: Box<Self>) -> Statistics {
        self.thread.join().expect("the server does not panic")
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
