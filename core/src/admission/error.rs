use core::fmt;

use crate::connection::CloseReason;
use crate::error::{Error, LimitExceeded};
use crate::statistics::RefusalKind;

/// Why the system's accept failed. That no connection is there is no failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AcceptFault {
    /// The one connection is gone, or a signal came. Accepting goes on at once.
    Aborted,
    /// The process or the system is out of descriptors, memory or threads.
    OutOfResources,
    /// Anything else. Treated like [`Self::OutOfResources`], so that a failure that stays does not
    /// make a driver spin.
    Other,
}

/// Why a connection that was accepted from the system must be closed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The server is being ended by force.
    Ending,
    /// A limit, with the numbers.
    Limit(LimitExceeded),
    /// The peer is not among those that the listener trusts.
    Untrusted,
}

impl Refusal {
    /// How a connection ends that was refused for this; `None` for [`Self::Ending`]: when a server
    /// ends, whether a connection came too early or too late is chance.
    #[must_use]
    pub const fn close_reason(&self) -> Option<CloseReason> {
        match self {
            Self::Ending => None,
            Self::Limit(limit) => Some(CloseReason::Failed(Error::Limit(*limit))),
            Self::Untrusted => Some(CloseReason::Failed(Error::Untrusted)),
        }
    }
}

/// Codes of the system for which [`std::io::ErrorKind`] has no name. A code that is missing here
/// makes a driver pause where it need not, and nothing worse.
#[cfg(feature = "std")]
mod codes {
    /// EMFILE, ENFILE and ENOBUFS; ENOMEM has a name.
    pub(super) const OUT_OF_RESOURCES: &[i32] = if cfg!(windows) {
        &[10024, 10055]
    } else if cfg!(any(target_os = "linux", target_os = "android")) {
        &[24, 23, 105]
    } else {
        &[24, 23, 55]
    };

    /// EPROTO; on Linux also ENONET, ENOPROTOOPT and EHOSTDOWN, which accept(2) names.
    pub(super) const ABORTED: &[i32] = if cfg!(any(target_os = "linux", target_os = "android")) {
        &[71, 64, 92, 112]
    } else if cfg!(target_vendor = "apple") {
        &[100]
    } else if cfg!(any(target_os = "freebsd", target_os = "dragonfly")) {
        &[92]
    } else if cfg!(target_os = "netbsd") {
        &[96]
    } else if cfg!(target_os = "openbsd") {
        &[95]
    } else {
        &[]
    };
}

#[cfg(feature = "std")]
impl AcceptFault {
    /// What an error of the system's accept means.
    ///
    /// An error that says that no connection is there, which is none, counts as [`Self::Aborted`].
    ///
    /// # Examples
    /// ```
    /// use std::io::{Error, ErrorKind};
    /// use drywire::admission::AcceptFault;
    ///
    /// let error = Error::from(ErrorKind::ConnectionAborted);
    /// assert_eq!(AcceptFault::from_os(&error), AcceptFault::Aborted);
    /// let error = Error::from_raw_os_error(23); // ENFILE
    /// # if cfg!(unix) {
    /// assert_eq!(AcceptFault::from_os(&error), AcceptFault::OutOfResources);
    /// # }
    /// ```
    #[must_use]
    pub fn from_os(error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        match (error.kind(), error.raw_os_error()) {
            // Linux hands on what the network did to the one connection that was in the queue.
            (
                ErrorKind::ConnectionAborted
                | ErrorKind::ConnectionReset
                | ErrorKind::HostUnreachable
                | ErrorKind::Interrupted
                | ErrorKind::NetworkDown
                | ErrorKind::NetworkUnreachable
                | ErrorKind::TimedOut
                | ErrorKind::WouldBlock,
                _,
            ) => Self::Aborted,
            (ErrorKind::OutOfMemory, _) => Self::OutOfResources,
            (_, Some(code)) if codes::OUT_OF_RESOURCES.contains(&code) => Self::OutOfResources,
            (_, Some(code)) if codes::ABORTED.contains(&code) => Self::Aborted,
            (_, _) => Self::Other,
        }
    }
}

impl fmt::Display for AcceptFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aborted => "the connection was aborted before it was accepted",
            Self::OutOfResources => "out of descriptors, memory or threads",
            Self::Other => "accepting failed",
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ending => f.write_str("the server is being ended by force"),
            Self::Limit(limit) => limit.fmt(f),
            Self::Untrusted => Error::Untrusted.fmt(f),
        }
    }
}

impl From<Refusal> for RefusalKind {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Ending => Self::Ending,
            Refusal::Limit(LimitExceeded::ConnectionsPerAddress { .. }) => {
                Self::ConnectionsPerAddress
            }
            Refusal::Limit(_) => Self::Connections,
            Refusal::Untrusted => Self::Untrusted,
        }
    }
}

impl core::error::Error for AcceptFault {}
impl core::error::Error for Refusal {}
