//! Decoding and encoding as a connection does.

use alloc::vec::Vec;

use crate::buffer::Buffer;
use crate::error::{DecodeError, EncodeError};
use crate::framing::{Scan, Whole};
use crate::testkit::OwnedFrames;
use crate::testkit::model::Decoded;

/// Events without bytes that may follow each other.
const EMPTY_IN_A_ROW_MAX: usize = 8;

/// When a framing that needs more is asked again.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rescan {
    /// Whenever bytes have arrived.
    Always,
    /// When as many are there as it needs, or at the end.
    WhenNeeded,
}

/// Decodes `input`, arriving up to each of `cuts` in turn and then ending, as a connection does
/// that answers every frame; checks what [`total`](super::total) promises. `framing` is left as it is then.
///
/// # Panics
/// When that law is broken.
pub fn decode_on<F: OwnedFrames>(
    framing: &mut F,
    input: &[u8],
    cuts: &[usize],
) -> Decoded<F::Owned> {
    decode_as(framing, input, cuts, Rescan::Always)
}

pub(super) fn decode_as<F: OwnedFrames>(
    framing: &mut F,
    input: &[u8],
    cuts: &[usize],
    rescan: Rescan,
) -> Decoded<F::Owned> {
    let mut ends: Vec<_> = cuts.iter().copied().filter(|cut| *cut < input.len()).collect();
    ends.sort_unstable();
    ends.push(input.len());

    let mut frames = Vec::new();
    let mut start = 0;
    let mut need = 1;
    let mut empty_in_a_row = 0;
    for end in ends {
        let is_last = end == input.len();
        if matches!(rescan, Rescan::WhenNeeded) && !is_last && end - start < need {
            continue;
        }
        loop {
            if framing.is_over() {
                return Decoded { frames, end: Ok(()) };
            }
            let bytes = &input[start..end];
            let whole = match scan(framing, bytes, bytes) {
                Err(error) => return Decoded { frames, end: Err(error) },
                Ok(Scan::Need(len)) => {
                    assert!(len > bytes.len(), "{len} bytes needed of {}", bytes.len());
                    let max = framing.wire_len_max();
                    assert!(len <= max, "{len} bytes needed, at most {max} were said");
                    need = len;
                    if !is_last {
                        break;
                    }
                    match framing.scan_end(bytes) {
                        Err(error) => return Decoded { frames, end: Err(error) },
                        Ok(Some(whole)) => view(framing, whole, bytes),
                        Ok(None) => {
                            assert!(bytes.is_empty(), "{} bytes left, and no frame", bytes.len());
                            return Decoded { frames, end: Ok(()) };
                        }
                    }
                }
                Ok(Scan::Hold) => panic!("held back, though everything was answered"),
                Ok(Scan::Found(whole)) => whole,
            };
            empty_in_a_row = if whole.len == 0 { empty_in_a_row + 1 } else { 0 };
            assert!(empty_in_a_row <= EMPTY_IN_A_ROW_MAX, "a frame of no bytes, again and again");
            start += whole.len;
            framing.answer(&whole.found, &mut Buffer::new());
            frames.push(whole.found);
        }
    }
    unreachable!("the last end comes to an end")
}

/// Decodes with a clone.
pub(super) fn decode<F: OwnedFrames + Clone>(
    framing: &F,
    input: &[u8],
    cuts: &[usize],
    rescan: Rescan,
) -> Decoded<F::Owned> {
    decode_as(&mut framing.clone(), input, cuts, rescan)
}

pub(super) fn decode_whole<F: OwnedFrames + Clone>(framing: &F, input: &[u8]) -> Decoded<F::Owned> {
    decode(framing, input, &[], Rescan::Always)
}

pub(super) fn every_byte(input: &[u8]) -> Vec<usize> {
    (1..input.len()).collect()
}

/// Scans `bytes` and shows the frame, if there is one, in `shown`.
pub(super) fn scan<F: OwnedFrames>(
    framing: &mut F,
    bytes: &[u8],
    shown: &[u8],
) -> Result<Scan<F::Owned>, DecodeError> {
    Ok(match framing.scan(bytes)? {
        Scan::Need(len) => Scan::Need(len),
        Scan::Hold => Scan::Hold,
        Scan::Found(whole) => Scan::Found(view(framing, whole, shown)),
    })
}

/// Shows the frame that `whole` says is at the front of `bytes`.
pub(super) fn view<F: OwnedFrames>(
    framing: &F,
    whole: Whole<F::Found>,
    bytes: &[u8],
) -> Whole<F::Owned> {
    let (len, max) = (whole.len, framing.wire_len_max());
    assert!(len <= bytes.len(), "a frame of {len} bytes where there are {}", bytes.len());
    assert!(len <= max, "a frame of {len} bytes, at most {max} were said");
    Whole { len, found: F::own(&F::view(whole.found, &mut bytes[..len].to_vec())) }
}

/// Encodes one frame behind other bytes, which must stay. Bytes that the framing says are the same
/// must be.
pub(super) fn encode<F: OwnedFrames>(
    framing: &mut F,
    frame: &F::Owned,
) -> Result<Vec<u8>, EncodeError> {
    let queued = b"queued";
    let mut transmit = Buffer::new();
    transmit.extend_from_slice(queued);
    let (verbatim, encoded) = F::item(frame, |item| {
        let verbatim = framing.verbatim(&item).map(<[u8]>::to_vec);
        (verbatim, framing.encode(item, &mut transmit))
    });
    if let Err(error) = encoded {
        assert_eq!(verbatim, None, "said to be sent as it lies, and refused: {error}");
        return Err(error);
    }
    let wire = transmit.filled().strip_prefix(queued);
    let wire = wire.expect("bytes that were queued before must stay").to_vec();
    if let Some(verbatim) = verbatim {
        assert_eq!(verbatim, wire, "said to be encoded as it lies");
    }
    Ok(wire)
}

pub(super) fn normal<F: OwnedFrames>(framing: &F, decoded: Decoded<F::Owned>) -> Decoded<F::Owned> {
    Decoded { frames: joined(framing, decoded.frames), end: decoded.end }
}

/// Joins the frames for which it has no meaning where one ends.
#[must_use]
pub fn joined<F: OwnedFrames>(framing: &F, frames: Vec<F::Owned>) -> Vec<F::Owned> {
    let mut kept: Vec<F::Owned> = Vec::new();
    for frame in frames {
        if !framing.join(kept.last_mut(), &frame) {
            kept.push(frame);
        }
    }
    kept
}
