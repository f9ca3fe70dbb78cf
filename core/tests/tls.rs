//! Connections within TLS sessions.
#![cfg(all(feature = "testkit", feature = "tls"))]

mod support;

use std::sync::Arc;

use drywire::connection::Timer;
use drywire::framing::{LengthPrefix, Raw};
use drywire::testkit::{End, Event, Pair, Talker, Then};
use drywire::tls::{TlsCause, TlsError};
use drywire::{CloseReason, Connection, Error, Instant, Limits, Protocol, SendError};
use support::{VERSIONS, Version};

const NOW: Instant = Instant::ZERO;

/// A client on the left and a server on the right.
fn pair<P: Protocol, Q: Protocol>(version: Version, left: P, right: Q) -> Pair<P, Q>
where
    P::Framing: drywire::framing::ByteFraming,
    Q::Framing: drywire::framing::ByteFraming,
{
    pair_within(version, left, right, Arc::new(Limits::new()))
}

fn pair_within<P: Protocol, Q: Protocol>(
    version: Version,
    left: P,
    right: Q,
    limits: Arc<Limits>,
) -> Pair<P, Q>
where
    P::Framing: drywire::framing::ByteFraming,
    Q::Framing: drywire::framing::ByteFraming,
{
    let (client, server) = support::sessions(version);
    Pair::new(
        End::new(Connection::tls(client, left.framing(), Arc::clone(&limits), NOW), left),
        End::new(Connection::tls(server, right.framing(), limits, NOW), right),
    )
}

fn u8_listener() -> Talker<LengthPrefix> {
    Talker::listening(LengthPrefix::u8())
}

/// A pair that is open, idle, and whose framing has whole frames.
fn open_pair(version: Version) -> Pair<Talker<LengthPrefix>, Talker<LengthPrefix>> {
    let mut pair = pair(version, u8_listener(), u8_listener());
    pair.run_now();
    assert_eq!(pair.left.trace().events(), [Event::Open]);
    assert_eq!(pair.right.trace().events(), [Event::Open]);
    pair
}

#[test]
fn a_handshake_keeps_its_deadline_whatever_is_asked_for() {
    for version in VERSIONS {
        let (client, _) = support::sessions(version);
        let mut connection = Connection::tls(client, Raw::new(), Arc::default(), NOW);
        let deadline = connection.deadline().unwrap();
        assert_eq!(deadline.timer, Timer::Handshake);
        connection.finish();
        assert_eq!(connection.deadline(), Some(deadline));
        connection.close();
        assert_eq!(connection.deadline(), Some(deadline));
        connection.handle_timeout(deadline.at);
        assert_eq!(connection.close_reason(), Some(&CloseReason::TimedOut(Timer::Handshake)));
    }
}

#[test]
fn a_session_that_fails_while_much_is_queued_sends_no_more_of_it() {
    for version in VERSIONS {
        let mut pair = open_pair(version);
        pair.back.capacity = 0;
        for _ in 0..300 {
            pair.right.connection.send(&[7; 255]).unwrap();
        }
        pair.run_now();
        let before_len = pair.right.connection.queued_len();
        assert!(before_len > 60_000, "{before_len} bytes");
        pair.there.inject(&[&[0x17, 3, 3, 0, 40][..], &[9; 40]].concat(), pair.now);
        pair.run_now();
        // What was not sealed never can be; what was sealed, and an alert, may still leave.
        let queued_len = pair.right.connection.queued_len();
        assert!(queued_len < before_len - 20_000, "{queued_len} bytes");
        pair.back.capacity = usize::MAX;
        pair.run_now();
        let reason = pair.right.connection.close_reason();
        assert!(matches!(reason, Some(CloseReason::Failed(Error::Tls(_)))), "{reason:?}");
    }
}

#[test]
fn a_record_without_a_frame_stops_the_frame_clock() {
    for version in VERSIONS {
        let mut pair = open_pair(version);
        // An empty record, in two parts: for a moment it might begin a frame.
        let record = if version == Version::Tls13 {
            pair.right.connection.refresh_keys().unwrap();
            pair.right.connection.transmit().to_vec()
        } else {
            continue;
        };
        pair.right.connection.transmitted(record.len(), NOW).unwrap();
        pair.back.inject(&record[..9], pair.now);
        pair.run_now();
        assert_eq!(pair.left.connection.deadline().map(|due| due.timer), Some(Timer::Frame));
        pair.back.inject(&record[9..], pair.now);
        pair.run_now();
        assert_eq!(pair.left.connection.deadline().map(|due| due.timer), Some(Timer::Idle));
    }
}

