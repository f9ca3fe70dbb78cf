//! Each law of framings is broken once, by a framing with one fault, and must see it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use drywire::buffer::Buffer;
use drywire::error::{DecodeError, EncodeError};
use drywire::framing::{Endian, Framing, Payload, Scan, Whole};
use drywire::testkit::laws::framing as laws;
use drywire::testkit::model::{Model, Prefix};

/// The longest payload of [`Toy`].
const MAX: usize = 3;

/// One byte of length and a payload, with a fault.
#[derive(Clone, Debug)]
struct Toy {
    fault: Fault,
    /// How often the frame has been scanned.
    scans: usize,
}

/// Checks one law.
type Law<'a> = &'a dyn Fn(&Toy);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    DependsOnCuts,
    DropsLastByte,
    EncodesTooMuch,
    FailsEarly,
    LimitDiffers,
    LooksAgain,
    NeedsBeyondMax,
    NeedsNothing,
    NeedsTooMuch,
    TakesNothing,
    TouchesQueue,
}

impl Framing for Toy {
    type Found = Payload;
    type Frame<'a> = &'a [u8];
    type Item<'a> = &'a [u8];

    fn scan(&mut self, input: &[u8]) -> Result<Scan<Payload>, DecodeError> {
        let Some(len) = input.first().map(|len| usize::from(*len)) else {
            return Ok(Scan::Need(1));
        };
        let max = MAX + usize::from(self.fault == Fault::LimitDiffers);
        if len > max || (self.fault == Fault::FailsEarly && input.len() == 2) {
            return Err(DecodeError::TooLong { len: len as u64, max: max as u64 });
        }
        if self.fault == Fault::LooksAgain && input.get(1) == Some(&b'?') {
            return Err(DecodeError::TooLong { len: 1, max: 0 });
        }
        let end = 1 + len;
        if input.len() < end {
            self.scans += 1;
            return Ok(Scan::Need(match self.fault {
                Fault::NeedsBeyondMax => self.wire_len_max() + 1,
                Fault::NeedsNothing => input.len(),
                Fault::NeedsTooMuch => end + 1,
                _ => end,
            }));
        }
        let scans = std::mem::take(&mut self.scans);
        let found = Payload {
            start: 1,
            end: match self.fault {
                Fault::DependsOnCuts if scans > 1 => 1,
                Fault::DropsLastByte => end.saturating_sub(1).max(1),
                _ => end,
            },
        };
        let len = if self.fault == Fault::TakesNothing { 0 } else { end };
        Ok(Scan::Found(Whole { len, found }))
    }

    fn view(found: Payload, bytes: &mut [u8]) -> &[u8] {
        found.of(bytes)
    }

    fn encode(&mut self, item: &[u8], transmit: &mut Buffer) -> Result<(), EncodeError> {
        let (len, max) = (item.len(), MAX + usize::from(self.fault == Fault::EncodesTooMuch));
        if len > max {
            return Err(EncodeError::TooLong { len, max });
        }
        if self.fault == Fault::TouchesQueue {
            *transmit = Buffer::new();
        }
        transmit.extend_from_slices([&[u8::try_from(len).unwrap()], item]);
        Ok(())
    }

    fn wire_len_max(&self) -> usize {
        // Room for the faults.
        MAX + 2
    }
}

#[test]
fn each_law_sees_the_fault_that_breaks_it_and_none_where_there_is_none() {
    let (width, endian) = (1, Endian::Big);
    let prefix = Prefix { width, endian, offset: 0, adjustment: 0, skip: None };
    let model = Model::LengthPrefix { max: MAX, prefix };
    let decode = |input: &[u8]| model.decode(input);

    let total = |toy: &Toy| laws::total(toy, b"\x03abc\x02");
    let split = |toy: &Toy| laws::split_invariant(toy, b"\x03abc", &[1, 2]);
    let split_everywhere = |toy: &Toy| laws::split_invariant_everywhere(toy, b"\x03abc");
    let prefix = |toy: &Toy| laws::prefix_incomplete(toy, &b"abc".to_vec());
    let round_trip = |toy: &Toy| laws::round_trip(toy, &[b"abc".to_vec(), b"".to_vec()]);
    let round_trip_bytes = |toy: &Toy| laws::round_trip_bytes(toy, b"\x03abc\x04abcd");
    let once = |toy: &Toy| laws::scanned_once(toy, b"\x03abc", 1, 0, b"?");
    let twice = |toy: &Toy| laws::scanned_twice(toy, b"\x03abc", 1, 0, b"?");
    let conversation = |toy: &Toy| {
        let turns = [(true, b"abc".to_vec()), (false, b"de".to_vec()), (true, b"long".to_vec())];
        let sent = laws::conversation(toy, toy, &turns, &[2]);
        assert_eq!(sent, [true, true, false]);
    };
    let equal = |toy: &Toy| laws::equals_model(toy, b"\x03abc\x04", &[], decode);
    let encode = |toy: &Toy| {
        for frame in [b"abc".as_slice(), b"abcd"] {
            laws::encode_equals_model(toy, frame, model.write(frame).as_deref(), decode);
        }
    };
    let cases: [(Fault, Law<'_>); 17] = [
        (Fault::NeedsNothing, &total),
        (Fault::NeedsBeyondMax, &total),
        (Fault::DependsOnCuts, &split),
        (Fault::DependsOnCuts, &split_everywhere),
        (Fault::NeedsTooMuch, &prefix),
        (Fault::FailsEarly, &prefix),
        (Fault::DropsLastByte, &round_trip),
        (Fault::TouchesQueue, &round_trip),
        (Fault::LimitDiffers, &round_trip_bytes),
        (Fault::LooksAgain, &once),
        (Fault::LooksAgain, &twice),
        (Fault::DropsLastByte, &conversation),
        (Fault::DependsOnCuts, &conversation),
        (Fault::EncodesTooMuch, &conversation),
        (Fault::DropsLastByte, &equal),
        (Fault::EncodesTooMuch, &encode),
        (Fault::TakesNothing, &total),
    ];
    for (fault, law) in cases {
        law(&Toy { fault: Fault::None, scans: 0 });
        let broken = Toy { fault, scans: 0 };
        let seen = catch_unwind(AssertUnwindSafe(|| law(&broken))).is_err();
        assert!(seen, "{fault:?} was not seen");
    }
}
