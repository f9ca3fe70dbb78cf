//! A run of all cases, and the table of what became of them.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::cases::{CASES, Case};
use super::lab::{Lab, THREAD};
use super::runtime::Runtime;
use super::variant::Variant;
use super::verdict::{Failure, Halt, Verdict};
use crate::PATIENCE;
use crate::certificates::Certificates;

/// Held by a run: two would be in each other's way, for some cases are of the whole process.
static ALONE: Mutex<()> = Mutex::new(());

/// Puts an adapter through every case, in every variant.
///
/// Cases change the limit of descriptors, send signals and measure the time of the process, so that
/// nothing else should run in it. Runs wait for each other.
///
/// # Examples
/// ```no_run
/// use std::sync::Arc;
/// use drywire_conformance::adapter::Std;
/// use drywire_conformance::kit::check;
///
/// let report = check(Arc::new(Std));
/// println!("{report}");
/// assert!(report.is_passed());
/// ```
#[must_use]
pub fn check(runtime: Arc<dyn Runtime>) -> Report {
    Check::new(runtime).run()
}

/// A run to be made.
#[derive(Clone)]
#[must_use = "nothing is checked before it runs"]
pub struct Check {
    runtime: Arc<dyn Runtime>,
    patience: Duration,
    chosen: Option<Vec<String>>,
}

impl Check {
    /// A run of every case.
    pub fn new(runtime: Arc<dyn Runtime>) -> Self {
        Self { runtime, patience: PATIENCE, chosen: None }
    }

    /// Waits so long for one thing to happen before a case fails; [`PATIENCE`] by default.
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Only runs the cases of these names.
    pub fn cases<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.chosen = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// The names of all cases, in the order of the report.
    pub fn names() -> impl Iterator<Item = String> {
        CASES.iter().map(Case::full_name)
    }

    /// Runs them.
    #[must_use]
    pub fn run(&self) -> Report {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = Instant::now();
        let certificates = Arc::new(Certificates::new());
        let is_chosen = |case: &&Case| {
            self.chosen.as_ref().is_none_or(|names| names.contains(&case.full_name()))
        };
        let outcomes = CASES.iter().filter(is_chosen).map(|case| self.case(case, &certificates));
        let outcomes = outcomes.collect();
        Report { runtime: self.runtime.name(), outcomes, elapsed: begun.elapsed() }
    }

    fn case(&self, case: &Case, certificates: &Arc<Certificates>) -> Outcome {
        let begun = Instant::now();
        let run = |variant| {
            let lab = Lab {
                runtime: Arc::clone(&self.runtime),
                certificates: Arc::clone(certificates),
                variant,
                patience: self.patience,
            };
            judge(case, &lab)
        };
        let verdicts = if case.is_alone {
            Variant::ALL.map(run)
        } else {
            thread::scope(|scope| {
                let run = &run;
                let start = |variant| {
                    let thread = thread::Builder::new().name(THREAD.into());
                    thread.spawn_scoped(scope, move || run(variant)).expect("a thread")
                };
                Variant::ALL.map(start).map(|thread| thread.join().expect("panics are caught"))
            })
        };
        Outcome { group: case.group, name: case.name, verdicts, elapsed: begun.elapsed() }
    }
}

impl Case {
    fn full_name(&self) -> String {
        format!("{}: {}", self.group, self.name)
    }
}

fn judge(case: &Case, lab: &Lab) -> Verdict {
    match catch_unwind(AssertUnwindSafe(|| (case.run)(lab))) {
        Ok(Ok(())) => Verdict::Passed,
        Ok(Err(Halt::Failed(failure))) => Verdict::Failed(failure),
        Ok(Err(Halt::NotApplicable(reason))) => Verdict::NotApplicable(reason),
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(ToString::to_string);
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            let seen = format!("a panic: {}", text.unwrap_or_default());
            Verdict::Failed(Failure::new("the case to end", seen))
        }
    }
}

