use core::time::Duration;

/// The shortest pause before a worker is started again: less would be a spin.
pub const RESTART_BACKOFF_MIN: Duration = Duration::from_millis(1);

/// The bounds of one supervisor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SupervisorLimits {
    /// Workers that serve at once. While they are exchanged there are twice as many. 0 counts as 1.
    /// Default 1.
    pub workers: usize,
    /// From the start of a worker until it is ready; one that is late is killed and counts as one
    /// that could not start. Default 30 s.
    pub ready_timeout: Duration,
    /// The first pause before a worker that has ended is started again. Counts as at least
    /// [`RESTART_BACKOFF_MIN`]. Default 100 ms.
    pub restart_backoff_min: Duration,
    /// The longest pause when it ends again and again. A value below the shortest counts as the
    /// shortest. Default 30 s.
    pub restart_backoff_max: Duration,
    /// How long a worker must have been ready for the pause to begin anew. Default 10 s.
    pub healthy_after: Duration,
    /// Failures to start, one after the other and of every worker, after which there is no hope. 0
    /// counts as 1. Default 5.
    pub start_failures_max: u32,
    /// From the request to end to the beginning of draining; see
    /// [`AdmissionLimits::drain_pause`](crate::admission::AdmissionLimits::drain_pause). Default
    /// zero, none.
    pub drain_pause: Duration,
    /// From the beginning of a worker's draining to its end by force. Default 10 s.
    pub drain_timeout: Duration,
    /// From the order to end by force until a worker that does not obey is killed. Default 5 s.
    pub stop_timeout: Duration,
}

impl SupervisorLimits {
    /// The defaults that the fields name.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            workers: 1,
            ready_timeout: Duration::from_secs(30),
            restart_backoff_min: Duration::from_millis(100),
            restart_backoff_max: Duration::from_secs(30),
            healthy_after: Duration::from_secs(10),
            start_failures_max: 5,
            drain_pause: Duration::ZERO,
            drain_timeout: Duration::from_secs(10),
            stop_timeout: Duration::from_secs(5),
        }
    }
}

impl Default for SupervisorLimits {
    fn default() -> Self {
        Self::new()
    }
}
