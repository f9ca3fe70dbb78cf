//! What lies between the transport and the plaintext: nothing, or a TLS session.

use crate::buffer::{Buffer, Pool};
#[cfg(feature = "tls")]
use crate::tls::TlsSession;
use crate::tls::{Negotiated, TlsError, TlsVersion};

#[cfg(feature = "tls")]
use alloc::boxed::Box;

/// The way from and to the transport.
pub(super) enum Wire {
    Plain,
    #[cfg(feature = "tls")]
    Tls(Box<TlsSession>),
}

/// How the peer's plaintext stream stands, as far as the wire knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inflow {
    /// More may come.
    Open,
    /// It ended as it should: end of stream, with TLS close_notify.
    Finished,
    /// It ended without close_notify, during or after the handshake.
    #[cfg_attr(
        not(any(feature = "record", feature = "tls")),
        expect(dead_code, reason = "plain streams just end")
    )]
    Cut,
    /// The session failed.
    Failed(TlsError),
}

#[cfg_attr(
    not(feature = "tls"),
    expect(clippy::needless_pass_by_ref_mut, reason = "the session needs it, plain does not")
)]
impl Wire {
    /// Whether plaintext may flow.
    pub(super) fn is_ready(&self) -> bool {
        match self {
            Self::Plain => true,
            #[cfg(feature = "tls")]
            Self::Tls(session) => session.is_ready(),
        }
    }

    /// What the handshake agreed on; nothing when plain.
    pub(super) fn negotiated(&self) -> Option<Negotiated> {
        match self {
            Self::Plain => None,
            #[cfg(feature = "tls")]
            Self::Tls(session) => session.negotiated(),
        }
    }

    /// The version of TLS that the handshake agreed on; none when plain.
    pub(super) fn tls_version(&self) -> Option<TlsVersion> {
        match self {
            Self::Plain => None,
            #[cfg(feature = "tls")]
            Self::Tls(session) => session.version(),
        }
    }

    /// Room for bytes of the transport. `plaintext` must have spare room when plain.
    pub(super) fn receive_buffer<'a>(&'a mut self, plaintext: &'a mut Buffer) -> &'a mut [u8] {
        match self {
            Self::Plain => plaintext.spare_mut(),
            #[cfg(feature = "tls")]
            Self::Tls(session) => session.receive_buffer(),
        }
    }

    /// Takes `len` bytes that were written to the room into account.
    pub(super) fn received(&mut self, len: usize, plaintext: &mut Buffer) -> Inflow {
        match self {
            Self::Plain => {
                plaintext.commit(len);
                Inflow::Open
            }
            #[cfg(feature = "tls")]
            Self::Tls(session) => match session.received(len, plaintext) {
                Err(error) => Inflow::Failed(error),
                Ok(()) if session.is_peer_finished() => Inflow::Finished,
                Ok(()) => Inflow::Open,
            },
        }
    }

    /// What the end of the transport's stream means for the plaintext.
    pub(super) fn received_eof(&mut self) -> Inflow {
        match self {
            Self::Plain => Inflow::Finished,
            #[cfg(feature = "tls")]
            Self::Tls(session) if session.is_peer_finished() => Inflow::Finished,
            #[cfg(feature = "tls")]
            Self::Tls(_) => Inflow::Cut,
        }
    }

    /// Seals what is staged, as far as the transport should get it next. `finishing` asks for a
    /// close_notify after the last of it.
    pub(super) fn seal(
        &mut self,
        staged: &mut Buffer,
        finishing: bool,
        plaintext: &mut Buffer,
    ) -> Result<(), TlsError> {
        let _ = (&staged, finishing, &plaintext);
        match self {
            Self::Plain => Ok(()),
            #[cfg(feature = "tls")]
            Self::Tls(session) => session.seal(staged, finishing, plaintext),
        }
    }

    /// Seals the front of `plaintext` without staging it, if that is what would leave next, and
    /// returns how many bytes. Nothing must be staged.
    #[inline]
    pub(super) fn seal_front(&mut self, plaintext: &[u8]) -> usize {
        let _ = plaintext;
        match self {
            Self::Plain => 0,
            #[cfg(feature = "tls")]
            Self::Tls(session) => session.seal_front(plaintext),
        }
    }

