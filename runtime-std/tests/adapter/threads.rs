//! Which threads serve.

use std::collections::HashSet;
use std::sync::Mutex;
use std::thread::{self, ThreadId};
use std::time::Duration;

use drywire::admission::AdmissionLimits;
use drywire::{CloseKind, Peer};
use drywire_std::Server;

use crate::obey::Obey;
use crate::peer::{dial, expect_echo, expect_gone};
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

#[test]
fn a_thread_serves_one_connection_after_the_other_and_never_two() {
    static SEEN: Mutex<Vec<ThreadId>> = Mutex::new(Vec::new());
    let factory = |_: &Peer| {
        SEEN.lock().unwrap().push(thread::current().id());
        Obey
    };
    let server = run(Server::new(factory), vec![loopback()]);
    for _ in 0..50 {
        expect_echo(&mut dial(server.at()));
        server.closed();
    }
    let one_after_the_other: HashSet<_> = SEEN.lock().unwrap().drain(..).collect();
    assert!(one_after_the_other.len() < 50);

    let mut peers: Vec<_> = (0..10).map(|_| dial(server.at())).collect();
    peers.iter_mut().for_each(expect_echo);
    let at_once: HashSet<_> = SEEN.lock().unwrap().drain(..).collect();
    assert_eq!(at_once.len(), 10);
    drop(peers);
    server.handle.drain();
    assert!(server.ended().drained);
}
