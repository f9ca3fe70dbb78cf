use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::fmt;
use core::ops::{Index, IndexMut};
use core::time::Duration;

use super::agenda::{Agenda, Due};
use super::end::{Ended, Overrun};
use super::fault::{Effect, Fault, When};
use super::lane::{Lane, Line};
use super::link::Link;
use super::log::{Log, Totals};
use super::memory::Memory;
use super::node::{
    Endpoint, Ends, Id, Inbox, NetworkAddress, Node, Part, Party, Station, StreamNode,
};
use super::random::Random;
use super::timeline::Timeline;
use crate::buffer::Pool;
use crate::connection::CloseReason;
use crate::datagram::{DatagramEndpoint, DatagramLimits, DatagramPeer, DatagramProtocol};
use crate::limits::Limits;
use crate::protocol::Protocol;
use crate::testkit::OwnedFrames;
use crate::time::Instant;

/// What [`Random::of`] is given for the parts that are no stream and no endpoint.
const AGENDA: u64 = u64::MAX;
const PROTOCOLS: u64 = 1 << 63;
const ENDPOINTS: u64 = 1 << 62;

/// A network in virtual time; see the [module](super).
pub struct Sim {
    seed: u64,
    link: Arc<Link>,
    limits: Arc<Limits>,
    bounds: Bounds,
    now: Instant,
    slots: Vec<Slot>,
    streams: Vec<Stream>,
    /// The numbers of the endpoints' nodes, in the order in which they were bound.
    endpoints: Vec<u32>,
    addresses: BTreeMap<DatagramPeer, u32>,
    agenda: Agenda,
    /// What strikes at a time, the first at the end.
    faults: Vec<(Instant, Fault)>,
    /// What strikes a stream that is not there yet.
    faults_awaited: Vec<Fault>,
    pool: Pool,
    parcels: u64,
    open: usize,
    log: Log,
}

/// What a run may take.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    events_max: u64,
    time_max: Instant,
    rounds_max: u32,
    /// When the run ends in order.
    ends_at: Instant,
}

/// A node and when something is due for it.
struct Slot {
    part: Part,
    due: Due,
    /// Rounds at the time of the last one.
    rounds: u32,
    worked_at: Instant,
}

/// Two nodes and what is between them: first there, then back.
struct Stream {
    nodes: [u32; 2],
    lanes: [Lane; 2],
    links: [Arc<Link>; 2],
    opens_at: Instant,
    is_tls: bool,
    /// What strikes after so many bytes.
    faults: Vec<(usize, u64, Effect)>,
}

