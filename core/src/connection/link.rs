//! Everything of a connection but its receive buffer and its framing: what a handle may change
//! while a frame is borrowed from that buffer. Does not depend on the framing's type, so that a
//! handle can show a part of the framing as the whole.

use alloc::sync::Arc;

use super::close::CloseReason;
use super::state::{After, Input, State};
use super::timers::{Deadline, FrameClock, Timer, Timers};
use super::wire::Wire;
use crate::buffer::Buffer;
use crate::error::{Error, SendError};
use crate::framing::Framing;
use crate::limits::Limits;
use crate::time::Instant;

pub(super) struct Link {
    /// The most that a frame of any framing so far takes on the wire.
    pub(super) wire_len_max: usize,
    /// Taken only within [`Link::input`].
    pub(super) state: State,
    pub(super) wire: Wire,
    /// What the framing has encoded: bytes for the transport, or plaintext to be sealed.
    pub(super) staged: Buffer,
    pub(super) timers: Timers,
    pub(super) limits: Arc<Limits>,
    pub(super) hold: Hold,
    /// Where the flow of frames to the application stands.
    pub(super) flow: Flow,
    /// A queue above high water blocks the flow; see [`Handle::decouple`](super::Handle::decouple).
    pub(super) coupled: bool,
    /// The framing was changed: a frame that was found by the old one is none.
    pub(super) upgraded: bool,
    /// The frame that is being shown is to be shown again.
    pub(super) retained: bool,
    /// A send was refused by `Full` and the application has not been told that it may try again.
    pub(super) refused: bool,
    /// Silence ends the connection soon.
    pub(super) draining: bool,
    /// The application's timer was due and it has not been told.
    pub(super) timer_fired: bool,
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
    pub(super) fn new(wire_len_max: usize, wire: Wire, limits: Arc<Limits>, now: Instant) -> Self {
        let deadline = Timers::due(now, limits.handshake_timeout);
        Self {
            wire_len_max,
            state: State::Opening { deadline, after: After::Nothing },
            wire,
            staged: Buffer::new(),
            timers: Timers::new(now),
            limits,
            hold: Hold::None,
            flow: Flow::Open,
            coupled: true,
            upgraded: false,
            retained: false,
            refused: false,
            draining: false,
            timer_fired: false,
        }
    }

    /// Changes the state. Nothing else does.
    pub(super) fn input(&mut self, input: Input) {
        let over = State::Closed { reason: CloseReason::Aborted };
        self.state = core::mem::replace(&mut self.state, over).after(input);
        self.drop_unsendable();
    }

    /// Drops what is queued once it can no longer be transmitted.
    fn drop_unsendable(&mut self) {
        if self.state.is_shut() {
            self.staged.clear();
            self.wire.drop_sealed();
        }
    }

    pub(super) fn send<F: Framing>(
        &mut self,
        framing: &mut F,
        item: F::Item<'_>,
    ) -> Result<(), SendError> {
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
        let queued_len = self.queued_len();
        if queued_len >= self.high_water() {
            if self.coupled {
                self.flow = Flow::Blocked;
            }
            self.refused = true;
            return Err(SendError::Full);
        }
        let staged_len = self.staged.len();
        if let Err(error) = framing.encode(item, &mut self.staged) {
            self.staged.truncate(staged_len);
            return Err(SendError::Encode(error));
        }
        if self.hold == Hold::Held {
            self.hold = Hold::Released;
        }
        self.queue_changed();
        self.close_if_over(framing);
        Ok(())
    }

    /// Closes once the framing knows that the conversation is over.
    #[inline]
    pub(super) fn close_if_over(&mut self, framing: &impl Framing) {
        if framing.is_over() {
            self.input(Input::Close);
        }
    }

    /// Goes on with another type of framing.
    pub(super) fn reframe(&mut self, framing: &impl Framing) {
        self.wire_len_max = self.wire_len_max.max(framing.wire_len_max());
        self.timers.frame = FrameClock::Off;
        self.upgraded = false;
        self.retained = false;
    }

