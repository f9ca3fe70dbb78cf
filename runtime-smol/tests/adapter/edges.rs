//! What a stream has to say once only, at the moment it is accepted, is heard.

use std::io::Write;
use std::net::{Ipv4Addr, Shutdown, TcpStream};

use drywire::framing::Lines;
use drywire::protocol::Echo;
use drywire::{CloseReason, Peer};
use drywire_smol::Server;
use socket2::SockRef;

use crate::peer::{dial, expect, expect_end};
use crate::serving::{Running, loopback, run, socket_addr};

/// A server that finds its first connection as `begin` has left it, all of it at once.
fn with_first(begin: impl FnOnce(&mut TcpStream)) -> (Running, TcpStream) {
    let listener = loopback();
    let mut peer = dial(socket_addr(listener.address(), Ipv4Addr::LOCALHOST.into()));
    begin(&mut peer);
    let server = run(Server::new(|_: &Peer| Echo::new(Lines::new())), vec![listener]);
    (server, peer)
}

#[test]
fn the_end_right_behind_the_last_bytes() {
    let (server, mut peer) = with_first(|peer| {
        peer.write_all(b"one\ntwo\n").unwrap();
        peer.shutdown(Shutdown::Write).unwrap();
    });
    expect(&mut peer, b"one\ntwo\n");
    expect_end(&mut peer);
    assert_eq!(server.closed(), CloseReason::Finished);
}

/// Urgent data divides what is there into two reads, the first of them short.
#[test]
fn bytes_behind_urgent_data() {
    let (_server, mut peer) = with_first(|peer| {
        peer.write_all(b"one\n").unwrap();
        SockRef::from(&*peer).send_out_of_band(b"!").unwrap();
        peer.write_all(b"two\n").unwrap();
    });
    expect(&mut peer, b"one\ntwo\n");
}
