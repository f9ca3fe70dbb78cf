use std::{error, fmt, io};

use drywire::address::Address;
#[cfg(feature = "http1")]
use drywire::protocol::http_get::GetError;
use drywire::tls::TlsConfigError;
use drywire::{CloseReason, SendError, connector};

/// Why a call on a [`Framed`](crate::Framed) stream failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The connection is over, for this reason. Later calls find the same.
    Closed(CloseReason),
    /// The system refused to wait, or to set up the stream. The connection goes on as it was.
    Io(io::Error),
    /// The frame was not queued. The caller is to blame; the connection goes on as it was.
    Send(SendError),
}

/// Why a [`Client`](crate::Client) could not connect. Nothing is left open.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The connection was made and ended before it was open: the TLS handshake failed.
    Closed(CloseReason),
    /// No address of the host could be connected to in time.
    Connector(connector::ConnectError),
    /// The address is one of datagrams, which have no connections.
    Datagram(Address),
    /// The system refused to wait, or to set up the socket.
    Io(io::Error),
    /// The PROXY header could not be sent.
    ProxyHeader(io::Error),
    /// The address is one of byte streams, which have no datagrams.
    NotDatagram(Address),
    /// The host's name has no address.
    Resolve(io::Error),
    /// The address has TLS and does not say, or says in a way that TLS does not know, whom the
    /// server's certificate must be for. [`Client::server_name`](crate::Client::server_name) does.
    ServerNameMissing,
    /// TLS cannot use its configuration.
    Tls(TlsConfigError),
    /// The address has TLS and the client has no configuration for it.
    TlsMissing,
    /// The Unix socket could not be connected to.
    Unix(io::Error),
}

/// Why [`Client::get`](crate::Client::get) did not bring the answer.
#[cfg(feature = "http1")]
#[derive(Debug)]
#[non_exhaustive]
pub enum GetFailure<E> {
    /// The application did not go on.
    Application(E),
    /// No connection could be made.
    Connect(ConnectError),
    /// There is no answer, or not the one that was asked for.
    Get(GetError),
    /// The system refused to wait.
    Io(io::Error),
}

/// Why a [`Server`](crate::Server) does not serve, or ended without being asked to.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServeError {
    /// The system refused to wait.
    Io(io::Error),
    /// There is nothing to listen on.
    ListenerMissing,
    /// The address has TLS and the listener has no configuration for it.
    TlsMissing(Address),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(reason) => reason.fmt(f),
            Self::Io(error) => error.fmt(f),
            Self::Send(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(reason) => reason.fmt(f),
            Self::Connector(error) => error.fmt(f),
            Self::Datagram(address) => write!(f, "{address} is not a byte stream"),
            Self::Io(error) => write!(f, "cannot connect: {error}"),
            Self::ProxyHeader(error) => write!(f, "cannot send the PROXY header: {error}"),
            Self::NotDatagram(address) => write!(f, "{address} is not a datagram socket"),
            Self::Resolve(error) => write!(f, "cannot resolve the host: {error}"),
            Self::ServerNameMissing => {
                f.write_str("the name that the server's certificate must be for is not known")
            }
            Self::Tls(error) => error.fmt(f),
            Self::TlsMissing => f.write_str("the client has no TLS configuration"),
            Self::Unix(error) => write!(f, "cannot connect to the Unix socket: {error}"),
        }
    }
}

#[cfg(feature = "http1")]
impl<E> GetFailure<E> {
    /// Why the connection of `error` is over.
    ///
    /// # Errors
    /// The failure, if it is not over: then the request was refused, or waiting for the stream was.
    pub fn reason_of(error: Error) -> Result<CloseReason, Self> {
        match error {
            Error::Closed(reason) => Ok(reason),
            Error::Io(error) => Err(Self::Io(error)),
            Error::Send(error) => Err(Self::Get(GetError::Unsendable(error))),
        }
    }
}

