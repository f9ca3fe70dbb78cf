//! A connection that is always ready keeps no other from being served, on one thread.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use drywire::framing::Lines;
use drywire::{Handle, Limits, Peer, Protocol, SendError};
use drywire_smol::Server;

use crate::peer::{dial, expect_echo};
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
