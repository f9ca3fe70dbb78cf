//! The command and other people's programs over HTTP: curl, Python, nginx, tshark and wrk, which
//! must be installed. `cargo test -p drywire-cli --features interop --test interop`
//!
//! Every test runs for both runtimes, plain and within TLS.

mod command;
mod curl;
mod haproxy;
mod nginx;
mod python;
mod tshark;
mod wrk;
