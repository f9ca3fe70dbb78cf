//! Laws of a framing.
//!
//! [`receiving`] and, where both sides speak alike, [`all`] check those that need nothing but the
//! framing; [`conversation`](fn@conversation) those about sending where the two sides differ. [`equals_model`] and
//! [`encode_equals_model`] compare with a naive twin, [`scanned_once`] and [`scanned_twice`] count
//! work, and [`in_box`] checks all of them for a framing of byte slices in this crate.

mod conversation;
mod decode;

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use crate::buffer::Buffer;
use crate::error::{DecodeError, EncodeError};
use crate::framing::{ByteFraming, Scan};
use crate::testkit::OwnedFrames;
use crate::testkit::model::{Decoded, Model};

pub use conversation::conversation;
use decode::{Rescan, decode, decode_whole, encode, every_byte, normal, scan};
pub use decode::{decode_on, joined};

/// Longest input for which every set of cuts is tried.
const EVERY_CUT_LEN_MAX: usize = 10;

/// Longest input for which every single cut is tried.
const SINGLE_CUT_LEN_MAX: usize = 128;

/// Checks every law that needs no model: with `frames` those about sending, with `input` those
/// about receiving. `cuts` are positions in `input`, in any order.
///
/// # Panics
/// When a law is broken.
pub fn all<F: OwnedFrames + Clone>(framing: &F, frames: &[F::Owned], input: &[u8], cuts: &[usize]) {
    receiving(framing, input, cuts);
    round_trip(framing, frames);
    round_trip_bytes(framing, input);
    for frame in frames {
        prefix_incomplete(framing, frame);
    }
}

/// Checks every law about receiving `input` that needs no model.
///
/// # Panics
/// When a law is broken.
pub fn receiving<F: OwnedFrames + Clone>(framing: &F, input: &[u8], cuts: &[usize]) {
    total(framing, input);
    split_invariant(framing, input, cuts);
    split_invariant_everywhere(framing, input);
}

/// Checks every law for the framing in the box that `model` describes, with the arguments of
/// [`all`].
///
/// # Panics
/// When a law is broken.
pub fn in_box(model: &Model, frames: &[Vec<u8>], input: &[u8], cuts: &[usize]) {
    let framing = model.framing();
    all(&framing, frames, input, cuts);
    equals_model(&framing, input, cuts, |input| model.decode(input));
    for frame in frames {
        let wire = model.write(frame);
        encode_equals_model(&framing, frame, wire.as_deref(), |input| model.decode(input));
    }
    let (head, tail) = model.looked_at_again();
    let poison = model.write(b"x").unwrap_or_default();
    scanned_once(&framing, input, head, tail, &poison);
}

/// Law: any bytes come to frames and an end or a [`DecodeError`]. A scan that needs more says so
/// with a number that is more than there is and within [`wire_len_max`], and a frame takes no more
/// than what there is; of frames that take nothing there are only a few in a row. Nothing is held
/// back that was answered.
///
/// # Panics
/// When the law is broken.
///
/// [`wire_len_max`]: crate::framing::Framing::wire_len_max
pub fn total<F: OwnedFrames + Clone>(framing: &F, input: &[u8]) {
    decode_whole(framing, input);
    decode(framing, input, &every_byte(input), Rescan::Always);
}

/// Law: cutting the input at `cuts` changes neither frames nor error, nor does scanning only when
/// what was needed has arrived. So an error, once found, cannot depend on what arrives later, and
/// a limit not on how its excess arrived.
///
/// # Panics
/// When the law is broken.
pub fn split_invariant<F: OwnedFrames + Clone>(framing: &F, input: &[u8], cuts: &[usize]) {
    let whole = normal(framing, decode_whole(framing, input));
    for rescan in [Rescan::Always, Rescan::WhenNeeded] {
        let cut = normal(framing, decode(framing, input, cuts, rescan));
        assert_eq!(
            cut, whole,
            "cutting {input:02x?} at {cuts:?}, scanned {rescan:?}, changed what came of it"
        );
    }
}

