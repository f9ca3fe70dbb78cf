//! What all connections of a load have in common.

use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::ops::Range;
use core::time::Duration;

use super::options::{LoadOptions, Pace};
use super::request::Request;
use super::schedule::Schedule;
use super::statistics::{LoadStatistics, Record};
use crate::connection::CloseReason;
use crate::time::Instant;

/// A rate is missed by more than is due in this part of a second.
const MISSED_PER_SECOND: u64 = 20;

/// Times by which what a slot has not sent is told apart.
const UNSENT_STEPS: u64 = 1_000;

pub(super) struct Shared<R> {
    pub(super) options: LoadOptions,
    pub(super) request: Request,
    pub(super) schedule: Schedule,
    pub(super) statistics: LoadStatistics<R>,
    /// How many requests of each slot were sent at a rate.
    asked: Vec<u64>,
    /// The slots without a connection, and when they want one.
    free: BinaryHeap<Reverse<(Instant, usize)>>,
    /// Slots with a connection.
    pub(super) taken: usize,
    /// Connections so far.
    connections: u32,
    /// When the end has come.
    end: Instant,
    /// Counted requests that may still be sent.
    left: Option<u64>,
    /// The latest time seen.
    now: Instant,
    is_stopped: bool,
    is_settled: bool,
    /// Asking was over because so many requests had been sent.
    is_counted_out: bool,
    /// The warm-up is over.
    is_warm: bool,
}

/// A place for a connection, while it has one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) number: usize,
    /// Of the connection, no other's.
    pub(super) connection: u32,
    /// When what the connection is for was due.
    pub(super) due: Instant,
}

/// A request, from when it is due until it is answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) due: Instant,
    pub(super) sent_at: Instant,
    pub(super) is_counted: bool,
}

impl<R: Record> Shared<R> {
    pub(super) fn new(options: LoadOptions, now: Instant, latency: R, service: R) -> Self {
        let slots = options.connections;
        let schedule = Schedule::new(now, slots as u64, options.pace);
        let began_at = now + options.warm_up;
        // Connections that are kept are made at once, others when they are due.
        let first =
            |slot: usize| if options.connects { schedule.due(slot as u64, 0) } else { None };
        let free = (0..slots).map(|slot| Reverse((first(slot).unwrap_or(now), slot))).collect();
        Self {
            request: Request::new(options.request_len),
            statistics: LoadStatistics {
                answered: 0,
                completed: 0,
                unanswered: 0,
                unsent: 0,
                is_rate_missed: false,
                mismatched: 0,
                mismatch: None,
                opened: 0,
                connect_failed: 0,
                lost: Default::default(),
                latency,
                service,
                began_at,
                ended_at: now,
                last_at: began_at,
            },
            asked: alloc::vec![0; slots],
            free,
            taken: 0,
            connections: 0,
            end: began_at + options.duration,
            left: options.requests_max,
            now,
            is_stopped: false,
            is_settled: false,
            is_counted_out: false,
            is_warm: false,
            schedule,
            options,
        }
    }

    pub(super) fn is_over(&mut self, now: Instant) -> bool {
        self.now = self.now.max(now);
        if self.is_settled {
            return true;
        }
        if !self.is_warm && self.now >= self.statistics.began_at {
            self.is_warm = true;
            self.forget_warm_up();
        }
        let is_over = self.is_stopped || self.now >= self.end || self.left == Some(0);
        if is_over {
            self.settle();
        } else {
            self.statistics.ended_at = self.now;
        }
        is_over
    }

    /// What was due in the warm-up and not sent is not asked any more: it would keep what is counted
    /// from being asked.
    fn forget_warm_up(&mut self) {
        for (slot, asked) in self.asked.iter_mut().enumerate() {
            let warm = self.schedule.count_before(slot as u64, self.statistics.began_at);
            *asked = warm.max(*asked);
        }
    }

    fn settle(&mut self) {
        self.is_settled = true;
        self.is_counted_out = !self.is_stopped && self.now < self.end;
        self.end = self.end.min(self.now);
        self.statistics.ended_at = self.end;
        let unsent = self.unsent();
        if let Pace::Open { rate } = self.options.pace {
            let time = self.end.saturating_duration_since(self.statistics.began_at);
            let due = time.as_nanos().saturating_mul(rate.into()) / 1_000_000_000;
            self.statistics.is_rate_missed =
                u128::from(unsent) > (due / 100).max(u128::from(rate / MISSED_PER_SECOND));
        }
        if self.left.is_none() {
            self.statistics.unsent = unsent;
            self.record_unsent();
        }
    }

    /// Those that were due and were not sent.
    fn unsent(&self) -> u64 {
        let slots = 0..self.asked.len();
        slots.map(|slot| self.unsent_of(slot)).map(|unsent| unsent.end - unsent.start).sum()
    }

    /// The numbers of those of a slot.
    fn unsent_of(&self, slot: usize) -> Range<u64> {
        let before = |at| self.schedule.count_before(slot as u64, at);
        let asked = self.asked.get(slot).copied().unwrap_or(0);
        let first = asked.max(before(self.statistics.began_at));
        first..first.max(before(self.end))
    }

