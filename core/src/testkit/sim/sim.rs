use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::fmt;
use core::ops::{Index, IndexMut};
use core::time::Duration;

use super::agenda::{Agenda, Due};
use super::fault::{Effect, Fault};
use super::lane::Lane;
use super::link::Link;
use super::log::Log;
use super::node::{Id, Part};
use super::random::Random;
use super::timeline::Timeline;
use crate::buffer::Pool;
use crate::datagram::DatagramPeer;
use crate::limits::Limits;
use crate::time::Instant;

/// What [`Random::of`] is given for the parts that are no stream and no endpoint.
const AGENDA: u64 = u64::MAX;
pub(super) const PROTOCOLS: u64 = 1 << 63;
pub(super) const ENDPOINTS: u64 = 1 << 62;

/// A network in virtual time; see the [module](super).
pub struct Sim {
    pub(super) seed: u64,
    pub(super) link: Arc<Link>,
    pub(super) limits: Arc<Limits>,
    pub(super) bounds: Bounds,
    pub(super) now: Instant,
    pub(super) slots: Vec<Slot>,
    pub(super) streams: Vec<Stream>,
    /// The numbers of the endpoints' nodes, in the order in which they were bound.
    pub(super) endpoints: Vec<u32>,
    pub(super) addresses: BTreeMap<DatagramPeer, u32>,
    pub(super) agenda: Agenda,
    /// What strikes at a time, the first at the end.
    pub(super) faults: Vec<(Instant, Fault)>,
    /// What strikes a stream that is not there yet.
    pub(super) faults_awaited: Vec<Fault>,
    pub(super) pool: Pool,
    pub(super) parcels: u64,
    pub(super) open: usize,
    pub(super) log: Log,
}

/// What a run may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) events_max: u64,
    pub(super) time_max: Instant,
    pub(super) rounds_max: u32,
    /// When the run ends in order.
    pub(super) ends_at: Instant,
}

/// A node and when something is due for it.
pub(super) struct Slot {
    pub(super) part: Part,
    pub(super) due: Due,
    /// Rounds at the time of the last one.
    pub(super) rounds: u32,
    pub(super) worked_at: Instant,
}

/// Two nodes and what is between them: first there, then back.
pub(super) struct Stream {
    pub(super) nodes: [u32; 2],
    pub(super) lanes: [Lane; 2],
    pub(super) links: [Arc<Link>; 2],
    pub(super) opens_at: Instant,
    pub(super) is_tls: bool,
    /// What strikes after so many bytes.
    pub(super) faults: Vec<(usize, u64, Effect)>,
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
