//! A load on an echo: when which connection asks, whether what comes back is the echo, and how long
//! that takes, as state machines.
//!
//! A [`Load`] decides over all connections, and each [`Asker`] is the [`Protocol`] of one. A driver
//! repeats: connect every asker that [`next_asker`](Load::next_asker) gives, wait until one has ended
//! or [`deadline`](Load::deadline) has come, until [`is_over`](Load::is_over). Neither
//! knows a socket or a clock, so that a load runs over any adapter, and in a simulated network, where
//! its latencies are exactly those of the links.
//!
//! # What is measured
//!
//! Requests are numbered, and every byte that comes back is compared with what was sent. The latency
//! of a request is the time from when it was due until its last byte is back. At a
//! [rate](Pace::Open) a request is due when the rate says so, not when the peer has become ready for
//! it: a stall of a second at 1,000 requests a second is 1,000 latencies, not one (this is known as
//! the correction for coordinated omission). What is never answered, and what is due and never sent,
//! counts with the time that it has waited, which is a lower bound. The times are those that the driver tells: if it takes
//! several answers from one read, they came at the same time.
//!
//! # Examples
//! ```
//! use core::time::Duration;
//! use drywire::framing::Lines;
//! use drywire::load::{Load, LoadOptions};
//! use drywire::ping::Distribution;
//! use drywire::protocol::Echo;
//! use drywire::testkit::Pair;
//! use drywire::Instant;
//!
//! let mut options = LoadOptions::new();
//! options.requests_max = Some(100);
//! let load = Load::<Distribution>::new(options, Instant::ZERO);
//! let asker = load.next_asker(Lines::new(), Instant::ZERO).unwrap();
//! let mut pair = Pair::plain(asker, Echo::new(Lines::new()));
//! pair.there.lag = Duration::from_millis(3);
//! pair.back.lag = Duration::from_millis(4);
//! pair.run();
//! let statistics = load.statistics();
//! assert_eq!(statistics.answered, 100);
//! assert_eq!(statistics.latency.min(), Some(Duration::from_millis(7)));
//! assert_eq!(statistics.latency.max(), Some(Duration::from_millis(7)));
//! ```
//!
//! [`Protocol`]: crate::Protocol

mod asker;
mod mismatch;
mod noise;
mod options;
mod request;
mod schedule;
mod shared;
mod statistics;

pub use asker::Asker;
pub use mismatch::Mismatch;
pub use noise::is_beyond_noise;
pub use options::{LoadOptions, Pace};
pub use statistics::{LoadStatistics, Record};

use alloc::rc::Rc;
use core::cell::RefCell;
use core::fmt;

use crate::framing::ByteFraming;
use crate::time::Instant;
use shared::Shared;

/// What all connections of a load have in common. Clones are the same load, in one thread.
///
/// # Bounds
/// A few words for each connection, and the two histograms.
pub struct Load<R> {
    shared: Rc<RefCell<Shared<R>>>,
}

impl<R: Record + Default> Load<R> {
    /// A load that begins now.
    #[must_use]
    pub fn new(options: LoadOptions, now: Instant) -> Self {
        Self::recording(options, now, R::default(), R::default())
    }
}

impl<R: Record> Load<R> {
    /// A load that begins now, with these for [`latency`](LoadStatistics::latency) and
    /// [`service`](LoadStatistics::service).
    #[must_use]
    pub fn recording(options: LoadOptions, now: Instant, latency: R, service: R) -> Self {
        let shared = Shared::new(options.sensible(), now, latency, service);
        Self { shared: Rc::new(RefCell::new(shared)) }
    }

    /// What to connect now, if there is anything: to be run over a new connection.
    ///
    /// With a framing whose frames are any [chunks](crate::framing::Raw) use
    /// [`Asker::over_chunks`].
    pub fn next_asker<F: ByteFraming>(&self, framing: F, now: Instant) -> Option<Asker<F, R>> {
        let slot = self.shared.borrow_mut().take_slot(now)?;
        Some(Asker::new(self.clone(), framing, slot))
    }

    /// Takes note that the connection of an asker could not be made.
    pub fn connect_failed<F>(&self, asker: &Asker<F, R>, now: Instant) {
        self.shared.borrow_mut().connect_failed(asker.slot(), now);
    }

    /// When [`next_asker`](Self::next_asker) may have one, or the load is over.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.shared.borrow().deadline()
    }

    /// Asks no more. Those that wait for nothing are told by their timers, within the time of their
    /// next request; a driver that has them at hand [tells](Asker::poll) them.
    pub fn stop(&self, now: Instant) {
        self.shared.borrow_mut().stop(now);
    }

    /// Whether asking is over. Answers may still be under way.
    #[must_use]
    pub fn is_over(&self, now: Instant) -> bool {
        self.shared.borrow_mut().is_over(now)
    }

    /// How many connections there are, made or not.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.borrow().taken
    }

    /// How many connections were opened so far, in the warm-up too.
    #[must_use]
    pub fn opened(&self) -> u64 {
        self.shared.borrow().statistics.opened
    }

    /// When counting began, or is to: behind the warm-up.
    #[must_use]
    pub fn began_at(&self) -> Instant {
        self.shared.borrow().statistics.began_at
    }

    /// When counting ended; until then the latest time that was told.
    #[must_use]
    pub fn ended_at(&self) -> Instant {
        self.shared.borrow().statistics.ended_at
    }

    /// What has become of it so far: a copy.
    #[must_use]
    pub fn statistics(&self) -> LoadStatistics<R>
    where
        R: Clone,
    {
        self.shared.borrow().statistics.clone()
    }
}

impl<R> Load<R> {
    /// Shows what [`latency`](LoadStatistics::latency) and [`service`](LoadStatistics::service) are
    /// recorded by, in this order, to look at them in slices.
    ///
    /// # Panics
    /// When `look` calls this load, or drives one of its connections.
    pub fn with_records<T>(&self, look: impl FnOnce(&mut R, &mut R) -> T) -> T {
        let statistics = &mut self.shared.borrow_mut().statistics;
        look(&mut statistics.latency, &mut statistics.service)
    }
}

impl<R> Clone for Load<R> {
    fn clone(&self) -> Self {
        Self { shared: Rc::clone(&self.shared) }
    }
}

impl<R> fmt::Debug for Load<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Load").finish_non_exhaustive()
    }
}
