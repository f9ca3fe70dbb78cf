use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;

use crate::error::Fault;

/// Why no address could be connected to. Each has the addresses that were tried, in the order in
/// which they failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectError {
    /// Every address was tried and failed.
    Failed {
        /// The addresses that were tried; never empty.
        tried: Vec<(SocketAddr, Fault)>,
    },
    /// The name has no address, or it could not be resolved.
    NoAddress,
    /// [`ConnectorLimits::connect_timeout`](super::ConnectorLimits::connect_timeout) passed.
    TimedOut {
        /// The limit.
        after: Duration,
        /// The addresses that were tried; those still in flight come last, as
        /// [`Fault::TimedOut`]. Empty when none came in time.
        tried: Vec<(SocketAddr, Fault)>,
    },
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tried = match self {
            Self::Failed { tried } => {
                f.write_str("no address could be connected to")?;
                tried
            }
            Self::NoAddress => return f.write_str("there is no address to connect to"),
            Self::TimedOut { after, tried } => {
                write!(f, "not connected within {after:?}")?;
                tried
            }
        };
        for (index, (address, fault)) in tried.iter().enumerate() {
            write!(f, "{} {address}: {fault}", if index == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

impl core::error::Error for ConnectError {}
