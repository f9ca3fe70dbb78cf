use core::net::{Ipv4Addr, SocketAddr};

use super::{Header, Version};
use crate::peer::Ends;

/// How a client begins its streams with a header.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Introduction {
    /// With this header.
    As(Header),
    /// With the addresses of the stream itself.
    Ourselves(Version),
    /// For a client at `source`, who would have connected to where the stream goes.
    For {
        /// The format.
        version: Version,
        /// The client.
        source: SocketAddr,
    },
}

impl Introduction {
    /// The header of a stream with these ends, of which `local` is ours.
    ///
    /// Over a Unix socket there are no addresses: we are then `LOCAL`, in version 1 `UNKNOWN`, and
    /// somebody else has connected to `0.0.0.0:0`.
    #[must_use]
    pub fn header(&self, ends: Ends) -> Header {
        match (self, ends) {
            (Self::As(header), _) => header.clone(),
            (Self::Ourselves(version), Ends::Ip { remote, local }) => {
                Header::tcp(*version, local, remote)
            }
            (Self::Ourselves(Version::One), Ends::Unix) => Header::unknown(Version::One),
            (Self::Ourselves(Version::Two), Ends::Unix) => Header::local(),
            (Self::For { version, source }, Ends::Ip { remote, .. }) => {
                Header::tcp(*version, *source, remote)
            }
            (Self::For { version, source }, Ends::Unix) => {
                Header::tcp(*version, *source, (Ipv4Addr::UNSPECIFIED, 0).into())
            }
        }
    }
}

impl From<Header> for Introduction {
    fn from(header: Header) -> Self {
        Self::As(header)
    }
}
