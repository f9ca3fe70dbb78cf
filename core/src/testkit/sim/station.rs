//! Endpoints of datagrams, of any protocol, and how what they send arrives.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;

use super::lane::Line;
use super::link::Link;
use super::log::Log;
use super::node::NodeMemory;
use super::random::Random;
use super::timeline::quoted;
use crate::datagram::{
    self, DatagramAddress, DatagramEndpoint, DatagramHandle, DatagramPeer, DatagramProtocol,
    DatagramStatistics,
};
use crate::error::Fault;
use crate::testkit::way::Tag;
use crate::time::Instant;

/// An address that datagrams of a simulation are sent by.
pub trait NetworkAddress: DatagramAddress + 'static {
    /// The address as one of any kind.
    fn to_peer(&self) -> DatagramPeer;

    /// The address that `peer` is, if it is of this kind.
    fn from_peer(peer: DatagramPeer) -> Option<Self>;
}

impl NetworkAddress for DatagramPeer {
    fn to_peer(&self) -> DatagramPeer {
        *self
    }

    fn from_peer(peer: DatagramPeer) -> Option<Self> {
        Some(peer)
    }
}

impl NetworkAddress for SocketAddr {
    fn to_peer(&self) -> DatagramPeer {
        DatagramPeer::ip(*self)
    }

    fn from_peer(peer: DatagramPeer) -> Option<Self> {
        match peer {
            DatagramPeer::Ip(address) => Some(address),
            DatagramPeer::Unix(_) => None,
        }
    }
}

/// One endpoint of datagrams and the protocol that runs on it.
#[non_exhaustive]
pub struct Endpoint<A, P> {
    /// The endpoint.
    pub endpoint: DatagramEndpoint<A>,
    /// The protocol.
    pub protocol: P,
}

impl<A, P> Endpoint<A, P> {
    pub(super) const fn new(endpoint: DatagramEndpoint<A>, protocol: P) -> Self {
        Self { endpoint, protocol }
    }
}

impl<A: DatagramAddress, P> fmt::Debug for Endpoint<A, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// A datagram that is under way.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) from: DatagramPeer,
    pub(super) bytes: Vec<u8>,
    pub(super) tag: Tag,
    /// Its place among all that were sent.
    pub(super) number: u64,
}

/// Datagrams that are under way to one endpoint, by arrival.
pub(super) type Inbox = BTreeMap<(Instant, u64), Parcel>;

/// One endpoint of datagrams, whatever it runs.
pub(super) trait DatagramNode {
    fn receive(&mut self, parcel: &Parcel, now: Instant);
    fn round(
        &mut self,
        sent: &mut Vec<(DatagramPeer, Vec<u8>)>,
        log: &mut Log,
        now: Instant,
    ) -> bool;
    fn next_deadline(&self) -> Option<Instant>;
    fn is_closed(&self) -> bool;
    fn memory(&self) -> NodeMemory;
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl<A: NetworkAddress, P: DatagramProtocol<A> + 'static> DatagramNode for Endpoint<A, P> {
    fn receive(&mut self, parcel: &Parcel, now: Instant) {
        if let Some(from) = A::from_peer(parcel.from) {
            self.endpoint.received(from, &parcel.bytes, now);
        }
    }

    fn round(
        &mut self,
        sent: &mut Vec<(DatagramPeer, Vec<u8>)>,
        log: &mut Log,
        now: Instant,
    ) -> bool {
        if self.next_deadline().is_some_and(|at| at <= now) {
            self.endpoint.handle_timeout(now);
            let deadline = self.next_deadline();
            assert!(deadline.is_none_or(|at| at > now), "{deadline:?} is not later than {now}");
        }
        let mut noted = NotedDatagrams { protocol: &mut self.protocol, log };
        datagram::pump(&mut self.endpoint, &mut noted);
        sent.extend(self.endpoint.transmit_all().map(|(to, bytes)| (to.to_peer(), bytes.to_vec())));
        self.endpoint.transmitted(sent.len(), now).expect("no more than there were");
        // What was refused for want of room can be sent now, and what had waited is shown.
        !sent.is_empty()
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.endpoint.interest().deadline
    }

