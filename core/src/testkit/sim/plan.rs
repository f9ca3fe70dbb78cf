use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::fault::Fault;
use super::link::Link;
use super::random::Random;
use super::sim::Sim;
use crate::time::Instant;

/// What a scenario may vary: the parameters of one run.
///
/// A scenario is a function of the plan: it makes a simulation of [`sim`](Self::sim), connects as
/// many parties as [`connections`](Self::connections) says, and runs it. [`explore`](super::explore())
/// makes the plan of a failure smaller, in all parts but the seed. It prints as the expression
/// that makes it, so that a failure can be run again.
///
/// # Examples
/// ```
/// use drywire::testkit::sim::{Fault, Link, Plan};
///
/// let plan = Plan::new(7).connections(2).link(Link::new().loss(0.5)).fault(Fault::reset(1));
/// assert_eq!(
///     plan.to_string(),
///     "Plan::new(7).connections(2).link(Link::new().loss(0.5)).fault(Fault::reset(1))",
/// );
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    seed: u64,
    connections: usize,
    link: Link,
    faults: Vec<Fault>,
    time_max: Option<Duration>,
    timeline: Option<usize>,
}

impl Plan {
    /// One connection over an ideal link without faults.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            connections: 1,
            link: Link::new(),
            faults: Vec::new(),
            time_max: None,
            timeline: None,
        }
    }

    /// Sets how many connections the scenario makes.
    #[must_use]
    pub fn connections(self, connections: usize) -> Self {
        Self { connections, ..self }
    }

    /// Sets the link.
    #[must_use]
    pub fn link(self, link: Link) -> Self {
        Self { link, ..self }
    }

    /// Adds a fault.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Adds `count` faults that the seed draws, on the connections that there are, at times up to
    /// `within`.
    #[must_use]
    pub fn random_faults(mut self, count: usize, within: Duration) -> Self {
        let mut random = Random::of(self.seed, 1 << 61);
        let faults = (0..count).map(|_| Fault::random(&mut random, self.connections, within));
        self.faults.extend(faults);
        self
    }

    /// Ends the run in order after so long, so that a shorter one can be tried: nothing is wrong
    /// when it is reached.
    #[must_use]
    pub fn lasting(self, time: Duration) -> Self {
        Self { time_max: Some(time), ..self }
    }

    /// Keeps a time-line of at most so many entries in what [`sim`](Self::sim) makes.
    #[must_use]
    pub(super) fn with_timeline(self, entries_max: usize) -> Self {
        Self { timeline: Some(entries_max), ..self }
    }

    /// The seed.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// How many connections the scenario makes.
    #[must_use]
    pub const fn connection_count(&self) -> usize {
        self.connections
    }

    /// Until when the run lasts.
    #[must_use]
    pub fn until(&self) -> Instant {
        self.time_max.map_or(Instant::MAX, Instant::from_elapsed)
    }

    /// A simulation with the plan's seed, link and faults, and no nodes yet.
    #[must_use]
    pub fn sim(&self) -> Sim {
        let mut sim = Sim::new(self.seed).link(self.link.clone());
        if let Some(entries_max) = self.timeline {
            sim = sim.with_timeline(entries_max);
        }
        self.faults.iter().cloned().for_each(|fault| sim.add_fault(fault));
        sim.ending_at(self.until())
    }

    /// Plans with less in them, those with much less first.
    pub(super) fn smaller(&self) -> Vec<Self> {
        let mut smaller = Vec::new();
        let count = self.connections;
        for connections in [1, count / 2, count.saturating_sub(1)] {
            if (1..count).contains(&connections) {
                smaller.push(Self { connections, ..self.clone() });
            }
        }
        // Half of the faults, then each.
        let mut len = self.faults.len();
        while len > 0 {
            for start in (0..self.faults.len()).step_by(len) {
                let mut faults = self.faults.clone();
                faults.drain(start..(start + len).min(faults.len()));
                smaller.push(Self { faults, ..self.clone() });
            }
            len /= 2;
        }
        smaller.extend(self.link.simpler().into_iter().map(|link| Self { link, ..self.clone() }));
        for (place, fault) in self.faults.iter().enumerate() {
            for simpler in fault.simpler() {
                let mut plan = self.clone();
                plan.faults[place] = simpler;
                smaller.push(plan);
            }
        }
        if let Some(time) = self.time_max {
            let millis = time.as_millis() as u64;
            for millis in [millis / 2, millis - millis / 10, millis.saturating_sub(1)] {
                let time = Duration::from_millis(millis);
                if Some(time) < self.time_max {
                    smaller.push(Self { time_max: Some(time), ..self.clone() });
                }
            }
        }
        smaller
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plan::new({})", self.seed)?;
        if self.connections != 1 {
            write!(f, ".connections({})", self.connections)?;
        }
        if self.link != Link::new() {
            write!(f, ".link({})", self.link)?;
        }
        for fault in &self.faults {
            write!(f, ".fault({fault})")?;
        }
        match self.time_max {
            Some(time) => write!(f, ".lasting(Duration::from_nanos({}))", time.as_nanos()),
            None => Ok(()),
        }
    }
}
