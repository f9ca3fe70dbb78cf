//! A connection over a stream that does not block: a turn, and when the next is due.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;

use drywire::buffer::Pool;
use drywire::{Connection, Fault, Instant, Protocol, pump};
use socket2::Socket;

/// A stream and its connection, and what is known of the stream: whether there may be something to
/// read, and room to write. Both hold from an event until a call finds that it would block.
pub(crate) struct Conversation<P: Protocol> {
    pub(crate) stream: Socket,
    pub(crate) connection: Connection<P::Framing>,
    protocol: P,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
}

impl<P: Protocol> Conversation<P> {
    pub(crate) fn new(
        stream: Socket,
        connection: Connection<P::Framing>,
        protocol: P,
    ) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        // A connection writes in batches. Unix sockets have no such option.
        let _ = stream.set_tcp_nodelay(true);
        Ok(Self { stream, connection, protocol, readable: false, writable: true })
    }

    /// One turn. Nothing in it waits.
    pub(crate) fn turn(&mut self, pool: &mut Pool, now: Instant) {
        let (connection, mut stream) = (&mut self.connection, &self.stream);
        // 1. Begin: buffers from the pool, and a budget.
        connection.lease(pool);
        // 2. Read, once.
        if connection.interest().read && self.readable {
            match stream.read(connection.receive_buffer()) {
                Ok(0) => connection.received_eof(now).expect("the end comes once"),
                Ok(len) => connection.received(len, now).expect("no more than was lent"),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.readable = false,
                Err(error) => connection.transport_failed(Fault::from(error.kind()), now),
            }
        }
        // 3. Tell the time.
        connection.handle_timeout(now);
        // 4. Hand out what has happened.
        pump(connection, &mut self.protocol);
        // 5. Write, until the stream has had enough.
        while connection.interest().write && self.writable {
            match stream.write(connection.transmit()) {
                Ok(len) => connection.transmitted(len, now).expect("no more than was shown"),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.writable = false,
                Err(error) => connection.transmit_failed(Fault::from(error.kind()), now),
            }
        }
        // 6. End our side, when the connection says so.
        if connection.interest().shutdown {
            match stream.shutdown(Shutdown::Write) {
                Ok(()) => connection.shut_down(now).expect("it was asked for"),
                Err(error) => connection.transmit_failed(Fault::from(error.kind()), now),
            }
        }
        // 7. Hand out what has come of that, and give the buffers back.
        pump(connection, &mut self.protocol);
        connection.settle(pool);
    }

    /// 8. When the next turn is due if no event comes: at once, at the deadline, or never.
    pub(crate) fn due_at(&self) -> Instant {
        let interest = self.connection.interest();
        let is_busy = interest.again
            || interest.shutdown
            || interest.read && self.readable
            || interest.write && self.writable;
        match interest.deadline {
            _ if is_busy => Instant::ZERO,
            Some(deadline) => deadline.at,
            None => Instant::MAX,
        }
    }
}
