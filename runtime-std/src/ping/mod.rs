//! Pings: by ICMP, by UDP, by connections with and without TLS.
//!
//! [`Pinger`] is the driver. [`PingSession`], [`Probe`] and [`Attempts`] are its parts, for runtimes
//! of other kinds.
//!
//! # ICMP sockets
//!
//! Linux lets processes whose group is within `net.ipv4.ping_group_range` have datagram sockets of
//! ICMP, and those with the capability `CAP_NET_RAW` raw ones. A datagram socket is tried first; if
//! both are refused, the [error](PingError::Refused) says so. The kernel chooses the identifier of
//! a datagram socket.
//!
//! Why a request did not arrive is heard over raw sockets, and over datagram sockets on Linux by
//! the error queue of the socket (`IP_RECVERR`). On other systems requests over datagram sockets
//! time out instead.

mod attempt;
mod connections;
mod error;
mod error_queue;
mod icmp;
mod pinger;
mod probe;
mod session;

pub use attempt::{Attempt, Attempts};
pub use error::{PingError, PingFailure};
pub use pinger::{PingHandle, Pinger};
pub use probe::Probe;
pub use session::{News, Observer, PingEvent, PingSession, Wait};
