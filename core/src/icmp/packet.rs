use core::net::Ipv4Addr;

use super::echo::{ECHO_REPLY_V4, ECHO_REPLY_V6, ECHO_REQUEST_V4, ECHO_REQUEST_V6};
use super::original::ipv4;
use super::{Cause, ECHO_HEADER_LEN, Echo, Original, PacketError, Version, checksum};

/// The protocol number of ICMP for IPv4.
const ICMPV4: u8 = 1;

/// What a socket delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// An IPv4 packet, its header first: raw sockets.
    Ipv4,
    /// An ICMPv4 message alone: datagram sockets on Linux.
    Icmpv4,
    /// An ICMPv6 message alone: raw and datagram sockets.
    Icmpv6,
}

impl Layout {
    /// Which ICMP it is.
    #[must_use]
    pub const fn version(self) -> Version {
        match self {
            Self::Ipv4 | Self::Icmpv4 => Version::V4,
            Self::Icmpv6 => Version::V6,
        }
    }
}

/// A packet that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Packet<'a> {
    /// Who sent it; `None` where there is no header to say.
    pub source: Option<Ipv4Addr>,
    /// How many more routers it might have passed; `None` where there is no header to say.
    pub hop_limit: Option<u8>,
    /// What it says.
    pub message: Message<'a>,
}

/// What a packet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message<'a> {
    /// Asks for an echo. On the loopback interface a raw socket hears its own.
    EchoRequest(Echo<'a>),
    /// An echo.
    EchoReply(Echo<'a>),
    /// Says that a packet did not arrive.
    Error(ErrorMessage<'a>),
    /// Anything else that ICMP is for.
    Other {
        /// The message's type.
        kind: u8,
        /// The message's code.
        code: u8,
    },
}

/// Says that a packet did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorMessage<'a> {
    version: Version,
    cause: Cause,
    original: &'a [u8],
}

impl<'a> ErrorMessage<'a> {
    /// Why it did not.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        self.cause
    }

    /// The packet that did not arrive, as far as its head was sent along.
    ///
    /// # Errors
    /// [`PacketError`] when that is no packet. It has no use then.
    pub fn original(&self) -> Result<Original<'a>, PacketError> {
        Original::parse(self.version, self.original)
    }
}

impl<'a> Packet<'a> {
    /// Parses what a socket delivered.
    ///
    /// The checksum of ICMPv4 is verified, that of ICMPv6 is the kernel's affair: see the
    /// [module](super).
    ///
    /// # Errors
    /// [`PacketError`].
    /// # Specification
    /// RFC 791, section 3.1; RFC 792; RFC 4443, section 2.1.
    pub fn parse(layout: Layout, bytes: &'a [u8]) -> Result<Self, PacketError> {
        let (source, hop_limit, message) = match layout {
            Layout::Ipv4 => {
                let header = ipv4::Header::parse(bytes)?;
                if header.protocol != ICMPV4 {
                    return Err(PacketError::Protocol { found: header.protocol });
                }
                (Some(header.source), Some(header.hop_limit), header.whole(bytes)?)
            }
            Layout::Icmpv4 | Layout::Icmpv6 => (None, None, bytes),
        };
        let message = Message::parse(layout.version(), message)?;
        Ok(Self { source, hop_limit, message })
    }
}

impl<'a> Message<'a> {
    fn parse(version: Version, bytes: &'a [u8]) -> Result<Self, PacketError> {
        let truncated = PacketError::Truncated { len: bytes.len(), expected: ECHO_HEADER_LEN };
        let (header, payload) = bytes.split_first_chunk::<ECHO_HEADER_LEN>().ok_or(truncated)?;
        let [kind, code, sum_high, sum_low, a, b, c, d] = *header;
        if version == Version::V4 {
            let wrong_by = checksum(bytes);
            if wrong_by != 0 {
                let found = u16::from_be_bytes([sum_high, sum_low]);
                return Err(PacketError::Checksum { found, expected: add(found, wrong_by) });
            }
        }
        let (identifier, sequence) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let echo = Echo { identifier, sequence, payload };
        let info = Cause::info(version, kind, u32::from_be_bytes([a, b, c, d]));
        Ok(match (version, kind, code, Cause::from_parts(version, kind, code, info)) {
            (Version::V4, ECHO_REQUEST_V4, 0, _) | (Version::V6, ECHO_REQUEST_V6, 0, _) => {
                Self::EchoRequest(echo)
            }
            (Version::V4, ECHO_REPLY_V4, 0, _) | (Version::V6, ECHO_REPLY_V6, 0, _) => {
                Self::EchoReply(echo)
            }
            (_, _, _, Some(cause)) => {
                Self::Error(ErrorMessage { version, cause, original: payload })
            }
            (_, kind, code, None) => Self::Other { kind, code },
        })
    }
}

/// The sum in the arithmetic of checksums.
const fn add(one: u16, other: u16) -> u16 {
    let (sum, carries) = one.overflowing_add(other);
    if carries { sum.wrapping_add(1) } else { sum }
}
