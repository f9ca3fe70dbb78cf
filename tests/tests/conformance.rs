//! Every adapter of this repository through the conformance kit, the examples among them. The same
//! protocol runs on all of them.

#[path = "../examples/mio/kit.rs"]
mod mio_example;
#[path = "../examples/tokio/kit.rs"]
mod tokio_example;

use std::sync::Arc;

use drywire_conformance::adapter::{Evented, Smol, Std};
use drywire_conformance::kit::{Runtime, check};
use mio_example::Mio;
use tokio_example::Tokio;

#[track_caller]
fn passes(runtime: impl Runtime + 'static) {
    let report = check(Arc::new(runtime));
    println!("{report}");
    assert!(report.is_passed(), "{report}");
}

#[test]
fn std_threads() {
    passes(Std);
}

#[test]
fn std_evented() {
    passes(Evented);
}

#[test]
fn smol_tasks() {
    passes(Smol);
}

#[test]
fn the_example_over_mio() {
    passes(Mio);
}

#[test]
fn the_example_over_tokio() {
    passes(Tokio);
}
