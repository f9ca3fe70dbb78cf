//! A connection's stream and what is known of its readiness.

use std::io;
use std::task::{Context, Poll};

use drywire::connection::Deadline;
use drywire::framing::Framing;
use drywire::proxy::Preamble;
use drywire::{Connection, Instant, Protocol};
use drywire_std::turn::{
    Readiness, finish, handle_timeout, is_busy_with, receive, receive_header, transmit,
};
use drywire_std::{Clock, Stream};

use super::roster::{Events, Roster};
use super::watch::{Watch, Watched};

/// What moves bytes and time between a server's connection and its stream, and decides nothing.
#[derive(Debug)]
pub(super) struct Seat {
    stream: Watched<Stream>,
    readiness: Readiness,
    /// A short read does not say that there is nothing left; one that comes out empty does.
    reads_on: bool,
}

/// Where the task of a connection waits.
#[derive(Clone, Copy)]
pub(super) struct Post<'a> {
    pub(super) roster: &'a Roster,
    /// The place on it.
    pub(super) at: usize,
    pub(super) clock: Clock,
}

impl Seat {
    /// The task at place `at` of the roster is told of `stream` from now on.
    pub(super) fn new(stream: Stream, watch: Option<&Watch>, at: usize) -> io::Result<Self> {
        let stream = Watched::new(stream, watch, at)?;
        Ok(Self { stream, readiness: Readiness::new(), reads_on: false })
    }

    /// Reads at most once, then acts on what is due. Returns how many bytes came.
    pub(super) fn take_in<F: Framing>(
        &mut self,
        connection: &mut Connection<F>,
        now: Instant,
    ) -> usize {
        let received = receive(connection, self.stream.get_ref(), &mut self.readiness, now);
        self.read(received);
        handle_timeout(connection, now);
        received
    }

    /// Writes what there is, shuts our side down when that is due, and takes the last steps. Returns
    /// how many bytes went.
    pub(super) fn put_out<P: Protocol>(
        &mut self,
        connection: &mut Connection<P::Framing>,
        protocol: &mut P,
        now: Instant,
    ) -> usize {
        let stream = self.stream.get_ref();
        let transmitted = transmit(connection, stream, &mut self.readiness, now);
        finish(connection, protocol, || stream.shut_down_write(), now);
        transmitted
    }

    /// Reads at most once for a header, then acts on what is due. Returns how many bytes came.
    pub(super) fn take_in_header(&mut self, preamble: &mut Preamble, now: Instant) -> usize {
        let received = receive_header(preamble, self.stream.get_ref(), &mut self.readiness, now);
        self.read(received);
        preamble.handle_timeout(now);
        received
    }

    const fn read(&mut self, received_len: usize) {
        if received_len > 0 {
            self.readiness.readable |= self.reads_on;
        } else if !self.readiness.readable {
            self.reads_on = false;
        }
    }

    /// Waits until there may be more of a header, or its `deadline` has passed.
    pub(super) fn poll_header(
        &mut self,
        deadline: Option<Deadline>,
        post: Post<'_>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        while !self.readiness.readable {
            match self.poll_events(Events::READ, deadline, post, cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Events::NONE) => break,
                Poll::Ready(events) => self.learn(events),
            }
        }
        Poll::Ready(())
    }

    /// Waits until there is something to do.
    pub(super) fn poll_busy<F: Framing>(
        &mut self,
        connection: &Connection<F>,
        post: Post<'_>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        loop {
            let interest = connection.interest();
            if is_busy_with(interest, self.readiness) {
                break;
            }
            let awaited =
                Events::READ.only_if(interest.read) | Events::WRITE.only_if(interest.write);
            match self.poll_events(awaited, interest.deadline, post, cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Events::NONE) => break,
                Poll::Ready(events) => self.learn(events),
            }
        }
        Poll::Ready(())
    }

    fn poll_events(
        &self,
        awaited: Events,
        deadline: Option<Deadline>,
        Post { roster, at, clock }: Post<'_>,
        cx: &mut Context<'_>,
    ) -> Poll<Events> {
        let due = deadline.map_or(Instant::MAX, |deadline| deadline.at);
        self.stream.poll(awaited, due, || clock.now(), (roster, at), cx)
    }

    const fn learn(&mut self, events: Events) {
        self.readiness.readable |= events.intersects(Events::READ);
        self.readiness.writable |= events.intersects(Events::WRITE);
        self.reads_on |= events.intersects(Events::LAST);
    }
}
