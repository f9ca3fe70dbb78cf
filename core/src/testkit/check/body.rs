use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::Mutex;

use super::{Case, Failure, Report, Settings, Unexamined, hunt};
use crate::script::Script;
use crate::testkit::Law;

/// Where a script is written down.
pub type Recording = Arc<Mutex<Script>>;

/// What makes a [`Check`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Maker {
    /// [`Check::framing`].
    Framing,
    /// [`Check::protocol`].
    Protocol,
    /// [`Check::subject`].
    Subject,
    /// [`Check::pair`] or [`Check::pairs`].
    Pair,
}

/// What is put to the laws: a [framing](Check::framing), a [protocol](Check::protocol) or
/// [two that are joined](Check::pair).
pub trait Body {
    /// What makes its check, for the line that replays a case.
    fn maker(&self) -> Maker;

    /// Which laws there are to check, in this order.
    fn laws(&self) -> &[Law];

    /// Leaves out all laws but these.
    fn only(&mut self, laws: &[Law]);

    /// The most that one frame takes on the wire: lengths are tried around it.
    fn wire_len_max(&self) -> usize;

    /// How many examples there are to choose from.
    fn examples_len(&self) -> usize;

    /// Checks one law in one case.
    ///
    /// # Errors
    /// Why the case says nothing of the law.
    ///
    /// # Panics
    /// When it is broken.
    fn check(&self, law: Law, case: &Case) -> Result<(), Unexamined>;

    /// Writes down what is done with the connections of the cases that follow, or no longer.
    fn record(&self, recording: Option<Recording>);

    /// The bytes that arrive in a case.
    fn input(&self, case: &Case) -> Vec<u8>;

    /// The steps that a case comes to, a line each.
    fn steps(&self, case: &Case) -> Vec<String>;
}

/// A check with its settings.
///
/// ```
/// use drywire::framing::Netstring;
/// use drywire::testkit::check::Check;
///
/// Check::framing(Netstring::new().with_frame_len_max(100)).cases(50).run();
/// ```
#[derive(Debug)]
pub struct Check<B> {
    pub(super) body: B,
    settings: Settings,
}

impl<B: Body> Check<B> {
    /// Checks `body` with the default settings.
    pub const fn new(body: B) -> Self {
        Self { body, settings: Settings::new() }
    }

    /// Checks these laws alone, as far as they are about what is checked.
    ///
    /// # Panics
    /// If none of them is: nothing would be checked.
    #[must_use]
    #[track_caller]
    pub fn only(mut self, laws: &[Law]) -> Self {
        self.body.only(laws);
        assert!(!self.body.laws().is_empty(), "none of these laws is about what is checked");
        self
    }

    /// Tries so many cases.
    #[must_use]
    pub const fn cases(mut self, cases: u32) -> Self {
        self.settings.cases = cases;
        self
    }

    /// Tries other cases.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Changes all settings.
    #[must_use]
    pub const fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Checks all laws and says what was examined.
    ///
    /// # Panics
    /// When a law is broken, with the report that [`Failure`] displays, or when no frame could be
    /// made: then the check would say little. What is being checked panics once more before, in the
    /// smallest case, so that the report of that panic has its place in your code.
    #[track_caller]
    pub fn run(&self) -> Report {
        match self.try_run() {
            Ok(report) => report,
            Err(failure) => self.fail(&failure),
        }
    }

    /// Proptest says nothing of the panics that it catches.
    #[track_caller]
    fn fail(&self, failure: &Failure) -> ! {
        let check = || self.body.check(failure.law, &failure.case);
        let _ = catch_unwind(AssertUnwindSafe(check));
        panic!("{failure}");
    }

    /// As [`run`](Self::run), and returns what was broken.
    ///
    /// # Errors
    /// [`Failure`], the smallest that was found.
    ///
    /// # Panics
    /// When no frame could be made.
    pub fn try_run(&self) -> Result<Report, Failure> {
        let report = hunt::hunt(&self.body, &self.settings)?;
        if let Some(why) = report.vacuity() {
            panic!("{why}");
        }
        Ok(report)
    }

    /// Checks all laws for a case that a failure has printed or a fuzzer has found.
    ///
    /// # Panics
    /// When a law is broken, with the report that [`Failure`] displays.
    #[track_caller]
    pub fn replay(&self, case: &[u8]) {
        if let Err(failure) = self.try_replay(case) {
            self.fail(&failure);
        }
    }

    /// As [`replay`](Self::replay), and returns what was broken.
    ///
    /// # Errors
    /// [`Failure`], the smallest that was found.
    pub fn try_replay(&self, case: &[u8]) -> Result<(), Failure> {
        hunt::judge(&self.body, &self.settings, &Case::from_bytes(case))
    }

    /// What a case does, such as the input that a fuzzer has found, as a script.
    pub fn script(&self, case: &[u8]) -> Script {
        hunt::script(&self.body, None, &Case::from_bytes(case))
    }

    /// The cases that are tried, as inputs of a fuzz target.
    pub fn seeds(&self) -> impl Iterator<Item = Vec<u8>> + use<B> {
        hunt::samples(&self.body, &self.settings).map(|case| case.to_bytes())
    }
}
