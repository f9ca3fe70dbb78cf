use alloc::string::String;
use alloc::vec::Vec;

use super::{Statistics, Visit};
use crate::datagram::DatagramStatistics;
use crate::time::Instant;

/// A server that can be looked into while it runs.
pub trait Observed {
    /// Whether it may be sent more connections.
    fn is_ready(&self) -> bool;

    /// Its counts.
    fn statistics(&self) -> Statistics;

    /// The counts of its datagram listeners, if it has any.
    fn datagrams(&self) -> Option<DatagramStatistics> {
        None
    }

    /// The connections that it has now, in any order.
    fn visits(&self) -> Vec<Visit>;

    /// Whether [`visits`](Self::visits) are its connections. Not where others serve them and do not
    /// tell: no list is then better than an empty one.
    fn lists_visits(&self) -> bool {
        true
    }

    /// Its listeners' addresses, in their order.
    fn listeners(&self) -> Vec<String>;

    /// The time on its clock.
    fn now(&self) -> Instant;

    /// File descriptors that the process has open, if that can be known.
    fn descriptors(&self) -> Option<u64> {
        None
    }
}