    /// Those that were not sent have waited until the end. Where there are many, neighbours are taken
    /// for as late as the latest of them.
    fn record_unsent(&mut self) {
        for slot in 0..self.asked.len() {
            let unsent = self.unsent_of(slot);
            let step = (unsent.end - unsent.start).div_ceil(UNSENT_STEPS).max(1);
            let mut from = unsent.start;
            while from < unsent.end {
                let until = from.saturating_add(step).min(unsent.end);
                if let Some(due) = self.schedule.due(slot as u64, until - 1) {
                    let waited = self.end.saturating_duration_since(due);
                    self.statistics.latency.record_waiting(waited, until - from);
                }
                from = until;
            }
        }
    }

    pub(super) fn stop(&mut self, now: Instant) {
        self.is_stopped = true;
        self.is_over(now);
    }

    /// When all must be over, whatever is still in flight.
    pub(super) fn hard_end(&self) -> Instant {
        self.end + self.options.timeout
    }

    pub(super) const fn end(&self) -> Instant {
        self.end
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let is_open = !self.is_settled;
        let next = self.free.peek().filter(|_| is_open).map(|Reverse((at, _))| *at);
        let end = Some(self.end).filter(|end| is_open && *end < Instant::MAX);
        next.into_iter().chain(end).min()
    }

    pub(super) fn take_slot(&mut self, now: Instant) -> Option<Slot> {
        if self.is_over(now) {
            return None;
        }
        let Reverse((at, number)) = self.free.pop()?;
        if at > self.now {
            self.free.push(Reverse((at, number)));
            return None;
        }
        self.taken += 1;
        self.connections = self.connections.wrapping_add(1);
        Some(Slot { number, connection: self.connections, due: self.now })
    }

    /// A slot has no connection any more, and wants one: at once if that one has done what it was for.
    fn release(&mut self, slot: Slot, has_failed: bool) {
        self.taken = self.taken.saturating_sub(1);
        let pause = if has_failed { self.options.pause } else { Duration::ZERO };
        let due = self.due(slot.number).filter(|_| self.options.connects);
        self.free.push(Reverse((due.unwrap_or(self.now).max(self.now + pause), slot.number)));
    }

    pub(super) fn connect_failed(&mut self, slot: Slot, now: Instant) {
        self.is_over(now);
        self.statistics.connect_failed += 1;
        self.release(slot, true);
    }

    /// The connection of `slot` is over; these were in flight.
    pub(super) fn closed(
        &mut self,
        slot: Slot,
        reason: &CloseReason,
        is_done: bool,
        in_flight: impl Iterator<Item = Asked>,
    ) {
        for asked in in_flight.filter(|asked| asked.is_counted) {
            self.statistics.unanswered += 1;
            let waited = |since| self.now.saturating_duration_since(since);
            self.statistics.latency.record_waiting(waited(asked.due), 1);
            if self.schedule.has_rate() {
                self.statistics.service.record_waiting(waited(asked.sent_at), 1);
            }
            if self.is_counted_out {
                self.statistics.ended_at = self.now;
            }
        }
        if !is_done {
            *self.statistics.lost.entry(reason.kind()).or_default() += 1;
        }
        self.release(slot, !is_done);
    }

    /// When the next request of a slot is due, at a rate.
    pub(super) fn due(&self, slot: usize) -> Option<Instant> {
        self.schedule.due(slot as u64, *self.asked.get(slot)?)
    }

    /// Begins the next request of a slot, if there is one that is due.
    pub(super) fn begin(&mut self, slot: &Slot, now: Instant) -> Option<Asked> {
        if self.is_over(now) {
            return None;
        }
        let due = match self.due(slot.number) {
            Some(due) if due > self.now => return None,
            Some(due) => due,
            // What a connection is made for was due when connecting began.
            None if self.options.connects => slot.due,
            None => self.now,
        };
        let is_counted = due >= self.statistics.began_at;
        if let Some(left) = self.left.as_mut().filter(|_| is_counted) {
            *left -= 1;
        }
        if let Some(asked) = self.asked.get_mut(slot.number) {
            *asked += 1;
        }
        Some(Asked { due, sent_at: self.now, is_counted })
    }

    /// The last of them was not sent after all.
    pub(super) fn unbegin(&mut self, slot: &Slot, asked: Asked) {
        if let Some(left) = self.left.as_mut().filter(|_| asked.is_counted) {
            *left += 1;
        }
        if let Some(count) = self.asked.get_mut(slot.number) {
            *count = count.saturating_sub(1);
        }
    }

    pub(super) fn answered(&mut self, asked: Asked, now: Instant) {
        self.now = self.now.max(now);
        self.complete(asked);
        if !asked.is_counted {
            return;
        }
        self.statistics.answered += 1;
        self.statistics.last_at = self.now;
        self.statistics.latency.record(self.now.saturating_duration_since(asked.due));
        if self.schedule.has_rate() {
            self.statistics.service.record(self.now.saturating_duration_since(asked.sent_at));
        }
    }

    /// Takes an answer for one of those that make the rate, if it is.
    fn complete(&mut self, asked: Asked) {
        if self.is_counted_out && asked.is_counted {
            self.statistics.ended_at = self.now;
        }
        // What comes at the very beginning belongs to the warm-up, and what comes at the end does not.
        let has_begun = asked.is_counted || self.now > self.statistics.began_at;
        let is_in_time = has_begun && (self.now <= self.end || self.is_counted_out);
        if is_in_time && (asked.is_counted || self.left.is_none()) {
            self.statistics.completed += 1;
        }
    }
}
