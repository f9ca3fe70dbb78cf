//! epoll by hand: what there is to compare with.
//!
//! One thread, edge-triggered, each socket registered once, nothing allocated while it serves. All
//! connections share one buffer: what a read brings is written from where it lies, and only what a
//! socket does not take or what is no whole frame is kept for the connection. A read that comes out
//! short is the last one until the next edge. A connection has one turn at a time. TLS is rustls'
//! unbuffered API, in one walk over its states for a turn.
//!
//! It has no timers, no limits but that of a frame, no statistics, and no shutdown.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::event::Timespec;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::net::{SocketFlags, accept_with, sockopt};
use rustls::ServerConfig;
use rustls::server::UnbufferedServerConnection;

use crate::frames::{BUFFER_LEN, whole};
use crate::options::Framing;
use crate::tls::{Sealed, advance};

const LISTENER: u64 = u64::MAX;
const EVENTS_MAX: usize = 256;

pub(crate) fn serve(listener: TcpListener, framing: Framing, tls: Option<&Arc<ServerConfig>>) {
    let ended = match tls {
        None => Loop::new(listener, framing, || Ok(Plain)).and_then(|served| served.run()),
        Some(config) => Loop::new(listener, framing, || {
            let session = UnbufferedServerConnection::new(Arc::clone(config));
            Ok(Tls { session: Box::new(session.map_err(io::Error::other)?), partial: Vec::new() })
        })
        .and_then(|served| served.run()),
    };
    ended.expect("epoll");
}

/// What is between the wire and the frames.
trait Session {
    /// Answers what is incoming.
    fn turn<'a>(
        &mut self,
        framing: Framing,
        incoming: &'a mut [u8],
        shared: &'a mut Shared,
    ) -> io::Result<Turn<'a>>;
}

/// What a turn came to.
struct Turn<'a> {
    consumed: usize,
    answer: &'a [u8],
    rest: &'a [u8],
}

/// What all sessions use in turns.
#[derive(Default)]
struct Shared {
    plaintext: Vec<u8>,
    sealed: Sealed,
}

struct Plain;

impl Session for Plain {
    fn turn<'a>(
        &mut self,
        framing: Framing,
        incoming: &'a mut [u8],
        _: &'a mut Shared,
    ) -> io::Result<Turn<'a>> {
        let consumed = whole(framing, incoming)?;
        let (answer, rest) = incoming.split_at(consumed);
        Ok(Turn { consumed, answer, rest })
    }
}

struct Tls {
    session: Box<UnbufferedServerConnection>,
    /// Of a frame that has not arrived yet.
    partial: Vec<u8>,
}

impl Session for Tls {
    fn turn<'a>(
        &mut self,
        framing: Framing,
        incoming: &'a mut [u8],
        shared: &'a mut Shared,
    ) -> io::Result<Turn<'a>> {
        let Shared { plaintext, sealed } = shared;
        sealed.clear();
        plaintext.clear();
        plaintext.extend_from_slice(&self.partial);
        self.partial.clear();
        let partial = &mut self.partial;
        let mut outcome = Ok(());
        let progress = advance(
            &mut *self.session,
            incoming,
            plaintext,
            sealed,
            |plaintext, seal| match whole(framing, plaintext) {
                Ok(len) => {
                    seal(&plaintext[..len]);
                    partial.extend_from_slice(&plaintext[len..]);
                    plaintext.clear();
                }
                Err(error) => outcome = Err(error),
            },
        )?;
        outcome?;
        let rest = &incoming[progress.consumed..];
        Ok(Turn { consumed: progress.consumed, answer: sealed.bytes(), rest })
    }
}

struct Connection<S> {
    stream: TcpStream,
    session: S,
    /// Read, and no whole frame or record.
    stash: Vec<u8>,
    /// Not taken by the socket.
    unsent: Vec<u8>,
    is_readable: bool,
    is_writable: bool,
    /// The peer has finished: no further edge comes.
    is_finished: bool,
}

struct Loop<S, F> {
    epoll: OwnedFd,
    listener: TcpListener,
    framing: Framing,
    make: F,
    connections: Vec<Option<Connection<S>>>,
    free: Vec<usize>,
    /// Those with more to read.
    again: Vec<usize>,
    buffer: Vec<u8>,
    shared: Shared,
}

