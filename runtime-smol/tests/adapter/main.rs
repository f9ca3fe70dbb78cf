//! The adapter over real sockets on loopback. One behaviour per file; no fixed ports, no sleeps.
#![allow(missing_docs)]

mod cancel;
mod certificate;
mod connecting;
mod drain;
mod dropping;
mod echo;
mod ends;
mod flow;
mod framed;
mod handshake;
mod latency;
mod limits;
mod obey;
mod peer;
mod resets;
mod serving;
mod sink;
mod starvation;
mod statistics;
mod timers;
mod unix_file;
