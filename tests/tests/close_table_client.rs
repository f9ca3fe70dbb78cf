//! How conversations end, as our clients see it: every row, with a server made by hand.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use drywire::connection::{Timer, Truncation};
use drywire::error::{Expected, LimitExceeded, RemoteError};
use drywire::tls::{Alert, CertificateProblem, TlsCause, TlsError, pem};
use drywire::{CloseReason, Error};
use drywire_conformance::adapter::{Adapter, Dial, Talk};
use drywire_conformance::both;
use drywire_conformance::certificates::Certificates;
use drywire_conformance::peer::{Raw, RawListener, Reach, TlsPeer};
use drywire_std::{ConnectError, tls::provider};
use rustls::ServerConfig;

/// A timeout that is waited for.
const SHORT: Duration = Duration::from_millis(50);

/// A client of `adapter` and the stream at the other end.
fn connected(adapter: &dyn Adapter, dial: &Dial) -> (Box<dyn Talk>, Raw) {
    let listener = RawListener::bind(Reach::V4);
    let talk = dial.connect(adapter, &listener.address().parse().unwrap());
    (talk, listener.accept())
}

/// Runs `server` at the other end of a connection that `client` is given the address of.
fn against<S, T>(
    server: impl FnOnce(Raw) -> S + Send + 'static,
    client: impl FnOnce(&drywire::address::Address) -> T,
) -> (S, T)
where
    S: Send + 'static,
{
    let listener = RawListener::bind(Reach::V4);
    let address = listener.tls_address().parse().unwrap();
    let server = thread::spawn(move || server(listener.accept()));
    let outcome = client(&address);
    (server.join().unwrap(), outcome)
}

/// The same within TLS.
fn connected_tls(
    adapter: &dyn Adapter,
    dial: &Dial,
    config: Arc<ServerConfig>,
) -> (Box<dyn Talk>, TlsPeer) {
    let server = move |raw| TlsPeer::server(raw, &config);
    let (peer, talk) = against(server, |address| dial.connect(adapter, address));
    (talk, peer)
}

/// Expects that receiving fails, for `reason`.
fn fails(talk: &mut Box<dyn Talk>, reason: CloseReason) {
    let error = talk.recv().unwrap_err();
    assert!(matches!(&error, drywire_std::Error::Closed(told) if *told == reason), "{error:?}");
    assert_eq!(talk.close_reason(), Some(reason.clone()));
    // It is sticky.
    let error = talk.recv().unwrap_err();
    assert!(matches!(&error, drywire_std::Error::Closed(told) if *told == reason), "{error:?}");
}

fn refusal<T>(outcome: Result<T, ConnectError>) -> CloseReason {
    match outcome {
        Err(ConnectError::Closed(reason)) => reason,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("the connection is open"),
    }
}

fn finished(adapter: &dyn Adapter) {
    let (mut talk, mut peer) = connected(adapter, &Dial::plain("lines"));
    peer.send(b"one\n");
    peer.finish();
    assert_eq!(talk.recv().unwrap().as_deref(), Some(&b"one"[..]));
    assert_eq!(talk.recv().unwrap(), None);
    talk.send(b"two").unwrap();
    talk.finish().unwrap();
    peer.expect(b"two\n");
    peer.expect_end();
    assert_eq!(talk.close_reason(), Some(CloseReason::Finished));
}

fn finished_within_tls(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let dial = Dial::plain("lines").tls(&certificates.client_tls());
    let config = certificates.peer_server(&certificates.server);
    let (mut talk, mut peer) = connected_tls(adapter, &dial, config);
    let mut records = peer.seal(b"one\n");
    records.extend(peer.seal_close());
    peer.raw().send(&records);
    peer.raw().finish();
    assert_eq!(talk.recv().unwrap().as_deref(), Some(&b"one"[..]));
    assert_eq!(talk.recv().unwrap(), None);
    talk.send(b"two").unwrap();
    talk.finish().unwrap();
    peer.expect(b"two\n");
    peer.expect_end();
    assert_eq!(talk.close_reason(), Some(CloseReason::Finished));
}

