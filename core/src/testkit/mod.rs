//! Laws that framings, protocols and connections must keep, and what is needed to state them: one
//! call that [checks](check) all of them with cases of its own, naive models, two joined
//! connections in virtual time, a [network](sim) of any number of them, any calls in any order,
//! recorded traces, and fuzz bodies.
//!
//! For a framing or a protocol of your own, in a test:
//!
//! ```
//! use drywire::framing::Lines;
//! use drywire::protocol::Echo;
//! use drywire::testkit::check;
//!
//! check::framing(Lines::new());
//! check::protocol(|| Echo::new(Lines::new()));
//! ```
//!
//! What is broken is a [`Law`], and the smallest case that breaks it is printed. Each law is also a
//! plain function that panics with a sentence when it is broken, to be called with known bytes:
//!
//! ```
//! use drywire::framing::Lines;
//! use drywire::testkit::laws;
//!
//! let frames = [b"hello".to_vec(), b"".to_vec()];
//! laws::framing::all(&Lines::new(), &frames, b"one\r\ntwo\nthr", &[4, 5]);
//! ```
//!
//! Needs the feature `testkit`, which implies `std` and brings proptest and arbitrary: for
//! dev-dependencies.

#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops where something is not as it must be"
)]

pub mod any_order;
pub mod check;
pub mod fuzz;
#[cfg(feature = "http1")]
pub mod http1;
mod law;
pub mod laws;
pub mod model;
pub mod model_proxy;
mod owned;
mod pair;
pub mod sim;
mod subject;
mod trace;
mod watched;
mod way;

pub use law::Law;
pub use owned::OwnedFrames;
pub use pair::{End, Pair, Path};
pub use subject::Subject;
pub use trace::{Event, Talker, Then, Trace, Traced};
pub use watched::{Watched, Work};
