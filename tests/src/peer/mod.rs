//! The other side: made by hand over the standard library's sockets, or other people's programs.
//!
//! Nothing here knows a type of Drywire. Every wait ends after [`PATIENCE`](crate::PATIENCE), and
//! what does not go as the test says panics.

mod haproxy;
mod nginx;
mod process;
mod raw;
mod tls;

pub use haproxy::Haproxy;
pub use nginx::Nginx;
pub use process::{Process, python};
pub use raw::{Place, Raw, RawListener, Reach};
pub use tls::{Rest, TlsPeer};
