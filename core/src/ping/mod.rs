//! When to ask for an echo, and what became of it: a state machine that does not know how requests
//! are carried.
//!
//! By ICMP, by UDP, over a connection that is made for it: the driver sends what it is told to send,
//! and reports what came back and when.
//!
//! ```text
//!  answered, reached ───▶ ┌──────┐ ─▶ next: Send, TimedOut, last Finished
//!  failed ──────────────▶ │ Ping │ ─▶ statistics
//!  handle_timeout, stop ▶ └──────┘ ─▶ deadline: wait no longer
//! ```
//!
//! - Requests go out at a steady interval. Of a driver that is late no burst is asked for.
//! - A request is settled once: received, timed out or failed. What comes for it later is a
//!   duplicate or late, and counted as that.
//! - Requests are numbered from 0; where there is room for 16 bits only, the low half of the number
//!   names them. A reply counts only if its payload is the one that was sent.
//!
//! Any call is legal in any order. An earlier `now` than seen before counts as the latest, except
//! that a reply is measured by the time given with it.
//!
//! # Bounds
//! At most [`REMEMBERED_MAX`] requests are remembered, 72 bytes each; when the oldest of as many
//! is still in flight, sending waits for it.
//!
//! # Examples
//! A driver, here over a network that takes 20 ms and loses the second request.
//!
//! ```
//! use std::time::Duration;
//! use drywire::Instant;
//! use drywire::ping::{End, Ping, PingOptions, PingStep};
//!
//! let mut options = PingOptions::new();
//! options.count = Some(3);
//! let mut now = Instant::ZERO;
//! let mut ping = Ping::new(options, now);
//! let mut on_the_way: Vec<(Instant, u16, Vec<u8>)> = Vec::new();
//! let mut payload = Vec::new();
//! let end = loop {
//!     // 1. Report what happened.
//!     on_the_way.retain(|(at, sequence, payload)| {
//!         if *at == now {
//!             ping.answered(*sequence, payload, now);
//!         }
//!         *at > now
//!     });
//!     ping.handle_timeout(now);
//!     // 2. Do what the ping says.
//!     match ping.next(now) {
//!         Some(PingStep::Send(request)) => {
//!             ping.write_payload(&request, &mut payload);
//!             if request.number != 1 {
//!                 on_the_way.push((now + Duration::from_millis(20), request.sequence, payload.clone()));
//!             }
//!             continue;
//!         }
//!         Some(PingStep::TimedOut { number }) => {
//!             assert_eq!(number, 1);
//!             continue;
//!         }
//!         Some(PingStep::Finished(end)) => break end,
//!         None => {}
//!     }
//!     // 3. Wait for a reply or the deadline.
//!     let replies = on_the_way.iter().map(|(at, ..)| *at);
//!     now = replies.chain(ping.deadline()).min().expect("something always comes");
//! };
//! assert_eq!((end, now), (End::Count, Instant::ZERO + Duration::from_secs(6)));
//! let statistics = ping.statistics();
//! assert_eq!((statistics.sent, statistics.received, statistics.timed_out), (3, 2, 1));
//! assert_eq!(statistics.round_trip.mean(), Some(Duration::from_millis(20)));
//! ```

use alloc::vec::Vec;
use core::time::Duration;

use crate::time::Instant;

mod answer;
mod distribution;
mod options;
mod payload;
mod statistics;
mod step;
mod window;

pub use answer::{Answer, Laps, Reply, Stage};
pub use distribution::Distribution;
pub use options::{PingOptions, REMEMBERED_MAX};
pub use payload::STAMP_LEN;
pub use statistics::PingStatistics;
pub use step::{End, PingStep, Request};

use payload::Stamp;
use window::{State, Window};

/// Decides when to send which request and counts what became of it; see the [module](self).
#[derive(Debug)]
pub struct Ping {
    options: PingOptions,
    /// The latest time seen.
    now: Instant,
    /// When the next request is due.
    send_at: Instant,
    /// When it all ends.
    expires_at: Instant,
    window: Window,
    /// The highest number that was answered.
    highest: Option<u64>,
    statistics: PingStatistics,
    state: Life,
}

