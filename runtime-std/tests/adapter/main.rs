//! The adapter over real sockets on loopback. One behaviour per file; no fixed ports, no sleeps.
//!
//! Files that name the adapter as `crate::adapter` are those of the readiness loop and of
//! drywire-smol, too; [`calls`] is what they differ in.
#![allow(missing_docs)]

pub(crate) use drywire_std as adapter;

mod active;
mod admin;
mod calls;
mod certificate;
mod connecting;
mod drain;
mod echo;
mod ending;
mod ends;
mod flow;
mod framed;
#[cfg(feature = "http1")]
mod getter;
#[cfg(feature = "http1")]
mod getting;
mod handshake;
mod http;
mod introduction;
mod latency;
mod limits;
mod obey;
mod peer;
mod proxy;
#[cfg(feature = "record")]
mod recording;
mod resets;
mod serving;
mod statistics;
mod threads;
mod unix_file;
mod visits;