/// What became of an adapter.
#[derive(Clone, Debug)]
pub struct Report {
    runtime: &'static str,
    outcomes: Vec<Outcome>,
    elapsed: Duration,
}

/// What became of one case.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The heading that it stands under.
    pub group: &'static str,
    /// Its name.
    pub name: &'static str,
    /// One for each of [`Variant::ALL`].
    pub verdicts: [Verdict; 8],
    /// How long all of them took.
    pub elapsed: Duration,
}

impl Report {
    /// Whether no case failed, and one passed.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        self.count(|verdict| matches!(verdict, Verdict::Failed(_))) == 0
            && self.count(|verdict| *verdict == Verdict::Passed) > 0
    }

    /// Each case with what became of it.
    #[must_use]
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// What failed, where.
    pub fn failures(&self) -> impl Iterator<Item = (&Outcome, Variant, &Failure)> {
        self.outcomes.iter().flat_map(|outcome| {
            Variant::ALL.into_iter().zip(&outcome.verdicts).filter_map(move |(variant, verdict)| {
                match verdict {
                    Verdict::Failed(failure) => Some((outcome, variant, failure)),
                    Verdict::Passed | Verdict::NotApplicable(_) => None,
                }
            })
        })
    }

    fn count(&self, is: impl Fn(&Verdict) -> bool) -> usize {
        let verdicts = self.outcomes.iter().flat_map(|outcome| &outcome.verdicts);
        verdicts.filter(|verdict| is(verdict)).count()
    }
}

/// Columns of a case's name.
const NAME_LEN: usize = 44;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:NAME_LEN$}server                      client", self.runtime)?;
        write!(f, "{:NAME_LEN$}", "")?;
        for variant in Variant::ALL {
            let gap = if variant.stream() == "unix+tls" { 10 } else { 6 };
            write!(f, "{:gap$}", variant.stream())?;
        }
        writeln!(f, "    ms")?;
        // Why something does not apply is said once.
        let mut reasons: Vec<&str> = Vec::new();
        let mut group = "";
        for outcome in &self.outcomes {
            if outcome.group != group {
                group = outcome.group;
                writeln!(f, "{group}")?;
            }
            write!(f, "  {:1$}", outcome.name, NAME_LEN - 2)?;
            for (variant, verdict) in Variant::ALL.iter().zip(&outcome.verdicts) {
                let gap = if variant.stream() == "unix+tls" { 10 } else { 6 };
                let cell = match verdict {
                    Verdict::Passed => "ok".to_owned(),
                    Verdict::Failed(_) => "FAIL".to_owned(),
                    Verdict::NotApplicable(reason) => {
                        let known = reasons.iter().position(|known| known == reason);
                        let at = known.unwrap_or_else(|| {
                            reasons.push(reason);
                            reasons.len() - 1
                        });
                        format!("- ({})", at + 1)
                    }
                };
                write!(f, "{cell:gap$}")?;
            }
            writeln!(f, "{:6}", outcome.elapsed.as_millis())?;
        }
        writeln!(f)?;
        for (outcome, variant, failure) in self.failures() {
            writeln!(f, "FAIL {}: {}, {variant}: {failure}", outcome.group, outcome.name)?;
        }
        for (at, reason) in reasons.iter().enumerate() {
            writeln!(f, "({}) does not apply: {reason}", at + 1)?;
        }
        write!(
            f,
            "{}: {} passed, {} failed, {} not applicable, {:.1} s",
            self.runtime,
            self.count(|verdict| *verdict == Verdict::Passed),
            self.count(|verdict| matches!(verdict, Verdict::Failed(_))),
            self.count(|verdict| matches!(verdict, Verdict::NotApplicable(_))),
            self.elapsed.as_secs_f64()
        )
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check")
            .field("runtime", &self.runtime.name())
            .field("patience", &self.patience)
            .field("chosen", &self.chosen)
            .finish()
    }
}