/// Preparation.
impl Sim {
    /// A network without nodes at time zero. Everything that is random in it comes from the seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            link: Arc::new(Link::new()),
            limits: Arc::new(Limits::new()),
            bounds: Bounds {
                events_max: 100_000_000,
                time_max: Instant::from_elapsed(Duration::from_secs(24 * 60 * 60)),
                rounds_max: 1_000_000,
                ends_at: Instant::MAX,
            },
            now: Instant::ZERO,
            slots: Vec::new(),
            streams: Vec::new(),
            endpoints: Vec::new(),
            addresses: BTreeMap::new(),
            agenda: Agenda::new(Random::of(seed, AGENDA)),
            faults: Vec::new(),
            faults_awaited: Vec::new(),
            pool: Pool::default(),
            parcels: 0,
            open: 0,
            log: Log::new(),
        }
    }

    /// Sets the link of what is connected or bound from now on.
    #[must_use]
    pub fn link(mut self, link: Link) -> Self {
        self.link = Arc::new(link);
        self
    }

    /// Sets the limits of what is connected from now on and brings none.
    #[must_use]
    pub fn limits(mut self, limits: impl Into<Arc<Limits>>) -> Self {
        self.limits = limits.into();
        self
    }

    /// Lets a fault strike.
    #[must_use]
    pub fn with_fault(mut self, fault: Fault) -> Self {
        self.add_fault(fault);
        self
    }

    /// Keeps a [time-line](Self::timeline) of at most `entries_max` entries.
    #[must_use]
    pub fn with_timeline(mut self, entries_max: usize) -> Self {
        self.log.timeline = Some(Timeline::new(entries_max));
        self
    }

    /// Sets how many events a run may have. Default 100 million.
    #[must_use]
    pub const fn events_max(mut self, count: u64) -> Self {
        self.bounds.events_max = count;
        self
    }

    /// Sets how long a run may last in virtual time. Default one day.
    #[must_use]
    pub fn time_max(mut self, time: Duration) -> Self {
        self.bounds.time_max = Instant::from_elapsed(time);
        self
    }

    /// Lets [`run`](Self::run) end in order at a time.
    #[must_use]
    pub const fn ending_at(mut self, at: Instant) -> Self {
        self.bounds.ends_at = at;
        self
    }

    /// Sets how many rounds of work a node may have while time stands still; more are taken for a
    /// spin. Default 1 million.
    #[must_use]
    pub const fn rounds_max(mut self, count: u32) -> Self {
        self.bounds.rounds_max = count;
        self
    }
}

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
        let end = Box::new(one.open(&self.limits, at));
        self.add(Part::End { end, stream: number, side: 0 }, &names[0], at);
        let end = Box::new(other.open(&self.limits, at));
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
        let number = self.slots.len() as u32;
        let peer = address.to_peer();
        let taken = self.addresses.insert(peer, number);
        assert!(taken.is_none(), "{address:?} is bound already");
        let order = self.endpoints.len();
        let endpoint = DatagramEndpoint::new(limits, self.now)
            .with_local(address)
            .with_seed(Random::of(self.seed, ENDPOINTS + order as u64).next_u64());
        let station = Station {
            endpoint: Box::new(Endpoint::new(endpoint, protocol)),
            address: peer,
            link: Arc::clone(&self.link),
            line: Line::default(),
            random: Random::of(self.seed, ENDPOINTS + (1 << 32) + order as u64),
            inbox: Inbox::new(),
            isolated_until: Instant::ZERO,
            received_last: 0,
        };
        self.endpoints.push(number);
        self.add(Part::Endpoint(Box::new(station)), name, self.now);
        self.open += 1;
        Id::new(number)
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

    /// Lets a fault strike; one whose time has passed strikes at once.
    pub fn add_fault(&mut self, fault: Fault) {
        match fault.when {
            When::After(direction, len) => {
                if let Some(stream) = self.streams.get_mut(fault.on) {
                    stream.add_fault(direction.side(), len, fault.effect);
                    let nodes = stream.nodes;
                    nodes.into_iter().for_each(|node| self.hasten(node, self.now));
                } else {
                    self.faults_awaited.push(fault);
                }
            }
            When::At(time) => {
                let at = Instant::from_elapsed(time).max(self.now);
                let place = self.faults.partition_point(|(other, _)| *other > at);
                self.faults.insert(place, (at, fault));
            }
        }
    }

    /// Numbers for a protocol of the simulation: others for each `number`, the same for each seed.
    #[must_use]
    pub const fn random(&self, number: u64) -> Random {
        Random::of(self.seed, PROTOCOLS.wrapping_add(number))
    }
}

/// How it stands.
impl Sim {
    /// The time.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// What has happened, counted.
    #[must_use]
    pub const fn totals(&self) -> &Totals {
        &self.log.totals
    }

    /// A figure of all that happened so far: the same for the same seed, in all likelihood another
    /// for another.
    #[must_use]
    pub const fn digest(&self) -> u64 {
        self.log.digest()
    }

    /// What has happened, in order, if [it is kept](Self::with_timeline).
    #[must_use]
    pub const fn timeline(&self) -> Option<&Timeline> {
        self.log.timeline.as_ref()
    }

    /// The number of the stream that a node is an end of, by which [faults](Fault) name it.
    #[must_use]
    pub fn stream_of<P: Protocol>(&self, id: Id<Node<P>>) -> usize {
        match self.slots.get(id.number()).map(|slot| &slot.part) {
            Some(Part::End { stream, .. }) => *stream as usize,
            Some(Part::Endpoint(_)) | None => panic!("{id:?} is of another simulation"),
        }
    }