fn half_closed_and_still_receiving(adapter: &dyn Adapter) {
    let (mut talk, mut peer) = connected(adapter, &Dial::plain("lines"));
    talk.finish().unwrap();
    peer.expect_end();
    peer.send(b"late\n");
    assert_eq!(talk.recv().unwrap().as_deref(), Some(&b"late"[..]));
    assert_eq!(talk.close_reason(), None);
    peer.finish();
    assert_eq!(talk.recv().unwrap(), None);
    assert_eq!(talk.close_reason(), Some(CloseReason::Finished));
}

fn truncated_in_a_frame(adapter: &dyn Adapter) {
    let (mut talk, mut peer) = connected(adapter, &Dial::plain("lines"));
    peer.send(b"one\npart");
    peer.finish();
    assert_eq!(talk.recv().unwrap().as_deref(), Some(&b"one"[..]));
    fails(&mut talk, CloseReason::Truncated(Truncation::Frame { len: 4 }));
}

fn truncated_without_close_notify(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let dial = Dial::plain("lines").tls(&certificates.client_tls());
    let config = certificates.peer_server(&certificates.server);
    let (mut talk, mut peer) = connected_tls(adapter, &dial, config);
    peer.send(b"one\n");
    peer.raw().finish();
    assert_eq!(talk.recv().unwrap().as_deref(), Some(&b"one"[..]));
    fails(&mut talk, CloseReason::Truncated(Truncation::Session));
}

fn truncated_in_the_handshake(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let dial = Dial::plain("lines").tls(&certificates.client_tls());
    let server = |mut raw: Raw| {
        raw.finish();
        raw.expect_gone();
    };
    let ((), outcome) = against(server, |address| adapter.connect(address, &dial));
    assert_eq!(refusal(outcome), CloseReason::Truncated(Truncation::Handshake));
}

fn reset(adapter: &dyn Adapter) {
    let (mut talk, peer) = connected(adapter, &Dial::plain("lines"));
    peer.reset();
    fails(&mut talk, CloseReason::Reset);
}

fn timed_out_in_the_handshake(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let dial = Dial::plain("lines").tls(&certificates.client_tls());
    let dial = dial.limits(|limits| limits.handshake_timeout = SHORT);
    let server = |raw: Raw| raw.expect_gone();
    let ((), outcome) = against(server, |address| adapter.connect(address, &dial));
    assert_eq!(refusal(outcome), CloseReason::TimedOut(Timer::Handshake));
}

fn timed_out_in_a_frame(adapter: &dyn Adapter) {
    let dial = Dial::plain("lines").limits(|limits| limits.frame_timeout = SHORT);
    let (mut talk, mut peer) = connected(adapter, &dial);
    peer.send(b"part");
    fails(&mut talk, CloseReason::TimedOut(Timer::Frame));
}

fn timed_out_idle(adapter: &dyn Adapter) {
    let dial = Dial::plain("lines").limits(|limits| limits.idle_timeout = SHORT);
    let (mut talk, _peer) = connected(adapter, &dial);
    fails(&mut talk, CloseReason::TimedOut(Timer::Idle));
}

fn timed_out_while_the_peer_does_not_read(adapter: &dyn Adapter) {
    let dial = Dial::plain("raw").limits(|limits| limits.stall_timeout = SHORT);
    let (mut talk, _peer) = connected(adapter, &dial);
    while talk.send(&[0; 65536]).is_ok() {}
    fails(&mut talk, CloseReason::TimedOut(Timer::Stall));
}

fn refused_for_a_frame_beyond_the_limit(adapter: &dyn Adapter) {
    let mut dial = Dial::plain("u16be");
    dial.framing = dial.framing.with_frame_len_max(8);
    let (mut talk, mut peer) = connected(adapter, &dial);
    peer.send(b"\0\x08the most\0\x09");
    assert_eq!(talk.recv().unwrap().as_deref(), Some(&b"the most"[..]));
    let expected = LimitExceeded::FrameLen { len: 9, max: 8 };
    fails(&mut talk, CloseReason::Failed(Error::Limit(expected)));
}

