//! Framings with one fault.

use drywire::buffer::Buffer;
use drywire::error::{DecodeError, EncodeError};
use drywire::framing::{Framing, Payload, Scan, Whole};
use drywire::protocol::Echo;
use drywire::testkit::Law;
use drywire::testkit::check::{Check, Failure, Report};
use drywire::testkit::model::Decoded;

/// The longest payload of [`Toy`].
const MAX: usize = 200;

/// One byte of length and a payload, with a fault.
#[derive(Clone, Debug)]
struct Toy {
    fault: Option<Fault>,
    /// How often the frame has been scanned.
    scans: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    DependsOnCuts,
    DropsLastByte,
    FailsEarly,
    LimitDiffers,
    LooksAgain,
    NeedsNothing,
    SaysTooSmallALength,
    SkipsTheLength,
    SkipsTheLimit,
}

impl Toy {
    fn with(fault: Fault, is_broken: bool) -> Self {
        Self { fault: is_broken.then_some(fault), scans: 0 }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }
}

impl Framing for Toy {
    type Found = Payload;
    type Frame<'a> = &'a [u8];
    type Item<'a> = &'a [u8];

    fn scan(&mut self, input: &[u8]) -> Result<Scan<Payload>, DecodeError> {
        let Some(len) = input.first().map(|len| usize::from(*len)) else {
            return Ok(Scan::Need(1));
        };
        let max = MAX + usize::from(self.has(Fault::LimitDiffers));
        if len > max || (self.has(Fault::FailsEarly) && input.len() == 2 && len > 1) {
            return Err(DecodeError::TooLong { len: len as u64, max: max as u64 });
        }
        if self.has(Fault::LooksAgain) && input.iter().skip(1).any(|byte| *byte == 0xfe) {
            return Err(DecodeError::TooLong { len: 1, max: 0 });
        }
        let end = 1 + len;
        if input.len() < end {
            self.scans += 1;
            return Ok(Scan::Need(if self.has(Fault::NeedsNothing) { input.len() } else { end }));
        }
        let scans = std::mem::take(&mut self.scans);
        let end = match self.fault {
            Some(Fault::DependsOnCuts) if scans > 1 => 1,
            Some(Fault::DropsLastByte) => end.saturating_sub(1).max(1),
            _ => end,
        };
        Ok(Scan::Found(Whole { len: 1 + len, found: Payload { start: 1, end } }))
    }

    fn view(found: Payload, bytes: &mut [u8]) -> &[u8] {
        found.of(bytes)
    }

    fn encode(&mut self, item: &[u8], transmit: &mut Buffer) -> Result<(), EncodeError> {
        let len = item.len();
        if len > MAX {
            return Err(EncodeError::TooLong { len, max: MAX });
        }
        transmit.extend_from_slices([&[u8::try_from(len).unwrap()], item]);
        Ok(())
    }

    fn verbatim<'i>(&self, item: &'i &[u8]) -> Option<&'i [u8]> {
        let skips =
            self.has(Fault::SkipsTheLength) || self.has(Fault::SkipsTheLimit) && item.len() > MAX;
        skips.then_some(item)
    }

    fn wire_len_max(&self) -> usize {
        if self.has(Fault::SaysTooSmallALength) {
            return 10;
        }
        1 + MAX + usize::from(self.has(Fault::LimitDiffers))
    }
}

fn check(fault: Fault, law: Law, is_broken: bool) -> Result<Report, Failure> {
    Check::framing(Toy::with(fault, is_broken)).only(&[law]).try_run()
}

pub(crate) fn needs_nothing(law: Law, is_broken: bool) -> Result<Report, Failure> {
    check(Fault::NeedsNothing, law, is_broken)
}

pub(crate) fn depends_on_cuts(law: Law, is_broken: bool) -> Result<Report, Failure> {
    check(Fault::DependsOnCuts, law, is_broken)
}

pub(crate) fn fails_early(law: Law, is_broken: bool) -> Result<Report, Failure> {
    check(Fault::FailsEarly, law, is_broken)
}

pub(crate) fn drops_the_last_byte(law: Law, is_broken: bool) -> Result<Report, Failure> {
    check(Fault::DropsLastByte, law, is_broken)
}

pub(crate) fn skips_the_length(law: Law, is_broken: bool) -> Result<Report, Failure> {
    check(Fault::SkipsTheLength, law, is_broken)
}

pub(crate) fn skips_the_limit(law: Law, is_broken: bool) -> Result<Report, Failure> {
    check(Fault::SkipsTheLimit, law, is_broken)
}

pub(crate) fn receives_more_than_it_sends(law: Law, is_broken: bool) -> Result<Report, Failure> {
    check(Fault::LimitDiffers, law, is_broken)
}

pub(crate) fn looks_again(law: Law, is_broken: bool) -> Result<Report, Failure> {
    check(Fault::LooksAgain, law, is_broken)
}

pub(crate) fn differs_from_its_model(law: Law, is_broken: bool) -> Result<Report, Failure> {
    let model = |input: &[u8]| {
        let (mut frames, mut rest) = (vec![], input);
        while let Some((len, more)) = rest.split_first() {
            let len = usize::from(*len);
            if len > MAX {
                let error = DecodeError::TooLong { len: len as u64, max: MAX as u64 };
                return Decoded { frames, end: Err(error) };
            }
            if len > more.len() {
                return Decoded { frames, end: Err(DecodeError::Truncated { len: rest.len() }) };
            }
            frames.push(more[..len].to_vec());
            rest = &more[len..];
        }
        Decoded { frames, end: Ok(()) }
    };
    let toy = Toy::with(Fault::DropsLastByte, is_broken);
    Check::framing(toy).model(model).only(&[law]).try_run()
}

pub(crate) fn depends_on_cuts_in_a_connection(
    law: Law,
    is_broken: bool,
) -> Result<Report, Failure> {
    let echo = move || Echo::new(Toy::with(Fault::DependsOnCuts, is_broken));
    Check::protocol(echo).only(&[law]).try_run()
}

pub(crate) fn says_too_small_a_length(law: Law, is_broken: bool) -> Result<Report, Failure> {
    let echo = move || Echo::new(Toy::with(Fault::SaysTooSmallALength, is_broken));
    Check::protocol(echo).only(&[law]).try_run()
}
