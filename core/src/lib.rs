//! A protocol core without I/O: framing, connection state, timers and TLS session buffering.
//!
//! A wire protocol is written once, as a state machine that never touches a socket or a clock. The
//! same code then runs over blocking sockets, over an async runtime, inside your own loop, under a
//! fuzzer and in a simulated network, with or without TLS.
//!
//! ```text
//!              bytes in                                        steps
//!            ┌──────────►┌──────────────────────────────────┐──────────►┌─────────────┐
//!  transport │           │ Connection                       │           │ application │
//!  (yours or │ transmit  │   TLS session ─ framing          │  send     │ or Protocol │
//!  a driver) │◄──────────│   close rules ─ timers ─ limits  │◄──────────│             │
//!            └──────────►└──────────────────────────────────┘           └─────────────┘
//!              time in          interest: read, write,
//!                               shut down, deadline
//! ```
//!
//! # Two ways to use it
//!
//! *Pull*: own the loop and take [`Step`]s from a [`Connection`].
//!
//! ```
//! use drywire::framing::Lines;
//! use drywire::{Connection, Instant, Step};
//!
//! let now = Instant::ZERO;
//! let mut connection = Connection::plain(Lines::new(), Default::default(), now);
//!
//! let input = b"one\r\ntwo\nthr";
//! connection.receive_buffer()[..input.len()].copy_from_slice(input);
//! connection.received(input.len(), now)?;
//!
//! while let Some(step) = connection.next() {
//!     if let Step::Frame(line, mut handle) = step {
//!         handle.send(line)?;
//!     }
//! }
//! assert_eq!(connection.transmit(), b"one\ntwo\n");
//! connection.transmitted(8, now)?;
//! assert!(connection.interest().read);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! *Handlers*: implement [`Protocol`] and let a driver [`pump`] it, your own or one of the adapters
//! `drywire-std` and `drywire-smol`. [`protocol::Echo`] is an example of ten lines.
//!
//! # The contract
//!
//! Each promise is a law that is tested for every framing, plain and within TLS.
//!
//! 1. **Bytes in.** The connection lends its [`receive_buffer`](Connection::receive_buffer) and is
//!    told how much [arrived](Connection::received). The [end of the
//!    stream](Connection::received_eof) and a [failure](Connection::transport_failed) are calls of
//!    their own, never an empty slice; a failure [to send](Connection::transmit_failed) alone loses
//!    nothing that came before. More than was lent is an error and changes nothing.
//! 2. **Bytes out.** [`transmit`](Connection::transmit) shows what must be sent, in order;
//!    [`transmitted`](Connection::transmitted) takes note of how much was. There is no flush: what
//!    is queued is pending until it is taken.
//! 3. **Time in.** Calls for what happened outside take the time; the others use the latest seen.
//!    After [`handle_timeout`](Connection::handle_timeout) every deadline is later than the time
//!    given. An earlier time than one seen before counts as that one.
//! 4. **What happened.** [`next`](Connection::next) yields [`Step`]s until there is none. A frame is
//!    borrowed from the receive buffer, beside a [`Handle`] that can send: an echo copies once. No
//!    frame is yielded while the transmit queue is above high water, or while the framing
//!    [holds](framing::Scan::Hold) it back until an answer is sent. The following step consumes
//!    a frame, unless it was [retained](Handle::retain).
//! 5. **Interest**, [what to wait for](Connection::interest), costs O(1).
//! 6. Any call is legal in any order and state. The answer may be an error; never a panic, never a
//!    call that has no end.
//! 7. How the input is cut and how the output is taken changes nothing: the same steps (chunks of
//!    [`Raw`](framing::Raw) joined) and the same bytes sent, given the same times and no refusal by
//!    [`Full`](SendError::Full).
//! 8. Buffers come from a [`Pool`](buffer::Pool) that the driver owns. The steady state allocates
//!    nothing and an idle connection holds nothing. Memory never exceeds
//!    [`memory_len_max`](Connection::memory_len_max), whatever the peer sends, and nothing is
//!    reserved on the peer's word.
//! 9. Input does not wait for output below the high-water mark: two peers that only write do not
//!    block each other before their buffers are full. Above it the connection stops reading.
//! 10. [`send`](Connection::send) takes any frame within the framing's limit while fewer than
//!     high-water bytes are queued; else it refuses and changes nothing. At most high water, one
//!     frame and its overhead are queued.
//! 11. A fatal error is sticky. What is queued for the peer, an alert or a last reply, is still sent.
//! 12. All state is in the connection: a driver that returns, or whose future is dropped, loses no
//!     byte.
//!
//! How a conversation ends is always one [`CloseReason`]; what bounds it are the [`Limits`] and the
//! framing's frame length.
//!
//! # The house
//!
//! From the wire upwards; each module knows only those above it.
//!
//! | module | what it is |
//! |---|---|
//! | [`time`] | instants that the driver tells |
//! | [`limits`] | every bound with its reason |
//! | [`error`] | errors by who is to blame |
//! | [`address`] | the address grammar of command line and configuration |
//! | [`proxy`] | what a balancer says of its clients: the PROXY protocol |
//! | [`peer`] | the two ends of a stream |
//! | [`buffer`] | bounded buffers and their pool |
//! | [`framing`] | bytes to frames and back |
//! | [`http1`] | HTTP/1.1 as a framing, for both sides |
//! | [`tls`] | TLS session buffering, the only place that names rustls |
//! | [`connection`] | one conversation: all of the above as one state machine |
//! | [`connector`] | which address to try when (Happy Eyeballs) |
//! | [`icmp`] | echo requests and replies as packets |
//! | [`ping`] | when to ask for an echo, and what became of it |
//! | [`statistics`] | what a server counts |
//! | [`shutdown`] | how a server ends: readiness, pause, drain, force |
//! | [`supervisor`] | which worker processes to start and end |
//! | [`admission`] | whether another connection may be accepted |
//! | [`datagram`] | one datagram endpoint; request and reply over datagrams |
//! | [`protocol`] | handlers, and the protocols in the box |
//! | [`script`] | what was done with connections, written down and replayed |
//! | [`load`] | a load on an echo: when to ask, and how long answers take |
//!
//! # Not here
//!
//! Sockets, clocks, threads, files, environment variables, global state, a cryptography provider:
//! drivers and configurations bring them.
//!
//! # Features
//!
//! Without features the crate is `no_std` with `alloc`, and its only dependency is memchr.
//!
//! - `http1`: [HTTP/1.1](http1) as a framing, over httparse. Needs no `std`.
//! - `record`: [scripts](script), which record connections and replay them. Needs no `std`.
//! - `std`: conversions from types of the standard library.
//! - `tls`: [TLS sessions](tls) over rustls. Implies `std`.
//! - `testkit`: the laws in one call, strategies, naive models and fuzz bodies, for framings and
//!   protocols of your own too. Implies `std`, and brings proptest and arbitrary.
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
mod counts;
pub mod datagram;
mod either;
pub mod error;
mod fault;
pub mod framing;
pub mod http1;
pub mod icmp;
mod json;
mod kinds;
pub mod limits;
pub mod load;
pub mod peer;
pub mod ping;
pub mod protocol;
pub mod proxy;
#[cfg(feature = "record")]
pub mod script;
pub mod shutdown;
pub mod statistics;
pub mod supervisor;
#[cfg(any(test, feature = "testkit"))]
pub mod testkit;
pub mod time;
pub mod tls;

pub use connection::{CloseKind, CloseReason, Connection, Handle, Interest, Step};
pub use either::Either;
pub use error::{DecodeError, EncodeError, Error, Fault, SendError};
pub use limits::Limits;
pub use peer::Peer;
pub use protocol::{Protocol, pump};
pub use time::Instant;
