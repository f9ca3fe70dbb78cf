//! Resets in every phase of a conversation end that conversation and nothing else.

use std::io::{Read, Write};

use crate::adapter::Server;
use drywire::{Limits, Peer};

use crate::certificate::Certificate;
use crate::obey::Obey;
use crate::peer::{Raw, dial, expect, expect_echo, handshake, reset};
use crate::serving::{loopback, obey, run};

#[test]
fn a_plain_server_survives_them() {
    let server = obey(Limits::new());
    let mut witness = dial(server.at());
    for _ in 0..20 {
        // At once, perhaps before it is accepted.
        reset(dial(server.at()));
        // In a frame.
        let mut peer = dial(server.at());
        expect_echo(&mut peer);
        peer.write_all(b"half a li").unwrap();
        reset(peer);
        // While we send.
        let mut peer = dial(server.at());
        peer.write_all(&b"much\n".repeat(10_000)).unwrap();
        peer.read_exact(&mut [0; 100]).unwrap();
        reset(peer);
        // After the peer finished.
        let mut peer = dial(server.at());
        expect_echo(&mut peer);
        peer.finish();
        reset(peer);
        // While we linger.
        let mut peer = dial(server.at());
        peer.write_all(b"close\n").unwrap();
        expect(&mut peer, b"closing\n");
        reset(peer);
        expect_echo(&mut witness);
    }
    drop(witness);
    server.handle.drain();
    let statistics = server.ended().statistics;
    // One that was reset in the queue may never have come.
    let closed = statistics.closed.iter().sum::<u64>();
    assert_eq!((closed, statistics.active), (statistics.accepted, 0));
    assert!((81..=101).contains(&statistics.accepted), "{}", statistics.accepted);
}

#[test]
fn a_tls_server_survives_them() {
    let certificate = Certificate::new();
    let listener = loopback().with_tls(certificate.server());
    let server = run(Server::new(|_: &Peer| Obey), vec![listener]);
    let config = certificate.client_config();
    let mut witness = handshake(dial(server.at()), &config);
    for _ in 0..5 {
        reset(dial(server.at()));
        // In the greeting, and after it.
        let mut peer = dial(server.at());
        peer.write_all(&[0x16, 3, 1, 2]).unwrap();
        reset(peer);
        let mut peer = dial(server.at());
        let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
        let mut session =
            rustls::ClientConnection::new(std::sync::Arc::clone(&config), name).unwrap();
        session.write_tls(&mut peer).unwrap();
        peer.read_exact(&mut [0; 5]).unwrap();
        reset(peer);
        // When it is open, and in a frame.
        reset(handshake(dial(server.at()), &config).sock);
        let mut peer = handshake(dial(server.at()), &config);
        peer.write_all(b"half a li").unwrap();
        peer.flush().unwrap();
        reset(peer.sock);
        expect_echo(&mut witness);
    }
    drop(witness);
    server.handle.drain();
    let statistics = server.ended().statistics;
    assert_eq!(statistics.closed.iter().sum::<u64>(), statistics.accepted);
}
