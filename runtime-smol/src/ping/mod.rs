//! Pings: by ICMP, by UDP, by connections with and without TLS.
//!
//! Which ICMP sockets there are and what is heard over them is told in [`drywire_std::ping`].

mod connections;
mod pinger;

pub use drywire_std::ping::{PingError, PingEvent, PingFailure};
pub use pinger::{PingHandle, Pinger};