#[cfg(feature = "http1")]
impl<E> GetFailure<E> {
    /// Takes `error` for the end of what can be sent: what can be received may go on.
    ///
    /// # Errors
    /// The failure, if it is another.
    pub fn unsent(error: Error) -> Result<(), Self> {
        match error {
            Error::Send(SendError::Closed) => Ok(()),
            error => Self::reason_of(error).map(|_| ()),
        }
    }
}

#[cfg(feature = "http1")]
impl<E: fmt::Display> fmt::Display for GetFailure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Application(error) => error.fmt(f),
            Self::Connect(error) => error.fmt(f),
            Self::Get(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "cannot wait for connections: {error}"),
            Self::ListenerMissing => f.write_str("there is nothing to listen on"),
            Self::TlsMissing(address) => {
                write!(f, "the listener on {address} has no TLS configuration")
            }
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Closed(reason) => Some(reason),
            Self::Io(error) => Some(error),
            Self::Send(error) => Some(error),
        }
    }
}

impl error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Closed(reason) => Some(reason),
            Self::Connector(error) => Some(error),
            Self::Io(error)
            | Self::ProxyHeader(error)
            | Self::Resolve(error)
            | Self::Unix(error) => Some(error),
            Self::Tls(error) => Some(error),
            Self::Datagram(_)
            | Self::NotDatagram(_)
            | Self::ServerNameMissing
            | Self::TlsMissing => None,
        }
    }
}

#[cfg(feature = "http1")]
impl<E: error::Error + 'static> error::Error for GetFailure<E> {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Application(error) => Some(error),
            Self::Connect(error) => Some(error),
            Self::Get(error) => Some(error),
            Self::Io(error) => Some(error),
        }
    }
}

impl error::Error for ServeError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::ListenerMissing | Self::TlsMissing(_) => None,
        }
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}

impl From<Error> for ConnectError {
    fn from(error: Error) -> Self {
        match error {
            Error::Closed(reason) => Self::Closed(reason),
            Error::Io(error) => Self::Io(error),
            // Nothing has been sent before the connection is open.
            Error::Send(_) => Self::Closed(CloseReason::Aborted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_they_are() {
        let address: Address = "tls://[::1]:7".parse().unwrap();
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        for (error, expected) in [
            (&Error::Closed(CloseReason::Reset) as &dyn error::Error, "reset by the peer"),
            (&Error::Io(refused()), "connection refused"),
            (&Error::Send(SendError::Finished), "our side is finished"),
            (&ConnectError::Closed(CloseReason::Reset), "reset by the peer"),
            (
                &ConnectError::Connector(connector::ConnectError::NoAddress),
                "there is no address to connect to",
            ),
            (&ConnectError::Datagram(address.clone()), "tls://[::1]:7 is not a byte stream"),
            (&ConnectError::NotDatagram(address.clone()), "tls://[::1]:7 is not a datagram socket"),
            (&ConnectError::Io(refused()), "cannot connect: connection refused"),
            (
                &ConnectError::ProxyHeader(refused()),
                "cannot send the PROXY header: connection refused",
            ),
            (&ConnectError::Resolve(refused()), "cannot resolve the host: connection refused"),
            (
                &ConnectError::ServerNameMissing,
                "the name that the server's certificate must be for is not known",
            ),
            (&ConnectError::Tls(TlsConfigError::EarlyData), "early data is not supported"),
            (&ConnectError::TlsMissing, "the client has no TLS configuration"),
            (
                &ConnectError::Unix(refused()),
                "cannot connect to the Unix socket: connection refused",
            ),
            (&ServeError::Io(refused()), "cannot wait for connections: connection refused"),
            (&ServeError::ListenerMissing, "there is nothing to listen on"),
            (
                &ServeError::TlsMissing(address),
                "the listener on tls://[::1]:7 has no TLS configuration",
            ),
        ] {
            assert_eq!(error.to_string(), expected);
        }
    }
}
