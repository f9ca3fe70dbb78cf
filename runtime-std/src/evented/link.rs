//! A stream in a loop, and what is known of it.

use std::io::{self, ErrorKind, Read};
use std::ops::AddAssign;

use drywire::buffer::Pool;
use drywire::connection::Interest;
use drywire::proxy::Preamble;
use drywire::{Connection, Instant, Protocol, pump};
use mio::event::Event;
use mio::{Registry, Token};

use super::source::Source;
use crate::stream::Stream;
use crate::turn::{
    Readiness, finish, handle_timeout, is_busy_with, receive, receive_header, transmit,
};

/// A stream that is registered once for what can be read, and a second time only if it ever did not
/// take all that was written.
///
/// Room is there more often than it is waited for: whoever asks for it is told of a new stream's at
/// once, and of a Unix stream's whenever its peer reads.
#[derive(Debug)]
pub(super) struct Link {
    stream: Stream,
    readiness: Readiness,
    /// A short read does not mean that nothing is left. True behind an event that is the last one,
    /// because the peer has finished, and behind urgent data, before which reads end.
    reads_on: bool,
    /// The registration is for room to write, too.
    awaits_room: bool,
}

impl Link {
    /// Registers `stream` for what can be read.
    pub(super) fn new(stream: Stream, registry: &Registry, token: Token) -> io::Result<Self> {
        Source(&stream).register(registry, token, reading())?;
        Ok(Self { stream, readiness: Readiness::new(), reads_on: false, awaits_room: false })
    }

    /// Takes over a stream that is registered for everything. Something may have come on it, its end
    /// too, and the event that told of it may be gone.
    pub(super) const fn registered(stream: Stream) -> Self {
        let readiness = Readiness { readable: true, writable: true };
        Self { stream, readiness, reads_on: true, awaits_room: true }
    }

    /// Takes note of what the system tells.
    pub(super) fn notice(&mut self, event: &Event) {
        let (has_ended, has_failed) = (event.is_read_closed(), event.is_error());
        self.reads_on |= has_ended || event.is_priority();
        self.readiness.readable |= event.is_readable() || has_ended || has_failed;
        self.readiness.writable |= event.is_writable() || event.is_write_closed() || has_failed;
    }

    /// Whether there is something to do for a connection with this `interest` without waiting.
    pub(super) const fn is_busy(&self, interest: Interest) -> bool {
        is_busy_with(interest, self.readiness)
    }

    /// One turn: reads at most once, acts on what is due, runs the protocol, writes what there is.
    /// Returns how many bytes came and went.
    pub(super) fn turn<P: Protocol>(
        &mut self,
        connection: &mut Connection<P::Framing>,
        protocol: &mut P,
        pool: &mut Pool,
        now: Instant,
    ) -> Moved {
        connection.lease(pool);
        let received = self.read(|reader, readiness| receive(connection, reader, readiness, now));
        handle_timeout(connection, now);
        pump(connection, protocol);
        let transmitted = transmit(connection, &self.stream, &mut self.readiness, now);
        finish(connection, protocol, || self.stream.shut_down_write(), now);
        connection.settle(pool);
        Moved { received: received as u64, transmitted: transmitted as u64 }
    }

    /// Reads at most once for a header, and acts on what is due. Returns how many bytes came.
    pub(super) fn receive_header(&mut self, preamble: &mut Preamble, now: Instant) -> u64 {
        let received =
            self.read(|reader, readiness| receive_header(preamble, reader, readiness, now));
        preamble.handle_timeout(now);
        received as u64
    }

    pub(super) const fn is_readable(&self) -> bool {
        self.readiness.readable
    }

    fn read(&mut self, receive: impl FnOnce(&mut Reader<'_>, &mut Readiness) -> usize) -> usize {
        let mut reader = Reader { stream: &self.stream, is_blocked: false };
        let len = receive(&mut reader, &mut self.readiness);
        if self.reads_on {
            self.reads_on = !reader.is_blocked;
            self.readiness.readable = self.reads_on;
        }
        len
    }

    /// Has the system tell of room to write.
    pub(super) fn await_room(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        if !self.awaits_room {
            // Room that has come meanwhile is told, too.
            Source(&self.stream).reregister(
                registry,
                token,
                reading().add(mio::Interest::WRITABLE),
            )?;
            self.awaits_room = true;
        }
        Ok(())
    }
}

/// Bytes of the transport.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moved {
    pub(super) received: u64,
    pub(super) transmitted: u64,
}

impl AddAssign for Moved {
    fn add_assign(&mut self, other: Self) {
        self.received += other.received;
        self.transmitted += other.transmitted;
    }
}

pub(super) const fn reading() -> mio::Interest {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return mio::Interest::READABLE.add(mio::Interest::PRIORITY);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    return mio::Interest::READABLE;
}

/// Reads, and remembers whether there was nothing.
struct Reader<'a> {
    stream: &'a Stream,
    is_blocked: bool,
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let outcome = self.stream.read(buffer);
        self.is_blocked |=
            outcome.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        outcome
    }
}
