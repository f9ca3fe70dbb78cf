//! Threads that the system does not give.

use std::time::Duration;

use drywire::admission::AdmissionLimits;
use drywire::{CloseKind, Peer};
use drywire_std::Server;

use crate::obey::Obey;
use crate::peer::{dial, expect_gone};
use crate::serving::{loopback, run};

#[test]
fn a_thread_that_cannot_be_started_is_a_refusal() {
    let mut limits = AdmissionLimits::new();
    limits.accept_backoff_max = Duration::from_millis(10);
    // No system has so much room for a stack.
    let server = Server::new(|_: &Peer| Obey).admission(limits).stack_len(1 << 60);
    let server = run(server, vec![loopback()]);
    for _ in 0..3 {
        expect_gone(&mut dial(server.at()));
    }
    server.handle.drain();
    let summary = server.ended();
    let statistics = summary.statistics;
    assert_eq!((statistics.accepted, statistics.refused), (3, 3));
    assert_eq!(statistics.closed_as(CloseKind::Refused), 3);
    assert!(summary.drained);
}
