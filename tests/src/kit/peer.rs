//! The peer that the kit plays by hand: a non-blocking socket, and rustls' buffered API.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustls::Connection;
use socket2::{SockRef, Socket};

use super::verdict::{Failure, Halt, text};

/// One end of a stream.
pub(crate) struct Peer {
    socket: Socket,
    session: Option<Connection>,
    /// What is to be written, in order.
    outgoing: Vec<u8>,
    /// Plaintext that has come and was not taken yet.
    incoming: Vec<u8>,
    end: Option<End>,
    /// Why the other side takes nothing any more.
    refused: Option<String>,
    /// How long to wait for one thing.
    patience: Duration,
    /// The most that one read or write moves, in bytes.
    stride: usize,
}

/// How the other side's stream has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    /// FIN; with TLS, close_notify and FIN.
    Finished,
    /// FIN without close_notify.
    Cut,
    /// The transport or the session failed.
    Failed(String),
}

/// What a [`Peer`] waits for.
#[derive(Clone, Copy)]
struct Wanted {
    read: bool,
    write: bool,
}

impl Peer {
    pub(crate) fn new(socket: Socket, patience: Duration) -> Self {
        socket.set_nonblocking(true).expect("the mode of a socket");
        // Not an option of Unix sockets.
        let _ = socket.set_tcp_nodelay(true);
        Self {
            socket,
            session: None,
            outgoing: Vec::new(),
            incoming: Vec::new(),
            end: None,
            refused: None,
            patience,
            stride: usize::MAX,
        }
    }

    /// Speaks TLS from now on.
    pub(crate) fn with_session(mut self, session: impl Into<Connection>) -> Self {
        self.session = Some(session.into());
        self.take_records();
        self
    }

    /// Moves at most `stride` bytes with each read and write.
    pub(crate) const fn set_stride(&mut self, stride: usize) {
        self.stride = stride;
    }

    /// Does the handshake, if there is one.
    #[track_caller]
    pub(crate) fn handshake(&mut self) -> Result<(), Halt> {
        self.agree()?;
        self.flush()
    }

    /// The same, with its last bytes left queued.
    #[track_caller]
    pub(crate) fn agree(&mut self) -> Result<(), Halt> {
        let deadline = self.deadline();
        while self.session.as_ref().is_some_and(|session| session.is_handshaking()) {
            if let Some(end) = &self.end {
                return Err(Failure::new("a handshake", format!("{end:?}")).into());
            }
            let wanted = Wanted { read: true, write: !self.outgoing.is_empty() };
            self.step(wanted, deadline).map_err(|()| self.silence("a handshake"))?;
        }
        Ok(())
    }

    /// The handshake is to fail, at once or, with TLS 1.3, when the peer is read from. Returns what
    /// the session says of it.
    #[track_caller]
    pub(crate) fn refused_handshake(&mut self) -> Result<String, Halt> {
        let deadline = self.deadline();
        loop {
            if let Some(End::Failed(error)) = &self.end {
                let error = error.clone();
                // What the session has to say to it.
                let _ = self.flush();
                return Ok(error);
            }
            if let Some(end) = &self.end {
                return Err(Failure::new("a refused handshake", format!("{end:?}")).into());
            }
            let wanted = Wanted { read: true, write: !self.outgoing.is_empty() };
            self.step(wanted, deadline).map_err(|()| self.silence("a refused handshake"))?;
        }
    }

