//! One TLS session over rustls' unbuffered API: records in, plaintext out, and back.
//!
//! ```text
//!  transport ──► ciphertext ──open──► plaintext (the connection's receive buffer)
//!  transport ◄── sealed ◄──seal── staged (what the connection's framing has encoded)
//! ```
//!
//! The seam is *open*, *seal* and *close*, the shape that rustls 0.24 will have. What is odd about
//! 0.23 stays in this folder:
//!
//! - Bytes of an unfinished handshake message stay in `ciphertext` and have to be shown to rustls on
//!   every call, also to seal: it slices what it is given at positions it remembers, and panics
//!   when that is shorter.
//! - Such a message may have 65,535 bytes and record headers between them, so `ciphertext` grows;
//!   [`HANDSHAKE_LEN_MAX`] bounds it.
//! - After an error, only what is still to be sent may be asked for, with an empty slice: shown the
//!   same bytes again, rustls would queue one alert after the other.
//! - Where it is built with debug assertions, rustls panics when something is wrong with a record that
//!   comes after our close_notify, for it has an alert to send and asserts that nothing follows
//!   close_notify. Such a pass is caught, unless panics abort; no alert follows in either build.
//! - Records are opened as soon as they are whole, all of them: then sealing never has to step over
//!   one. The connection lends room only when it has no plaintext left to look at.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use rustls::CommonState;
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use rustls::server::UnbufferedServerConnection;

use super::blame::{alert_of, cause_of};
use super::configuration::{ClientTls, ServerTls, TlsConfigError};
use super::hello::{Greeting, HelloReader};
use super::records::{Goal, Outcome, SEAL_LEN_MAX, drain_alerts, run};
use super::{Alert, TlsCause, TlsError};
use crate::buffer::{Buffer, LARGE_LEN, Pool};
use crate::limits::HANDSHAKE_LEN_MAX;

/// The most plaintext that one call to [`TlsSession::received`] adds: every whole record that the
/// ciphertext buffer can hold.
pub(crate) const OPENED_LEN_MAX: usize = HANDSHAKE_LEN_MAX;

/// One side of a TLS session and its buffers.
///
/// Made from a configuration and given to [`Connection::tls`](crate::Connection::tls).
pub struct TlsSession {
    side: Side,
    pub(super) phase: Phase,
    pub(super) ciphertext: Buffer,
    pub(super) sealed: Buffer,
    /// The name that the client asked for.
    pub(super) server_name: Option<Box<str>>,
    /// New keys were asked for and could not be had yet.
    pub(super) refresh_wanted: bool,
    /// The transport has been offered what is sealed.
    pub(super) is_shown: bool,
    /// What the session failed of when nobody could be told: sealing at once fails only when a key
    /// has sealed all the records that it may, and another could not be had.
    pub(super) untold: Option<TlsError>,
}

enum Side {
    /// A server that has not read the whole ClientHello.
    Greeting(Box<HelloReader>),
    Server(Box<UnbufferedServerConnection>),
    Client(Box<UnbufferedClientConnection>),
    /// A server whose configuration turned out to be unusable.
    Broken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Handshaking,
    Ready {
        peer_finished: bool,
        finished: bool,
    },
    Failed {
        error: TlsError,
        /// The handshake was done before.
        was_ready: bool,
    },
}

impl TlsSession {
    /// The client's side of a session with the server `name`, which is verified.
    ///
    /// # Errors
    /// [`TlsConfigError`] if rustls cannot use the configuration.
    pub fn client(tls: &ClientTls, name: ServerName<'static>) -> Result<Self, TlsConfigError> {
        let server_name = match &name {
            ServerName::DnsName(name) => Some(name.as_ref().into()),
            _ => None,
        };
        let client = UnbufferedClientConnection::new(Arc::clone(tls.config()), name)
            .map_err(|error| TlsConfigError::from_rustls(&error))?;
        let mut session = Self {
            side: Side::Client(Box::new(client)),
            phase: Phase::Handshaking,
            ciphertext: Buffer::new(),
            sealed: Buffer::new(),
            server_name,
            refresh_wanted: false,
            is_shown: false,
            untold: None,
        };
        // Queues the ClientHello.
        let _ = session.received(0, &mut Buffer::new());
        Ok(session)
    }

