//! What fails beneath a connection.

use core::fmt;

use crate::kinds::kinds;

kinds! {
    displayed otherwise,
    /// A failure of the transport that a driver reports.
    Fault {
        /// The peer reset the connection or no longer takes what we write.
        Reset => "reset",
        /// The peer's system refused the connection.
        Refused => "refused",
        /// The peer's host or network cannot be reached.
        Unreachable => "unreachable",
        /// The transport itself timed out.
        TimedOut => "timed_out",
        /// The local system is out of descriptors, memory or buffers.
        OutOfResources => "out_of_resources",
        /// Any other failure of the local system.
        Other => "other",
    }
}

#[cfg(feature = "std")]
impl From<std::io::ErrorKind> for Fault {
    fn from(kind: std::io::ErrorKind) -> Self {
        use std::io::ErrorKind;
        match kind {
            // That a socket is not connected is what shutting down says after a reset.
            ErrorKind::BrokenPipe
            | ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::NotConnected => Self::Reset,
            ErrorKind::ConnectionRefused => Self::Refused,
            ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::AddrNotAvailable => Self::Unreachable,
            ErrorKind::TimedOut => Self::TimedOut,
            ErrorKind::OutOfMemory => Self::OutOfResources,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reset => "connection reset",
            Self::Refused => "connection refused",
            Self::Unreachable => "host or network unreachable",
            Self::TimedOut => "transport timed out",
            Self::OutOfResources => "out of descriptors or memory",
            Self::Other => "transport failed",
        })
    }
}

impl core::error::Error for Fault {}
