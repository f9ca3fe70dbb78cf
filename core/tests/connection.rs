//! Single connections without TLS, call by call.

use std::sync::Arc;

use drywire::buffer::Buffer;
use drywire::error::{DecodeError, EncodeError};
use drywire::framing::{Framing, LengthPrefix, Payload, Scan};
use drywire::{CloseReason, Connection, Instant, Limits, SendError, Step};

const NOW: Instant = Instant::ZERO;

fn connection() -> Connection<LengthPrefix> {
    Connection::plain(LengthPrefix::u8(), Arc::new(Limits::new()), NOW)
}

/// Receives `bytes`, which must fit.
fn receive<F: Framing>(connection: &mut Connection<F>, bytes: &[u8]) {
    connection.receive_buffer()[..bytes.len()].copy_from_slice(bytes);
    connection.received(bytes.len(), NOW).unwrap();
}

fn open<F: Framing>(connection: &mut Connection<F>) {
    assert!(matches!(connection.next(), Some(Step::Open(None, _))));
}

#[test]
fn a_frame_that_is_shown_when_input_is_discarded_is_gone() {
    let mut connection = connection();
    open(&mut connection);
    receive(&mut connection, b"\x05hello");
    let Some(Step::Frame(b"hello", mut handle)) = connection.next() else { panic!("no frame") };
    handle.close();
    assert!(!connection.receive_buffer().is_empty());
    assert!(connection.next().is_none());
}

#[test]
fn a_loan_ends_when_steps_are_taken() {
    let mut connection = connection();
    open(&mut connection);
    receive(&mut connection, b"\x01a");
    assert!(matches!(connection.next(), Some(Step::Frame(b"a", _))));
    // The bytes are written behind the frame; then the frame is consumed, and they would have to
    // lie elsewhere.
    connection.receive_buffer()[..2].copy_from_slice(b"\x01b");
    assert!(connection.next().is_none());
    assert!(connection.received(2, NOW).is_err());
    receive(&mut connection, b"\x01c");
    assert!(matches!(connection.next(), Some(Step::Frame(b"c", _))));
}

#[test]
fn a_loan_outlasts_calls_that_move_nothing() {
    let mut connection = connection();
    open(&mut connection);
    receive(&mut connection, b"\x02a");
    assert!(connection.next().is_none());
    connection.receive_buffer()[0] = b'b';
    connection.send(b"x").unwrap();
    assert_eq!(connection.transmit(), b"\x01x");
    connection.transmitted(2, NOW).unwrap();
    connection.received(1, NOW).unwrap();
    assert!(matches!(connection.next(), Some(Step::Frame(b"ab", _))));
}

#[test]
fn a_frame_that_was_found_before_the_queue_filled_waits() {
    let mut limits = Limits::new();
    limits.transmit_high_water = 1;
    let mut connection = Connection::plain(LengthPrefix::u8(), Arc::new(limits), NOW);
    open(&mut connection);
    receive(&mut connection, b"\x01a");
    assert!(connection.has_step());
    connection.send(b"full").unwrap();
    assert!(!connection.has_step());
    assert!(connection.next().is_none());
    connection.transmitted(5, NOW).unwrap();
    assert!(matches!(connection.next(), Some(Step::Frame(b"a", _))));
}

#[test]
fn a_frame_that_is_retained_before_it_is_shown_comes_once() {
    let mut connection = connection();
    open(&mut connection);
    receive(&mut connection, b"\x01a\x01b");
    assert!(connection.has_step());
    connection.handle().retain();
    assert!(connection.next().is_none());
    connection.handle_timeout(NOW);
    assert!(matches!(connection.next(), Some(Step::Frame(b"a", _))));
    assert!(matches!(connection.next(), Some(Step::Frame(b"b", _))));
    assert!(connection.next().is_none());
}

#[test]
fn a_connection_is_closed_when_the_last_step_was_taken_not_when_it_is_known() {
    let mut connection = connection();
    connection.abort();
    assert!(connection.has_step());
    assert!(!connection.is_closed());
    assert!(matches!(connection.next(), Some(Step::Closed(CloseReason::Aborted))));
    assert!(connection.is_closed());
    assert!(!connection.has_step());
}

#[test]
fn a_timer_that_is_cleared_and_room_that_is_taken_are_not_told() {
    let mut limits = Limits::new();
    limits.transmit_high_water = 2;
    let mut connection = Connection::plain(LengthPrefix::u8(), Arc::new(limits), NOW);
    open(&mut connection);
    connection.set_timer(Some(NOW));
    connection.handle_timeout(NOW.next());
    assert!(connection.has_step());
    connection.set_timer(None);
    assert!(connection.next().is_none());

    connection.send(b"one").unwrap();
    assert!(connection.send(b"two").is_err());
    connection.transmitted(4, NOW).unwrap();
    assert!(connection.has_step());
    connection.send(b"two").unwrap();
    assert!(connection.next().is_none());
    connection.transmitted(4, NOW).unwrap();
    assert!(matches!(connection.next(), Some(Step::Writable(_))));
    assert!(connection.next().is_none());
}

/// A framing that finds out late that it cannot encode a frame.
struct Late;

impl Framing for Late {
    type Found = Payload;
    type Frame<'a> = &'a [u8];
    type Item<'a> = &'a [u8];

    fn scan(&mut self, _: &[u8]) -> Result<Scan<Payload>, DecodeError> {
        Ok(Scan::Need(usize::MAX))
    }

    fn view(found: Payload, bytes: &mut [u8]) -> &[u8] {
        found.of(bytes)
    }

    fn encode(&mut self, item: &[u8], transmit: &mut Buffer) -> Result<(), EncodeError> {
        transmit.extend_from_slice(item);
        if item.is_ascii() { Ok(()) } else { Err(EncodeError::Forbidden { offset: 0 }) }
    }

    fn wire_len_max(&self) -> usize {
        100
    }
}

#[test]
fn what_a_framing_wrote_before_it_refused_is_taken_back() {
    let mut connection = Connection::plain(Late, Arc::new(Limits::new()), NOW);
    for _ in 0..3 {
        connection.send(b"good").unwrap();
        let refused = SendError::Encode(EncodeError::Forbidden { offset: 0 });
        assert_eq!(connection.send(b"\xFFbad"), Err(refused));
    }
    assert_eq!(connection.transmit(), b"goodgoodgood");
}
