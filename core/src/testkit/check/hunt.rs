//! The search for a case that breaks a law, and for a small one.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use std::sync::{MutexGuard, PoisonError};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use super::{Body, Case, Failure, Recording, Report, Sample, Settings, case};
use crate::script::Script;
use crate::testkit::Law;

/// Work that is done to make a case smaller, in bytes of input: it is proportional to how long a
/// case takes, and there is no clock here.
const WORK_MAX: usize = 4 * 1024 * 1024;

/// What a case of no bytes counts for.
const CASE_WORK: usize = 1024;

/// A law that takes as long as many others is checked in one of so many cases, once it was examined.
const COSTLY_EVERY: u32 = 8;

/// Tries cases until one breaks a law. Then looks for the smallest.
pub(super) fn hunt<B: Body>(body: &B, settings: &Settings) -> Result<Report, Failure> {
    let broken = Cell::new(None);
    let work = Cell::new(0);
    let report = RefCell::new(Report::new(body.laws()));
    let mut runner = runner(settings);
    let result = runner.run(&cases(body), |case| {
        if broken.get().is_some() {
            work.set(work.get() + CASE_WORK + body.input(&case).len());
            if work.get() > WORK_MAX {
                return Ok(());
            }
        }
        let Report { cases, laws } = &mut *report.borrow_mut();
        for examination in laws {
            let law = examination.law;
            // A smaller case counts if it breaks the same law.
            let is_chosen = match broken.get() {
                Some(broken) => broken == law,
                None => !is_costly(law) || examination.cases == 0 || *cases % COSTLY_EVERY == 0,
            };
            if is_chosen {
                let before = broken.replace(Some(law));
                examination.note(body.check(law, &case));
                broken.set(before);
            }
        }
        *cases += 1;
        Ok(())
    });
    let case = match result {
        Ok(()) => return Ok(report.into_inner()),
        Err(TestError::Fail(_, case)) => case,
        Err(TestError::Abort(reason)) => panic!("no cases: {reason}"),
    };
    let law = broken.get().expect("a law was being checked");
    Err(failure(body, settings, law, case))
}

/// Whether it makes handshakes.
const fn is_costly(law: Law) -> bool {
    matches!(law, Law::TlsTransparency)
}

fn cases<B: Body>(body: &B) -> impl Strategy<Value = Case> + use<B> {
    case::strategy(body.wire_len_max(), body.examples_len())
}

/// Checks all laws in one case.
pub(super) fn judge<B: Body>(body: &B, settings: &Settings, case: &Case) -> Result<(), Failure> {
    let broken = Cell::new(None);
    let judged = quietly(|| {
        for law in body.laws() {
            broken.set(Some(*law));
            let _ = body.check(*law, case);
        }
    });
    match (judged, broken.get()) {
        (Err(_), Some(law)) => Err(failure(body, settings, law, case.clone())),
        _ => Ok(()),
    }
}

fn failure<B: Body>(body: &B, settings: &Settings, law: Law, case: Case) -> Failure {
    let case = Smallest { body, law, tries: settings.shrinks, work: 0 }.of(case);
    let message = message(body, law, &case).unwrap_or_else(|| {
        "it was broken once, and not when it was tried again: something outside of the case \
         decides"
            .to_string()
    });
    let (steps, script) = (steps(body, &case), script(body, Some(law), &case));
    Failure {
        law,
        message,
        maker: body.maker(),
        input: quietly(|| body.input(&case)).unwrap_or_default(),
        steps,
        case: Box::new(case),
        script,
    }
}

/// What a law does with a case, or what comes of the case.
pub(super) fn script<B: Body>(body: &B, law: Option<Law>, case: &Case) -> Script {
    let recording = Recording::default();
    body.record(Some(Arc::clone(&recording)));
    if let Some(law) = law {
        let _ = message(body, law, case);
    }
    let is_empty = |recording: &Recording| locked(recording).entries.is_empty();
    if is_empty(&recording) {
        let _ = steps(body, case);
    }
    body.record(None);
    core::mem::take(&mut *locked(&recording))
}

fn locked(recording: &Recording) -> MutexGuard<'_, Script> {
    recording.lock().unwrap_or_else(PoisonError::into_inner)
}

fn steps<B: Body>(body: &B, case: &Case) -> Vec<String> {
    quietly(|| body.steps(case)).unwrap_or_else(|message| vec![format!("panic: {message}")])
}

/// What breaks the law in this case.
fn message<B: Body>(body: &B, law: Law, case: &Case) -> Option<String> {
    quietly(|| body.check(law, case)).err()
}

/// Calls something that may panic, and says what it said.
fn quietly<T>(call: impl Fn() -> T) -> Result<T, String> {
    let result = Cell::new(None);
    let mut runner = runner(&Settings { cases: 1, shrinks: 0, ..Settings::new() });
    let ran = runner.run(&Just(()), |()| {
        result.set(Some(call()));
        Ok(())
    });
    match ran {
        Ok(()) => Ok(result.take().expect("it was called")),
        Err(TestError::Fail(reason, ())) => Err(reason.message().to_string()),
        Err(TestError::Abort(reason)) => Err(reason.message().to_string()),
    }
}

