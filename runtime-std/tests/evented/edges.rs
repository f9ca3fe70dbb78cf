//! What edge-triggered readiness tells only once.

use std::io::Write;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::thread;

use drywire::{CloseReason, Peer};
use drywire_std::evented::Server;
use socket2::SockRef;

use crate::gate::Gate;
use crate::obey::Obey;
use crate::peer::{Raw, dial, dial_unix, expect, expect_echo, expect_end, reset};
use crate::serving::{Running, bind, loopback, run, socket_path};

/// A server that is held up after everybody who asks has been served once.
struct Held {
    server: Running,
    gate: Gate,
    keeper: TcpStream,
}

impl Held {
    fn new() -> Self {
        let gate = Gate::new();
        let listeners = vec![loopback(), bind(&format!("unix:{}", socket_path().display()))];
        let server = run(Server::new(gate.factory()), listeners);
        let keeper = dial(server.at());
        Self { server, gate, keeper }
    }

    fn dial(&self) -> TcpStream {
        let mut peer = dial(self.server.at());
        expect_echo(&mut peer);
        peer
    }

    fn dial_unix(&self) -> UnixStream {
        let address = self.server.addresses[1].to_string();
        let mut peer = dial_unix(address.trim_start_matches("unix:").as_ref());
        expect_echo(&mut peer);
        peer
    }

    /// Lets all that `act` does come to the server at once.
    fn at_once(&mut self, act: impl FnOnce()) {
        self.keeper.write_all(b"hold\n").unwrap();
        self.gate.is_held();
        act();
        self.gate.open();
        expect(&mut self.keeper, b"hold\n");
    }
}

fn bytes_and_the_end(held: &mut Held, mut peer: impl Raw) {
    held.at_once(|| {
        peer.write_all(b"one\ntwo\n").unwrap();
        peer.finish();
    });
    // The first read is short, and nothing is told any more.
    expect(&mut peer, b"one\ntwo\n");
    expect_end(&mut peer);
    assert_eq!(held.server.closed(), CloseReason::Finished);
}

#[test]
fn the_end_behind_bytes_is_read() {
    let mut held = Held::new();
    let (tcp, unix) = (held.dial(), held.dial_unix());
    bytes_and_the_end(&mut held, tcp);
    bytes_and_the_end(&mut held, unix);
    held.server.stop();
}

#[test]
fn much_and_the_end_are_read_in_several_turns() {
    let server = run(Server::new(|_: &Peer| Obey), vec![loopback()]);
    let lines = b"a line of some length, to be echoed\n".repeat(20_000);
    let mut peer = dial(server.at());
    let mut writing = peer.try_clone().unwrap();
    let sent = lines.clone();
    let writer = thread::spawn(move || {
        writing.write_all(&sent).unwrap();
        writing.finish();
    });
    expect(&mut peer, &lines);
    expect_end(&mut peer);
    writer.join().unwrap();
    assert_eq!(server.closed(), CloseReason::Finished);
    server.stop();
}

#[test]
fn what_follows_urgent_data_is_read() {
    let mut held = Held::new();
    let mut peer = held.dial();
    held.at_once(|| {
        peer.write_all(b"one\n").unwrap();
        SockRef::from(&peer).send_out_of_band(b"!").unwrap();
        peer.write_all(b"two\n").unwrap();
    });
    // A read ends before urgent data, which is not of the stream, and the edge was that of all.
    expect(&mut peer, b"one\ntwo\n");
    expect_echo(&mut peer);
    held.server.stop();
}

#[test]
fn a_reset_behind_bytes_is_told() {
    let mut held = Held::new();
    let mut peer = held.dial();
    held.at_once(|| {
        peer.write_all(b"one\n").unwrap();
        reset(peer);
    });
    assert_eq!(held.server.closed(), CloseReason::Reset);
    held.server.stop();
}

#[test]
fn bytes_that_come_between_two_waits_are_read() {
    let mut held = Held::new();
    let mut peer = held.dial();
    for _ in 0..50 {
        held.at_once(|| peer.write_all(b"one\n").unwrap());
        expect(&mut peer, b"one\n");
        expect_echo(&mut peer);
    }
    held.server.stop();
}
