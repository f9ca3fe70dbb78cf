//! All laws of a protocol on its connection.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::fmt;
use std::sync::Mutex;

use super::plan::Plan;
use super::play::{Account, Play};
use super::{Body, Case, Check, Maker, Recording, Unexamined};
use crate::connection::Connection;
use crate::error::Fault;
use crate::limits::Limits;
use crate::protocol::Protocol;
use crate::script::Script;
use crate::testkit::any_order::Choices;
use crate::testkit::{End, Event, Law, OwnedFrames, Subject};
#[cfg(feature = "tls")]
use crate::testkit::{Pair, Talker, Then, laws::connection::transparent};
use crate::time::Instant;
#[cfg(feature = "tls")]
use crate::tls::TlsSession;

/// Timeouts that a connection is waited for.
const TIMEOUTS_MAX: usize = 640;

/// How often a peer that never reads sends the same again.
const REPETITIONS_MAX: usize = 300;

/// Longest input that is read and answered byte by byte.
const SINGLE_BYTES_LEN_MAX: usize = 2048;

/// A queue that is never full.
const WIDE: usize = 1 << 30;

/// The laws of a protocol.
const LAWS: [Law; 13] = [
    Law::Deterministic,
    Law::InputCut,
    Law::OutputCut,
    Law::Turns,
    Law::EndAfterData,
    Law::FullLosesNothing,
    Law::BoundedMemory,
    Law::DeadlinesMoveForward,
    Law::AnyOrder,
    Law::MisuseChangesNothing,
    Law::StickyErrors,
    Law::FlushedAfterError,
    Law::EndsWithTransport,
];

/// Makes what is driven, with limits.
type Make<S> = Box<dyn Fn(Arc<Limits>) -> S>;

/// Checks what needs to know more of a subject than that it is one.
type Special<S, F> = Box<dyn Fn(&Subjects<S, F>, &Case) -> Result<(), Unexamined>>;

/// A connection with its protocol that is put to the laws; made by [`Check::protocol`].
///
/// `F` is the framing in which the peer speaks.
pub struct Subjects<S, F: OwnedFrames> {
    maker: Maker,
    make: Make<S>,
    peer: F,
    examples: Vec<F::Owned>,
    inputs: Vec<Vec<u8>>,
    laws: Vec<Law>,
    tls: Option<Special<S, F>>,
    recording: RefCell<Option<Recording>>,
    /// Connections that were recorded.
    recorded: Cell<u64>,
}

impl<P: Protocol + 'static> Check<Subjects<End<P>, P::Framing>>
where
    P::Framing: OwnedFrames + Clone,
{
    /// Checks a protocol; `make` makes one for each run.
    ///
    /// The peer sends frames of the protocol's own framing: if that does not read what it writes,
    /// give what it reads as [`inputs`](Self::inputs). Frames that mean something to the protocol
    /// are given as [`examples`](Self::examples).
    #[must_use]
    pub fn protocol(make: impl Fn() -> P + 'static) -> Self {
        let framing = make().framing();
        let mut check = Self::subject(framing, move |limits| {
            let protocol = make();
            let connection = Connection::plain(protocol.framing(), limits, Instant::ZERO);
            End::new(connection, protocol)
        });
        check.body.maker = Maker::Protocol;
        check
    }
}

#[cfg(feature = "tls")]
impl<P: Protocol + 'static> Check<Subjects<End<P>, P::Framing>>
where
    P::Framing: OwnedFrames + Clone,
{
    /// Compares with the same within TLS: `sessions` makes the session of the peer and the one of
    /// the protocol, which accept each other.
    #[must_use]
    pub fn tls(mut self, sessions: impl Fn() -> (TlsSession, TlsSession) + 'static) -> Self {
        self.body.laws.push(Law::TlsTransparency);
        self.body.tls = Some(Box::new(move |body, case| {
            let frames = case.owned(&body.peer, &body.examples);
            let talker = || Talker::new(body.peer.clone(), frames.clone(), Then::Finish);
            let protocol = || (body.make)(Arc::default()).recorder.protocol;
            let (theirs, ours) = sessions();
            let end =
                |session, framing| Connection::tls(session, framing, Arc::default(), Instant::ZERO);
            let peer = End::new(end(theirs, body.peer.clone()), talker());
            let tls = Pair::new(peer, End::new(end(ours, protocol().framing()), protocol()));
            let tls = transparent(Pair::plain(talker(), protocol()), tls);
            let is_told = tls.right.trace().shown().next().is_some();
            if is_told { Ok(()) } else { Err(Unexamined::NoFrame) }
        }));
        self
    }
}

