//! What a driver does with a connection and a stream that does not block, before it waits again.
//! Any stream will do whose reads and writes do not block.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use drywire::buffer::Pool;
use drywire::connection::Interest;
use drywire::framing::Framing;
use drywire::proxy::Preamble;
use drywire::tls::{ServerTls, TlsSession};
use drywire::{Connection, Instant, Limits, Protocol, pump};

use crate::fault::fault;

/// Whether a stream may have something to read or room to write, as far as a driver knows.
///
/// A read or write that comes out short says that there is nothing left: the next one would be a
/// system call in vain. What waits for the stream says when there is again.
#[derive(Clone, Copy, Debug)]
pub struct Readiness {
    /// There may be something to read.
    pub readable: bool,
    /// There may be room to write.
    pub writable: bool,
}

impl Readiness {
    /// Nothing is known of a new stream, except that there is room to write.
    #[must_use]
    pub const fn new() -> Self {
        Self { readable: false, writable: true }
    }
}

impl Default for Readiness {
    fn default() -> Self {
        Self::new()
    }
}

/// A server's side of a connection, with TLS if there is a configuration.
#[must_use]
pub fn serving<F: Framing>(
    tls: Option<&ServerTls>,
    framing: F,
    limits: Arc<Limits>,
    now: Instant,
) -> Connection<F> {
    match tls {
        None => Connection::plain(framing, limits, now),
        Some(tls) => Connection::tls(TlsSession::server(tls), framing, limits, now),
    }
}

/// Reads at most once, if the connection wants to and `stream` may have something. Returns how
/// many bytes came.
pub fn receive<F: Framing>(
    connection: &mut Connection<F>,
    mut stream: impl Read,
    readiness: &mut Readiness,
    now: Instant,
) -> usize {
    receive_by(connection, |buffer| stream.read(buffer), readiness, || now)
}

/// The same by a `read` that may wait. The time is asked for after it.
pub(crate) fn receive_by<F: Framing>(
    connection: &mut Connection<F>,
    mut read: impl FnMut(&mut [u8]) -> io::Result<usize>,
    readiness: &mut Readiness,
    now: impl FnOnce() -> Instant,
) -> usize {
    if !readiness.readable {
        return 0;
    }
    // Nothing is lent if nothing is wanted.
    let buffer = connection.receive_buffer();
    let lent = buffer.len();
    if lent == 0 {
        return 0;
    }
    let outcome = loop {
        match read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            outcome => break outcome,
        }
    };
    // The connection lent the buffer and its stream has not ended, so that it refuses nothing.
    match outcome {
        Ok(0) => {
            let _ = connection.received_eof(now());
            0
        }
        Ok(len) => {
            readiness.readable = len == lent;
            let _ = connection.received(len, now());
            len
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            readiness.readable = false;
            0
        }
        Err(error) => {
            connection.transport_failed(fault(&error), now());
            0
        }
    }
}

/// Reads at most once for the header that a stream begins with, if `stream` may have something.
/// Returns how many bytes came.
pub fn receive_header(
    preamble: &mut Preamble,
    mut stream: impl Read,
    readiness: &mut Readiness,
    now: Instant,
) -> usize {
    if !readiness.readable || preamble.is_done() {
        return 0;
    }
    let buffer = preamble.receive_buffer();
    let lent = buffer.len();
    let outcome = loop {
        match stream.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            outcome => break outcome,
        }
    };
    match outcome {
        Ok(0) => preamble.received_eof(now),
        Ok(len) => {
            readiness.readable = len == lent;
            // No more than was lent, so that it refuses nothing.
            let _ = preamble.received(len, now);
            return len;
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => readiness.readable = false,
        Err(error) => preamble.transport_failed(fault(&error), now),
    }
    0
}

/// Lets a new connection receive `rest`, which was read behind the header of its stream.
pub fn replay<F: Framing>(
    connection: &mut Connection<F>,
    mut rest: &[u8],
    pool: &mut Pool,
    now: Instant,
) {
    connection.lease(pool);
    while !rest.is_empty() {
        let buffer = connection.receive_buffer();
        let (bytes, later) = rest.split_at(rest.len().min(buffer.len()));
        if bytes.is_empty() {
            // It has failed, and takes no more.
            break;
        }
        buffer[..bytes.len()].copy_from_slice(bytes);
        // No more than was lent, and before the end of the stream.
        let _ = connection.received(bytes.len(), now);
        rest = later;
    }
    connection.settle(pool);
}

/// Writes what the connection has to transmit, as long as `stream` takes it. Returns how many
/// bytes went.
pub fn transmit<F: Framing>(
    connection: &mut Connection<F>,
    mut stream: impl Write,
    readiness: &mut Readiness,
    now: Instant,
) -> usize {
    let mut transmitted = 0;
    while readiness.writable && connection.wants_write() {
        let bytes = connection.transmit();
        let queued = bytes.len();
        if queued == 0 {
            break;
        }
        match stream.write(bytes) {
            Ok(len) => {
                readiness.writable = len == queued;
                transmitted += len;
                // No more than was offered, so that the connection refuses nothing.
                let _ = connection.transmitted(len, now);
            }
            Err(error) => match error.kind() {
                ErrorKind::Interrupted => {}
                ErrorKind::WouldBlock => readiness.writable = false,
                _ => connection.transmit_failed(fault(&error), now),
            },
        }
    }
    transmitted
}

