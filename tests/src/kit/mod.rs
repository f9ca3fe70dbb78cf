//! The conformance kit: every case that an adapter of Drywire must get right, played by hand.
//!
//! Tell the kit how to start a server and a client of yours, by a [`Runtime`], and [`check`] it. The
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
//! protocol the frames, and everybody the reason of the end, the server's counts too.
//!
//! | case | how it is brought about |
//! |---|---|
//! | one byte at a time | the peer reads and writes a byte with each call |
//! | short writes | the sockets have the smallest buffers that the system gives, and the peer reads portions of every size |
//! | reads that would block | the peer waits for each byte's echo |
//! | interrupted calls | signals to the thread that drives the connection, with a handler |
//! | resets | a linger time of zero; of a Unix socket, its end with bytes unread |
//! | out of descriptors | the limit of the process is lowered, and what is left is taken |
//! | waits without a spin | the processor time of the process |
//!
//! Each wait of the kit ends after the [patience](Check::patience) of the run; nothing sleeps and
//! nothing is tried again.

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
