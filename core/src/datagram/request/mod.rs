//! Requests and their replies over datagrams, which may be lost, doubled, reordered or forged.

mod error;
mod limits;
mod matcher;
mod slot;

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem::size_of;
use core::time::Duration;

pub use error::RequestError;
pub use limits::RequestLimits;
pub use matcher::{Matcher, SamePayload};

use slot::{Slot, State};

use super::statistics::{DatagramStatistics, Dropped};
use crate::error::Fault;
use crate::limits::DATAGRAM_LEN_MAX;
use crate::time::Instant;

/// Names a request of one [`Requests`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u64);

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer<'a> {
    /// It was answered.
    Reply {
        /// The request.
        id: RequestId,
        /// The reply.
        bytes: &'a [u8],
        /// From the first attempt to the reply.
        elapsed: Duration,
        /// How often it was sent.
        attempts: u32,
    },
    /// It was not answered in time.
    TimedOut {
        /// The request.
        id: RequestId,
        /// How often it was sent.
        attempts: u32,
        /// What the socket reported last meanwhile.
        fault: Option<Fault>,
    },
}

/// Sends requests, again where no reply comes, and finds which reply is whose.
///
/// A datagram answers the oldest request that was sent to where it comes from and that the
/// [`Matcher`] says it answers. One that answers a request that is over already, of
/// the last as many as there may be at once, is a [duplicate](Dropped::Duplicate); every other is a
/// [stranger](Dropped::Stranger). Faults of the socket end nothing: a request that is not answered
/// in the end says which came last.
///
/// # Bounds
/// [`memory_len_max`](Self::memory_len_max). Every call costs O([`requests_max`]) at most and, once
/// as much memory has been needed as will be, allocates nothing.
///
/// [`requests_max`]: RequestLimits::requests_max
///
/// # Examples
/// ```
/// use core::net::SocketAddr;
/// use core::time::Duration;
/// use drywire::Instant;
/// use drywire::datagram::{Answer, RequestLimits, Requests, SamePayload};
///
/// let mut now = Instant::ZERO;
/// let server: SocketAddr = "192.0.2.1:7".parse()?;
/// let mut requests = Requests::new(SamePayload, RequestLimits::new(), now);
/// requests.request(server, b"hello", now)?;
/// assert_eq!(requests.transmit(), Some((&server, &b"hello"[..])));
/// requests.transmitted(now);
///
/// // Lost; so it is sent again.
/// now = requests.deadline().unwrap();
/// requests.handle_timeout(now);
/// assert_eq!(requests.transmit(), Some((&server, &b"hello"[..])));
/// requests.transmitted(now);
///
/// now = now + Duration::from_millis(3);
/// requests.received(&server, b"hello", now);
/// let Some(Answer::Reply { bytes: b"hello", attempts: 2, elapsed, .. }) = requests.next() else {
///     unreachable!()
/// };
/// assert_eq!(elapsed, Duration::from_millis(503));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Requests<A, M> {
    matcher: M,
    limits: RequestLimits,
    /// The latest time seen.
    now: Instant,
    next_id: u64,
    slots: Vec<Slot<A>>,
    /// Those to be sent, in order.
    to_send: VecDeque<usize>,
    /// Those of which it must be told what became, in order.
    to_tell: VecDeque<usize>,
    statistics: DatagramStatistics,
}

/// What happened outside.
impl<A: Clone + Eq, M: Matcher> Requests<A, M> {
    /// No requests yet.
    #[must_use]
    pub const fn new(matcher: M, limits: RequestLimits, now: Instant) -> Self {
        Self {
            matcher,
            limits,
            now,
            next_id: 0,
            slots: Vec::new(),
            to_send: VecDeque::new(),
            to_tell: VecDeque::new(),
            statistics: DatagramStatistics::new(),
        }
    }

