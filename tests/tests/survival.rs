//! What peers do to a server that must go on serving the others.

use std::os::unix::net::UnixListener;
use std::thread;

use drywire_conformance::adapter::{Adapter, Setup};
use drywire_conformance::both;
use drywire_conformance::certificates::Certificates;
use drywire_conformance::peer::{Raw, TlsPeer};
use drywire_conformance::protocol::Behaviour;
use drywire_std::{BindError, Listener};

fn exchange(peer: &mut Raw, line: &[u8]) {
    peer.send(line);
    peer.expect(line);
}

fn resets_at_every_phase(adapter: &dyn Adapter) {
    let server = Setup::echo("lines").serve(adapter);
    let mut witness = server.connect();
    exchange(&mut witness, b"before\n");
    for phase in 0..6 {
        let mut peer = server.connect();
        match phase {
            // At once: it may be gone before it is accepted.
            0 => {}
            1 => peer.send(b"part"),
            2 => peer.send(b"whole\n"),
            3 => exchange(&mut peer, b"whole\n"),
            4 => peer.finish(),
            _ => {
                peer.fill(&b"a line\n".repeat(1 << 20));
            }
        }
        peer.reset();
        exchange(&mut witness, b"still\n");
    }
    witness.finish();
    witness.expect_end();
    server.until(|statistics| statistics.active == 0);
}

fn resets_at_every_phase_of_tls(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let config = certificates.peer_client();
    let server = Setup::echo("lines").tls(&certificates.server_tls()).serve(adapter);
    let mut witness = TlsPeer::connect(&server.place(), &config);
    for phase in 0..5 {
        let mut peer = TlsPeer::before_hello(server.connect(), &config);
        let hello = peer.records();
        match phase {
            0 => {}
            1 => peer.raw().send(&hello[..hello.len() / 2]),
            2 => peer.raw().send(&hello),
            _ => {
                peer = TlsPeer::connect(&server.place(), &config);
                let records = peer.seal(b"whole\npart");
                let len = if phase == 3 { records.len() } else { records.len() / 2 };
                peer.raw().send(&records[..len]);
            }
        }
        peer.into_raw().reset();
        witness.send(b"still\n");
        witness.expect(b"still\n");
    }
    witness.finish();
    witness.expect_end();
    server.until(|statistics| statistics.active == 0);
}

/// Most are gone before the server comes to accept them.
fn many_that_are_gone_before_they_are_accepted(adapter: &dyn Adapter) {
    let server = Setup::echo("lines").serve(adapter);
    for _ in 0..300 {
        server.connect().reset();
    }
    exchange(&mut server.connect(), b"still\n");
    server.until(|statistics| statistics.active == 0);
}

fn handshakes_that_stand_still_block_nobody(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let config = certificates.peer_client();
    let server = Setup::echo("lines").tls(&certificates.server_tls()).serve(adapter);
    let mut idlers = Vec::new();
    for at in 0..50 {
        let mut peer = TlsPeer::before_hello(server.connect(), &config);
        let hello = peer.records();
        peer.raw().send(&hello[..at]);
        idlers.push(peer);
    }
    let mut peer = TlsPeer::connect(&server.place(), &config);
    peer.send(b"served\n");
    peer.expect(b"served\n");
    server.until(|statistics| statistics.active == 51);
}

/// The smol server has one thread here.
fn a_flood_starves_nobody(adapter: &dyn Adapter) {
    let server = Setup::echo("lines").behaving(Behaviour::Discard).serve(adapter);
    let floods: Vec<_> = (0..4)
        .map(|_| {
            let mut peer = server.connect();
            thread::spawn(move || {
                let lines = b"a line of the flood\n".repeat(4096);
                // Until the server is stopped.
                while std::io::Write::write_all(&mut peer, &lines).is_ok() {}
            })
        })
        .collect();
    server.until(|statistics| statistics.received_len > 4 << 20);
    for _ in 0..5 {
        let mut peer = server.connect();
        peer.send(b"a line\n");
        peer.finish();
        peer.expect_end();
    }
    let _ = server.stop();
    for flood in floods {
        flood.join().unwrap();
    }
}

fn a_stale_file_of_a_unix_socket_is_replaced_and_a_live_one_is_not(adapter: &dyn Adapter) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let address = format!("unix:{}", path.display());
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let server = Setup::echo("lines").at(&*address).serve(adapter);
    let second = Listener::bind(&address.parse().unwrap());
    assert!(matches!(second, Err(BindError::InUse(_))), "{second:?}");
    exchange(&mut server.connect(), b"live\n");
    let _ = server.drain();
    assert!(!path.exists());
}

both!(
    resets_at_every_phase,
    resets_at_every_phase_of_tls,
    many_that_are_gone_before_they_are_accepted,
    handshakes_that_stand_still_block_nobody,
    a_flood_starves_nobody,
    a_stale_file_of_a_unix_socket_is_replaced_and_a_live_one_is_not,
);
