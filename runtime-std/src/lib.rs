//! Drywire over blocking std sockets.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod client;
mod clock;
mod conversation;
mod driver;
mod error;
mod fault;
mod framed;
mod ledger;
mod listener;
mod signal;
mod split;
mod stream;
pub mod threads;
pub mod tls;
pub mod turn;
mod wait;

pub use client::Client;
pub use clock::Clock;
pub use conversation::Conversation;
pub use error::{ConnectError, Error, ServeError};
pub use fault::{accept_fault, fault};
pub use framed::Framed;
pub use ledger::Ledger;
pub use listener::{
    BACKLOG, BindError, Listener, ListenerParts, ListenerSocket, SocketFile, accepted,
};
pub use split::{Receiver, Sender};
pub use stream::Stream;
pub use threads::{Server, ServerHandle, Summary};

pub use drywire;
pub use drywire::statistics::Statistics;
pub use rustls;
