//! What happens: rounds of work, and what they send.

use alloc::vec::Vec;

use super::end::Overrun;
use super::log::Log;
use super::node::{Ends, Part, StreamNode};
use super::sim::{Sim, Stream};
use super::station::{NetworkAddress, Parcel};
use crate::datagram::DatagramPeer;
use crate::time::Instant;

impl Sim {
    /// Hastens the work on a node.
    pub(super) fn hasten(&mut self, node: u32, at: Instant) {
        if let Some(slot) = self.slots.get_mut(node as usize) {
            self.agenda.hasten(node, &mut slot.due, at);
        }
    }

    pub(super) fn work(&mut self, node: u32) -> Result<(), Overrun> {
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
        let [first, second] = arrivals;
        self.log.totals.datagrams_doubled += u64::from(second.is_some());
        if first.is_none() {
            self.log.totals.datagrams_lost += 1;
            let tag = self.log.sent_datagram(bytes);
            self.log.lost(tag);
        }
        for at in [first, second].into_iter().flatten() {
            self.dispatch(address, number, bytes, at);
        }
    }

    /// Lets a datagram arrive at a node.
    fn dispatch(&mut self, from: DatagramPeer, node: u32, bytes: &[u8], at: Instant) {
        let slot = &mut self.slots[node as usize];
        let Part::Endpoint(station) = &mut slot.part else { return };
        self.parcels += 1;
        let tag = self.log.sent_datagram(bytes);
        let parcel = Parcel { from, bytes: bytes.to_vec(), tag, number: self.parcels };
        station.inbox.insert((at, self.parcels), parcel);
        self.agenda.hasten(node, &mut slot.due, at);
    }

    /// Lets a datagram arrive at `to` at once that seems to come from `from`, whoever that is:
    /// what anybody can do who can forge addresses.
    pub fn forge<A: NetworkAddress>(&mut self, from: &A, to: &A, bytes: &[u8]) {
        let Some(number) = self.addresses.get(&to.to_peer()).copied() else { return };
        self.log.totals.datagrams_sent += 1;
        // It comes from outside: the time-line shows it at the receiver.
        self.log.about(number as usize, number as usize, false, self.now);
        self.dispatch(from.to_peer(), number, bytes, self.now);
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
