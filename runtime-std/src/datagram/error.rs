use std::{error, fmt, io};

use drywire::Fault;
use drywire::datagram::{DatagramSendError, RequestError};

/// Why a call on a datagram client failed. None of them ends the client.
#[derive(Debug)]
#[non_exhaustive]
pub enum DatagramError {
    /// The socket reported this, for example because the peer's system refused a datagram.
    Fault(Fault),
    /// The system refused to wait, or to set up the socket.
    Io(io::Error),
    /// The request was not taken. The caller is to blame.
    Request(RequestError),
    /// The datagram was not queued. The caller is to blame.
    Send(DatagramSendError),
    /// The request was not answered in time.
    TimedOut {
        /// How often it was sent.
        attempts: u32,
        /// What the socket reported last meanwhile.
        fault: Option<Fault>,
    },
}

impl fmt::Display for DatagramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => fault.fmt(f),
            Self::Io(error) => error.fmt(f),
            Self::Request(error) => error.fmt(f),
            Self::Send(error) => error.fmt(f),
            Self::TimedOut { attempts, fault: None } => {
                write!(f, "no reply to {attempts} attempts")
            }
            Self::TimedOut { attempts, fault: Some(fault) } => {
                write!(f, "no reply to {attempts} attempts: {fault}")
            }
        }
    }
}

impl error::Error for DatagramError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Fault(fault) | Self::TimedOut { fault: Some(fault), .. } => Some(fault),
            Self::Io(error) => Some(error),
            Self::Request(error) => Some(error),
            Self::Send(error) => Some(error),
            Self::TimedOut { fault: None, .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_they_are() {
        for (error, expected) in [
            (DatagramError::Fault(Fault::Refused), "connection refused"),
            (DatagramError::Io(io::ErrorKind::TimedOut.into()), "timed out"),
            (DatagramError::Request(RequestError::Full { max: 2 }), "there are 2 requests already"),
            (DatagramError::Send(DatagramSendError::Closed), "the endpoint is closed"),
            (DatagramError::TimedOut { attempts: 3, fault: None }, "no reply to 3 attempts"),
            (
                DatagramError::TimedOut { attempts: 3, fault: Some(Fault::Refused) },
                "no reply to 3 attempts: connection refused",
            ),
        ] {
            assert_eq!(error.to_string(), expected);
        }
    }
}
