//! Drywire over blocking std sockets.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod clock;
mod error;
mod fault;
mod ledger;
mod listener;
mod stream;
pub mod tls;

pub use clock::Clock;
pub use error::{ConnectError, Error, ServeError};
pub use fault::{accept_fault, fault};
pub use ledger::{Ledger, Statistics};
pub use listener::{
    BACKLOG, BindError, Listener, ListenerParts, ListenerSocket, SocketFile, accepted,
};
pub use stream::Stream;

pub use drywire;
pub use rustls;
