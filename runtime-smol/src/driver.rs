//! What moves bytes and time between a connection and its stream, and decides nothing.
//!
//! [`Framed`](crate::Framed) streams drive their connections with this. Whether to read, write, shut down or wait is the connection's
//! [`interest`](Connection::interest); what is known here is only whether the stream can.

use std::task::{Context, Poll};

use async_io::Async;
use drywire::framing::Framing;
use drywire::{Connection, Instant};
use drywire_std::turn::{Readiness, is_busy_with};
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

    /// Has the next turn read, whatever is known of the stream.
    pub(crate) const fn look(&mut self) {
        self.readiness.readable = true;
    }

    /// One turn of a conversation. Returns whether anything has come of it that somebody else may
    /// wait for.
    pub(crate) fn turn<F: Framing>(&mut self, conversation: &mut Conversation<F>) -> bool {
        let (now, stream) = (self.alarm.now(), self.stream.get_ref());
        conversation.turn(stream, || stream.shut_down_write(), &mut self.readiness, now)
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
        if is_busy_with(interest, self.readiness) {
            return Poll::Ready(());
        }
        self.alarm.poll_due(interest.deadline.map_or(Instant::MAX, |deadline| deadline.at), cx)
    }
}
