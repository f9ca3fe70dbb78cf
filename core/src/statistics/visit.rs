use crate::connection::Stage;
use crate::peer::Peer;
use crate::time::Instant;
use crate::tls::TlsVersion;

/// One connection of a server, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Visit {
    /// Who is at the other end, and by which listener.
    pub peer: Peer,
    /// When it was accepted.
    pub since: Instant,
    /// Bytes that came.
    pub received_len: u64,
    /// Bytes that went.
    pub transmitted_len: u64,
    /// How far it has come.
    pub stage: Stage,
    /// The version of TLS, once there is a session.
    pub tls: Option<TlsVersion>,
}

impl Visit {
    /// A connection that has just been accepted.
    #[must_use]
    pub const fn new(peer: Peer, since: Instant) -> Self {
        let (received_len, transmitted_len) = (0, 0);
        Self { peer, since, received_len, transmitted_len, stage: Stage::Opening, tls: None }
    }
}
