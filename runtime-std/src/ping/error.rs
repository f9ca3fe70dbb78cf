use std::{error, fmt, io};

use drywire::icmp::Report;

use crate::error::{ConnectError, Error};

/// Why there can be no ping.
#[derive(Debug)]
#[non_exhaustive]
pub enum PingError {
    /// The system lets this process have neither kind of ICMP socket.
    Refused {
        /// Why not the datagram socket.
        datagram: io::Error,
        /// Why not the raw socket.
        raw: io::Error,
    },
    /// The system refused to set up the socket, or to wait.
    Io(io::Error),
}

/// Why one request failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum PingFailure {
    /// The connection could not be made, or ended before it was open.
    Connect(ConnectError),
    /// The connection failed before the echo was whole.
    Conversation(Error),
    /// The peer finished before the echo was whole.
    Finished,
    /// A router, or the destination, says that it did not arrive.
    Report(Report),
    /// The system did not send it.
    Transmit(io::Error),
}

impl fmt::Display for PingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { datagram, raw } => write!(
                f,
                "the system grants no ICMP socket: neither does net.ipv4.ping_group_range include \
                 a group of this process (datagram socket: {datagram}), nor has it the capability \
                 CAP_NET_RAW (raw socket: {raw})"
            ),
            Self::Io(error) => write!(f, "cannot ping: {error}"),
        }
    }
}

impl fmt::Display for PingFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => error.fmt(f),
            Self::Conversation(error) => error.fmt(f),
            Self::Finished => f.write_str("the peer finished without an echo"),
            Self::Report(report) => report.fmt(f),
            Self::Transmit(error) => write!(f, "cannot send: {error}"),
        }
    }
}

impl error::Error for PingError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Refused { raw: error, .. } | Self::Io(error) => Some(error),
        }
    }
}

impl error::Error for PingFailure {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Connect(error) => Some(error),
            Self::Conversation(error) => Some(error),
            Self::Transmit(error) => Some(error),
            Self::Finished | Self::Report(_) => None,
        }
    }
}

impl From<io::Error> for PingError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

#[cfg(test)]
mod tests {
    use drywire::CloseReason;
    use drywire::icmp::{Cause, Unreachable};

    use super::*;

    #[test]
    fn errors_say_what_they_are() {
        let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
        let cause = Cause::Unreachable(Unreachable::Host);
        let report = Report { from: [192, 0, 2, 1].into(), cause };
        for (error, expected) in [
            (
                &PingError::Refused { datagram: denied(), raw: denied() } as &dyn error::Error,
                "the system grants no ICMP socket: neither does net.ipv4.ping_group_range include \
                 a group of this process (datagram socket: permission denied), nor has it the \
                 capability CAP_NET_RAW (raw socket: permission denied)",
            ),
            (&PingError::Io(denied()), "cannot ping: permission denied"),
            (
                &PingFailure::Connect(ConnectError::TlsMissing),
                "the client has no TLS configuration",
            ),
            (&PingFailure::Conversation(Error::Closed(CloseReason::Reset)), "reset by the peer"),
            (&PingFailure::Finished, "the peer finished without an echo"),
            (&PingFailure::Report(report), "192.0.2.1: destination host unreachable"),
            (&PingFailure::Transmit(denied()), "cannot send: permission denied"),
        ] {
            assert_eq!(error.to_string(), expected);
        }
    }
}
