//! Several listeners, each with a task that accepts.

use std::num::NonZeroUsize;

use drywire::Peer;
use drywire_smol::Server;

use crate::limits::serve_crowds;
use crate::obey::Obey;

#[test]
fn a_crowd_is_served_by_any_thread_and_nobody_is_refused() {
    let four = NonZeroUsize::new(4).unwrap();
    for max in 1..=2 {
        serve_crowds(max, Server::new(|_: &Peer| Obey).threads(four));
    }
}
