//! The laws, by what must keep them.

pub mod connection;
pub mod datagram;
pub mod framing;
pub mod proxy;
