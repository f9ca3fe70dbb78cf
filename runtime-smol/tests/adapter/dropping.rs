//! What `run` does beside serving: it can be spawned, dropped, and tells of a panic.

use std::net::TcpStream;
use std::num::NonZeroUsize;
use std::sync::{Mutex, mpsc};

use drywire::{CloseReason, Peer};
use drywire_smol::Server;

use crate::calls::now;
use crate::obey::Obey;
use crate::peer::{PATIENCE, Raw, dial, expect_echo, expect_end, expect_gone};
use crate::serving::{loopback, run, socket_addr};

#[test]
fn a_server_can_be_spawned_on_any_executor() {
    let server = Server::new(|_: &Peer| Obey).listen(loopback());
    server.handle().drain();
    let summary = now(smol::spawn(server.run())).unwrap();
    assert!(summary.drained);
}

#[test]
fn a_server_that_is_dropped_stops() {
    let (tell, closes) = mpsc::channel();
    let listener = loopback();
    let address = socket_addr(listener.address(), [127, 0, 0, 1].into());
    let server = Server::new(|_: &Peer| Obey)
        .listen(listener)
        .on_close(move |_, reason| tell.send(reason.clone()).unwrap());
    let mut peer = dial(address);
    let serving = async {
        server.run().await.unwrap();
        panic!("ended unasked");
    };
    let mut echoing = peer.try_clone().unwrap();
    let echoed = smol::unblock(move || expect_echo(&mut echoing));
    now(smol::future::or(echoed, serving));
    // The future is gone, and the connection with it.
    expect_gone(&mut peer);
    assert_eq!(closes.recv_timeout(PATIENCE), Ok(CloseReason::Stopped));
    // So is the listener, once its task has been.
    while TcpStream::connect(address).is_ok() {}
}

#[test]
fn an_observer_that_panics_does_so_in_run() {
    let listener = loopback();
    let address = socket_addr(listener.address(), [127, 0, 0, 1].into());
    let server = Server::new(|_: &Peer| Obey).listen(listener).on_close(|_, _| panic!("asked to"));
    let handle = server.handle();
    let serving = std::thread::spawn(move || now(server.run()));
    let mut peer = dial(address);
    peer.finish();
    expect_end(&mut peer);
    handle.drain();
    assert_eq!(serving.join().unwrap_err().downcast_ref(), Some(&"asked to"));
}

#[test]
fn a_factory_that_panics_refuses_one_connection_only() {
    let is_first = std::sync::atomic::AtomicBool::new(true);
    let factory = move |_: &Peer| {
        assert!(!is_first.swap(false, std::sync::atomic::Ordering::Relaxed), "asked to");
        Obey
    };
    let server = run(Server::new(factory), vec![loopback()]);
    expect_gone(&mut dial(server.at()));
    assert_eq!(server.closed(), CloseReason::Aborted);
    expect_echo(&mut dial(server.at()));
    assert_eq!(server.closed(), CloseReason::Finished);
    server.stop();
}

#[test]
fn any_number_of_threads_serves_many() {
    for threads in [1, 2, 4] {
        let threads = NonZeroUsize::new(threads).unwrap();
        let server = run(Server::new(|_: &Peer| Obey).threads(threads), vec![loopback()]);
        let mut peers: Vec<_> = (0..100).map(|_| dial(server.at())).collect();
        for _ in 0..3 {
            peers.iter_mut().for_each(expect_echo);
        }
        drop(peers);
        server.handle.drain();
        let summary = server.ended();
        assert!(summary.drained);
        assert_eq!(summary.statistics.accepted, 100);
    }
}

/// Whoever hears of the end may need the descriptor.
#[test]
fn a_stream_whose_factory_panics_is_closed_before_its_end_is_told() {
    let listener = loopback();
    let address = socket_addr(listener.address(), [127, 0, 0, 1].into());
    let (lend, lent) = mpsc::channel();
    let lent = Mutex::new(lent);
    let factory = |_: &Peer| -> Obey { panic!("asked to") };
    let server = Server::new(factory).listen(listener).on_close(move |_, reason| {
        assert_eq!(*reason, CloseReason::Aborted);
        let mut peer: TcpStream = lent.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        expect_gone(&mut peer);
    });
    let handle = server.handle();
    let serving = std::thread::spawn(move || now(server.run()));
    let peer = dial(address);
    lend.send(peer.try_clone().unwrap()).unwrap();
    // The observer waits for it: a drain cannot come first, for it waits for the connection.
    while handle.statistics().accepted == 0 {
        std::thread::yield_now();
    }
    handle.drain();
    assert!(serving.join().unwrap().unwrap().drained);
}
