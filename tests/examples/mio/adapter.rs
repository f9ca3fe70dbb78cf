//! Drywire over mio: one thread, one loop, edge-triggered events.
//!
//! Sockets are socket2's, which are TCP and Unix in one type. A server of thousands would keep its
//! deadlines in a heap and the busy ones in a list; nothing else would change.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant as Clock;

use drywire::admission::{Accept, AcceptFault, Admission, AdmissionLimits, Permit};
use drywire::buffer::Pool;
use drywire::shutdown::{Phase, Request};
use drywire::statistics::Statistics;
use drywire::tls::{ServerTls, TlsSession};
use drywire::{CloseReason, Connection, Instant, Limits, Protocol};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use socket2::Socket;

use super::conversation::Conversation;

/// Conversations in one poll, and the clock of their deadlines.
struct Conversations<P: Protocol> {
    poll: Poll,
    all: HashMap<Token, (Conversation<P>, Option<Permit>)>,
    last: usize,
    pool: Pool,
    epoch: Clock,
}

impl<P: Protocol> Conversations<P> {
    fn new(poll: Poll, epoch: Clock) -> Self {
        Self { poll, all: HashMap::new(), last: OTHERS, pool: Pool::default(), epoch }
    }

    fn now(&self) -> Instant {
        Instant::from_elapsed(self.epoch.elapsed())
    }

    /// Has events of `conversation` come by a token of its own.
    fn register(&mut self, conversation: Conversation<P>) -> io::Result<(Token, Conversation<P>)> {
        self.last += 1;
        let (token, both) = (Token(self.last), Interest::READABLE | Interest::WRITABLE);
        let fd = conversation.stream.as_raw_fd();
        self.poll.registry().register(&mut SourceFd(&fd), token, both)?;
        Ok((token, conversation))
    }

    fn add(&mut self, token: Token, mut conversation: Conversation<P>, permit: Option<Permit>) {
        // The first step is that it is open.
        conversation.turn(&mut self.pool, Instant::from_elapsed(self.epoch.elapsed()));
        self.all.insert(token, (conversation, permit));
    }

    /// Turns those that are due, and returns those that are over.
    fn turn(&mut self) -> Vec<(CloseReason, Option<Permit>)> {
        let (now, mut over) = (self.now(), Vec::new());
        self.all.retain(|_, (conversation, permit)| {
            if conversation.due_at() <= now {
                conversation.turn(&mut self.pool, now);
            }
            let connection = &conversation.connection;
            match connection.close_reason() {
                Some(reason) if connection.is_closed() => {
                    over.push((reason.clone(), permit.take()));
                    false
                }
                _ => true,
            }
        });
        over
    }

    /// Waits for events, or until a turn or `wake_at` is due. Returns whether the listener is ready.
    fn wait(&mut self, wake_at: Instant) -> io::Result<bool> {
        let due = self.all.values().map(|(conversation, _)| conversation.due_at());
        let at = due.min().unwrap_or(Instant::MAX).min(wake_at);
        let left = at.saturating_duration_since(self.now());
        // mio waits in whole milliseconds, rounded up.
        let timeout = (at < Instant::MAX).then_some(left);
        let mut events = Events::with_capacity(256);
        match self.poll.poll(&mut events, timeout) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(false),
            Err(error) => return Err(error),
        }
        for event in &events {
            if let Some((conversation, _)) = self.all.get_mut(&event.token()) {
                // Errors and hang-ups show in both: the next call says what they are.
                conversation.readable |= event.is_readable() || event.is_error();
                conversation.writable |= event.is_writable() || event.is_error();
            }
        }
        Ok(events.iter().any(|event| event.token() == LISTENER))
    }
}

const LISTENER: Token = Token(0);
const WAKER: Token = Token(1);
/// Tokens beyond this are those of conversations.
const OTHERS: usize = 1;

/// Runs one conversation to its end: all that a client needs.
pub(crate) fn converse<P: Protocol>(
    conversation: Conversation<P>,
    epoch: Clock,
) -> io::Result<CloseReason> {
    let mut conversations = Conversations::new(Poll::new()?, epoch);
    let (token, conversation) = conversations.register(conversation)?;
    conversations.add(token, conversation, None);
    loop {
        if let Some((reason, _)) = conversations.turn().pop() {
            return Ok(reason);
        }
        conversations.wait(Instant::MAX)?;
    }
}

/// A server, before and while it runs.
#[derive(Clone)]
pub(crate) struct Handle {
    admission: Arc<Mutex<Admission>>,
    waker: Arc<Waker>,
    epoch: Clock,
}

