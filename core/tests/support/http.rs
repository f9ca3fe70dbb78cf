//! A server's side of HTTP, driven by hand.

use drywire::{CloseReason, Connection, Instant, Limits, Protocol, pump};

/// Conversations of a protocol with a client that sends bytes and reads everything.
pub(crate) struct Server<P: Protocol> {
    connection: Connection<P::Framing>,
    protocol: P,
    pub(crate) now: Instant,
}

impl<P: Protocol> Server<P> {
    pub(crate) fn new(protocol: P, limits: Limits) -> Self {
        let now = Instant::ZERO;
        let connection = Connection::plain(protocol.framing(), limits.into(), now);
        let mut server = Self { connection, protocol, now };
        pump(&mut server.connection, &mut server.protocol);
        server
    }

    /// Lets `bytes` arrive, as far as they are read. Returns how many were.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> usize {
        let buffer = self.connection.receive_buffer();
        let len = buffer.len().min(bytes.len());
        buffer[..len].copy_from_slice(&bytes[..len]);
        self.connection.received(len, self.now).unwrap();
        pump(&mut self.connection, &mut self.protocol);
        len
    }

    /// Takes at most `len` bytes of what is to be sent.
    #[allow(dead_code, reason = "not every test takes parts")]
    pub(crate) fn take_some(&mut self, len: usize) -> Vec<u8> {
        let bytes = self.connection.transmit();
        let taken = bytes[..bytes.len().min(len)].to_vec();
        self.connection.transmitted(taken.len(), self.now).unwrap();
        pump(&mut self.connection, &mut self.protocol);
        taken
    }

    /// Takes everything that is to be sent.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        let mut taken = Vec::new();
        loop {
            let bytes = self.connection.transmit().to_vec();
            if bytes.is_empty() {
                break;
            }
            self.connection.transmitted(bytes.len(), self.now).unwrap();
            pump(&mut self.connection, &mut self.protocol);
            taken.extend(bytes);
        }
        taken
    }

    /// Everything that `bytes` are answered with, read in pieces of `cut` bytes.
    pub(crate) fn answer(&mut self, bytes: &[u8], cut: usize) -> Vec<u8> {
        let mut answer = Vec::new();
        for piece in bytes.chunks(cut.max(1)) {
            let mut rest = piece;
            while !rest.is_empty() {
                let len = self.receive(rest);
                rest = &rest[len..];
                let taken = self.take();
                if len == 0 && taken.is_empty() {
                    break;
                }
                answer.extend(taken);
            }
        }
        answer
    }

    /// Ends the stream. Returns what was still answered, and how the connection ended.
    pub(crate) fn end(&mut self) -> (Vec<u8>, Option<CloseReason>) {
        let _ = self.connection.received_eof(self.now);
        pump(&mut self.connection, &mut self.protocol);
        let answer = self.take();
        let _ = self.connection.shut_down(self.now);
        pump(&mut self.connection, &mut self.protocol);
        (answer, self.connection.close_reason().cloned())
    }

    /// Lets time pass.
    #[allow(dead_code, reason = "not every test waits")]
    pub(crate) fn pass(&mut self, duration: std::time::Duration) -> Vec<u8> {
        self.now = self.now + duration;
        self.connection.handle_timeout(self.now);
        pump(&mut self.connection, &mut self.protocol);
        self.take()
    }

    pub(crate) fn connection(&self) -> &Connection<P::Framing> {
        &self.connection
    }
}

/// What comes of `input` however it is cut: all answers, as text.
#[track_caller]
pub(crate) fn exchange<P: Protocol>(
    make: impl Fn() -> P,
    input: &[u8],
) -> (String, Option<CloseReason>) {
    let run = |cut| {
        let mut server = Server::new(make(), Limits::new());
        let mut answer = server.answer(input, cut);
        let (rest, reason) = server.end();
        answer.extend(rest);
        (String::from_utf8(answer).unwrap(), reason)
    };
    run(usize::MAX)
}

/// The same, and cutting the input changes nothing. For answers without chunks, which the cuts
/// show in.
#[track_caller]
pub(crate) fn exchange_cut<P: Protocol>(
    make: impl Fn() -> P,
    input: &[u8],
) -> (String, Option<CloseReason>) {
    let expected = exchange(&make, input);
    for cut in [1, 2, 3, 7, 64] {
        let mut server = Server::new(make(), Limits::new());
        let mut answer = server.answer(input, cut);
        let (rest, reason) = server.end();
        answer.extend(rest);
        assert_eq!((String::from_utf8(answer).unwrap(), reason), expected, "cut {cut}");
    }
    expected
}

/// Head and body of an answer.
#[track_caller]
pub(crate) fn parts(answer: &str) -> (&str, &str) {
    answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head in {answer:?}"))
}
