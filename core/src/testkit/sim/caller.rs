//! Requests over datagrams that take part.

use alloc::vec::Vec;
use core::any::Any;
use core::fmt;
use core::time::Duration;

use super::log::Log;
use super::node::NodeMemory;
use super::station::{DatagramNode, NetworkAddress, Parcel};
use crate::datagram::{Answer, DatagramPeer, Matcher, RequestId, Requests};
use crate::time::Instant;

/// A client of [`Requests`] and what it was told.
#[non_exhaustive]
pub struct Caller<A, M> {
    /// The requests. Ask with the time of the simulation: what is asked at an earlier one, such as
    /// zero, is asked at that.
    pub requests: Requests<A, M>,
    /// What became of requests, in order.
    pub told: Vec<Told>,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Told {
    /// The request.
    pub id: RequestId,
    /// The reply, and how long it took; none if it did not come in time.
    pub reply: Option<(Vec<u8>, Duration)>,
    /// How often the request was sent.
    pub attempts: u32,
    /// When it was told.
    pub at: Instant,
}

impl<A, M> Caller<A, M> {
    pub(super) const fn new(requests: Requests<A, M>) -> Self {
        Self { requests, told: Vec::new() }
    }
}

impl<A: fmt::Debug, M> fmt::Debug for Caller<A, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("told", &self.told.len()).finish_non_exhaustive()
    }
}

impl<A: NetworkAddress, M: Matcher + 'static> DatagramNode for Caller<A, M> {
    fn receive(&mut self, parcel: &Parcel, now: Instant) {
        if let Some(from) = A::from_peer(parcel.from) {
            self.requests.received(&from, &parcel.bytes, now);
        }
    }

    fn round(
        &mut self,
        sent: &mut Vec<(DatagramPeer, Vec<u8>)>,
        log: &mut Log,
        now: Instant,
    ) -> bool {
        self.requests.handle_timeout(now);
        let deadline = self.requests.deadline();
        assert!(deadline.is_none_or(|at| at > now), "{deadline:?} is not later than {now}");
        while let Some((to, bytes)) = self.requests.transmit() {
            sent.push((to.to_peer(), bytes.to_vec()));
            self.requests.transmitted(now);
        }
        while let Some(answer) = self.requests.next() {
            let (id, attempts, reply) = match answer {
                Answer::Reply { id, bytes, elapsed, attempts } => {
                    (id, attempts, Some((bytes.to_vec(), elapsed)))
                }
                Answer::TimedOut { id, attempts, .. } => (id, attempts, None),
            };
            let said = if reply.is_some() { "answered" } else { "not answered in time" };
            log.step(|| said.into());
            self.told.push(Told { id, reply, attempts, at: now });
        }
        !sent.is_empty()
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.requests.deadline()
    }

    /// Requests have no end of their own.
    fn is_closed(&self) -> bool {
        false
    }

    fn memory(&self) -> NodeMemory {
        NodeMemory { state_len: size_of::<Self>(), ..NodeMemory::default() }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
