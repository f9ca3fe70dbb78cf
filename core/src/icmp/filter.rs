use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Cause, Layout, Message, Packet, PacketError};

/// Tells what answers our own requests from everything else that a socket delivers.
///
/// A reply is ours if it comes from the destination and has our identifier; an error, whoever sends
/// it, if the packet that it is about went there and had it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EchoFilter {
    layout: Layout,
    identifier: u16,
    destination: IpAddr,
}

/// What was heard about one of our requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Heard<'a> {
    /// Its reply.
    Reply {
        /// Which request.
        sequence: u16,
        /// What came back.
        payload: &'a [u8],
        /// How many more routers the reply might have passed, where the socket says.
        hop_limit: Option<u8>,
    },
    /// It did not arrive.
    Report {
        /// Which request.
        sequence: u16,
        /// Who says so and why.
        report: Report,
    },
}

/// Why a request did not arrive, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Report {
    /// The router, or the destination itself.
    pub from: IpAddr,
    /// Why.
    pub cause: Cause,
}

impl EchoFilter {
    /// A filter for what a socket of this layout delivers about requests with `identifier` to
    /// `destination`.
    ///
    /// The unspecified address stands for the loopback address, from which its replies come.
    #[must_use]
    pub fn new(layout: Layout, identifier: u16, destination: IpAddr) -> Self {
        let destination = match destination {
            IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            address => address,
        };
        Self { layout, identifier, destination }
    }

    /// What `bytes` that came from `from` say about a request of ours; `None` if nothing.
    ///
    /// # Errors
    /// [`PacketError`] when they are no packet.
    pub fn read<'a>(
        &self,
        bytes: &'a [u8],
        from: IpAddr,
    ) -> Result<Option<Heard<'a>>, PacketError> {
        let packet = Packet::parse(self.layout, bytes)?;
        Ok(match packet.message {
            Message::EchoReply(echo) => {
                let is_ours = echo.identifier == self.identifier && from == self.destination;
                let hop_limit = packet.hop_limit;
                is_ours.then_some(Heard::Reply {
                    sequence: echo.sequence,
                    payload: echo.payload,
                    hop_limit,
                })
            }
            Message::Error(error) => {
                let original = error.original()?;
                let echo = original.echo_request().filter(|echo| {
                    echo.identifier == self.identifier && original.destination == self.destination
                });
                let report = Report { from, cause: error.cause() };
                echo.map(|echo| Heard::Report { sequence: echo.sequence, report })
            }
            Message::EchoRequest(_) | Message::Other { .. } => None,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.from, self.cause)
    }
}
