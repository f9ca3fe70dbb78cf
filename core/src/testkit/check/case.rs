//! What one case of a check does: mostly valid, rarely damaged.

use alloc::vec;
use alloc::vec::Vec;

use arbitrary::{Arbitrary, Unstructured};
use proptest::prelude::*;

use crate::buffer::Buffer;
use crate::testkit::OwnedFrames;

/// Longest frame that a case makes, in bytes: beyond every buffer.
const SAMPLE_LEN_MAX: u32 = 70_000;

/// Longest framing limit that lengths are tried around.
const NEAR_LIMIT_LEN_MAX: usize = 8 * 1024;

/// What one case puts a framing or a protocol to.
///
/// The peer sends the frames, one behind the other, [damaged](Damage) in a few places if at all,
/// and behind them the tail, which is anything. A case is what a fuzz target's input says
/// ([`from_bytes`](Self::from_bytes)), and can be written as one ([`to_bytes`](Self::to_bytes)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Case {
    /// What the frames are made of.
    pub frames: Vec<Sample>,
    /// What becomes of their bytes on the way.
    pub damage: Vec<Damage>,
    /// Bytes that follow.
    pub tail: Vec<u8>,
    /// The lengths of what one read brings, in turn; all that there is if there are none.
    pub cuts: Vec<u16>,
    /// The lengths of what one write takes, in turn; all that there is if there are none.
    pub portions: Vec<u16>,
    /// Chooses small limits, calls and times where a law wants some.
    pub choices: Vec<u8>,
}

/// What one frame is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sample {
    /// One of the examples that were given, by number; the next ones again when there are fewer.
    Example(u8),
    /// These bytes, repeated to a length.
    Bytes {
        /// The length, in bytes.
        len: u32,
        /// What is repeated; nothing is a zero.
        letters: Vec<u8>,
    },
}

/// What becomes of the bytes of the frames on the way. Positions count from their first byte, and
/// from there again behind their last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "a position and what is done there")]
#[non_exhaustive]
pub enum Damage {
    Flip { at: u16, bit: u8 },
    Insert { at: u16, byte: u8 },
    Delete { at: u16, len: u8 },
    Truncate { at: u16 },
}

impl Sample {
    /// The bytes that a frame is made of; none for an example.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Example(_) => vec![],
            Self::Bytes { len, letters } => {
                let letters = if letters.is_empty() { &[0][..] } else { letters };
                let len = (*len).min(SAMPLE_LEN_MAX) as usize;
                letters.iter().copied().cycle().take(len).collect()
            }
        }
    }
}

impl Case {
    /// The frames for `framing`. A sample from which none can be made is left out.
    pub fn owned<F: OwnedFrames>(&self, framing: &F, examples: &[F::Owned]) -> Vec<F::Owned> {
        let frame = |sample: &Sample| match sample {
            Sample::Example(at) if examples.is_empty() => framing.frame_from(&[*at]),
            Sample::Example(at) => Some(examples[usize::from(*at) % examples.len()].clone()),
            Sample::Bytes { .. } => framing.frame_from(&sample.bytes()),
        };
        self.frames.iter().filter_map(frame).collect()
    }

    /// What arrives: `frames` encoded, without those that `framing` refuses, damaged, and the
    /// tail.
    pub fn input<F: OwnedFrames>(&self, framing: &mut F, frames: &[F::Owned]) -> Vec<u8> {
        let mut wire = encoded(framing, frames);
        for damage in &self.damage {
            damage.apply(&mut wire);
        }
        wire.extend_from_slice(&self.tail);
        wire
    }

    /// What arrives where the frames are among these bytes: an example is one of them, a sample of
    /// bytes is left out.
    pub(super) fn input_of(&self, known: &[Vec<u8>]) -> Vec<u8> {
        let mut wire = vec![];
        for sample in &self.frames {
            if let Sample::Example(at) = sample {
                wire.extend_from_slice(&known[usize::from(*at) % known.len()]);
            }
        }
        for damage in &self.damage {
            damage.apply(&mut wire);
        }
        wire.extend_from_slice(&self.tail);
        wire
    }

    /// The case with its input as bytes alone, as `input` says it.
    #[must_use]
    pub fn raw(&self, input: Vec<u8>) -> Self {
        Self { frames: vec![], damage: vec![], tail: input, ..self.clone() }
    }

