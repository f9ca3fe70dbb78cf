//! How a simulation stands.

use super::log::Totals;
use super::memory::Memory;
use super::node::{Id, Node, Part};
use super::sim::{Sim, Slot, Stream};
use super::station::Station;
use super::timeline::Timeline;
use crate::connection::CloseReason;
use crate::protocol::Protocol;
use crate::time::Instant;

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

    /// The number of the stream that a node is an end of, by which [faults](super::Fault) name it.
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
