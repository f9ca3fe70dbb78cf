//! Which address to try when: Happy Eyeballs (RFC 8305) as a state machine.
//!
//! Addresses and results go in, attempts come out. The connector opens no socket: a driver resolves
//! the name, starts the attempts it is told to start and reports how they end.
//!
//! ```text
//!  resolved ─────────▶ ┌───────────┐ ─▶ next: Start, Cancel, then one of Connected, Failed
//!  family_finished ──▶ │           │
//!  connected, failed ▶ │ Connector │ ─▶ deadline: wait no longer
//!  handle_timeout ───▶ └───────────┘
//! ```
//!
//! - Families alternate, IPv6 first. Within a family the resolver's order is kept, which is the
//!   order of RFC 6724.
//! - The next attempt starts when the last one is 250 ms old, or at once when one fails.
//! - IPv6 addresses that come first are tried at once. IPv4 addresses that come first wait 50 ms
//!   for the IPv6 ones, unless it is known that there are none. Addresses that come later join in.
//! - The first attempt that connects wins, the others are cancelled.
//! - Every address is tried at most once.
//!
//! Any call is legal in any order; reports about attempts that are not in flight change nothing.
//! An earlier `now` than seen before counts as the latest.
//!
//! # Specification
//! RFC 8305: section 3 (answers that come apart), section 4 (order), section 5 (attempts) and
//! section 8 (values). Section 7 (IPv6-only networks) is left to the system's resolver.
//!
//! # Examples
//! A driver, here over a network that takes 20 ms to answer on IPv4 and never does on IPv6.
//!
//! ```
//! use std::net::SocketAddr;
//! use std::time::Duration;
//! use drywire::Instant;
//! use drywire::connector::{Attempt, Connector, ConnectorLimits, ConnectorStep};
//!
//! let mut now = Instant::ZERO;
//! let mut connector = Connector::new(ConnectorLimits::new(), now);
//!
//! // Resolved by a thread of the driver's, say.
//! let addresses = ["[2001:db8::1]:7", "192.0.2.1:7"].map(|text| text.parse().unwrap());
//! connector.resolved(addresses, now);
//! connector.resolution_finished(now);
//!
//! // The driver's sockets in non-blocking mode, and when each will have connected.
//! let mut sockets: Vec<(Attempt, Option<Instant>)> = Vec::new();
//! let winner = loop {
//!     // 1. Do what the connector says.
//!     match connector.next(now) {
//!         Some(ConnectorStep::Start(attempt)) => {
//!             let answers = attempt.address.is_ipv4();
//!             sockets.push((attempt, answers.then(|| now + Duration::from_millis(20))));
//!             continue;
//!         }
//!         Some(ConnectorStep::Cancel(id)) => {
//!             sockets.retain(|(attempt, _)| attempt.id != id);
//!             continue;
//!         }
//!         Some(ConnectorStep::Connected(attempt)) => break Ok(attempt.address),
//!         Some(ConnectorStep::Failed(error)) => break Err(error),
//!         None => {}
//!     }
//!     // 2. Wait for a socket, an answer of the resolver, or the deadline.
//!     let events = sockets.iter().filter_map(|(_, at)| *at);
//!     now = events.chain(connector.deadline()).min().expect("something always comes");
//!     // 3. Report what happened, then the time.
//!     for (attempt, at) in &sockets {
//!         if *at == Some(now) {
//!             connector.connected(attempt.id, now);
//!         }
//!     }
//!     connector.handle_timeout(now);
//! };
//! assert_eq!(winner, Ok("192.0.2.1:7".parse::<SocketAddr>().unwrap()));
//! assert_eq!(now, Instant::ZERO + Duration::from_millis(270));
//! ```

use alloc::vec::Vec;
use core::mem;
use core::net::SocketAddr;

use crate::error::Fault;
use crate::time::Instant;

mod candidates;
mod error;
mod limits;
mod timings;

use candidates::Candidates;
pub use error::ConnectError;
pub use limits::{ATTEMPT_DELAY_MAX, ATTEMPT_DELAY_MIN, ConnectorLimits, Family};
pub use timings::Timings;

/// Names an attempt of one connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId(usize);

