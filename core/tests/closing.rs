//! How conversations end: every row of the close table, plain and within TLS.
#![cfg(all(feature = "testkit", feature = "tls"))]

mod support;

use std::time::Duration;

use drywire::connection::{Timer, Truncation};
use drywire::error::{LimitExceeded, RemoteError};
use drywire::framing::{LengthPrefix, Netstring};
use drywire::testkit::{Event, Pair, Talker, Then};
use drywire::tls::{Alert, CertificateProblem, TlsCause, TlsError};
use drywire::{CloseReason, Connection, Error, Fault, Instant, Limits, Protocol, SendError};
use support::{EVERYTHING, Over, VERSIONS, Version};

type Ends = Pair<Talker<Netstring>, Talker<Netstring>>;

fn talker(frames: &[&[u8]], then: Then) -> Talker<Netstring> {
    let frames = frames.iter().map(|frame| frame.to_vec()).collect();
    Talker::new(Netstring::new(), frames, then)
}

/// Two ends that are open and keep still, whatever the other does.
fn still(over: Over) -> Ends {
    let mut pair = over.pair(talker(&[], Then::Stay), talker(&[], Then::Stay));
    pair.run_now();
    assert_eq!(pair.left.trace().events(), [Event::Open]);
    assert_eq!(pair.right.trace().events(), [Event::Open]);
    pair
}

fn closed(pair: &Ends) -> [Option<&CloseReason>; 2] {
    [pair.left.trace().closed(), pair.right.trace().closed()]
}

#[test]
fn finished_by_both() {
    for over in EVERYTHING {
        let mut pair = over.pair(talker(&[b"a"], Then::Finish), talker(&[b"b"], Then::Wait));
        pair.run();
        assert_eq!(closed(&pair), [Some(&CloseReason::Finished); 2]);
        for (trace, frame) in [(pair.left.trace(), b"b"), (pair.right.trace(), b"a")] {
            let expected = [
                Event::Open,
                Event::Frame(frame.to_vec()),
                Event::Finished,
                Event::Closed(CloseReason::Finished),
            ];
            assert_eq!(trace.events(), expected);
        }
        assert_eq!(pair.now, Instant::ZERO, "waited for something");
    }
}

#[test]
fn half_closed_and_still_sending() {
    for over in EVERYTHING {
        for left_finishes in [true, false] {
            let mut pair = still(over);
            let (finished, sending) = if left_finishes {
                (&mut pair.left.connection, &mut pair.right.connection)
            } else {
                (&mut pair.right.connection, &mut pair.left.connection)
            };
            finished.finish();
            assert_eq!(finished.send(b"late"), Err(SendError::Finished));
            let _ = sending;
            pair.run_now();
            let (finished, sending) = if left_finishes {
                (pair.left.trace(), pair.right.trace())
            } else {
                (pair.right.trace(), pair.left.trace())
            };
            assert_eq!(sending.events(), [Event::Open, Event::Finished]);
            assert_eq!(finished.events(), [Event::Open]);
            for _ in 0..3 {
                let sending = if left_finishes { &mut pair.right } else { &mut pair.left };
                sending.connection.send(b"more").unwrap();
                pair.run_now();
            }
            let sending = if left_finishes { &mut pair.right } else { &mut pair.left };
            sending.connection.finish();
            pair.run_now();
            assert_eq!(closed(&pair), [Some(&CloseReason::Finished); 2]);
            let finished = if left_finishes { &pair.left } else { &pair.right };
            assert_eq!(finished.trace().frames(), [b"more"; 3]);
        }
    }
}

#[test]
fn truncated_within_a_frame() {
    for (over, we_have_finished) in
        EVERYTHING.into_iter().flat_map(|over| [(over, false), (over, true)])
    {
        let mut pair = still(over);
        if we_have_finished {
            pair.right.connection.finish();
            pair.run_now();
        }
        // A frame that another framing has begun, and an end as it should be.
        let connection = std::mem::replace(
            &mut pair.left.connection,
            Connection::plain(Netstring::new(), Default::default(), pair.now),
        );
        let mut raw = connection.upgrade(drywire::framing::Raw::new());
        raw.send(b"5:hel").unwrap();
        raw.finish();
        pair.left.connection = raw.upgrade(Netstring::new());
        pair.run_now();
        let reason = CloseReason::Truncated(Truncation::Frame { len: 5 });
        assert_eq!(pair.right.trace().failed(), Some(&reason));
        assert_eq!(pair.right.connection.close_reason(), Some(&reason));
    }
}

