use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use core::ops::Range;
use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use super::end::{Ended, Overrun};
use super::plan::Plan;
use super::sim::Sim;
use crate::time::Instant;

/// How often a scenario is run at most to make one failure smaller.
const RUNS_MAX: usize = 2_000;

/// How much of a time-line is shown with a failure.
const ENTRIES_MAX: usize = 400;

/// What must hold in a simulation does not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// What is wrong.
    pub what: String,
    /// When it was found.
    pub at: Option<Instant>,
    /// What had happened, if that was kept.
    timeline: Option<String>,
}

impl Violation {
    /// Says what is wrong in `sim` as it stands.
    #[must_use]
    pub fn new(sim: &Sim, what: impl Into<String>) -> Self {
        let timeline = sim.timeline().map(ToString::to_string);
        Self { what: what.into(), at: Some(sim.now()), timeline }
    }
}

/// Without a time.
impl From<String> for Violation {
    fn from(what: String) -> Self {
        Self { what, at: None, timeline: None }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match self.at {
            Some(at) => write!(f, ", at {at}"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for Violation {}

/// Invariants.
impl Sim {
    /// Runs to the end and checks `invariant` after each event.
    ///
    /// # Errors
    /// A [`Violation`] with what `invariant` says is wrong, or that the run [overran](Overrun).
    ///
    /// # Panics
    /// As [`step`](Self::step).
    pub fn run_checked(
        &mut self,
        mut invariant: impl FnMut(&Self) -> Result<(), String>,
    ) -> Result<Ended, Violation> {
        let mut wrong = None;
        let ended = self.run_until(|sim| {
            wrong = invariant(sim).err();
            wrong.is_some()
        });
        match (wrong, ended) {
            (Some(what), _) => Err(Violation::new(self, what)),
            (None, Err(overrun)) => Err(Violation::new(self, overrun.to_string())),
            (None, Ok(ended)) => Ok(ended),
        }
    }

    /// Says that the run overran.
    #[must_use]
    pub fn overran(&self, overrun: &Overrun) -> Violation {
        Violation::new(self, overrun.to_string())
    }
}

/// A scenario that fails, as it was found and as small as it was made.
///
/// Printed, it says what is wrong, which plans fail, and what happened in the smaller one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Failure {
    /// The plan that was found to fail.
    pub found: Plan,
    /// The smallest that fails.
    pub smallest: Plan,
    /// What is wrong in it.
    pub violation: Violation,
    /// How often the scenario was run in all.
    pub runs: usize,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { found, smallest, violation, runs } = self;
        writeln!(f, "{violation}")?;
        writeln!(f, "replay: {smallest}")?;
        if found != smallest {
            writeln!(f, "found:  {found}")?;
        }
        writeln!(f, "after {runs} runs")?;
        match &violation.timeline {
            Some(timeline) => write!(f, "\n{timeline}"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for Failure {}

/// Runs a scenario for a range of seeds. Returns how many there were, all of which passed.
///
/// `plan` says what a seed stands for, `run` is the scenario: it makes a simulation of
/// [`Plan::sim`], runs it and says what is wrong, for which [`Sim::run_checked`] is meant. The
/// first plan that fails is made smaller as long as it still fails: fewer connections, fewer
/// faults, a simpler link, earlier faults, a shorter run. A scenario may panic too, as assertions
/// do.
///
/// # Errors
/// The [`Failure`], which prints what replays it.
///
/// # Examples
/// ```
/// use drywire::framing::Lines;
/// use drywire::protocol::Echo;
/// use drywire::testkit::sim::{Link, Party, Plan, explore};
/// use drywire::testkit::{Talker, Then};
///
/// let plan = |seed| Plan::new(seed).connections(3).link(Link::new().segments(1..=4));
/// let passed = explore(0..50, plan, |plan| {
///     let mut sim = plan.sim();
///     for _ in 0..plan.connection_count() {
///         let talker = Talker::new(Lines::new(), vec![b"hello".to_vec()], Then::Finish);
///         let echo = Echo::new(Lines::new());
///         sim.connect(Party::plain("client", talker), Party::plain("server", echo));
///     }
///     sim.run_checked(|sim| match sim.close_reasons().find(|reason| !reason.is_clean()) {
///         Some(reason) => Err(format!("an end that is not clean: {reason}")),
///         None => Ok(()),
///     })?;
///     Ok(())
/// });
/// assert_eq!(passed, Ok(50));
/// ```
pub fn explore(
    seeds: Range<u64>,
    plan: impl Fn(u64) -> Plan,
    run: impl Fn(&Plan) -> Result<(), Violation>,
) -> Result<u64, Box<Failure>> {
    let mut runs = 0;
    let count = seeds.end.saturating_sub(seeds.start);
    for seed in seeds {
        let found = plan(seed);
        runs += 1;
        if let Err(violation) = attempt(&run, &found) {
            return Err(Box::new(minimise(found, violation, &run, runs)));
        }
    }
    Ok(count)
}

/// Makes a plan that fails smaller, one part at a time, until no smaller one fails.
fn minimise(
    found: Plan,
    violation: Violation,
    run: &impl Fn(&Plan) -> Result<(), Violation>,
    runs_before: usize,
) -> Failure {
    let (mut smallest, mut violation, mut runs) = (found.clone(), violation, 0);
    'smaller: loop {
        for plan in smallest.smaller() {
            if runs == RUNS_MAX {
                break 'smaller;
            }
            runs += 1;
            if let Err(smaller) = attempt(run, &plan) {
                (smallest, violation) = (plan, smaller);
                continue 'smaller;
            }
        }
        break;
    }
    // Once more, for the time-line.
    if let Err(told) = attempt(run, &smallest.clone().with_timeline(ENTRIES_MAX)) {
        violation = told;
    }
    Failure { found, smallest, violation, runs: runs_before + runs + 1 }
}

/// Runs a scenario once; a panic is a violation too.
fn attempt(run: &impl Fn(&Plan) -> Result<(), Violation>, plan: &Plan) -> Result<(), Violation> {
    // What the scenario made is gone with it: nothing that a panic left half done is seen again.
    catch_unwind(AssertUnwindSafe(|| run(plan))).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().cloned();
        let said = said.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        Err(format!("panicked: {}", said.unwrap_or_default()).into())
    })
}