impl<S: Subject, F: OwnedFrames + Clone> Check<Subjects<S, F>> {
    /// Checks a connection of any make, which is driven with these limits; the peer speaks in
    /// frames of `peer`.
    #[must_use]
    pub fn subject(peer: F, make: impl Fn(Arc<Limits>) -> S + 'static) -> Self {
        Self::new(Subjects {
            maker: Maker::Subject,
            make: Box::new(make),
            peer,
            examples: vec![],
            inputs: vec![],
            laws: LAWS.to_vec(),
            tls: None,
            recording: RefCell::new(None),
            recorded: Cell::new(0),
        })
    }

    /// Frames that the peer sends among others.
    #[must_use]
    pub fn examples(mut self, frames: impl IntoIterator<Item = F::Owned>) -> Self {
        self.body.examples.extend(frames);
        self
    }

    /// What the peer sends in the place of frames: bytes, cut and damaged likewise.
    #[must_use]
    pub fn inputs(mut self, inputs: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.body.inputs.extend(inputs);
        self
    }

    /// For a protocol that leaves something out on purpose when its queue is full: that law is not
    /// checked.
    #[must_use]
    pub fn may_lose_when_full(mut self) -> Self {
        self.body.laws.retain(|law| *law != Law::FullLosesNothing);
        self
    }
}

