//! Who takes part.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::caller::Caller;
use super::fault::Fault;
use super::lane::{Lane, Line};
use super::link::Link;
use super::node::{Id, Node, Part, Party};
use super::random::Random;
use super::sim::{ENDPOINTS, PROTOCOLS, Sim, Slot, Stream};
use super::station::{DatagramNode, Endpoint, Inbox, NetworkAddress, Station};
use crate::datagram::{
    DatagramEndpoint, DatagramLimits, DatagramPeer, DatagramProtocol, Matcher, Requests,
};
use crate::protocol::Protocol;
use crate::testkit::OwnedFrames;
use crate::time::Instant;

/// Who takes part.
impl Sim {
    /// Connects two parties by a new stream, at the present time. It is established at once on
    /// both sides.
    pub fn connect<P, Q>(&mut self, one: Party<P>, other: Party<Q>) -> (Id<Node<P>>, Id<Node<Q>>)
    where
        P: Protocol + 'static,
        P::Framing: OwnedFrames + 'static,
        Q: Protocol + 'static,
        Q::Framing: OwnedFrames + 'static,
    {
        self.connect_at(self.now, one, other)
    }

    /// As [`connect`](Self::connect), at a later time; an earlier one is the present.
    pub fn connect_at<P, Q>(
        &mut self,
        at: Instant,
        one: Party<P>,
        other: Party<Q>,
    ) -> (Id<Node<P>>, Id<Node<Q>>)
    where
        P: Protocol + 'static,
        P::Framing: OwnedFrames + 'static,
        Q: Protocol + 'static,
        Q::Framing: OwnedFrames + 'static,
    {
        let links = [Arc::clone(&self.link), Arc::clone(&self.link)];
        self.join(at, links, one, other)
    }

    /// As [`connect`](Self::connect), with a link for each direction: from `one` to `other`, and
    /// back.
    pub fn connect_over<P, Q>(
        &mut self,
        there: Link,
        back: Link,
        one: Party<P>,
        other: Party<Q>,
    ) -> (Id<Node<P>>, Id<Node<Q>>)
    where
        P: Protocol + 'static,
        P::Framing: OwnedFrames + 'static,
        Q: Protocol + 'static,
        Q::Framing: OwnedFrames + 'static,
    {
        self.join(self.now, [Arc::new(there), Arc::new(back)], one, other)
    }

    fn join<P, Q>(
        &mut self,
        at: Instant,
        links: [Arc<Link>; 2],
        one: Party<P>,
        other: Party<Q>,
    ) -> (Id<Node<P>>, Id<Node<Q>>)
    where
        P: Protocol + 'static,
        P::Framing: OwnedFrames + 'static,
        Q: Protocol + 'static,
        Q::Framing: OwnedFrames + 'static,
    {
        let at = at.max(self.now);
        let number = self.streams.len() as u32;
        let first = self.slots.len() as u32;
        let lane = |side| Lane::new(Random::of(self.seed, u64::from(number) * 2 + side));
        self.streams.push(Stream {
            nodes: [first, first + 1],
            lanes: [lane(0), lane(1)],
            links,
            opens_at: at,
            is_tls: one.is_tls() || other.is_tls(),
            faults: Vec::new(),
        });
        let name =
            |name: &str| if number == 0 { name.to_string() } else { format!("{name} {number}") };
        let names = [name(one.name), name(other.name)];
        let end = Box::new(one.open(first, &self.limits, at));
        self.add(Part::End { end, stream: number, side: 0 }, &names[0], at);
        let end = Box::new(other.open(first + 1, &self.limits, at));
        self.add(Part::End { end, stream: number, side: 1 }, &names[1], at);
        self.open += 2;
        let awaited = core::mem::take(&mut self.faults_awaited);
        let (due, awaited) = awaited.into_iter().partition(|fault| fault.on == number as usize);
        self.faults_awaited = awaited;
        Vec::into_iter(due).for_each(|fault: Fault| self.add_fault(fault));
        (Id::new(first), Id::new(first + 1))
    }

    /// Binds an endpoint of datagrams to an address, with limits of its own.
    ///
    /// What it sends goes over the simulation's link to whoever is bound to the address that it is
    /// sent to.
    ///
    /// # Panics
    /// When the address is taken.
    pub fn bind<A, P>(
        &mut self,
        name: &'static str,
        address: A,
        limits: &DatagramLimits,
        protocol: P,
    ) -> Id<Endpoint<A, P>>
    where
        A: NetworkAddress,
        P: DatagramProtocol<A> + 'static,
    {
        let order = ENDPOINTS + self.endpoints.len() as u64;
        let peer = address.to_peer();
        let endpoint = DatagramEndpoint::new(limits, self.now)
            .with_local(address)
            .with_seed(Random::of(self.seed, order).next_u64());
        Id::new(self.attach(name, peer, Box::new(Endpoint::new(endpoint, protocol))))
    }

    /// Binds a client of requests to an address; as [`bind`](Self::bind).
    ///
    /// # Panics
    /// When the address is taken.
    pub fn bind_requests<A, M>(
        &mut self,
        name: &'static str,
        address: A,
        requests: Requests<A, M>,
    ) -> Id<Caller<A, M>>
    where
        A: NetworkAddress,
        M: Matcher + 'static,
    {
        Id::new(self.attach(name, address.to_peer(), Box::new(Caller::new(requests))))
    }

    fn attach(&mut self, name: &str, peer: DatagramPeer, endpoint: Box<dyn DatagramNode>) -> u32 {
        let number = self.slots.len() as u32;
        let taken = self.addresses.insert(peer, number);
        assert!(taken.is_none(), "{peer} is bound already");
        let order = ENDPOINTS + (1 << 32) + self.endpoints.len() as u64;
        let station = Station {
            endpoint,
            address: peer,
            link: Arc::clone(&self.link),
            line: Line::default(),
            random: Random::of(self.seed, order),
            inbox: Inbox::new(),
            isolated_until: Instant::ZERO,
            received_last: 0,
        };
        self.endpoints.push(number);
        self.add(Part::Endpoint(Box::new(station)), name, self.now);
        self.open += 1;
        number
    }

    fn add(&mut self, part: Part, name: &str, at: Instant) {
        if let Some(timeline) = &mut self.log.timeline {
            timeline.lanes.push(name.into());
        }
        let number = self.slots.len() as u32;
        let mut slot = Slot { part, due: None, rounds: 0, worked_at: Instant::ZERO };
        self.agenda.set(number, &mut slot.due, Some(at));
        self.slots.push(slot);
    }

    /// Numbers for a protocol of the simulation: others for each `number`, the same for each seed.
    #[must_use]
    pub const fn random(&self, number: u64) -> Random {
        Random::of(self.seed, PROTOCOLS.wrapping_add(number))
    }
}
