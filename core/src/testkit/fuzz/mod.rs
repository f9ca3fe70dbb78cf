//! Bodies of fuzz targets: any bytes in, a panic only when a law is broken.
//!
//! [`framing`](fn@framing) and [`protocol`] are for framings and protocols of your own, a line
//! each; the others are those of this crate.

mod address;
mod connection;
mod datagram;
mod framing;
#[cfg(feature = "http1")]
mod http1;
mod icmp;
mod ping;
mod proxy;
#[cfg(feature = "record")]
mod script;
mod yours;

pub use address::address;
pub use connection::connection;
#[cfg(feature = "tls")]
pub use connection::tls;
pub use datagram::datagram;
pub use framing::in_box;
#[cfg(feature = "http1")]
pub use http1::{http1_heads, http1_requests, http1_responses, http1_roles};
pub use icmp::icmp;
pub use ping::ping;
pub use proxy::proxy;
#[cfg(feature = "record")]
pub use script::script;
pub use yours::{framing, protocol};
