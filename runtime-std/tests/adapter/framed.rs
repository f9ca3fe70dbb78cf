//! What the calls on a framed stream answer.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use crate::adapter::{Error, Framed, Ready, Stream};
use drywire::connection::{Timer, Truncation};
use drywire::error::EncodeError;
use drywire::framing::{LengthPrefix, Netstring};
use drywire::{CloseReason, Limits, SendError};

use crate::calls::now;
use crate::certificate::Certificate;
use crate::peer::{Raw, expect, expect_end};

const SOON: Duration = Duration::from_millis(40);

/// A framed stream and the other end of it, by hand.
fn with_peer(limits: Limits) -> (Framed<Netstring>, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let stream = Stream::try_from(ours).unwrap();
    (now(Framed::plain(stream, Netstring::new(), limits)).unwrap(), theirs)
}

#[track_caller]
fn expect_closed<T>(outcome: Result<T, Error>, expected: &CloseReason) {
    match outcome {
        Err(Error::Closed(reason)) => assert_eq!(&reason, expected),
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("not closed"),
    }
}

#[test]
fn frames_and_the_end_are_received_again_and_again() {
    let (mut framed, mut peer) = with_peer(Limits::new());
    peer.write_all(b"1:a,1:b,").unwrap();
    peer.finish();
    assert_eq!(now(framed.recv()).unwrap(), Some(&b"a"[..]));
    assert_eq!(now(framed.recv()).unwrap(), Some(&b"b"[..]));
    assert_eq!(now(framed.recv()).unwrap(), None);
    assert_eq!(now(framed.recv()).unwrap(), None);
    // Our side is still open.
    now(framed.send(b"c")).unwrap();
    now(framed.flush()).unwrap();
    expect(&mut peer, b"1:c,");
    assert_eq!(now(framed.close()).unwrap(), CloseReason::Finished);
    expect_end(&mut peer);
}

#[test]
fn what_was_queued_is_written_while_a_frame_is_waited_for() {
    let (mut framed, mut peer) = with_peer(Limits::new());
    let replying = thread::spawn(move || {
        expect(&mut peer, b"4:ping,");
        peer.write_all(b"4:pong,").unwrap();
        peer
    });
    now(framed.send(b"ping")).unwrap();
    assert_eq!(now(framed.recv()).unwrap(), Some(&b"pong"[..]));
    replying.join().unwrap();
}

#[test]
fn a_truncation_is_an_error_for_ever() {
    let (mut framed, mut peer) = with_peer(Limits::new());
    peer.write_all(b"1:a,5:ab").unwrap();
    peer.finish();
    assert_eq!(now(framed.recv()).unwrap(), Some(&b"a"[..]));
    let truncated = CloseReason::Truncated(Truncation::Frame { len: 4 });
    expect_closed(now(framed.recv()), &truncated);
    expect_closed(now(framed.recv()), &truncated);
    expect_closed(now(framed.flush()), &truncated);
    expect_closed(now(framed.send(b"b")), &truncated);
    assert_eq!(framed.close_reason(), Some(&truncated));
    assert_eq!(now(framed.close()).unwrap(), truncated);
    expect_end(&mut peer);
}

#[test]
fn a_frame_that_cannot_be_sent_changes_nothing() {
    let (ours, mut peer) = UnixStream::pair().unwrap();
    let stream = Stream::try_from(ours).unwrap();
    let mut framed = now(Framed::plain(stream, LengthPrefix::u8(), Limits::new())).unwrap();
    let error = now(framed.send(&[0; 256])).unwrap_err();
    assert!(
        matches!(error, Error::Send(SendError::Encode(EncodeError::Unrepresentable { len: 256 }))),
        "{error:?}"
    );
    now(framed.send(&[7; 255])).unwrap();
    now(framed.finish()).unwrap();
    let error = now(framed.send(b"")).unwrap_err();
    assert!(matches!(error, Error::Send(SendError::Finished)), "{error:?}");
    expect(&mut peer, &[255]);
    expect(&mut peer, &[7; 255]);
    expect_end(&mut peer);
}