    /// Reads a case from any bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self::arbitrary(&mut Unstructured::new(bytes)).unwrap_or_default()
    }

    /// Writes the case such that [`from_bytes`](Self::from_bytes) reads it. Of a list only the
    /// first 255 entries are kept.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![];
        put_list(&mut bytes, &self.frames, |bytes, sample| match sample {
            Sample::Example(at) => bytes.extend([EXAMPLE, *at]),
            Sample::Bytes { len, letters } => {
                let letters = &letters[..letters.len().min(LETTERS_MAX)];
                bytes.push(letters.len() as u8);
                bytes.extend(len.to_le_bytes());
                bytes.extend(letters);
            }
        });
        put_list(&mut bytes, &self.damage, |bytes, damage| {
            let (kind, at, with) = match *damage {
                Damage::Flip { at, bit } => (0, at, bit),
                Damage::Insert { at, byte } => (1, at, byte),
                Damage::Delete { at, len } => (2, at, len),
                Damage::Truncate { at } => (3, at, 0),
            };
            bytes.push(kind);
            bytes.extend(at.to_le_bytes());
            bytes.push(with);
        });
        for lens in [&self.cuts, &self.portions] {
            put_list(&mut bytes, lens, |bytes, len| bytes.extend(len.to_le_bytes()));
        }
        put_list(&mut bytes, &self.choices, |bytes, choice| bytes.push(*choice));
        bytes.extend(&self.tail);
        bytes
    }
}

/// Says that a sample is an example; less is how many letters it has.
const EXAMPLE: u8 = 255;

/// The most letters of a sample.
const LETTERS_MAX: usize = 64;

fn put_list<T>(bytes: &mut Vec<u8>, list: &[T], put: impl Fn(&mut Vec<u8>, &T)) {
    let list = &list[..list.len().min(255)];
    bytes.push(list.len() as u8);
    for entry in list {
        put(bytes, entry);
    }
}

/// As many entries as the next byte says, but none from nothing.
fn list<'a, T>(
    data: &mut Unstructured<'a>,
    entry: impl Fn(&mut Unstructured<'a>) -> arbitrary::Result<T>,
) -> arbitrary::Result<Vec<T>> {
    let count: u8 = data.arbitrary()?;
    let mut list = vec![];
    for _ in 0..count {
        if data.is_empty() {
            break;
        }
        list.push(entry(data)?);
    }
    Ok(list)
}

/// Any bytes are a case.
impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(data: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let frames = list(data, |data| {
            let kind: u8 = data.arbitrary()?;
            if kind == EXAMPLE {
                return Ok(Sample::Example(data.arbitrary()?));
            }
            let len = data.arbitrary::<u32>()? % (SAMPLE_LEN_MAX + 1);
            let letters = data.bytes((usize::from(kind) % (LETTERS_MAX + 1)).min(data.len()))?;
            Ok(Sample::Bytes { len, letters: letters.to_vec() })
        })?;
        let damage = list(data, |data| {
            let (kind, at, with) =
                (data.arbitrary::<u8>()?, data.arbitrary()?, data.arbitrary::<u8>()?);
            Ok(match kind % 4 {
                0 => Damage::Flip { at, bit: with },
                1 => Damage::Insert { at, byte: with },
                2 => Damage::Delete { at, len: with },
                _ => Damage::Truncate { at },
            })
        })?;
        let cuts = list(data, Arbitrary::arbitrary)?;
        let portions = list(data, Arbitrary::arbitrary)?;
        let choices = list(data, Arbitrary::arbitrary)?;
        let tail = data.bytes(data.len())?.to_vec();
        Ok(Self { frames, damage, tail, cuts, portions, choices })
    }
}

impl Damage {
    fn apply(self, wire: &mut Vec<u8>) {
        if wire.is_empty() {
            return;
        }
        let len = wire.len();
        match self {
            Self::Flip { at, bit } => wire[usize::from(at) % len] ^= 1 << (bit % 8),
            Self::Insert { at, byte } => wire.insert(usize::from(at) % (len + 1), byte),
            Self::Delete { at, len: deleted } => {
                let start = usize::from(at) % len;
                let end = (start + usize::from(deleted).max(1)).min(len);
                drop(wire.drain(start..end));
            }
            Self::Truncate { at } => wire.truncate(usize::from(at) % len),
        }
    }
}

/// The frames on the wire, without those that the framing refuses.
pub(super) fn encoded<F: OwnedFrames>(framing: &mut F, frames: &[F::Owned]) -> Vec<u8> {
    let mut wire = Buffer::new();
    let mut kept = vec![];
    for frame in frames {
        wire.clear();
        if F::item(frame, |item| framing.encode(item, &mut wire)).is_ok() {
            kept.extend_from_slice(wire.filled());
            framing.answer(frame, &mut Buffer::new());
        }
    }
    kept
}

