use alloc::collections::VecDeque;
use core::time::Duration;

use super::options::REMEMBERED_MAX;
use super::{Laps, Stage};
use crate::time::Instant;

/// Settled requests that are remembered in any case, to know duplicates and late replies.
const SETTLED_MAX: usize = 1024;

/// The latest requests, oldest first, without gaps.
#[derive(Debug, Default)]
pub(super) struct Window {
    requests: VecDeque<Request>,
    /// The number of the first.
    first: u64,
    /// All before it are settled; between `first` and the end.
    first_waiting: u64,
    in_flight: usize,
}

/// A request that was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) sent_at: Instant,
    /// When its last stage was reached, or it was sent.
    pub(super) marked_at: Instant,
    pub(super) laps: Laps,
    pub(super) state: State,
}

/// ```text
/// Waiting ─► Answered
///    ├─────► TimedOut ─► AnsweredLate
///    └─────► Failed ───► AnsweredLate
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Waiting,
    Answered,
    AnsweredLate,
    TimedOut,
    Failed,
}

impl Window {
    /// The number of the next request.
    pub(super) fn end(&self) -> u64 {
        self.first.saturating_add(self.requests.len() as u64)
    }

    pub(super) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(super) fn has_room(&self, in_flight_max: usize) -> bool {
        self.in_flight < in_flight_max.max(1) && self.requests.len() < REMEMBERED_MAX
    }

    /// Takes note that a request is sent.
    pub(super) fn push(&mut self, now: Instant) -> u64 {
        let number = self.end();
        self.requests.push_back(Request {
            sent_at: now,
            marked_at: now,
            laps: Laps::default(),
            state: State::Waiting,
        });
        self.in_flight += 1;
        self.forget();
        number
    }

    /// The latest number whose low half is `sequence`, if it is remembered.
    pub(super) fn number_of(&self, sequence: u16) -> Option<u64> {
        let last = self.end().checked_sub(1)?;
        let back = last.wrapping_sub(sequence.into()) & 0xffff;
        last.checked_sub(back).filter(|number| *number >= self.first)
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Request> {
        let at = number.checked_sub(self.first)?;
        self.requests.get_mut(usize::try_from(at).ok()?)
    }

    /// Ends the waiting for a request, if it is waited for.
    pub(super) fn settle(&mut self, number: u64, state: State) -> Option<Request> {
        let request = self.get_mut(number).filter(|request| request.state == State::Waiting)?;
        request.state = state;
        let request = *request;
        self.in_flight = self.in_flight.saturating_sub(1);
        self.forget();
        Some(request)
    }

    /// The oldest request that is waited for.
    pub(super) fn oldest(&self) -> Option<(u64, Request)> {
        let at = usize::try_from(self.first_waiting.checked_sub(self.first)?).ok()?;
        self.requests.get(at).map(|request| (self.first_waiting, *request))
    }

    fn forget(&mut self) {
        while self.oldest().is_some_and(|(_, request)| request.state != State::Waiting) {
            self.first_waiting += 1;
        }
        while self.requests.len() > SETTLED_MAX && self.first < self.first_waiting {
            self.requests.pop_front();
            self.first += 1;
        }
    }
}

impl Request {
    /// Takes note that a stage is over.
    pub(super) fn reached(&mut self, stage: Stage, at: Instant) {
        let lap = at.saturating_duration_since(self.marked_at);
        self.marked_at = self.marked_at.max(at);
        let time = match stage {
            Stage::Connect => &mut self.laps.connect,
            Stage::Handshake => &mut self.laps.handshake,
            Stage::Echo => &mut self.laps.echo,
        };
        *time = Some(time.unwrap_or(Duration::ZERO).saturating_add(lap));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_as_small_as_the_module_says() {
        assert!(size_of::<Request>() <= 72);
    }
}