    /// How many nodes are not closed.
    #[must_use]
    pub const fn open_count(&self) -> usize {
        self.open
    }

    /// Why the ends of streams are over, of those that are.
    pub fn close_reasons(&self) -> impl Iterator<Item = &CloseReason> {
        self.slots.iter().filter_map(|slot| match &slot.part {
            Part::End { end, .. } => end.close_reason(),
            Part::Endpoint(_) => None,
        })
    }

    /// Bytes of streams and datagrams that are under way: written and neither read nor lost.
    #[must_use]
    pub fn under_way_len(&self) -> (u64, u64) {
        let ways = self.streams.iter().flat_map(|stream| &stream.lanes).map(|lane| lane.way.len());
        let parcels = self.slots.iter().map(|slot| match &slot.part {
            Part::End { .. } => 0,
            Part::Endpoint(station) => station.inbox.len(),
        });
        (ways.sum::<usize>() as u64, parcels.sum::<usize>() as u64)
    }

    /// What the simulation takes in memory.
    #[must_use]
    pub fn memory(&self) -> Memory {
        let mut memory = Memory { pool_len: self.pool.len(), ..Memory::default() };
        memory.simulator_len = size_of::<Self>()
            + self.slots.capacity() * size_of::<Slot>()
            + self.streams.capacity() * size_of::<Stream>()
            + self.agenda.memory_len();
        for slot in &self.slots {
            let node = match &slot.part {
                Part::End { end, .. } => end.memory(),
                Part::Endpoint(station) => {
                    let parcels = station.inbox.values().map(|parcel| parcel.bytes.capacity() + 64);
                    memory.simulator_len += size_of::<Station>() + parcels.sum::<usize>();
                    station.endpoint.memory()
                }
            };
            memory.nodes += 1;
            memory.state_len += node.state_len;
            memory.buffers_len += node.buffers_len;
            memory.protocols_len += node.protocol_len;
        }
        let lanes = self.streams.iter().flat_map(|stream| &stream.lanes);
        memory.simulator_len += lanes.map(|lane| lane.way.memory_len()).sum::<usize>();
        memory
    }
}

/// Running.
impl Sim {
    /// Lets the next thing happen. Returns false if nothing ever will.
    ///
    /// # Errors
    /// [`Overrun`] if the run would take more than it may.
    ///
    /// # Panics
    /// When a connection contradicts itself, or a protocol panics.
    pub fn step(&mut self) -> Result<bool, Overrun> {
        let due = self.agenda.first();
        let fault_at = self.faults.last().map(|(at, _)| *at);
        let Some(at) = due.map(|(at, _)| at).into_iter().chain(fault_at).min() else {
            return Ok(false);
        };
        if at > self.bounds.time_max {
            return Err(Overrun::Time { max: self.bounds.time_max });
        }
        if self.log.totals.events >= self.bounds.events_max {
            return Err(Overrun::Events { max: self.bounds.events_max });
        }
        self.log.totals.events += 1;
        self.now = self.now.max(at);
        if fault_at == Some(at) {
            if let Some((_, fault)) = self.faults.pop() {
                self.strike(&fault);
            }
            return Ok(true);
        }
        let Some((_, node)) = due else { return Ok(false) };
        self.agenda.take_first();
        self.work(node)?;
        Ok(true)
    }

    /// Runs until all nodes are closed and nothing is under way, or nothing will ever happen.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    ///
    /// # Panics
    /// As [`step`](Self::step).
    pub fn run(&mut self) -> Result<Ended, Overrun> {
        self.run_until(|_| false)
    }

    /// Runs until `done`, or as [`run`](Self::run).
    ///
    /// # Errors
    /// As [`step`](Self::step).
    ///
    /// # Panics
    /// As [`step`](Self::step).
    pub fn run_until(&mut self, mut done: impl FnMut(&Self) -> bool) -> Result<Ended, Overrun> {
        loop {
            if done(self) {
                return Ok(Ended::Done);
            }
            if self.next_at().is_some_and(|at| at > self.bounds.ends_at) {
                return Ok(Ended::TimeUp);
            }
            if !self.step()? {
                return Ok(if self.open == 0 { Ended::AllClosed } else { Ended::Quiet });
            }
        }
    }

