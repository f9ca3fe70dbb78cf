//! All laws of a framing.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt;
use std::sync::Mutex;

use super::{Body, Case, Check, Maker, Recording, Unexamined, case};
use crate::buffer::Buffer;
use crate::limits::Limits;
use crate::script::{Begin, Role, Script};
use crate::testkit::laws::framing as laws;
use crate::testkit::model::Decoded;
use crate::testkit::{End, Law, OwnedFrames, Pair, Talker, Then};
use crate::{Connection, Instant};

/// Longest input that is fed byte by byte, however often its framing looks at a byte.
const SINGLE_BYTES_LEN_MAX: usize = 2048;

/// Longest frame of which every prefix is tried.
const PREFIXES_LEN_MAX: usize = 600;

/// Bytes at the beginning of a frame that may say how long it is.
const LENGTH_FIELDS_MAX: usize = 8;

/// What is decoded, as a naive twin has it.
type Model<T> = Box<dyn Fn(&[u8]) -> Decoded<T>>;

/// A framing that is put to the laws; made by [`Check::framing`].
pub struct Framings<F: OwnedFrames> {
    framing: F,
    examples: Vec<F::Owned>,
    inputs: Vec<Vec<u8>>,
    laws: Vec<Law>,
    model: Option<Model<F::Owned>>,
    head: usize,
    tail: usize,
    recording: RefCell<Option<Recording>>,
}

/// The laws of a framing, of which those about sending come last.
const LAWS: [Law; 8] = [
    Law::Total,
    Law::SplitInvariance,
    Law::LinearTime,
    Law::EqualsModel,
    Law::PrefixIncomplete,
    Law::RoundTrip,
    Law::SameLimits,
    Law::Conservation,
];

impl<F: OwnedFrames + Clone> Check<Framings<F>> {
    /// Checks a framing.
    ///
    /// A framing whose two sides differ sends what it cannot read: give what it reads as
    /// [`inputs`](Self::inputs).
    #[must_use]
    pub fn framing(framing: F) -> Self {
        let body = Framings {
            framing,
            examples: vec![],
            inputs: vec![],
            laws: LAWS.to_vec(),
            model: None,
            head: 64,
            tail: 64,
            recording: RefCell::new(None),
        };
        Self::new(body)
    }

    /// Frames that are sent among others. A framing of byte slices needs none.
    #[must_use]
    pub fn examples(mut self, frames: impl IntoIterator<Item = F::Owned>) -> Self {
        self.body.examples.extend(frames);
        self
    }

    /// For a framing that does not read what it writes: bytes to read, cut and damaged like frames
    /// of its own. The laws about sending are left out.
    #[must_use]
    pub fn inputs(mut self, inputs: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.body.inputs.extend(inputs);
        self.body.laws.retain(|law| LAWS[..4].contains(law));
        self
    }

    /// Compares with a naive twin, which decodes a whole stream.
    #[must_use]
    pub fn model(mut self, model: impl Fn(&[u8]) -> Decoded<F::Owned> + 'static) -> Self {
        self.body.model = Some(Box::new(model));
        self
    }

    /// How many bytes at the beginning of a frame and at the end of what has arrived the framing
    /// may look at again in every scan. By default 64 each; a framing that keeps a position needs
    /// none.
    #[must_use]
    pub const fn looks_again(mut self, head: usize, tail: usize) -> Self {
        self.body.head = head;
        self.body.tail = tail;
        self
    }
}

impl<F: OwnedFrames + Clone> Framings<F> {
    fn frames(&self, case: &Case) -> Vec<F::Owned> {
        case.owned(&self.framing, &self.examples)
    }

    /// The frames that encode takes.
    fn legal(&self, case: &Case) -> Result<Vec<F::Owned>, Unexamined> {
        let mut frames = self.frames(case);
        frames.retain(|frame| {
            !case::encoded(&mut self.framing.clone(), core::slice::from_ref(frame)).is_empty()
        });
        if frames.is_empty() { Err(Unexamined::NoFrame) } else { Ok(frames) }
    }

    /// Frames that encode refuses, such as too long ones: no way to send them is another.
    fn refused(&self, case: &Case) -> Vec<F::Owned> {
        let mut frames = self.frames(case);
        frames.retain(|frame| {
            let mut framing = self.framing.clone();
            F::item(frame, |item| framing.encode(item, &mut Buffer::new())).is_err()
        });
        frames
    }

    /// Bytes that mislead a framing that looks where it has looked: a short frame.
    fn poison(&self) -> Vec<u8> {
        let frame = self.framing.frame_from(b"x").or_else(|| self.examples.first().cloned());
        let frames: Vec<_> = frame.into_iter().collect();
        case::encoded(&mut self.framing.clone(), &frames)
    }
}

impl<F: OwnedFrames + Clone> Body for Framings<F> {
    fn maker(&self) -> Maker {
        Maker::Framing
    }

    fn laws(&self) -> &[Law] {
        &self.laws
    }

    fn only(&mut self, laws: &[Law]) {
        self.laws.retain(|law| laws.contains(law));
    }

    fn wire_len_max(&self) -> usize {
        self.framing.wire_len_max()
    }

    fn examples_len(&self) -> usize {
        self.examples.len().max(self.inputs.len())
    }

