use super::{Address, Endpoint, Target};

/// What runs on a socket. With the family of the socket this is a scheme; every pair has a name,
/// so that every [`Address`] can be written.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Stream { tls: bool },
    Datagram,
    Http { tls: bool },
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::Stream { tls: false },
        Self::Stream { tls: true },
        Self::Datagram,
        Self::Http { tls: false },
        Self::Http { tls: true },
    ];

    pub(super) const fn scheme(self, unix: bool) -> &'static str {
        match (self, unix) {
            (Self::Stream { tls: false }, false) => "tcp",
            (Self::Stream { tls: false }, true) => "unix",
            (Self::Stream { tls: true }, false) => "tls",
            (Self::Stream { tls: true }, true) => "tls+unix",
            (Self::Datagram, false) => "udp",
            (Self::Datagram, true) => "unixgram",
            (Self::Http { tls: false }, false) => "http",
            (Self::Http { tls: false }, true) => "http+unix",
            (Self::Http { tls: true }, false) => "https",
            (Self::Http { tls: true }, true) => "https+unix",
        }
    }

    /// The kind and whether the socket is a Unix one.
    pub(super) fn from_scheme(name: &str) -> Option<(Self, bool)> {
        Self::ALL
            .into_iter()
            .flat_map(|kind| [(kind, false), (kind, true)])
            .find(|(kind, unix)| kind.scheme(*unix).eq_ignore_ascii_case(name))
    }

    /// The port that an address may leave out.
    pub(super) const fn default_port(self) -> Option<u16> {
        match self {
            Self::Stream { .. } | Self::Datagram => None,
            Self::Http { tls: false } => Some(80),
            Self::Http { tls: true } => Some(443),
        }
    }

    pub(super) fn address(self, endpoint: Endpoint, target: Option<Target>) -> Address {
        match self {
            Self::Stream { tls } => Address::Stream { endpoint, tls },
            Self::Datagram => Address::Datagram { endpoint },
            Self::Http { tls } => {
                Address::Http { endpoint, tls, target: target.unwrap_or_default() }
            }
        }
    }
}
