use core::time::Duration;

use crate::limits::DATAGRAM_LEN_MAX;

/// Which datagram is dropped when the queue of received ones is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// Those that have waited longest, for protocols in which new values replace old ones.
    DropOldest,
    /// The one that has just come.
    DropNewest,
}

/// How many datagrams one source may send: a token bucket, and a pause that ends loops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceRate {
    /// Datagrams in a second, in the long run. 0 counts as 1. Default 10,000.
    pub per_second: u32,
    /// Datagrams at once. 0 counts as 1. Default 10,000.
    pub burst: u32,
    /// Datagrams in a row, which is without a silence of [`pause`](Self::pause) between, before the
    /// source must pause. 0 counts as 1. Default 100,000.
    pub row_max: u32,
    /// How long nothing is taken from a source that must pause. What two servers send each other
    /// in a loop dies in it, if its way round takes less. Default 2 s.
    pub pause: Duration,
}

/// The bounds of one datagram endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DatagramLimits {
    /// Longest datagram that is taken, and sent, in bytes. At most [`DATAGRAM_LEN_MAX`], which is
    /// the default.
    pub datagram_len_max: usize,
    /// Received datagrams that may wait. 0 counts as 1. Default 1,024.
    pub receive_datagrams_max: usize,
    /// Bytes of received datagrams that may wait; counts as at least
    /// [`datagram_len_max`](Self::datagram_len_max). Default 1 MiB.
    pub receive_len_max: usize,
    /// What is dropped when more comes. Default the newest.
    pub overflow: Overflow,
    /// Datagrams that may wait to be sent. 0 counts as 1. Default 1,024.
    pub transmit_datagrams_max: usize,
    /// Bytes of datagrams that may wait to be sent; counts as at least
    /// [`datagram_len_max`](Self::datagram_len_max). Default 1 MiB.
    pub transmit_len_max: usize,
    /// What one source may send. Default [`SourceRate::new`]; `None` is without a limit.
    pub source_rate: Option<SourceRate>,
    /// Sources that are told apart, in 16s; those beyond share the rate of one. 0 counts as 1.
    /// Default 4,096.
    pub sources_max: usize,
    /// From closing to the end, when what is still queued is discarded. Against a socket that
    /// takes nothing. Zero expires at once; [`Duration::MAX`] never does. Default 1 s.
    pub flush_timeout: Duration,
}

impl SourceRate {
    /// The defaults that the fields name.
    #[must_use]
    pub const fn new() -> Self {
        Self { per_second: 10_000, burst: 10_000, row_max: 100_000, pause: Duration::from_secs(2) }
    }
}

impl Default for SourceRate {
    fn default() -> Self {
        Self::new()
    }
}

impl DatagramLimits {
    /// The defaults that the fields name.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            datagram_len_max: DATAGRAM_LEN_MAX,
            receive_datagrams_max: 1024,
            receive_len_max: 1024 * 1024,
            overflow: Overflow::DropNewest,
            transmit_datagrams_max: 1024,
            transmit_len_max: 1024 * 1024,
            source_rate: Some(SourceRate::new()),
            sources_max: 4096,
            flush_timeout: Duration::from_secs(1),
        }
    }
}

impl Default for DatagramLimits {
    fn default() -> Self {
        Self::new()
    }
}
