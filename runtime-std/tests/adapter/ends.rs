//! Every way in which a conversation ends, with the peer made by hand.

use std::io::{Read, Write};
use std::time::Duration;

use crate::adapter::Server;
use drywire::connection::{Timer, Truncation};
use drywire::error::{Expected, LimitExceeded, RemoteError};
use drywire::framing::Netstring;
use drywire::protocol::Echo;
use drywire::tls::{Alert, TlsCause, TlsError};
use drywire::{CloseKind, CloseReason, Error, Limits, Peer};

use crate::certificate::Certificate;
use crate::obey::Obey;
use crate::peer::{
    Raw, dial, expect, expect_echo, expect_end, expect_gone, finish_tls, handshake, reset,
};
use crate::serving::{Running, loopback, obey, run};

/// Longer than the test has patience.
const NEVER: Duration = Duration::from_secs(60);
/// Short enough to wait for.
const SOON: Duration = Duration::from_millis(40);

fn limits() -> Limits {
    let mut limits = Limits::new();
    limits.handshake_timeout = NEVER;
    limits.frame_timeout = NEVER;
    limits.stall_timeout = NEVER;
    limits.idle_timeout = NEVER;
    limits.linger_timeout = NEVER;
    limits
}

fn limits_with(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = limits();
    change(&mut limits);
    limits
}

fn obey_tls(certificate: &Certificate, limits: Limits) -> Running {
    let listener = loopback().with_tls(certificate.server());
    run(Server::new(|_: &Peer| Obey).limits(limits), vec![listener])
}

/// The connection ended like this, and the statistics say so too.
#[track_caller]
fn expect_closed(server: &Running, reason: &CloseReason) {
    assert_eq!(&server.closed(), reason);
    let summary = server.stop();
    assert_eq!(summary.statistics.closed_as(reason.kind()), 1);
    assert_eq!(summary.statistics.closed.iter().sum::<u64>(), summary.statistics.accepted);
    assert_eq!(summary.drained, reason.kind() != CloseKind::Stopped);
}

#[test]
fn finished_by_the_peer() {
    let server = obey(limits());
    let mut peer = dial(server.at());
    peer.write_all(b"one\ntwo\n").unwrap();
    peer.finish();
    expect(&mut peer, b"one\ntwo\n");
    expect_end(&mut peer);
    expect_closed(&server, &CloseReason::Finished);
}

#[test]
fn finished_by_the_peer_with_close_notify() {
    let certificate = Certificate::new();
    let server = obey_tls(&certificate, limits());
    let mut peer = handshake(dial(server.at()), &certificate.client_config());
    expect_echo(&mut peer);
    finish_tls(&mut peer);
    // With close_notify: rustls takes another end for an error.
    expect_end(&mut peer);
    expect_closed(&server, &CloseReason::Finished);
}

#[test]
fn half_closed_by_us_the_peer_still_sends() {
    let server = obey(limits());
    let mut peer = dial(server.at());
    peer.write_all(b"finish\n").unwrap();
    expect(&mut peer, b"finishing\n");
    expect_end(&mut peer);
    // Still read, though nothing can be answered.
    peer.write_all(b"more\n").unwrap();
    peer.finish();
    expect_closed(&server, &CloseReason::Finished);
}

#[test]
fn truncated_in_a_frame() {
    // A line may end with the stream; a netstring may not.
    let server =
        run(Server::new(|_: &Peer| Echo::new(Netstring::new())).limits(limits()), vec![loopback()]);
    let mut peer = dial(server.at());
    peer.write_all(b"1:a,5:ab").unwrap();
    peer.finish();
    expect(&mut peer, b"1:a,");
    expect_end(&mut peer);
    expect_closed(&server, &CloseReason::Truncated(Truncation::Frame { len: 4 }));
}

#[test]
fn truncated_without_close_notify() {
    let certificate = Certificate::new();
    let server = obey_tls(&certificate, limits());
    let mut peer = handshake(dial(server.at()), &certificate.client_config());
    expect_echo(&mut peer);
    peer.sock.finish();
    expect_closed(&server, &CloseReason::Truncated(Truncation::Session));
}

#[test]
fn truncated_in_a_frame_without_close_notify() {
    let certificate = Certificate::new();
    let server = obey_tls(&certificate, limits());
    let mut peer = handshake(dial(server.at()), &certificate.client_config());
    expect_echo(&mut peer);
    peer.write_all(b"abc").unwrap();
    peer.flush().unwrap();
    peer.sock.finish();
    expect_closed(&server, &CloseReason::Truncated(Truncation::Frame { len: 3 }));
}

#[test]
fn truncated_in_the_handshake() {
    let server = obey_tls(&Certificate::new(), limits());
    let mut peer = dial(server.at());
    peer.write_all(&[0x16, 3, 1]).unwrap();
    peer.finish();
    expect_closed(&server, &CloseReason::Truncated(Truncation::Handshake));
}

#[test]
fn reset_by_the_peer() {
    let server = obey(limits());
    let mut peer = dial(server.at());
    expect_echo(&mut peer);
    reset(peer);
    expect_closed(&server, &CloseReason::Reset);
}

#[test]
fn timed_out_in_the_handshake() {
    let server =
        obey_tls(&Certificate::new(), limits_with(|limits| limits.handshake_timeout = SOON));
    let mut peer = dial(server.at());
    peer.write_all(&[0x16, 3, 1]).unwrap();
    expect_gone(&mut peer);
    expect_closed(&server, &CloseReason::TimedOut(Timer::Handshake));
}

