use core::fmt;

use crate::time::Instant;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// All nodes are closed.
    AllClosed,
    /// What was waited for has come about.
    Done,
    /// Nodes are open, and nothing will ever happen.
    Quiet,
    /// The time has come at which it was to [end](super::Sim::ending_at).
    TimeUp,
}

/// A run would take more than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overrun {
    /// There were as many events as may be.
    Events {
        /// The limit.
        max: u64,
    },
    /// A node was worked on again and again while time stood still.
    Spin {
        /// Its number.
        node: usize,
        /// When.
        at: Instant,
        /// How often.
        rounds: u32,
    },
    /// What comes next is later than the run may last.
    Time {
        /// The limit.
        max: Instant,
    },
}

impl fmt::Display for Overrun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Events { max } => write!(f, "no end after {max} events"),
            Self::Spin { node, at, rounds } => {
                write!(f, "node {node} was worked on {rounds} times at {at} without an end")
            }
            Self::Time { max } => write!(f, "no end after {max} of virtual time"),
        }
    }
}

impl core::error::Error for Overrun {}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn overruns_say_what_was_exceeded() {
        let at = Instant::from_nanos(2_000_000_000);
        for (overrun, expected) in [
            (Overrun::Events { max: 7 }, "no end after 7 events"),
            (Overrun::Time { max: at }, "no end after 2s of virtual time"),
            (
                Overrun::Spin { node: 3, at, rounds: 5 },
                "node 3 was worked on 5 times at 2s without an end",
            ),
        ] {
            assert_eq!(overrun.to_string(), expected);
        }
    }
}
