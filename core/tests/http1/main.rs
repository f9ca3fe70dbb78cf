//! HTTP/1.1: what is received, what may be sent, and how exchanges follow each other.
#![cfg(feature = "http1")]

#[cfg(feature = "tls")]
mod connection;
mod exchange;
mod limits;
mod receive;
mod send;
#[cfg(feature = "tls")]
#[path = "../support/mod.rs"]
mod sessions;
mod support;
