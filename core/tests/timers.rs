//! Every deadline: when it is due, what moves it and what its end means.
#![cfg(all(feature = "testkit", feature = "tls"))]

mod support;

use std::sync::Arc;
use std::time::Duration;

use drywire::connection::Timer;
use drywire::framing::{LengthPrefix, Raw};
use drywire::testkit::{Event, Talker, Then};
use drywire::{CloseReason, Connection, Instant, Limits, Step};
use support::{EVERYTHING, Over, VERSIONS};

const NOW: Instant = Instant::ZERO;

fn at(seconds: u64) -> Instant {
    Instant::from_elapsed(Duration::from_secs(seconds))
}

fn open(limits: Limits) -> Connection<LengthPrefix> {
    let mut connection = Connection::plain(LengthPrefix::u8(), Arc::new(limits), NOW);
    assert!(matches!(connection.next(), Some(Step::Open(None, _))));
    connection
}

fn receive(connection: &mut Connection<LengthPrefix>, bytes: &[u8], now: Instant) {
    connection.receive_buffer()[..bytes.len()].copy_from_slice(bytes);
    connection.received(bytes.len(), now).unwrap();
}

/// Takes all steps; the kinds of the timers and failures among them.
fn steps(connection: &mut Connection<LengthPrefix>) -> Vec<String> {
    let mut steps = Vec::new();
    while let Some(step) = connection.next() {
        steps.push(format!("{step:?}"));
    }
    steps
}

fn due(connection: &Connection<LengthPrefix>) -> Option<(Timer, Instant)> {
    connection.deadline().map(|deadline| (deadline.timer, deadline.at))
}

fn before(instant: Instant) -> Instant {
    Instant::from_nanos(instant.as_nanos() - 1)
}

#[test]
fn idle_is_counted_from_the_last_byte_either_way() {
    let mut connection = open(Limits::new());
    assert_eq!(due(&connection), Some((Timer::Idle, at(300))));
    receive(&mut connection, b"\x01a", at(10));
    assert_eq!(steps(&mut connection).len(), 1);
    assert_eq!(due(&connection), Some((Timer::Idle, at(310))));
    connection.send(b"x").unwrap();
    connection.transmit();
    connection.transmitted(2, at(20)).unwrap();
    assert_eq!(due(&connection), Some((Timer::Idle, at(320))));
    connection.handle_timeout(before(at(320)));
    assert!(steps(&mut connection).is_empty());
    connection.handle_timeout(at(320));
    assert_eq!(steps(&mut connection), ["Failed(TimedOut(Idle))"]);
}

#[test]
fn a_frame_is_timed_from_its_first_byte_to_its_last() {
    let mut connection = open(Limits::new());
    receive(&mut connection, b"\x03a", at(10));
    assert!(steps(&mut connection).is_empty());
    assert_eq!(due(&connection), Some((Timer::Frame, at(40))));
    // More of it does not give it more time.
    receive(&mut connection, b"b", at(39));
    assert!(steps(&mut connection).is_empty());
    assert_eq!(due(&connection), Some((Timer::Frame, at(40))));
    // Its end does, and so does the first byte of the next one.
    receive(&mut connection, b"c", before(at(40)));
    assert_eq!(steps(&mut connection).len(), 1);
    assert_eq!(due(&connection).unwrap().0, Timer::Idle);
    receive(&mut connection, b"\x03", at(50));
    assert!(steps(&mut connection).is_empty());
    assert_eq!(due(&connection), Some((Timer::Frame, at(80))));
    // Also when both come at once.
    receive(&mut connection, b"abc\x02d", at(70));
    assert_eq!(steps(&mut connection).len(), 1);
    assert_eq!(due(&connection), Some((Timer::Frame, at(100))));
    connection.handle_timeout(at(100));
    assert_eq!(steps(&mut connection), ["Failed(TimedOut(Frame))"]);
}

#[test]
fn the_frame_deadline_stands_still_while_we_do_not_want_to_read() {
    let mut limits = Limits::new();
    limits.transmit_high_water = 10;
    limits.transmit_low_water = 0;
    limits.stall_timeout = Duration::MAX;
    let mut connection = open(limits);
    receive(&mut connection, b"\x03a", at(10));
    assert!(steps(&mut connection).is_empty());
    connection.handle_timeout(at(15));
    // From here on nothing is read: 25 s are left.
    connection.send(&[1; 9]).unwrap();
    assert!(!connection.interest().read);
    assert_eq!(due(&connection).unwrap().0, Timer::Idle);
    connection.handle_timeout(at(100));
    assert!(steps(&mut connection).is_empty());
    let len = connection.transmit().len();
    connection.transmitted(len, at(100)).unwrap();
    assert!(connection.interest().read);
    assert_eq!(due(&connection), Some((Timer::Frame, at(125))));
    receive(&mut connection, b"bc", before(at(125)));
    assert_eq!(steps(&mut connection).len(), 1);
}

#[test]
fn chunks_have_no_frame_deadline() {
    for over in EVERYTHING {
        let listener = || Talker::new(Raw::new(), vec![], Then::Stay);
        let mut pair = over.pair(listener(), listener());
        pair.run_now();
        pair.left.connection.send(b"x").unwrap();
        pair.run_now();
        assert_eq!(pair.right.connection.deadline().unwrap().timer, Timer::Idle);
    }
}