    /// Takes note of a datagram that came from `from`.
    pub fn received(&mut self, from: &A, bytes: &[u8], now: Instant) {
        self.observe(now);
        self.statistics.arrived(bytes.len());
        if bytes.len() > self.datagram_len_max() {
            return self.statistics.dropped(Dropped::TooLong);
        }
        let matcher = &self.matcher;
        let answers = |slot: &Slot<A>| slot.to == *from && matcher.is_reply(&slot.request, bytes);
        let asked = self.slots.iter().enumerate().filter(|(_, slot)| slot.is_asked());
        let found = asked.filter(|(_, slot)| answers(slot)).min_by_key(|(_, slot)| slot.id);
        let Some((at, _)) = found else {
            let is_over = self.slots.iter().any(|slot| slot.is_over() && answers(slot));
            let reason = if is_over { Dropped::Duplicate } else { Dropped::Stranger };
            return self.statistics.dropped(reason);
        };
        self.statistics.yielded();
        self.unqueue(at);
        if let Some(slot) = self.slots.get_mut(at) {
            refill(&mut slot.reply, bytes);
            slot.replied_at = self.now;
            slot.state = State::Answered;
            self.to_tell.push_back(at);
        }
    }

    /// Takes note of a fault that the socket reported outside of sending, such as an ICMP error
    /// about something sent before.
    pub fn socket_failed(&mut self, fault: Fault, now: Instant) {
        self.observe(now);
        self.statistics.faulted(fault);
        for slot in self.slots.iter_mut().filter(|slot| slot.is_asked()) {
            slot.fault = Some(fault);
        }
    }

    /// Takes note that the datagram of [`transmit`](Self::transmit) was sent. Nothing happens if
    /// there is none.
    pub fn transmitted(&mut self, now: Instant) {
        self.observe(now);
        if let Some(len) = self.attempted(None) {
            self.statistics.sent(len);
        }
    }

    /// Takes note that the system did not take the datagram of [`transmit`](Self::transmit): an
    /// attempt all the same. Nothing happens if there is none.
    pub fn transmit_failed(&mut self, fault: Fault, now: Instant) {
        self.observe(now);
        if self.attempted(Some(fault)).is_some() {
            self.statistics.failed();
            self.statistics.faulted(fault);
        }
    }

    /// Acts on what is due. Every deadline is then later than `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.observe(now);
        for at in 0..self.slots.len() {
            let Some(slot) = self.slots.get_mut(at) else { continue };
            let is_due = slot.deadline().is_some_and(|deadline| deadline <= self.now);
            if !is_due {
                continue;
            }
            let is_last = slot.attempts >= self.limits.attempts_max.max(1);
            if slot.give_up_at <= self.now || is_last {
                slot.state = State::TimedOut;
                self.to_tell.push_back(at);
                self.unqueue(at);
            } else {
                slot.state = State::Queued;
                self.to_send.push_back(at);
                self.statistics.queued();
            }
        }
    }

    fn observe(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// Counts an attempt of the first that is to be sent. Returns its length.
    fn attempted(&mut self, fault: Option<Fault>) -> Option<usize> {
        let slot = self.to_send.pop_front().and_then(|at| self.slots.get_mut(at))?;
        if slot.attempts == 0 {
            slot.first_sent_at = self.now;
        }
        let doublings = 1_u32.checked_shl(slot.attempts).unwrap_or(u32::MAX);
        let first = self.limits.retry_timeout;
        let timeout = first.saturating_mul(doublings).min(self.limits.retry_timeout_max.max(first));
        slot.attempts = slot.attempts.saturating_add(1);
        slot.retry_at = (self.now + timeout).max(self.now.next());
        slot.state = State::Waiting;
        slot.fault = fault.or(slot.fault);
        Some(slot.request.len())
    }

    /// Takes a request that is over out of the queue.
    fn unqueue(&mut self, at: usize) {
        let before = self.to_send.len();
        self.to_send.retain(|queued| *queued != at);
        self.statistics.discarded(before - self.to_send.len());
    }

    fn datagram_len_max(&self) -> usize {
        self.limits.datagram_len_max.min(DATAGRAM_LEN_MAX)
    }
}

