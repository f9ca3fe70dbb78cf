//! Both sides send before they read.

use std::thread;
use std::time::Duration;

use drywire::connection::Timer;
use drywire::{CloseReason, Limits};
use drywire_conformance::adapter::{Adapter, Dial, Setup, Talk};
use drywire_conformance::both;
use drywire_conformance::certificates::Certificates;
use drywire_conformance::peer::{Raw, RawListener, Reach, TlsPeer};

/// More than the system's buffers of a stream hold.
const LEN: usize = 16 << 20;

static FRAME: [u8; 65536] = [b'f'; 65536];

fn roomy(limits: &mut Limits) {
    limits.receive_backlog_max = LEN;
}

fn send_all(talk: &mut dyn Talk) -> Result<(), drywire_std::Error> {
    for _ in 0..LEN / FRAME.len() {
        talk.send(&FRAME)?;
    }
    talk.flush()
}

fn receive_all(talk: &mut dyn Talk) {
    let mut len = 0;
    while len < LEN {
        len += talk.recv().unwrap().expect("more to come").len();
    }
}

/// A blocked write does not keep us from reading, as far as there is room.
fn a_peer_that_sends_everything_first_is_read_while_we_write(adapter: &dyn Adapter) {
    let listener = RawListener::bind(Reach::V4);
    let mut talk = Dial::plain("raw").limits(roomy).connect(adapter, &address(&listener));
    let mut peer = listener.accept();
    let peer = thread::spawn(move || {
        peer.send(&vec![b'p'; LEN]);
        assert!(peer.read(LEN).iter().all(|byte| *byte == b'f'));
    });
    send_all(talk.as_mut()).unwrap();
    receive_all(talk.as_mut());
    peer.join().unwrap();
}

fn the_same_within_tls(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let listener = RawListener::bind(Reach::V4);
    let address = listener.tls_address().parse().unwrap();
    let config = certificates.peer_server(&certificates.server);
    let peer = thread::spawn(move || {
        let mut peer = TlsPeer::server(listener.accept(), &config);
        peer.send(&vec![b'p'; LEN]);
        peer.expect(&vec![b'f'; LEN]);
    });
    let dial = Dial::plain("raw").limits(roomy).tls(&certificates.client_tls());
    let mut talk = dial.connect(adapter, &address);
    send_all(talk.as_mut()).unwrap();
    receive_all(talk.as_mut());
    peer.join().unwrap();
}

/// Without that room it is a stall, in time.
fn without_room_it_is_a_stall(adapter: &dyn Adapter) {
    let listener = RawListener::bind(Reach::V4);
    let short = |limits: &mut Limits| limits.stall_timeout = Duration::from_millis(200);
    let mut talk = Dial::plain("raw").limits(short).connect(adapter, &address(&listener));
    let mut peer = listener.accept();
    peer.fill(&vec![b'p'; 64 << 20]);
    send_all(talk.as_mut()).unwrap_err();
    assert_eq!(talk.close_reason(), Some(CloseReason::TimedOut(Timer::Stall)));
}

/// An echo to a peer that reads only when it has sent everything: bounded on our side, and whole.
fn an_echo_to_a_peer_that_reads_late_is_a_stall_or_whole(adapter: &dyn Adapter) {
    let setup = Setup::echo("raw");
    let server =
        setup.limits(|limits| limits.stall_timeout = Duration::from_millis(200)).serve(adapter);
    let mut late = Raw::connect_narrow(&server.place());
    late.fill(&vec![b'p'; 64 << 20]);
    assert_eq!(server.reason(), CloseReason::TimedOut(Timer::Stall));

    let mut peer = server.connect();
    let mut reader = peer.another();
    let sender = thread::spawn(move || {
        peer.send(&vec![b'p'; LEN]);
        peer.finish();
    });
    let echo = reader.read(LEN);
    assert!(echo.iter().all(|byte| *byte == b'p'));
    reader.expect_end();
    sender.join().unwrap();
    assert_eq!(server.reason(), CloseReason::Finished);
}

fn address(listener: &RawListener) -> drywire::address::Address {
    listener.address().parse().unwrap()
}

both!(
    a_peer_that_sends_everything_first_is_read_while_we_write,
    the_same_within_tls,
    without_room_it_is_a_stall,
    an_echo_to_a_peer_that_reads_late_is_a_stall_or_whole,
);
