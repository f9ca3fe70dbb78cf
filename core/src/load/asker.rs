use alloc::collections::VecDeque;
use core::fmt;

use super::Load;
use super::mismatch::Mismatch;
use super::shared::{Asked, Shared, Slot};
use super::statistics::Record;
use crate::connection::{CloseReason, Handle};
use crate::error::SendError;
use crate::framing::ByteFraming;
use crate::protocol::Protocol;
use crate::time::Instant;
use crate::tls::Negotiated;

/// One connection of a [`Load`]: asks, and compares what comes back with what was sent.
///
/// When asking is over and everything is answered, it closes; what is not answered within
/// [`timeout`](super::LoadOptions::timeout) after the end is given up. Something that is no echo ends
/// the connection as [`Error::Local`](crate::Error::Local) with the code [`Self::MISMATCH`].
pub struct Asker<F, R> {
    load: Load<R>,
    framing: F,
    slot: Slot,
    in_flight: VecDeque<Asked>,
    /// Requests that were sent and answered.
    sent: u32,
    answered: u32,
    /// How much of the next answer is there.
    offset: usize,
    /// Frames are chunks of the stream, cut anywhere.
    is_chunked: bool,
    is_open: bool,
    /// It has done what it was for.
    is_done: bool,
}

impl<F, R> Asker<F, R> {
    /// [`Error::Local`](crate::Error::Local) code: what came back is not what was sent.
    pub const MISMATCH: u32 = 1;

    /// [`Error::Local`](crate::Error::Local) code: the framing refuses such requests.
    pub const NOT_ENCODABLE: u32 = 2;

    pub(super) const fn new(load: Load<R>, framing: F, slot: Slot) -> Self {
        Self {
            load,
            framing,
            slot,
            in_flight: VecDeque::new(),
            sent: 0,
            answered: 0,
            offset: 0,
            is_chunked: false,
            is_open: false,
            is_done: false,
        }
    }

    /// Frames are chunks of a stream, as with [`Raw`](crate::framing::Raw): an answer may come in
    /// several, and several answers in one.
    #[must_use]
    pub const fn over_chunks(mut self) -> Self {
        self.is_chunked = true;
        self
    }

    pub(super) const fn slot(&self) -> Slot {
        self.slot
    }
}

impl<F: ByteFraming, R: Record> Asker<F, R> {
    /// Asks for what is due, or closes when asking is over: after [`Load::stop`].
    pub fn poll(&mut self, handle: &mut Handle<'_, F>) {
        let load = self.load.clone();
        self.ask(&mut load.shared.borrow_mut(), handle);
    }

    /// Waits for no answer any more: what is not answered, is counted so.
    pub fn give_up(&mut self, handle: &mut Handle<'_, F>) {
        self.is_done = true;
        handle.abort();
    }

    fn ask(&mut self, shared: &mut Shared<R>, handle: &mut Handle<'_, F>) {
        let now = handle.now();
        while self.in_flight.len() < shared.options.in_flight_max {
            // One request is all that such a connection is for.
            if shared.options.connects && self.sent > 0 {
                break;
            }
            let Some(asked) = shared.begin(&self.slot, now) else { break };
            match handle.send(shared.request.numbered(self.slot.connection, self.sent)) {
                Ok(()) => {
                    self.sent = self.sent.wrapping_add(1);
                    self.in_flight.push_back(asked);
                }
                Err(error) => {
                    shared.unbegin(&self.slot, asked);
                    if matches!(error, SendError::Encode(_)) {
                        handle.fail(Self::NOT_ENCODABLE);
                    }
                    break;
                }
            }
        }
        let is_over = shared.is_over(now) || shared.options.connects && self.sent > 0;
        if is_over && self.in_flight.is_empty() {
            if !self.is_open {
                // A handshake for nothing is not waited for.
                return self.give_up(handle);
            }
            self.is_done = true;
            handle.close();
            handle.set_timer(None);
            return;
        }
        handle.set_timer(self.next_look(shared, now));
    }

