//! Laws that framings and connections must keep, and what is needed to state them: naive models, two
//! joined connections in virtual time, calls in any order, traces of steps, and fuzz bodies.
//!
//! A law is a plain function that panics with a sentence when it is broken. The same laws are
//! called with known bytes, by property tests and by fuzz targets, here and in crates that bring
//! their own framing:
//!
//! ```
//! use drywire::framing::Lines;
//! use drywire::testkit::laws;
//!
//! let frames = [b"hello".to_vec(), b"".to_vec()];
//! laws::framing::all(&Lines::new(), &frames, b"one\r\ntwo\nthr", &[4, 5]);
//! ```
//!
//! Needs the feature `testkit`, which adds no dependency.

#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops where something is not as it must be"
)]

pub mod any_order;
pub mod fuzz;
#[cfg(feature = "http1")]
pub mod http1;
pub mod laws;
pub mod model;
pub mod model_proxy;
mod owned;
mod pair;
mod trace;
mod watched;

pub use owned::OwnedFrames;
pub use pair::{End, Pair, Path};
pub use trace::{Event, Talker, Then, Trace, Traced};
pub use watched::{Watched, Work};
