use core::time::Duration;

/// Most requests that a [`Ping`](super::Ping) remembers, answered or not: half of what sequence
/// numbers tell apart.
pub const REMEMBERED_MAX: usize = 32_768;

/// What a [`Ping`](super::Ping) asks and how long it waits.
///
/// Times of [`Duration::MAX`] never pass.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PingOptions {
    /// From one request to the next. 0 counts as 1 ns. Default 1 s.
    pub interval: Duration,
    /// Requests in all; `None` for no end. Default none.
    pub count: Option<u64>,
    /// From the beginning to the end of it all, whatever is still in flight. Default never.
    pub deadline: Duration,
    /// From a request to its giving up. A reply that comes later is counted apart. Default 5 s.
    pub timeout: Duration,
    /// Length of the payload, in bytes. The first 16 hold the number and the time of the request,
    /// as many of them as there are. Default 56.
    pub payload_len: usize,
    /// Requests in flight at once; when there are as many, the next one waits. 0 counts as 1, and
    /// more than [`REMEMBERED_MAX`] as that. Default 1,024.
    pub in_flight_max: usize,
    /// A number that others do not have and cannot guess, by which the payload is told from
    /// theirs. The core has no randomness; take it from the system. Default 0.
    pub nonce: u64,
}

impl PingOptions {
    /// The defaults that the fields name.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            interval: Duration::from_secs(1),
            count: None,
            deadline: Duration::MAX,
            timeout: Duration::from_secs(5),
            payload_len: 56,
            in_flight_max: 1024,
            nonce: 0,
        }
    }
}

impl Default for PingOptions {
    fn default() -> Self {
        Self::new()
    }
}
