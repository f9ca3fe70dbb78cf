//! What a connection tells the application: one step after the other.

use alloc::boxed::Box;
use core::fmt;

use super::close::{CloseReason, Truncation};
use super::handle::Handle;
use super::link::{Flow, Hold};
use super::notes::Note;
use super::state::{Input, State};
use super::stride::Stride;
use super::tap::record;
use super::wire::Inflow;
use super::{Connection, Front};
use crate::buffer::nothing;
use crate::error::{DecodeError, Error, LimitExceeded};
use crate::framing::{Framing, Scan, Whole};
use crate::tls::Negotiated;

/// Something that happened, in the order in which it did.
///
/// A connection yields `Open` first, unless it ends before; then frames, timers and `Writable`;
/// `Finished` after the peer's last frame; `Failed` at most once; and `Closed` once, as the last.
/// All but the last come with a handle, to answer right there.
#[non_exhaustive]
pub enum Step<'a, F: Framing> {
    /// The connection is open: the handshake is done, and what it agreed on. Plain connections are
    /// open from the start and have agreed on nothing.
    Open(Option<Box<Negotiated>>, Handle<'a, F>),
    /// A frame has arrived. The following step consumes it, unless the handle is told to
    /// [`retain`](Handle::retain) it.
    Frame(F::Frame<'a>, Handle<'a, F>),
    /// The application's timer is due.
    Timer(Handle<'a, F>),
    /// A send was refused because the queue was full, and it has fallen to low water.
    Writable(Handle<'a, F>),
    /// The peer has finished its side; there will be no further frame. Ours is still open.
    Finished(Handle<'a, F>),
    /// Something fatal happened. A last reply can still be sent until the next step is taken; then
    /// the connection flushes and closes.
    Failed(CloseReason, Handle<'a, F>),
    /// The connection is over and its transport can be dropped.
    Closed(CloseReason),
}

/// A step before anything is borrowed for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pending {
    Open,
    /// The one that was found.
    Frame,
    Timer,
    Writable,
    Finished,
    /// With the reason that the state carries.
    Failed,
    /// With the reason that the state carries.
    Closed,
}

impl<F: Framing> Connection<F> {
    /// The next step, or `None` until something happens outside.
    ///
    /// Call it until it returns `None` after every call that reports something to the connection.
    /// No frame is yielded while the transmit queue is above high water.
    #[expect(clippy::should_implement_trait, reason = "a step borrows from the connection")]
    #[inline]
    pub fn next(&mut self) -> Option<Step<'_, F>> {
        match self.stride() {
            Stride::Frame(whole) => {
                record!(self.link, Step(crate::script::StepKind::Frame { len: whole.len }));
                Some(self.show(whole))
            }
            Stride::Nothing => {
                record!(self.link, Look);
                None
            }
            Stride::Other => self.next_other(),
        }
    }

    /// Borrows what the step of the frame at the front borrows.
    #[inline]
    fn show(&mut self, whole: Whole<F::Found>) -> Step<'_, F> {
        let bytes = match self.receive.filled_mut().get_mut(..whole.len) {
            Some(bytes) => bytes,
            None => nothing(),
        };
        let handle = Handle::new(&mut self.framing, &mut self.link);
        Step::Frame(F::view(whole.found, bytes), handle)
    }

    #[inline(never)]
    fn next_other(&mut self) -> Option<Step<'_, F>> {
        if !self.has_step() {
            return None;
        }
        let upcoming = self.upcoming.take()?;
        record!(self.link, Step(crate::script::StepKind::of(self, upcoming)));
        if let (Pending::Frame, Front::Found(whole)) = (upcoming, self.front) {
            self.front = Front::Shown(whole);
            return Some(self.show(whole));
        }
        let (framing, link) = (&mut self.framing, &mut self.link);
        Some(match upcoming {
            Pending::Open => {
                Step::Open(link.wire.negotiated().map(Box::new), Handle::new(framing, link))
            }
            Pending::Frame => return None,
            Pending::Timer => {
                link.notes.remove(Note::TimerFired);
                Step::Timer(Handle::new(framing, link))
            }
            Pending::Writable => {
                link.notes.remove(Note::Refused);
                Step::Writable(Handle::new(framing, link))
            }
            Pending::Finished => Step::Finished(Handle::new(framing, link)),
            Pending::Failed => Step::Failed(link.reason()?.clone(), Handle::new(framing, link)),
            Pending::Closed => Step::Closed(link.reason()?.clone()),
        })
    }

    /// Whether [`next`](Self::next) has a step. Consumes the frame that was shown, as `next` does,
    /// and borrows nothing: what a function needs that loops over I/O and returns a borrowed frame.
    #[must_use]
    pub fn has_step(&mut self) -> bool {
        let has_step = self.work_out();
        record!(self.link, Look);
        has_step
    }

    fn work_out(&mut self) -> bool {
        if self.is_outdated() {
            self.upcoming = None;
        }
        if self.upcoming.is_none() {
            self.upcoming = self.advance();
        }
        self.upcoming.is_some()
    }

    /// Whether the next step is a frame. Otherwise as [`has_step`](Self::has_step): a function that
    /// returns a borrowed frame must not borrow a step of another kind on the way to it.
    #[must_use]
    pub fn has_frame(&mut self) -> bool {
        self.has_step() && self.upcoming == Some(Pending::Frame)
    }

    /// Whether the step that was worked out is none any more, because of what was asked for since.
    fn is_outdated(&mut self) -> bool {
        if self.link.notes.remove(Note::Upgraded) {
            self.forget_found();
        }
        let is_conversing = self.link.state.is_conversing();
        match self.upcoming {
            Some(Pending::Frame) => {
                let is_yielding = self.link.state.is_decoding() && self.link.flow == Flow::Open;
                !(is_yielding && matches!(self.front, Front::Found(_)))
            }
            Some(Pending::Timer) => !(is_conversing && self.link.notes.has(Note::TimerFired)),
            Some(Pending::Writable) => !(is_conversing && self.link.is_retry_due()),
            Some(Pending::Open | Pending::Finished | Pending::Failed | Pending::Closed) | None => {
                false
            }
        }
    }

    /// Forgets what the old framing has found, but for a frame that is shown and to be consumed.
    fn forget_found(&mut self) {
        match self.front {
            Front::Shown(_) if !self.link.notes.has(Note::Retained) => {}
            _ => self.front = Front::Unseen,
        }
    }

    /// Works out the next step.
    fn advance(&mut self) -> Option<Pending> {
        self.consume_shown();
        if let State::Replying { .. } = self.link.state {
            self.link.input(Input::Replied);
        }
        loop {
            match &self.link.state {
                State::Opening { .. } => {
                    if self.link.wire.is_ready() {
                        self.link.input(Input::Opened);
                        self.link.timers.active_at = self.link.timers.now;
                        return Some(Pending::Open);
                    }
                    match self.inflow {
                        Inflow::Open => return None,
                        Inflow::Finished | Inflow::Cut => {
                            self.fail_for(CloseReason::Truncated(Truncation::Handshake));
                        }
                        Inflow::Failed(error) => {
                            self.fail_for(CloseReason::Failed(Error::Tls(error)));
                        }
                    }
                }
                State::Open
                | State::RemoteFinished
                | State::LocalFinished { .. }
                | State::Severed { .. } => {
                    if self.link.notes.has(Note::TimerFired) {
                        return Some(Pending::Timer);
                    }
                    if self.link.is_retry_due() {
                        return Some(Pending::Writable);
                    }
                    if !self.link.state.is_decoding() {
                        let Inflow::Failed(error) = self.inflow else { return None };
                        self.fail_for(CloseReason::Failed(Error::Tls(error)));
                        continue;
                    }
                    match self.decode() {
                        Decoded::Step(step) => return Some(step),
                        Decoded::Nothing => return None,
                        Decoded::Fail(reason) => self.fail_for(reason),
                        Decoded::Over => self.link.input(Input::Close),
                    }
                }
                State::Failing { .. } => {
                    self.link.input(Input::Told);
                    return Some(Pending::Failed);
                }
                State::Ended { .. } => {
                    self.link.input(Input::Told);
                    self.discard_received();
                    return Some(Pending::Closed);
                }
                // Both sides had ended before we failed or closed: nothing tells of that again.
                State::Lingering { .. } if self.has_remote_ended() => {
                    self.link.input(Input::RemoteEnded);
                }
                State::Replying { .. }
                | State::Closing { .. }
                | State::Lingering { .. }
                | State::Closed { .. } => {
                    self.discard_received();
                    return None;
                }
            }
        }
    }

    /// Whether the peer's stream has ended, so that there is nothing to linger for.
    pub(super) fn has_remote_ended(&self) -> bool {
        self.link.ended || self.inflow == Inflow::Finished
    }

    pub(super) fn fail_for(&mut self, reason: CloseReason) {
        self.link.input(Input::Fail(reason));
    }

    /// Consumes the frame that the last step showed, unless it was retained. The room behind it may
    /// then lie elsewhere, so that a loan ends.
    pub(super) fn consume_shown(&mut self) {
        let retained = self.link.notes.remove(Note::Retained);
        let Front::Shown(whole) = self.front else { return };
        if retained {
            self.front = Front::Found(whole);
            return;
        }
        self.front = Front::Unseen;
        self.lent = 0;
        let _is_spent = self.receive.take_frame(whole.len);
        self.link.close_if_over(&self.framing);
    }

    /// Throws away what was received, and with it the frame that was found.
    pub(super) fn discard_received(&mut self) {
        self.receive.clear();
        self.front = Front::Unseen;
        self.lent = 0;
    }

    /// Looks for the next frame, or for what the end of the stream means.
    fn decode(&mut self) -> Decoded {
        if let Front::Hungry = self.front {
            self.front = Front::Unseen;
        }
        self.link.paused = false;
        self.link.hold = Hold::None;
        if self.link.flow != Flow::Open {
            return Decoded::Nothing;
        }
        if self.receive.is_spent() && !self.receive.is_empty() {
            self.link.paused = true;
            return Decoded::Nothing;
        }
        if let Front::Found(_) = self.front {
            return Decoded::Step(Pending::Frame);
        }
        let end = match self.framing.scan(self.receive.filled()) {
            Ok(Scan::Found(whole)) => return self.found(whole),
            Ok(Scan::Need(_)) => Ok(Wait::Input),
            Ok(Scan::Hold) => Ok(Wait::Output),
            Err(error) => Err(error),
        };
        self.conclude(end)
    }

    /// What it means that a scan found no frame.
    pub(super) fn conclude(&mut self, end: Result<Wait, DecodeError>) -> Decoded {
        match end {
            Ok(Wait::Input) => {}
            Ok(Wait::Output) => return self.held(),
            Err(error) => return Decoded::Fail(Self::blame(error)),
        }
        let link = &mut self.link;
        match self.inflow {
            Inflow::Open => {
                self.front = Front::Hungry;
                let is_mid_frame = !self.receive.is_empty() || link.wire.is_mid_record();
                if is_mid_frame && self.framing.has_whole_frames() {
                    link.timers.clock.start_frame(link.timers.now, link.limits.frame_timeout);
                } else {
                    // What had begun was a record without a frame.
                    link.timers.clock.stop_frame();
                }
                Decoded::Nothing
            }
            Inflow::Failed(error) => Decoded::Fail(CloseReason::Failed(Error::Tls(error))),
            Inflow::Cut if self.receive.is_empty() => {
                Decoded::Fail(CloseReason::Truncated(Truncation::Session))
            }
            Inflow::Cut => {
                Decoded::Fail(CloseReason::Truncated(Truncation::Frame { len: self.receive.len() }))
            }
            Inflow::Finished => match self.framing.scan_end(self.receive.filled()) {
                Ok(Some(whole)) => self.found(whole),
                Ok(None) => {
                    link.timers.clock.stop_frame();
                    link.input(Input::RemoteFinished);
                    Decoded::Step(Pending::Finished)
                }
                Err(error) => Decoded::Fail(Self::blame(error)),
            },
        }
    }

    /// Nothing is to be shown before something has been sent. What is read meanwhile waits.
    fn held(&mut self) -> Decoded {
        // It is not the peer that is awaited.
        self.link.timers.clock.stop_frame();
        self.link.hold = Hold::Held;
        match self.inflow {
            _ if !self.link.state.can_send() => Decoded::Over,
            Inflow::Failed(error) => Decoded::Fail(CloseReason::Failed(Error::Tls(error))),
            Inflow::Open | Inflow::Finished | Inflow::Cut => Decoded::Nothing,
        }
    }

    fn found(&mut self, whole: Whole<F::Found>) -> Decoded {
        self.front = Front::Found(whole);
        self.link.timers.clock.stop_frame();
        Decoded::Step(Pending::Frame)
    }

    pub(super) fn blame(error: DecodeError) -> CloseReason {
        match error {
            DecodeError::TooLong { len, max } => {
                CloseReason::Failed(Error::Limit(LimitExceeded::FrameLen { len, max }))
            }
            DecodeError::Http { part, max } => {
                CloseReason::Failed(Error::Limit(LimitExceeded::Http { part, max }))
            }
            DecodeError::Invalid(error) => CloseReason::Failed(Error::Remote(error)),
            DecodeError::Truncated { len } => CloseReason::Truncated(Truncation::Frame { len }),
        }
    }
}

