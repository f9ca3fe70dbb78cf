//! How a server ends.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::adapter::{ServeError, Server};
use drywire::admission::AdmissionLimits;
use drywire::{CloseReason, Limits, Peer};

use crate::calls::now;
use crate::obey::Obey;
use crate::peer::{Raw, dial, expect, expect_echo, expect_end, expect_gone};
use crate::serving::{bind, loopback, obey, run};

const SOON: Duration = Duration::from_millis(30);

#[test]
fn a_drained_server_closes_what_is_silent_and_accepts_no_more() {
    let mut limits = Limits::new();
    limits.drain_idle_timeout = SOON;
    let server = obey(limits);
    let mut peer = dial(server.at());
    expect_echo(&mut peer);
    server.handle.drain();
    server.handle.drain();
    expect_end(&mut peer);
    drop(peer);
    assert_eq!(server.closed(), CloseReason::Closed);
    let summary = server.ended();
    assert!(summary.drained);
    let error = TcpStream::connect(server.at()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn a_drained_server_lets_a_conversation_end() {
    let server = obey(Limits::new());
    let mut peer = dial(server.at());
    expect_echo(&mut peer);
    server.handle.drain();
    peer.write_all(b"last words\n").unwrap();
    expect(&mut peer, b"last words\n");
    peer.finish();
    expect_end(&mut peer);
    assert_eq!(server.closed(), CloseReason::Finished);
    assert!(server.ended().drained);
}

#[test]
fn what_is_left_at_the_deadline_is_ended_by_force() {
    let mut limits = Limits::new();
    limits.drain_idle_timeout = Duration::MAX;
    let mut admission = AdmissionLimits::new();
    admission.drain_timeout = SOON;
    let server = Server::new(|_: &Peer| Obey).limits(limits).admission(admission);
    let server = run(server, vec![loopback()]);
    let mut peer = dial(server.at());
    expect_echo(&mut peer);
    server.handle.drain();
    expect_gone(&mut peer);
    assert_eq!(server.closed(), CloseReason::Stopped);
    let summary = server.ended();
    assert!(!summary.drained);
    assert_eq!(summary.statistics, server.handle.statistics());
}

#[test]
fn a_server_that_was_stopped_before_it_ran_ends_at_once() {
    let server = Server::new(|_: &Peer| Obey).listen(loopback());
    server.handle().stop();
    let summary = now(server.run()).unwrap();
    assert_eq!((summary.drained, summary.statistics.accepted), (true, 0));
}

#[test]
fn a_server_without_what_it_needs_does_not_begin() {
    let error = now(Server::new(|_: &Peer| Obey).run()).unwrap_err();
    assert!(matches!(error, ServeError::ListenerMissing), "{error}");
    let listener = bind("tls://127.0.0.1:0");
    let error = now(Server::new(|_: &Peer| Obey).listen(listener).run()).unwrap_err();
    assert!(matches!(error, ServeError::TlsMissing(_)), "{error}");
}
