//! Every adapter of this repository through the conformance kit.

use std::sync::Arc;

use drywire_conformance::adapter::{Smol, Std};
use drywire_conformance::kit::{Runtime, check};

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
fn smol_tasks() {
    passes(Smol);
}