/// Shuts the stream's write side down with `shut_down`, if the connection asks for it.
pub fn shut_down<F: Framing>(
    connection: &mut Connection<F>,
    shut_down: impl FnOnce() -> io::Result<()>,
    now: Instant,
) {
    if !connection.wants_shutdown() {
        return;
    }
    match shut_down() {
        Ok(()) => {
            // It asked for it, so that it does not refuse.
            let _ = connection.shut_down(now);
        }
        Err(error) => connection.transmit_failed(fault(&error), now),
    }
}

/// Shuts the stream's write side down with `shut_down`, if the connection asks for it, and takes the
/// last steps of a server's turn.
///
/// A connection that is then over is dropped by its driver, and its stream with it: that says to
/// the peer what shutting down would, and saves a system call. The driver must hold the only
/// descriptor of the stream. The connection, and so a recording, is told first; where the system
/// refuses, the connection is told that transmitting failed.
pub fn finish<P: Protocol>(
    connection: &mut Connection<P::Framing>,
    protocol: &mut P,
    shut_down: impl FnOnce() -> io::Result<()>,
    now: Instant,
) {
    // An error says that it was not asked for.
    let is_asked_for = connection.shut_down(now).is_ok();
    pump(connection, protocol);
    if is_asked_for && !connection.is_closed() {
        if let Err(error) = shut_down() {
            connection.transmit_failed(fault(&error), now);
            pump(connection, protocol);
        }
    }
}

/// Tells the connection the time if a deadline of it has passed.
pub fn handle_timeout<F: Framing>(connection: &mut Connection<F>, now: Instant) {
    if connection.deadline().is_some_and(|deadline| deadline.at <= now) {
        connection.handle_timeout(now);
    }
}

/// Whether there is more to do without waiting for anything.
#[must_use]
pub fn is_busy<F: Framing>(connection: &Connection<F>, readiness: Readiness) -> bool {
    is_busy_with(connection.interest(), readiness)
}