    /// Bytes for the transport: `staged` itself, or the records sealed from it.
    pub(super) fn offer<'a>(&'a self, staged: &'a Buffer) -> &'a [u8] {
        match self {
            Self::Plain => staged.filled(),
            #[cfg(feature = "tls")]
            Self::Tls(session) => session.sealed(),
        }
    }

    pub(super) fn transmitted(&mut self, len: usize, staged: &mut Buffer) {
        match self {
            Self::Plain => staged.consume(len),
            #[cfg(feature = "tls")]
            Self::Tls(session) => session.transmitted(len),
        }
    }

    /// Drops what was sealed and not transmitted.
    pub(super) fn drop_sealed(&mut self) {
        match self {
            Self::Plain => {}
            #[cfg(feature = "tls")]
            Self::Tls(session) => session.drop_sealed(),
        }
    }

    /// Bytes that are queued in all.
    #[inline]
    pub(super) fn queued_len(&self, staged: &Buffer) -> usize {
        match self {
            Self::Plain => staged.len(),
            #[cfg(feature = "tls")]
            Self::Tls(session) => staged.len() + session.sealed().len(),
        }
    }

    /// Whether there is anything to seal or to offer.
    pub(super) fn wants_write(&self, staged: &Buffer, finishing: bool) -> bool {
        let _ = finishing;
        match self {
            Self::Plain => !staged.is_empty(),
            #[cfg(feature = "tls")]
            Self::Tls(session) => session.wants_write(!staged.is_empty(), finishing),
        }
    }

    /// Whether what is queued now will be sealed: the session is there and not over.
    #[inline]
    pub(super) fn is_taking(&self) -> bool {
        match self {
            Self::Plain => true,
            #[cfg(feature = "tls")]
            Self::Tls(session) => session.is_taking(),
        }
    }

    /// Whether the session has failed, so that nothing can be sealed any more.
    pub(super) fn is_failed(&self) -> bool {
        match self {
            Self::Plain => false,
            #[cfg(feature = "tls")]
            Self::Tls(session) => session.is_failed(),
        }
    }

    /// Whether the session's close_notify is sealed, behind which nothing can be.
    pub(super) fn is_finished(&self) -> bool {
        match self {
            Self::Plain => false,
            #[cfg(feature = "tls")]
            Self::Tls(session) => session.is_finished(),
        }
    }

    /// Whether part of a record or handshake message is held.
    pub(super) fn is_mid_record(&self) -> bool {
        match self {
            Self::Plain => false,
            #[cfg(feature = "tls")]
            Self::Tls(session) => session.is_mid_record(),
        }
    }

    /// Asks for new traffic keys. Returns whether the session can.
    pub(super) fn refresh_keys(&mut self, plaintext: &mut Buffer) -> Result<bool, TlsError> {
        let _ = &plaintext;
        match self {
            Self::Plain => Ok(false),
            #[cfg(feature = "tls")]
            Self::Tls(session) => session.refresh_keys(plaintext),
        }
    }

    pub(super) fn lease(&mut self, pool: &mut Pool) {
        let _ = &pool;
        match self {
            Self::Plain => {}
            #[cfg(feature = "tls")]
            Self::Tls(session) => session.lease(pool),
        }
    }

    pub(super) fn settle(&mut self, pool: &mut Pool) {
        let _ = &pool;
        match self {
            Self::Plain => {}
            #[cfg(feature = "tls")]
            Self::Tls(session) => session.settle(pool),
        }
    }

    /// Bytes that the session's own buffers take.
    pub(super) fn memory_len(&self) -> usize {
        match self {
            Self::Plain => 0,
            #[cfg(feature = "tls")]
            Self::Tls(session) => session.memory_len(),
        }
    }

    /// The most that [`memory_len`](Self::memory_len) can be.
    pub(super) fn memory_len_max(&self) -> usize {
        match self {
            Self::Plain => 0,
            #[cfg(feature = "tls")]
            Self::Tls(_) => TlsSession::memory_len_max(),
        }
    }
}
