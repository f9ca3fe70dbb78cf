//! Everything of a connection but its receive buffer and its framing: what a handle may change
//! while a frame is borrowed from that buffer. Does not depend on the framing's type, so that a
//! handle can show a part of the framing as the whole.

use alloc::sync::Arc;

use super::close::CloseReason;
use super::earlier::EarlierLen;
use super::notes::{Note, Notes};
use super::state::{After, Input, State};
use super::tap::record;
use super::timers::{Clock, Timers};
use super::wire::Wire;
use crate::buffer::Buffer;
use crate::error::{Error, SendError};
use crate::framing::Framing;
use crate::limits::Limits;
use crate::time::Instant;

pub(super) struct Link {
    /// Taken only within [`Link::input`].
    pub(super) state: State,
    pub(super) wire: Wire,
    /// What the framing has encoded: bytes for the transport, or plaintext to be sealed.
    pub(super) staged: Buffer,
    pub(super) timers: Timers,
    pub(super) limits: Arc<Limits>,
    pub(super) earlier: EarlierLen,
    pub(super) notes: Notes,
    pub(super) hold: Hold,
    /// Where the flow of frames to the application stands.
    pub(super) flow: Flow,
    /// A queue above high water blocks the flow; see [`Handle::decouple`](super::Handle::decouple).
    pub(super) coupled: bool,
    /// Silence ends the connection soon.
    pub(super) draining: bool,
    /// The transport's stream has ended.
    pub(super) ended: bool,
    /// The budget of the turn was spent while there was more to do.
    pub(super) paused: bool,
    #[cfg(feature = "record")]
    pub(super) tap: super::tap::Tap,
}

/// Whether the framing shows nothing before something is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    None,
    Held,
    /// It was sent, and nobody has looked since.
    Released,
}

/// Whether frames may be yielded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// They may.
    Open,
    /// The transmit queue has reached high water and not yet fallen to low water.
    Blocked,
    /// The application retained a frame; something must happen first.
    Retained,
}

impl Link {
    pub(super) fn new(wire: Wire, limits: Arc<Limits>, now: Instant) -> Self {
        let handshake_ends_at = Timers::due(now, limits.handshake_timeout);
        Self {
            state: State::Opening { after: After::Nothing },
            wire,
            staged: Buffer::new(),
            timers: Timers::new(now, handshake_ends_at),
            limits,
            earlier: EarlierLen::NONE,
            notes: Notes::default(),
            hold: Hold::None,
            flow: Flow::Open,
            coupled: true,
            draining: false,
            ended: false,
            paused: false,
            #[cfg(feature = "record")]
            tap: super::tap::Tap::default(),
        }
    }

    /// Changes the state. Nothing else does.
    pub(super) fn input(&mut self, input: Input) {
        self.state = core::mem::replace(&mut self.state, State::Open).after(input);
        self.timers.clock.enter(&self.state);
        self.drop_unsendable();
    }

    /// Drops what is queued once it can no longer be transmitted.
    fn drop_unsendable(&mut self) {
        if self.state.is_shut() {
            self.staged.clear();
            self.wire.drop_sealed();
        }
    }

    /// Whether frames flow and nothing else is to be told or done between them.
    #[inline]
    pub(super) const fn is_flowing(&self) -> bool {
        matches!((&self.state, self.flow, self.hold), (State::Open, Flow::Open, Hold::None))
            && self.notes.is_empty()
    }

    #[inline]
    pub(super) fn send<F: Framing>(
        &mut self,
        framing: &mut F,
        item: F::Item<'_>,
    ) -> Result<(), SendError> {
        if !matches!(self.state, State::Open) || !self.wire.is_taking() {
            self.check_sendable()?;
        }
        let high_water = self.high_water();
        if self.queued_len() >= high_water {
            self.refuse();
            return Err(SendError::Full);
        }
        match framing.verbatim(&item) {
            Some(bytes) => self.queue(bytes),
            None => self.encode(framing, item)?,
        }
        if self.hold == Hold::Held {
            self.hold = Hold::Released;
        }
        // Of all that follows a change of the queue, its growth can bring about this alone.
        if self.queued_len() >= high_water && self.coupled {
            self.block();
        }
        self.close_if_over(framing);
        Ok(())
    }

    #[inline]
    fn encode<F: Framing>(&mut self, framing: &mut F, item: F::Item<'_>) -> Result<(), SendError> {
        let staged_len = self.staged.len();
        if let Err(error) = framing.encode(item, &mut self.staged) {
            self.staged.truncate(staged_len);
            return Err(SendError::Encode(error));
        }
        record!(self, Sent(self.staged.filled().get(staged_len..).unwrap_or_default().into()));
        Ok(())
    }

    /// Queues bytes as they are: with TLS, full records of them are sealed from where they lie.
    #[inline]
    fn queue(&mut self, bytes: &[u8]) {
        record!(self, Sent(bytes.into()));
        let sealed_len = if self.staged.is_empty() { self.wire.seal_front(bytes) } else { 0 };
        self.staged.extend_from_slice(bytes.get(sealed_len..).unwrap_or_default());
        #[cfg(feature = "record")]
        self.tap.sealed(sealed_len);
    }