/// Law: [`split_invariant`], for every set of cuts if the input is short, otherwise for every
/// single cut and for single bytes.
///
/// # Panics
/// When the law is broken.
pub fn split_invariant_everywhere<F: OwnedFrames + Clone>(framing: &F, input: &[u8]) {
    split_invariant(framing, input, &every_byte(input));
    if input.len() <= EVERY_CUT_LEN_MAX {
        for set in 0..1_u32 << input.len().saturating_sub(1) {
            let cuts: Vec<_> = (1..input.len()).filter(|cut| set >> (cut - 1) & 1 == 1).collect();
            split_invariant(framing, input, &cuts);
        }
    } else if input.len() <= SINGLE_CUT_LEN_MAX {
        for cut in 1..input.len() {
            split_invariant(framing, input, &[cut]);
        }
    }
}

/// Law: every strict prefix of an encoded frame needs more, at most as much as the frame has.
///
/// Says nothing about a frame that encode refuses or a framing without whole frames.
///
/// # Panics
/// When the law is broken.
pub fn prefix_incomplete<F: OwnedFrames + Clone>(framing: &F, frame: &F::Owned) {
    let Ok(wire) = encode(&mut framing.clone(), frame) else { return };
    if !framing.has_whole_frames() {
        return;
    }
    for len in 0..wire.len() {
        match scan(&mut framing.clone(), &wire[..len], &wire[..len]) {
            Ok(Scan::Need(need)) => {
                assert!(need <= wire.len(), "{need} bytes needed, the frame is {wire:02x?}");
            }
            other => panic!("the first {len} bytes of {wire:02x?} came to {other:?}"),
        }
        if len > 0 {
            if let Err(DecodeError::Truncated { len: said }) =
                framing.clone().scan_end(&wire[..len])
            {
                assert_eq!(said, len, "bytes said to be left over of {wire:02x?}");
            }
        }
    }
}

/// Law: what encode accepts, one frame behind the other, is decoded to the same frames, takes at
/// most [`wire_len_max`] bytes each, and does not depend on the frames before. Frames that encode
/// refuses are left out.
///
/// # Panics
/// When the law is broken.
///
/// [`wire_len_max`]: crate::framing::Framing::wire_len_max
pub fn round_trip<F: OwnedFrames + Clone>(framing: &F, frames: &[F::Owned]) {
    let mut wire = Vec::new();
    let mut sent = Vec::new();
    let mut one_for_all = framing.clone();
    for frame in frames {
        let Ok(bytes) = encode(&mut framing.clone(), frame) else { continue };
        let (len, max) = (bytes.len(), framing.wire_len_max());
        assert!(len <= max, "a frame of {len} bytes on the wire, at most {max} were said");
        let again = encode(&mut one_for_all, frame);
        assert_eq!(again.as_ref(), Ok(&bytes), "{frame:02x?}, sent behind others and alone");
        wire.extend_from_slice(&bytes);
        sent.push(frame.clone());
    }
    let expected = normal(framing, Decoded { frames: sent, end: Ok(()) });
    let decoded = normal(framing, decode_whole(framing, &wire));
    assert_eq!(decoded, expected, "{wire:02x?} is not what was sent");
}

/// Law: a frame that was received can be sent and is then received again, unless it contains its
/// own terminator. Limits in particular are the same both ways.
///
/// # Panics
/// When the law is broken.
pub fn round_trip_bytes<F: OwnedFrames + Clone>(framing: &F, input: &[u8]) {
    let received = decode_whole(framing, input);
    let mut kept = Vec::new();
    for frame in received.frames {
        match encode(&mut framing.clone(), &frame) {
            Ok(_) => kept.push(frame),
            Err(EncodeError::Forbidden { .. }) => {}
            Err(error) => panic!("{frame:02x?} was received and may not be sent: {error}"),
        }
    }
    round_trip(framing, &kept);
}

/// Law: over all scans of a frame the bytes are looked at once, apart from the first `head` and
/// the last `tail` that there were. So the work of feeding single bytes is linear: at most
/// `head + tail + 1` bytes for each.
///
/// It is counted by changing what must not be looked at again: after each scan, all bytes but
/// those are overwritten, once with their complement and once with `poison`, which should mislead
/// a framing that looks (a whole frame, a terminator). Every scan must come to the same as if they
/// had been left alone.
///
/// # Panics
/// When the law is broken.
pub fn scanned_once<F: OwnedFrames + Clone>(
    framing: &F,
    input: &[u8],
    head: usize,
    tail: usize,
    poison: &[u8],
) {
    scanned(framing, input, head..tail, poison, false);
}

