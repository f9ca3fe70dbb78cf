//! One that floods keeps nobody waiting for more than a turn, which is counted in frames.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;

use drywire::Limits;
use drywire_std::evented::Server;

use crate::gate::Gate;
use crate::peer::{dial, expect, expect_echo};
use crate::serving::{loopback, run};

/// Bytes of the buffer that a turn works with.
const TURN_LEN: usize = 65 * 1024;
/// Bytes of a frame of the flood.
const FRAME_LEN: usize = 2;
/// The most that a flood gets in a turn.
const TURN: usize = TURN_LEN / FRAME_LEN;

/// Writes as much as the system takes at once, and returns how much that was.
fn flood(peer: &mut TcpStream) -> usize {
    let frames = b"x\n".repeat(50_000);
    peer.set_nonblocking(true).unwrap();
    let mut len = 0;
    loop {
        match peer.write(&frames) {
            // Whole frames only matter at the end, and there is none.
            Ok(written) => len += written,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                return len;
            }
        }
        if len > 40 * TURN_LEN {
            return len;
        }
    }
}

#[test]
fn a_flood_keeps_others_waiting_for_a_turn() {
    let gate = Gate::new();
    let server = run(Server::new(gate.factory()).limits(Limits::new()), vec![loopback()]);
    let mut keeper = dial(server.at());
    let mut flooding = dial(server.at());
    let mut others = [(); 3].map(|()| dial(server.at()));
    expect_echo(&mut flooding);
    others.iter_mut().for_each(expect_echo);
    let seen = gate.others().len();

    keeper.write_all(b"hold\n").unwrap();
    gate.is_held();
    let len = flood(&mut flooding);
    assert!(len > 8 * TURN_LEN, "{len} B are no flood");
    others.iter_mut().for_each(|other| other.write_all(b"me too\n").unwrap());
    gate.open();
    others.iter_mut().for_each(|other| expect(other, b"me too\n"));

    let waited = gate.others().split_off(seen);
    assert_eq!(waited.len(), 3);
    // All were there at once, so that the flood has had one turn at most.
    assert!(waited.iter().all(|frames| *frames <= TURN), "{waited:?} of {TURN} frames");
    // Those that come while it goes on, wait for one turn that has begun and one that is due.
    for other in &mut others {
        let before = gate.counted();
        other.write_all(b"and me\n").unwrap();
        expect(other, b"and me\n");
        let counted = gate.others().pop().unwrap();
        assert!(counted - before <= 3 * TURN, "{before} {counted}");
    }
    server.stop();
}
