use alloc::vec::Vec;
use core::num::NonZeroUsize;

use crate::framing::{Endian, LineEnding, Unterminated};
use crate::testkit::laws;
use crate::testkit::model::{Model, Prefix};

/// Checks every law of [`laws::framing`] for one framing in the box.
///
/// The first bytes of `data` choose the framing, its options, the frames to send, where the input
/// is cut and what is damaged in it. The input is the frames as a naive writer writes them, and
/// behind them the rest of `data`: mostly valid, and anything at all.
///
/// # Panics
/// When a law is broken.
pub fn in_box(data: &[u8]) {
    let mut choices = Choices { data };
    let model = choices.model();
    let frames = choices.frames();
    let mut input: Vec<u8> =
        frames.iter().filter_map(|frame| model.write(frame)).flatten().collect();
    choices.damage(&mut input);
    let cuts: Vec<_> = (0..choices.below(4)).map(|_| usize::from(choices.byte())).collect();
    input.extend_from_slice(choices.data);
    laws::framing::in_box(&model, &frames, &input, &cuts);
}

/// Reads decisions off the front of the data; without data every one is 0.
struct Choices<'a> {
    data: &'a [u8],
}

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.data.split_first() else { return 0 };
        self.data = rest;
        *first
    }

    fn below(&mut self, end: u8) -> u8 {
        self.byte() % end
    }

    fn one_of<T: Clone>(&mut self, values: &[T]) -> T {
        values[usize::from(self.byte()) % values.len()].clone()
    }

    fn model(&mut self) -> Model {
        let max = self.one_of(&[4, 0, 1, 2, 3, 9, 10, 63, 64, 127, 128, 255, 256, usize::MAX]);
        match self.below(8) {
            0 => {
                let len = self.one_of(&[1, 2, 3, 16]);
                Model::Delimiter { max, delimiter: (0..len).map(|_| self.letter()).collect() }
            }
            1 => {
                let len = NonZeroUsize::MIN.saturating_add(usize::from(self.below(8)));
                Model::Fixed { max, len }
            }
            2 => Model::Leb128 { max, canonical: self.one_of(&[false, true]) },
            3 => Model::LengthPrefix { max, prefix: self.prefix() },
            4 => Model::Lines {
                max,
                line_ending: self.one_of(&[LineEnding::Lf, LineEnding::CrLf]),
                unterminated: self.one_of(&[Unterminated::Refuse, Unterminated::Yield]),
            },
            5 => Model::Netstring { max },
            6 => Model::Quic { max },
            _ => Model::Raw { max },
        }
    }

    fn prefix(&mut self) -> Prefix {
        Prefix {
            width: 1 + self.below(8),
            endian: self.one_of(&[Endian::Big, Endian::Little]),
            offset: self.one_of(&[0, 0, 1, 2, 5]),
            adjustment: self.one_of(&[0, 0, 1, -1, 2, -2, 4, -4, 300, -300, i64::MAX, i64::MIN]),
            skip: self.one_of(&[None, None, Some(0), Some(1), Some(2), Some(4), Some(9), Some(40)]),
        }
    }

    /// A byte that means something to some framing, or any other.
    fn letter(&mut self) -> u8 {
        match self.byte() {
            any @ 128.. => any,
            other => b"aab\r\n\r\n0123456789:,\0\x01\x02"[usize::from(other) % 22],
        }
    }

    fn frames(&mut self) -> Vec<Vec<u8>> {
        (0..self.below(5))
            .map(|_| {
                let len = self.one_of(&[0, 1, 2, 3, 4, 5, 9, 10, 11, 64, 65, 128, 129]);
                // The letters of long frames repeat, so that these do not use up the data.
                let letters: Vec<_> = (0..len.min(8)).map(|_| self.letter()).collect();
                letters.iter().copied().cycle().take(len).collect()
            })
            .collect()
    }

    /// Rarely changes, drops or inserts a byte, or cuts the end off.
    fn damage(&mut self, input: &mut Vec<u8>) {
        let kind = self.byte();
        if input.is_empty() || kind >= 64 {
            return;
        }
        let at = usize::from(self.byte()) % input.len();
        match kind % 4 {
            0 => input[at] = self.letter(),
            1 => input.truncate(at),
            2 => drop(input.remove(at)),
            _ => input.insert(at, self.letter()),
        }
    }
}
