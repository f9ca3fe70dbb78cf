//! What became of an adapter, case by case.

use std::fmt;
use std::time::Duration;

use super::table::Table;
use super::variant::Variant;
use super::verdict::{Failure, Verdict};

/// What became of an adapter. Prints as a table.
#[derive(Clone, Debug)]
pub struct Report {
    runtime: &'static str,
    outcomes: Vec<Outcome>,
    elapsed: Duration,
}

/// What became of one case.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// The heading that it stands under.
    pub group: &'static str,
    /// Its name.
    pub name: &'static str,
    /// How long it took in all variants.
    pub elapsed: Duration,
    pub(super) verdicts: Vec<Verdict>,
}

/// How many verdicts there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) not_applicable: usize,
}

impl Report {
    pub(super) const fn new(
        runtime: &'static str,
        outcomes: Vec<Outcome>,
        elapsed: Duration,
    ) -> Self {
        Self { runtime, outcomes, elapsed }
    }

    /// The name of the adapter.
    #[must_use]
    pub const fn runtime(&self) -> &'static str {
        self.runtime
    }

    /// Whether no case failed, and one passed.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        let counts = self.counts();
        counts.failed == 0 && counts.passed > 0
    }

    /// Each case with what became of it.
    #[must_use]
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// What failed, where.
    pub fn failures(&self) -> impl Iterator<Item = (&Outcome, Variant, &Failure)> {
        self.outcomes.iter().flat_map(|outcome| {
            outcome.verdicts().filter_map(move |(variant, verdict)| match verdict {
                Verdict::Failed(failure) => Some((outcome, variant, failure)),
                Verdict::Passed | Verdict::NotApplicable(_) => None,
            })
        })
    }

    /// How long the run took.
    #[must_use]
    pub const fn elapsed(&self) -> Duration {
        self.elapsed
    }

    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for verdict in self.outcomes.iter().flat_map(|outcome| &outcome.verdicts) {
            match verdict {
                Verdict::Passed => counts.passed += 1,
                Verdict::Failed(_) => counts.failed += 1,
                Verdict::NotApplicable(_) => counts.not_applicable += 1,
            }
        }
        counts
    }
}

impl Outcome {
    /// What became of it in each [`Variant`], in the order of [`Variant::ALL`].
    pub fn verdicts(&self) -> impl Iterator<Item = (Variant, &Verdict)> {
        Variant::ALL.iter().copied().zip(&self.verdicts)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::default();
        f.write_str(&Table::head(self.runtime))?;
        for outcome in &self.outcomes {
            f.write_str(&table.begin(outcome.group, outcome.name))?;
            f.write_str(&table.end(outcome))?;
        }
        f.write_str(&table.foot(self))
    }
}
