//! What each law has a subject go through.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use std::sync::Mutex;

use super::Subjects;
use crate::error::Fault;
use crate::limits::Limits;
use crate::script::Script;
use crate::testkit::any_order::Choices;
use crate::testkit::check::plan::Plan;
use crate::testkit::check::play::{Account, Play};
use crate::testkit::check::{Case, Unexamined};
use crate::testkit::{Event, OwnedFrames, Subject};

/// Timeouts that a connection is waited for.
const TIMEOUTS_MAX: usize = 640;

/// How often a peer that never reads sends the same again.
const REPETITIONS_MAX: usize = 300;

/// Longest input that is read and answered byte by byte.
pub(super) const SINGLE_BYTES_LEN_MAX: usize = 2048;

/// A queue that is never full.
const WIDE: usize = 1 << 30;

impl<S: Subject, F: OwnedFrames + Clone> Subjects<S, F> {
    pub(super) fn play<'a>(&self, limits: Limits, input: &'a [u8]) -> Play<'a, S> {
        let high_water = limits.transmit_high_water.max(1);
        let mut subject = (self.make)(Arc::new(limits));
        if let Some(recording) = &*self.recording.borrow() {
            self.recorded.set(self.recorded.get() + 1);
            subject.record(Arc::<Mutex<Script>>::clone(recording), self.recorded.get());
        }
        Play::new(subject, high_water, input)
    }

    pub(super) fn account(
        &self,
        limits: Limits,
        input: &[u8],
        plan: &Plan<'_>,
    ) -> Account<S::Owned> {
        let mut play = self.play(limits, input);
        play.converse(plan);
        play.account()
    }

    /// What comes of the input when everything is read and written at once.
    pub(super) fn plainly(&self, input: &[u8]) -> Account<S::Owned> {
        self.account(wide(), input, &Plan { ends: true, ..Plan::default() })
    }

    /// Another plan must come to the same, which is returned with what was played.
    pub(super) fn same<'a>(
        &self,
        limits: Limits,
        input: &'a [u8],
        plan: &Plan<'_>,
    ) -> (Account<S::Owned>, Play<'a, S>) {
        let expected = self.plainly(input);
        let mut play = self.play(limits, input);
        play.converse(plan);
        assert_same(&play.account(), &expected);
        (expected, play)
    }

    /// The output is taken in portions; there must be some that can be.
    pub(super) fn portioned(
        &self,
        case: &Case,
        input: &[u8],
        ends: Plan<'_>,
    ) -> Result<(), Unexamined> {
        let plan = Plan { portions: &case.portions, ..ends };
        let (expected, _) = self.same(wide(), input, &plan);
        if input.len() <= SINGLE_BYTES_LEN_MAX {
            self.same(wide(), input, &Plan { portions: &[1], cuts: &case.cuts, ..ends });
        }
        if expected.written.len() < 2 { Err(Unexamined::NothingWritten) } else { Ok(()) }
    }

    /// The queue is small; it must have been full once.
    pub(super) fn full(&self, case: &Case, input: &[u8], ends: Plan<'_>) -> Result<(), Unexamined> {
        let limits = Limits { turn_frames_max: 1024, ..small(case) };
        let plan = Plan { holds: true, cuts: &case.cuts, ..ends };
        let (_, play) = self.same(limits, input, &plan);
        if play.was_full { Ok(()) } else { Err(Unexamined::NeverFull) }
    }

    pub(super) fn bounded(&self, case: &Case, input: &[u8]) {
        let mut play = self.play(small(case), input);
        for _ in 0..REPETITIONS_MAX {
            play.go_on(|play| play.read(&case.cuts, false) | play.pump());
            if !play.subject.interest().read {
                return;
            }
            play.again();
        }
    }

    pub(super) fn deadlines(&self, case: &Case, input: &[u8]) -> Result<(), Unexamined> {
        // Half of it arrives, so that a frame may be waited for.
        let mut play = self.play(wide(), &input[..input.len() / 2]);
        play.converse(&Plan { cuts: &case.cuts, ..Plan::default() });
        if play.wait(TIMEOUTS_MAX) { Ok(()) } else { Err(Unexamined::NoDeadline) }
    }

    pub(super) fn any_order(&self, case: &Case, input: &[u8]) -> Result<(), Unexamined> {
        let mut play = self.play(small(case), input);
        let mut choices = Choices::new(&case.choices);
        while !choices.is_empty() {
            play.call(&mut choices);
        }
        play.finish();
        if case.choices.is_empty() { Err(Unexamined::NoCalls) } else { Ok(()) }
    }

    pub(super) fn misuse(&self, case: &Case, input: &[u8]) {
        let mut play = self.play(small(case), input);
        play.misuse();
        play.go_on(|play| {
            play.misuse();
            play.read(&case.cuts, false) | play.pump() | play.write(&case.portions)
        });
        play.end();
        play.misuse();
        play.pump();
        play.misuse();
    }

    pub(super) fn sticky(&self, case: &Case, input: &[u8]) -> Result<(), Unexamined> {
        let mut play = self.play(wide(), input);
        play.converse(&Plan { cuts: &case.cuts, holds: true, ends: true, ..Plan::default() });
        let failed = |event: &Event<S::Owned>| matches!(event, Event::Failed(_));
        let at = play.subject.events().iter().position(failed).ok_or(Unexamined::NeverFailed)?;
        for _ in 0..3 {
            play.again();
            play.converse(&Plan { ends: true, ..Plan::default() });
            play.timeout();
        }
        play.wait(TIMEOUTS_MAX);
        let events = play.subject.events();
        let Event::Failed(reason) = &events[at] else { return Err(Unexamined::NeverFailed) };
        match &events[at + 1..] {
            [] => {}
            [Event::Closed(closed)] => {
                assert_eq!(closed, reason, "closed for another reason than it failed for");
            }
            more => panic!("after {reason:?} there came {more:?}"),
        }
        Ok(())
    }

    pub(super) fn flushed(&self, case: &Case, input: &[u8]) -> Result<(), Unexamined> {
        let plan = Plan { cuts: &case.cuts, holds: true, ends: true, ..Plan::default() };
        let (expected, _) = self.same(wide(), input, &plan);
        if !expected.events.iter().any(|event| matches!(event, Event::Failed(_))) {
            return Err(Unexamined::NeverFailed);
        }
        if expected.written.is_empty() { Err(Unexamined::NothingQueued) } else { Ok(()) }
    }

    pub(super) fn ends(&self, case: &Case, input: &[u8]) {
        let mut play = self.play(small(case), input);
        let first = Choices::new(&case.choices).byte();
        for _ in 0..first % 4 {
            let _ = play.read(&case.cuts, false) | play.pump();
        }
        play.subject.transmit_failed(Fault::Reset, play.subject.now());
        play.go_on(|play| play.pump() | play.read(&case.cuts, false));
        play.end();
        play.go_on(Play::pump);
        let reason = play.subject.close_reason();
        assert!(reason.is_some(), "the transport is gone both ways, and it is not over");
        assert!(play.subject.is_closed(), "it is over, and nobody was told");
    }
}

