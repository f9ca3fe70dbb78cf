//! What is counted apart.

use crate::connection::CloseKind;
use crate::kinds::kinds;
use crate::tls::TlsVersion;

kinds! {
    /// Why a connection was accepted from the system and turned away.
    RefusalKind {
        /// As many connections as the server may have.
        Connections => "connections",
        /// As many connections as one address may have.
        ConnectionsPerAddress => "connections_per_address",
        /// The server is being ended by force.
        Ending => "ending",
        /// No thread or task for it.
        Resources => "resources",
        /// Not among those that the listener trusts.
        Untrusted => "untrusted",
    }
}

kinds! {
    /// What came of a TLS handshake.
    HandshakeKind {
        /// A session of TLS 1.2.
        Tls12 => "tls12",
        /// A session of TLS 1.3.
        Tls13 => "tls13",
        /// The session failed: no version, suite or certificate in common, or bytes that are no
        /// TLS.
        Failed => "failed",
        /// It was not done in time.
        TimedOut => "timed_out",
        /// The connection ended in the middle of it, without a failure.
        Abandoned => "abandoned",
    }
}

impl HandshakeKind {
    /// The version that was agreed on, if one was.
    #[must_use]
    pub const fn version(self) -> Option<TlsVersion> {
        match self {
            Self::Tls12 => Some(TlsVersion::Tls12),
            Self::Tls13 => Some(TlsVersion::Tls13),
            Self::Failed | Self::TimedOut | Self::Abandoned => None,
        }
    }
}

impl From<TlsVersion> for HandshakeKind {
    fn from(version: TlsVersion) -> Self {
        match version {
            TlsVersion::Tls12 => Self::Tls12,
            TlsVersion::Tls13 => Self::Tls13,
        }
    }
}

/// What became of a handshake that was not done when its connection ended.
impl From<CloseKind> for HandshakeKind {
    fn from(kind: CloseKind) -> Self {
        match kind {
            CloseKind::TlsError => Self::Failed,
            CloseKind::TimedOut => Self::TimedOut,
            _ => Self::Abandoned,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::Refusal;
    use crate::error::LimitExceeded;

    #[test]
    fn everything_that_happens_is_of_a_kind() {
        for (refusal, kind) in [
            (Refusal::Ending, RefusalKind::Ending),
            (Refusal::Untrusted, RefusalKind::Untrusted),
            (Refusal::Limit(LimitExceeded::Connections { max: 1 }), RefusalKind::Connections),
            (
                Refusal::Limit(LimitExceeded::ConnectionsPerAddress { max: 1 }),
                RefusalKind::ConnectionsPerAddress,
            ),
        ] {
            assert_eq!(RefusalKind::from(refusal), kind);
        }
        for (close, kind) in [
            (CloseKind::TlsError, HandshakeKind::Failed),
            (CloseKind::TimedOut, HandshakeKind::TimedOut),
            (CloseKind::Truncated, HandshakeKind::Abandoned),
            (CloseKind::Reset, HandshakeKind::Abandoned),
        ] {
            assert_eq!(HandshakeKind::from(close), kind);
            assert_eq!(kind.version(), None);
        }
        for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
            assert_eq!(HandshakeKind::from(version).version(), Some(version));
        }
        for (index, kind) in RefusalKind::ALL.iter().enumerate() {
            assert_eq!((kind.index(), kind.name()), (index, &*alloc::format!("{kind}")));
        }
        for (index, kind) in HandshakeKind::ALL.iter().enumerate() {
            assert_eq!((kind.index(), kind.name()), (index, &*alloc::format!("{kind}")));
        }
    }
}
