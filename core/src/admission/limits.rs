use core::time::Duration;

/// The shortest pause that accepting ever makes: less would be a spin.
pub const ACCEPT_BACKOFF_MIN: Duration = Duration::from_millis(1);

/// The bounds of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdmissionLimits {
    /// Connections at once. Bounds descriptors and memory. 0 counts as 1. Default 10,000.
    pub connections_max: usize,
    /// Connections at once from one address. Against one peer that takes all. 0 counts as 1.
    /// Default none.
    pub connections_per_address_max: Option<usize>,
    /// The first pause when accepting fails. Counts as at least [`ACCEPT_BACKOFF_MIN`]. Default
    /// 10 ms.
    pub accept_backoff_min: Duration,
    /// The longest pause when accepting fails again and again. A value below the shortest counts
    /// as the shortest. Default 1 s.
    pub accept_backoff_max: Duration,
    /// From the request to end to the beginning of draining, if it was
    /// [`Terminate`](crate::shutdown::Request::Terminate): time for a load balancer to see that the
    /// server is not ready any more. [`Duration::MAX`] has no end. Default zero, none.
    pub drain_pause: Duration,
    /// From the beginning of draining to the end by force. Against peers that never finish.
    /// Zero expires at once; [`Duration::MAX`] never does. Default 10 s.
    pub drain_timeout: Duration,
}

impl AdmissionLimits {
    /// The defaults that the fields name.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            connections_max: 10_000,
            connections_per_address_max: None,
            accept_backoff_min: Duration::from_millis(10),
            accept_backoff_max: Duration::from_secs(1),
            drain_pause: Duration::ZERO,
            drain_timeout: Duration::from_secs(10),
        }
    }
}

impl Default for AdmissionLimits {
    fn default() -> Self {
        Self::new()
    }
}
