//! What moves bytes and time between a connection and its stream, and decides nothing.
//!
//! Tasks of a [`Server`](crate::Server) and [`Framed`](crate::Framed) streams drive their
//! connections with this. Whether to read, write, shut down or wait is the connection's
//! [`interest`](Connection::interest); what is known here is only whether the stream can.

use std::task::{Context, Poll};

use async_io::Async;
use drywire::connection::Deadline;
use drywire::framing::Framing;
use drywire::proxy::Preamble;
use drywire::{Connection, Instant};
use drywire_std::turn::{
    Readiness, handle_timeout, is_busy, receive, receive_header, shut_down, transmit,
};
use drywire_std::{Clock, Conversation, Stream};

use crate::alarm::Alarm;

/// A stream, what is known of its readiness, and the time.
#[derive(Debug)]
pub(crate) struct Driver {
    stream: Async<Stream>,
    readiness: Readiness,
    alarm: Alarm,
}

impl Driver {
    pub(crate) fn new(stream: Async<Stream>, clock: Clock) -> Self {
        Self { stream, readiness: Readiness::new(), alarm: Alarm::new(clock) }
    }

    pub(crate) fn now(&self) -> Instant {
        self.alarm.now()
    }

    /// Reads at most once, then acts on what is due. Returns how many bytes came.
    pub(crate) fn take_in<F: Framing>(
        &mut self,
        connection: &mut Connection<F>,
        now: Instant,
    ) -> usize {
        let received = receive(connection, self.stream.get_ref(), &mut self.readiness, now);
        handle_timeout(connection, now);
        received
    }

    /// Writes what there is, and shuts our side down when that is due. Returns how many bytes
    /// went.
    pub(crate) fn put_out<F: Framing>(
        &mut self,
        connection: &mut Connection<F>,
        now: Instant,
    ) -> usize {
        let stream = self.stream.get_ref();
        let transmitted = transmit(connection, stream, &mut self.readiness, now);
        shut_down(connection, || stream.shut_down_write(), now);
        transmitted
    }

    /// Has the next turn read, whatever is known of the stream.
    pub(crate) const fn look(&mut self) {
        self.readiness.readable = true;
    }

    /// One turn of a conversation. Returns whether anything has come of it that somebody else may
    /// wait for.
    pub(crate) fn turn<F: Framing>(&mut self, conversation: &mut Conversation<F>) -> bool {
        let (now, stream) = (self.now(), self.stream.get_ref());
        conversation.turn(stream, || stream.shut_down_write(), &mut self.readiness, now)
    }

    /// Reads at most once for a header, then acts on what is due. Returns how many bytes came.
    pub(crate) fn take_in_header(&mut self, preamble: &mut Preamble) -> usize {
        let now = self.now();
        let received = receive_header(preamble, self.stream.get_ref(), &mut self.readiness, now);
        preamble.handle_timeout(now);
        received
    }

    /// Waits until there may be more of a header, or its `deadline` has passed.
    pub(crate) fn poll_header(
        &mut self,
        deadline: Option<Deadline>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if !self.readiness.readable {
            self.readiness.readable = self.stream.poll_readable(cx).is_ready();
        }
        if self.readiness.readable {
            return Poll::Ready(());
        }
        self.alarm.poll_due(deadline.map_or(Instant::MAX, |deadline| deadline.at), cx)
    }

    /// Waits until there is something to do.
    pub(crate) fn poll_busy<F: Framing>(
        &mut self,
        connection: &Connection<F>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let interest = connection.interest();
        // A failure of the reactor counts as readiness: the system call says what is wrong.
        if interest.read && !self.readiness.readable {
            self.readiness.readable = self.stream.poll_readable(cx).is_ready();
        }
        if interest.write && !self.readiness.writable {
            self.readiness.writable = self.stream.poll_writable(cx).is_ready();
        }
        if is_busy(connection, self.readiness) {
            return Poll::Ready(());
        }
        self.alarm.poll_due(interest.deadline.map_or(Instant::MAX, |deadline| deadline.at), cx)
    }
}
