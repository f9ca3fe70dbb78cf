//! What a connection told its application, as owned values that can be compared.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use crate::connection::{CloseReason, Handle};
use crate::framing::Framing;
use crate::protocol::Protocol;
use crate::testkit::OwnedFrames;
use crate::tls::Negotiated;

/// A step without its handle.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are those of `Step`")]
#[non_exhaustive]
pub enum Event<T = Vec<u8>> {
    Open,
    Frame(T),
    Timer,
    Writable,
    Finished,
    Failed(CloseReason),
    Closed(CloseReason),
}

/// The steps of one connection, in order. Adjacent frames are [joined](OwnedFrames::join) where
/// one's end has no meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace<T = Vec<u8>> {
    events: Vec<Event<T>>,
    is_finished: bool,
    is_failed: bool,
}

impl<T> Default for Trace<T> {
    fn default() -> Self {
        Self { events: vec![], is_finished: false, is_failed: false }
    }
}

impl<T: Clone + fmt::Debug + PartialEq> Trace<T> {
    /// Appends a step, and checks that it may follow the ones before: `Open` first, nothing but
    /// `Closed` after `Failed`, nothing after `Closed`, no frame after `Finished`, `Open`,
    /// `Finished`, `Failed` and `Closed` once. A frame for which `join` returns true is part of the
    /// one before it.
    ///
    /// # Panics
    /// When it may not.
    pub fn push(&mut self, event: Event<T>, join: impl FnOnce(Option<&mut T>, &T) -> bool) {
        let opened = self.events.first() == Some(&Event::Open);
        let legal = match &event {
            _ if self.closed().is_some() => false,
            Event::Open => self.events.is_empty(),
            Event::Frame(_) | Event::Finished => opened && !self.is_finished && !self.is_failed,
            Event::Timer | Event::Writable => opened && !self.is_failed,
            Event::Failed(_) => !self.is_failed,
            Event::Closed(_) => true,
        };
        assert!(legal, "{event:?} may not follow {:?}", self.events.last());
        self.is_finished |= event == Event::Finished;
        self.is_failed |= matches!(event, Event::Failed(_));
        if let Event::Frame(frame) = &event {
            let last = match self.events.last_mut() {
                Some(Event::Frame(last)) => Some(last),
                _ => None,
            };
            if join(last, frame) {
                return;
            }
        }
        self.events.push(event);
    }

    /// All steps.
    #[must_use]
    pub fn events(&self) -> &[Event<T>] {
        &self.events
    }

    /// All steps but `Writable`, which comes as often as the queue was full.
    #[must_use]
    pub fn without_writable(&self) -> Vec<Event<T>> {
        let mut kept = self.events.clone();
        kept.retain(|event| *event != Event::Writable);
        kept
    }

    /// The frames.
    pub fn shown(&self) -> impl Iterator<Item = &T> {
        self.events.iter().filter_map(|event| match event {
            Event::Frame(frame) => Some(frame),
            _ => None,
        })
    }

    /// Why the connection failed, if it did.
    #[must_use]
    pub fn failed(&self) -> Option<&CloseReason> {
        self.events.iter().find_map(|event| match event {
            Event::Failed(reason) => Some(reason),
            _ => None,
        })
    }

    /// Why the connection is over, once it was told.
    #[must_use]
    pub fn closed(&self) -> Option<&CloseReason> {
        match self.events.last() {
            Some(Event::Closed(reason)) => Some(reason),
            _ => None,
        }
    }
}

impl Trace {
    /// The frames, of a framing of byte slices.
    #[must_use]
    pub fn frames(&self) -> Vec<&[u8]> {
        self.shown().map(Vec::as_slice).collect()
    }
}

/// A protocol that writes down every step, then lets another act on it.
pub struct Traced<P: Protocol>
where
    P::Framing: OwnedFrames,
{
    /// The protocol that acts.
    pub protocol: P,
    /// What it was told.
    pub trace: Trace<<P::Framing as OwnedFrames>::Owned>,
    /// What the TLS handshake agreed on.
    pub negotiated: Option<Box<Negotiated>>,
    /// How many steps there were, retained frames counted each time.
    pub steps: usize,
    /// Knows which frames are joined.
    framing: P::Framing,
}

impl<P: Protocol> Traced<P>
where
    P::Framing: OwnedFrames,
{
    /// Records what `protocol` is told.
    pub fn new(protocol: P) -> Self {
        let framing = protocol.framing();
        Self { protocol, trace: Trace::default(), negotiated: None, steps: 0, framing }
    }

    fn push(&mut self, event: Event<<P::Framing as OwnedFrames>::Owned>) {
        self.steps += 1;
        self.trace.push(event, |last, next| self.framing.join(last, next));
    }
}

