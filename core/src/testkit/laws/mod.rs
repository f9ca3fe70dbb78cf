//! The laws, by what must keep them.

pub mod framing;