/// A runner that takes nothing from the environment, leaves nothing behind and says nothing.
fn runner(settings: &Settings) -> TestRunner {
    let config = Config {
        cases: settings.cases,
        max_shrink_iters: settings.shrinks,
        max_shrink_time: 0,
        max_global_rejects: 0,
        max_local_rejects: 0,
        failure_persistence: None,
        source_file: None,
        test_name: None,
        verbose: 0,
        rng_algorithm: RngAlgorithm::ChaCha,
        ..Config::default()
    };
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&settings.seed.to_le_bytes());
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}

/// Cases as a check tries them, for seeds.
pub(super) fn samples<B: Body>(
    body: &B,
    settings: &Settings,
) -> impl Iterator<Item = Case> + use<B> {
    let (cases, mut runner) = (cases(body), runner(settings));
    (0..settings.cases).filter_map(move |_| Some(cases.new_tree(&mut runner).ok()?.current()))
}

/// Looks for the smallest case that breaks a law: proptest has made its parts small, here it goes
/// on with the bytes themselves.
struct Smallest<'a, B> {
    body: &'a B,
    law: Law,
    tries: u32,
    work: usize,
}

impl<B: Body> Smallest<'_, B> {
    fn of(mut self, mut case: Case) -> Case {
        loop {
            let before = case.clone();
            self.shorten(&mut case, |case| &mut case.damage);
            self.shorten(&mut case, |case| &mut case.frames);
            self.simplify_frames(&mut case);
            // Only now: a frame of few bytes is easier to find than bytes that are one.
            if !(case.frames.is_empty() && case.damage.is_empty()) {
                if let Ok(input) = quietly(|| self.body.input(&case)) {
                    let raw = case.raw(input);
                    self.take(&mut case, raw);
                }
            }
            self.shorten(&mut case, |case| &mut case.tail);
            self.shorten(&mut case, |case| &mut case.portions);
            self.shorten(&mut case, |case| &mut case.choices);
            self.shorten(&mut case, |case| &mut case.cuts);
            self.simplify(&mut case, |case| &mut case.tail, b"a0");
            self.simplify(&mut case, |case| &mut case.choices, &[0]);
            self.simplify(&mut case, |case| &mut case.cuts, &[1]);
            self.simplify(&mut case, |case| &mut case.portions, &[1]);
            if case == before || self.tries == 0 {
                return case;
            }
        }
    }

    /// Takes the other case if it breaks the law too.
    fn take(&mut self, case: &mut Case, other: Case) -> bool {
        if self.tries == 0 || other == *case {
            return false;
        }
        self.tries -= 1;
        self.work += CASE_WORK + quietly(|| self.body.input(&other).len()).unwrap_or_default();
        if self.work > WORK_MAX {
            self.tries = 0;
            return false;
        }
        let breaks = message(self.body, self.law, &other).is_some();
        if breaks {
            *case = other;
        }
        breaks
    }

    /// Leaves out runs of entries, long ones first.
    fn shorten<T: Clone>(&mut self, case: &mut Case, of: impl Fn(&mut Case) -> &mut Vec<T>) {
        let mut run = of(case).len();
        while run > 0 {
            let mut at = 0;
            while at + run <= of(case).len() {
                let mut other = case.clone();
                of(&mut other).drain(at..at + run);
                if !self.take(case, other) {
                    at += run;
                }
            }
            run /= 2;
        }
    }

    /// Puts a simple entry in the place of others.
    fn simplify<T: Copy + PartialEq>(
        &mut self,
        case: &mut Case,
        of: impl Fn(&mut Case) -> &mut Vec<T>,
        simple: &[T],
    ) {
        for at in 0..of(case).len() {
            if simple.contains(&of(case)[at]) {
                continue;
            }
            for entry in simple {
                let mut other = case.clone();
                of(&mut other)[at] = *entry;
                if self.take(case, other) {
                    break;
                }
            }
        }
    }

    /// Makes frames of a letter and of few bytes.
    fn simplify_frames(&mut self, case: &mut Case) {
        for at in 0..case.frames.len() {
            let Sample::Bytes { len, .. } = case.frames[at] else { continue };
            let with = |case: &Case, sample| {
                let mut other = case.clone();
                other.frames[at] = sample;
                other
            };
            let other = with(case, Sample::Bytes { len, letters: b"a".to_vec() });
            self.take(case, other);
            let (mut low, mut high) = (0, len);
            while low < high {
                let Sample::Bytes { ref letters, .. } = case.frames[at] else { break };
                let middle = low + (high - low) / 2;
                let other = with(case, Sample::Bytes { len: middle, letters: letters.clone() });
                if self.take(case, other) {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
        }
    }
}
