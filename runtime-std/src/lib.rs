//! Drywire over std sockets: servers with a thread per connection or a readiness loop per thread, a
//! client, and streams of frames.
//!
//! Protocols, framings, limits and every rule of a conversation are those of [`drywire`]; this crate
//! brings the sockets, the clock and the threads, and decides nothing. The same protocol runs
//! unchanged over other runtimes.
//!
//! | item | for |
//! |---|---|
//! | [`Server`] | serving a [`Protocol`](drywire::Protocol): drain, stop, limits, statistics |
//! | [`Listener`] | binding TCP (IPv4, IPv6, both) and Unix sockets; TLS and PROXY headers on any |
//! | [`datagram`] | UDP and Unix datagrams: listeners for the server, and a client |
//! | [`Client`] | resolving, connecting (Happy Eyeballs), the TLS handshake |
//! | [`Framed`] | `send` and `recv` over a stream of the client's, or of your own |
//! | [`Sender`], [`Receiver`] | its halves, for two threads |
//! | [`ping`] | asking for echoes by ICMP, UDP, TCP and TLS |
//! | [`tls`] | cryptography provider and verifiers |
//! | [`turn`], [`Conversation`], [`Ledger`], [`Setup`], [`Controlled`] | the parts, for runtimes of other kinds |
//!
//! # Servers
//!
//! | model | for | a connection costs |
//! |---|---|---|
//! | [`threads`] | few connections, or protocols whose handlers take their time | a thread |
//! | [`evented`] | many connections, and protocols whose handlers return at once | a few hundred bytes |
//!
//! Both are built and ended alike; [`Server`] at the root is that of `threads`. [`processes`] runs
//! either, or another, in several processes with a supervisor.
//!
//! # What sockets do
//!
//! Every socket is in non-blocking mode and waited for, with the connection's deadline, in poll(2)
//! or, in `evented`, in epoll or kqueue.
//! Nagle's algorithm is off. Short reads and writes, interrupted calls, connections that are gone
//! before they are accepted and descriptors that run out are part of the day. Writing to a peer
//! that is gone is an error and no signal: Rust programs ignore SIGPIPE. Unix systems only.
//!
//! # Features
//!
//! - `aws-lc-rs` (default), `ring`: what [`tls::provider`] is; with both, AWS-LC.
//! - `evented` (default): [`evented`], with mio.
//! - `platform-verifier` (default): [`tls::platform_verifier`].
//! - `webpki-roots`: `tls::webpki_verifier`.
//! - `tracing`: servers log; see [`Ledger`].
//! - `http1`: `Client::get`, an HTTP client.
//!
//! # Examples
//!
//! A server and a client in one program:
//!
//! ```
//! use drywire::framing::Lines;
//! use drywire::protocol::Echo;
//! use drywire_std::{Client, Listener, Server};
//!
//! let listener = Listener::bind(&"tcp://127.0.0.1:0".parse()?)?;
//! let address = listener.address().clone();
//! let server = Server::new(|_peer: &_| Echo::new(Lines::new())).listen(listener);
//! let handle = server.handle();
//! let serving = std::thread::spawn(|| server.run());
//!
//! let mut framed = Client::new().connect(&address, Lines::new())?;
//! framed.send(b"hello")?;
//! assert_eq!(framed.recv()?, Some(&b"hello"[..]));
//! framed.close()?;
//!
//! handle.drain();
//! assert!(serving.join().expect("the server does not panic")?.drained);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The folder `examples` has an echo server over every kind of socket, its client, and a loop that
//! drives the core over one non-blocking socket with no runtime at all.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod client;
mod clock;
mod control;
mod conversation;
pub mod datagram;
mod descriptors;
mod driver;
mod error;
#[cfg(feature = "evented")]
pub mod evented;
mod fault;
mod framed;
mod handle;
mod held;
mod ledger;
mod listener;
mod log;
#[cfg(feature = "evented")]
mod observation;
pub mod ping;
pub mod processes;
#[cfg(feature = "record")]
mod recording;
mod setup;
mod signal;
mod split;
mod stream;
pub mod threads;
pub mod tls;
pub mod turn;
mod visitors;
mod wait;

pub use client::Client;
pub use clock::Clock;
pub use conversation::{Conversation, Ready};
pub use descriptors::{descriptors, raise_descriptor_limit};
#[cfg(feature = "http1")]
pub use error::GetFailure;
pub use error::{ConnectError, Error, ServeError};
pub use fault::fault;
pub use framed::Framed;
pub use handle::{Controlled, ServerHandle, Summary};
pub use ledger::Ledger;
pub use listener::{
    BACKLOG, BindError, Listener, ListenerParts, ListenerSocket, SocketFile, accepted,
};
#[cfg(feature = "record")]
pub use recording::{RECORDING_LEN_MAX, Recording, RecordingOptions};
pub use setup::{CloseObserver, Setup};
pub use split::{Receiver, Sender};
pub use stream::Stream;
pub use threads::Server;
pub use visitors::{Visitor, VisitorRef};

pub use drywire;
pub use drywire::statistics::Statistics;
pub use rustls;
