//! An echo over every kind of stream and framing, through the client and by hand.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::adapter::{Client, Listener, Server};
use drywire::framing::{AnyFraming, LengthPrefix, Lines};
use drywire::protocol::Echo;
use drywire::tls::TlsVersion;
use drywire::{CloseReason, Either, Peer};

use crate::calls::now;
use crate::certificate::Certificate;
use crate::peer::{dial, expect_echo};
use crate::serving::{Running, bind, run, socket_addr, socket_path};

const FRAMINGS: [&str; 7] =
    ["raw", "lines", "netstring", "varint", "u32be", "fixed:4", "delimiter:0d0a"];

fn echo(framing: &str, listener: Listener) -> Running {
    let framing: AnyFraming = framing.parse().unwrap();
    run(Server::new(move |_: &Peer| Echo::new(framing.clone())), vec![listener])
}

/// Every framing goes there and back between `client` and a server on what `listen` binds.
fn expect_echoes(listen: impl Fn() -> Listener, client: &Client) {
    for framing in FRAMINGS {
        let server = echo(framing, listen());
        let address = &server.addresses[0];
        let mut framed =
            now(client.connect(address, framing.parse::<AnyFraming>().unwrap())).unwrap();
        assert_eq!(framed.negotiated().is_some(), address.is_tls());
        for frame in [b"four", b"\0\xff\0\xff", b"    "] {
            now(framed.send(frame)).unwrap();
            assert_eq!(now(framed.recv()).unwrap(), Some(&frame[..]), "{framing} over {address}");
        }
        now(framed.send(b"last")).unwrap();
        now(framed.finish()).unwrap();
        assert_eq!(now(framed.recv()).unwrap(), Some(&b"last"[..]));
        assert_eq!(now(framed.recv()).unwrap(), None);
        assert_eq!(now(framed.close()).unwrap(), CloseReason::Finished);
        assert_eq!(server.closed(), CloseReason::Finished);
        assert!(server.stop().drained);
    }
}

fn unix() -> Listener {
    bind(&format!("unix:{}", socket_path().display()))
}

#[test]
fn over_ipv4() {
    expect_echoes(|| bind("tcp://127.0.0.1:0"), &Client::new());
}

#[test]
fn over_ipv6() {
    expect_echoes(|| bind("tcp://[::1]:0"), &Client::new());
}

#[test]
fn over_a_name() {
    expect_echoes(|| bind("tcp://localhost:0"), &Client::new());
}

#[test]
fn over_unix() {
    expect_echoes(unix, &Client::new());
}

#[cfg(target_os = "linux")]
#[test]
fn over_an_abstract_unix_name() {
    let name = |path: std::path::PathBuf| path.display().to_string().replace('/', "-");
    expect_echoes(|| bind(&format!("unix:@{}", name(socket_path()))), &Client::new());
}

#[test]
fn over_tls() {
    let certificate = Certificate::new();
    let client = Client::new().tls(certificate.client());
    expect_echoes(|| bind("tls://localhost:0").with_tls(certificate.server()), &client);
    expect_echoes(|| bind("tls://127.0.0.1:0").with_tls(certificate.server()), &client);
}

#[test]
fn over_tls_over_unix() {
    let certificate = Certificate::new();
    let client =
        Client::new().tls(certificate.client()).server_name("localhost".try_into().unwrap());
    expect_echoes(|| unix().with_tls(certificate.server()), &client);
}

#[test]
fn both_families_reach_a_dual_stack_listener() {
    let server = echo("lines", bind("tcp://[::]:0"));
    for host in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
        let mut peer = dial(socket_addr(&server.addresses[0], host));
        expect_echo(&mut peer);
        let ours = peer.local_addr().unwrap();
        drop(peer);
        // An IPv4 address is told as one.
        let (peer, reason) = server.closed_with_peer();
        assert_eq!(peer, Peer::ip(ours, socket_addr(&server.addresses[0], host)));
        assert_eq!((peer.remote_ip(), reason), (Some(host), CloseReason::Finished));
    }
    server.stop();
}

#[test]
fn several_listeners_are_served_at_once() {
    let framing = Lines::new();
    let server = run(
        Server::new(move |_: &Peer| Echo::new(framing.clone())),
        vec![bind("tcp://127.0.0.1:0"), bind("tcp://[::1]:0"), unix()],
    );
    let connect = |address| now(Client::new().connect(address, Lines::new())).unwrap();
    let mut all: Vec<_> = server.addresses.iter().map(connect).collect();
    for framed in &mut all {
        now(framed.send(b"to all")).unwrap();
        now(framed.flush()).unwrap();
    }
    for framed in &mut all {
        assert_eq!(now(framed.recv()).unwrap(), Some(&b"to all"[..]));
    }
    assert_eq!(server.handle.statistics().active, 3);
    server.stop();
}

#[test]
fn listeners_may_speak_different_protocols() {
    let factory = |peer: &Peer| match peer.listener() {
        0 => Either::Left(Echo::new(Lines::new())),
        _ => Either::Right(Echo::new(LengthPrefix::u8())),
    };
    let server = run(Server::new(factory), vec![bind("tcp://127.0.0.1:0"), unix()]);
    let [lines, prefixed] = &server.addresses[..] else { panic!("two listeners") };
    let mut framed = now(Client::new().connect(lines, Lines::new())).unwrap();
    now(framed.send(b"one")).unwrap();
    assert_eq!(now(framed.recv()).unwrap(), Some(&b"one"[..]));
    now(framed.close()).unwrap();
    let (peer, _) = server.closed_with_peer();
    assert_eq!(peer.listener(), 0);

    let mut framed = now(Client::new().connect(prefixed, LengthPrefix::u8())).unwrap();
    now(framed.send(b"two\n")).unwrap();
    assert_eq!(now(framed.recv()).unwrap(), Some(&b"two\n"[..]));
    now(framed.close()).unwrap();
    let (peer, _) = server.closed_with_peer();
    assert_eq!(peer, Peer::unix().by(1));
    server.stop();
}

#[test]
fn what_was_negotiated_is_told() {
    let certificate = Certificate::new();
    let server = echo("lines", bind("tls://localhost:0").with_tls(certificate.server()));
    let client = Client::new().tls(certificate.client());
    let framed = now(client.connect(&server.addresses[0], Lines::new())).unwrap();
    let negotiated = framed.negotiated().unwrap();
    assert_eq!(negotiated.version, TlsVersion::Tls13);
    assert_eq!(negotiated.alpn.as_deref(), Some(&b"echo"[..]));
    assert_eq!(negotiated.server_name.as_deref(), Some("localhost"));
    assert_eq!(negotiated.peer_certificates.len(), 1);
    now(framed.close()).unwrap();
    server.stop();
}