#[test]
fn deadlines_end_a_wait() {
    let mut limits = Limits::new();
    limits.idle_timeout = SOON;
    let (mut framed, _peer) = with_peer(limits);
    expect_closed(now(framed.recv()), &CloseReason::TimedOut(Timer::Idle));

    let mut limits = Limits::new();
    limits.frame_timeout = SOON;
    let (mut framed, mut peer) = with_peer(limits);
    peer.write_all(b"5:ab").unwrap();
    expect_closed(now(framed.recv()), &CloseReason::TimedOut(Timer::Frame));

    let mut limits = Limits::new();
    limits.stall_timeout = SOON;
    let (mut framed, _peer) = with_peer(limits);
    let outcome = (0..1000).try_for_each(|_| now(framed.send(&[0; 64 * 1024])));
    expect_closed(outcome, &CloseReason::TimedOut(Timer::Stall));

    let mut limits = Limits::new();
    limits.linger_timeout = SOON;
    let (framed, _peer) = with_peer(limits);
    assert_eq!(now(framed.close()).unwrap(), CloseReason::LingerExpired);
}

#[test]
fn closing_flushes_and_aborting_does_not() {
    let (mut framed, mut peer) = with_peer(Limits::new());
    now(framed.send(b"last")).unwrap();
    let closing = thread::spawn(|| now(framed.close()));
    expect(&mut peer, b"4:last,");
    expect_end(&mut peer);
    peer.finish();
    assert_eq!(closing.join().unwrap().unwrap(), CloseReason::Closed);

    let (mut framed, mut peer) = with_peer(Limits::new());
    now(framed.send(b"never")).unwrap();
    framed.abort();
    expect_end(&mut peer);
}

#[test]
fn both_sides_of_tls_run_over_a_stream_of_somebody_elses() {
    let certificate = Certificate::new();
    let (ours, theirs) = UnixStream::pair().unwrap();
    let tls = certificate.server();
    let serving = thread::spawn(move || {
        let stream = Stream::try_from(theirs).unwrap();
        let mut framed =
            now(Framed::server(stream, &tls, Netstring::new(), Limits::new())).unwrap();
        let request = now(framed.recv()).unwrap().unwrap().to_vec();
        now(framed.send(&request)).unwrap();
        now(framed.close()).unwrap()
    });
    let stream = Stream::try_from(ours).unwrap();
    let name = "localhost".try_into().unwrap();
    let mut framed =
        now(Framed::client(stream, &certificate.client(), name, Netstring::new(), Limits::new()))
            .unwrap();
    now(framed.send(b"over TLS")).unwrap();
    assert_eq!(now(framed.recv()).unwrap(), Some(&b"over TLS"[..]));
    assert_eq!(now(framed.recv()).unwrap(), None);
    assert_eq!(now(framed.close()).unwrap(), CloseReason::Finished);
    assert_eq!(serving.join().unwrap(), CloseReason::Closed);
}

#[test]
fn whichever_direction_can_go_on_is_told_and_receiving_first() {
    let (mut framed, mut peer) = with_peer(Limits::new());
    assert_eq!(now(framed.ready()).unwrap(), Ready::Send);
    now(framed.send(b"a")).unwrap();
    // Waiting for nothing has what is queued written.
    assert_eq!(now(framed.ready()).unwrap(), Ready::Send);
    expect(&mut peer, b"1:a,");
    peer.write_all(b"1:b,").unwrap();
    assert_eq!(now(framed.ready()).unwrap(), Ready::Receive);
    assert_eq!(now(framed.recv()).unwrap(), Some(&b"b"[..]));
    // A peer that reads nothing, and says something once there is no room.
    let mut other = peer.try_clone().unwrap();
    let (filled, full) = std::sync::mpsc::channel();
    let speaking = thread::spawn(move || {
        full.recv().unwrap();
        other.write_all(b"1:c,").unwrap();
    });
    let mut sent = 0;
    while now(framed.ready()).unwrap() == Ready::Send {
        now(framed.send(&[0; 8192])).unwrap();
        sent += 8192;
        if sent == 1 << 18 {
            filled.send(()).unwrap();
        }
    }
    assert_eq!(now(framed.recv()).unwrap(), Some(&b"c"[..]));
    speaking.join().unwrap();
    drop(peer);
    // That there will be no frame is something to receive too.
    expect_closed(now(framed.recv()).map(|_| ()), &CloseReason::Reset);
    assert_eq!(now(framed.ready()).unwrap(), Ready::Receive);
}
