//! An admin listener beside a server: it tells of it, and outlives it.

use std::io::{Read, Write};
use std::net::SocketAddr;

use crate::adapter::Server;
use drywire::protocol::Admin;
use drywire::{Limits, Peer};

use crate::peer::{dial, expect_echo, expect_end};
use crate::serving::{Running, loopback, obey, run};

/// Asks once, and waits for the end.
fn ask(at: SocketAddr, request: &str) -> String {
    let mut client = dial(at);
    client.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    answer
}

fn get(admin: &Running, target: &str) -> String {
    ask(
        admin.at(),
        &format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    )
}

#[test]
fn a_server_is_told_of_while_it_runs_and_ends() {
    let server = obey(Limits::new());
    let observed = server.handle.clone();
    let admin =
        run(Server::new(move |peer: &Peer| Admin::new(observed.clone(), peer)), vec![loopback()]);
    let mut peer = dial(server.at());
    expect_echo(&mut peer);

    assert!(get(&admin, "/livez").starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(get(&admin, "/readyz").starts_with("HTTP/1.1 200 OK\r\n"));
    let metrics = get(&admin, "/metrics");
    for line in [
        "drywire_connections_accepted_total 1",
        "drywire_connections_active 1",
        "drywire_connections_closed_total{reason=\"finished\"} 0",
        "drywire_ready 1",
    ] {
        assert!(metrics.lines().any(|other| other == line), "{line}\n{metrics}");
    }
    let listing = get(&admin, "/connections");
    let address = &server.addresses[0];
    let place = peer.local_addr().unwrap();
    let entry = format!(
        "{{\"peer\":\"{place}\",\"local\":\"{}\",\"listener\":\"{address}\",\"age\":",
        peer.peer_addr().unwrap()
    );
    assert!(listing.contains(&entry), "{entry}\n{listing}");

    server.handle.drain();
    assert!(get(&admin, "/readyz").starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
    drop(peer);
    server.ended();
    let metrics = get(&admin, "/metrics");
    assert!(metrics.contains("\ndrywire_connections_active 0\n"), "{metrics}");
    assert!(metrics.contains("\ndrywire_ready 0\n"), "{metrics}");
    assert!(get(&admin, "/livez").starts_with("HTTP/1.1 200 OK\r\n"));
    admin.stop();
}

#[test]
fn who_speaks_no_http_is_told_so() {
    let server = obey(Limits::new());
    let observed = server.handle.clone();
    let admin =
        run(Server::new(move |peer: &Peer| Admin::new(observed.clone(), peer)), vec![loopback()]);
    let mut client = dial(admin.at());
    client.write_all(b"EHLO example.org\r\n\r\n").unwrap();
    let mut answer = [0; 24];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 400 Bad Request");
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).unwrap();
    expect_end(&mut client);
    assert!(get(&admin, "/livez").starts_with("HTTP/1.1 200 OK\r\n"));
    admin.stop();
    server.stop();
}
