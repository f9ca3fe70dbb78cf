//! Laws of a framing whose frames are byte slices.
//!
//! [`all`] checks those that need nothing but the framing. [`equals_model`] and
//! [`encode_equals_model`] compare with a naive twin, [`scanned_once`] counts work, and [`in_box`]
//! checks all of them for a framing of this crate.

use alloc::vec;
use alloc::vec::Vec;

use crate::buffer::Buffer;
use crate::error::{DecodeError, EncodeError};
use crate::framing::{ByteFraming, Scan, Whole};
use crate::testkit::model::{Decoded, Model};

/// Longest input for which every set of cuts is tried.
const EVERY_CUT_LEN_MAX: usize = 10;

/// Longest input for which every single cut is tried.
const SINGLE_CUT_LEN_MAX: usize = 128;

/// Checks every law that needs no model: with `frames` those about sending, with `input` those
/// about receiving. `cuts` are positions in `input`, in any order.
///
/// # Panics
/// When a law is broken.
pub fn all<F: ByteFraming + Clone>(framing: &F, frames: &[Vec<u8>], input: &[u8], cuts: &[usize]) {
    total(framing, input);
    split_invariant(framing, input, cuts);
    split_invariant_everywhere(framing, input);
    round_trip(framing, frames);
    round_trip_bytes(framing, input);
    for frame in frames {
        prefix_incomplete(framing, frame);
    }
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
/// with a number that is more than there is and within [`wire_len_max`], and a frame takes between
/// 1 byte and what there is.
///
/// # Panics
/// When the law is broken.
///
/// [`wire_len_max`]: crate::framing::Framing::wire_len_max
pub fn total<F: ByteFraming + Clone>(framing: &F, input: &[u8]) {
    decode_whole(framing, input);
    decode(framing, input, &every_byte(input), Rescan::Always);
}

/// Law: cutting the input at `cuts` changes neither frames nor error, nor does scanning only when
/// what was needed has arrived. So an error, once found, cannot depend on what arrives later, and
/// a limit not on how its excess arrived.
///
/// # Panics
/// When the law is broken.
pub fn split_invariant<F: ByteFraming + Clone>(framing: &F, input: &[u8], cuts: &[usize]) {
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
pub fn split_invariant_everywhere<F: ByteFraming + Clone>(framing: &F, input: &[u8]) {
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
pub fn prefix_incomplete<F: ByteFraming + Clone>(framing: &F, frame: &[u8]) {
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
pub fn round_trip<F: ByteFraming + Clone>(framing: &F, frames: &[Vec<u8>]) {
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
pub fn round_trip_bytes<F: ByteFraming + Clone>(framing: &F, input: &[u8]) {
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
pub fn scanned_once<F: ByteFraming + Clone>(
    framing: &F,
    input: &[u8],
    head: usize,
    tail: usize,
    poison: &[u8],
) {
    let by_complement = |_: usize, byte: u8| !byte;
    let by_poison = |at: usize, byte: u8| poison.get(at % poison.len().max(1)).map_or(byte, |p| *p);
    let poisons: [&dyn Fn(usize, u8) -> u8; 2] = [&by_complement, &by_poison];
    for overwrite in poisons {
        let (mut clean, mut poisoned) = (framing.clone(), framing.clone());
        let mut start = 0;
        let mut bytes = Vec::new();
        for end in 1..=input.len() {
            bytes.push(input[end - 1]);
            let arrived = &input[start..end];
            let expected = scan(&mut clean, arrived, arrived);
            assert_eq!(
                scan(&mut poisoned, &bytes, arrived),
                expected,
                "{} bytes of a frame, the first {head} and last {tail} intact, as {bytes:02x?}",
                bytes.len()
            );
            match expected {
                Ok(Scan::Hold) => {}
                Ok(Scan::Need(_)) => {
                    if let Some(at) = bytes.len().checked_sub(tail).filter(|at| *at > head) {
                        bytes[at - 1] = overwrite(at - 1, bytes[at - 1]);
                    }
                }
                Ok(Scan::Found(whole)) => {
                    start += whole.len;
                    bytes = input[start..end].to_vec();
                }
                Err(_) => return,
            }
        }
    }
}

/// Law: the framing decodes `input`, cut at `cuts`, as the model does.
///
/// # Panics
/// When the law is broken.
pub fn equals_model<F: ByteFraming + Clone>(
    framing: &F,
    input: &[u8],
    cuts: &[usize],
    model: impl Fn(&[u8]) -> Decoded,
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
    let encoded = encode(&mut framing.clone(), frame);
    assert_eq!(
        encoded.as_deref().ok(),
        legal,
        "{frame:02x?} was encoded to {encoded:02x?}, the model has {wire:02x?}"
    );
}

/// When a framing that needs more is asked again.
#[derive(Clone, Copy, Debug)]
enum Rescan {
    /// Whenever bytes have arrived.
    Always,
    /// When as many are there as it needs, or at the end.
    WhenNeeded,
}

/// Decodes as a connection does, the input arriving up to each of `cuts` in turn; checks what
/// [`total`] promises.
fn decode<F: ByteFraming + Clone>(
    framing: &F,
    input: &[u8],
    cuts: &[usize],
    rescan: Rescan,
) -> Decoded {
    let mut ends: Vec<_> = cuts.iter().copied().filter(|cut| *cut < input.len()).collect();
    ends.sort_unstable();
    ends.push(input.len());

    let mut framing = framing.clone();
    let mut frames = Vec::new();
    let mut start = 0;
    let mut need = 1;
    for end in ends {
        if matches!(rescan, Rescan::WhenNeeded) && end < input.len() && end - start < need {
            continue;
        }
        loop {
            let bytes = &input[start..end];
            match scan(&mut framing, bytes, bytes) {
                Err(error) => return Decoded { frames, end: Err(error) },
                Ok(Scan::Need(len)) => {
                    assert!(len > bytes.len(), "{len} bytes needed of {}", bytes.len());
                    let max = framing.wire_len_max();
                    assert!(len <= max, "{len} bytes needed, at most {max} were said");
                    need = len;
                    break;
                }
                Ok(Scan::Hold) => panic!("held back, though a framing of bytes orders nothing"),
                Ok(Scan::Found(whole)) => {
                    frames.push(whole.found);
                    start += whole.len;
                }
            }
        }
    }
    loop {
        let bytes = &input[start..];
        match framing.scan_end(bytes) {
            Err(error) => return Decoded { frames, end: Err(error) },
            Ok(Some(whole)) => {
                let whole = view(&framing, whole, bytes);
                frames.push(whole.found);
                start += whole.len;
            }
            Ok(None) => {
                assert!(bytes.is_empty(), "{} bytes left, and no frame", bytes.len());
                return Decoded { frames, end: Ok(()) };
            }
        }
    }
}

fn decode_whole<F: ByteFraming + Clone>(framing: &F, input: &[u8]) -> Decoded {
    decode(framing, input, &[], Rescan::Always)
}

fn every_byte(input: &[u8]) -> Vec<usize> {
    (1..input.len()).collect()
}

/// Scans `bytes` and shows the frame, if there is one, in `shown`.
fn scan<F: ByteFraming>(
    framing: &mut F,
    bytes: &[u8],
    shown: &[u8],
) -> Result<Scan<Vec<u8>>, DecodeError> {
    Ok(match framing.scan(bytes)? {
        Scan::Need(len) => Scan::Need(len),
        Scan::Hold => Scan::Hold,
        Scan::Found(whole) => Scan::Found(view(framing, whole, shown)),
    })
}

/// Shows the frame that `whole` says is at the front of `bytes`.
fn view<F: ByteFraming>(framing: &F, whole: Whole<F::Found>, bytes: &[u8]) -> Whole<Vec<u8>> {
    let (len, max) = (whole.len, framing.wire_len_max());
    assert!(len >= 1, "a frame of no bytes");
    assert!(len <= bytes.len(), "a frame of {len} bytes where there are {}", bytes.len());
    assert!(len <= max, "a frame of {len} bytes, at most {max} were said");
    Whole { len, found: F::view(whole.found, &mut bytes[..len].to_vec()).to_vec() }
}

/// Encodes one frame behind other bytes, which must stay.
fn encode<F: ByteFraming>(framing: &mut F, frame: &[u8]) -> Result<Vec<u8>, EncodeError> {
    let queued = b"queued";
    let mut transmit = Buffer::new();
    transmit.extend_from_slice(queued);
    framing.encode(frame, &mut transmit)?;
    let wire = transmit.filled().strip_prefix(queued);
    Ok(wire.expect("bytes that were queued before must stay").to_vec())
}

/// Joins the frames of a framing for which it has no meaning where one ends.
fn normal<F: ByteFraming>(framing: &F, mut decoded: Decoded) -> Decoded {
    if !framing.has_whole_frames() {
        decoded.frames = vec![decoded.frames.concat()];
        decoded.frames.retain(|frame| !frame.is_empty());
    }
    decoded
}
