//! Whether an adapter of Drywire is right: the conformance kit for yours, and the tests of ours.
//!
//! An adapter moves bytes and time between a connection and the system. The [kit] puts one through
//! every case that it must get right, of each of which an adapter is known that gets it wrong, and
//! reports. It wants a [`Runtime`](kit::Runtime): how to start a server, and how to run a client.
//!
//! # Examples
//! One heading of the report, each line printed when its case has ended; without `cases` it is all:
//! ```
//! use std::io::stdout;
//! use std::sync::Arc;
//! use drywire_conformance::adapter::Evented; // or a runtime of yours
//! use drywire_conformance::kit::Check;
//!
//! let cases = Check::names().filter(|name| name.starts_with("resets"));
//! let report = Check::new(Arc::new(Evented)).cases(cases).run_to(stdout())?;
//! assert!(report.is_passed());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # The tests of our adapters
//! These ask for what the kit does not: addresses, PROXY headers, datagrams, pings. A test body is
//! written once, against [`Adapter`](adapter::Adapter), and runs for each adapter through [`both!`]:
//! ```
//! use drywire_conformance::adapter::{Adapter, Setup};
//!
//! fn echoes(adapter: &dyn Adapter) {
//!     let server = Setup::echo("lines").serve(adapter);
//!     let mut peer = server.connect();
//!     peer.send(b"hello\n");
//!     peer.expect(b"hello\n");
//! }
//!
//! drywire_conformance::both!(echoes);
//! ```
//!
//! At the other end stand [peers](peer) that are made by hand over the standard library's sockets,
//! without any type of Drywire, or programs of other people. The tests against those, `openssl`,
//! `python3`, `socat`, `nc` and HAProxy, fail if one is missing:
//! ```sh
//! cargo test --package drywire-conformance --features interop
//! ```
#![forbid(unsafe_code)]

use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

pub mod adapter;
pub mod certificates;
mod counts;
pub mod datagrams;
pub mod kit;
pub mod peer;
pub mod pings;
pub mod protocol;
pub mod wire;

/// How long a test waits for one thing to happen before it fails.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How long a whole test may take before it fails.
pub const TEST_TIME_MAX: Duration = Duration::from_secs(100);

/// The code in the README, compiled as tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct ReadMe;

/// Makes tests of bodies that take an adapter: one for each adapter, in a module of its name.
#[macro_export]
macro_rules! both {
    ($($body:ident),+ $(,)?) => {
        #[cfg(test)]
        mod std_threads {
            $(#[test]
            fn $body() {
                $crate::within(|| super::$body(&$crate::adapter::Std));
            })+
        }

        #[cfg(test)]
        mod smol_tasks {
            $(#[test]
            fn $body() {
                $crate::within(|| super::$body(&$crate::adapter::Smol));
            })+
        }
    };
}

/// Runs a test that may take [`TEST_TIME_MAX`].
///
/// # Panics
/// If the test does, or takes longer.
pub fn within<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = channel();
    // The test's own name, by which the harness would show its panics.
    let name = thread::current().name().unwrap_or("test").to_owned();
    let work = move || drop(sender.send(test()));
    let thread = thread::Builder::new().name(name).spawn(work).expect("a thread can be started");
    match receiver.recv_timeout(TEST_TIME_MAX) {
        Ok(value) => value,
        Err(RecvTimeoutError::Timeout) => panic!("the test took more than {TEST_TIME_MAX:?}"),
        Err(RecvTimeoutError::Disconnected) => match thread.join() {
            Err(panic) => resume_unwind(panic),
            Ok(()) => unreachable!("a test that returns sends its value"),
        },
    }
}
