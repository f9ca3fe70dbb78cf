//! Small replies are not held back.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::adapter::{Server, Stream};
use drywire::framing::Lines;
use drywire::{Handle, Limits, Peer, Protocol};

use crate::peer::{dial, expect};
use crate::serving::{loopback, obey, run};

#[test]
fn a_stream_does_not_wait_for_acknowledgements() {
    let server = obey(Limits::new());
    let stream = TcpStream::connect(server.at()).unwrap();
    assert!(!stream.nodelay().unwrap());
    let Stream::Tcp(stream) = Stream::try_from(stream).unwrap() else { unreachable!() };
    assert!(stream.nodelay().unwrap());
    server.stop();
}

/// Answers in two parts, the second of which is written after the first.
struct InTwo;

impl Protocol for InTwo {
    type Framing = Lines;

    fn framing(&self) -> Lines {
        Lines::new()
    }

    fn on_frame(&mut self, _: &[u8], handle: &mut Handle<'_, Lines>) {
        handle.send(b"one").unwrap();
        handle.set_timer(Some(handle.now()));
    }

    fn on_timer(&mut self, handle: &mut Handle<'_, Lines>) {
        handle.send(b"two").unwrap();
    }
}

/// With Nagle's algorithm the second part would wait for the acknowledgement of the first, which
/// is delayed by 40 ms.
#[test]
fn a_reply_in_two_parts_takes_less_than_a_delayed_acknowledgement() {
    const ROUNDS: u32 = 100;
    let server = run(Server::new(|_: &Peer| InTwo), vec![loopback()]);
    let mut peer = dial(server.at());
    let began = Instant::now();
    for _ in 0..ROUNDS {
        peer.write_all(b"\n").unwrap();
        expect(&mut peer, b"one\ntwo\n");
    }
    let each = began.elapsed() / ROUNDS;
    assert!(each < Duration::from_millis(20), "{each:?}");
    server.stop();
}
