use std::{error, fmt, io};

use drywire::address::Address;

/// Why a [`Listener`](super::Listener) could not be bound. The address or the system is to blame;
/// nothing is left behind.
#[derive(Debug)]
#[non_exhaustive]
pub enum BindError {
    /// The address is one of datagrams, which have no connections.
    Datagram(Address),
    /// Another process listens on the Unix socket.
    InUse(Address),
    /// There is a file in the place of the Unix socket, and it is not a socket.
    NotASocket(Address),
    /// A socket that was handed over does not listen, or is of another kind than its address.
    NotListening(Address),
    /// The address is one of byte streams, which have no datagrams.
    NotDatagram(Address),
    /// The host's name has no address.
    Resolve {
        /// What was to be bound.
        address: Address,
        /// What the system's resolver said.
        source: io::Error,
    },
    /// The system refused.
    System {
        /// What was to be bound.
        address: Address,
        /// What it said; of several addresses of a name, to the last.
        source: io::Error,
    },
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Datagram(address) => write!(f, "{address} is not a byte stream"),
            Self::InUse(address) => write!(f, "another process listens on {address}"),
            Self::NotASocket(address) => {
                write!(f, "there is a file that is not a socket in the place of {address}")
            }
            Self::NotListening(address) => {
                write!(f, "the socket that was handed over for {address} does not listen there")
            }
            Self::NotDatagram(address) => write!(f, "{address} is not a datagram socket"),
            Self::Resolve { address, source } => write!(f, "cannot resolve {address}: {source}"),
            Self::System { address, source } => write!(f, "cannot listen on {address}: {source}"),
        }
    }
}

impl error::Error for BindError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Datagram(_)
            | Self::InUse(_)
            | Self::NotASocket(_)
            | Self::NotDatagram(_)
            | Self::NotListening(_) => None,
            Self::Resolve { source, .. } | Self::System { source, .. } => Some(source),
        }
    }
}