/// Whether a connection with this `interest` has more to do without waiting for anything.
#[must_use]
pub const fn is_busy_with(interest: Interest, readiness: Readiness) -> bool {
    interest.again
        || interest.shutdown
        || interest.read && readiness.readable
        || interest.write && readiness.writable
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use drywire::framing::Lines;
    use drywire::protocol::Echo;
    use drywire::proxy::ProxyLimits;
    use drywire::{CloseReason, Step, pump};

    use super::*;

    const NOW: Instant = Instant::ZERO;

    /// A stream that does what its script says: each call takes the next line of it.
    #[derive(Default)]
    struct Scripted {
        reads: VecDeque<io::Result<Vec<u8>>>,
        /// How many bytes each write takes.
        writes: VecDeque<io::Result<usize>>,
        written: Vec<u8>,
    }

    impl Read for Scripted {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let bytes = self.reads.pop_front().expect("no read beyond the script")?;
            buffer[..bytes.len()].copy_from_slice(&bytes);
            Ok(bytes.len())
        }
    }

    impl Write for Scripted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let len = self.writes.pop_front().expect("no write beyond the script")?;
            let len = len.min(bytes.len());
            self.written.extend_from_slice(&bytes[..len]);
            Ok(len)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn is(kind: ErrorKind) -> io::Error {
        kind.into()
    }

    #[test]
    fn interrupted_short_and_blocked_calls_lose_nothing() {
        let mut reads = VecDeque::new();
        for byte in b"one\ntwo\r\nthree\n" {
            reads.push_back(Err(is(ErrorKind::Interrupted)));
            reads.push_back(Err(is(ErrorKind::Interrupted)));
            reads.push_back(Ok(vec![*byte]));
            reads.push_back(Err(is(ErrorKind::WouldBlock)));
        }
        reads.push_back(Ok(vec![]));
        let mut writes = VecDeque::new();
        for _ in 0..b"one\ntwo\nthree\n".len() {
            writes.push_back(Err(is(ErrorKind::Interrupted)));
            writes.push_back(Err(is(ErrorKind::WouldBlock)));
            writes.push_back(Ok(1));
        }
        let mut stream = Scripted { reads, writes, ..Scripted::default() };
        let mut connection = play(&mut stream);
        assert_eq!(stream.written, b"one\ntwo\nthree\n");
        shut_down(&mut connection, || Ok(()), NOW);
        assert_eq!(connection.close_reason(), Some(&CloseReason::Finished));
    }

    /// Takes turns until `stream` has done all of its script.
    fn play(stream: &mut Scripted) -> Connection<Lines> {
        let mut connection = serving(None, Lines::new(), Arc::default(), NOW);
        let mut echo = Echo::new(Lines::new());
        pump(&mut connection, &mut echo);
        while !(stream.reads.is_empty() && stream.writes.is_empty()) {
            let mut readiness = Readiness {
                readable: !stream.reads.is_empty(),
                writable: !stream.writes.is_empty(),
            };
            receive(&mut connection, &mut *stream, &mut readiness, NOW);
            pump(&mut connection, &mut echo);
            transmit(&mut connection, &mut *stream, &mut readiness, NOW);
            pump(&mut connection, &mut echo);
        }
        connection
    }

    #[test]
    fn a_short_read_or_write_is_the_last_of_its_turn() {
        let reads = VecDeque::from([Ok(b"hello\n".to_vec())]);
        let mut stream = Scripted { reads, writes: [Ok(2)].into(), ..Scripted::default() };
        let mut connection = serving(None, Lines::new(), Arc::default(), NOW);
        let mut readiness = Readiness { readable: true, writable: true };
        assert_eq!(receive(&mut connection, &mut stream, &mut readiness, NOW), 6);
        pump(&mut connection, &mut Echo::new(Lines::new()));
        assert_eq!(transmit(&mut connection, &mut stream, &mut readiness, NOW), 2);
        assert!(!readiness.readable && !readiness.writable);
        assert!(!is_busy(&connection, readiness), "it waits for the stream");
        assert!(connection.interest().read && connection.interest().write);
    }

    #[test]
    fn what_came_before_a_write_failed_is_still_read() {
        let reads =
            [Ok(b"ask\n".to_vec()), Ok(b"why\n".to_vec()), Err(is(ErrorKind::ConnectionReset))];
        let writes = [Err(is(ErrorKind::BrokenPipe))].into();
        let mut stream = Scripted { reads: reads.into(), writes, ..Scripted::default() };
        let mut connection = serving(None, Lines::new(), Arc::default(), NOW);
        let mut readiness = Readiness { readable: true, writable: true };
        let mut seen = String::new();
        for _ in 0..3 {
            readiness.readable = true;
            receive(&mut connection, &mut stream, &mut readiness, NOW);
            while let Some(step) = connection.next() {
                match step {
                    Step::Frame(frame, mut handle) => {
                        seen.push_str(&String::from_utf8_lossy(frame));
                        let _ = handle.send(frame);
                    }
                    Step::Closed(reason) => assert_eq!(reason, CloseReason::Reset),
                    _ => {}
                }
            }
            transmit(&mut connection, &mut stream, &mut readiness, NOW);
        }
        assert_eq!(seen, "askwhy");
        assert!(connection.is_closed());
    }

    #[test]
    fn a_header_is_read_through_interruptions_and_what_follows_is_replayed() {
        let input = b"PROXY TCP4 192.0.2.1 192.0.2.9 1 2\r\none\ntw";
        let mut reads = VecDeque::new();
        for bytes in input.chunks(5) {
            reads.push_back(Err(is(ErrorKind::Interrupted)));
            reads.push_back(Ok(bytes.to_vec()));
            reads.push_back(Err(is(ErrorKind::WouldBlock)));
        }
        let mut stream = Scripted { reads, ..Scripted::default() };
        let mut preamble = Preamble::new(&ProxyLimits::new(), NOW);
        let mut received = 0;
        while !preamble.is_done() {
            let mut readiness = Readiness { readable: true, writable: true };
            received += receive_header(&mut preamble, &mut stream, &mut readiness, NOW);
            assert!(!readiness.readable, "after a short read or none");
        }
        let mut readiness = Readiness { readable: true, writable: true };
        assert_eq!(receive_header(&mut preamble, &mut stream, &mut readiness, NOW), 0);
        assert!(readiness.readable, "what follows is for the connection");

        let introduced = preamble.into_outcome().unwrap();
        assert_eq!(introduced.rest, &input[36..received]);
        let mut connection = serving(None, Lines::new(), Arc::default(), NOW);
        replay(&mut connection, &introduced.rest, &mut Pool::default(), NOW);
        let mut echo = Echo::new(Lines::new());
        pump(&mut connection, &mut echo);
        assert_eq!(connection.transmit(), b"one\n");

        for (read, reason) in [
            (Ok(vec![]), CloseReason::Finished),
            (Err(is(ErrorKind::ConnectionReset)), CloseReason::Reset),
        ] {
            let mut stream = Scripted { reads: [read].into(), ..Scripted::default() };
            let mut preamble = Preamble::new(&ProxyLimits::new(), NOW);
            let mut readiness = Readiness { readable: true, writable: true };
            assert_eq!(receive_header(&mut preamble, &mut stream, &mut readiness, NOW), 0);
            assert_eq!(preamble.into_outcome(), Err(reason));
        }
    }

    #[test]
    fn a_stream_that_fails_ends_the_connection() {
        for (kind, reason) in [
            (ErrorKind::ConnectionReset, CloseReason::Reset),
            (ErrorKind::BrokenPipe, CloseReason::Reset),
        ] {
            let mut stream = Scripted { reads: [Err(is(kind))].into(), ..Scripted::default() };
            assert_eq!(play(&mut stream).close_reason(), Some(&reason));
        }
    }
}
