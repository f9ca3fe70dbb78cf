use crate::time::Instant;

/// A request to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Counts requests from 0.
    pub number: u64,
    /// The low half of the number, by which replies name the request.
    pub sequence: u16,
    /// When it is sent.
    pub sent_at: Instant,
}

/// What the driver must do next, or should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a step that is dropped is never given again"]
pub enum PingStep {
    /// Send a request, with the [payload](super::Ping::write_payload) for it.
    Send(Request),
    /// A request has been given up.
    TimedOut {
        /// Which.
        number: u64,
    },
    /// It is over. The last step.
    Finished(End),
}

/// Why a ping is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As many requests as wanted have been sent, and all are settled.
    Count,
    /// The deadline for it all has passed.
    Deadline,
    /// It was [stopped](super::Ping::stop).
    Stopped,
}