#[test]
fn truncated_without_close_notify() {
    for version in VERSIONS {
        for (within_frame, we_have_finished) in
            [(false, false), (false, true), (true, false), (true, true)]
        {
            let truncation =
                if within_frame { Truncation::Frame { len: 5 } } else { Truncation::Session };
            let mut pair = still(Over::Tls(version));
            if we_have_finished {
                pair.right.connection.finish();
                pair.run_now();
            }
            if within_frame {
                let old = std::mem::replace(
                    &mut pair.left.connection,
                    Connection::plain(Netstring::new(), Default::default(), pair.now),
                );
                let mut raw = old.upgrade(drywire::framing::Raw::new());
                raw.send(b"5:hel").unwrap();
                pair.left.connection = raw.upgrade(Netstring::new());
                pair.run_now();
            }
            pair.left.is_stuck = true;
            pair.there.end(pair.now);
            pair.run_now();
            let reason = CloseReason::Truncated(truncation);
            assert_eq!(pair.right.trace().failed(), Some(&reason));
            // The end of the stream is known, so there is nothing to linger for.
            assert_eq!(pair.right.trace().closed(), Some(&reason));
        }
    }
}

#[test]
fn truncated_within_the_handshake() {
    for version in VERSIONS {
        // However much of it there was.
        for len in (0..300).step_by(7) {
            let mut pair =
                Over::Tls(version).pair(talker(&[b"a"], Then::Stay), talker(&[], Then::Stay));
            pair.left.is_stuck = true;
            let hello = pair.left.connection.transmit().to_vec();
            pair.there.inject(&hello[..len.min(hello.len())], pair.now);
            pair.there.end(pair.now);
            pair.run_now();
            let reason = CloseReason::Truncated(Truncation::Handshake);
            let expected = [Event::Failed(reason.clone()), Event::Closed(reason)];
            assert_eq!(pair.right.trace().events(), expected);
        }
    }
}

#[test]
fn reset_and_other_failures_of_the_transport() {
    for over in EVERYTHING {
        let mut pair = still(over);
        pair.left.connection.send(b"lost").unwrap();
        pair.reset();
        pair.run_now();
        assert_eq!(closed(&pair), [Some(&CloseReason::Reset); 2]);
        for fault in [
            Fault::Refused,
            Fault::Unreachable,
            Fault::TimedOut,
            Fault::OutOfResources,
            Fault::Other,
        ] {
            let mut pair = still(over);
            pair.left.connection.transport_failed(fault, pair.now);
            pair.run_now();
            assert_eq!(pair.left.trace().closed(), Some(&CloseReason::Transport(fault)));
        }
    }
}

#[test]
fn what_failed_in_the_transport_has_a_text() {
    for (fault, text) in [
        (Fault::Reset, "connection reset"),
        (Fault::Refused, "connection refused"),
        (Fault::Unreachable, "host or network unreachable"),
        (Fault::TimedOut, "transport timed out"),
        (Fault::OutOfResources, "out of descriptors or memory"),
        (Fault::Other, "transport failed"),
    ] {
        assert_eq!(fault.to_string(), text);
    }
    assert_eq!(Fault::from(std::io::ErrorKind::OutOfMemory), Fault::OutOfResources);
}

#[test]
fn what_the_peer_sent_before_we_could_send_no_more_is_yielded() {
    for over in EVERYTHING {
        let mut pair = still(over);
        pair.left.connection.send(b"lost").unwrap();
        pair.left.connection.transmit_failed(Fault::Reset, pair.now);
        assert_eq!(pair.left.connection.send(b"more"), Err(SendError::Closed));
        assert!(!pair.left.connection.interest().write);
        assert_eq!(pair.left.connection.close_reason(), None);
        assert_eq!(pair.left.connection.failure(), Some(&CloseReason::Reset));
        pair.right.connection.send(b"go away").unwrap();
        pair.right.connection.finish();
        pair.run_now();
        assert_eq!(pair.left.trace().frames(), [b"go away"]);
        assert_eq!(pair.left.trace().closed(), Some(&CloseReason::Reset));
        assert_eq!(pair.right.trace().frames(), [[0; 0]; 0]);
    }
}