    /// The server's side of a session. The configuration that `tls` holds when the whole
    /// ClientHello has arrived is used.
    #[must_use]
    pub fn server(tls: &ServerTls) -> Self {
        Self {
            side: Side::Greeting(Box::new(HelloReader::new(tls.clone()))),
            phase: Phase::Handshaking,
            ciphertext: Buffer::new(),
            sealed: Buffer::new(),
            server_name: None,
            refresh_wanted: false,
            is_shown: false,
            untold: None,
        }
    }

    /// Whether the handshake is done, even if the session has failed since: both can come about in
    /// one pass, with plaintext in between.
    pub(crate) const fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Ready { .. } | Phase::Failed { was_ready: true, .. })
    }

    pub(crate) const fn is_failed(&self) -> bool {
        matches!(self.phase, Phase::Failed { .. })
    }

    #[inline]
    pub(crate) const fn is_taking(&self) -> bool {
        matches!(self.phase, Phase::Ready { finished: false, .. })
    }

    pub(crate) const fn is_finished(&self) -> bool {
        matches!(self.phase, Phase::Ready { finished: true, .. })
    }

    pub(crate) const fn is_peer_finished(&self) -> bool {
        matches!(self.phase, Phase::Ready { peer_finished: true, .. })
    }

    pub(crate) const fn is_mid_record(&self) -> bool {
        !self.ciphertext.is_empty()
    }

    /// Room for bytes of the transport, behind those that are held.
    pub(crate) fn receive_buffer(&mut self) -> &mut [u8] {
        let (len, capacity) = (self.ciphertext.len(), self.ciphertext.capacity());
        if capacity < LARGE_LEN {
            self.ciphertext.reserve(LARGE_LEN - len);
        } else if len == capacity && capacity < HANDSHAKE_LEN_MAX {
            self.ciphertext.reserve(HANDSHAKE_LEN_MAX - len);
        } else if self.ciphertext.spare_mut().len() < capacity / 2 {
            self.ciphertext.reserve(capacity - len);
        }
        self.ciphertext.spare_mut()
    }

    /// Opens every record that is whole once the first `len` bytes of the room are filled.
    pub(crate) fn received(&mut self, len: usize, plaintext: &mut Buffer) -> Result<(), TlsError> {
        self.ciphertext.commit(len);
        if let Phase::Failed { error, .. } = self.phase {
            self.ciphertext.clear();
            self.untold = None;
            return Err(error);
        }
        self.greet();
        self.pass(&mut Goal::Open, plaintext)?;
        if self.ciphertext.len() >= HANDSHAKE_LEN_MAX {
            return Err(self.fail(TlsCause::HandshakeTooLong, None));
        }
        self.refresh_if_wanted(plaintext)
    }

    pub(crate) fn lease(&mut self, pool: &mut Pool) {
        self.ciphertext.lease(pool);
        self.sealed.lease(pool);
    }

    pub(crate) fn settle(&mut self, pool: &mut Pool) {
        self.sealed.settle(pool);
        self.ciphertext.settle(pool);
    }

    pub(crate) const fn memory_len(&self) -> usize {
        self.ciphertext.capacity() + self.sealed.capacity()
    }

    /// The most that [`memory_len`](Self::memory_len) can be.
    pub(crate) fn memory_len_max() -> usize {
        Buffer::memory_len_max(HANDSHAKE_LEN_MAX)
            + Buffer::memory_len_max(SEAL_LEN_MAX + HANDSHAKE_LEN_MAX + LARGE_LEN)
    }

    pub(super) fn common(&self) -> Option<&CommonState> {
        match &self.side {
            Side::Client(client) => Some(client),
            Side::Server(server) => Some(server),
            Side::Greeting(_) | Side::Broken => None,
        }
    }

    /// Lets a server choose its configuration once the ClientHello is whole.
    fn greet(&mut self) {
        let Side::Greeting(reader) = &mut self.side else {
            return;
        };
        let Greeting::Chosen { config, server_name } = reader.read(self.ciphertext.filled()) else {
            return;
        };
        self.server_name = server_name;
        self.side = match UnbufferedServerConnection::new(config) {
            Ok(server) => Side::Server(Box::new(server)),
            Err(_) => Side::Broken,
        };
    }

    /// Lets rustls look at what is held until it wants more, and reaches for the goal on the way.
    pub(super) fn pass(
        &mut self,
        goal: &mut Goal<'_>,
        plaintext: &mut Buffer,
    ) -> Result<Outcome, TlsError> {
        let (ciphertext, sealed) = (&mut self.ciphertext, &mut self.sealed);
        let is_finished = matches!(self.phase, Phase::Ready { finished: true, .. });
        let side = &mut self.side;
        let mut pass = || match side {
            Side::Greeting(_) => Ok(Outcome::default()),
            Side::Broken => Err(rustls::Error::General("unusable session".into())),
            Side::Client(client) => run(&mut **client, goal, ciphertext, plaintext, sealed),
            Side::Server(server) => run(&mut **server, goal, ciphertext, plaintext, sealed),
        };
        let result = if is_finished {
            // The session is not used again after a panic.
            catch_unwind(AssertUnwindSafe(pass)).unwrap_or_else(|_| {
                self.side = Side::Broken;
                Err(rustls::Error::DecryptError)
            })
        } else {
            pass()
        };
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(error) => {
                self.note_ready();
                return Err(self.fail_by(&error));
            }
        };
        self.note_ready();
        if outcome.peer_closed {
            // What follows a close_notify is not part of the session (RFC 8446, section 6.1).
            self.ciphertext.clear();
            match &mut self.phase {
                Phase::Ready { peer_finished, .. } => *peer_finished = true,
                Phase::Handshaking | Phase::Failed { .. } => {
                    return Err(self.fail(TlsCause::Misbehaved, None));
                }
            }
        }
        Ok(outcome)
    }

    /// Takes note of the end of the handshake.
    fn note_ready(&mut self) {
        let handshaking = self.common().is_none_or(CommonState::is_handshaking);
        if self.phase == Phase::Handshaking && !handshaking {
            self.phase = Phase::Ready { peer_finished: false, finished: false };
        }
    }

    /// Fails the session for an error of rustls, whose alert has been queued.
    fn fail_by(&mut self, error: &rustls::Error) -> TlsError {
        if let rustls::Error::AlertReceived(description) = error {
            let error = TlsError::AlertReceived(Alert(u8::from(*description)));
            return self.fail_with(error);
        }
        let sealed_len = self.sealed.len();
        let is_handshaking = self.phase == Phase::Handshaking;
        if let Phase::Ready { finished: true, .. } = self.phase {
            return self.fail(cause_of(error, is_handshaking), None);
        }
        match &mut self.side {
            Side::Client(client) => drain_alerts(&mut **client, &mut self.sealed),
            Side::Server(server) => drain_alerts(&mut **server, &mut self.sealed),
            Side::Greeting(_) | Side::Broken => {}
        }
        let queued = self.sealed.filled().get(sealed_len..).unwrap_or(&[]);
        let cause = cause_of(error, is_handshaking);
        let alert = alert_of(queued, error);
        self.fail(cause, alert)
    }

    fn fail(&mut self, cause: TlsCause, alert: Option<Alert>) -> TlsError {
        self.fail_with(TlsError::Refused { cause, alert })
    }

    fn fail_with(&mut self, error: TlsError) -> TlsError {
        self.phase = Phase::Failed { error, was_ready: self.is_ready() };
        self.ciphertext.clear();
        error
    }
}

impl fmt::Debug for TlsSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsSession")
            .field("phase", &self.phase)
            .field("ciphertext", &self.ciphertext)
            .field("sealed", &self.sealed)
            .finish_non_exhaustive()
    }
}
