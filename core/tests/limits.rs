//! Limits of a connection at one below, at and one beyond.

use std::sync::Arc;

use drywire::framing::{LengthPrefix, Raw};
use drywire::{Connection, Instant, Limits, SendError, Step};

const NOW: Instant = Instant::ZERO;

fn open(limits: Limits) -> Connection<Raw> {
    let mut connection = Connection::plain(Raw::new(), Arc::new(limits), NOW);
    assert!(matches!(connection.next(), Some(Step::Open(..))));
    connection
}

#[test]
fn a_frame_is_taken_below_high_water_and_refused_from_there_on() {
    for (queued, taken) in [(99, true), (100, false), (101, false)] {
        let mut limits = Limits::new();
        limits.transmit_high_water = 100;
        let mut connection = open(limits);
        connection.send(&vec![1; queued]).unwrap();
        assert_eq!(connection.is_writable(), taken, "{queued} bytes are queued");
        let expected = if taken { Ok(()) } else { Err(SendError::Full) };
        assert_eq!(connection.send(&[1; 5000]), expected, "{queued} bytes are queued");
        assert_eq!(connection.queued_len(), if taken { queued + 5000 } else { queued });
    }
}

#[test]
fn input_is_read_below_high_water_and_not_from_there_on() {
    for (queued, read) in [(99, true), (100, false), (101, false)] {
        let mut limits = Limits::new();
        limits.transmit_high_water = 100;
        let mut connection = open(limits);
        connection.send(&vec![1; queued]).unwrap();
        assert_eq!(connection.interest().read, read, "{queued} bytes are queued");
        assert_eq!(connection.receive_buffer().is_empty(), !read);
    }
}

#[test]
fn frames_come_again_from_low_water_on() {
    for (left, comes) in [(41, false), (40, true), (39, true)] {
        let mut limits = Limits::new();
        limits.transmit_high_water = 100;
        limits.transmit_low_water = 40;
        let mut connection = open(limits);
        connection.receive_buffer()[0] = b'x';
        connection.received(1, NOW).unwrap();
        connection.send(&[1; 100]).unwrap();
        assert_eq!(connection.send(&[1]), Err(SendError::Full));
        assert!(connection.next().is_none());
        connection.transmitted(100 - left, NOW).unwrap();
        assert_eq!(matches!(connection.next(), Some(Step::Writable(_))), comes, "{left} left");
        assert_eq!(matches!(connection.next(), Some(Step::Frame(b"x", _))), comes, "{left} left");
        assert_eq!(connection.interest().read, comes, "{left} left");
    }
}

#[test]
fn a_low_water_mark_above_high_water_is_high_water_less_one() {
    let mut limits = Limits::new();
    limits.transmit_high_water = 10;
    limits.transmit_low_water = 1000;
    let mut connection = open(limits);
    connection.send(&[1; 10]).unwrap();
    assert!(!connection.interest().read);
    connection.transmitted(1, NOW).unwrap();
    assert!(connection.interest().read);
}

#[test]
fn a_high_water_of_zero_takes_one_frame_at_a_time() {
    let mut limits = Limits::new();
    limits.transmit_high_water = 0;
    let mut connection = open(limits);
    connection.send(b"one").unwrap();
    assert_eq!(connection.send(b"two"), Err(SendError::Full));
    connection.transmitted(3, NOW).unwrap();
    connection.send(b"two").unwrap();
}

#[test]
fn a_backlog_that_nobody_takes_is_read_up_to_its_limit() {
    for (waiting, read) in [(99, true), (100, false), (101, false)] {
        let mut limits = Limits::new();
        limits.receive_backlog_max = 100;
        let mut connection = open(limits);
        connection.receive_buffer();
        connection.received(waiting, NOW).unwrap();
        assert_eq!(connection.interest().read, read, "{waiting} bytes wait");
        assert_eq!(connection.receive_buffer().is_empty(), !read);
    }
}

#[test]
fn one_frame_may_be_longer_than_the_backlog() {
    let mut limits = Limits::new();
    limits.receive_backlog_max = 100;
    let framing = LengthPrefix::u32be();
    let mut connection = Connection::plain(framing, Arc::new(limits), NOW);
    let mut stream = 200_000_u32.to_be_bytes().to_vec();
    stream.resize(4 + 200_000, 7);
    let mut rest = &stream[..];
    while !rest.is_empty() {
        assert!(connection.interest().read);
        let room = connection.receive_buffer();
        let len = room.len().min(rest.len());
        room[..len].copy_from_slice(&rest[..len]);
        rest = &rest[len..];
        connection.received(len, NOW).unwrap();
        while let Some(step) = connection.next() {
            if let Step::Frame(frame, _) = step {
                assert_eq!(frame.len(), 200_000);
                return;
            }
        }
    }
    panic!("no frame");
}

#[test]
fn a_length_makes_nothing_grow_before_its_bytes_arrive() {
    let framing = LengthPrefix::u32be();
    let mut connection = Connection::plain(framing, Arc::new(Limits::new()), NOW);
    let prefix = (1024 * 1024_u32).to_be_bytes();
    connection.receive_buffer()[..4].copy_from_slice(&prefix);
    connection.received(4, NOW).unwrap();
    assert!(matches!(connection.next(), Some(Step::Open(..))));
    let mut arrived = 4_usize;
    while connection.next().is_none() {
        let len = connection.receive_buffer().len().min(10_000);
        let held = connection.memory_len();
        assert!(held <= (2 * arrived).max(66_560).next_power_of_two(), "{held} for {arrived}");
        connection.received(len, NOW).unwrap();
        arrived += len;
    }
    assert!(arrived >= 1024 * 1024);
    assert!(connection.memory_len() <= connection.memory_len_max());
}

#[test]
fn a_length_of_four_gibibytes_is_refused_by_its_prefix() {
    let framing = LengthPrefix::u32be();
    let mut connection = Connection::plain(framing, Arc::new(Limits::new()), NOW);
    connection.receive_buffer()[..4].copy_from_slice(&[0xFF; 4]);
    connection.received(4, NOW).unwrap();
    assert!(matches!(connection.next(), Some(Step::Open(..))));
    let held = connection.memory_len();
    let Some(Step::Failed(reason, _)) = connection.next() else { panic!("accepted") };
    assert_eq!(
        reason.to_string(),
        "a frame of 4294967295 bytes or more exceeds the limit of 1048576"
    );
    assert_eq!(connection.memory_len(), held);
}

#[test]
fn frames_of_the_limit_pass_and_one_byte_more_does_not() {
    for (len, passes) in [(9, true), (10, true), (11, false)] {
        let framing = LengthPrefix::u8().with_frame_len_max(10);
        let mut connection = Connection::plain(framing, Arc::new(Limits::new()), NOW);
        assert!(matches!(connection.next(), Some(Step::Open(..))));
        assert_eq!(connection.send(&vec![1; len]).is_ok(), passes);
        assert_eq!(connection.queued_len(), if passes { len + 1 } else { 0 });
        connection.receive_buffer()[0] = u8::try_from(len).unwrap();
        connection.received(1 + len, NOW).unwrap();
        assert_eq!(matches!(connection.next(), Some(Step::Frame(..))), passes);
    }
}
