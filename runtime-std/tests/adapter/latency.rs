//! Small replies are not held back.

use std::io::Write;
use std::time::{Duration, Instant};

use drywire::Limits;
use drywire_std::Stream;

use crate::peer::{dial, expect};
use crate::serving::obey;

#[test]
fn a_stream_does_not_wait_for_acknowledgements() {
    let server = obey(Limits::new());
    let Stream::Tcp(stream) = Stream::try_from(dial(server.at())).unwrap() else { unreachable!() };
    assert!(stream.nodelay().unwrap());
    server.stop();
}

/// Two replies to two requests that come apart: with Nagle's algorithm the second one would wait
/// for the acknowledgement of the first, which is delayed by 40 ms.
#[test]
fn two_replies_take_less_than_a_delayed_acknowledgement() {
    const ROUNDS: u32 = 100;
    let server = obey(Limits::new());
    let mut peer = dial(server.at());
    let began = Instant::now();
    for _ in 0..ROUNDS {
        peer.write_all(b"one\n").unwrap();
        // One byte of the reply, so that the second request cannot come with the first.
        expect(&mut peer, b"o");
        peer.write_all(b"two\n").unwrap();
        expect(&mut peer, b"ne\ntwo\n");
    }
    let each = began.elapsed() / ROUNDS;
    assert!(each < Duration::from_millis(20), "{each:?}");
    server.stop();
}