#[test]
fn a_reset_while_closing_is_no_clean_end() {
    for over in EVERYTHING {
        let mut pair = still(over);
        pair.left.connection.close();
        pair.left.connection.transport_failed(Fault::Reset, pair.now);
        pair.run_now();
        assert_eq!(pair.left.trace().closed(), Some(&CloseReason::Reset));
        // A failure that came before says more.
        let mut pair = still(over);
        pair.left.connection.fail(3);
        pair.left.pump();
        pair.left.connection.transport_failed(Fault::Reset, pair.now);
        pair.run_now();
        let reason = CloseReason::Failed(Error::Local(3));
        assert_eq!(pair.left.trace().closed(), Some(&reason));
    }
}

#[test]
fn refused_by_a_limit_with_the_numbers() {
    for over in EVERYTHING {
        let left = Talker::new(LengthPrefix::u32be(), vec![vec![1; 11]], Then::Wait);
        let framing = LengthPrefix::u32be().with_frame_len_max(10);
        let mut pair = over.pair(left, Talker::new(framing, vec![], Then::Wait));
        pair.run();
        let limit = LimitExceeded::FrameLen { len: 11, max: 10 };
        let reason = CloseReason::Failed(Error::Limit(limit));
        assert_eq!(pair.right.trace().failed(), Some(&reason));
        assert_eq!(pair.right.trace().closed(), Some(&reason));
        assert_eq!(pair.left.trace().closed(), Some(&CloseReason::Finished));
    }
}

#[test]
fn protocol_errors_of_either_side() {
    for over in EVERYTHING {
        let left = Talker::new(LengthPrefix::u8(), vec![b"no netstring".to_vec()], Then::Wait);
        let mut pair = over.pair(left, talker(&[b"said before"], Then::Wait));
        pair.run();
        let Some(CloseReason::Failed(Error::Remote(RemoteError::UnexpectedByte { .. }))) =
            pair.right.trace().closed()
        else {
            panic!("{pair:?}");
        };
        let mut pair = still(over);
        pair.right.connection.send(b"queued").unwrap();
        pair.right.connection.fail(42);
        pair.right.pump();
        pair.run_now();
        assert_eq!(pair.left.trace().frames(), [b"queued"], "what was queued leaves");
        pair.left.connection.finish();
        pair.run_now();
        let reason = CloseReason::Failed(Error::Local(42));
        assert_eq!(closed(&pair), [Some(&CloseReason::Finished), Some(&reason)]);
    }
}

/// A protocol that says goodbye when it fails.
struct Polite;

impl Protocol for Polite {
    type Framing = Netstring;

    fn framing(&self) -> Netstring {
        Netstring::new()
    }

