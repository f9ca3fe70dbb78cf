//! A run of the cases.

use std::fmt;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::cases::{CASES, Case};
use super::lab::{Asked, Lab, THREAD};
use super::report::{Outcome, Report};
use super::runtime::Runtime;
use super::table::Table;
use super::variant::Variant;
use super::verdict::{Failure, Halt, Verdict};
use crate::PATIENCE;
use crate::certificates::Certificates;

/// How long a case may take in one variant, by default.
pub const CASE_TIME_MAX: Duration = Duration::from_secs(60);

/// Held by a run: two would be in each other's way, for some cases are of the whole process.
static ALONE: Mutex<()> = Mutex::new(());

/// Puts an adapter through every case, in every variant.
///
/// Cases change the limit of descriptors, send signals and measure the time of the process, so that
/// nothing else should run in it. Runs wait for each other.
///
/// It says nothing before it is done, which takes some seconds; [`Check::run_to`] does.
///
/// # Examples
/// ```no_run
/// use std::sync::Arc;
/// use drywire_conformance::adapter::Std;
/// use drywire_conformance::kit::check;
///
/// let report = check(Arc::new(Std));
/// assert!(report.is_passed(), "{report}");
/// ```
#[must_use]
pub fn check(runtime: Arc<dyn Runtime>) -> Report {
    Check::new(runtime).run()
}

/// A run to be made.
///
/// # Examples
/// Only some cases, with each line of the report as soon as it is known:
/// ```no_run
/// use std::io::stdout;
/// use std::sync::Arc;
/// use drywire_conformance::adapter::Std;
/// use drywire_conformance::kit::Check;
///
/// let resets = Check::names().filter(|name| name.starts_with("resets"));
/// let report = Check::new(Arc::new(Std)).cases(resets).run_to(stdout())?;
/// assert!(report.is_passed());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "nothing is checked before it runs"]
pub struct Check {
    runtime: Arc<dyn Runtime>,
    patience: Duration,
    case_time_max: Duration,
    chosen: Option<Vec<String>>,
}

impl Check {
    /// A run of every case.
    pub fn new(runtime: Arc<dyn Runtime>) -> Self {
        Self { runtime, patience: PATIENCE, case_time_max: CASE_TIME_MAX, chosen: None }
    }

    /// Waits so long for one thing to happen before a case fails; [`PATIENCE`] by default.
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Waits so long for a case in one variant before it has failed, whatever it does;
    /// [`CASE_TIME_MAX`] by default. What it is stuck in is left behind, and the next is begun.
    pub const fn case_time_max(mut self, case_time_max: Duration) -> Self {
        self.case_time_max = case_time_max;
        self
    }

    /// Only runs the cases of these names.
    ///
    /// # Panics
    /// If there is no case of a name: it would be missing without a word.
    #[track_caller]
    pub fn cases<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        for name in &names {
            assert!(Self::names().any(|known| known == *name), "there is no case \"{name}\"");
        }
        self.chosen = Some(names);
        self
    }

    /// The names of all cases, in the order of the report.
    pub fn names() -> impl Iterator<Item = String> {
        CASES.iter().map(Case::full_name)
    }

    /// Runs them.
    #[must_use]
    pub fn run(&self) -> Report {
        self.run_to(io::sink()).expect("nothing is refused there")
    }

    /// Runs them, and writes the report meanwhile: the name of each case when it begins, what became
    /// of it when it has ended.
    ///
    /// # Errors
    /// Those of `out`: they end the run.
    pub fn run_to(&self, mut out: impl Write) -> io::Result<Report> {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = Instant::now();
        let certificates = Arc::new(Certificates::new());
        let (mut table, mut outcomes) = (Table::default(), Vec::new());
        let mut tell = |text: String| out.write_all(text.as_bytes()).and_then(|()| out.flush());
        tell(Table::head(self.runtime.name()))?;
        for case in CASES.iter().filter(|case| self.is_chosen(case)) {
            tell(table.begin(case.group, case.name))?;
            let outcome = self.case(case, &certificates);
            tell(table.end(&outcome))?;
            outcomes.push(outcome);
        }
        let report = Report::new(self.runtime.name(), outcomes, begun.elapsed());
        tell(table.foot(&report) + "\n")?;
        Ok(report)
    }

    fn is_chosen(&self, case: &Case) -> bool {
        self.chosen.as_ref().is_none_or(|names| names.contains(&case.full_name()))
    }

    fn case(&self, case: &'static Case, certificates: &Arc<Certificates>) -> Outcome {
        let begun = Instant::now();
        let start = |variant: &Variant| self.start(case, *variant, Arc::clone(certificates));
        let verdicts = if case.is_alone {
            Variant::ALL.iter().map(|variant| start(variant).verdict()).collect()
        } else {
            let running: Vec<_> = Variant::ALL.iter().map(start).collect();
            running.into_iter().map(Running::verdict).collect()
        };
        Outcome { group: case.group, name: case.name, elapsed: begun.elapsed(), verdicts }
    }

    fn start(
        &self,
        case: &'static Case,
        variant: Variant,
        certificates: Arc<Certificates>,
    ) -> Running {
        let (runtime, asked) = (Arc::clone(&self.runtime), Arc::new(Asked::default()));
        let patience = self.patience;
        let lab = Lab { runtime, certificates, variant, patience, asked: Arc::clone(&asked) };
        let (sender, verdict) = channel();
        // It may be too late.
        let work = move || sender.send(judge(case, &lab)).unwrap_or_default();
        thread::Builder::new().name(THREAD.into()).spawn(work).expect("a thread can be started");
        Running { verdict, asked, begun: Instant::now(), time_max: self.case_time_max }
    }
}

/// A case that runs in one variant, in a thread of its own.
struct Running {
    verdict: Receiver<Verdict>,
    asked: Arc<Asked>,
    begun: Instant,
    time_max: Duration,
}

impl Running {
    fn verdict(self) -> Verdict {
        let left = self.time_max.saturating_sub(self.begun.elapsed());
        self.verdict
            .recv_timeout(left)
            .unwrap_or_else(|_| Verdict::Failed(self.asked.failure(self.time_max)))
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

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check")
            .field("runtime", &self.runtime.name())
            .field("patience", &self.patience)
            .field("case_time_max", &self.case_time_max)
            .field("chosen", &self.chosen)
            .finish()
    }
}