/// ```text
/// Pinging  stop                      Stopping
/// Pinging  next: count or deadline   Finished
/// Stopping next                      Finished
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Pinging,
    Stopping,
    Finished,
}

/// What happened outside.
impl Ping {
    /// A ping whose first request is due at once.
    #[must_use]
    pub fn new(options: PingOptions, now: Instant) -> Self {
        Self {
            now,
            send_at: now,
            expires_at: now + options.deadline,
            window: Window::default(),
            highest: None,
            statistics: PingStatistics::default(),
            state: Life::Pinging,
            options,
        }
    }

    /// Takes a reply: the request it names, its payload, and when it came.
    ///
    /// A request is waited for until the step that gives it up has been taken. After the last step
    /// replies still count as what they are.
    pub fn answered(&mut self, sequence: u16, payload: &[u8], at: Instant) -> Answer {
        self.observe(at);
        let answer = self.judge(sequence, payload, at).unwrap_or(Answer::Foreign);
        let counter = match answer {
            Answer::Reply(reply) => {
                self.measure(&reply);
                &mut self.statistics.received
            }
            Answer::Duplicate { .. } => &mut self.statistics.duplicates,
            Answer::Late { .. } => &mut self.statistics.late,
            Answer::Foreign => &mut self.statistics.foreign,
        };
        *counter = counter.saturating_add(1);
        answer
    }

    /// Takes note that a request has come as far as `stage`.
    pub fn reached(&mut self, sequence: u16, stage: Stage, at: Instant) {
        self.observe(at);
        let number = self.window.number_of(sequence);
        if let Some(request) = number.and_then(|number| self.window.get_mut(number)) {
            request.reached(stage, at);
        }
    }

    /// Takes note that a request failed: it could not be sent, or a router says that it did not
    /// arrive. The number of the request, if it was waited for.
    pub fn failed(&mut self, sequence: u16, now: Instant) -> Option<u64> {
        self.observe(now);
        let number = self.window.number_of(sequence)?;
        self.window.settle(number, State::Failed)?;
        self.statistics.failed = self.statistics.failed.saturating_add(1);
        Some(number)
    }

    /// Ends it: what is in flight is not waited for.
    pub fn stop(&mut self, now: Instant) {
        self.observe(now);
        if self.state == Life::Pinging {
            self.state = Life::Stopping;
        }
    }

    /// Takes note of the time. Every [deadline](Self::deadline) is later than `now` afterwards.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.observe(now);
    }

    fn observe(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    fn judge(&mut self, sequence: u16, payload: &[u8], at: Instant) -> Option<Answer> {
        let number = self.window.number_of(sequence)?;
        let (nonce, len) = (self.options.nonce, self.options.payload_len);
        let request = self.window.get_mut(number)?;
        if !(Stamp { number, sent_at: request.sent_at, nonce }).is_in(payload, len) {
            return None;
        }
        let round_trip = at.saturating_duration_since(request.sent_at);
        Some(match request.state {
            State::Waiting => {
                let laps = request.laps;
                self.window.settle(number, State::Answered);
                let is_reordered = self.highest.is_some_and(|highest| highest > number);
                self.highest = self.highest.max(Some(number));
                Answer::Reply(Reply { number, round_trip, laps, is_reordered })
            }
            State::TimedOut | State::Failed => {
                request.state = State::AnsweredLate;
                Answer::Late { number, round_trip }
            }
            State::Answered | State::AnsweredLate => Answer::Duplicate { number },
        })
    }

    fn measure(&mut self, reply: &Reply) {
        let statistics = &mut self.statistics;
        if reply.is_reordered {
            statistics.reordered = statistics.reordered.saturating_add(1);
        }
        statistics.round_trip.record(reply.round_trip);
        for (lap, times) in [
            (reply.laps.connect, &mut statistics.connect),
            (reply.laps.handshake, &mut statistics.handshake),
            (reply.laps.echo, &mut statistics.echo),
        ] {
            lap.into_iter().for_each(|lap| times.record(lap));
        }
    }
}

