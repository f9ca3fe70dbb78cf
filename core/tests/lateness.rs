//! What happens when a driver tells the time rarely, or late, and what it must not be taken for.

use std::sync::Arc;
use std::time::Duration;

use drywire::connection::Timer;
use drywire::framing::{LengthPrefix, Lines};
use drywire::{CloseReason, Connection, Instant, Limits, Step};

fn at(seconds: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(seconds)
}

fn open() -> Connection<LengthPrefix> {
    let limits = Arc::new(Limits::new());
    let mut connection = Connection::plain(LengthPrefix::u8(), limits, at(0));
    assert!(matches!(connection.next(), Some(Step::Open(None, _))));
    connection
}

fn receive(connection: &mut Connection<LengthPrefix>, bytes: &[u8], now: Instant) {
    connection.receive_buffer()[..bytes.len()].copy_from_slice(bytes);
    connection.received(bytes.len(), now).unwrap();
}

#[test]
fn a_send_after_a_quiet_spell_is_not_stalled() {
    let mut connection = open();
    connection.send(b"late").unwrap();
    // The connection last heard of the time 31 s ago.
    connection.handle_timeout(at(31));
    assert_eq!(connection.close_reason(), None);
    let deadline = connection.deadline().unwrap();
    assert_eq!((deadline.timer, deadline.at), (Timer::Stall, at(61)));
    connection.transmitted(2, at(40)).unwrap();
    assert_eq!(connection.deadline().unwrap().at, at(70));
    connection.handle_timeout(at(70));
    assert_eq!(connection.close_reason(), Some(&CloseReason::TimedOut(Timer::Stall)));
}

#[test]
fn what_was_transmitted_long_ago_is_no_stall_either() {
    let mut connection = open();
    connection.send(b"one").unwrap();
    connection.handle_timeout(at(0));
    connection.transmitted(4, at(1)).unwrap();
    connection.send(b"two").unwrap();
    connection.handle_timeout(at(100));
    assert_eq!(connection.close_reason(), None);
    assert_eq!(connection.deadline().unwrap().at, at(130));
}

#[test]
fn lingering_that_begins_with_a_command_lasts_as_long_as_any() {
    let mut connection = open();
    connection.finish();
    connection.shut_down(at(0)).unwrap();
    connection.close();
    connection.handle_timeout(at(10));
    assert_eq!(connection.close_reason(), None);
    let deadline = connection.deadline().unwrap();
    assert_eq!((deadline.timer, deadline.at), (Timer::Linger, at(15)));
    connection.handle_timeout(at(15));
    assert_eq!(connection.close_reason(), Some(&CloseReason::LingerExpired));
}

#[test]
fn a_frame_that_is_whole_is_not_late() {
    let mut connection = open();
    receive(&mut connection, b"\x05hel", at(0));
    assert!(connection.next().is_none());
    assert_eq!(connection.deadline().unwrap().at, at(30));
    // Both arrive in one wake-up, and the driver tells of the bytes first.
    receive(&mut connection, b"lo", at(31));
    connection.handle_timeout(at(31));
    assert!(matches!(connection.next(), Some(Step::Frame(b"hello", _))));
    assert!(connection.next().is_none());
}

#[test]
fn a_step_that_waits_has_no_deadline() {
    // It is open, and nobody has been told.
    let mut connection = Connection::plain(LengthPrefix::u8(), Arc::default(), at(0));
    assert_eq!(connection.deadline(), None);
    connection.handle_timeout(at(1000));
    assert!(matches!(connection.next(), Some(Step::Open(..))));
    assert_eq!(connection.close_reason(), None);
}

#[test]
fn draining_waits_for_a_frame_that_is_under_way() {
    let mut connection = open();
    receive(&mut connection, b"\x05he", at(0));
    assert!(connection.next().is_none());
    connection.drain(at(0));
    connection.handle_timeout(at(2));
    receive(&mut connection, b"llo", at(3));
    assert!(matches!(connection.next(), Some(Step::Frame(b"hello", _))));
    assert!(connection.next().is_none());
    assert_eq!(connection.deadline().unwrap().timer, Timer::Drain);
    connection.handle_timeout(at(4));
    assert!(connection.interest().shutdown, "silent for a second");
}

#[test]
fn silence_while_a_frame_is_retained_is_not_the_peers() {
    let mut connection = open();
    receive(&mut connection, b"\x01x", at(0));
    let Some(Step::Frame(_, mut handle)) = connection.next() else { panic!() };
    handle.retain();
    assert!(connection.next().is_none());
    assert_eq!(connection.deadline(), None);
    connection.handle_timeout(at(1000));
    assert!(matches!(connection.next(), Some(Step::Frame(b"x", _))));
}

#[test]
fn a_timer_that_was_found_due_is_not_told_after_the_end() {
    let mut connection = open();
    connection.set_timer(Some(at(1)));
    connection.handle_timeout(at(1));
    assert!(connection.has_step());
    connection.abort();
    assert!(matches!(connection.next(), Some(Step::Closed(CloseReason::Aborted))));
}

#[test]
fn a_limit_of_everything_reserves_no_more_than_has_arrived() {
    let framing = LengthPrefix::u64be().with_frame_len_max(usize::MAX);
    let mut connection = Connection::plain(framing, Arc::new(Limits::new()), at(0));
    assert_eq!(connection.memory_len_max(), usize::MAX);
    assert!(matches!(connection.next(), Some(Step::Open(..))));
    let mut arrived = 0;
    receive(&mut connection, &[0xC0, 0, 0, 0, 0, 0, 0, 0], at(0));
    while arrived < 1024 * 1024 {
        assert!(connection.next().is_none());
        let len = connection.receive_buffer().len();
        connection.received(len, at(0)).unwrap();
        arrived += len;
        assert!(connection.memory_len() <= 3 * arrived.max(65 * 1024));
    }
}

#[test]
fn the_bound_on_memory_remembers_the_framing_before() {
    let mut connection = open().upgrade(LengthPrefix::u32be());
    let input = [&(900 * 1024_u32).to_be_bytes()[..], &[b'x'; 900 * 1024]].concat();
    let mut rest = &input[..];
    while !rest.is_empty() {
        let room = connection.receive_buffer();
        let len = room.len().min(rest.len());
        room[..len].copy_from_slice(&rest[..len]);
        rest = &rest[len..];
        connection.received(len, at(0)).unwrap();
        assert!(connection.has_step() == rest.is_empty());
    }
    let connection = connection.upgrade(Lines::new());
    assert!(connection.memory_len() > 900 * 1024);
    assert!(connection.memory_len() <= connection.memory_len_max());
}
