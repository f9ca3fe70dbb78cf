//! A connection over a stream of tokio: a turn, and a wait for the next.
//!
//! All state is in the conversation, so that its future may be dropped at any await and made again.

use std::future::pending;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant as Clock;

use drywire::buffer::Pool;
use drywire::shutdown::Phase;
use drywire::{CloseReason, Connection, Fault, Instant, Protocol, pump};
use tokio::io::Interest;
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::sleep_until;

use super::stream::Stream;

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
    pub(crate) pool: Arc<Mutex<Pool>>,
    pub(crate) epoch: Clock,
    pub(crate) phases: watch::Receiver<Phase>,
}

impl Surroundings {
    /// Those of a client: nobody but the peer ends it.
    pub(crate) fn none() -> Self {
        Self { pool: Arc::default(), epoch: Clock::now(), phases: watch::channel(Phase::Serving).1 }
    }
}

fn is_temporary(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// The standard library's name for `at`; none for what never comes.
pub(crate) fn clock(epoch: Clock, at: Instant) -> Option<Clock> {
    if at == Instant::MAX {
        return None;
    }
    epoch.checked_add(at.saturating_duration_since(Instant::ZERO))
}

/// No call within panics, so that a poisoned lock means nothing.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
