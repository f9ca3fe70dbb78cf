//! A network in virtual time: any number of connections and datagram endpoints, of any protocols,
//! joined by links that behave as badly as they are told to.
//!
//! Everything that happens follows from one number, the seed: a run is a pure function of it, so
//! that what failed once fails again. Nothing sleeps, so that an hour takes as long as what happens
//! in it.
//!
//! ```
//! use std::time::Duration;
//! use drywire::CloseReason;
//! use drywire::framing::Netstring;
//! use drywire::protocol::Echo;
//! use drywire::testkit::sim::{Fault, Link, Party, Sim};
//! use drywire::testkit::{Talker, Then, Traced};
//!
//! let mobile = Link::new()
//!     .latency(Duration::from_millis(40))
//!     .jitter(Duration::from_millis(20))
//!     .loss(0.05)
//!     .segments(1..=3);
//! let mut sim = Sim::new(7).link(mobile);
//!
//! let talker = Talker::new(Netstring::new(), vec![b"hello".to_vec()], Then::Finish);
//! let (client, server) = sim.connect(
//!     Party::plain("client", Traced::new(talker)),
//!     Party::plain("server", Echo::new(Netstring::new())),
//! );
//! sim.run()?;
//!
//! assert_eq!(sim[client].protocol.trace.frames(), [b"hello"]);
//! assert_eq!(sim[server].connection.close_reason(), Some(&CloseReason::Finished));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # What there is
//!
//! - [`Sim`] is the network and the clock. [`connect`](Sim::connect) adds a stream between two
//!   [`Party`]s, plain or within TLS, [`bind`](Sim::bind) an endpoint of datagrams. All return
//!   [`Id`]s: `sim[id]` is the connection and the protocol, with their types, to look at and to
//!   change.
//! - [`Link`] is how a network behaves, [`Fault`] what goes wrong on a schedule.
//! - [`Sim::run`] goes on to the end, [`run_until`](Sim::run_until) to a condition,
//!   [`pass`](Sim::pass) for a time, [`step`](Sim::step) to the next event. Runs are bounded in
//!   events, in virtual time and in work while time stands still; beyond is an [`Overrun`].
//! - [`explore()`] runs a scenario for many seeds, each of which is a [`Plan`], and makes the first
//!   one that fails as small as it can.
//! - [`Timeline`] is what happened, as text and as a drawing; a side that is
//!   [recorded](Party::recorded) becomes a [script](crate::script) that replays without a network.
//!
//! # Events
//!
//! An event is one round of work on one node, as a driver does it: take all steps, write once, read
//! once, take all steps, with buffers from a pool for as long as that takes. What is due at the
//! same instant happens in an order that the seed draws, so that other seeds are other
//! interleavings. A round that moved something is followed by another at the same instant.
//!
//! When a connection is over, its socket is dropped as a system drops it: what was written still
//! arrives, then the stream ends; it is reset instead if something had come that was not read, and
//! what comes later is answered with a reset.
//!
//! # What is the same every time
//!
//! Numbers are drawn from the seed by [`Random`], for each direction of each stream separately.
//! Without TLS nothing else is random, unless a protocol brings it: give it
//! [`Sim::random`](Sim::random). Within TLS the provider draws numbers too; [`seeded`] says which
//! of them can come from a seed.

mod agenda;
mod caller;
mod end;
mod explore;
mod fault;
mod lane;
mod link;
mod log;
mod look;
mod memory;
mod node;
mod parties;
mod plan;
mod random;
mod run;
#[expect(clippy::module_inception, reason = "it is what the module is about")]
mod sim;
mod station;
mod strike;
mod svg;
mod timeline;
mod work;

pub use caller::{Caller, Told};
pub use end::{Ended, Overrun};
pub use explore::{Failure, Violation, explore};
pub use fault::{Direction, Fault};
pub use link::Link;
pub use log::Totals;
pub use memory::Memory;
pub use node::{Id, Node, Party};
pub use plan::Plan;
pub use random::Random;
pub use sim::Sim;
pub use station::{Endpoint, NetworkAddress};
pub use timeline::{Arrow, Entry, Freight, Mark, Timeline};

#[cfg(feature = "tls")]
pub use crate::tls::seeded;
pub(super) use timeline::quoted;
