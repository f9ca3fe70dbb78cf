use core::time::Duration;

/// What a [`Load`](super::Load) asks for, and how long.
///
/// Times of [`Duration::MAX`] never pass.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadOptions {
    /// Connections at once. 0 counts as 1. Default 1.
    pub connections: usize,
    /// Requests in flight on each. 0 counts as 1. Default 1.
    pub in_flight_max: usize,
    /// Length of a request, in bytes. 0 counts as 1. Default 64.
    pub request_len: usize,
    /// When a request is due. Default [`Pace::Closed`].
    pub pace: Pace,
    /// Each request has a connection of its own, which is closed after the answer. What it takes to
    /// connect is part of the latency. Default false.
    pub connects: bool,
    /// What is asked at first is not counted: connections are made, caches filled. Default 0.
    pub warm_up: Duration,
    /// How long is counted after that. Default never over.
    pub duration: Duration,
    /// Requests that are counted; asking is over once they are answered. Default no end.
    pub requests_max: Option<u64>,
    /// How long answers are waited for once asking is over. Default 5 s.
    pub timeout: Duration,
    /// From when anything was last heard until a connection that failed is made again. 0 counts as
    /// 1 ns. Default 100 ms.
    pub pause: Duration,
}

/// When a request is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pace {
    /// When an earlier one was answered: as fast as the peer is. A peer that stalls is asked less,
    /// so that few requests tell of the stall.
    Closed,
    /// So many in a second, evenly over all connections, whatever the peer does. A request that
    /// cannot be sent in time, because as many as may be are in flight, is sent late, and its latency
    /// counts from when it was due: nothing is omitted that a stall has kept from being asked.
    Open {
        /// Requests in a second, over all connections. 0 counts as 1.
        rate: u64,
    },
}

impl LoadOptions {
    /// The defaults that the fields name.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            connections: 1,
            in_flight_max: 1,
            request_len: 64,
            pace: Pace::Closed,
            connects: false,
            warm_up: Duration::ZERO,
            duration: Duration::MAX,
            requests_max: None,
            timeout: Duration::from_secs(5),
            pause: Duration::from_millis(100),
        }
    }

    /// Those in which 0 has no meaning, with 1 for it.
    pub(super) fn sensible(mut self) -> Self {
        self.connections = self.connections.max(1);
        self.in_flight_max = if self.connects { 1 } else { self.in_flight_max.max(1) };
        self.request_len = self.request_len.max(1);
        self.pause = self.pause.max(Duration::from_nanos(1));
        if let Pace::Open { rate } = &mut self.pace {
            *rate = (*rate).max(1);
        }
        self
    }
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self::new()
    }
}
