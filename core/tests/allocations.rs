//! What the allocator sees: nothing in the steady state of a plain connection, and never more than
//! the bound. Alone in its process and without the usual harness, whose threads allocate too.

use std::alloc::System;
use std::sync::Arc;

use drywire::buffer::Pool;
use drywire::framing::AnyFraming;
use drywire::protocol::Echo;
use drywire::{Connection, Instant, Limits, Protocol, pump};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const NOW: Instant = Instant::ZERO;

const NAMES: [&str; 14] = [
    "raw",
    "lines",
    "netstring",
    "varint",
    "quic-varint",
    "u8",
    "u16be",
    "u16le",
    "u32be",
    "u32le",
    "u64be",
    "u64le",
    "fixed:16",
    "delimiter:0d0a",
];

struct EchoServer {
    connection: Connection<AnyFraming>,
    echo: Echo<AnyFraming>,
    pool: Pool,
}

impl EchoServer {
    fn new(framing: AnyFraming) -> Self {
        let echo = Echo::new(framing);
        let limits = Arc::new(Limits::new());
        let connection = Connection::plain(echo.framing(), limits, NOW);
        Self { connection, echo, pool: Pool::default() }
    }

    /// One turn of a driver that reads `input` and whose socket takes everything. Returns how much
    /// of the input was taken, and how many bytes were sent.
    fn turn(&mut self, input: &[u8]) -> (usize, usize) {
        self.connection.lease(&mut self.pool);
        let room = self.connection.receive_buffer();
        let taken = input.len().min(room.len());
        room[..taken].copy_from_slice(&input[..taken]);
        self.connection.received(taken, NOW).unwrap();
        pump(&mut self.connection, &mut self.echo);
        let sent = self.connection.transmit().len();
        self.connection.transmitted(sent, NOW).unwrap();
        self.connection.settle(&mut self.pool);
        (taken, sent)
    }
}

/// `count` frames of 16 bytes, as a peer sends them.
fn frames(framing: &AnyFraming, count: usize) -> Vec<u8> {
    let mut peer = Connection::plain(framing.clone(), Arc::new(Limits::new()), NOW);
    for _ in 0..count {
        peer.send(b"sixteen letters!").unwrap();
    }
    peer.transmit().to_vec()
}

fn the_steady_state_of_an_echo_allocates_nothing() {
    for name in NAMES {
        let framing: AnyFraming = name.parse().unwrap();
        let input = frames(&framing, 100);
        let mut server = EchoServer::new(framing);
        // Whole reads, and reads that leave part of a frame over.
        let (front, back) = input.split_at(input.len() / 2 + 3);
        let mut round = || {
            let sent = [&input, front, back].map(|input| server.turn(input).1);
            assert_eq!(sent.iter().sum::<usize>(), 2 * input.len(), "{name}");
        };
        round();
        let region = Region::new(ALLOCATOR);
        for _ in 0..100 {
            round();
        }
        let change = region.change();
        assert_eq!((change.allocations, change.reallocations), (0, 0), "{name}");
    }
}

/// A peer that announces a long frame, sends it and never reads makes the connection hold no more
/// than its bound, by the allocator's count.
fn no_input_makes_a_connection_exceed_its_bound() {
    for name in NAMES {
        let framing: AnyFraming = name.parse().unwrap();
        let framing = framing.with_frame_len_max(200_000);
        let limits = Arc::new(Limits::new());
        // A frame of the greatest length, then many small ones, none of which is taken.
        let mut peer = Connection::plain(framing.clone(), Arc::clone(&limits), NOW);
        let longest = [vec![b'x'; 200_000], vec![b'x'; 255], vec![b'x'; 16]];
        let sent = longest.iter().any(|item| peer.send(item).is_ok());
        assert!(sent, "{name}");
        let mut input = peer.transmit().to_vec();
        let small = frames(&framing, 5_000);
        for _ in 0..40 {
            input.extend_from_slice(&small);
        }

        let region = Region::new(ALLOCATOR);
        let mut echo = Echo::new(framing);
        let mut connection = Connection::plain(echo.framing(), limits, NOW);
        let bound = connection.memory_len_max();
        let mut rest = input.as_slice();
        loop {
            let room = connection.receive_buffer();
            let len = rest.len().min(room.len()).min(1000);
            room[..len].copy_from_slice(&rest[..len]);
            rest = &rest[len..];
            connection.received(len, NOW).unwrap();
            pump(&mut connection, &mut echo);
            let change = region.change();
            let held = change.bytes_allocated - change.bytes_deallocated;
            assert!(held <= bound, "{name}: {held} bytes held, at most {bound} promised");
            if len == 0 {
                break;
            }
        }
        assert!(!rest.is_empty() && !connection.interest().read, "{name} stopped reading");
    }
}

fn main() {
    the_steady_state_of_an_echo_allocates_nothing();
    no_input_makes_a_connection_exceed_its_bound();
    println!("allocations: 2 passed, 0 failed");
}
