//! What a handshake agreed on.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

/// What a TLS handshake agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Negotiated {
    /// The protocol version.
    pub version: TlsVersion,
    /// The cipher suite's number (IANA, TLS Cipher Suites).
    pub suite: u16,
    /// The cipher suite's name, for example `TLS13_AES_256_GCM_SHA384`.
    pub suite_name: &'static str,
    /// The application protocol (RFC 7301), if one was agreed on.
    pub alpn: Option<Box<[u8]>>,
    /// The name that the client asked for (RFC 6066, section 3), on both sides.
    pub server_name: Option<Box<str>>,
    /// The peer's certificates in DER, its own first; empty if it sent none.
    pub peer_certificates: Vec<Box<[u8]>>,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TlsVersion {
    /// RFC 5246.
    Tls12,
    /// RFC 8446.
    Tls13,
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        })
    }
}
