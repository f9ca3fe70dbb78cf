//! Turns: the budget of one connection, and what it gives back.
#![cfg(feature = "testkit")]

use std::sync::Arc;

use drywire::buffer::Pool;
use drywire::framing::{Lines, Netstring, Raw};
use drywire::protocol::Echo;
use drywire::testkit::{Pair, Talker, Then, laws};
use drywire::{Connection, Instant, Limits, Step};

const NOW: Instant = Instant::ZERO;

/// Bytes that one turn may take, and its buffer holds.
const TURN_LEN: usize = 65 * 1024;

fn frames<F: drywire::framing::Framing>(connection: &mut Connection<F>) -> usize {
    let mut frames = 0;
    while let Some(step) = connection.next() {
        frames += usize::from(matches!(step, Step::Frame(..)));
    }
    frames
}

fn flooded(frames_max: usize, input: &[u8]) -> (Connection<Lines>, Pool) {
    let mut limits = Limits::new();
    limits.turn_frames_max = frames_max;
    let mut pool = Pool::default();
    let mut connection = Connection::plain(Lines::new(), Arc::new(limits), NOW);
    connection.lease(&mut pool);
    let room = connection.receive_buffer();
    assert!(room.len() >= input.len());
    room[..input.len()].copy_from_slice(input);
    connection.received(input.len(), NOW).unwrap();
    (connection, pool)
}

#[test]
fn a_turn_yields_the_bytes_of_a_buffer_or_a_number_of_frames_whichever_is_more() {
    // As much as the buffer holds is always one turn's work, however many frames that is.
    let full = b"\n".repeat(TURN_LEN);
    let (mut connection, _pool) = flooded(10, &full);
    assert_eq!(frames(&mut connection), TURN_LEN);
    assert!(!connection.interest().again);

    // More is another's, once both are spent.
    let (mut connection, mut pool) = flooded(10, &full);
    let mut count = 0;
    for _ in 0..9 {
        assert!(matches!(connection.next(), Some(Step::Open(..) | Step::Frame(..))));
        count += 1;
    }
    count -= 1;
    assert_eq!(count, 8);
    connection.receive_buffer();
    count += frames(&mut connection);
    assert_eq!(count, TURN_LEN);
    let room = connection.receive_buffer();
    room[..100].fill(b'\n');
    connection.received(100, NOW).unwrap();
    assert_eq!(frames(&mut connection), 0);
    assert!(connection.interest().again);
    connection.settle(&mut pool);
    assert!(connection.interest().again);
    connection.lease(&mut pool);
    assert_eq!(frames(&mut connection), 100);
    assert!(!connection.interest().again);
}

#[test]
fn the_number_of_frames_counts_when_the_bytes_are_spent() {
    for frames_max in [2, 3, 4] {
        let mut limits = Limits::new();
        limits.turn_frames_max = frames_max;
        let mut pool = Pool::default();
        let framing = Raw::new().with_frame_len_max(TURN_LEN);
        let mut connection = Connection::plain(framing, Arc::new(limits), NOW);
        connection.lease(&mut pool);
        let mut taken = 0;
        // One chunk spends all bytes; the frames are left.
        for _ in 0..6 {
            let room = connection.receive_buffer();
            let len = room.len();
            connection.received(len, NOW).unwrap();
            taken += frames(&mut connection);
        }
        assert_eq!(taken, frames_max);
        assert!(connection.interest().again);
    }
}

#[test]
fn outside_of_turns_nothing_is_counted() {
    let mut limits = Limits::new();
    limits.turn_frames_max = 1;
    let mut connection = Connection::plain(Lines::new(), Arc::new(limits), NOW);
    let mut count = 0;
    for _ in 0..3 {
        let room = connection.receive_buffer();
        let len = room.len();
        room.fill(b'\n');
        connection.received(len, NOW).unwrap();
        count += frames(&mut connection);
    }
    assert_eq!(count, 3 * TURN_LEN);
    assert!(!connection.interest().again);
}

#[test]
fn a_flood_loses_nothing_and_settling_keeps_what_is_left() {
    let frames: Vec<Vec<u8>> = (0..30_000).map(|at| at.to_string().into_bytes()).collect();
    let framing = Netstring::new();
    let talker = Talker::new(framing.clone(), frames.clone(), Then::Finish);
    let mut limits = Limits::new();
    limits.turn_frames_max = 1;
    limits.transmit_high_water = 100_000;
    let limits = Arc::new(limits);
    let mut pair = Pair::plain_within(talker, limits.clone(), Echo::new(framing), limits);
    pair.left.pool = Some(Pool::default());
    pair.right.pool = Some(Pool::default());
    pair.there.cuts = vec![64 * 1024, 3, 1000];
    let pair = laws::connection::conserves(pair, &frames, &frames);
    assert_eq!(pair.left.connection.memory_len(), 0);
    assert_eq!(pair.right.connection.memory_len(), 0);
}

#[test]
fn an_idle_connection_holds_nothing_and_a_left_over_part_a_small_buffer() {
    let (mut connection, mut pool) = flooded(10, b"whole\npart");
    assert_eq!(frames(&mut connection), 1);
    connection.settle(&mut pool);
    assert_eq!(connection.memory_len(), 2048);
    connection.lease(&mut pool);
    connection.receive_buffer()[0] = b'\n';
    connection.received(1, NOW).unwrap();
    assert!(matches!(connection.next(), Some(Step::Frame(b"part", _))));
    // Settling ends the step.
    connection.settle(&mut pool);
    assert_eq!(connection.memory_len(), 0);
    assert!(connection.next().is_none());
}
