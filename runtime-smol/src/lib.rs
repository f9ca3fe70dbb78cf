//! Drywire over smol's parts: a server with a task per connection, a client, and streams of frames.
//!
//! Protocols, framings, limits and every rule of a conversation are those of [`drywire`]; this crate
//! brings the sockets, the clock and the tasks, and decides nothing. The same protocol runs
//! unchanged over other runtimes. It is built on async-io, async-executor, blocking and
//! futures-lite; everything runs in anybody's `smol::block_on`, or any other executor.
//!
//! | item | for |
//! |---|---|
//! | [`Server`] | serving a [`Protocol`](drywire::Protocol): drain, stop, limits, statistics |
//! | [`Listener`] | binding TCP (IPv4, IPv6, both) and Unix sockets; TLS and PROXY headers on any |
//! | [`datagram`] | UDP and Unix datagrams: listeners for the server, and a client |
//! | [`Client`] | resolving, connecting (Happy Eyeballs), the TLS handshake |
//! | [`Framed`] | `send` and `recv` over a stream of the client's, or of your own; a `Stream` and a `Sink` |
//! | [`Sender`], [`Receiver`] | its halves, for two tasks |
//! | [`ping`] | asking for echoes by ICMP, UDP, TCP and TLS |
//! | [`tls`] | cryptography provider and verifiers |
//!
//! # Servers
//!
//! [`tasks::Server`] is the one there is, and [`Server`] at the root stands for it.
//!
//! # What sockets do
//!
//! Every socket is in non-blocking mode and waited for in the reactor of async-io, with the
//! connection's deadline; on Linux those of a server by one edge-triggered epoll within it, which
//! saves the system call that asks for each wait ([`Server::portable`] does without). Nagle's
//! algorithm is off. Short reads and writes, interrupted calls,
//! connections that are gone before they are accepted and descriptors that run out are part of the
//! day. Writing to a peer that is gone is an error and no signal: Rust programs ignore SIGPIPE.
//! Unix systems only.
//!
//! # Features
//!
//! - `aws-lc-rs` (default), `ring`: what [`tls::provider`] is; with both, AWS-LC.
//! - `platform-verifier` (default): [`tls::platform_verifier`].
//! - `webpki-roots`: `tls::webpki_verifier`.
//! - `tracing`: servers log, for the target `drywire`.
//! - `http1`: `Client::get`, an HTTP client.
//!
//! # Examples
//!
//! A server and a client in one program:
//!
//! ```
//! use drywire_smol::drywire::framing::Lines;
//! use drywire_smol::drywire::protocol::Echo;
//! use drywire_smol::{Client, Listener, Server};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let listener = Listener::bind(&"tcp://127.0.0.1:0".parse()?)?;
//! let address = listener.address().clone();
//! let server = Server::new(|_peer: &_| Echo::new(Lines::new())).listen(listener);
//! let handle = server.handle();
//! smol::block_on(async {
//!     let serving = smol::spawn(server.run());
//!
//!     let mut framed = Client::new().connect(&address, Lines::new()).await?;
//!     framed.send(b"hello").await?;
//!     assert_eq!(framed.recv().await?, Some(&b"hello"[..]));
//!     framed.close().await?;
//!
//!     handle.drain();
//!     assert!(serving.await?.drained);
//!     Ok(())
//! })
//! # }
//! ```
//!
//! The folder `examples` has an echo server over every kind of socket, and its client.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod alarm;
mod channel;
mod client;
pub mod datagram;
mod driver;
mod framed;
pub mod ping;
mod sink;
mod split;
pub mod tasks;

pub use client::Client;
#[cfg(feature = "http1")]
pub use drywire_std::GetFailure;
pub use drywire_std::{
    BACKLOG, BindError, Clock, ConnectError, Error, Listener, Ready, ServeError, Stream, tls,
};
pub use framed::Framed;
pub use split::{Receiver, Sender};
pub use tasks::{Server, ServerHandle, Summary};

pub use drywire_std::drywire;
pub use drywire_std::drywire::statistics::Statistics;
pub use drywire_std::rustls;
#[cfg(feature = "record")]
pub use drywire_std::{Recording, RecordingOptions};
