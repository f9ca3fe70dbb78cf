//! ICMP echo as packets: requests, replies, and the errors that routers send about them.
//!
//! Packets are views that borrow from the bytes they were parsed from. Which request is sent when,
//! and what was lost, is [`ping`](crate::ping)'s to decide.
//!
//! ```text
//!  0               1               2               3
//! ┌───────────────┬───────────────┬───────────────────────────────┐
//! │ type          │ code          │ checksum                      │
//! ├───────────────┴───────────────┼───────────────────────────────┤
//! │ identifier                    │ sequence                      │  echo
//! ├───────────────────────────────┴───────────────────────────────┤
//! │ payload …                                                     │
//! └───────────────────────────────────────────────────────────────┘
//! ```
//!
//! In an error the last line is the head of the packet that the error is about, its IP header first.
//!
//! # Headers and checksums
//!
//! What a socket delivers differs, so the parser is told by a [`Layout`]. Of ICMPv4 the checksum is
//! written and verified here. That of ICMPv6 covers addresses that are not in the packet; every
//! socket of ICMPv6 writes and verifies it in the kernel (RFC 3542, section 3.1), so it is neither
//! written nor verified here unless asked for, by [`checksum_v6`].
//!
//! # Specification
//! RFC 792, RFC 1122 section 3.2.2 and RFC 1812 section 5.2.7 (codes), RFC 1191 (MTU) for IPv4;
//! RFC 4443 for IPv6; RFC 1071 (checksum).
//!
//! # Examples
//! ```
//! use drywire::icmp::{Echo, EchoFilter, Heard, Layout, Version};
//!
//! let mut packet = Vec::new();
//! let echo = Echo { identifier: 7, sequence: 1, payload: b"ping" };
//! echo.write_reply(Version::V4, &mut packet);
//!
//! let from = "192.0.2.1".parse()?;
//! let filter = EchoFilter::new(Layout::Icmpv4, 7, from);
//! let Some(Heard::Reply { sequence, payload, .. }) = filter.read(&packet, from)? else { panic!() };
//! assert_eq!((sequence, payload), (1, &b"ping"[..]));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod cause;
mod checksum;
mod echo;
mod error;
mod filter;
mod original;
mod packet;

pub use cause::{Cause, Exceeded, Unreachable};
pub use checksum::{checksum, checksum_v6};
pub use echo::{ECHO_HEADER_LEN, Echo, PAYLOAD_LEN_MAX};
pub use error::PacketError;
pub use filter::{EchoFilter, Heard, Report};
pub use original::Original;
pub use packet::{ErrorMessage, Layout, Message, Packet};

/// Which ICMP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// ICMP for IPv4.
    V4,
    /// ICMPv6.
    V6,
}
