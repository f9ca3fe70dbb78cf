//! All laws of two protocols that are joined.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt;
use core::time::Duration;
use std::sync::Mutex;

use super::{Body, Case, Check, Maker, Recording, Unexamined};
use crate::protocol::Protocol;
use crate::script::{Begin, Role, Script};
use crate::testkit::laws::connection as laws;
use crate::testkit::laws::framing::{decode_on, joined};
use crate::testkit::{Law, OwnedFrames, Pair};

/// The laws of two that are joined.
const LAWS: [Law; 2] = [Law::Joined, Law::Conservation];

/// Makes two ends.
type Make<P, Q> = Box<dyn Fn() -> Pair<P, Q>>;

/// Two protocols that talk to each other and are put to the laws; made by [`Check::pair`].
pub struct Pairs<P: Protocol, Q: Protocol>
where
    P::Framing: OwnedFrames,
    Q::Framing: OwnedFrames,
{
    plain: Make<P, Q>,
    tls: Option<Make<P, Q>>,
    laws: Vec<Law>,
    recording: RefCell<Option<Recording>>,
}

impl<P: Protocol + 'static, Q: Protocol + 'static> Check<Pairs<P, Q>>
where
    P::Framing: OwnedFrames + Clone,
    Q::Framing: OwnedFrames + Clone,
{
    /// Checks a client and a server that talk until both are closed or wait for ever.
    #[must_use]
    pub fn pair(client: impl Fn() -> P + 'static, server: impl Fn() -> Q + 'static) -> Self {
        Self::pairs(move || Pair::plain(client(), server()))
    }

    /// Checks two ends that are made with their connections.
    #[must_use]
    pub fn pairs(make: impl Fn() -> Pair<P, Q> + 'static) -> Self {
        let (plain, laws) = (Box::new(make), LAWS.to_vec());
        Self::new(Pairs { plain, tls: None, laws, recording: RefCell::new(None) })
    }

    /// Compares with the same two within TLS.
    #[must_use]
    pub fn tls(mut self, make: impl Fn() -> Pair<P, Q> + 'static) -> Self {
        self.body.tls = Some(Box::new(make));
        self.body.laws.push(Law::TlsTransparency);
        self
    }
}

impl<P: Protocol, Q: Protocol> Pairs<P, Q>
where
    P::Framing: OwnedFrames + Clone,
    Q::Framing: OwnedFrames + Clone,
{
    fn pair(&self, case: &Case) -> Pair<P, Q> {
        let mut pair = (self.plain)();
        if let Some(recording) = &*self.recording.borrow() {
            let recorder = || Arc::<Mutex<Script>>::clone(recording);
            pair.left.connection.record(recorder(), 1, Begin::new(Role::Client));
            pair.right.connection.record(recorder(), 2, Begin::new(Role::Server));
        }
        cut(&mut pair, case);
        let mut choices = case.choices.iter().copied();
        let mut lag = || Duration::from_millis(choices.next().unwrap_or(0).into());
        pair.there.lag = lag();
        pair.back.lag = lag();
        pair
    }

    /// What either wrote is what the other was told, unless it ended before.
    fn conserves(&self, case: &Case) -> Result<(), Unexamined> {
        let mut pair = self.pair(case);
        pair.there.keeping();
        pair.back.keeping();
        let (left, right) =
            (pair.left.recorder.protocol.framing(), pair.right.recorder.protocol.framing());
        pair.run();
        let (there, back) = (pair.there.written.take(), pair.back.written.take());
        told::<Q>(right, &there.unwrap_or_default(), pair.right.trace().shown().cloned().collect());
        told::<P>(left, &back.unwrap_or_default(), pair.left.trace().shown().cloned().collect());
        said(&pair)
    }
}

/// The bytes between the two are cut and portioned.
fn cut<P: Protocol, Q: Protocol>(pair: &mut Pair<P, Q>, case: &Case)
where
    P::Framing: OwnedFrames,
    Q::Framing: OwnedFrames,
{
    let lens = |lens: &[u16]| lens.iter().map(|len| usize::from(*len)).collect::<Vec<_>>();
    pair.there.cuts = lens(&case.cuts);
    pair.back.cuts = lens(&case.portions);
    pair.there.portions = lens(&case.portions);
    pair.back.portions = lens(&case.cuts);
}

/// Whether either was told of a frame.
fn said<P: Protocol, Q: Protocol>(pair: &Pair<P, Q>) -> Result<(), Unexamined>
where
    P::Framing: OwnedFrames,
    Q::Framing: OwnedFrames,
{
    let (left, right) = (pair.left.trace().shown().next(), pair.right.trace().shown().next());
    if left.is_some() || right.is_some() { Ok(()) } else { Err(Unexamined::NothingSaid) }
}

fn told<P: Protocol>(
    framing: P::Framing,
    wire: &[u8],
    shown: Vec<<P::Framing as OwnedFrames>::Owned>,
) where
    P::Framing: OwnedFrames + Clone,
{
    let said = decode_on(&mut framing.clone(), wire, &[]);
    let (said, shown) = (joined(&framing, said.frames), joined(&framing, shown));
    assert!(said.starts_with(&shown), "told {shown:?} of {said:?}");
}

impl<P: Protocol, Q: Protocol> Body for Pairs<P, Q>
where
    P::Framing: OwnedFrames + Clone,
    Q::Framing: OwnedFrames + Clone,
{
    fn maker(&self) -> Maker {
        Maker::Pair
    }

    fn laws(&self) -> &[Law] {
        &self.laws
    }

    fn only(&mut self, laws: &[Law]) {
        self.laws.retain(|law| laws.contains(law));
    }

    fn wire_len_max(&self) -> usize {
        0
    }

    fn examples_len(&self) -> usize {
        0
    }

    fn check(&self, law: Law, case: &Case) -> Result<(), Unexamined> {
        match (law, &self.tls) {
            (Law::Joined, _) => {
                let told = |pair: &mut Pair<P, Q>| {
                    pair.run();
                    let (left, right) = (pair.left.trace(), pair.right.trace());
                    (left.without_writable(), right.without_writable())
                };
                let mut cut = self.pair(case);
                let (found, expected) = (told(&mut cut), told(&mut (self.plain)()));
                assert_eq!(found, expected, "what the ends are told when cut, and when not");
                said(&cut)
            }
            (Law::Conservation, _) => self.conserves(case),
            (Law::TlsTransparency, Some(tls)) => {
                let mut tls = tls();
                cut(&mut tls, case);
                said(&laws::transparent((self.plain)(), tls))
            }
            _ => Ok(()),
        }
    }

    fn record(&self, recording: Option<Recording>) {
        *self.recording.borrow_mut() = recording;
    }

    fn input(&self, _: &Case) -> Vec<u8> {
        vec![]
    }

    fn steps(&self, case: &Case) -> Vec<String> {
        let mut pair = self.pair(case);
        pair.run();
        let left = pair.left.trace().events().iter().map(|event| format!("left: {event:?}"));
        let right = pair.right.trace().events().iter().map(|event| format!("right: {event:?}"));
        left.chain(right).collect()
    }
}

impl<P: Protocol, Q: Protocol> fmt::Debug for Pairs<P, Q>
where
    P::Framing: OwnedFrames,
    Q::Framing: OwnedFrames,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pairs").field("laws", &self.laws).finish_non_exhaustive()
    }
}
