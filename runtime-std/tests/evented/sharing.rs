//! Several loops at the same listeners.

use std::collections::HashSet;
use std::net::{TcpListener, TcpStream};
use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use drywire::Peer;
use drywire::admission::AdmissionLimits;
use drywire::statistics::Observed;
use drywire_std::evented::Server;
use drywire_std::{Listener, ServerHandle};

use crate::limits::serve_crowds;
use crate::obey::Obey;
use crate::peer::{PATIENCE, dial, dial_unix, expect_echo};
use crate::serving::{bind, loopback, run, socket_path};

fn count(threads: usize) -> NonZeroUsize {
    NonZeroUsize::new(threads).unwrap()
}

/// Who comes before, is served by one of them.
fn await_ready(handle: &ServerHandle) {
    let begin = Instant::now();
    while !handle.is_ready() {
        assert!(begin.elapsed() < PATIENCE);
        thread::yield_now();
    }
}

/// How many threads have served `peers` connections to `listener`.
fn threads_of(listener: Listener, peers: usize) -> usize {
    let (tell, served) = mpsc::channel();
    let server = Server::new(move |_: &Peer| {
        tell.send(thread::current().id()).unwrap();
        Obey
    });
    let server = run(server.threads(count(2)), vec![listener]);
    await_ready(&server.handle);
    let mut peers: Vec<_> = (0..peers).map(|_| dial(server.at())).collect();
    peers.iter_mut().for_each(expect_echo);
    let threads: HashSet<_> =
        peers.iter().map(|_| served.recv_timeout(PATIENCE).unwrap()).collect();
    assert_eq!(server.stop().statistics.accepted, peers.len() as u64);
    threads.len()
}

#[cfg(target_os = "linux")]
#[test]
fn the_system_gives_every_loop_its_share() {
    // One is left out by chance in one of 2^63 runs.
    assert_eq!(threads_of(loopback(), 64), 2);
    assert_eq!(threads_of(bind("tcp://[::]:0"), 64), 2);
}

#[test]
fn a_socket_of_somebody_else_is_shared_as_it_is() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = socket.local_addr().unwrap();
    let copy = socket.try_clone().unwrap();
    let listener = Listener::adopt(OwnedFd::from(socket), format!("tcp://{at}").parse().unwrap());
    threads_of(listener.unwrap(), 20);
    // It still listens, and nobody else does in its place.
    let _waiting = TcpStream::connect(at).unwrap();
    copy.set_nonblocking(false).unwrap();
    copy.accept().unwrap();
}

#[test]
fn nobody_else_can_join_in_afterwards() {
    let listener = loopback();
    let address = listener.address().clone();
    let server = run(Server::new(|_: &Peer| Obey).threads(count(2)), vec![listener]);
    expect_echo(&mut dial(server.at()));
    assert!(Listener::bind(&address).is_err());
    server.stop();
    assert!(Listener::bind(&address).is_ok());
}

#[test]
fn those_beyond_the_limit_wait_for_any_loop() {
    let path = socket_path();
    let unix = bind(&format!("unix:{}", path.display()));
    let mut limits = AdmissionLimits::new();
    limits.connections_max = 2;
    let server = Server::new(|_: &Peer| Obey).admission(limits).threads(count(3));
    let server = run(server, vec![loopback(), unix]);
    for _ in 0..40 {
        let mut first = dial(server.at());
        let mut second = dial_unix(&path);
        expect_echo(&mut first);
        expect_echo(&mut second);
        let mut third = dial(server.at());
        let mut fourth = dial_unix(&path);
        drop((first, second));
        expect_echo(&mut third);
        expect_echo(&mut fourth);
    }
    let summary = server.stop();
    assert_eq!((summary.statistics.accepted, summary.statistics.refused), (160, 0));
}

#[test]
fn a_crowd_is_served_by_any_loop_and_nobody_is_refused() {
    for max in 1..=2 {
        serve_crowds(max, Server::new(|_: &Peer| Obey).threads(count(3)));
    }
}

#[test]
fn an_observer_that_panics_does_so_when_all_have_ended() {
    let server = Server::new(|_: &Peer| Obey).listen(loopback()).threads(count(2));
    let server = server.on_close(|_, _| panic!("observed"));
    let handle = server.handle();
    let serving = thread::spawn(move || catch_unwind(AssertUnwindSafe(|| server.run().is_ok())));
    await_ready(&handle);
    let address = handle.listeners()[0].trim_start_matches("tcp://").parse().unwrap();
    drop(dial(address));
    let mut second = dial(address);
    expect_echo(&mut second);
    handle.drain();
    drop(second);
    let panic = serving.join().unwrap().unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"observed"));
}