    fn on_frame(&mut self, _: &[u8], _: &mut drywire::Handle<'_, Netstring>) {}

    fn on_failed(&mut self, _: &CloseReason, handle: &mut drywire::Handle<'_, Netstring>) {
        handle.send(b"goodbye").unwrap();
    }
}

#[test]
fn a_last_reply_leaves_after_a_failure() {
    for over in EVERYTHING {
        let left = Talker::new(drywire::framing::Raw::new(), vec![b"x".to_vec()], Then::Wait);
        let mut pair = over.pair(left, Polite);
        pair.run();
        assert_eq!(pair.left.trace().frames(), [b"7:goodbye,"]);
        assert!(pair.right.trace().failed().is_some());
    }
}

#[test]
fn tls_errors_are_told_on_both_sides() {
    for version in VERSIONS {
        let config = support::client_tls(version);
        let client =
            drywire::tls::TlsSession::client(&config, "example.org".try_into().unwrap()).unwrap();
        let server = drywire::tls::TlsSession::server(&support::server_tls());
        let make = |session| {
            let connection =
                Connection::tls(session, Netstring::new(), Default::default(), Instant::ZERO);
            drywire::testkit::End::new(connection, talker(&[], Then::Wait))
        };
        let mut pair = Pair::new(make(client), make(server));
        pair.run();
        let alert = Alert(42);
        let cause = TlsCause::Certificate(CertificateProblem::WrongName);
        let refused = TlsError::Refused { cause, alert: Some(alert) };
        let ours = CloseReason::Failed(Error::Tls(refused));
        let theirs = CloseReason::Failed(Error::Tls(TlsError::AlertReceived(alert)));
        assert_eq!(closed(&pair), [Some(&ours), Some(&theirs)]);
    }
}

#[test]
fn closed_by_us_and_flushed() {
    for over in EVERYTHING {
        let mut pair = over.pair(talker(&[b"last"], Then::Close), talker(&[], Then::Wait));
        pair.run();
        assert_eq!(closed(&pair), [Some(&CloseReason::Closed), Some(&CloseReason::Finished)]);
        assert_eq!(pair.right.trace().frames(), [b"last"]);
    }
}

#[test]
fn closed_by_us_and_the_peer_does_not_finish() {
    for over in EVERYTHING {
        let mut pair = over.pair(talker(&[b"last"], Then::Close), talker(&[], Then::Stay));
        pair.run_now();
        assert_eq!(closed(&pair), [None, None]);
        // What it still sends is discarded, and read, so that it does not reset the connection.
        pair.right.connection.send(b"unwanted").unwrap();
        pair.run_now();
        assert!(pair.left.trace().frames().is_empty());
        let due = pair.left.connection.deadline().unwrap();
        assert_eq!((due.timer, due.at), (Timer::Linger, Instant::from_nanos(5_000_000_000)));
        pair.pass(Limits::new().linger_timeout - Duration::from_nanos(1));
        assert_eq!(pair.left.trace().closed(), None);
        pair.pass(Duration::from_nanos(1));
        assert_eq!(pair.left.trace().closed(), Some(&CloseReason::LingerExpired));
    }
}

#[test]
fn the_driver_stops_or_we_give_up() {
    for over in EVERYTHING {
        let mut pair = still(over);
        pair.left.connection.send(b"lost").unwrap();
        pair.left.connection.stop();
        pair.right.connection.abort();
        pair.run_now();
        assert_eq!(closed(&pair), [Some(&CloseReason::Stopped), Some(&CloseReason::Aborted)]);
        assert!(pair.right.trace().frames().is_empty());
    }
}

#[test]
fn closing_twice_is_once() {
    for over in EVERYTHING {
        let mut pair = over.pair(talker(&[], Then::Close), talker(&[b"b"], Then::Wait));
        pair.left.connection.send(b"a").unwrap();
        for _ in 0..5 {
            pair.left.connection.close();
            pair.left.connection.finish();
            pair.step();
        }
        pair.run();
        assert_eq!(closed(&pair), [Some(&CloseReason::Closed), Some(&CloseReason::Finished)]);
        assert_eq!(pair.right.trace().frames(), [b"a"], "sent although it closed before it opened");
        for _ in 0..2 {
            pair.left.connection.close();
            pair.left.connection.abort();
            pair.left.connection.stop();
        }
        assert_eq!(pair.left.connection.close_reason(), Some(&CloseReason::Closed));
        assert!(pair.left.connection.next().is_none());
    }
}

#[test]
fn finishing_before_it_is_open_takes_effect_afterwards() {
    for over in EVERYTHING {
        let mut pair = over.pair(talker(&[], Then::Stay), talker(&[b"answer"], Then::Wait));
        pair.left.connection.send(b"question").unwrap();
        pair.left.connection.finish();
        assert_eq!(pair.left.connection.send(b"late"), Err(SendError::Finished));
        pair.run();
        assert_eq!(closed(&pair), [Some(&CloseReason::Finished); 2]);
        assert_eq!(pair.right.trace().frames(), [b"question"]);
        assert_eq!(pair.left.trace().frames(), [b"answer"]);
    }
}

#[test]
fn when_the_peer_finishes_what_is_queued_is_flushed_first() {
    for over in EVERYTHING {
        let left = Talker::new(Netstring::new(), vec![vec![1; 1000]; 100], Then::Finish);
        let mut pair = over.pair(left, drywire::protocol::Echo::new(Netstring::new()));
        pair.back.capacity = 10;
        pair.run();
        assert_eq!(pair.left.trace().frames().len(), 100);
        assert_eq!(pair.right.trace().closed(), Some(&CloseReason::Finished));
    }
}

#[test]
fn the_tls_end_is_told_before_the_transport_ends() {
    for version in [Version::Tls12, Version::Tls13] {
        let mut pair = still(Over::Tls(version));
        pair.left.connection.finish();
        let notice = pair.left.connection.transmit().to_vec();
        pair.left.connection.transmitted(notice.len(), pair.now).unwrap();
        pair.left.is_stuck = true;
        pair.there.inject(&notice, pair.now);
        pair.run_now();
        assert_eq!(pair.right.trace().events(), [Event::Open, Event::Finished]);
    }
}