impl AttemptId {
    /// A number below [`ConnectorLimits::addresses_max`] that no other attempt of the connector
    /// has.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0
    }
}

/// An attempt to connect to one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// By what to report how it ends.
    pub id: AttemptId,
    /// What to connect to.
    pub address: SocketAddr,
}

/// What the driver must do next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a step that is dropped is never given again"]
pub enum ConnectorStep {
    /// Begin to connect, without waiting for it.
    Start(Attempt),
    /// Close the attempt's socket, whether it has connected or not.
    Cancel(AttemptId),
    /// Use the attempt's socket. The last step.
    Connected(Attempt),
    /// Give up. The last step.
    Failed(ConnectError),
}

/// Decides which address to try when; see the [module](self).
#[derive(Debug)]
pub struct Connector {
    limits: ConnectorLimits,
    /// The latest time seen.
    now: Instant,
    /// When it all must have ended.
    expires_at: Instant,
    /// When the next attempt may start, as far as earlier ones are concerned.
    start_at: Instant,
    /// When addresses of the other family wait no longer for the preferred one. Has a meaning once
    /// there is one.
    resolution_at: Instant,
    candidates: Candidates,
    preferred: Resolving,
    other: Resolving,
    /// In the order of the failures.
    faults: Vec<(SocketAddr, Fault)>,
    state: State,
}

/// Whether addresses of a family may still come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resolving {
    Pending,
    Finished,
}

/// ```text
/// state    input                                     next state
/// Trying   connected                                 Won
/// Trying   failed, family_finished: nothing is left  Lost
/// Trying   handle_timeout: too late                  Lost
/// Won      next: all others are cancelled            Ended
/// Lost     next: all are cancelled                   Ended
/// ```
#[derive(Debug)]
enum State {
    Trying,
    Won(Attempt),
    Lost(ConnectError),
    Ended,
}

/// What happened outside.
impl Connector {
    /// A connector without addresses, whose time runs from `now`.
    #[must_use]
    pub fn new(limits: ConnectorLimits, now: Instant) -> Self {
        Self {
            now,
            expires_at: (now + limits.connect_timeout).max(now.next()),
            start_at: now,
            resolution_at: now,
            candidates: Candidates::new(&limits),
            preferred: Resolving::Pending,
            other: Resolving::Pending,
            faults: Vec::new(),
            state: State::Trying,
            limits,
        }
    }

    /// Takes addresses of one or both families, in the resolver's order.
    ///
    /// May be called as often as answers come. Addresses that came before are skipped, and so are
    /// those of a family that was said to be finished.
    pub fn resolved(&mut self, addresses: impl IntoIterator<Item = SocketAddr>, now: Instant) {
        self.observe(now);
        if !matches!(self.state, State::Trying) {
            return;
        }
        let other = self.limits.preferred_family.other();
        let other_had_come = self.candidates.has_come(other);
        for address in addresses {
            if *self.resolving(Family::of(&address)) == Resolving::Pending {
                self.candidates.push(address);
            }
        }
        if !other_had_come && self.candidates.has_come(other) {
            self.resolution_at = self.now + self.limits.resolution_delay;
        }
    }

    /// Takes note that no more addresses of `family` will come, because all have or because the
    /// resolver failed.
    pub fn family_finished(&mut self, family: Family, now: Instant) {
        self.observe(now);
        *self.resolving(family) = Resolving::Finished;
        self.settle();
    }

    /// Takes note that no more addresses will come.
    pub fn resolution_finished(&mut self, now: Instant) {
        self.family_finished(Family::V6, now);
        self.family_finished(Family::V4, now);
    }

    /// Takes note that an attempt connected: it wins if it is the first.
    ///
    /// Another one that connects is cancelled like those that do not.
    pub fn connected(&mut self, id: AttemptId, now: Instant) {
        self.observe(now);
        if !matches!(self.state, State::Trying) {
            return;
        }
        if let Some(address) = self.candidates.end(id) {
            self.state = State::Won(Attempt { id, address });
        }
    }

    /// Takes note that an attempt failed: the next may start at once.
    ///
    /// Report an attempt that could not even begin here too.
    pub fn failed(&mut self, id: AttemptId, fault: Fault, now: Instant) {
        self.observe(now);
        if let Some(address) = self.candidates.end(id) {
            self.faults.push((address, fault));
            self.start_at = self.now;
            self.settle();
        }
    }

