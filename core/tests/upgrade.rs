//! Changing the framing in mid-stream loses no byte.
#![cfg(all(feature = "testkit", feature = "tls"))]

mod support;

use std::sync::Arc;

use drywire::framing::{AnyFraming, Framing, LengthPrefix, Lines, Raw};
use drywire::testkit::{Talker, Then};
use drywire::{Connection, Handle, Instant, Limits, Protocol, Step};
use support::EVERYTHING;

const NOW: Instant = Instant::ZERO;

/// Reads lines up to `end`, then netstrings.
#[derive(Default)]
struct Upgrading {
    lines: Vec<Vec<u8>>,
    netstrings: Vec<Vec<u8>>,
    is_upgraded: bool,
}

impl Protocol for Upgrading {
    type Framing = AnyFraming;

    fn framing(&self) -> AnyFraming {
        AnyFraming::Lines(Lines::new())
    }

    fn on_frame(&mut self, frame: &[u8], handle: &mut Handle<'_, AnyFraming>) {
        if self.is_upgraded {
            self.netstrings.push(frame.to_vec());
        } else {
            self.lines.push(frame.to_vec());
            if frame == b"end" {
                self.is_upgraded = true;
                handle.upgrade("netstring".parse().unwrap());
            }
        }
    }
}

const STREAM: &[u8] = b"one\r\ntwo\nend\n3:a\nb,0:,5:1:x,y,";

#[test]
fn within_a_step() {
    for over in EVERYTHING {
        for cut in 1..=STREAM.len() {
            let talker = Talker::new(Raw::new(), vec![STREAM.to_vec()], Then::Finish);
            let mut pair = over.pair(talker, Upgrading::default());
            pair.there.cuts = vec![cut];
            pair.run();
            let upgraded = &pair.right.recorder.protocol;
            assert_eq!(upgraded.lines, [&b"one"[..], b"two", b"end"], "cut {cut}");
            assert_eq!(upgraded.netstrings, [&b"a\nb"[..], b"", b"1:x,y"], "cut {cut}");
        }
    }
}

fn receive<F: Framing>(connection: &mut Connection<F>, bytes: &[u8]) {
    connection.receive_buffer()[..bytes.len()].copy_from_slice(bytes);
    connection.received(bytes.len(), NOW).unwrap();
}

#[test]
fn to_another_type_while_a_frame_is_shown() {
    let mut connection = Connection::plain(Lines::new(), Arc::new(Limits::new()), NOW);
    connection.send(b"queued").unwrap();
    receive(&mut connection, b"line\n\x03abc\x02d");
    assert!(matches!(connection.next(), Some(Step::Open(..))));
    assert!(matches!(connection.next(), Some(Step::Frame(b"line", _))));
    let mut connection = connection.upgrade(LengthPrefix::u8());
    assert!(matches!(connection.next(), Some(Step::Frame(b"abc", _))));
    assert!(connection.next().is_none());
    receive(&mut connection, b"e");
    assert!(matches!(connection.next(), Some(Step::Frame(b"de", _))));
    connection.send(b"more").unwrap();
    assert_eq!(connection.transmit(), b"queued\n\x04more");
}

#[test]
fn to_another_type_when_the_step_is_over_or_was_asked_for() {
    for asked in [false, true] {
        let mut connection = Connection::plain(Lines::new(), Arc::new(Limits::new()), NOW);
        receive(&mut connection, b"1\n\x012\n3");
        assert!(matches!(connection.next(), Some(Step::Open(..))));
        assert!(matches!(connection.next(), Some(Step::Frame(b"1", _))));
        if asked {
            // Consumes the frame and finds a line that is none.
            assert!(connection.has_step());
        }
        let mut connection = connection.upgrade(LengthPrefix::u8());
        assert!(matches!(connection.next(), Some(Step::Frame(b"2", _))));
        assert!(connection.next().is_none());
    }
}

#[test]
fn a_retained_frame_is_left_to_the_new_framing() {
    let mut connection = Connection::plain(Lines::new(), Arc::new(Limits::new()), NOW);
    receive(&mut connection, b"\x01a\n");
    assert!(matches!(connection.next(), Some(Step::Open(..))));
    let Some(Step::Frame(b"\x01a", mut handle)) = connection.next() else { panic!("no line") };
    handle.retain();
    let mut connection = connection.upgrade(LengthPrefix::u8());
    connection.handle_timeout(NOW);
    assert!(matches!(connection.next(), Some(Step::Frame(b"a", _))));
}

#[test]
fn steps_that_are_no_frames_outlast_it() {
    let mut connection = Connection::plain(Lines::new(), Arc::new(Limits::new()), NOW);
    assert!(connection.has_step());
    let mut connection = connection.upgrade(LengthPrefix::u8());
    assert!(matches!(connection.next(), Some(Step::Open(..))));
    connection.abort();
    assert!(connection.has_step());
    let mut connection = connection.upgrade(Lines::new());
    assert!(matches!(connection.next(), Some(Step::Closed(_))));
    assert!(connection.next().is_none());
}
