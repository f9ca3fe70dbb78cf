//! The conformance kit: every case that an adapter of Drywire must get right, played by hand.
//!
//! Tell the kit how to start a server and a client of yours, by a [`Runtime`], and [`check()`] it. The
//! kit stands at the other end of real sockets, over TCP and Unix streams, plain and within TLS, and
//! [reports](Report) what became of each case:
//!
//! ```text
//! drywire-std threads                         server                      client
//!                                             tcp   tls   unix  unix+tls  tcp   tls   unix  unix+tls      ms
//! close table
//!   finished by the peer                      ok    ok    ok    ok        ok    ok    ok    ok            36
//!   truncated: FIN without close_notify       - (1) ok    - (1) ok        - (1) ok    - (1) ok            31
//! …
//! ```
//!
//! What the adapter runs is a [`Script`](crate::protocol::Script), a protocol like any other that
//! tells what it is shown. A case is passed when the peer has seen the bytes that it should, the
//! protocol the frames, and everybody the reason of the end, the server's counts too. What failed
//! stands below its line, with the line of the case.
//!
//! # A runtime of yours
//! | of [`Runtime`] | what it does |
//! |---|---|
//! | [`serve`](Runtime::serve) | accepts on [`Serving::listener`], with an `Admission` of [`Serving::admission`], and runs a `Protocol` of [`Serving::scripts`] over each stream |
//! | [`call`](Runtime::call) | connects to [`Call::place`], or to [`Call::address`] if it resolves names, and runs [`Call::script`] to the end |
//! | [`call_dropping`](Runtime::call_dropping) | the same, of an async adapter, by futures that [`Polls`] drops |
//!
//! A client that is a stream of frames, driven by calls, and takes no protocol leaves the script to
//! [`converse`]. Begin with either side: of the other, [`Unsupported`] is the answer. A page is what
//! it takes: `tests/examples/mio/kit.rs` and `tests/examples/tokio/kit.rs` are two.
//!
//! # How it is brought about
//! | case | by |
//! |---|---|
//! | one byte at a time | the peer reads and writes a byte with each call |
//! | data and the end in one read | over TCP one segment carries data, close_notify and FIN |
//! | short writes | the sockets have the smallest buffers that the system gives, and the peer reads portions of every size |
//! | reads that would block | the peer waits for each byte's echo |
//! | interrupted calls | signals to the thread that drives the connection, with a handler |
//! | resets | a linger time of zero; of a Unix socket, its end with bytes unread |
//! | buffers of those who are idle | at how many places in memory their frames were shown |
//! | out of descriptors | the limit of the process is lowered, and what is left is taken |
//! | waits without a spin | the processor time of the process |
//!
//! Each wait of the kit ends after the [patience](Check::patience) of the run, and a case that is
//! stuck in a call to the adapter after [its time](Check::case_time_max); nothing sleeps and nothing
//! is tried again.
//!
//! # What it does not see
//! - Memory, but for the buffers of a server's idle connections. A client that keeps its buffers, a
//!   stream that is never dropped although the system's half is shut, a table that only grows: look
//!   at the resident memory of a process with thousands of idle connections.
//! - How many calls to the system and allocations a request costs: count them.
//! - Whether a clock is right: that a deadline comes is seen, not that it comes to the millisecond.
//! - Names, several addresses, PROXY headers, datagrams and ping: an adapter that offers these has
//!   tests of its own.

mod cases;
mod check;
mod lab;
mod peer;
mod report;
mod runtime;
mod scene;
mod stage;
mod table;
mod talk;
mod variant;
mod verdict;

pub use check::{CASE_TIME_MAX, Check, check};
pub use report::{Outcome, Report};
pub use runtime::{Call, CallError, Runtime, Server, Serving};
pub use talk::{Polls, converse};
pub use variant::{Side, Variant};
pub use verdict::{Failure, Unsupported, Verdict};