fn failed_by_the_peers_bytes(adapter: &dyn Adapter) {
    let (mut talk, mut peer) = connected(adapter, &Dial::plain("netstring"));
    peer.send(b"x");
    let expected =
        RemoteError::UnexpectedByte { offset: 0, found: b'x', expected: Expected::Digit };
    fails(&mut talk, CloseReason::Failed(Error::Remote(expected)));
}

fn a_tls_alert_is_sent(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let dial = Dial::plain("lines").tls(&certificates.client_tls());
    for (issued, problem, alert) in [
        (&certificates.wrong_name, CertificateProblem::WrongName, "BadCertificate"),
        (&certificates.expired, CertificateProblem::Expired, "CertificateExpired"),
        (&certificates.foreign, CertificateProblem::UnknownIssuer, "UnknownCA"),
    ] {
        let config = certificates.peer_server(issued);
        let server = move |raw| {
            let mut peer = TlsPeer::before_greeting(raw, &config);
            peer.handshake().unwrap_err().to_string()
        };
        let (told, outcome) = against(server, |address| adapter.connect(address, &dial));
        assert!(told.contains(alert), "{told}");
        let reason = refusal(outcome);
        let CloseReason::Failed(Error::Tls(TlsError::Refused { cause, .. })) = reason else {
            panic!("{reason}");
        };
        assert_eq!(cause, TlsCause::Certificate(problem));
    }
}

fn a_tls_alert_is_received(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let dial = Dial::plain("lines").tls(&certificates.client_tls());
    let authorities = Some(certificates.authority.as_bytes());
    let identity = certificates.server.identity();
    let config = Arc::new(pem::server_config(identity, authorities, &[], &provider()).unwrap());
    let server = move |raw| {
        let mut peer = TlsPeer::before_greeting(raw, &config);
        peer.handshake().unwrap_err();
    };
    let ((), outcome) = against(server, |address| adapter.connect(address, &dial));
    // In TLS 1.3 our handshake is done before the server refuses us.
    fails(&mut outcome.unwrap(), {
        CloseReason::Failed(Error::Tls(TlsError::AlertReceived(Alert(116))))
    });
}

fn closed_by_us_and_flushed(adapter: &dyn Adapter) {
    let (mut talk, mut peer) = connected(adapter, &Dial::plain("lines"));
    talk.send(b"last words").unwrap();
    let peer = thread::spawn(move || {
        peer.expect(b"last words\n");
        peer.expect_end();
        peer.send(b"too late\n");
    });
    assert_eq!(talk.close().unwrap(), CloseReason::Closed);
    peer.join().unwrap();
}

fn closed_by_us_and_the_peer_lingers(adapter: &dyn Adapter) {
    let dial = Dial::plain("lines").limits(|limits| limits.linger_timeout = SHORT);
    let (talk, mut peer) = connected(adapter, &dial);
    assert_eq!(talk.close().unwrap(), CloseReason::LingerExpired);
    peer.expect_end();
}

fn aborted(adapter: &dyn Adapter) {
    let (mut talk, peer) = connected(adapter, &Dial::plain("lines"));
    talk.send(b"never flushed").unwrap();
    talk.abort();
    peer.expect_gone();
}

both!(
    finished,
    finished_within_tls,
    half_closed_and_still_receiving,
    truncated_in_a_frame,
    truncated_without_close_notify,
    truncated_in_the_handshake,
    reset,
    timed_out_in_the_handshake,
    timed_out_in_a_frame,
    timed_out_idle,
    timed_out_while_the_peer_does_not_read,
    refused_for_a_frame_beyond_the_limit,
    failed_by_the_peers_bytes,
    a_tls_alert_is_sent,
    a_tls_alert_is_received,
    closed_by_us_and_flushed,
    closed_by_us_and_the_peer_lingers,
    aborted,
);