/// Cases for a framing whose frames take at most `wire_len_max` bytes, with so many examples.
pub(super) fn strategy(wire_len_max: usize, examples: usize) -> impl Strategy<Value = Case> {
    let damage = prop_oneof![
        (any::<u16>(), 0..8_u8).prop_map(|(at, bit)| Damage::Flip { at, bit }),
        (any::<u16>(), letter()).prop_map(|(at, byte)| Damage::Insert { at, byte }),
        (any::<u16>(), 1..4_u8).prop_map(|(at, len)| Damage::Delete { at, len }),
        any::<u16>().prop_map(|at| Damage::Truncate { at }),
    ];
    let damage = prop_oneof![
        8 => Just(vec![]),
        1 => prop::collection::vec(damage, 1..3),
    ];
    let tail = prop_oneof![
        6 => Just(vec![]),
        2 => prop::collection::vec(letter(), 1..12),
        1 => prop::collection::vec(letter(), 12..80),
    ];
    let len = prop_oneof![
        4 => 1..4_u16, 4 => 1..20_u16, 1 => 20..3000_u16,
    ];
    let lens = prop::collection::vec(len, 0..5);
    (
        prop::collection::vec(sample(wire_len_max, examples), 0..5),
        damage,
        tail,
        lens.clone(),
        lens,
        prop::collection::vec(any::<u8>(), 0..100),
    )
        .prop_map(|(frames, damage, tail, cuts, portions, choices)| Case {
            frames,
            damage,
            tail,
            cuts,
            portions,
            choices,
        })
}

/// A byte that means something to many grammars, or any other.
fn letter() -> impl Strategy<Value = u8> {
    prop_oneof![
        4 => prop::sample::select(&b"ax\r\n\r\n019:, \0\x01\x02\x7f\x80\xff$*+-"[..]),
        1 => any::<u8>(),
    ]
}

fn sample(wire_len_max: usize, examples: usize) -> impl Strategy<Value = Sample> {
    let len = wire_len_max.min(NEAR_LIMIT_LEN_MAX) as u32;
    let is_near = wire_len_max <= NEAR_LIMIT_LEN_MAX;
    let len = prop_oneof![
        12 => 0..6_u32,
        6 => 0..40_u32,
        3 => prop::sample::select(&[63_u32, 64, 65, 126, 127, 128, 254, 255, 256, 300][..]),
        if is_near { 6 } else { 0 } => len.saturating_sub(12)..=len + 1,
        1 => prop::sample::select(&[2047_u32, 2049, 4096, 65_535, 65_536, 66_560, 66_561][..]),
    ];
    let bytes = (len, prop::collection::vec(letter(), 1..8))
        .prop_map(|(len, letters)| Sample::Bytes { len, letters });
    let known = u8::try_from(examples.saturating_sub(1)).unwrap_or(u8::MAX);
    prop_oneof![
        3 => bytes,
        if examples > 0 { 4 } else { 0 } => (0..=known).prop_map(Sample::Example),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framing::{LengthPrefix, Lines};

    proptest! {
        #[test]
        fn what_is_written_is_read(case in strategy(1000, 3)) {
            prop_assert_eq!(Case::from_bytes(&case.to_bytes()), case);
        }

        #[test]
        fn any_bytes_are_a_case(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let case = Case::from_bytes(&bytes);
            prop_assert_eq!(Case::from_bytes(&case.to_bytes()), case);
        }
    }

    #[test]
    fn damage_is_done_where_it_says() {
        let wire = |damage: Damage| {
            let mut wire = b"abc".to_vec();
            damage.apply(&mut wire);
            wire
        };
        assert_eq!(wire(Damage::Flip { at: 4, bit: 0 }), b"acc");
        assert_eq!(wire(Damage::Insert { at: 3, byte: b'x' }), b"abcx");
        assert_eq!(wire(Damage::Delete { at: 1, len: 9 }), b"a");
        assert_eq!(wire(Damage::Truncate { at: 2 }), b"ab");
    }

    #[test]
    fn the_input_is_the_frames_and_the_tail() {
        let letters = b"ab".to_vec();
        let case = Case {
            frames: vec![Sample::Bytes { len: 3, letters }, Sample::Example(1)],
            tail: b"tail".to_vec(),
            ..Case::default()
        };
        let examples = [b"x".to_vec(), b"y".to_vec()];
        let mut framing = LengthPrefix::u8();
        let frames = case.owned(&framing, &examples);
        assert_eq!(case.input(&mut framing, &frames), b"\x03aba\x01ytail");
        // A line cannot hold its own end.
        let mut lines = Lines::new();
        assert_eq!(case.input(&mut lines, &[b"a\nb".to_vec(), b"c".to_vec()]), b"c\ntail");
    }
}
