//! A connection that is always ready keeps no other from being served, on one thread.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use drywire::framing::Lines;
use drywire::{Handle, Limits, Peer, Protocol, SendError};
use drywire_smol::Server;

use crate::peer::{PATIENCE, dial, expect, expect_echo};
use crate::serving::{Running, loopback, run};

/// Echoes short lines; takes its time for long ones and for a flood of its own, so that the peer,
/// who does nothing else than write or read, is always ahead.
struct Busy;

const LONG: usize = 4000;

fn take_time() {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_micros(100) {}
}

impl Protocol for Busy {
    type Framing = Lines;

    fn framing(&self) -> Lines {
        Lines::new()
    }

    fn on_frame(&mut self, line: &[u8], handle: &mut Handle<'_, Lines>) {
        match line {
            b"flood" => self.on_writable(handle),
            _ if line.len() == LONG => take_time(),
            _ => handle.send(line).unwrap(),
        }
    }

    /// Sends for ever: whenever there is room.
    fn on_writable(&mut self, handle: &mut Handle<'_, Lines>) {
        take_time();
        while handle.send(&[b'x'; LONG]) != Err(SendError::Full) {}
    }
}

fn busy() -> Running {
    let mut limits = Limits::new();
    limits.transmit_high_water = 16 * 1024;
    let server = Server::new(|_: &Peer| Busy).limits(limits).threads(NonZeroUsize::MIN);
    run(server, vec![loopback()])
}

/// Runs `peer` until others have been served beside it, after it has moved a MiB.
fn expect_fair(moved_len: impl Fn(&Running) -> u64, peer: impl Fn(TcpStream, &AtomicBool) + Sync) {
    let server = busy();
    let (at, is_over) = (server.at(), AtomicBool::new(false));
    thread::scope(|scope| {
        let flood = scope.spawn(|| peer(dial(at), &is_over));
        while moved_len(&server) < 1024 * 1024 && !flood.is_finished() {
            thread::yield_now();
        }
        // A failure has to end the flood, or the scope never ends.
        let served = thread::Builder::new().spawn_scoped(scope, move || {
            let mut other = dial(at);
            (0..10).for_each(|_| expect_echo(&mut other));
        });
        let served = served.unwrap().join();
        is_over.store(true, Ordering::Relaxed);
        assert!(!flood.is_finished(), "there was no flood");
        server.stop();
        served.unwrap();
    });
}

#[test]
fn a_peer_that_always_sends_starves_nobody() {
    let received = |server: &Running| server.handle.statistics().received_len;
    expect_fair(received, |mut peer, is_over| {
        let lines = [&[b'x'; LONG][..], b"\n"].concat().repeat(64);
        while !is_over.load(Ordering::Relaxed) && peer.write_all(&lines).is_ok() {}
    });
}

#[test]
fn a_protocol_that_always_sends_starves_nobody() {
    let transmitted = |server: &Running| server.handle.statistics().transmitted_len;
    expect_fair(transmitted, |mut peer, is_over| {
        peer.write_all(b"flood\n").unwrap();
        let mut room = [0; 64 * 1024];
        while !is_over.load(Ordering::Relaxed) && peer.read(&mut room).is_ok_and(|len| len > 0) {}
    });
}

/// Bytes of the buffer that a turn works with.
const TURN_LEN: usize = 65 * 1024;
/// The most lines of a flood in a turn: a letter and the end of the line.
const TURN: usize = TURN_LEN / 2;

/// What a server on one thread has seen, and where it is held up.
#[derive(Default)]
struct Gate {
    /// Lines of a letter.
    counted: AtomicUsize,
    /// The server is held up while it has counted so many.
    hold_at: AtomicUsize,
    /// What had been counted when another line came last.
    seen: AtomicUsize,
}

impl Gate {
    /// Waits until the server is held up.
    fn await_held(&self) {
        let (begun, at) = (Instant::now(), self.hold_at.load(Ordering::SeqCst));
        while self.counted.load(Ordering::SeqCst) < at {
            assert!(begun.elapsed() < PATIENCE, "the server has not come so far");
            thread::yield_now();
        }
    }

    /// Lets it go on up to there.
    fn hold_at(&self, count: usize) {
        self.hold_at.store(count, Ordering::SeqCst);
    }
}

/// Counts lines of a letter and echoes others.
struct Gated(Arc<Gate>);

impl Protocol for Gated {
    type Framing = Lines;

    fn framing(&self) -> Lines {
        Lines::new()
    }

    fn on_frame(&mut self, line: &[u8], handle: &mut Handle<'_, Lines>) {
        let Self(gate) = self;
        if line.len() > 1 {
            gate.seen.store(gate.counted.load(Ordering::SeqCst), Ordering::SeqCst);
            return handle.send(line).unwrap();
        }
        let (counted, begun) = (gate.counted.fetch_add(1, Ordering::SeqCst) + 1, Instant::now());
        while counted == gate.hold_at.load(Ordering::SeqCst) && begun.elapsed() < PATIENCE {
            thread::yield_now();
        }
    }
}

/// Writes lines of a letter as long as the system takes them at once, and returns how many.
fn fill(peer: &mut TcpStream) -> usize {
    let lines = b"x\n".repeat(TURN);
    peer.set_nonblocking(true).unwrap();
    let mut len = 0;
    loop {
        match peer.write(&lines) {
            Ok(written) => len += written,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                return len / 2;
            }
        }
    }
}

/// Nothing comes on the flood's stream while it is worked off: as a rule nothing but a look of its own
/// tells the server of the others.
#[test]
fn others_wait_for_a_turn_of_a_flood_and_not_for_its_end() {
    let gate = Arc::new(Gate::default());
    let gated = Arc::clone(&gate);
    let server = Server::new(move |_: &Peer| Gated(Arc::clone(&gated))).threads(NonZeroUsize::MIN);
    let server = run(server, vec![loopback()]);
    let (mut flood, mut other) = (dial(server.at()), dial(server.at()));
    [&mut flood, &mut other].into_iter().for_each(expect_echo);

    gate.hold_at(1);
    flood.write_all(b"x\n").unwrap();
    gate.await_held();
    let count = fill(&mut flood);
    assert!(count > 12 * TURN, "{count} lines are no flood");
    for turns in [4, 7] {
        gate.hold_at(turns * TURN);
        gate.await_held();
        other.write_all(b"me too\n").unwrap();
        gate.hold_at((turns + 3) * TURN);
        expect(&mut other, b"me too\n");
        let waited = gate.seen.load(Ordering::SeqCst) - turns * TURN;
        // The rest of the turn that has begun, and one more if the look had its turn before.
        assert!(waited <= 2 * TURN, "{waited} lines");
    }
    gate.hold_at(usize::MAX);
    server.stop();
}
