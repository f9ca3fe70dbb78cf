//! How conversations end, as our servers see it: every row, with a peer made by hand.

use std::io::ErrorKind;
use std::time::Duration;

use drywire::connection::{Timer, Truncation};
use drywire::error::{Expected, LimitExceeded, RemoteError};
use drywire::tls::{Alert, CertificateProblem, TlsCause, TlsError};
use drywire::{CloseReason, Error};
use drywire_conformance::adapter::{Adapter, Running, Setup};
use drywire_conformance::both;
use drywire_conformance::certificates::Certificates;
use drywire_conformance::peer::{Raw, Reach, Rest, TlsPeer};
use drywire_conformance::protocol::{Behaviour, Event};

/// A timeout that is waited for.
const SHORT: Duration = Duration::from_millis(50);

/// Expects that the only connection of `server` ended for `reason`, wherever that is told.
fn ended(server: Running, reason: CloseReason) {
    assert_eq!(server.reason(), reason);
    assert_eq!(server.trace().last(), Some(&Event::Closed(reason.clone())));
    let summary = server.drain();
    assert!(summary.drained);
    assert_eq!(summary.statistics.closed_as(reason.kind()), 1);
    assert_eq!((summary.statistics.accepted, summary.statistics.active), (1, 0));
}

/// Exchanges a line, so that the connection is open on both sides.
fn warm(peer: &mut Raw) {
    peer.send(b"warm\n");
    peer.expect(b"warm\n");
}

fn warm_tls(peer: &mut TlsPeer) {
    peer.send(b"warm\n");
    peer.expect(b"warm\n");
}

fn finished(adapter: &dyn Adapter) {
    for reach in Reach::ALL {
        let server = Setup::echo("lines").reach(reach).serve(adapter);
        let mut peer = server.connect();
        peer.send(b"one\ntwo\n");
        peer.finish();
        peer.expect(b"one\ntwo\n");
        peer.expect_end();
        ended(server, CloseReason::Finished);
    }
}

/// The data, close_notify and FIN come together.
fn finished_within_tls(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let server = Setup::echo("lines").tls(&certificates.server_tls()).serve(adapter);
    let mut peer = TlsPeer::connect(&server.place(), &certificates.peer_client());
    let mut records = peer.seal(b"one\ntwo\n");
    records.extend(peer.seal_close());
    peer.raw().send(&records);
    peer.raw().finish();
    let expected = Rest { bytes: b"one\ntwo\n".into(), is_closed: true };
    assert_eq!(peer.read_to_end().unwrap(), expected);
    ended(server, CloseReason::Finished);
}

fn half_closed_by_the_peer_and_we_still_send(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let setup = Setup::echo("lines").behaving(Behaviour::Count);
    let server = setup.clone().serve(adapter);
    let mut peer = server.connect();
    peer.send(b"one\ntwo\n");
    peer.finish();
    peer.expect(b"2\n");
    peer.expect_end();
    ended(server, CloseReason::Finished);

    let server = setup.tls(&certificates.server_tls()).serve(adapter);
    let mut peer = TlsPeer::connect(&server.place(), &certificates.peer_client());
    peer.send(b"one\ntwo\n");
    peer.finish();
    peer.expect(b"2\n");
    peer.expect_end();
    ended(server, CloseReason::Finished);
}

fn half_closed_by_us_and_the_peer_still_sends(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let setup = Setup::echo("lines").behaving(Behaviour::FinishFirst);
    let server = setup.clone().serve(adapter);
    let mut peer = server.connect();
    peer.expect_end();
    assert_eq!(server.event(), Event::Open(None));
    peer.send(b"late\n");
    assert_eq!(server.event(), Event::Frame(b"late".into()));
    peer.finish();
    ended(server, CloseReason::Finished);

    let server = setup.tls(&certificates.server_tls()).serve(adapter);
    let mut peer = TlsPeer::connect(&server.place(), &certificates.peer_client());
    peer.expect_end();
    assert!(matches!(server.event(), Event::Open(Some(_))));
    peer.send(b"late\n");
    assert_eq!(server.event(), Event::Frame(b"late".into()));
    peer.finish();
    ended(server, CloseReason::Finished);
}

fn truncated_in_a_frame(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let expected = CloseReason::Truncated(Truncation::Frame { len: 4 });
    let server = Setup::echo("lines").serve(adapter);
    let mut peer = server.connect();
    peer.send(b"whole\npart");
    peer.finish();
    peer.expect(b"whole\n");
    peer.expect_end();
    ended(server, expected.clone());

    // With close_notify it is the same.
    for has_close_notify in [false, true] {
        let server = Setup::echo("lines").tls(&certificates.server_tls()).serve(adapter);
        let mut peer = TlsPeer::connect(&server.place(), &certificates.peer_client());
        peer.send(b"whole\npart");
        if has_close_notify {
            peer.finish();
        } else {
            peer.raw().finish();
        }
        peer.expect(b"whole\n");
        peer.into_raw().expect_gone();
        ended(server, expected.clone());
    }
}

