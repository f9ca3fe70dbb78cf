use core::time::Duration;

/// How long it took to connect, part by part, each from the beginning.
///
/// What a driver tells of a connection that it has made. All zero for one that it was handed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// Until the name was resolved; `None` if there was no name to resolve.
    pub resolved: Option<Duration>,
    /// Until the transport was connected.
    pub connected: Duration,
    /// Until the TLS handshake was done; `None` without TLS.
    pub secured: Option<Duration>,
}

impl Timings {
    /// Until the connection was open.
    #[must_use]
    pub fn open(&self) -> Duration {
        self.secured.unwrap_or(self.connected)
    }
}