/// Law: [`scanned_once`] for all scans but the last of a frame, which may look at all of it again
/// in order to take it apart.
///
/// # Panics
/// When the law is broken.
pub fn scanned_twice<F: OwnedFrames + Clone>(
    framing: &F,
    input: &[u8],
    head: usize,
    tail: usize,
    poison: &[u8],
) {
    scanned(framing, input, head..tail, poison, true);
}

/// Shows single bytes to a framing and to one that is misled about those before, but for `spared`
/// at both ends, and, if `last_is_clean`, but for the scan that finds a frame or refuses it.
fn scanned<F: OwnedFrames + Clone>(
    framing: &F,
    input: &[u8],
    spared: Range<usize>,
    poison: &[u8],
    last_is_clean: bool,
) {
    let (head, tail) = (spared.start, spared.end);
    let by_complement = |_: usize, byte: u8| !byte;
    let by_poison = |at: usize, byte: u8| poison.get(at % poison.len().max(1)).map_or(byte, |p| *p);
    let poisons: [&dyn Fn(usize, u8) -> u8; 2] = [&by_complement, &by_poison];
    for overwrite in poisons {
        let (mut clean, mut poisoned) = (framing.clone(), framing.clone());
        let mut start = 0;
        let mut end = 0;
        let mut bytes = Vec::new();
        while end < input.len() && !clean.is_over() {
            bytes.push(input[end]);
            end += 1;
            // Events without bytes, and frames that are found behind them.
            loop {
                let arrived = &input[start..end];
                let expected = scan(&mut clean, arrived, arrived);
                let is_last = !matches!(expected, Ok(Scan::Need(_)));
                let seen = if last_is_clean && is_last { arrived } else { &bytes };
                assert_eq!(
                    scan(&mut poisoned, seen, arrived),
                    expected,
                    "{} bytes of a frame, the first {head} and last {tail} intact, as {bytes:02x?}",
                    bytes.len()
                );
                match expected {
                    Ok(Scan::Hold) => panic!("held back, though everything was answered"),
                    Ok(Scan::Need(_)) => {
                        if let Some(at) = bytes.len().checked_sub(tail).filter(|at| *at > head) {
                            bytes[at - 1] = overwrite(at - 1, bytes[at - 1]);
                        }
                        break;
                    }
                    Ok(Scan::Found(whole)) => {
                        start += whole.len;
                        bytes = input[start..end].to_vec();
                        clean.answer(&whole.found, &mut Buffer::new());
                        poisoned.answer(&whole.found, &mut Buffer::new());
                        if clean.is_over() || (whole.len > 0 && bytes.is_empty()) {
                            break;
                        }
                    }
                    Err(_) => return,
                }
            }
        }
    }
}

/// Law: the framing decodes `input`, cut at `cuts`, as the model does.
///
/// # Panics
/// When the law is broken.
pub fn equals_model<F: OwnedFrames + Clone>(
    framing: &F,
    input: &[u8],
    cuts: &[usize],
    model: impl Fn(&[u8]) -> Decoded<F::Owned>,
) {
    let decoded = normal(framing, decode(framing, input, cuts, Rescan::Always));
    assert_eq!(decoded, normal(framing, model(input)), "{input:02x?} and its model");
}

/// Law: encode refuses what decode would refuse or read as something else, and nothing more.
///
/// `wire` is the frame as a naive writer writes it, `None` if it cannot. Encode must write just
/// that if the model reads it as the one frame, and refuse otherwise.
///
/// # Panics
/// When the law is broken.
pub fn encode_equals_model<F: ByteFraming + Clone>(
    framing: &F,
    frame: &[u8],
    wire: Option<&[u8]>,
    model: impl Fn(&[u8]) -> Decoded,
) {
    if frame.is_empty() && !framing.has_whole_frames() {
        return;
    }
    let expected = Decoded { frames: vec![frame.to_vec()], end: Ok(()) };
    let legal = wire.filter(|wire| model(wire) == expected);
    let encoded = encode(&mut framing.clone(), &frame.to_vec());
    assert_eq!(
        encoded.as_deref().ok(),
        legal,
        "{frame:02x?} was encoded to {encoded:02x?}, the model has {wire:02x?}"
    );
}