    /// Runs for so long, whatever happens.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    ///
    /// # Panics
    /// As [`step`](Self::step).
    pub fn pass(&mut self, time: Duration) -> Result<(), Overrun> {
        let until = self.now + time;
        while self.next_at().is_some_and(|at| at <= until) {
            self.step()?;
        }
        self.now = until;
        Ok(())
    }

    /// When the next thing happens.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        let fault = self.faults.last().map(|(at, _)| *at);
        self.agenda.first().map(|(at, _)| at).into_iter().chain(fault).min()
    }
}

/// What happens.
impl Sim {
    /// Hastens the work on a node.
    fn hasten(&mut self, node: u32, at: Instant) {
        if let Some(slot) = self.slots.get_mut(node as usize) {
            self.agenda.hasten(node, &mut slot.due, at);
        }
    }

    fn work(&mut self, node: u32) -> Result<(), Overrun> {
        let now = self.now;
        let slot = &mut self.slots[node as usize];
        slot.due = None;
        if slot.worked_at < now {
            (slot.worked_at, slot.rounds) = (now, 0);
        }
        slot.rounds += 1;
        if slot.rounds > self.bounds.rounds_max {
            let (node, rounds) = (node as usize, slot.rounds);
            return Err(Overrun::Spin { node, at: now, rounds });
        }
        match slot.part {
            Part::End { stream, side, .. } => self.work_end(node, stream as usize, side),
            Part::Endpoint(_) => self.work_endpoint(node),
        }
        Ok(())
    }

    /// A round of work on one end of a stream.
    fn work_end(&mut self, node: u32, number: usize, side: usize) {
        let now = self.now;
        self.strike_by_len(number);
        let stream = &mut self.streams[number];
        let peer = stream.nodes[1 - side];
        let slot = &mut self.slots[node as usize];
        if now < stream.opens_at {
            self.agenda.set(node, &mut slot.due, Some(stream.opens_at));
            return;
        }
        let Part::End { end, .. } = &mut slot.part else { return };
        self.log.about(node as usize, peer as usize, stream.is_tls, now);
        let mut ends = stream.ends(side, &mut self.log);

        let was_full = ends.inp.is_full(ends.inp_link);
        let mut moved = ends.take_reset(end.as_mut(), now);
        let was_closed = end.is_closed();
        if !was_closed {
            moved |= end.round(&mut ends, &mut self.pool, now);
        }
        let is_closed = end.is_closed();
        if is_closed {
            ends.hang_up(!was_closed, now);
        }
        let has_room = was_full && !ends.inp.is_full(ends.inp_link);
        let arrival = ends.out.next_arrival(now);
        let next = if moved && !is_closed {
            Some(now)
        } else {
            let deadline = if is_closed { None } else { end.next_deadline() };
            deadline.into_iter().chain(ends.inp.next_arrival(now)).min()
        };
        let arrived_now = ends.out.way.next_at().is_some_and(|at| at <= now)
            || ends.out.reset_at.is_some_and(|at| at <= now);
        self.log.totals.events_moving += u64::from(moved);
        self.open -= usize::from(is_closed && !was_closed);
        self.agenda.set(node, &mut slot.due, next);
        if moved && arrived_now || has_room || is_closed && arrived_now {
            self.hasten(peer, now);
        } else if let Some(at) = arrival {
            self.hasten(peer, at);
        }
        self.strike_by_len(number);
    }

    /// A round of work on an endpoint of datagrams.
    fn work_endpoint(&mut self, node: u32) {
        let now = self.now;
        let slot = &mut self.slots[node as usize];
        let Part::Endpoint(station) = &mut slot.part else { return };
        self.log.about(node as usize, node as usize, false, now);
        let was_closed = station.endpoint.is_closed();
        let mut moved = station.receive(&mut self.log, now);
        let mut sent = Vec::new();
        moved |= station.endpoint.round(&mut sent, &mut self.log, now);
        let is_closed = station.endpoint.is_closed();
        self.log.totals.events_moving += u64::from(moved);
        self.open -= usize::from(is_closed && !was_closed);
        let next = if moved {
            Some(now)
        } else {
            let arrival = station.inbox.first_key_value().map(|((at, _), _)| *at);
            station.endpoint.next_deadline().into_iter().chain(arrival).min()
        };
        self.agenda.set(node, &mut slot.due, next);
        for (to, bytes) in sent {
            self.route(node, to, &bytes);
        }
    }