    fn is_closed(&self) -> bool {
        self.endpoint.is_closed()
    }

    fn memory(&self) -> NodeMemory {
        NodeMemory {
            state_len: size_of::<DatagramEndpoint<A>>(),
            buffers_len: self.endpoint.waiting().1 + self.endpoint.queued().1,
            protocol_len: size_of::<P>(),
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

/// A protocol whose steps are put into words.
struct NotedDatagrams<'a, P> {
    protocol: &'a mut P,
    log: &'a mut Log,
}

impl<A: DatagramAddress, P: DatagramProtocol<A>> DatagramProtocol<A> for NotedDatagrams<'_, P> {
    fn on_open(&mut self, handle: &mut DatagramHandle<'_, A>) {
        self.log.step(|| "open".into());
        self.protocol.on_open(handle);
    }

    fn on_datagram(&mut self, from: &A, bytes: &[u8], handle: &mut DatagramHandle<'_, A>) {
        self.log.step(|| format!("datagram {}", quoted(bytes)));
        self.protocol.on_datagram(from, bytes, handle);
    }

    fn on_writable(&mut self, handle: &mut DatagramHandle<'_, A>) {
        self.log.step(|| "writable".into());
        self.protocol.on_writable(handle);
    }

    fn on_timer(&mut self, handle: &mut DatagramHandle<'_, A>) {
        self.log.step(|| "timer".into());
        self.protocol.on_timer(handle);
    }

    fn on_fault(&mut self, to: Option<&A>, fault: Fault, handle: &mut DatagramHandle<'_, A>) {
        self.log.step(|| format!("fault: {fault}"));
        self.protocol.on_fault(to, fault, handle);
    }

    fn on_closed(&mut self, statistics: &DatagramStatistics) {
        self.log.step(|| "closed".into());
        self.protocol.on_closed(statistics);
    }
}

/// An endpoint of datagrams and its access to the network.
pub(super) struct Station {
    pub(super) endpoint: Box<dyn DatagramNode>,
    pub(super) address: DatagramPeer,
    pub(super) link: Arc<Link>,
    pub(super) line: Line,
    pub(super) random: Random,
    pub(super) inbox: Inbox,
    pub(super) isolated_until: Instant,
    /// The latest of the datagrams that were received, by number.
    pub(super) received_last: u64,
}

impl Station {
    /// Receives one datagram of those that have arrived. Returns whether there was one.
    pub(super) fn receive(&mut self, log: &mut Log, now: Instant) -> bool {
        let Some(entry) = self.inbox.first_entry().filter(|entry| entry.key().0 <= now) else {
            return false;
        };
        let parcel = entry.remove();
        if self.isolated_until > now || self.endpoint.is_closed() {
            log.totals.datagrams_lost += 1;
            log.lost(parcel.tag);
            return true;
        }
        log.totals.datagrams_received += 1;
        log.totals.datagrams_overtaking += u64::from(parcel.number < self.received_last);
        self.received_last = self.received_last.max(parcel.number);
        log.taken(parcel.tag);
        self.endpoint.receive(&parcel, now);
        true
    }

    /// When what is sent now arrives: never, once or twice.
    pub(super) fn arrivals(&mut self, len: usize, now: Instant) -> [Option<Instant>; 2] {
        let link = &self.link;
        let left = self.line.leave(len, now, link.bandwidth);
        let random = &mut self.random;
        let is_lost = random.chance(link.loss) || self.isolated_until > now;
        let is_doubled = random.chance(link.duplication);
        let mut arrival = || {
            let mut at = left + link.latency + random.up_to(link.jitter);
            if random.chance(link.reordering) {
                let step = (link.latency + link.jitter).max(Duration::from_millis(1));
                at = at + step + random.up_to(step * 2);
            }
            at
        };
        let (first, second) = (arrival(), arrival());
        match (is_lost, is_doubled) {
            (true, _) => [None, None],
            (false, false) => [Some(first), None],
            (false, true) => [Some(first), Some(second)],
        }
    }
}
