//! In which ways each case is run.

use std::fmt;

/// One way to run a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Variant {
    /// Which side the adapter is.
    pub side: Side,
    /// Over a Unix socket, else over TCP.
    pub is_unix: bool,
    /// Within TLS, else plain.
    pub is_tls: bool,
}

/// A side of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// It is connected to.
    Server,
    /// It connects.
    Client,
}

impl Variant {
    /// All of them, in the order of the report's columns.
    pub const ALL: &[Self] = {
        const fn variant(side: Side, is_unix: bool, is_tls: bool) -> Variant {
            Variant { side, is_unix, is_tls }
        }
        &[
            variant(Side::Server, false, false),
            variant(Side::Server, false, true),
            variant(Side::Server, true, false),
            variant(Side::Server, true, true),
            variant(Side::Client, false, false),
            variant(Side::Client, false, true),
            variant(Side::Client, true, false),
            variant(Side::Client, true, true),
        ]
    };

    /// The stream's name.
    #[must_use]
    pub const fn stream(self) -> &'static str {
        match (self.is_unix, self.is_tls) {
            (false, false) => "tcp",
            (false, true) => "tls",
            (true, false) => "unix",
            (true, true) => "unix+tls",
        }
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match self.side {
            Side::Server => "server",
            Side::Client => "client",
        };
        write!(f, "{side} {}", self.stream())
    }
}