#[test]
fn timed_out_in_a_frame() {
    let server = obey(limits_with(|limits| limits.frame_timeout = SOON));
    let mut peer = dial(server.at());
    peer.write_all(b"never en").unwrap();
    // Told why, which is the protocol's choice.
    expect(&mut peer, b"failed\n");
    expect_end(&mut peer);
    drop(peer);
    expect_closed(&server, &CloseReason::TimedOut(Timer::Frame));
}

#[test]
fn timed_out_in_silence() {
    let server = obey(limits_with(|limits| limits.idle_timeout = SOON));
    let mut peer = dial(server.at());
    expect(&mut peer, b"failed\n");
    expect_end(&mut peer);
    drop(peer);
    expect_closed(&server, &CloseReason::TimedOut(Timer::Idle));
}

#[test]
fn refused_for_a_long_frame() {
    let server = obey(limits());
    let mut peer = dial(server.at());
    peer.write_all(&[b'a'; 101]).unwrap();
    peer.write_all(b"\n").unwrap();
    expect(&mut peer, b"failed\n");
    expect_end(&mut peer);
    drop(peer);
    let limit = LimitExceeded::FrameLen { len: 101, max: 100 };
    expect_closed(&server, &CloseReason::Failed(Error::Limit(limit)));
}

#[test]
fn failed_by_our_protocol() {
    let server = obey(limits());
    let mut peer = dial(server.at());
    peer.write_all(b"fail\n").unwrap();
    expect(&mut peer, b"failed\n");
    expect_end(&mut peer);
    drop(peer);
    expect_closed(&server, &CloseReason::Failed(Error::Local(7)));
}

#[test]
fn failed_by_the_peers_bytes() {
    let server =
        run(Server::new(|_: &Peer| Echo::new(Netstring::new())).limits(limits()), vec![loopback()]);
    let mut peer = dial(server.at());
    peer.write_all(b"1:a;").unwrap();
    expect_end(&mut peer);
    drop(peer);
    let error =
        RemoteError::UnexpectedByte { offset: 3, found: b';', expected: Expected::Byte(b',') };
    expect_closed(&server, &CloseReason::Failed(Error::Remote(error)));
}

#[test]
fn tls_alert_sent() {
    let server = obey_tls(&Certificate::new(), limits());
    let mut peer = dial(server.at());
    peer.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut sent = Vec::new();
    peer.read_to_end(&mut sent).unwrap();
    drop(peer);
    let reason = server.closed();
    let CloseReason::Failed(Error::Tls(TlsError::Refused { cause: TlsCause::NotTls, alert })) =
        reason
    else {
        panic!("{reason:?}");
    };
    // An alert record, fatal, of this description.
    let alert = alert.unwrap().0;
    assert_eq!(sent, [0x15, 3, 3, 0, 2, 2, alert]);
    assert_eq!(server.stop().statistics.closed_as(CloseKind::TlsError), 1);
}

#[test]
fn tls_alert_received() {
    let server = obey_tls(&Certificate::new(), limits());
    // It trusts another certificate of the same name.
    let config = Certificate::new().client_config();
    let mut peer = dial(server.at());
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let mut session = rustls::ClientConnection::new(config, name).unwrap();
    while session.complete_io(&mut peer).is_ok() {}
    drop(peer);
    let reason = server.closed();
    let CloseReason::Failed(Error::Tls(TlsError::AlertReceived(alert))) = reason else {
        panic!("{reason:?}");
    };
    // The signature is not one of the authority that has this name.
    assert_eq!(alert, Alert(51));
    assert_eq!(server.stop().statistics.closed_as(CloseKind::TlsError), 1);
}

#[test]
fn closed_by_us_and_flushed() {
    let server = obey(limits());
    let mut peer = dial(server.at());
    peer.write_all(b"close\nignored\n").unwrap();
    expect(&mut peer, b"closing\n");
    expect_end(&mut peer);
    drop(peer);
    expect_closed(&server, &CloseReason::Closed);
}

#[test]
fn closed_by_us_and_the_peer_does_not_finish() {
    let server = obey(limits_with(|limits| limits.linger_timeout = SOON));
    let mut peer = dial(server.at());
    peer.write_all(b"close\n").unwrap();
    expect(&mut peer, b"closing\n");
    expect_end(&mut peer);
    expect_closed(&server, &CloseReason::LingerExpired);
}

#[test]
fn aborted_by_us() {
    let server = obey(limits());
    let mut peer = dial(server.at());
    peer.write_all(b"abort\n").unwrap();
    expect_gone(&mut peer);
    expect_closed(&server, &CloseReason::Aborted);
}

#[test]
fn stopped() {
    let server = obey(limits());
    let mut peer = dial(server.at());
    expect_echo(&mut peer);
    server.handle.stop();
    expect_gone(&mut peer);
    expect_closed(&server, &CloseReason::Stopped);
}

#[test]
fn a_protocol_that_panics_ends_its_connection_only() {
    let server = obey(limits());
    let mut other = dial(server.at());
    let mut peer = dial(server.at());
    peer.write_all(b"panic\n").unwrap();
    expect_gone(&mut peer);
    assert_eq!(server.closed(), CloseReason::Aborted);
    expect_echo(&mut other);
    let statistics = server.handle.statistics();
    assert_eq!((statistics.active, statistics.closed_as(CloseKind::Aborted)), (1, 1));
    server.stop();
}
