//! Look: what a session's handshake agreed on.

use rustls::{HandshakeKind, ProtocolVersion};

use super::{Negotiated, TlsSession, TlsVersion};

impl TlsSession {
    /// The version, once the handshake is done.
    pub(crate) fn version(&self) -> Option<TlsVersion> {
        if !self.is_ready() {
            return None;
        }
        Some(match self.common()?.protocol_version()? {
            ProtocolVersion::TLSv1_2 => TlsVersion::Tls12,
            _ => TlsVersion::Tls13,
        })
    }

    /// What the handshake agreed on, once it is done.
    pub(crate) fn negotiated(&self) -> Option<Negotiated> {
        let common = self.common()?;
        let suite = common.negotiated_cipher_suite()?.suite();
        Some(Negotiated {
            version: self.version()?,
            suite: suite.into(),
            suite_name: suite.as_str().unwrap_or("unknown"),
            alpn: common.alpn_protocol().map(Into::into),
            server_name: self.server_name.clone(),
            peer_certificates: common
                .peer_certificates()
                .unwrap_or_default()
                .iter()
                .map(|certificate| certificate.as_ref().into())
                .collect(),
            resumed: common.handshake_kind() == Some(HandshakeKind::Resumed),
        })
    }
}