impl<S: Session, F: Fn() -> io::Result<S>> Loop<S, F> {
    fn new(listener: TcpListener, framing: Framing, make: F) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
        Ok(Self {
            epoll,
            listener,
            framing,
            make,
            connections: Vec::new(),
            free: Vec::new(),
            again: Vec::new(),
            buffer: vec![0; BUFFER_LEN],
            shared: Shared::default(),
        })
    }

    fn run(mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(EVENTS_MAX);
        let mut turns = Vec::new();
        loop {
            events.clear();
            let now = Timespec { tv_sec: 0, tv_nsec: 0 };
            let timeout = (!self.again.is_empty()).then_some(&now);
            match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), timeout) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            std::mem::swap(&mut turns, &mut self.again);
            for event in &events {
                let (token, flags) = (event.data.u64(), event.flags);
                if token == LISTENER {
                    self.accept();
                    continue;
                }
                let at = token as usize;
                if let Some(Some(connection)) = self.connections.get_mut(at) {
                    let finished = EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR;
                    connection.is_readable |= flags.intersects(finished | EventFlags::IN);
                    connection.is_finished |= flags.intersects(finished);
                    connection.is_writable |= flags.contains(EventFlags::OUT);
                    self.turn(at);
                }
            }
            turns.drain(..).for_each(|at| self.turn(at));
        }
    }

    fn accept(&mut self) {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        while let Ok(socket) = accept_with(&self.listener, flags) {
            let Ok(session) = (self.make)() else { continue };
            if sockopt::set_tcp_nodelay(&socket, true).is_err() {
                continue;
            }
            let at = self.free.pop().unwrap_or_else(|| {
                self.connections.push(None);
                self.connections.len() - 1
            });
            let interest = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
            if epoll::add(&self.epoll, &socket, EventData::new_u64(at as u64), interest).is_err() {
                self.free.push(at);
                continue;
            }
            self.connections[at] = Some(Connection {
                stream: socket.into(),
                session,
                stash: Vec::new(),
                unsent: Vec::new(),
                is_readable: false,
                is_writable: true,
                is_finished: false,
            });
        }
    }

    fn turn(&mut self, at: usize) {
        let Some(Some(connection)) = self.connections.get_mut(at) else { return };
        match connection.turn(self.framing, &mut self.buffer, &mut self.shared) {
            Ok(true) if connection.is_readable && connection.unsent.is_empty() => {
                self.again.push(at);
            }
            Ok(true) => {}
            Ok(false) | Err(_) => {
                self.connections[at] = None;
                self.free.push(at);
            }
        }
    }
}

impl<S: Session> Connection<S> {
    /// One read and its answer. False at the end of the conversation.
    fn turn(
        &mut self,
        framing: Framing,
        buffer: &mut Vec<u8>,
        shared: &mut Shared,
    ) -> io::Result<bool> {
        if !self.unsent.is_empty() && self.is_writable {
            let len = write(&self.stream, &self.unsent, &mut self.is_writable)?;
            self.unsent.drain(..len);
        }
        if !self.is_readable || !self.unsent.is_empty() {
            return Ok(true);
        }
        let stashed = self.stash.len();
        if buffer.len() < stashed + BUFFER_LEN / 2 {
            buffer.resize(stashed + BUFFER_LEN, 0);
        }
        buffer[..stashed].copy_from_slice(&self.stash);
        let room = buffer.len() - stashed;
        let len = match (&self.stream).read(&mut buffer[stashed..]) {
            Ok(0) => return Ok(false),
            Ok(len) => len,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.is_readable = false;
                return Ok(true);
            }
            Err(error) => return Err(error),
        };
        self.is_readable = len == room || self.is_finished;
        let turn = self.session.turn(framing, &mut buffer[..stashed + len], shared)?;
        if turn.consumed > 0 || stashed == 0 {
            self.stash.clear();
            self.stash.extend_from_slice(turn.rest);
        } else {
            self.stash.extend_from_slice(&turn.rest[stashed..]);
        }
        if !turn.answer.is_empty() {
            let sent = write(&self.stream, turn.answer, &mut self.is_writable)?;
            self.unsent.extend_from_slice(&turn.answer[sent..]);
        }
        Ok(true)
    }
}

/// Writes once; what is not taken waits for the next edge.
fn write(mut stream: &TcpStream, bytes: &[u8], is_writable: &mut bool) -> io::Result<usize> {
    match stream.write(bytes) {
        Ok(len) => {
            *is_writable = len == bytes.len();
            Ok(len)
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            *is_writable = false;
            Ok(0)
        }
        Err(error) => Err(error),
    }
}
