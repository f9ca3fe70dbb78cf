//! HTTP/1.1: what is received, what may be sent, and how exchanges follow each other.
#![cfg(feature = "http1")]

mod exchange;
mod limits;
mod receive;
mod send;
mod support;