    /// Brings a datagram on its way.
    fn route(&mut self, from: u32, to: DatagramPeer, bytes: &[u8]) {
        let now = self.now;
        let number = self.addresses.get(&to).copied();
        self.log.totals.datagrams_sent += 1;
        let Part::Endpoint(station) = &mut self.slots[from as usize].part else { return };
        let arrivals = station.arrivals(bytes.len(), now);
        let address = station.address;
        let Some(number) = number else {
            self.log.totals.datagrams_lost += 1;
            let tag = self.log.sent_datagram(bytes);
            self.log.lost(tag);
            return;
        };
        self.log.toward(number as usize);
        let slot = &mut self.slots[number as usize];
        let Part::Endpoint(there) = &mut slot.part else { return };
        let [first, second] = arrivals;
        self.log.totals.datagrams_doubled += u64::from(second.is_some());
        if first.is_none() {
            self.log.totals.datagrams_lost += 1;
            let tag = self.log.sent_datagram(bytes);
            self.log.lost(tag);
        }
        for at in [first, second].into_iter().flatten() {
            self.parcels += 1;
            let tag = self.log.sent_datagram(bytes);
            let parcel = super::node::Parcel {
                from: address,
                bytes: bytes.to_vec(),
                tag,
                number: self.parcels,
            };
            there.inbox.insert((at, self.parcels), parcel);
            self.agenda.hasten(number, &mut slot.due, at);
        }
    }
}

/// What goes wrong.
impl Sim {
    /// Lets strike what strikes after so many bytes.
    fn strike_by_len(&mut self, number: usize) {
        while let Some(effect) = self.streams[number].take_fault() {
            self.strike_stream(number, effect);
        }
    }

    fn strike(&mut self, fault: &Fault) {
        if let Effect::Isolate(lasting) = fault.effect {
            let Some(node) = self.endpoints.get(fault.on).copied() else { return };
            let Part::Endpoint(station) = &mut self.slots[node as usize].part else { return };
            station.isolated_until = self.now + lasting;
            self.log.about(node as usize, node as usize, false, self.now);
            self.log.fault(|| fault.effect.name().into());
        } else if fault.on < self.streams.len() {
            self.strike_stream(fault.on, fault.effect);
        }
    }

    fn strike_stream(&mut self, number: usize, effect: Effect) {
        let now = self.now;
        let stream = &mut self.streams[number];
        let [there, back] = stream.nodes.map(|node| node as usize);
        let log = &mut self.log;
        let both = [(there, back), (back, there)];
        let said = || -> String { effect.name().into() };
        let sides: &[usize] = match effect {
            Effect::Cut | Effect::Reset | Effect::Isolate(_) => &[0, 1],
            Effect::CutOneWay(direction) | Effect::End(direction) | Effect::Stall(direction, _) => {
                &[direction.side()]
            }
        };
        for side in sides.iter().copied() {
            let (from, to) = both[side];
            log.about(from, to, stream.is_tls, now);
            log.fault(said);
            let (lane, link) = (&mut stream.lanes[side], &stream.links[side]);
            match effect {
                Effect::Cut | Effect::CutOneWay(_) => {
                    lane.lose(log);
                    lane.is_cut = true;
                }
                Effect::End(_) => lane.end(now, link, log),
                Effect::Reset => {
                    lane.lose(log);
                    lane.is_cut = true;
                    lane.reset_at = Some(now);
                }
                Effect::Stall(_, lasting) => {
                    lane.stalled_until = lane.stalled_until.max(now + lasting);
                }
                Effect::Isolate(_) => {}
            }
        }
        let nodes = stream.nodes;
        nodes.into_iter().for_each(|node| self.hasten(node, now));
    }
}

