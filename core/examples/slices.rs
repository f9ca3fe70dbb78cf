//! The core alone: a request-and-reply protocol over byte slices, with time that the caller makes up.
//!
//! Run with `cargo run -p drywire --example slices`.

use std::sync::Arc;
use std::time::Duration;

use drywire::framing::LengthPrefix;
use drywire::{CloseReason, Connection, Handle, Instant, Limits, Protocol, pump};

/// Answers each frame with its bytes in upper case.
struct Shout;

impl Protocol for Shout {
    type Framing = LengthPrefix;

    fn framing(&self) -> LengthPrefix {
        LengthPrefix::u8()
    }

    fn on_frame(&mut self, frame: &[u8], handle: &mut Handle<'_, LengthPrefix>) {
        if handle.send(&frame.to_ascii_uppercase()).is_err() {
            handle.retain();
        }
    }

    fn on_closed(&mut self, reason: &CloseReason) {
        println!("closed: {reason}");
    }
}

/// What a driver does when a read has brought `bytes`. Bytes that are not taken at once would be
/// offered again; here they always fit.
fn feed(connection: &mut Connection<LengthPrefix>, bytes: &[u8], now: Instant) {
    let room = connection.receive_buffer();
    let len = bytes.len().min(room.len());
    room[..len].copy_from_slice(&bytes[..len]);
    connection.received(len, now).expect("no more than was lent");
}

/// What a driver does when the socket takes bytes.
fn drain(connection: &mut Connection<LengthPrefix>, now: Instant) -> Vec<u8> {
    let bytes = connection.transmit().to_vec();
    connection.transmitted(bytes.len(), now).expect("no more than was shown");
    bytes
}

fn main() {
    let mut now = Instant::ZERO;
    let mut shout = Shout;
    let mut connection = Connection::plain(shout.framing(), Arc::new(Limits::new()), now);

    // Two frames and half of a third, as one read may bring them.
    feed(&mut connection, b"\x05hello\x05world\x04he", now);
    pump(&mut connection, &mut shout);
    assert_eq!(drain(&mut connection, now), b"\x05HELLO\x05WORLD");

    // The rest of the third frame has 30 s to arrive.
    let deadline = connection.deadline().expect("a frame is unfinished");
    println!("the {:?} deadline is at {}", deadline.timer, deadline.at);

    now = now + Duration::from_secs(2);
    feed(&mut connection, b"re", now);
    pump(&mut connection, &mut shout);
    assert_eq!(drain(&mut connection, now), b"\x04HERE");

    // The peer finishes: we flush and finish too.
    connection.received_eof(now).expect("the first end");
    pump(&mut connection, &mut shout);
    assert!(connection.interest().shutdown);
    connection.shut_down(now).expect("asked for");
    pump(&mut connection, &mut shout);
    assert_eq!(connection.close_reason(), Some(&CloseReason::Finished));
}
