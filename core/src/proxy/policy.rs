use core::net::IpAddr;
use core::time::Duration;

use super::Networks;

/// The least that [`ProxyLimits::header_len_max`] can be, in bytes: what fits the smallest segment
/// that every host takes, and so every header without long TLVs.
pub const HEADER_LEN_MIN: usize = 536;

/// The bounds of one header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProxyLimits {
    /// Bytes of a header. Bounds memory. Counts as at least [`HEADER_LEN_MIN`]. Default 4 KiB.
    pub header_len_max: usize,
    /// From the beginning of the stream to the end of its header. Against balancers that connect
    /// and say nothing. The specification asks for at least 3 s, for a segment may be lost. Zero
    /// expires at once; [`Duration::MAX`] never does. Default 5 s.
    pub header_timeout: Duration,
}

impl ProxyLimits {
    /// The defaults that the fields name.
    #[must_use]
    pub const fn new() -> Self {
        Self { header_len_max: 4096, header_timeout: Duration::from_secs(5) }
    }

    pub(super) const fn len_max(&self) -> usize {
        if self.header_len_max < HEADER_LEN_MIN { HEADER_LEN_MIN } else { self.header_len_max }
    }
}

impl Default for ProxyLimits {
    fn default() -> Self {
        Self::new()
    }
}

/// From whom a listener requires a header.
///
/// Those on the list must send one; a stream of theirs that begins otherwise is refused. What the
/// others send is never looked at for one: whoever is not trusted could say to be anybody. They are
/// refused, or served as they are, and then a header that they send is data like any other.
///
/// # Specification
/// proxy-protocol.txt, sections 2 and 5.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyPolicy {
    trusted: Networks,
    others: Others,
    limits: ProxyLimits,
}

/// What becomes of peers that are not trusted to send a header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Others {
    /// They are refused before a byte of them is read.
    #[default]
    Refused,
    /// They are served as themselves, from their first byte on.
    Served,
}

/// What a policy says of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its header must be received first.
    Header,
    /// It is served as it is.
    Plain,
    /// It is refused.
    Refused,
}

impl ProxyPolicy {
    /// Requires headers from `trusted` and refuses the others.
    #[must_use]
    pub const fn new(trusted: Networks) -> Self {
        Self { trusted, others: Others::Refused, limits: ProxyLimits::new() }
    }

    /// Sets what becomes of the others.
    #[must_use]
    pub const fn with_others(mut self, others: Others) -> Self {
        self.others = others;
        self
    }

    /// Sets the limits.
    #[must_use]
    pub const fn with_limits(mut self, limits: ProxyLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Whose headers are required.
    #[must_use]
    pub const fn trusted(&self) -> &Networks {
        &self.trusted
    }

    /// The limits.
    #[must_use]
    pub const fn limits(&self) -> &ProxyLimits {
        &self.limits
    }

    /// What becomes of the peer with this address of the transport; `None` is one over a Unix
    /// socket.
    #[must_use]
    pub fn judge(&self, peer: Option<IpAddr>) -> Verdict {
        match (self.trusted.includes(peer), self.others) {
            (true, _) => Verdict::Header,
            (false, Others::Served) => Verdict::Plain,
            (false, Others::Refused) => Verdict::Refused,
        }
    }
}
