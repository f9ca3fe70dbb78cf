//! Which threads serve.

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::sync::{Mutex, mpsc};
use std::thread::{self, ThreadId};
use std::time::Duration;

use drywire::admission::AdmissionLimits;
use drywire::{CloseKind, Peer};
use drywire_std::{Listener, Server};

use crate::obey::Obey;
use crate::peer::{Raw, dial, expect_echo, expect_echoes, expect_gone};
use crate::serving::{loopback, run, socket_addr};

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
fn the_last_place_goes_round_the_listeners() {
    let listeners = [loopback(), loopback()];
    let at = |listener: &Listener| socket_addr(listener.address(), Ipv4Addr::LOCALHOST.into());
    let places = listeners.each_ref().map(at);
    // All are there before the server is.
    let crowd = (0..3).flat_map(|_| places.map(|at| -> Box<dyn Raw> { Box::new(dial(at)) }));
    let crowd = crowd.collect();
    let mut limits = AdmissionLimits::new();
    limits.connections_max = 1;
    let (tell, served) = mpsc::channel();
    let factory = move |peer: &Peer| {
        tell.send(peer.listener()).unwrap();
        Obey
    };
    let server = run(Server::new(factory).admission(limits), listeners.into());
    expect_echoes(crowd);
    assert_eq!(served.try_iter().collect::<Vec<_>>(), [0, 1, 0, 1, 0, 1]);
    assert_eq!(server.stop().statistics.refused, 0);
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
