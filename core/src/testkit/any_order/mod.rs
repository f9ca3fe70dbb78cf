//! Any call in any order: a list of operations on one connection, and what must hold after each.
//!
//! A list of operations is made from bytes, so that a property test and a fuzz target can make one,
//! and run on a [`Bench`]: the connection, and a peer that behaves, whose bytes the operations
//! deliver, damage, withhold or replace.

mod bench;
mod choices;
mod laws;
mod steps;
mod transport;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use crate::error::Fault;
use crate::framing::AnyFraming;

pub use bench::Bench;
pub use choices::Choices;

/// A call or a few, on the connection or on what surrounds it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Operation {
    /// The peer sends a frame of so many bytes.
    PeerSends(usize),
    /// The peer finishes its side.
    PeerFinishes,
    /// The peer renews its keys.
    PeerRefreshes,
    /// At most so many bytes of the peer arrive.
    Deliver(usize),
    /// Bytes arrive that the peer did not send.
    Inject(Vec<u8>),
    /// A bit of what arrives next is flipped.
    Damage(usize),
    /// More is said to have arrived than was lent.
    DeliverTooMuch,
    /// A loan, and other calls before the bytes are said to have arrived.
    LendThen(Box<Self>, usize),
    /// The peer's stream ends.
    End,
    /// At most so many bytes are transmitted.
    Transmit(usize),
    /// More is said to have been transmitted than was there.
    TransmitTooMuch,
    /// The write side is said to be shut down, asked for or not.
    ShutDown,
    /// The transport fails.
    Fault(Fault),
    /// The transport takes nothing any more.
    TransmitFault(Fault),
    /// Time passes; nobody is told yet.
    Pass(Duration),
    /// The connection is told the time, or, with true, an earlier one.
    Timeout(bool),
    /// Time passes until the deadline, and the connection is told.
    Deadline,
    /// One step is taken and answered.
    Next(Answer),
    /// All steps are taken and answered.
    NextAll(Answer),
    /// The connection is asked whether it has a step.
    HasStep,
    /// A call outside of a step.
    Call(Answer),
    /// New keys.
    RefreshKeys,
    /// Draining.
    Drain,
    /// The driver stops.
    Stop,
    /// A turn begins.
    Lease,
    /// A turn ends.
    Settle,
    /// Goes on with another framing, by value.
    Upgrade(AnyFraming),
}

/// What is done with a handle.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "they are the handle's methods")]
#[non_exhaustive]
pub enum Answer {
    Nothing,
    Send(usize),
    Retain,
    Finish,
    Close,
    Abort,
    Fail,
    SetTimer(Option<Duration>),
    Upgrade(AnyFraming),
    Decouple,
}
