//! Waiting for what a server has counted.

use std::fmt::Debug;
use std::thread;
use std::time::Instant;

use crate::PATIENCE;

/// Looks at `counts` until they are as `wanted`.
pub(crate) fn until<T: Debug>(counts: impl Fn() -> T, wanted: impl Fn(&T) -> bool) -> T {
    let begin = Instant::now();
    loop {
        let counts = counts();
        if wanted(&counts) {
            return counts;
        }
        assert!(begin.elapsed() < PATIENCE, "{counts:?}");
        thread::yield_now();
    }
}