    /// Why the connection fails or ends, in the states that have a reason.
    pub(super) const fn reason(&self) -> Option<&CloseReason> {
        match &self.state {
            State::Severed { reason }
            | State::Failing { reason, .. }
            | State::Replying { reason, .. }
            | State::Closing { reason }
            | State::Lingering { reason, .. }
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

    pub(super) fn queued_len(&self) -> usize {
        self.wire.queued_len(&self.staged)
    }

    /// At least 1, so that an empty queue always takes a frame.
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
            self.timers.progress_at = None;
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
        self.refused
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
        if self.wants_write() {
            self.timers.progress_at.get_or_insert(now);
        }
        if let State::Lingering { deadline, .. } = &mut self.state {
            deadline.get_or_insert(Timers::due(now, self.limits.linger_timeout));
        }
    }

    pub(super) fn pace_frame_clock(&mut self) {
        match self.flow {
            Flow::Open => self.timers.frame.resume(self.timers.now),
            Flow::Blocked | Flow::Retained => self.timers.frame.pause(self.timers.now),
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

    /// Whether a step waits to be yielded that time cannot change.
    fn has_news(&self) -> bool {
        match self.state {
            State::Opening { .. } => self.wire.is_ready() || self.wire.is_failed(),
            State::Failing { .. } | State::Replying { .. } | State::Ended { .. } => true,
            State::Open
            | State::RemoteFinished
            | State::LocalFinished { .. }
            | State::Severed { .. }
            | State::Closing { .. }
            | State::Lingering { .. }
            | State::Closed { .. } => false,
        }
    }

    /// The next deadline.
    pub(super) fn deadline(&self) -> Option<Deadline> {
        let mut first: Option<Deadline> = None;
        let mut consider = |at: Instant, timer: Timer| {
            if at != Instant::MAX && first.is_none_or(|first| at < first.at) {
                first = Some(Deadline { at, timer });
            }
        };
        if self.state.is_over() {
            return None;
        }
        if self.wants_write() {
            let since = self.timers.progress_at.unwrap_or(self.timers.now);
            consider(Timers::due(since, self.limits.stall_timeout), Timer::Stall);
        }
        match self.state {
            State::Opening { deadline, .. } if !self.has_news() => {
                consider(deadline, Timer::Handshake);
            }
            State::Lingering { deadline, .. } => {
                let due = Timers::due(self.timers.now, self.limits.linger_timeout);
                consider(deadline.unwrap_or(due), Timer::Linger);
            }
            State::Open
            | State::RemoteFinished
            | State::LocalFinished { .. }
            | State::Severed { .. } => {
                // Silence while a frame is retained is not the peer's.
                if self.flow != Flow::Retained {
                    let (timeout, timer) = self.silence();
                    consider(Timers::due(self.timers.active_at, timeout), timer);
                }
                if let FrameClock::Running { deadline } = self.timers.frame {
                    consider(deadline, Timer::Frame);
                }
                if let Some(at) = self.timers.application {
                    consider(at, Timer::Application);
                }
            }
            State::Opening { .. }
            | State::Failing { .. }
            | State::Replying { .. }
            | State::Closing { .. }
            | State::Ended { .. }
            | State::Closed { .. } => {}
        }
        first
    }

    /// How long silence may last, and what its end means.
    fn silence(&self) -> (core::time::Duration, Timer) {
        let (idle, drain) = (self.limits.idle_timeout, self.limits.drain_idle_timeout);
        // A frame that is under way, either way, is not cut off by draining.
        let is_at_rest = self.timers.frame == FrameClock::Off
            && self.flow == Flow::Open
            && self.queued_len() == 0;
        if self.draining && is_at_rest && drain < idle {
            (drain, Timer::Drain)
        } else {
            (idle, Timer::Idle)
        }
    }

    /// Acts on every deadline that is due.
    pub(super) fn handle_timeout(&mut self) {
        while let Some(Deadline { at, timer }) = self.deadline() {
            if at > self.timers.now {
                break;
            }
            match timer {
                Timer::Application => {
                    self.timers.application = None;
                    self.timer_fired = true;
                }
                Timer::Drain => self.input(Input::Close),
                Timer::Frame => {
                    self.timers.frame = FrameClock::Off;
                    self.input(Input::Fail(CloseReason::TimedOut(timer)));
                }
                Timer::Idle => self.input(Input::Fail(CloseReason::TimedOut(timer))),
                Timer::Linger => self.input(Input::LingerExpired),
                // The preamble's is never set here.
                Timer::Handshake | Timer::ProxyHeader | Timer::Stall => {
                    self.input(Input::Lost(CloseReason::TimedOut(timer)));
                }
            }
        }
    }
}
