use super::Distribution;

/// What became of the requests of a [`Ping`](super::Ping).
///
/// Of those sent, each is received, timed out or failed once, or still in flight.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PingStatistics {
    /// Requests that were sent, or tried to.
    pub sent: u64,
    /// Those that were answered in time.
    pub received: u64,
    /// Those that were given up.
    pub timed_out: u64,
    /// Those of which it was said that they did not arrive, or that could not be sent.
    pub failed: u64,
    /// Replies to requests that were answered before.
    pub duplicates: u64,
    /// Replies to requests that had been given up or had failed. These stay timed out or failed,
    /// and their round trips are in no figure.
    pub late: u64,
    /// Those received after a request that was sent later.
    ///
    /// # Specification
    /// RFC 4737, section 3.3, by the order of requests.
    pub reordered: u64,
    /// Replies to nothing that is remembered, or with another payload than was sent.
    pub foreign: u64,
    /// From request to reply, of those received.
    pub round_trip: Distribution,
    /// Of those, from the beginning to the connection, where there is one.
    pub connect: Distribution,
    /// From there to the end of the TLS handshake, where there is one.
    pub handshake: Distribution,
    /// From there to the echo, where there is one before.
    pub echo: Distribution,
}

impl PingStatistics {
    /// Whether anything came back at all, in time or late.
    #[must_use]
    pub const fn has_reply(&self) -> bool {
        self.received > 0 || self.late > 0
    }
}
