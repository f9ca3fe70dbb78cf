//! An `Either` is what it holds: whatever is done to it, the same comes of it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use drywire::error::{EncodeError, Error};
use drywire::framing::{Framing, LengthPrefix, Lines};
use drywire::protocol::{Discard, Echo};
use drywire::tls::Negotiated;
use drywire::{
    CloseReason, Connection, Either, Handle, Instant, Interest, Limits, Protocol, SendError, pump,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// A protocol that uses everything a handle can do and notes what it is told.
#[derive(Clone, Default)]
struct Busy {
    told: Rc<RefCell<Vec<String>>>,
}

impl Busy {
    fn note(&self, text: impl Into<String>) {
        self.told.borrow_mut().push(text.into());
    }
}

impl Protocol for Busy {
    type Framing = Lines;

    fn framing(&self) -> Lines {
        Lines::new().with_frame_len_max(8)
    }

    fn on_open(&mut self, negotiated: Option<&Negotiated>, handle: &mut Handle<'_, Lines>) {
        self.note(format!("open {}", negotiated.is_some()));
        handle.set_timer(Some(handle.now() + Duration::from_secs(3)));
        assert_eq!(handle.send(b"hello"), Ok(()));
    }

    fn on_frame(&mut self, frame: &[u8], handle: &mut Handle<'_, Lines>) {
        self.note(format!("frame {frame:?}"));
        match frame {
            b"long" => handle.upgrade(Lines::new().with_frame_len_max(100)),
            b"fail" => handle.fail(7),
            b"close" => handle.close(),
            b"free" => handle.decouple(),
            _ => {
                if handle.send(frame) == Err(SendError::Full) {
                    handle.retain();
                }
            }
        }
    }

    fn on_writable(&mut self, _: &mut Handle<'_, Lines>) {
        self.note("writable");
    }

    fn on_timer(&mut self, handle: &mut Handle<'_, Lines>) {
        self.note("timer");
        let _ = handle.send(b"tick");
    }

    fn on_finished(&mut self, handle: &mut Handle<'_, Lines>) {
        self.note("finished");
        let _ = handle.send(b"bye");
        handle.finish();
    }

    fn on_failed(&mut self, reason: &CloseReason, handle: &mut Handle<'_, Lines>) {
        self.note(format!("failed {reason}"));
        let _ = handle.send(b"sorry");
    }

    fn on_closed(&mut self, reason: &CloseReason) {
        self.note(format!("closed {reason}"));
    }
}

#[derive(Clone, Debug)]
enum Call {
    Receive(Vec<u8>),
    Transmit(usize),
    End,
    Pass(u64),
    ShutDown,
}

/// What can be seen of a connection from outside after each call.
type Seen = (Vec<u8>, Interest, usize, Option<CloseReason>, bool);

fn converse<P: Protocol>(mut protocol: P, calls: &[Call]) -> Vec<Seen> {
    let mut limits = Limits::new();
    (limits.transmit_high_water, limits.transmit_low_water) = (16, 4);
    let mut now = Instant::ZERO;
    let mut connection = Connection::plain(protocol.framing(), limits.into(), now);
    let mut seen = Vec::new();
    for call in calls {
        pump(&mut connection, &mut protocol);
        let mut sent = Vec::new();
        match call {
            Call::Receive(bytes) => {
                let buffer = connection.receive_buffer();
                let len = bytes.len().min(buffer.len());
                buffer[..len].copy_from_slice(&bytes[..len]);
                connection.received(len, now).unwrap();
            }
            Call::Transmit(len) => {
                let bytes = connection.transmit();
                sent = bytes[..bytes.len().min(*len)].to_vec();
                connection.transmitted(sent.len(), now).unwrap();
            }
            Call::End => {
                let _ = connection.received_eof(now);
            }
            Call::Pass(seconds) => {
                now = now + Duration::from_secs(*seconds);
                connection.handle_timeout(now);
            }
            Call::ShutDown => {
                let _ = connection.shut_down(now);
            }
        }
        pump(&mut connection, &mut protocol);
        let reason = connection.close_reason().cloned();
        let (queued_len, is_closed) = (connection.queued_len(), connection.is_closed());
        seen.push((sent, connection.interest(), queued_len, reason, is_closed));
    }
    seen
}

fn call() -> impl Strategy<Value = Call> {
    let text = prop::sample::select(vec![
        "a\n",
        "b",
        "\r\n",
        "long\n",
        "0123456789\n",
        "fail\n",
        "close\n",
        "free\n",
        "1\n2\n3\n4\n5\n6\n7\n8\n",
    ]);
    prop_oneof![
        6 => text.prop_map(|text| Call::Receive(text.into())),
        4 => (0..40_usize).prop_map(Call::Transmit),
        1 => Just(Call::End),
        1 => (0..40_u64).prop_map(Call::Pass),
        1 => Just(Call::ShutDown),
    ]
}

proptest! {
    #[test]
    fn what_is_wrapped_is_as_it_was(calls in vec(call(), 1..40)) {
        type Other = Discard<LengthPrefix>;

        let busy = Busy::default();
        let expected = converse(busy.clone(), &calls);
        let left = Busy::default();
        prop_assert_eq!(&converse(Either::<_, Other>::Left(left.clone()), &calls), &expected);
        let right = Busy::default();
        prop_assert_eq!(&converse(Either::<Other, _>::Right(right.clone()), &calls), &expected);
        let inner = Busy::default();
        let nested = Either::<Other, _>::Right(Either::<_, Echo<Lines>>::Left(inner.clone()));
        prop_assert_eq!(&converse(nested, &calls), &expected);
        for told in [left.told, right.told, inner.told] {
            prop_assert_eq!(&told, &busy.told);
        }
    }
}

/// A connection over one of two framings, with a protocol that fits the left one.
fn connection() -> (Connection<Either<Lines, LengthPrefix>>, LeftOfTwo) {
    let mut protocol = LeftOfTwo::Left(Busy::default());
    let mut connection = Connection::plain(protocol.framing(), Limits::new().into(), Instant::ZERO);
    pump(&mut connection, &mut protocol);
    (connection, protocol)
}

type LeftOfTwo = Either<Busy, Discard<LengthPrefix>>;

#[test]
fn a_frame_of_the_other_framing_is_not_sent() {
    let (mut connection, _) = connection();
    let queued_len = connection.queued_len();
    let foreign = Err(SendError::Encode(EncodeError::Foreign));
    assert_eq!(connection.send(Either::Right(b"x")), foreign);
    assert_eq!(connection.queued_len(), queued_len);
    assert_eq!(connection.send(Either::Left(b"x")), Ok(()));
    assert_eq!(EncodeError::Foreign.to_string(), "the frame is one of another framing");
}

#[test]
fn a_protocol_is_not_shown_what_the_other_framing_finds() {
    let (mut connection, mut protocol) = connection();
    connection.handle().upgrade(Either::Right(LengthPrefix::u8()));
    connection.receive_buffer()[..2].copy_from_slice(b"\x01x");
    connection.received(2, Instant::ZERO).unwrap();
    pump(&mut connection, &mut protocol);
    let Either::Left(busy) = &protocol else { unreachable!("it was left") };
    assert_eq!(*busy.told.borrow(), ["open false"]);
    let code = LeftOfTwo::FOREIGN_FRAMING;
    while !connection.transmit().is_empty() {
        let len = connection.transmit().len();
        connection.transmitted(len, Instant::ZERO).unwrap();
    }
    connection.shut_down(Instant::ZERO).unwrap();
    connection.received_eof(Instant::ZERO).unwrap();
    assert_eq!(connection.close_reason(), Some(&CloseReason::Failed(Error::Local(code))));
}

#[test]
fn the_larger_of_two_framings_is_not_reserved_for_the_smaller() {
    let small = Either::<_, Lines>::Left(Lines::new().with_frame_len_max(8));
    let large = Either::<Lines, _>::Right(Lines::new().with_frame_len_max(1 << 20));
    assert_eq!(small.wire_len_max(), Lines::new().with_frame_len_max(8).wire_len_max());
    assert!(large.wire_len_max() > 1 << 20);
}
