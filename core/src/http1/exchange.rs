//! Whose turn it is: requests, their answers, and what follows them.
//!
//! ```text
//! server   Rest ──request──► Due ──response──► Message ──End──► Rest │ Tunnel │ Over
//! client   Rest ──request──► Message ──End──► Rest │ AwaitingAnswer ──response──► Rest │ Tunnel
//!                  any ──response that closes, when it has ended──► Over
//! ```

use super::announced::Announced;
use super::frame::Version;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Client,
    Server,
}

/// What we may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sending {
    /// A client: a request. A server: nothing, for there is nothing to answer; or, if none was
    /// being read, an error.
    Rest,
    /// A server: the answer.
    Due(Asked),
    /// The rest of the message whose head was sent.
    Message { body: Outgoing, then: Then },
    /// A client: nothing before the answer to a request behind which the protocol may change.
    AwaitingAnswer,
    /// Bytes of no message.
    Tunnel,
    /// Nothing: all is said.
    Over,
}

/// What follows the message that is being sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Rest,
    AwaitingAnswer,
    Tunnel,
}

/// What is still to be sent of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outgoing {
    /// So many bytes, perhaps none.
    Length {
        left: u64,
    },
    Chunked,
    UntilClose,
    /// Nothing: its trailers were sent.
    Trailed,
}

impl Outgoing {
    pub(super) const NONE: Self = Self::Length { left: 0 };
}

/// Whether another exchange may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Persistence {
    Persistent,
    /// One side has said that the connection ends.
    Ending,
}

/// What a method means to the framing of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Head,
    Connect,
    Other,
}

impl Kind {
    pub(super) fn of(method: &str) -> Self {
        match method {
            "HEAD" => Self::Head,
            "CONNECT" => Self::Connect,
            _ => Self::Other,
        }
    }

    /// Whether a final response has no body, whatever its fields say (RFC 9112, section 6.3).
    pub(super) const fn is_bodiless(self, status: u16) -> bool {
        matches!(self, Self::Head) || matches!(status, 304) || self.is_unannounced(status)
    }

    /// Whether a response may not even announce a body.
    pub(super) const fn is_unannounced(self, status: u16) -> bool {
        matches!(status, 100..=199 | 204) || self.is_tunnel(status)
    }

    /// Whether the response to a CONNECT opens the tunnel.
    pub(super) const fn is_tunnel(self, status: u16) -> bool {
        matches!(self, Self::Connect) && matches!(status, 200..=299)
    }
}

/// What a server must know of the request that it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) version: Version,
    pub(super) kind: Kind,
    pub(super) offer: Offer,
    pub(super) persistence: Persistence,
    pub(super) expectation: Expectation,
}

/// Whether a request offers to change protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    None,
    Upgrade,
}

/// Whether the client waits before it sends its body (RFC 9110, section 10.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expectation {
    /// It does not, or no longer.
    None,
    /// For a response of 100, or some time.
    Continue,
}

impl Asked {
    /// In place of a request that was not understood, or never came.
    pub(super) const NOTHING: Self = Self {
        version: Version::Http11,
        kind: Kind::Other,
        offer: Offer::None,
        persistence: Persistence::Ending,
        expectation: Expectation::None,
    };

    pub(super) fn new(kind: Kind, version: Version, announced: &Announced) -> Self {
        let is_persistent = announced.is_persistent(version);
        let offers = announced.offers_upgrade(version);
        let expects = announced.expects_continue && version == Version::Http11;
        Self {
            version,
            kind,
            offer: if offers { Offer::Upgrade } else { Offer::None },
            persistence: if is_persistent { Persistence::Persistent } else { Persistence::Ending },
            expectation: if expects { Expectation::Continue } else { Expectation::None },
        }
    }
}

/// The requests of a client that have no final response yet, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outstanding {
    /// Bit n: request n, counted from the oldest, is a HEAD.
    heads: u64,
    /// The same for CONNECT.
    connects: u64,
    len: u8,
}

impl Outstanding {
    pub(super) const MAX: u8 = 64;
    pub(super) const EMPTY: Self = Self { heads: 0, connects: 0, len: 0 };

    pub(super) const fn len(&self) -> u8 {
        self.len
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) const fn is_full(&self) -> bool {
        self.len >= Self::MAX
    }

    /// Adds a request; the queue must not be full.
    pub(super) fn push(&mut self, kind: Kind) {
        debug_assert!(!self.is_full());
        let bit = 1_u64.checked_shl(self.len.into()).unwrap_or(0);
        match kind {
            Kind::Head => self.heads |= bit,
            Kind::Connect => self.connects |= bit,
            Kind::Other => {}
        }
        self.len = self.len.saturating_add(1).min(Self::MAX);
    }

    /// The oldest request.
    pub(super) const fn first(&self) -> Option<Kind> {
        if self.len == 0 {
            None
        } else if self.heads & 1 == 1 {
            Some(Kind::Head)
        } else if self.connects & 1 == 1 {
            Some(Kind::Connect)
        } else {
            Some(Kind::Other)
        }
    }

    /// Forgets the oldest request.
    pub(super) const fn pop(&mut self) {
        self.heads >>= 1;
        self.connects >>= 1;
        self.len = self.len.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_answered_in_order() {
        let kind = |at: u8| match at % 3 {
            0 => Kind::Head,
            1 => Kind::Other,
            _ => Kind::Connect,
        };
        let mut outstanding = Outstanding::EMPTY;
        for at in 0..Outstanding::MAX {
            assert!(!outstanding.is_full());
            outstanding.push(kind(at));
        }
        assert!(outstanding.is_full());
        for at in 0..Outstanding::MAX {
            assert_eq!(outstanding.first(), Some(kind(at)));
            outstanding.pop();
            outstanding.push(Kind::Head);
        }
        for _ in 0..Outstanding::MAX {
            assert_eq!(outstanding.first(), Some(Kind::Head));
            outstanding.pop();
        }
        assert_eq!((outstanding.first(), outstanding.len()), (None, 0));
    }
}
