use core::time::Duration;

use crate::limits::DATAGRAM_LEN_MAX;

/// The bounds of requests.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestLimits {
    /// Longest request and reply, in bytes. At most [`DATAGRAM_LEN_MAX`], which is the default.
    pub datagram_len_max: usize,
    /// Requests at once. 0 counts as 1. Default 64.
    pub requests_max: usize,
    /// How long the first attempt is waited for; each further one twice as long. Default 500 ms.
    pub retry_timeout: Duration,
    /// The longest wait for an attempt. A value below the first counts as the first. Default 4 s.
    pub retry_timeout_max: Duration,
    /// How often a request is sent at most. 0 counts as 1. Default 5.
    pub attempts_max: u32,
    /// From the request to its end, however many attempts are left. Default 10 s.
    pub request_timeout: Duration,
}

impl RequestLimits {
    /// The defaults that the fields name.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            datagram_len_max: DATAGRAM_LEN_MAX,
            requests_max: 64,
            retry_timeout: Duration::from_millis(500),
            retry_timeout_max: Duration::from_secs(4),
            attempts_max: 5,
            request_timeout: Duration::from_secs(10),
        }
    }
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self::new()
    }
}
