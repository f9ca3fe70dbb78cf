use core::net::SocketAddr;
use core::time::Duration;

/// Shortest time between two attempts.
///
/// # Specification
/// RFC 8305, section 5.
pub const ATTEMPT_DELAY_MIN: Duration = Duration::from_millis(10);

/// Longest time between two attempts.
///
/// # Specification
/// RFC 8305, section 5.
pub const ATTEMPT_DELAY_MAX: Duration = Duration::from_secs(2);

/// The bounds of one [`Connector`](super::Connector).
///
/// Times of zero expire at once; [`Duration::MAX`] never does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectorLimits {
    /// From one attempt to the next while none fails. Counts as at least [`ATTEMPT_DELAY_MIN`]
    /// and at most [`ATTEMPT_DELAY_MAX`]. Default 250 ms.
    pub attempt_delay: Duration,
    /// From the first address of the other family to the first attempt, while addresses of the
    /// preferred family may still come. Default 50 ms.
    pub resolution_delay: Duration,
    /// From the beginning to the end of it all. Against names that do not resolve and peers that
    /// do not answer. Default 30 s.
    pub connect_timeout: Duration,
    /// Different addresses that are taken; more are [counted](super::Connector::addresses_ignored) and
    /// otherwise ignored. Against a name server that sends thousands. 0 counts as 1. Default 64.
    pub addresses_max: usize,
    /// Attempts in flight at once; when there are as many, the next one waits until one fails.
    /// Bounds the descriptors. 0 counts as 1. Default 16.
    pub attempts_max: usize,
    /// Addresses of the preferred family that are tried before the families alternate. 0 counts
    /// as 1. Default 1.
    pub first_family_count: usize,
    /// The family that is tried first. Default IPv6.
    pub preferred_family: Family,
}

impl ConnectorLimits {
    /// The defaults that the fields name.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            attempt_delay: Duration::from_millis(250),
            resolution_delay: Duration::from_millis(50),
            connect_timeout: Duration::from_secs(30),
            addresses_max: 64,
            attempts_max: 16,
            first_family_count: 1,
            preferred_family: Family::V6,
        }
    }
}

impl Default for ConnectorLimits {
    fn default() -> Self {
        Self::new()
    }
}

/// A family of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of `address`.
    #[must_use]
    pub const fn of(address: &SocketAddr) -> Self {
        match address {
            SocketAddr::V4(_) => Self::V4,
            SocketAddr::V6(_) => Self::V6,
        }
    }

    /// The other family.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::V4 => Self::V6,
            Self::V6 => Self::V4,
        }
    }
}