/// What to do.
impl Ping {
    /// What the driver must do next or should know; call it until there is nothing more.
    pub fn next(&mut self, now: Instant) -> Option<PingStep> {
        self.observe(now);
        if self.state == Life::Finished {
            return None;
        }
        if let Some(number) = self.give_up() {
            return Some(PingStep::TimedOut { number });
        }
        if let Some(end) = self.end() {
            self.state = Life::Finished;
            return Some(PingStep::Finished(end));
        }
        (self.may_send() && self.send_at <= self.now).then(|| PingStep::Send(self.send()))
    }

    /// Writes the payload of a request into `payload`, instead of what is there.
    pub fn write_payload(&self, request: &Request, payload: &mut Vec<u8>) {
        let Request { number, sent_at, .. } = *request;
        let stamp = Stamp { number, sent_at, nonce: self.options.nonce };
        stamp.write(self.options.payload_len, payload);
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) and [`next`](Self::next) at the
    /// latest. `None` where only a report can change anything.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        if self.state != Life::Pinging {
            return None;
        }
        let send_at = self.may_send().then_some(self.send_at);
        let given_up_at = self.window.oldest().map(|(_, oldest)| self.expiry(oldest.sent_at));
        // What is due already is a pending step, and no deadline.
        let deadlines = [Some(self.expires_at), send_at, given_up_at].into_iter().flatten();
        deadlines.filter(|at| *at > self.now && *at < Instant::MAX).min()
    }

    fn give_up(&mut self) -> Option<u64> {
        let (number, oldest) = self.window.oldest()?;
        let at = self.expiry(oldest.sent_at);
        // What would be over by then was not waited for until then.
        if !is_due(at, self.now) || at > self.expires_at {
            return None;
        }
        self.window.settle(number, State::TimedOut)?;
        self.statistics.timed_out = self.statistics.timed_out.saturating_add(1);
        Some(number)
    }

    fn expiry(&self, sent_at: Instant) -> Instant {
        (sent_at + self.options.timeout).max(sent_at.next())
    }

    fn end(&self) -> Option<End> {
        if self.state == Life::Stopping {
            Some(End::Stopped)
        } else if self.has_sent_all() && self.window.in_flight() == 0 {
            Some(End::Count)
        } else if is_due(self.expires_at, self.now) {
            Some(End::Deadline)
        } else {
            None
        }
    }

    fn has_sent_all(&self) -> bool {
        self.options.count.is_some_and(|count| self.statistics.sent >= count)
    }

    fn may_send(&self) -> bool {
        !self.has_sent_all() && self.window.has_room(self.options.in_flight_max)
    }

    fn send(&mut self) -> Request {
        let number = self.window.push(self.now);
        self.statistics.sent = self.statistics.sent.saturating_add(1);
        let interval = self.options.interval.max(Duration::from_nanos(1));
        self.send_at = self.send_at + interval;
        if self.send_at <= self.now {
            self.send_at = self.now + interval;
        }
        let [.., high, low] = number.to_be_bytes();
        Request { number, sequence: u16::from_be_bytes([high, low]), sent_at: self.now }
    }
}

/// How it is.
impl Ping {
    /// The sequence that a payload names, if it is long enough: for carriers whose packets have no
    /// place for one. [`answered`](Self::answered) tells whether it is true.
    #[must_use]
    pub fn sequence_in(&self, payload: &[u8]) -> Option<u16> {
        let [.., high, low] = payload::number_in(payload, self.options.nonce)?.to_be_bytes();
        Some(u16::from_be_bytes([high, low]))
    }

    /// What became of the requests so far.
    #[must_use]
    pub const fn statistics(&self) -> &PingStatistics {
        &self.statistics
    }

    /// Requests that are neither answered nor given up nor failed.
    #[must_use]
    pub const fn in_flight(&self) -> usize {
        self.window.in_flight()
    }

    /// Whether the last step has been given.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        matches!(self.state, Life::Finished)
    }
}

/// Whether a timer has run out; [`Instant::MAX`] never comes.
fn is_due(at: Instant, now: Instant) -> bool {
    at <= now && at < Instant::MAX
}