fn truncated_without_close_notify(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let server = Setup::echo("lines").tls(&certificates.server_tls()).serve(adapter);
    let mut peer = TlsPeer::connect(&server.place(), &certificates.peer_client());
    warm_tls(&mut peer);
    peer.raw().finish();
    peer.into_raw().expect_gone();
    ended(server, CloseReason::Truncated(Truncation::Session));
}

fn truncated_in_the_handshake(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let config = certificates.peer_client();
    let setup = Setup::echo("lines").tls(&certificates.server_tls());
    let greeting = |peer: Raw| -> Vec<u8> { TlsPeer::before_hello(peer, &config).records() };
    for part in [0, 1, 5, 100] {
        let server = setup.clone().serve(adapter);
        let mut peer = server.connect();
        let hello = greeting(peer.another());
        peer.send(&hello[..part]);
        peer.finish();
        peer.expect_gone();
        ended(server, CloseReason::Truncated(Truncation::Handshake));
    }
}

fn reset(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let server = Setup::echo("lines").serve(adapter);
    let mut peer = server.connect();
    warm(&mut peer);
    peer.reset();
    ended(server, CloseReason::Reset);

    let server = Setup::echo("lines").tls(&certificates.server_tls()).serve(adapter);
    let mut peer = TlsPeer::connect(&server.place(), &certificates.peer_client());
    warm_tls(&mut peer);
    peer.into_raw().reset();
    ended(server, CloseReason::Reset);
}

fn timed_out_in_the_handshake(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let setup = Setup::echo("lines").tls(&certificates.server_tls());
    let server = setup.limits(|limits| limits.handshake_timeout = SHORT).serve(adapter);
    server.connect().expect_gone();
    ended(server, CloseReason::TimedOut(Timer::Handshake));
}

/// That it goes on sending does not help it.
fn timed_out_in_a_frame(adapter: &dyn Adapter) {
    let setup = Setup::echo("lines").limits(|limits| limits.frame_timeout = SHORT);
    let server = setup.serve(adapter);
    let mut peer = server.connect();
    warm(&mut peer);
    peer.send(b"par");
    peer.send(b"t");
    peer.expect_gone();
    ended(server, CloseReason::TimedOut(Timer::Frame));
}

fn timed_out_idle(adapter: &dyn Adapter) {
    let server = Setup::echo("lines").limits(|limits| limits.idle_timeout = SHORT).serve(adapter);
    let mut peer = server.connect();
    warm(&mut peer);
    peer.expect_gone();
    ended(server, CloseReason::TimedOut(Timer::Idle));
}

fn timed_out_while_the_peer_does_not_read(adapter: &dyn Adapter) {
    let setup = Setup::echo("lines").behaving(Behaviour::Pour(64 << 20));
    let server = setup.limits(|limits| limits.stall_timeout = SHORT).serve(adapter);
    let _peer = Raw::connect_narrow(&server.place());
    ended(server, CloseReason::TimedOut(Timer::Stall));
}

/// One less is served.
fn refused_for_a_frame_beyond_the_limit(adapter: &dyn Adapter) {
    let server = Setup::echo("u16be").frame_len_max(8).serve(adapter);
    let mut peer = server.connect();
    for frame in [&b"\0\x078 less 1"[..9], b"\0\x08the most"] {
        peer.send(frame);
        peer.expect(frame);
    }
    peer.send(b"\0\x09");
    peer.expect_gone();
    let expected = LimitExceeded::FrameLen { len: 9, max: 8 };
    ended(server, CloseReason::Failed(Error::Limit(expected)));
}

/// It is never admitted, and the one that is goes on.
fn refused_for_too_many_from_one_address(adapter: &dyn Adapter) {
    let setup = Setup::echo("lines");
    let server =
        setup.admission(|limits| limits.connections_per_address_max = Some(1)).serve(adapter);
    let mut first = server.connect();
    warm(&mut first);
    let second = server.connect();
    second.expect_gone();
    let expected = LimitExceeded::ConnectionsPerAddress { max: 1 };
    assert_eq!(server.reason(), CloseReason::Failed(Error::Limit(expected)));
    assert_eq!(server.until(|statistics| statistics.refused == 1).accepted, 1);
    warm(&mut first);
}

