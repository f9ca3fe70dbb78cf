//! A server that runs out of descriptors goes on and does not spin.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::thread::JoinHandle;
use std::time::Duration;

use drywire::address::Endpoint;
use drywire::admission::AdmissionLimits;
use drywire_std::{Listener, ServeError, ServerHandle, Summary};
use rustix::process::{Resource, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

pub(crate) type Serving = JoinHandle<Result<Summary, ServeError>>;

const PEERS: usize = 12;
/// Connections that there is room for.
const ROOM: usize = 4;

/// What becomes of a server that takes `own` descriptors for itself.
pub(crate) fn no_descriptors_left(
    own: usize,
    serve: impl FnOnce(AdmissionLimits, Listener) -> (ServerHandle, Serving),
) {
    let listener = Listener::bind(&"tcp://127.0.0.1:0".parse().unwrap()).unwrap();
    let Endpoint::Internet(place) = listener.address().endpoint() else { unreachable!() };
    // All are in the system's queue before the server begins.
    let mut peers: Vec<_> = (0..PEERS)
        .map(|_| {
            let mut peer = TcpStream::connect(("127.0.0.1", place.port)).unwrap();
            peer.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            peer.write_all(b"echo\n").unwrap();
            peer
        })
        .collect();
    leave_descriptors(own + ROOM);

    let mut admission = AdmissionLimits::new();
    admission.accept_backoff_min = Duration::from_millis(5);
    admission.accept_backoff_max = Duration::from_millis(20);
    let (handle, serving) = serve(admission, listener);

    // As many as there is room for are served, in the order in which they came.
    let (served, waiting) = peers.split_at_mut(ROOM);
    served.iter_mut().for_each(expect_echo);
    let cpu = cpu_time();
    let first = waiting.first_mut().unwrap();
    first.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert_eq!(first.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    first.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let used = cpu_time() - cpu;
    assert!(used < Duration::from_millis(100), "{used:?} of 300 ms");
    assert_eq!(handle.statistics().active, ROOM as u64);

    // Each that ends makes room for another.
    let mut peers = peers.into_iter();
    let mut served: Vec<_> = peers.by_ref().take(ROOM).collect();
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

/// Lets this process open so many descriptors more. They are the least that are free, whichever are in use.
fn leave_descriptors(count: usize) {
    let free: Vec<_> = (0..count).map(|_| File::open("/dev/null").unwrap()).collect();
    let highest = free.iter().map(AsRawFd::as_raw_fd).max().unwrap();
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = Some(highest as u64 + 1);
    setrlimit(Resource::Nofile, limit).unwrap();
}

fn expect_echo(peer: &mut TcpStream) {
    let mut echo = [0; 5];
    peer.read_exact(&mut echo).unwrap();
    assert_eq!(&echo, b"echo\n");
}

/// What this process has used.
fn cpu_time() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap()
}