impl Stream {
    /// The two directions as the end on `side` sees them.
    fn ends<'a>(&'a mut self, side: usize, log: &'a mut Log) -> Ends<'a> {
        let [there, back] = &mut self.lanes;
        let [there_link, back_link] = &self.links;
        if side == 0 {
            Ends { out: there, out_link: there_link, inp: back, inp_link: back_link, log }
        } else {
            Ends { out: back, out_link: back_link, inp: there, inp_link: there_link, log }
        }
    }

    fn add_fault(&mut self, side: usize, len: u64, effect: Effect) {
        self.faults.push((side, len, effect));
        self.aim();
    }

    /// Tells the lanes where the next fault strikes.
    fn aim(&mut self) {
        for (side, lane) in self.lanes.iter_mut().enumerate() {
            let lens = self.faults.iter().filter(|fault| fault.0 == side).map(|fault| fault.1);
            lane.fault_at = lens.min().unwrap_or(u64::MAX);
        }
    }

    /// The fault that is to strike, if there is one.
    fn take_fault(&mut self) -> Option<Effect> {
        if self.faults.is_empty() {
            return None;
        }
        let lanes = &self.lanes;
        let place = self.faults.iter().position(|(side, len, _)| lanes[*side].sent_len >= *len)?;
        let (_, _, effect) = self.faults.remove(place);
        self.aim();
        Some(effect)
    }
}

impl Ends<'_> {
    /// Tells the end that it was reset, if it was. Returns whether it was.
    fn take_reset(&mut self, end: &mut dyn StreamNode, now: Instant) -> bool {
        if self.inp.reset_at.is_none_or(|at| at > now) {
            return false;
        }
        self.inp.reset_at = None;
        self.inp.lose(self.log);
        self.out.is_cut = true;
        end.reset(now);
        true
    }

    /// What a system does when the socket of a closed connection is dropped: the stream ends, or is
    /// reset if something was not read; and whatever comes later is answered with a reset.
    fn hang_up(&mut self, is_first: bool, now: Instant) {
        let unread = self.inp.discard_arrived(now, self.log);
        if unread && !self.out.is_cut && !self.out.has_reset {
            self.log.sent_reset();
            self.out.has_reset = true;
            self.out.reset_at = Some(now + self.out_link.latency);
        } else if is_first && !unread {
            self.out.end(now, self.out_link, self.log);
        }
    }
}

impl Station {
    /// Receives one datagram of those that have arrived. Returns whether there was one.
    fn receive(&mut self, log: &mut Log, now: Instant) -> bool {
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
    fn arrivals(&mut self, len: usize, now: Instant) -> [Option<Instant>; 2] {
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

/// The part that `id` names.
///
/// # Panics
/// When `id` is of another simulation.
impl<T: Any> Index<Id<T>> for Sim {
    type Output = T;

    fn index(&self, id: Id<T>) -> &T {
        let any = self.slots.get(id.number()).map(|slot| match &slot.part {
            Part::End { end, .. } => end.as_any(),
            Part::Endpoint(station) => station.endpoint.as_any(),
        });
        any.and_then(|any| any.downcast_ref()).expect("an id of this simulation")
    }
}

/// The part that `id` names, which is then worked on at the present time.
///
/// # Panics
/// When `id` is of another simulation.
impl<T: Any> IndexMut<Id<T>> for Sim {
    fn index_mut(&mut self, id: Id<T>) -> &mut T {
        self.hasten(id.number, self.now);
        let any = self.slots.get_mut(id.number()).map(|slot| match &mut slot.part {
            Part::End { end, .. } => end.as_any_mut(),
            Part::Endpoint(station) => station.endpoint.as_any_mut(),
        });
        any.and_then(|any| any.downcast_mut()).expect("an id of this simulation")
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim")
            .field("seed", &self.seed)
            .field("now", &self.now)
            .field("nodes", &self.slots.len())
            .field("totals", &self.log.totals)
            .finish_non_exhaustive()
    }
}
