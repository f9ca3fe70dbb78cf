//! Drywire over blocking std sockets.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod clock;
mod driver;
mod error;
mod fault;
mod ledger;
mod listener;
mod signal;
mod stream;
pub mod threads;
pub mod tls;
pub mod turn;
mod wait;

pub use clock::Clock;
pub use error::{ConnectError, Error, ServeError};
pub use fault::{accept_fault, fault};
pub use ledger::Ledger;
pub use listener::{
    BACKLOG, BindError, Listener, ListenerParts, ListenerSocket, SocketFile, accepted,
};
pub use stream::Stream;
pub use threads::{Server, ServerHandle, Summary};

pub use drywire;
pub use drywire::statistics::Statistics;
pub use rustls;