impl<S: Subject, F: OwnedFrames + Clone> Subjects<S, F> {
    fn play<'a>(&self, limits: Limits, input: &'a [u8]) -> Play<'a, S> {
        let high_water = limits.transmit_high_water.max(1);
        let mut subject = (self.make)(Arc::new(limits));
        if let Some(recording) = &*self.recording.borrow() {
            self.recorded.set(self.recorded.get() + 1);
            subject.record(Arc::<Mutex<Script>>::clone(recording), self.recorded.get());
        }
        Play::new(subject, high_water, input)
    }

    fn account(&self, limits: Limits, input: &[u8], plan: &Plan<'_>) -> Account<S::Owned> {
        let mut play = self.play(limits, input);
        play.converse(plan);
        play.account()
    }

    /// What comes of the input when everything is read and written at once.
    fn plainly(&self, input: &[u8]) -> Account<S::Owned> {
        self.account(wide(), input, &Plan { ends: true, ..Plan::default() })
    }

    /// Another plan must come to the same, which is returned with what was played.
    fn same<'a>(
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
    fn portioned(&self, case: &Case, input: &[u8], ends: Plan<'_>) -> Result<(), Unexamined> {
        let plan = Plan { portions: &case.portions, ..ends };
        let (expected, _) = self.same(wide(), input, &plan);
        if input.len() <= SINGLE_BYTES_LEN_MAX {
            self.same(wide(), input, &Plan { portions: &[1], cuts: &case.cuts, ..ends });
        }
        if expected.written.len() < 2 { Err(Unexamined::NothingWritten) } else { Ok(()) }
    }

    /// The queue is small; it must have been full once.
    fn full(&self, case: &Case, input: &[u8], ends: Plan<'_>) -> Result<(), Unexamined> {
        let limits = Limits { turn_frames_max: 1024, ..small(case) };
        let plan = Plan { holds: true, cuts: &case.cuts, ..ends };
        let (_, play) = self.same(limits, input, &plan);
        if play.was_full { Ok(()) } else { Err(Unexamined::NeverFull) }
    }

    fn bounded(&self, case: &Case, input: &[u8]) {
        let mut play = self.play(small(case), input);
        for _ in 0..REPETITIONS_MAX {
            play.go_on(|play| play.read(&case.cuts, false) | play.pump());
            if !play.subject.interest().read {
                return;
            }
            play.again();
        }
    }

    fn deadlines(&self, case: &Case, input: &[u8]) -> Result<(), Unexamined> {
        // Half of it arrives, so that a frame may be waited for.
        let mut play = self.play(wide(), &input[..input.len() / 2]);
        play.converse(&Plan { cuts: &case.cuts, ..Plan::default() });
        if play.wait(TIMEOUTS_MAX) { Ok(()) } else { Err(Unexamined::NoDeadline) }
    }

    fn any_order(&self, case: &Case, input: &[u8]) -> Result<(), Unexamined> {
        let mut play = self.play(small(case), input);
        let mut choices = Choices::new(&case.choices);
        while !choices.is_empty() {
            play.call(&mut choices);
        }
        play.finish();
        if case.choices.is_empty() { Err(Unexamined::NoCalls) } else { Ok(()) }
    }

    fn misuse(&self, case: &Case, input: &[u8]) {
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

    fn sticky(&self, case: &Case, input: &[u8]) -> Result<(), Unexamined> {
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

    fn flushed(&self, case: &Case, input: &[u8]) -> Result<(), Unexamined> {
        let plan = Plan { cuts: &case.cuts, holds: true, ends: true, ..Plan::default() };
        let (expected, _) = self.same(wide(), input, &plan);
        if !expected.events.iter().any(|event| matches!(event, Event::Failed(_))) {
            return Err(Unexamined::NeverFailed);
        }
        if expected.written.is_empty() { Err(Unexamined::NothingQueued) } else { Ok(()) }
    }

    fn ends(&self, case: &Case, input: &[u8]) {
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
fn shown(bytes: &[u8]) -> String {
    let start = bytes.len().saturating_sub(100);
    let before = if start > 0 { format!("... {start} bytes ...") } else { String::new() };
    format!("{before}{}", bytes[start..].escape_ascii())
}

/// Lengths for an input that is cut into a few thousand pieces at most.
fn scaled(lens: &[u16], input_len: usize) -> Vec<u16> {
    let factor = u16::try_from(1 + input_len / SINGLE_BYTES_LEN_MAX).unwrap_or(u16::MAX);
    lens.iter().map(|len| len.saturating_mul(factor)).collect()
}

/// Limits that refuse nothing.
fn wide() -> Limits {
    let mut limits = Limits::new();
    limits.transmit_high_water = WIDE;
    limits.transmit_low_water = WIDE / 2;
    limits
}

/// Limits that refuse much.
fn small(case: &Case) -> Limits {
    let mut choices = Choices::new(&case.choices);
    let mut limits = Limits::new();
    limits.transmit_high_water = choices.pick(&[50, 1, 1000, 20_000]);
    limits.transmit_low_water = choices.pick(&[20, 0, 100_000]);
    limits.receive_backlog_max = choices.pick(&[64 * 1024, 0, 100]);
    limits.turn_frames_max = choices.pick(&[1, 2, 1024]);
    limits
}

impl<S: Subject, F: OwnedFrames + Clone> Body for Subjects<S, F> {
    fn maker(&self) -> Maker {
        self.maker
    }

    fn laws(&self) -> &[Law] {
        &self.laws
    }

    fn only(&mut self, laws: &[Law]) {
        self.laws.retain(|law| laws.contains(law));
    }

    fn wire_len_max(&self) -> usize {
        self.peer.wire_len_max()
    }

    fn examples_len(&self) -> usize {
        self.examples.len().max(self.inputs.len())
    }

    fn check(&self, law: Law, case: &Case) -> Result<(), Unexamined> {
        let input = &self.input(case);
        let scaled = |lens: &[u16]| scaled(lens, input.len());
        let case =
            &Case { cuts: scaled(&case.cuts), portions: scaled(&case.portions), ..case.clone() };
        let is_short = input.len() <= SINGLE_BYTES_LEN_MAX;
        let ends = Plan { ends: true, ..Plan::default() };
        match law {
            Law::Deterministic => _ = self.same(wide(), input, &ends),
            Law::InputCut => {
                self.same(wide(), input, &Plan { cuts: &case.cuts, ..ends });
                if is_short {
                    self.same(wide(), input, &Plan { cuts: &[1], ..ends });
                }
            }
            Law::OutputCut => self.portioned(case, input, ends)?,
            Law::Turns => {
                let mut limits = wide();
                limits.turn_frames_max = 1;
                self.same(limits, input, &Plan { in_turns: true, cuts: &case.cuts, ..ends });
            }
            Law::EndAfterData => {
                let plan = Plan { ends_with_data: true, cuts: &case.cuts, ..ends };
                self.same(wide(), input, &plan);
            }
            Law::FullLosesNothing => self.full(case, input, ends)?,
            Law::BoundedMemory => self.bounded(case, input),
            Law::DeadlinesMoveForward => self.deadlines(case, input)?,
            Law::AnyOrder => return self.any_order(case, input),
            Law::MisuseChangesNothing => self.misuse(case, input),
            Law::StickyErrors => self.sticky(case, input)?,
            Law::FlushedAfterError => self.flushed(case, input)?,
            Law::EndsWithTransport => self.ends(case, input),
            Law::TlsTransparency => {
                return self.tls.as_ref().map_or(Ok(()), |check| check(self, case));
            }
            _ => {}
        }
        // What is to be cut has two bytes.
        let len_min = if law == Law::InputCut { 2 } else { 1 };
        if input.len() < len_min { Err(Unexamined::NoInput) } else { Ok(()) }
    }

    fn record(&self, recording: Option<Recording>) {
        self.recorded.set(0);
        *self.recording.borrow_mut() = recording;
    }

    fn input(&self, case: &Case) -> Vec<u8> {
        if self.inputs.is_empty() {
            return case.input(&mut self.peer.clone(), &case.owned(&self.peer, &self.examples));
        }
        case.input_of(&self.inputs)
    }

    fn steps(&self, case: &Case) -> Vec<String> {
        let input = self.input(case);
        let cuts = &scaled(&case.cuts, input.len());
        let account = self.account(wide(), &input, &Plan { cuts, ends: true, ..Plan::default() });
        let mut steps: Vec<_> = account.events.iter().map(|event| format!("{event:?}")).collect();
        steps.push(format!("written: b\"{}\"", shown(&account.written)));
        steps
    }
}

impl<S, F: OwnedFrames> fmt::Debug for Subjects<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subjects").field("laws", &self.laws).finish_non_exhaustive()
    }
}
