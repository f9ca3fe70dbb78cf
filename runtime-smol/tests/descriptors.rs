//! A server that runs out of descriptors goes on and does not spin. A process of its own, because
//! the limit is one of the process.
#![allow(missing_docs)]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::thread;
use std::time::Duration;

use drywire::Peer;
use drywire::address::Endpoint;
use drywire::admission::AdmissionLimits;
use drywire::framing::Lines;
use drywire::protocol::Echo;
use drywire_smol::{Listener, Server};
use rustix::process::{Resource, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

const PEERS: usize = 12;
/// Descriptors beyond those that are open: one for a connection, and one that all share.
const SPARE: usize = if cfg!(any(target_os = "linux", target_os = "android")) { 5 } else { 4 };

#[test]
fn no_descriptors_left() {
    let listener = Listener::bind(&"tcp://127.0.0.1:0".parse().unwrap()).unwrap();
    let Endpoint::Internet(place) = listener.address().endpoint() else { unreachable!() };
    // The reactor, which all share, has its own by now.
    smol::block_on(smol::Timer::after(Duration::from_millis(1)));
    // All are in the system's queue before the server begins.
    let mut peers: Vec<_> = (0..PEERS)
        .map(|_| {
            let mut peer = TcpStream::connect(("127.0.0.1", place.port)).unwrap();
            peer.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            peer.write_all(b"echo\n").unwrap();
            peer
        })
        .collect();
    let highest = peers.iter().map(AsRawFd::as_raw_fd).max().unwrap();
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = Some(highest as u64 + 1 + SPARE as u64);
    setrlimit(Resource::Nofile, limit).unwrap();

    let mut admission = AdmissionLimits::new();
    admission.accept_backoff_min = Duration::from_millis(5);
    admission.accept_backoff_max = Duration::from_millis(20);
    let server =
        Server::new(|_: &Peer| Echo::new(Lines::new())).admission(admission).listen(listener);
    let handle = server.handle();
    let serving = thread::spawn(move || smol::block_on(server.run()));

    // As many as there is room for are served, in the order in which they came.
    let (served, waiting) = peers.split_at_mut(4);
    served.iter_mut().for_each(expect_echo);
    let cpu = cpu_time();
    let first = waiting.first_mut().unwrap();
    first.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert_eq!(first.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    first.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let used = cpu_time() - cpu;
    assert!(used < Duration::from_millis(100), "{used:?} of 300 ms");
    assert_eq!(handle.statistics().active, 4);

    // Each that ends makes room for another.
    let mut peers = peers.into_iter();
    let mut served: Vec<_> = peers.by_ref().take(4).collect();
    for mut peer in peers {
        drop(served.remove(0));
        expect_echo(&mut peer);
        served.push(peer);
    }
    drop(served);
    handle.drain();
    let summary = serving.join().unwrap().unwrap();
    assert_eq!((summary.statistics.accepted, summary.statistics.refused), (PEERS as u64, 0));
}

#[track_caller]
fn expect_echo(peer: &mut TcpStream) {
    let mut echo = [0; 5];
    peer.read_exact(&mut echo).unwrap();
    assert_eq!(&echo, b"echo\n");
}

/// What this process has used.
fn cpu_time() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap()
}
