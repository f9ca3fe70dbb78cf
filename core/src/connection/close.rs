//! How a conversation ends.

use core::fmt;

use super::timers::Timer;
use crate::error::{Error, Fault, LimitExceeded, RemoteError};
use crate::kinds::kinds;

/// Why a connection is over. Every end is one of these, and none of them looks like another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// We gave up and discarded what was queued.
    Aborted,
    /// We closed; everything queued was transmitted and the peer then finished too.
    Closed,
    /// A limit, the protocol on either side, or the TLS session failed.
    Failed(Error),
    /// The peer finished, then we did. With TLS both sent close_notify.
    Finished,
    /// We closed and everything queued was transmitted, but the peer did not finish in time.
    LingerExpired,
    /// The peer reset the connection.
    Reset,
    /// The driver stopped serving.
    Stopped,
    /// A deadline passed.
    TimedOut(Timer),
    /// The transport failed in another way than by a reset.
    Transport(Fault),
    /// The peer stopped in the middle.
    Truncated(Truncation),
}

/// In the middle of what the stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Truncation {
    /// A frame.
    Frame {
        /// Bytes of it that were there.
        len: usize,
    },
    /// The TLS handshake.
    Handshake,
    /// The PROXY header that the stream must begin with.
    ProxyHeader {
        /// Bytes of it that were there.
        len: usize,
    },
    /// The TLS session: no close_notify came (RFC 8446, section 6.1). What came before may be all
    /// that the peer sent, or somebody cut the connection.
    Session,
}

impl CloseReason {
    /// The reason without its numbers, to count by.
    #[must_use]
    pub const fn kind(&self) -> CloseKind {
        match self {
            Self::Aborted => CloseKind::Aborted,
            Self::Closed => CloseKind::Closed,
            Self::Failed(Error::Limit(_) | Error::Untrusted) => CloseKind::Refused,
            Self::Failed(Error::Local(_)) => CloseKind::LocalError,
            Self::Failed(Error::Remote(_)) => CloseKind::RemoteError,
            Self::Failed(Error::Tls(_)) => CloseKind::TlsError,
            Self::Finished => CloseKind::Finished,
            Self::LingerExpired => CloseKind::LingerExpired,
            Self::Reset => CloseKind::Reset,
            Self::Stopped => CloseKind::Stopped,
            Self::TimedOut(_) => CloseKind::TimedOut,
            Self::Transport(_) => CloseKind::TransportFailed,
            Self::Truncated(_) => CloseKind::Truncated,
        }
    }

    /// Whether both sides ended as they should: [`Self::Finished`] or [`Self::Closed`].
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        matches!(self, Self::Finished | Self::Closed)
    }

    /// The status with which a server of HTTP should answer before the connection closes, if an
    /// answer makes sense.
    ///
    /// # Specification
    /// RFC 9110, section 15.5; RFC 6585, section 5.
    #[must_use]
    pub const fn http_status(&self) -> Option<u16> {
        match self {
            Self::Failed(Error::Remote(RemoteError::Http(violation))) => Some(violation.status()),
            Self::Failed(Error::Limit(LimitExceeded::Http { part, .. })) => Some(part.status()),
            Self::TimedOut(Timer::Frame) => Some(408),
            _ => None,
        }
    }

    /// Whether a later failure of the transport says more than this reason does: true where the
    /// reason only promises that all will be well.
    const fn yields_to_failure(&self) -> bool {
        matches!(self, Self::Finished | Self::Closed)
    }

    /// The reason to report when `later` ends a connection that was closing for `self`.
    pub(super) fn superseded_by(self, later: Self) -> Self {
        if self.yields_to_failure() { later } else { self }
    }
}

kinds! {
    /// A [`CloseReason`] without its numbers: what statistics count by.
    CloseKind {
        /// [`CloseReason::Finished`].
        Finished => "finished",
        /// [`CloseReason::Closed`].
        Closed => "closed",
        /// [`CloseReason::LingerExpired`].
        LingerExpired => "linger_expired",
        /// [`CloseReason::Truncated`].
        Truncated => "truncated",
        /// [`CloseReason::Reset`].
        Reset => "reset",
        /// [`CloseReason::Transport`].
        TransportFailed => "transport_failed",
        /// [`CloseReason::TimedOut`].
        TimedOut => "timed_out",
        /// [`CloseReason::Failed`] by [`Error::Limit`] or [`Error::Untrusted`].
        Refused => "refused",
        /// [`CloseReason::Failed`] by [`Error::Local`].
        LocalError => "local_error",
        /// [`CloseReason::Failed`] by [`Error::Remote`].
        RemoteError => "remote_error",
        /// [`CloseReason::Failed`] by [`Error::Tls`].
        TlsError => "tls_error",
        /// [`CloseReason::Aborted`].
        Aborted => "aborted",
        /// [`CloseReason::Stopped`].
        Stopped => "stopped",
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aborted => f.write_str("aborted by us"),
            Self::Closed => f.write_str("closed by us, flushed"),
            Self::Failed(error) => error.fmt(f),
            Self::Finished => f.write_str("finished by the peer"),
            Self::LingerExpired => f.write_str("closed by us, the peer did not finish in time"),
            Self::Reset => f.write_str("reset by the peer"),
            Self::Stopped => f.write_str("the driver stopped"),
            Self::TimedOut(timer) => write!(f, "timed out: {timer}"),
            Self::Transport(fault) => fault.fmt(f),
            Self::Truncated(truncation) => truncation.fmt(f),
        }
    }
}

impl fmt::Display for Truncation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame { len } => {
                write!(f, "truncated: the stream ended {len} bytes into a frame")
            }
            Self::Handshake => f.write_str("truncated: the stream ended in the TLS handshake"),
            Self::ProxyHeader { len } => {
                write!(f, "truncated: the stream ended {len} bytes into its PROXY header")
            }
            Self::Session => f.write_str("truncated: the stream ended without a TLS close_notify"),
        }
    }
}

impl core::error::Error for CloseReason {}
