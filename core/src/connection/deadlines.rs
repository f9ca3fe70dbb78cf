//! Which deadline comes first, and what is done when it is due.

use super::close::CloseReason;
use super::link::{Flow, Link};
use super::notes::Note;
use super::state::{Input, State};
use super::timers::{Clock, Deadline, Timer, Timers};
use crate::time::Instant;

impl Link {
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
            let since = self.timers.since(self.timers.progress_at);
            consider(Timers::due(since, self.limits.stall_timeout), Timer::Stall);
        }
        match self.state {
            State::Opening { .. } if !self.has_news() => {
                if let Clock::Handshake { ends_at } = self.timers.clock {
                    consider(ends_at, Timer::Handshake);
                }
            }
            State::Lingering { .. } => {
                let due = Timers::due(self.timers.now, self.limits.linger_timeout);
                let begun =
                    if let Clock::Linger { ends_at } = self.timers.clock { ends_at } else { due };
                consider(begun.min(due), Timer::Linger);
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
                if let Clock::Frame { ends_at } = self.timers.clock {
                    consider(ends_at, Timer::Frame);
                }
                consider(self.timers.application, Timer::Application);
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
        let is_at_rest = matches!(self.timers.clock, Clock::Off)
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
                    self.timers.application = Instant::MAX;
                    self.notes.add(Note::TimerFired);
                }
                Timer::Drain => self.input(Input::Close),
                Timer::Frame => {
                    self.timers.clock.stop_frame();
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