/// What the owner asks for.
impl<A: Clone + Eq, M: Matcher> Requests<A, M> {
    /// Asks `to`.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn request(
        &mut self,
        to: A,
        bytes: &[u8],
        now: Instant,
    ) -> Result<RequestId, RequestError> {
        self.observe(now);
        let (len, max) = (bytes.len(), self.datagram_len_max());
        if len > max {
            return Err(RequestError::TooLong { len, max });
        }
        let id = RequestId(self.next_id);
        let at = self.vacate(&to, id)?;
        self.next_id += 1;
        if let Some(slot) = self.slots.get_mut(at) {
            slot.id = id;
            slot.to = to;
            refill(&mut slot.request, bytes);
            slot.reply.clear();
            slot.state = State::Queued;
            slot.attempts = 0;
            slot.give_up_at = (self.now + self.limits.request_timeout).max(self.now.next());
            slot.fault = None;
            self.to_send.push_back(at);
            self.statistics.queued();
        }
        Ok(id)
    }

    /// Forgets a request; replies to it are strangers. One that is over, or was never made, is not
    /// minded.
    pub fn cancel(&mut self, id: RequestId) {
        let Some(at) = self.slots.iter().position(|slot| slot.id == id) else { return };
        self.unqueue(at);
        self.to_tell.retain(|told| *told != at);
        if let Some(slot) = self.slots.get_mut(at) {
            slot.state = State::Free;
        }
    }

    /// A slot for another request: a free one, a new one, or the one that has been over longest.
    fn vacate(&mut self, to: &A, id: RequestId) -> Result<usize, RequestError> {
        let max = self.limits.requests_max.max(1);
        if self.active() >= max {
            return Err(RequestError::Full { max });
        }
        if let Some(at) = self.slots.iter().position(|slot| slot.state == State::Free) {
            return Ok(at);
        }
        if self.slots.len() < max.saturating_mul(2) {
            self.slots.push(Slot {
                id,
                to: to.clone(),
                request: Vec::new(),
                reply: Vec::new(),
                state: State::Free,
                attempts: 0,
                first_sent_at: self.now,
                replied_at: self.now,
                retry_at: self.now,
                give_up_at: self.now,
                fault: None,
            });
            return Ok(self.slots.len() - 1);
        }
        let over = self.slots.iter().enumerate().filter(|(_, slot)| slot.state == State::Over);
        let oldest = over.min_by_key(|(_, slot)| slot.id).map(|(at, _)| at);
        oldest.ok_or(RequestError::Full { max })
    }
}

/// What to do.
impl<A: Clone + Eq, M: Matcher> Requests<A, M> {
    /// What became of requests, in the order in which it did; None until something does.
    #[allow(clippy::should_implement_trait, reason = "an answer borrows from the requests")]
    pub fn next(&mut self) -> Option<Answer<'_>> {
        let slot = self.to_tell.pop_front().and_then(|at| self.slots.get_mut(at))?;
        let (id, attempts) = (slot.id, slot.attempts);
        let is_answered = slot.state == State::Answered;
        slot.state = State::Over;
        Some(if is_answered {
            let elapsed = slot.replied_at.saturating_duration_since(slot.first_sent_at);
            Answer::Reply { id, bytes: &slot.reply, elapsed, attempts }
        } else {
            Answer::TimedOut { id, attempts, fault: slot.fault }
        })
    }

    /// The datagram that must be sent next.
    #[must_use]
    pub fn transmit(&self) -> Option<(&A, &[u8])> {
        let slot = self.slots.get(*self.to_send.front()?)?;
        Some((&slot.to, &slot.request))
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) at the latest.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.slots.iter().filter_map(Slot::deadline).min().filter(|at| *at < Instant::MAX)
    }
}

/// How it stands.
impl<A: Clone + Eq, M: Matcher> Requests<A, M> {
    /// Requests of which it was not told what became.
    #[must_use]
    pub fn active(&self) -> usize {
        self.slots.iter().filter(|slot| !matches!(slot.state, State::Over | State::Free)).count()
    }

    /// The counts since the beginning. Every attempt is queued, every reply yielded.
    #[must_use]
    pub const fn statistics(&self) -> &DatagramStatistics {
        &self.statistics
    }

    /// Bytes of memory that are held at most, whatever comes. What an address itself may have
    /// allocated comes on top.
    #[must_use]
    pub fn memory_len_max(&self) -> usize {
        let max = self.limits.requests_max.max(1);
        // What grows by doubling may hold twice of what it needs, and the old beside the new.
        let slot = 3 * (size_of::<Slot<A>>() + 2 * size_of::<usize>());
        let bytes = self.datagram_len_max().saturating_mul(2);
        max.saturating_add(2).saturating_mul(2).saturating_mul(slot.saturating_add(bytes))
    }
}

/// Puts `bytes` in the place of what is there, without more room than they need.
fn refill(storage: &mut Vec<u8>, bytes: &[u8]) {
    storage.clear();
    storage.reserve_exact(bytes.len());
    storage.extend_from_slice(bytes);
}