    /// When there is something to do although nothing comes.
    fn next_look(&self, shared: &Shared<R>, now: Instant) -> Option<Instant> {
        let has_room = self.in_flight.len() < shared.options.in_flight_max;
        // A queue that is full says itself when it is not.
        let due = shared.due(self.slot.number).filter(|due| has_room && *due > now);
        let end = Some(shared.end()).filter(|end| *end > now && self.in_flight.is_empty());
        [due, end, Some(shared.hard_end())]
            .into_iter()
            .flatten()
            .min()
            .filter(|at| *at < Instant::MAX)
    }

    /// Compares a frame, which is an echo or not.
    fn compare(
        &mut self,
        shared: &mut Shared<R>,
        mut frame: &[u8],
        now: Instant,
    ) -> Result<(), Mismatch> {
        if !self.is_chunked && frame.len() != shared.request.len() {
            return Err(self.mismatch(shared, frame));
        }
        while !frame.is_empty() {
            let expected = shared.request.numbered(self.slot.connection, self.answered);
            let expected = expected.get(self.offset..).unwrap_or_default();
            let len = frame.len().min(expected.len());
            let (answer, rest) = frame.split_at(len);
            let is_last = len == expected.len();
            if expected.get(..len) != Some(answer) || self.in_flight.is_empty() {
                return Err(self.mismatch(shared, frame));
            }
            self.offset += len;
            if is_last {
                self.offset = 0;
                self.answered = self.answered.wrapping_add(1);
                if let Some(asked) = self.in_flight.pop_front() {
                    shared.answered(asked, now);
                }
            }
            frame = rest;
        }
        Ok(())
    }

    /// How what came differs from the next answer.
    fn mismatch(&self, shared: &mut Shared<R>, found: &[u8]) -> Mismatch {
        let Slot { connection, .. } = self.slot;
        // Nothing is due where nothing was asked for.
        let is_due = !self.in_flight.is_empty();
        let request = shared.request.numbered(connection, self.answered);
        let request = if is_due { request } else { &[] };
        Mismatch::new(connection, self.answered, request, self.offset, found)
    }
}

impl<F: ByteFraming + Clone, R: Record> Protocol for Asker<F, R> {
    type Framing = F;

    fn framing(&self) -> F {
        self.framing.clone()
    }

    fn on_open(&mut self, _: Option<&Negotiated>, handle: &mut Handle<'_, F>) {
        let load = self.load.clone();
        let shared = &mut load.shared.borrow_mut();
        shared.statistics.opened += 1;
        self.is_open = true;
        // Answers are read however much is queued.
        handle.decouple();
        self.ask(shared, handle);
    }

    fn on_frame(&mut self, frame: &[u8], handle: &mut Handle<'_, F>) {
        let load = self.load.clone();
        let shared = &mut load.shared.borrow_mut();
        let now = handle.now();
        match self.compare(shared, frame, now) {
            Ok(()) => self.ask(shared, handle),
            Err(mismatch) => {
                // What is given up for it has waited until now.
                shared.is_over(now);
                shared.statistics.mismatched += 1;
                shared.statistics.mismatch.get_or_insert(mismatch);
                handle.fail(Self::MISMATCH);
            }
        }
    }

    fn on_writable(&mut self, handle: &mut Handle<'_, F>) {
        self.poll(handle);
    }

    fn on_timer(&mut self, handle: &mut Handle<'_, F>) {
        let hard_end = {
            let mut shared = self.load.shared.borrow_mut();
            // Whoever is given up is told the time.
            shared.is_over(handle.now());
            shared.hard_end()
        };
        if handle.now() >= hard_end {
            self.give_up(handle);
        } else {
            self.poll(handle);
        }
    }

    fn on_closed(&mut self, reason: &CloseReason) {
        let in_flight = self.in_flight.drain(..);
        self.load.shared.borrow_mut().closed(self.slot, reason, self.is_done, in_flight);
    }
}

impl<F, R> fmt::Debug for Asker<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asker")
            .field("slot", &self.slot)
            .field("sent", &self.sent)
            .field("answered", &self.answered)
            .finish_non_exhaustive()
    }
}
