//! The list of connections, and what is counted of handshakes and durations.

use std::io::Write;
use std::thread;
use std::time::Instant;

use drywire::Peer;
use drywire::connection::Stage;
use drywire::statistics::{HandshakeKind, Observed, Visit};
use drywire::tls::TlsVersion;

use crate::adapter::Server;
use crate::certificate::Certificate;
use crate::obey::Obey;
use crate::peer::{PATIENCE, Raw, dial, expect_echo, finish_tls, handshake};
use crate::serving::{Running, loopback, run};

/// The visits, once there are `count` of which `holds`. A driver notes what a turn came to behind
/// the turn, so that a peer may be ahead of it.
#[track_caller]
fn visits(server: &Running, count: usize, holds: impl Fn(&Visit) -> bool) -> Vec<Visit> {
    let since = Instant::now();
    loop {
        let visits = server.handle.visits();
        if visits.iter().filter(|visit| holds(visit)).count() == count {
            return visits;
        }
        assert!(since.elapsed() < PATIENCE, "{visits:?}");
        thread::yield_now();
    }
}

#[test]
fn connections_are_listed_with_what_they_came_to() {
    let certificate = Certificate::new();
    let listeners = vec![loopback(), loopback().with_tls(certificate.server())];
    let server = run(Server::new(|_: &Peer| Obey), listeners);
    assert_eq!(server.handle.visits(), []);

    let mut plain = dial(server.at());
    expect_echo(&mut plain);
    let tls_at = crate::serving::socket_addr(&server.addresses[1], server.at().ip());
    let mut session = handshake(dial(tls_at), &certificate.client_config());
    expect_echo(&mut session);
    let listed = visits(&server, 2, |visit| {
        visit.stage == Stage::Open && visit.received_len > 0 && visit.transmitted_len > 0
    });
    for visit in &listed {
        let expected = match visit.peer.listener() {
            0 => (Some(plain.local_addr().unwrap()), None),
            _ => (Some(session.sock.local_addr().unwrap()), Some(TlsVersion::Tls13)),
        };
        assert_eq!((visit.peer.remote(), visit.tls), expected);
    }

    let names: Vec<_> = server.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(server.handle.listeners(), names);
    assert!(server.handle.is_ready());
    assert!(listed.iter().all(|visit| visit.since <= server.handle.now()));

    plain.write_all(b"close\n").unwrap();
    visits(&server, 1, |visit| visit.stage == Stage::Closing);
    drop(plain);
    server.closed();
    finish_tls(&mut session);
    server.closed();
    assert_eq!(server.handle.visits(), []);
    server.handle.drain();
    assert_eq!(server.ended().statistics.active, 0);
    assert!(!server.handle.is_ready());
    let statistics = server.handle.statistics();
    assert_eq!(statistics.connection_time.count(), 2);
    assert_eq!(statistics.handshakes_as(HandshakeKind::Tls13), 1);
    assert_eq!(statistics.handshakes.iter().sum::<u64>(), 1);
    assert_eq!(statistics.handshake_time.count(), 1);
}

#[test]
fn handshakes_that_fail_are_counted() {
    let certificate = Certificate::new();
    let listener = loopback().with_tls(certificate.server());
    let server = run(Server::new(|_: &Peer| Obey), vec![listener]);
    let mut peer = dial(server.at());
    peer.write_all(b"this is no TLS\r\n").unwrap();
    peer.finish();
    server.closed();
    drop(dial(server.at()));
    server.closed();
    let statistics = server.handle.statistics();
    assert_eq!(statistics.handshakes_as(HandshakeKind::Failed), 1);
    assert_eq!(statistics.handshakes_as(HandshakeKind::Abandoned), 1);
    assert_eq!(statistics.handshake_time.count(), 0);
    server.stop();
}