impl Handle {
    pub(crate) fn request(&self, request: Request) {
        self.admission().request(request, Instant::from_elapsed(self.epoch.elapsed()));
        // It is looked at before each wait.
        let _ = self.waker.wake();
    }

    pub(crate) fn statistics(&self) -> Statistics {
        *self.admission().statistics()
    }

    fn admission(&self) -> MutexGuard<'_, Admission> {
        self.admission.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A server of one listener.
pub(crate) struct Server<F> {
    pub(crate) factory: F,
    pub(crate) listener: Socket,
    pub(crate) tls: Option<ServerTls>,
    pub(crate) limits: Arc<Limits>,
    poll: Poll,
    handle: Handle,
}

impl<P: Protocol, F: Fn() -> P> Server<F> {
    pub(crate) fn new(
        factory: F,
        listener: Socket,
        admission: AdmissionLimits,
    ) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let (poll, fd) = (Poll::new()?, listener.as_raw_fd());
        poll.registry().register(&mut SourceFd(&fd), LISTENER, Interest::READABLE)?;
        let handle = Handle {
            admission: Arc::new(Mutex::new(Admission::new(admission))),
            waker: Arc::new(Waker::new(poll.registry(), WAKER)?),
            epoch: Clock::now(),
        };
        Ok(Self { factory, listener, tls: None, limits: Arc::default(), poll, handle })
    }

    pub(crate) fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Serves until it is asked to end, and all conversations have ended.
    pub(crate) fn run(self) -> io::Result<Statistics> {
        let Self { factory, listener, tls, limits, poll, handle } = self;
        let mut conversations = Conversations::new(poll, handle.epoch);
        let (mut listener, mut acceptable, mut phase) = (Some(listener), true, Phase::Serving);
        loop {
            // What is asked of the server is told to the connections, once.
            let (now, before) = (conversations.now(), phase);
            phase = handle.admission().phase(now);
            for (conversation, _) in conversations.all.values_mut().filter(|_| phase != before) {
                match phase {
                    Phase::Serving | Phase::Pausing => {}
                    Phase::Draining => conversation.connection.drain(now),
                    Phase::Stopping => conversation.connection.stop(),
                }
                conversation.turn(&mut conversations.pool, now);
            }
            for (reason, permit) in conversations.turn() {
                handle.admission().closed(permit.expect("it was admitted"), reason.kind());
            }
            // Accept, when the admission says so: one that ended may have made room.
            let wake_at = match handle.admission().poll(now) {
                Accept::Now if acceptable => Instant::ZERO,
                Accept::Now | Accept::WaitForClose => Instant::MAX,
                Accept::WaitUntil(at) => at,
                Accept::Never => {
                    listener = None;
                    Instant::MAX
                }
            };
            let due = listener.as_ref().filter(|_| wake_at == Instant::ZERO);
            let due = due.and_then(|listener| Some((listener, handle.admission().reserve(now)?)));
            if let Some((listener, reservation)) = due {
                match listener.accept() {
                    Ok((stream, peer)) => {
                        let peer = peer.as_socket().map(|peer| peer.ip());
                        // Who is refused is dropped.
                        if let Ok(permit) = handle.admission().accepted(reservation, peer, now) {
                            let (protocol, limits) = (factory(), Arc::clone(&limits));
                            let framing = protocol.framing();
                            let connection = match &tls {
                                None => Connection::plain(framing, limits, now),
                                Some(tls) => {
                                    Connection::tls(TlsSession::server(tls), framing, limits, now)
                                }
                            };
                            let conversation = Conversation::new(stream, connection, protocol)
                                .and_then(|conversation| conversations.register(conversation));
                            match conversation {
                                Ok((token, conversation)) => {
                                    conversations.add(token, conversation, Some(permit));
                                }
                                // That stream is lost, and its place given back: the server goes on.
                                Err(_) => handle.admission().thread_failed(permit, now),
                            }
                        }
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        acceptable = false;
                        handle.admission().unused(reservation);
                    }
                    Err(error) => {
                        let fault = AcceptFault::from_os(&error);
                        handle.admission().accept_failed(reservation, fault, now);
                    }
                }
            }
            let deadline = handle.admission().deadline().unwrap_or(Instant::MAX);
            if listener.is_none() && conversations.all.is_empty() {
                return Ok(handle.statistics());
            }
            acceptable |= conversations.wait(wake_at.min(deadline))?;
        }
    }
}