#[test]
fn a_peer_that_does_not_take_what_is_queued_stalls() {
    for over in EVERYTHING {
        let listener = || Talker::new(Raw::new(), vec![], Then::Stay);
        let mut pair = over.pair(listener(), listener());
        pair.run_now();
        pair.there.capacity = 100;
        pair.left.connection.send(&[1; 1000]).unwrap();
        pair.right.is_stuck = true;
        pair.pass(Duration::from_secs(20));
        assert_eq!(pair.left.trace().events(), [Event::Open]);
        // Some progress, and the clock begins anew.
        pair.right.is_stuck = false;
        pair.step_now();
        pair.right.is_stuck = true;
        pair.run_now();
        let deadline = pair.left.connection.deadline().unwrap();
        assert_eq!((deadline.timer, deadline.at), (Timer::Stall, at(50)));
        pair.pass(Duration::from_secs(31));
        pair.run_now();
        // Nothing more can be sent, so there is no last word and no linger.
        let reason = CloseReason::TimedOut(Timer::Stall);
        assert_eq!(pair.left.trace().events(), [Event::Open, Event::Closed(reason)]);
    }
}

#[test]
fn the_handshake_has_its_time_and_a_byte_now_and_then_gives_no_more() {
    for version in VERSIONS {
        let listener = || Talker::new(Raw::new(), vec![], Then::Stay);
        let mut pair = Over::Tls(version).pair(listener(), listener());
        let hello = pair.left.connection.transmit().to_vec();
        pair.left.is_stuck = true;
        for byte in &hello[..9] {
            pair.there.inject(&[*byte], pair.now);
            pair.pass(Duration::from_secs(1));
        }
        assert_eq!(pair.right.connection.deadline().unwrap().timer, Timer::Handshake);
        assert!(pair.right.trace().events().is_empty());
        pair.pass(Duration::from_secs(1));
        pair.right.pump();
        let reason = CloseReason::TimedOut(Timer::Handshake);
        assert_eq!(pair.right.trace().events(), [Event::Closed(reason)]);
    }
}

#[test]
fn draining_closes_what_is_silent_and_waits_for_what_is_not() {
    for over in EVERYTHING {
        let mut pair = over.pair(
            Talker::listening(LengthPrefix::u8()),
            Talker::new(LengthPrefix::u8(), vec![], Then::Stay),
        );
        pair.run_now();
        pair.right.connection.drain(pair.now);
        for _ in 0..5 {
            pair.pass(Duration::from_millis(900));
            pair.left.connection.send(b"busy").unwrap();
            pair.run_now();
            assert_eq!(pair.right.connection.deadline().unwrap().timer, Timer::Drain);
        }
        pair.pass(Duration::from_secs(1));
        pair.run_now();
        assert_eq!(pair.right.trace().frames().len(), 5);
        assert_eq!(pair.right.trace().closed(), Some(&CloseReason::Closed));
        assert_eq!(pair.left.trace().closed(), Some(&CloseReason::Finished));
    }
}

#[test]
fn the_application_has_one_timer() {
    let mut connection = open(Limits::new());
    connection.set_timer(Some(at(5)));
    connection.set_timer(Some(at(7)));
    assert_eq!(due(&connection), Some((Timer::Application, at(7))));
    connection.handle_timeout(before(at(7)));
    assert!(steps(&mut connection).is_empty());
    connection.handle_timeout(at(7));
    assert_eq!(due(&connection).unwrap().0, Timer::Idle);
    assert_eq!(steps(&mut connection), ["Timer"]);
    // In the past: due at once, but later than now.
    connection.set_timer(Some(at(1)));
    assert_eq!(due(&connection), Some((Timer::Application, at(7).next())));
    connection.set_timer(None);
    connection.handle_timeout(at(8));
    assert!(steps(&mut connection).is_empty());
    // Cleared when it was due already.
    connection.set_timer(Some(at(9)));
    connection.handle_timeout(at(9));
    connection.set_timer(None);
    assert!(steps(&mut connection).is_empty());
}

#[test]
fn an_earlier_time_counts_as_the_latest() {
    let mut connection = open(Limits::new());
    connection.handle_timeout(at(100));
    receive(&mut connection, b"\x01a", at(50));
    assert_eq!(connection.now(), at(100));
    assert_eq!(steps(&mut connection).len(), 1);
    assert_eq!(due(&connection), Some((Timer::Idle, at(400))));
}

#[test]
fn times_of_zero_expire_at_once_and_never_spin() {
    let mut limits = Limits::new();
    for timeout in [
        &mut limits.handshake_timeout,
        &mut limits.frame_timeout,
        &mut limits.stall_timeout,
        &mut limits.idle_timeout,
        &mut limits.linger_timeout,
        &mut limits.drain_idle_timeout,
    ] {
        *timeout = Duration::ZERO;
    }
    for over in EVERYTHING {
        let talker = Talker::new(LengthPrefix::u8(), vec![b"x".to_vec()], Then::Close);
        let listener = Talker::listening(LengthPrefix::u8());
        let mut pair = over.pair_within(talker, listener, &limits);
        pair.cut();
        pair.run();
        assert!(pair.left.trace().closed().is_some(), "{pair:?}");
        assert!(pair.right.trace().closed().is_some(), "{pair:?}");
    }
}

#[test]
fn times_without_end_never_expire() {
    let mut limits = Limits::new();
    for timeout in [
        &mut limits.handshake_timeout,
        &mut limits.frame_timeout,
        &mut limits.stall_timeout,
        &mut limits.idle_timeout,
        &mut limits.linger_timeout,
        &mut limits.drain_idle_timeout,
    ] {
        *timeout = Duration::MAX;
    }
    let mut connection = open(limits);
    receive(&mut connection, b"\x05x", at(1));
    connection.send(b"queued").unwrap();
    assert!(steps(&mut connection).is_empty());
    connection.drain(at(2));
    assert_eq!(due(&connection), None);
    connection.handle_timeout(Instant::MAX);
    assert!(steps(&mut connection).is_empty());
}