    /// Sends all of `bytes`.
    #[track_caller]
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), Halt> {
        self.queue(bytes);
        self.flush()
    }

    /// Seals `bytes`, to be written with what comes later.
    pub(crate) fn queue(&mut self, bytes: &[u8]) {
        match &mut self.session {
            None => self.outgoing.extend_from_slice(bytes),
            Some(session) => {
                for part in bytes.chunks(16 * 1024) {
                    session.writer().write_all(part).expect("memory takes it");
                    while session.wants_write() {
                        session.write_tls(&mut self.outgoing).expect("memory takes it");
                    }
                }
            }
        }
    }

    /// Queues a close_notify, if there is a session.
    pub(crate) fn queue_close(&mut self) {
        if let Some(session) = &mut self.session {
            session.send_close_notify();
        }
        self.take_records();
    }

    /// Takes away what is queued, to send it in another way.
    pub(crate) fn take_queued(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.outgoing)
    }

    /// Writes bytes past the session.
    #[track_caller]
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) -> Result<(), Halt> {
        self.outgoing.extend_from_slice(bytes);
        self.flush()
    }

    /// Writes what is queued, without reading.
    #[track_caller]
    pub(crate) fn flush(&mut self) -> Result<(), Halt> {
        let deadline = self.deadline();
        while !self.outgoing.is_empty() {
            let wanted = Wanted { read: false, write: true };
            self.step(wanted, deadline).map_err(|()| {
                Failure::new("all bytes are taken", format!("{} are not", self.outgoing.len()))
            })?;
        }
        match self.refused.take() {
            None => Ok(()),
            Some(error) => Err(Failure::new("all bytes are taken", error).into()),
        }
    }

    /// Writes what is queued as long as the other side reads, without reading. Returns whether all
    /// of it went within `patience`.
    pub(crate) fn flush_within(&mut self, patience: Duration) -> bool {
        while !self.outgoing.is_empty() {
            // As long as there is progress.
            let wanted = Wanted { read: false, write: true };
            if self.step(wanted, Instant::now() + patience).is_err() {
                return false;
            }
        }
        true
    }

    /// A byte out of band.
    pub(crate) fn send_urgent(&self, byte: u8) -> Result<(), Halt> {
        self.socket.send_out_of_band(&[byte]).map_err(|error| Failure::system("send", &error))?;
        Ok(())
    }

    /// Reads as many bytes as `expected` has, and compares. Writes what is queued meanwhile.
    #[track_caller]
    pub(crate) fn expect(&mut self, expected: &[u8]) -> Result<(), Halt> {
        let bytes = self.read(expected.len());
        if bytes == expected {
            return Ok(());
        }
        let seen = match &self.end {
            Some(end) => format!("{} then {end:?}", text(&bytes)),
            None => text(&bytes),
        };
        Err(Failure::new(text(expected), seen).into())
    }

    /// Reads `len` bytes, or fewer if no more come.
    pub(crate) fn read(&mut self, len: usize) -> Vec<u8> {
        let mut deadline = self.deadline();
        let mut had = self.incoming.len();
        while self.incoming.len() < len && self.end.is_none() {
            let wanted = Wanted { read: true, write: !self.outgoing.is_empty() };
            if self.step(wanted, deadline).is_err() {
                break;
            }
            if self.incoming.len() > had {
                had = self.incoming.len();
                deadline = self.deadline();
            }
        }
        let rest = self.incoming.split_off(len.min(self.incoming.len()));
        std::mem::replace(&mut self.incoming, rest)
    }

    /// Expects the end of the stream, with TLS behind a close_notify, and nothing before.
    #[track_caller]
    pub(crate) fn expect_end(&mut self) -> Result<(), Halt> {
        let bytes = self.read(usize::MAX);
        if bytes.is_empty() && self.end == Some(End::Finished) {
            return Ok(());
        }
        Err(Failure::new("the end in order", self.told(&bytes)).into())
    }

    /// Expects that the stream is over in whatever way, and ends it. What comes before is thrown
    /// away.
    #[track_caller]
    pub(crate) fn expect_gone(mut self) -> Result<(), Halt> {
        self.outgoing.clear();
        let bytes = self.read(usize::MAX);
        match self.end {
            Some(_) => Ok(()),
            None => Err(Failure::new("the end of the stream", self.told(&bytes)).into()),
        }
    }

    /// Waits, without reading, until there is something to read.
    #[track_caller]
    pub(crate) fn await_readable(&self) -> Result<(), Halt> {
        match self.wait(PollFlags::IN, self.deadline()) {
            true => Ok(()),
            false => Err(Failure::new("something to read", "nothing").into()),
        }
    }

    /// Waits, without reading, until the other side has shut down its write side.
    #[track_caller]
    pub(crate) fn await_shut_down(&self) -> Result<(), Halt> {
        match self.wait(PollFlags::RDHUP, self.deadline()) {
            true => Ok(()),
            false => Err(Failure::new("FIN", "nothing").into()),
        }
    }

    /// Ends our side in order: FIN, with TLS behind a close_notify.
    #[track_caller]
    pub(crate) fn finish(&mut self) -> Result<(), Halt> {
        self.queue_close();
        self.flush()?;
        self.cut()
    }

    /// Ends our side by FIN alone.
    #[track_caller]
    pub(crate) fn cut(&self) -> Result<(), Halt> {
        let shut = self.socket.shutdown(std::net::Shutdown::Write);
        shut.map_err(|error| Failure::new("a stream that is connected", error.to_string()).into())
    }

    /// Holds back what is written until our side ends, so that both leave in one segment. Not an
    /// option of Unix sockets.
    pub(crate) fn cork(&self) -> Result<(), Halt> {
        let is_tcp = self.socket.local_addr().is_ok_and(|place| place.as_socket().is_some());
        if is_tcp {
            let corked = self.socket.set_tcp_cork(true);
            corked.map_err(|error| Failure::system("setsockopt", &error))?;
        }
        Ok(())
    }

    /// Ends the stream by a reset: RST. Of a Unix socket that is its end with bytes unread, so that
    /// there must be some.
    pub(crate) fn reset(self) {
        // Not an option of Unix sockets.
        let _ = SockRef::from(&self.socket).set_linger(Some(Duration::ZERO));
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.patience
    }

    #[track_caller]
    fn silence(&self, expected: &str) -> Failure {
        Failure::new(expected, self.told(&self.incoming))
    }

    fn told(&self, bytes: &[u8]) -> String {
        match (&self.end, bytes) {
            (Some(end), []) => format!("{end:?}"),
            (Some(end), bytes) => format!("{} then {end:?}", text(bytes)),
            (None, []) => "nothing".into(),
            (None, bytes) => format!("{} and no more", text(bytes)),
        }
    }

    /// Waits until `deadline` for one read or write that is wanted, and does it.
    fn step(&mut self, wanted: Wanted, deadline: Instant) -> Result<(), ()> {
        let mut events = PollFlags::empty();
        events.set(PollFlags::IN, wanted.read && self.end.is_none());
        events.set(PollFlags::OUT, wanted.write);
        if events.is_empty() || !self.wait(events, deadline) {
            return Err(());
        }
        if wanted.write {
            let len = self.outgoing.len().min(self.stride);
            match self.socket.write(&self.outgoing[..len]) {
                Ok(len) => drop(self.outgoing.drain(..len)),
                Err(error) if is_temporary(&error) => {}
                // What came before can still be read.
                Err(error) => {
                    self.outgoing.clear();
                    self.refused = Some(error.to_string());
                }
            }
        }
        if wanted.read {
            self.receive();
        }
        Ok(())
    }

    fn receive(&mut self) {
        let mut part = [0; 4096];
        let len = part.len().min(self.stride);
        match (&self.socket).read(&mut part[..len]) {
            Ok(0) => self.ended(),
            Ok(len) => self.received(&part[..len]),
            Err(error) if is_temporary(&error) => {}
            Err(error) => self.end = Some(End::Failed(error.to_string())),
        }
    }

    fn ended(&mut self) {
        self.end = Some(match &mut self.session {
            None => End::Finished,
            Some(session) => match session.reader().read(&mut [0]) {
                Ok(0) => End::Finished,
                _ => End::Cut,
            },
        });
    }

    fn received(&mut self, mut bytes: &[u8]) {
        let Some(session) = &mut self.session else {
            return self.incoming.extend_from_slice(bytes);
        };
        let mut outcome = Ok(());
        while outcome.is_ok() && !bytes.is_empty() {
            let taken = session.read_tls(&mut bytes);
            outcome = match taken {
                Ok(0) => break,
                Ok(_) => session.process_new_packets().map(drop).map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            // It says so when there is no more.
            let _ = session.reader().read_to_end(&mut self.incoming);
        }
        if let Err(error) = outcome {
            self.end = Some(End::Failed(error));
        }
        self.take_records();
    }

    /// What the session has to say goes behind what is queued.
    fn take_records(&mut self) {
        let Some(session) = &mut self.session else { return };
        while session.wants_write() {
            session.write_tls(&mut self.outgoing).expect("memory takes it");
        }
    }

    fn wait(&self, events: PollFlags, deadline: Instant) -> bool {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = Timespec::try_from(left).ok();
            let mut fds = [PollFd::from_borrowed_fd(self.socket.as_fd(), events)];
            match poll(&mut fds, timeout.as_ref()) {
                Ok(0) => return false,
                Ok(_) => return true,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => panic!("poll: {error}"),
            }
        }
    }
}

fn is_temporary(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
