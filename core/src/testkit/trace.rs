//! What a connection told its application, as owned values that can be compared.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use crate::connection::{CloseReason, Handle};
use crate::framing::{ByteFraming, Framing};
use crate::protocol::Protocol;
use crate::tls::Negotiated;

/// A step without its handle.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are those of `Step`")]
pub enum Event {
    Open,
    Frame(Vec<u8>),
    Timer,
    Writable,
    Finished,
    Failed(CloseReason),
    Closed(CloseReason),
}

/// The steps of one connection, in order. Adjacent chunks of a framing without whole frames are
/// joined: where one ends has no meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    events: Vec<Event>,
    is_finished: bool,
    is_failed: bool,
}

impl Trace {
    /// Appends a step, and checks that it may follow the ones before: `Open` first, nothing but
    /// `Closed` after `Failed`, nothing after `Closed`, no frame after `Finished`, `Open`,
    /// `Finished`, `Failed` and `Closed` once.
    ///
    /// # Panics
    /// When it may not.
    pub fn push(&mut self, event: Event, joins: bool) {
        let opened = self.events.first() == Some(&Event::Open);
        let legal = match &event {
            _ if self.closed().is_some() => false,
            Event::Open => self.events.is_empty(),
            Event::Frame(_) | Event::Finished => opened && !self.is_finished && !self.is_failed,
            Event::Timer | Event::Writable => opened && !self.is_failed,
            Event::Failed(_) => !self.is_failed,
            Event::Closed(_) => true,
        };
        assert!(legal, "{event:?} may not follow {:?}", self.shortened());
        self.is_finished |= event == Event::Finished;
        self.is_failed |= matches!(event, Event::Failed(_));
        if let (true, Event::Frame(frame), Some(Event::Frame(last))) =
            (joins, &event, self.events.last_mut())
        {
            last.extend_from_slice(frame);
            return;
        }
        self.events.push(event);
    }

    /// All steps.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// All steps but `Writable`, which comes as often as the queue was full.
    #[must_use]
    pub fn without_writable(&self) -> Vec<Event> {
        let mut kept = self.events.clone();
        kept.retain(|event| *event != Event::Writable);
        kept
    }

    /// The frames.
    #[must_use]
    pub fn frames(&self) -> Vec<&[u8]> {
        let frames = self.events.iter().filter_map(|event| match event {
            Event::Frame(frame) => Some(&frame[..]),
            _ => None,
        });
        frames.collect()
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

    /// The steps with long frames cut, for messages.
    fn shortened(&self) -> Vec<Event> {
        let mut events = self.events.clone();
        for event in &mut events {
            if let Event::Frame(frame) = event {
                frame.truncate(16);
            }
        }
        events
    }
}

/// A protocol that writes down every step, then lets another act on it.
#[derive(Clone, Debug)]
pub struct Recorder<P> {
    /// The protocol that acts.
    pub protocol: P,
    /// What it was told.
    pub trace: Trace,
    /// What the TLS handshake agreed on.
    pub negotiated: Option<Box<Negotiated>>,
    /// How many steps there were, retained frames counted each time.
    pub steps: usize,
    joins: bool,
}

impl<P: Protocol> Recorder<P> {
    /// Records what `protocol` is told.
    pub fn new(protocol: P) -> Self {
        let joins = !protocol.framing().has_whole_frames();
        Self { protocol, trace: Trace::default(), negotiated: None, steps: 0, joins }
    }

    fn push(&mut self, event: Event) {
        self.steps += 1;
        self.trace.push(event, self.joins);
    }
}

impl<P: Protocol> Protocol for Recorder<P>
where
    P::Framing: ByteFraming,
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

    fn on_frame(&mut self, frame: &[u8], handle: &mut Handle<'_, P::Framing>) {
        self.protocol.on_frame(frame, handle);
        if handle.is_retained() {
            self.steps += 1;
        } else {
            self.push(Event::Frame(frame.to_vec()));
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

/// A protocol that says what it has to say and listens.
///
/// It sends its frames as soon as the connection is open and there is room, then does what `then`
/// says, and keeps its side open when the peer finishes unless `then` says otherwise.
#[derive(Clone, Debug)]
pub struct Talker<F> {
    framing: F,
    frames: Vec<Vec<u8>>,
    sent: usize,
    then: Then,
}

/// What a [`Talker`] does when everything is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

impl<F: ByteFraming> Talker<F> {
    /// Sends `frames`, then does what `then` says.
    #[must_use]
    pub const fn new(framing: F, frames: Vec<Vec<u8>>, then: Then) -> Self {
        Self { framing, frames, sent: 0, then }
    }

    /// Sends nothing and waits for the peer to finish.
    #[must_use]
    pub const fn listening(framing: F) -> Self {
        Self::new(framing, vec![], Then::Wait)
    }

    fn go_on(&mut self, handle: &mut Handle<'_, F>) {
        while let Some(frame) = self.frames.get(self.sent) {
            if handle.send(frame).is_err() {
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

impl<F: ByteFraming + Clone> Protocol for Talker<F> {
    type Framing = F;

    fn framing(&self) -> F {
        self.framing.clone()
    }

    fn on_open(&mut self, _: Option<&Negotiated>, handle: &mut Handle<'_, F>) {
        self.go_on(handle);
    }

    fn on_frame(&mut self, _: &[u8], _: &mut Handle<'_, F>) {}

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