    /// Whether a frame can be sent now, as far as the state and the session go.
    #[cold]
    #[inline(never)]
    fn check_sendable(&self) -> Result<(), SendError> {
        match self.state {
            State::Opening { after: After::Nothing, .. }
            | State::Open
            | State::RemoteFinished
            | State::Failing { shut: false, .. }
            | State::Replying { shut: false, .. } => {}
            State::Opening { after: After::Finish, .. } | State::LocalFinished { .. } => {
                return Err(SendError::Finished);
            }
            State::Opening { after: After::Close, .. }
            | State::Failing { shut: true, .. }
            | State::Replying { shut: true, .. }
            | State::Severed { .. }
            | State::Closing { .. }
            | State::Lingering { .. }
            | State::Ended { .. }
            | State::Closed { .. } => return Err(SendError::Closed),
        }
        let is_failing = self.reason().is_some();
        if self.wire.is_failed() || (is_failing && !self.wire.is_ready()) {
            return Err(SendError::Closed);
        }
        if self.wire.is_finished() {
            return Err(SendError::Finished);
        }
        Ok(())
    }

    /// Takes note of a send that was refused because the queue is full.
    #[cold]
    #[inline(never)]
    fn refuse(&mut self) {
        if self.coupled {
            self.flow = Flow::Blocked;
        }
        self.notes.add(Note::Refused);
    }

    /// Stops the flow until the queue has fallen to low water.
    #[cold]
    #[inline(never)]
    fn block(&mut self) {
        self.flow = Flow::Blocked;
        self.pace_frame_clock();
    }

    /// Closes once the framing knows that the conversation is over.
    #[inline]
    pub(super) fn close_if_over(&mut self, framing: &impl Framing) {
        if framing.is_over() {
            self.input(Input::Close);
        }
    }

    /// Goes on with another framing than this one.
    pub(super) fn leave(&mut self, framing: &impl Framing) {
        self.earlier.observe(framing.wire_len_max());
        self.timers.clock.stop_frame();
    }

    /// Why the connection fails or ends, in the states that have a reason.
    pub(super) const fn reason(&self) -> Option<&CloseReason> {
        match &self.state {
            State::Severed { reason }
            | State::Failing { reason, .. }
            | State::Replying { reason, .. }
            | State::Closing { reason }
            | State::Lingering { reason }
            | State::Ended { reason }
            | State::Closed { reason } => Some(reason),
            State::Opening { .. }
            | State::Open
            | State::RemoteFinished
            | State::LocalFinished { .. } => None,
        }
    }

    pub(super) fn abort(&mut self) {
        self.input(Input::Lost(CloseReason::Aborted));
    }

    pub(super) fn fail(&mut self, error: Error) {
        self.input(Input::Fail(CloseReason::Failed(error)));
    }

    #[inline]
    pub(super) fn queued_len(&self) -> usize {
        self.wire.queued_len(&self.staged)
    }

    /// At least 1, so that an empty queue always takes a frame.
    #[inline]
    pub(super) fn high_water(&self) -> usize {
        self.limits.transmit_high_water.max(1)
    }

    fn low_water(&self) -> usize {
        self.limits.transmit_low_water.min(self.high_water() - 1)
    }

    /// Follows a change of the queue.
    pub(super) fn queue_changed(&mut self) {
        self.drop_unsendable();
        if !self.wants_write() {
            self.timers.progress_at = Instant::MAX;
        }
        let queued_len = self.queued_len();
        if queued_len >= self.high_water() && self.coupled {
            self.flow = Flow::Blocked;
        } else if queued_len <= self.low_water() && self.flow == Flow::Blocked {
            self.flow = Flow::Open;
        }
        self.pace_frame_clock();
    }

    pub(super) fn decouple(&mut self) {
        self.coupled = false;
        if self.flow == Flow::Blocked {
            self.flow = Flow::Open;
            self.pace_frame_clock();
        }
    }

    /// Whether the application is to be told that a send which was refused makes sense again.
    pub(super) fn is_retry_due(&self) -> bool {
        self.notes.has(Note::Refused)
            && self.flow == Flow::Open
            && (self.coupled || self.queued_len() <= self.low_water())
            && self.queued_len() < self.high_water()
    }

    /// Something happened outside: a frame that was retained may be yielded again.
    pub(super) fn happened(&mut self, now: Instant) {
        self.timers.observe(now);
        if self.flow == Flow::Retained {
            self.flow = Flow::Open;
            self.timers.active_at = self.timers.now;
            self.pace_frame_clock();
        }
        self.begin_clocks();
    }

    /// Begins what is to be counted from now on: what was asked for between two calls that tell the
    /// time counts from the second.
    pub(super) fn begin_clocks(&mut self) {
        let now = self.timers.now;
        if self.timers.progress_at == Instant::MAX && self.wants_write() {
            self.timers.progress_at = now;
        }
        if matches!(self.timers.clock, Clock::Off) && matches!(self.state, State::Lingering { .. })
        {
            let ends_at = Timers::due(now, self.limits.linger_timeout);
            self.timers.clock = Clock::Linger { ends_at };
        }
    }

    pub(super) fn pace_frame_clock(&mut self) {
        match self.flow {
            Flow::Open => self.timers.clock.resume_frame(self.timers.now),
            Flow::Blocked | Flow::Retained => self.timers.clock.pause_frame(self.timers.now),
        }
    }

    /// Whether a close_notify is due once everything staged is sealed.
    pub(super) fn is_finishing(&self) -> bool {
        self.state.is_ending()
    }

    pub(super) fn wants_write(&self) -> bool {
        !self.state.is_over() && self.wire.wants_write(&self.staged, self.is_finishing())
    }

    pub(super) fn wants_shutdown(&self) -> bool {
        self.state.is_ending() && !self.wants_write()
    }
}