fn assert_same<T: fmt::Debug + PartialEq>(found: &Account<T>, expected: &Account<T>) {
    if found == expected {
        return;
    }
    let mut report = String::new();
    if found.events == expected.events {
        report.push_str("the same steps");
    } else {
        let pairs = found.events.iter().zip(&expected.events);
        let at = pairs.take_while(|(found, expected)| found == expected).count();
        let told = |events: &[Event<T>]| match events.get(at) {
            Some(event) => format!("{event:?}"),
            None => "nothing".into(),
        };
        let (found, expected) = (told(&found.events), told(&expected.events));
        report.push_str(&format!("step {}: {found} instead of {expected}", at + 1));
    }
    if found.written != expected.written {
        let (found, expected) = (shown(&found.written), shown(&expected.written));
        report.push_str(&format!("\nwritten: b\"{found}\" instead of b\"{expected}\""));
    }
    if found.is_shut != expected.is_shut {
        let not = if found.is_shut { "" } else { "not " };
        report.push_str(&format!("\nthe write side was {not}shut down"));
    }
    panic!("{report}");
}

/// Bytes to be read by people, the end of many of them.
pub(super) fn shown(bytes: &[u8]) -> String {
    let start = bytes.len().saturating_sub(100);
    let before = if start > 0 { format!("... {start} bytes ...") } else { String::new() };
    format!("{before}{}", bytes[start..].escape_ascii())
}

/// Lengths for an input that is cut into a few thousand pieces at most.
pub(super) fn scaled(lens: &[u16], input_len: usize) -> Vec<u16> {
    let factor = u16::try_from(1 + input_len / SINGLE_BYTES_LEN_MAX).unwrap_or(u16::MAX);
    lens.iter().map(|len| len.saturating_mul(factor)).collect()
}

/// Limits that refuse nothing.
pub(super) fn wide() -> Limits {
    let mut limits = Limits::new();
    limits.transmit_high_water = WIDE;
    limits.transmit_low_water = WIDE / 2;
    limits
}

/// Limits that refuse much.
pub(super) fn small(case: &Case) -> Limits {
    let mut choices = Choices::new(&case.choices);
    let mut limits = Limits::new();
    limits.transmit_high_water = choices.pick(&[50, 1, 1000, 20_000]);
    limits.transmit_low_water = choices.pick(&[20, 0, 100_000]);
    limits.receive_backlog_max = choices.pick(&[64 * 1024, 0, 100]);
    limits.turn_frames_max = choices.pick(&[1, 2, 1024]);
    limits
}
