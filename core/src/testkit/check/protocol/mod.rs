//! All laws of a protocol on its connection.

mod laws;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::fmt;

use self::laws::{SINGLE_BYTES_LEN_MAX, scaled, shown, wide};
use super::plan::Plan;
use super::{Body, Case, Check, Maker, Recording, Unexamined};
use crate::connection::Connection;
use crate::limits::Limits;
use crate::protocol::Protocol;
use crate::testkit::{End, Law, OwnedFrames, Subject};
#[cfg(feature = "tls")]
use crate::testkit::{Pair, Talker, Then, laws::connection::transparent};
use crate::time::Instant;
#[cfg(feature = "tls")]
use crate::tls::TlsSession;

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