/// What must happen before a framing finds a frame.
pub(super) enum Wait {
    Input,
    Output,
}

pub(super) enum Decoded {
    Step(Pending),
    Nothing,
    Fail(CloseReason),
    /// What is there awaits an answer, and none can be sent any more.
    Over,
}

impl<'a, F: Framing> fmt::Debug for Step<'a, F>
where
    F::Frame<'a>: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(negotiated, _) => f.debug_tuple("Open").field(negotiated).finish(),
            Self::Frame(frame, _) => f.debug_tuple("Frame").field(frame).finish(),
            Self::Timer(_) => f.write_str("Timer"),
            Self::Writable(_) => f.write_str("Writable"),
            Self::Finished(_) => f.write_str("Finished"),
            Self::Failed(reason, _) => f.debug_tuple("Failed").field(reason).finish(),
            Self::Closed(reason) => f.debug_tuple("Closed").field(reason).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::sync::Arc;

    use super::*;
    use crate::framing::{Fixed, Lines};
    use crate::limits::Limits;
    use crate::time::Instant;

    #[test]
    fn a_frame_is_told_apart_from_other_steps_and_stays() {
        let now = Instant::ZERO;
        let mut connection = Connection::plain(Lines::new(), Arc::new(Limits::new()), now);
        assert!(!connection.has_frame());
        assert!(matches!(connection.next(), Some(Step::Open(None, _))));
        connection.receive_buffer()[..2].copy_from_slice(b"a\n");
        assert_eq!(connection.received(2, now), Ok(()));
        assert!(connection.has_frame());
        assert!(connection.has_frame());
        assert!(matches!(connection.next(), Some(Step::Frame(b"a", _))));
        assert!(!connection.has_frame());
        assert_eq!(connection.received_eof(now), Ok(()));
        assert!(!connection.has_frame());
        assert!(matches!(connection.next(), Some(Step::Finished(_))));
    }

    /// A connection whose queue is above high water, and whether it then wants to read, yields a
    /// frame, and tells that there is room again.
    fn above_high_water(decoupled: bool) -> (bool, bool, bool) {
        let mut limits = Limits::new();
        limits.transmit_high_water = 4;
        limits.transmit_low_water = 2;
        let framing = Fixed::new(2.try_into().unwrap());
        let mut connection = Connection::plain(framing, limits.into(), Instant::ZERO);
        assert!(matches!(connection.next(), Some(Step::Open(..))));
        connection.send(b"12").unwrap();
        connection.send(b"34").unwrap();
        assert_eq!(connection.send(b"56"), Err(crate::SendError::Full));
        if decoupled {
            connection.decouple();
            assert_eq!(connection.send(b"56"), Err(crate::SendError::Full));
        }
        let reads = connection.interest().read;
        if reads {
            connection.receive_buffer()[..2].copy_from_slice(b"ab");
            connection.received(2, Instant::ZERO).unwrap();
        }
        let yields = matches!(connection.next(), Some(Step::Frame(b"ab", _)));
        assert!(connection.next().is_none());
        connection.transmitted(1, Instant::ZERO).unwrap();
        assert!(connection.next().is_none());
        connection.transmitted(1, Instant::ZERO).unwrap();
        (reads, yields, matches!(connection.next(), Some(Step::Writable(_))))
    }

    #[test]
    fn room_that_is_used_before_it_is_told_is_told_again() {
        let mut limits = Limits::new();
        limits.transmit_high_water = 2;
        limits.transmit_low_water = 0;
        let framing = Fixed::new(2.try_into().unwrap());
        let mut connection = Connection::plain(framing, limits.into(), Instant::ZERO);
        assert!(matches!(connection.next(), Some(Step::Open(..))));
        connection.send(b"12").unwrap();
        connection.send(b"34").unwrap_err();
        connection.transmitted(2, Instant::ZERO).unwrap();
        assert!(connection.has_step());
        connection.send(b"34").unwrap();
        assert!(connection.next().is_none());
        connection.transmitted(2, Instant::ZERO).unwrap();
        assert!(matches!(connection.next(), Some(Step::Writable(_))));
        assert!(connection.next().is_none());
    }

    #[test]
    fn a_full_queue_holds_frames_back_unless_decoupled() {
        assert_eq!(above_high_water(false), (false, false, true));
        assert_eq!(above_high_water(true), (true, true, true));
    }
}