    fn check(&self, law: Law, case: &Case) -> Result<(), Unexamined> {
        let framing = &self.framing;
        let input = self.input(case);
        let first = &input[..input.len().min(SINGLE_BYTES_LEN_MAX)];
        // What is to be cut has two bytes.
        let len_min = match law {
            Law::SplitInvariance | Law::LinearTime => 2,
            Law::Total | Law::EqualsModel => 1,
            _ => 0,
        };
        let has_input = input.len() >= len_min;
        match law {
            Law::Total => laws::total(framing, first),
            Law::SplitInvariance => {
                laws::split_invariant(framing, &input, &positions(&case.cuts, input.len()));
                laws::split_invariant_everywhere(framing, first);
            }
            Law::LinearTime => {
                laws::scanned_twice(framing, first, self.head, self.tail, &self.poison());
            }
            Law::EqualsModel => {
                let model = self.model.as_ref().ok_or(Unexamined::NoModel)?;
                laws::equals_model(framing, &input, &positions(&case.cuts, input.len()), model);
            }
            Law::PrefixIncomplete => return self.prefixes(case),
            Law::RoundTrip => laws::round_trip(framing, &self.legal(case)?),
            Law::SameLimits => {
                laws::round_trip_bytes(framing, &input);
                laws::round_trip(framing, &self.refused(case));
                self.legal(case)?.iter().for_each(|frame| self.stretched(frame));
            }
            Law::Conservation => self.conserves(case)?,
            _ => {}
        }
        if has_input { Ok(()) } else { Err(Unexamined::NoInput) }
    }

    fn record(&self, recording: Option<Recording>) {
        *self.recording.borrow_mut() = recording;
    }

    fn input(&self, case: &Case) -> Vec<u8> {
        if self.inputs.is_empty() {
            return case.input(&mut self.framing.clone(), &self.frames(case));
        }
        case.input_of(&self.inputs)
    }

    fn steps(&self, case: &Case) -> Vec<String> {
        let input = self.input(case);
        let told = |number, cuts: &[usize]| {
            let mut connection =
                Connection::plain(self.framing.clone(), Arc::default(), Instant::ZERO);
            if let Some(recording) = &*self.recording.borrow() {
                let recorder = Arc::<Mutex<Script>>::clone(recording);
                connection.record(recorder, number, Begin::new(Role::Server));
            }
            let mut end = End::new(connection, Talker::listening(self.framing.clone()));
            end.converse(&input, cuts, &[]);
            end.trace().events().iter().map(|event| format!("  {event:?}")).collect::<Vec<_>>()
        };
        let cuts: Vec<_> = case.cuts.iter().map(|len| usize::from(*len)).collect();
        let (whole, cut) = (told(1, &[]), told(2, &cuts));
        let mut steps = vec![format!("a connection that reads it in one piece is told:")];
        steps.extend(whole);
        steps.push(format!("and in pieces of {:?}:", case.cuts));
        steps.extend(cut);
        steps
    }
}

impl<F: OwnedFrames + Clone> Framings<F> {
    fn prefixes(&self, case: &Case) -> Result<(), Unexamined> {
        if !self.framing.has_whole_frames() {
            return Err(Unexamined::NoWholeFrames);
        }
        let mut examined = Err(Unexamined::FramesTooLong);
        for frame in self.legal(case)? {
            let one = core::slice::from_ref(&frame);
            if case::encoded(&mut self.framing.clone(), one).len() <= PREFIXES_LEN_MAX {
                laws::prefix_incomplete(&self.framing, &frame);
                examined = Ok(());
            }
        }
        examined
    }

    /// The frame and, as if a length in front of it said so, a little longer: beyond what is sent.
    fn stretched(&self, frame: &F::Owned) {
        let wire = case::encoded(&mut self.framing.clone(), core::slice::from_ref(frame));
        if wire.len() < 2 || wire.len() > SINGLE_BYTES_LEN_MAX {
            return;
        }
        for at in 0..wire.len().min(LENGTH_FIELDS_MAX) {
            let mut wire = wire.clone();
            wire[at] = wire[at].wrapping_add(1);
            let middle = (at + LENGTH_FIELDS_MAX).min(wire.len() - 1);
            wire.insert(middle, b'a');
            laws::round_trip_bytes(&self.framing, &wire);
        }
    }

    /// What two that are joined say is heard, through queues that are too short for it.
    fn conserves(&self, case: &Case) -> Result<(), Unexamined> {
        let frames = self.legal(case)?;
        let mut limits = Limits::new();
        limits.transmit_high_water = 100;
        limits.transmit_low_water = 20;
        let limits = Arc::new(limits);
        let talker = || Talker::new(self.framing.clone(), frames.clone(), Then::Finish);
        let mut pair = Pair::plain_within(talker(), Arc::clone(&limits), talker(), limits);
        pair.there.cuts = case.cuts.iter().map(|len| usize::from(*len)).collect();
        pair.back.portions = case.portions.iter().map(|len| usize::from(*len)).collect();
        crate::testkit::laws::connection::conserves(pair, &frames, &frames);
        Ok(())
    }
}

/// Where an input is cut whose pieces have these lengths, in turn.
fn positions(lens: &[u16], input_len: usize) -> Vec<usize> {
    let mut positions = vec![];
    let mut at = 0;
    for len in lens.iter().cycle() {
        at += usize::from(*len).max(1);
        if at >= input_len {
            break;
        }
        positions.push(at);
    }
    positions
}

impl<F: OwnedFrames> fmt::Debug for Framings<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Framings").field("laws", &self.laws).finish_non_exhaustive()
    }
}
