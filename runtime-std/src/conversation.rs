use std::io::{self, Read, Write};

use drywire::framing::Framing;
use drywire::tls::Negotiated;
use drywire::{CloseReason, Connection, Instant, SendError, Step};

use crate::error::Error;
use crate::turn::{Readiness, handle_timeout, receive, shut_down, transmit};

/// A connection whose frames are taken by calls instead of a protocol: what is told beside frames
/// is kept here until somebody asks.
#[derive(Debug)]
pub struct Conversation<F: Framing> {
    connection: Connection<F>,
    negotiated: Option<Box<Negotiated>>,
    is_open: bool,
    /// The peer has finished and its last frame was taken.
    is_finished: bool,
    failure: Option<CloseReason>,
}

/// Which call of a framed stream need not wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// Receiving: there is a frame, or there will be none any more.
    Receive,
    /// Sending: there is room, or the connection takes nothing any more.
    Send,
}

impl<F: Framing> Conversation<F> {
    /// Takes over `connection` from its beginning. Calls to send have nothing to do with calls to
    /// receive, so that its directions are decoupled.
    #[must_use]
    pub fn new(mut connection: Connection<F>) -> Self {
        connection.decouple();
        Self { connection, negotiated: None, is_open: false, is_finished: false, failure: None }
    }

    /// The connection.
    #[must_use]
    pub const fn connection(&self) -> &Connection<F> {
        &self.connection
    }

    /// The connection, for its commands. Its steps are taken here.
    #[must_use]
    pub const fn connection_mut(&mut self) -> &mut Connection<F> {
        &mut self.connection
    }

    /// One turn over a stream that does not block: reads at most once, writes what there is.
    /// `shut_write` ends the stream's write side. Returns whether anything has come of it that
    /// somebody else may wait for.
    pub fn turn<S>(
        &mut self,
        stream: S,
        shut_write: impl FnOnce() -> io::Result<()>,
        readiness: &mut Readiness,
        now: Instant,
    ) -> bool
    where
        S: Read + Write + Copy,
    {
        let before = self.outline();
        let received = receive(&mut self.connection, stream, readiness, now);
        handle_timeout(&mut self.connection, now);
        self.has_frame();
        let transmitted = transmit(&mut self.connection, stream, readiness, now);
        shut_down(&mut self.connection, shut_write, now);
        self.has_frame();
        received > 0 || transmitted > 0 || before != self.outline()
    }

    fn outline(&self) -> (bool, bool, bool, bool) {
        let is_shut = !self.connection.wants_shutdown();
        (self.is_open, self.is_finished, self.close_reason().is_some(), is_shut)
    }

    /// Whether there is a frame to be taken. Takes note of everything that is told before it.
    pub fn has_frame(&mut self) -> bool {
        while !self.connection.has_frame() {
            match self.connection.next() {
                None => return false,
                Some(Step::Open(negotiated, _)) => {
                    self.is_open = true;
                    self.negotiated = negotiated;
                }
                Some(Step::Finished(_)) => self.is_finished = true,
                Some(Step::Failed(reason, _)) => self.failure = Some(reason),
                // The caller sets no timer, and asks for itself whether there is room. That it is
                // closed the connection keeps. A frame it cannot be.
                Some(_) => {}
            }
        }
        true
    }

    /// Takes a frame, if there is one.
    pub fn take_frame(&mut self) -> Option<F::Frame<'_>> {
        if !self.has_frame() {
            return None;
        }
        match self.connection.next() {
            Some(Step::Frame(frame, _)) => Some(frame),
            _ => None,
        }
    }

    /// What need not wait; receiving, if both need not.
    pub fn ready(&mut self) -> Option<Ready> {
        if self.has_frame() || !matches!(self.is_ended(), Ok(false)) {
            Some(Ready::Receive)
        } else if self.connection.is_writable() {
            Some(Ready::Send)
        } else {
            None
        }
    }

    /// Queues a frame.
    ///
    /// # Errors
    /// [`Error::Closed`] if nothing can be sent any more, though what came before may still be
    /// received; else [`Error::Send`].
    pub fn send(&mut self, item: F::Item<'_>) -> Result<(), Error> {
        let outcome = self.connection.send(item);
        match (outcome, self.connection.failure()) {
            (Err(SendError::Closed), Some(reason)) => Err(Error::Closed(reason.clone())),
            (outcome, _) => outcome.map_err(Error::Send),
        }
    }

    /// Whether no frame will come any more: the peer has finished, or the connection is over in
    /// order.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is over in another way.
    pub fn is_ended(&self) -> Result<bool, Error> {
        match self.close_reason() {
            Some(reason) if !reason.is_clean() => Err(Error::Closed(reason.clone())),
            reason => Ok(self.is_finished || reason.is_some()),
        }
    }

    /// Whether the connection has been open, if only for a moment.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.is_open
    }

    /// What the TLS handshake agreed on.
    #[must_use]
    pub fn negotiated(&self) -> Option<&Negotiated> {
        self.negotiated.as_deref()
    }

    /// Why the connection is over or about to be, once it is.
    #[must_use]
    pub const fn close_reason(&self) -> Option<&CloseReason> {
        match &self.failure {
            Some(reason) => Some(reason),
            None => self.connection.close_reason(),
        }
    }
}
