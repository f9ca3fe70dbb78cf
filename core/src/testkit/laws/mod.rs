//! The laws, by what must keep them.

pub mod connection;
pub mod framing;