impl<P: Protocol> Protocol for Traced<P>
where
    P::Framing: OwnedFrames,
{
    type Framing = P::Framing;

    fn framing(&self) -> P::Framing {
        self.protocol.framing()
    }

    fn on_open(&mut self, negotiated: Option<&Negotiated>, handle: &mut Handle<'_, P::Framing>) {
        self.negotiated = negotiated.cloned().map(Box::new);
        self.push(Event::Open);
        self.protocol.on_open(negotiated, handle);
    }

    fn on_frame(
        &mut self,
        frame: <P::Framing as Framing>::Frame<'_>,
        handle: &mut Handle<'_, P::Framing>,
    ) {
        let owned = P::Framing::own(&frame);
        self.protocol.on_frame(frame, handle);
        if handle.is_retained() {
            self.steps += 1;
        } else {
            self.push(Event::Frame(owned));
        }
    }

    fn on_writable(&mut self, handle: &mut Handle<'_, P::Framing>) {
        self.push(Event::Writable);
        self.protocol.on_writable(handle);
    }

    fn on_timer(&mut self, handle: &mut Handle<'_, P::Framing>) {
        self.push(Event::Timer);
        self.protocol.on_timer(handle);
    }

    fn on_finished(&mut self, handle: &mut Handle<'_, P::Framing>) {
        self.push(Event::Finished);
        self.protocol.on_finished(handle);
    }

    fn on_failed(&mut self, reason: &CloseReason, handle: &mut Handle<'_, P::Framing>) {
        self.push(Event::Failed(reason.clone()));
        self.protocol.on_failed(reason, handle);
    }

    fn on_closed(&mut self, reason: &CloseReason) {
        self.push(Event::Closed(reason.clone()));
        self.protocol.on_closed(reason);
    }
}

impl<P: Protocol> fmt::Debug for Traced<P>
where
    P::Framing: OwnedFrames,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traced").field("trace", &self.trace).finish_non_exhaustive()
    }
}

/// A protocol that says what it has to say and listens.
///
/// It sends its frames as soon as the connection is open and there is room, then does what `then`
/// says, and keeps its side open when the peer finishes unless `then` says otherwise.
#[derive(Clone, Debug)]
pub struct Talker<F: OwnedFrames> {
    framing: F,
    frames: Vec<F::Owned>,
    sent: usize,
    then: Then,
}

/// What a [`Talker`] does when everything is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Then {
    /// Nothing, whatever the peer does.
    Stay,
    /// Nothing, until the peer has finished.
    Wait,
    /// It finishes.
    Finish,
    /// It closes.
    Close,
}

impl<F: OwnedFrames> Talker<F> {
    /// Sends `frames`, then does what `then` says.
    #[must_use]
    pub const fn new(framing: F, frames: Vec<F::Owned>, then: Then) -> Self {
        Self { framing, frames, sent: 0, then }
    }

    /// Sends nothing and waits for the peer to finish.
    #[must_use]
    pub const fn listening(framing: F) -> Self {
        Self::new(framing, vec![], Then::Wait)
    }

    fn go_on(&mut self, handle: &mut Handle<'_, F>) {
        while let Some(frame) = self.frames.get(self.sent) {
            if F::item(frame, |item| handle.send(item)).is_err() {
                return;
            }
            self.sent += 1;
        }
        match self.then {
            Then::Finish => handle.finish(),
            Then::Close => handle.close(),
            Then::Stay | Then::Wait => {}
        }
    }
}

impl<F: OwnedFrames + Clone> Protocol for Talker<F> {
    type Framing = F;

    fn framing(&self) -> F {
        self.framing.clone()
    }

    fn on_open(&mut self, _: Option<&Negotiated>, handle: &mut Handle<'_, F>) {
        self.go_on(handle);
    }

    fn on_frame(&mut self, _: F::Frame<'_>, _: &mut Handle<'_, F>) {}

    fn on_writable(&mut self, handle: &mut Handle<'_, F>) {
        self.go_on(handle);
    }

    fn on_finished(&mut self, handle: &mut Handle<'_, F>) {
        if self.then != Then::Stay && self.sent == self.frames.len() {
            handle.finish();
        } else if self.then == Then::Wait {
            self.then = Then::Finish;
        }
    }
}