fn failed_by_the_peers_bytes(adapter: &dyn Adapter) {
    let server = Setup::echo("netstring").serve(adapter);
    let mut peer = server.connect();
    peer.send(b"3:abc,3x");
    peer.expect(b"3:abc,");
    peer.expect_gone();
    let expected =
        RemoteError::UnexpectedByte { offset: 1, found: b'x', expected: Expected::DigitOrColon };
    ended(server, CloseReason::Failed(Error::Remote(expected)));
}

fn failed_by_our_protocol(adapter: &dyn Adapter) {
    let server = Setup::echo("lines").behaving(Behaviour::Fail(7)).serve(adapter);
    let mut peer = server.connect();
    peer.send(b"last words\n");
    // What was queued before is still sent.
    peer.expect(b"last words\n");
    peer.expect_end();
    peer.finish();
    ended(server, CloseReason::Failed(Error::Local(7)));
}

fn a_tls_alert_is_sent(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let server = Setup::echo("lines").tls(&certificates.demanding_server_tls()).serve(adapter);
    let peer = server.connect();
    let mut peer = TlsPeer::before_hello(peer, &certificates.peer_client());
    // In TLS 1.3 the client is done before the server refuses it.
    let told = peer.handshake().map(drop).and_then(|()| peer.read_to_end().map(drop));
    let told = told.unwrap_err();
    assert_eq!(told.kind(), ErrorKind::InvalidData);
    assert!(told.to_string().contains("CertificateRequired"), "{told}");
    drop(peer);
    let reason = server.reason();
    let CloseReason::Failed(Error::Tls(TlsError::Refused { cause, .. })) = reason else {
        panic!("{reason}");
    };
    assert_eq!(cause, TlsCause::Certificate(CertificateProblem::Missing));
}

fn a_tls_alert_is_received(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let config = certificates.server_config(&certificates.foreign, &[]);
    let tls = drywire::tls::ServerTls::new(config).unwrap();
    let server = Setup::echo("lines").tls(&tls).serve(adapter);
    let mut peer = TlsPeer::before_hello(server.connect(), &certificates.peer_client());
    peer.handshake().unwrap_err();
    drop(peer);
    ended(server, CloseReason::Failed(Error::Tls(TlsError::AlertReceived(Alert(48)))));
}

/// What the peer sends after that is thrown away.
fn closed_by_us_and_flushed(adapter: &dyn Adapter) {
    let server = Setup::echo("lines").behaving(Behaviour::Close).serve(adapter);
    let mut peer = server.connect();
    peer.send(b"one\ntwo\n");
    peer.expect(b"one\n");
    peer.expect_end();
    peer.send(b"three\n");
    peer.finish();
    ended(server, CloseReason::Closed);
}

fn closed_by_us_and_the_peer_lingers(adapter: &dyn Adapter) {
    let setup = Setup::echo("lines").behaving(Behaviour::Close);
    let server = setup.limits(|limits| limits.linger_timeout = SHORT).serve(adapter);
    let mut peer = server.connect();
    peer.send(b"one\n");
    peer.expect(b"one\n");
    peer.expect_end();
    ended(server, CloseReason::LingerExpired);
}

fn aborted(adapter: &dyn Adapter) {
    let server = Setup::echo("lines").behaving(Behaviour::Abort).serve(adapter);
    let mut peer = server.connect();
    peer.send(b"one\n");
    peer.expect_gone();
    ended(server, CloseReason::Aborted);
}

fn stopped(adapter: &dyn Adapter) {
    let server = Setup::echo("lines").serve(adapter);
    let mut peer = server.connect();
    warm(&mut peer);
    let summary = server.stop();
    assert!(!summary.drained);
    assert_eq!(summary.statistics.closed_as(CloseReason::Stopped.kind()), 1);
    peer.expect_gone();
}

both!(
    finished,
    finished_within_tls,
    half_closed_by_the_peer_and_we_still_send,
    half_closed_by_us_and_the_peer_still_sends,
    truncated_in_a_frame,
    truncated_without_close_notify,
    truncated_in_the_handshake,
    reset,
    timed_out_in_the_handshake,
    timed_out_in_a_frame,
    timed_out_idle,
    timed_out_while_the_peer_does_not_read,
    refused_for_a_frame_beyond_the_limit,
    refused_for_too_many_from_one_address,
    failed_by_the_peers_bytes,
    failed_by_our_protocol,
    a_tls_alert_is_sent,
    a_tls_alert_is_received,
    closed_by_us_and_flushed,
    closed_by_us_and_the_peer_lingers,
    aborted,
    stopped,
);