    /// Takes note of the time. Every [deadline](Self::deadline) is later than `now` afterwards.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.observe(now);
        if !matches!(self.state, State::Trying) || !is_due(self.expires_at, self.now) {
            return;
        }
        let mut tried = mem::take(&mut self.faults);
        let in_flight = self.candidates.in_flight();
        tried.extend(in_flight.map(|attempt| (attempt.address, Fault::TimedOut)));
        self.state =
            State::Lost(ConnectError::TimedOut { after: self.limits.connect_timeout, tried });
    }

    fn observe(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    const fn resolving(&mut self, family: Family) -> &mut Resolving {
        match (family, self.limits.preferred_family) {
            (Family::V4, Family::V4) | (Family::V6, Family::V6) => &mut self.preferred,
            (Family::V4, Family::V6) | (Family::V6, Family::V4) => &mut self.other,
        }
    }

    /// Gives up when everything failed and nothing more can come.
    fn settle(&mut self) {
        let resolved = self.preferred == Resolving::Finished && self.other == Resolving::Finished;
        if !matches!(self.state, State::Trying) || !resolved || !self.candidates.are_over() {
            return;
        }
        let tried = mem::take(&mut self.faults);
        self.state = State::Lost(match tried.is_empty() {
            true => ConnectError::NoAddress,
            false => ConnectError::Failed { tried },
        });
    }
}

/// What to do.
impl Connector {
    /// What the driver must do next; call it until there is nothing more.
    ///
    /// The last step is [`ConnectorStep::Connected`] or [`ConnectorStep::Failed`], and all
    /// cancellations come before it.
    pub fn next(&mut self, now: Instant) -> Option<ConnectorStep> {
        self.observe(now);
        if let State::Trying = self.state {
            return self.start().map(ConnectorStep::Start);
        }
        let in_flight = self.candidates.in_flight().next();
        if let Some(Attempt { id, .. }) = in_flight {
            self.candidates.end(id);
            return Some(ConnectorStep::Cancel(id));
        }
        match mem::replace(&mut self.state, State::Ended) {
            State::Won(attempt) => Some(ConnectorStep::Connected(attempt)),
            State::Lost(error) => Some(ConnectorStep::Failed(error)),
            State::Trying | State::Ended => None,
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) and [`next`](Self::next) at the
    /// latest. None where only a report can change anything.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        if !matches!(self.state, State::Trying) {
            return None;
        }
        // A start that is due already is a pending step, and no deadline.
        let start_at = self.startable().map(|(_, at)| at).filter(|at| *at > self.now);
        let at = start_at.map_or(self.expires_at, |at| at.min(self.expires_at));
        (at < Instant::MAX).then_some(at)
    }

    /// Whether the last step has been given.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// Addresses beyond [`ConnectorLimits::addresses_max`] that came. One that came twice counts
    /// twice.
    #[must_use]
    pub const fn addresses_ignored(&self) -> usize {
        self.candidates.ignored()
    }

    fn start(&mut self) -> Option<Attempt> {
        let (attempt, at) = self.startable()?;
        if at > self.now {
            return None;
        }
        self.candidates.start(attempt);
        let delay = self.limits.attempt_delay.clamp(ATTEMPT_DELAY_MIN, ATTEMPT_DELAY_MAX);
        self.start_at = self.now + delay;
        Some(attempt)
    }

    /// The attempt to start next and from when on, if one may start without anything happening
    /// before.
    fn startable(&self) -> Option<(Attempt, Instant)> {
        if self.candidates.in_flight_len() >= self.limits.attempts_max.max(1) {
            return None;
        }
        let attempt = self.candidates.next()?;
        // Only addresses of the other family are there, and the preferred one may still come.
        let waits = self.preferred == Resolving::Pending
            && !self.candidates.has_come(self.limits.preferred_family);
        let at = if waits { self.start_at.max(self.resolution_at) } else { self.start_at };
        Some((attempt, at))
    }
}

/// Whether a timer has run out; [`Instant::MAX`] never comes.
fn is_due(at: Instant, now: Instant) -> bool {
    at <= now && at < Instant::MAX
}
