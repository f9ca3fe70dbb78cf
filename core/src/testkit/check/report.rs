//! What a check says when no law was broken.

use alloc::vec::Vec;
use core::fmt;

use crate::testkit::Law;

/// How many cases examined each law, and why none did where none did.
///
/// A case says something of a law only if it comes to what the law is about: of failures that are
/// final only a case says something in which the connection fails.
///
/// ```
/// use drywire::framing::Lines;
/// use drywire::protocol::Discard;
/// use drywire::testkit::Law;
/// use drywire::testkit::check::{Check, Unexamined};
///
/// let report = Check::protocol(|| Discard::new(Lines::new())).cases(40).run();
/// assert!(report.examined(Law::InputCut) > 0);
/// // Nothing is ever answered.
/// assert_eq!(report.unexamined(Law::OutputCut), Some(Unexamined::NothingWritten));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Cases that were tried.
    pub cases: u32,
    /// The laws that were to be checked, in order.
    pub laws: Vec<Examination>,
}

/// What became of one law.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Examination {
    /// The law.
    pub law: Law,
    /// Cases that said something of it.
    pub cases: u32,
    /// Why none did, of the case that came closest; none if one did.
    pub unexamined: Option<Unexamined>,
}

/// Why a case says nothing of a law. Later ones are closer to saying something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Unexamined {
    /// No case was tried.
    NoCase,
    /// No model was given: [`Check::model`](super::Check::model).
    NoModel,
    /// The framing has no whole frames.
    NoWholeFrames,
    /// Too little arrived.
    NoInput,
    /// No frame was made: of bytes none can be made, or encode refuses them all.
    NoFrame,
    /// All frames were too long for all of their prefixes to be tried.
    FramesTooLong,
    /// Neither of two that are joined was told of a frame.
    NothingSaid,
    /// No calls were chosen.
    NoCalls,
    /// No deadline was ever set.
    NoDeadline,
    /// Nothing was written, or a single byte.
    NothingWritten,
    /// The queue was never full.
    NeverFull,
    /// Nothing made the connection fail.
    NeverFailed,
    /// Nothing had been sent when the connection failed.
    NothingQueued,
}

impl Report {
    pub(super) fn new(laws: &[Law]) -> Self {
        let unexamined = Some(Unexamined::NoCase);
        let laws = laws.iter().map(|law| Examination { law: *law, cases: 0, unexamined });
        Self { cases: 0, laws: laws.collect() }
    }

    /// How many cases examined `law`.
    #[must_use]
    pub fn examined(&self, law: Law) -> u32 {
        self.of(law).map_or(0, |examination| examination.cases)
    }

    /// Why no case examined `law`; none if one did, or if it was not to be checked.
    #[must_use]
    pub fn unexamined(&self, law: Law) -> Option<Unexamined> {
        self.of(law)?.unexamined
    }

    fn of(&self, law: Law) -> Option<&Examination> {
        self.laws.iter().find(|examination| examination.law == law)
    }

    /// Why the check said little: no frame, or nothing at all.
    pub(super) fn vacuity(&self) -> Option<Unexamined> {
        let reasons = self.laws.iter().filter_map(|examination| examination.unexamined);
        let little = [Unexamined::NoCase, Unexamined::NoInput, Unexamined::NoFrame];
        reasons.filter(|why| little.contains(why)).max()
    }
}

impl Examination {
    pub(super) fn note(&mut self, examined: Result<(), Unexamined>) {
        match examined {
            Ok(()) => {
                self.cases += 1;
                self.unexamined = None;
            }
            Err(why) if self.cases == 0 => self.unexamined = self.unexamined.max(Some(why)),
            Err(_) => {}
        }
    }
}

/// A line for each law.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cases", self.cases)?;
        for Examination { law, cases, unexamined } in &self.laws {
            let name = law.name();
            match unexamined {
                Some(why) => write!(f, "\n  {name}: not examined, {why}")?,
                None => write!(f, "\n  {name}: {cases}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Unexamined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCase => "no case was tried",
            Self::NoModel => "no model was given",
            Self::NoWholeFrames => "the framing has no whole frames",
            Self::NoInput => "too little arrived",
            Self::NoFrame => {
                "no frame can be made of bytes, or encode refuses them all: give examples"
            }
            Self::FramesTooLong => "all frames were too long",
            Self::NothingSaid => "neither said anything",
            Self::NoCalls => "no calls were chosen",
            Self::NoDeadline => "no deadline was set",
            Self::NothingWritten => "nothing was written that can be taken in portions",
            Self::NeverFull => "the queue was never full",
            Self::NeverFailed => "nothing made it fail",
            Self::NothingQueued => "nothing was queued when it failed",
        })
    }
}