#[test]
fn what_came_before_a_failure_is_told_however_it_was_cut() {
    for version in VERSIONS {
        for cut in [1, 50, usize::MAX] {
            let talker = Talker::new(LengthPrefix::u8(), vec![b"last".to_vec()], Then::Stay);
            let mut pair = pair(version, talker, u8_listener());
            while pair.left.trace().events().is_empty() {
                pair.step_now();
            }
            // The client's last flight, its frame, and a record that does not decrypt.
            let mut bytes = pair.there.take();
            loop {
                let more = pair.left.connection.transmit();
                if more.is_empty() {
                    break;
                }
                bytes.extend_from_slice(more);
                let len = more.len();
                pair.left.connection.transmitted(len, NOW).unwrap();
            }
            bytes.extend_from_slice(&[0x17, 3, 3, 0, 32]);
            bytes.extend_from_slice(&[0; 32]);
            pair.left.is_stuck = true;
            pair.there.cuts = vec![cut];
            pair.there.inject(&bytes, pair.now);
            pair.run_now();
            let events = pair.right.trace().events();
            assert_eq!(events[..2], [Event::Open, Event::Frame(b"last".to_vec())], "cut {cut}");
            let Some(CloseReason::Failed(Error::Tls(TlsError::Refused { cause, .. }))) =
                pair.right.trace().failed()
            else {
                panic!("{events:?}");
            };
            assert_eq!(*cause, TlsCause::InvalidRecord, "cut {cut}");
        }
    }
}

#[test]
fn a_full_queue_does_not_keep_the_handshake_from_being_read() {
    for version in VERSIONS {
        let mut limits = Limits::new();
        limits.transmit_high_water = 4000;
        let listener = || Talker::new(Raw::new(), vec![], Then::Stay);
        let mut pair = pair_within(version, listener(), listener(), Arc::new(limits));
        let (said, answered) = ([1; 5000], [2; 5000]);
        pair.left.connection.send(&said).unwrap();
        pair.right.connection.send(&answered).unwrap();
        assert!(!pair.left.connection.is_writable() && !pair.right.connection.is_writable());
        pair.run_now();
        assert_eq!(pair.right.trace().frames(), [said]);
        assert_eq!(pair.left.trace().frames(), [answered]);
    }
}

#[test]
fn nothing_is_written_once_our_side_is_shut_down() {
    for version in VERSIONS {
        let mut pair = pair(
            version,
            Talker::new(LengthPrefix::u8(), vec![], Then::Finish),
            Talker::new(LengthPrefix::u8(), vec![], Then::Stay),
        );
        pair.run_now();
        assert_eq!(pair.right.trace().events(), [Event::Open, Event::Finished]);
        // The alert for this can no longer be sent.
        pair.back.inject(&[0x17, 3, 3, 0, 32], pair.now);
        pair.back.inject(&[0; 32], pair.now);
        pair.right.is_stuck = true;
        pair.run_now();
        assert!(pair.left.trace().failed().is_some());
        assert!(!pair.left.connection.interest().write);
        assert_eq!(pair.left.connection.transmit(), b"");
        assert_eq!(pair.left.connection.queued_len(), 0);
    }
}

#[test]
fn nothing_is_queued_once_it_is_over() {
    for version in VERSIONS {
        let (mut client, _) = {
            let (client, server) = support::sessions(version);
            (Connection::tls(client, Raw::new(), Arc::new(Limits::new()), NOW), server)
        };
        let hello_len = client.queued_len();
        assert!(hello_len > 0);
        client.abort();
        assert_eq!(client.queued_len(), 0);
        assert!(client.transmitted(hello_len, NOW).is_err());
    }
}

#[test]
fn new_keys_do_not_keep_a_long_frame_from_being_read() {
    let mut limits = Limits::new();
    limits.receive_backlog_max = 100;
    let listener = || Talker::listening(LengthPrefix::u32be());
    let mut pair = pair_within(Version::Tls13, listener(), listener(), Arc::new(limits));
    pair.run_now();
    pair.left.connection.send(&[7; 40_000]).unwrap();
    let bytes = pair.left.connection.transmit().to_vec();
    pair.left.is_stuck = true;
    pair.there.inject(&bytes[..20_000], pair.now);
    pair.run_now();
    assert!(pair.right.connection.interest().read);
    pair.right.connection.refresh_keys().unwrap();
    assert!(pair.right.connection.interest().read);
}

#[test]
fn after_close_notify_a_last_reply_is_refused_rather_than_lost() {
    let mut pair = open_pair(Version::Tls13);
    pair.left.connection.finish();
    let closing = pair.left.connection.transmit().len();
    assert!(closing > 0);
    pair.left.connection.fail(7);
    assert_eq!(pair.left.connection.send(b"reply"), Err(SendError::Finished));
}
