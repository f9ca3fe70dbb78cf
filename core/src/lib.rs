//! Drywire core (tour to come with the connection).
#![no_std]
#![forbid(unsafe_code, unused_must_use)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(test),
    warn(
        clippy::std_instead_of_core,
        clippy::alloc_instead_of_core,
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

pub mod address;
pub mod admission;
pub mod buffer;
pub mod connection;
pub mod connector;
pub mod error;
pub mod framing;
pub mod limits;
pub mod peer;
pub mod protocol;
pub mod statistics;
pub mod time;
pub mod tls;

pub use connection::{CloseKind, CloseReason, Connection, Handle, Interest, Step};
pub use error::{DecodeError, EncodeError, Error, Fault, SendError};
pub use limits::Limits;
pub use peer::Peer;
pub use protocol::{Protocol, pump};
pub use time::Instant;
