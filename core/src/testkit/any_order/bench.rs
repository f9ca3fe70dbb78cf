//! A connection and what operations do with it.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::{Answer, Operation};
use crate::buffer::Pool;
use crate::connection::{Connection, Interest};
use crate::error::MisuseError;
use crate::framing::{AnyFraming, Framing};
use crate::testkit::trace::Trace;
use crate::time::Instant;

/// Calls of a driver that may be needed at most to bring a connection to its end.
const ENDING_ROUNDS_MAX: usize = 100_000;

/// A connection and its surroundings.
#[derive(Debug)]
pub struct Bench {
    /// `None` only while it is being upgraded.
    pub(super) connection: Option<Connection<AnyFraming>>,
    pub(super) peer: Connection<AnyFraming>,
    pub(super) pool: Pool,
    pub(super) now: Instant,
    pub(super) trace: Trace,
    /// What the peer has transmitted and the connection not yet received.
    pub(super) arriving: VecDeque<u8>,
    pub(super) memory_len_max: usize,
    /// Of one frame on the wire, over all framings that there were.
    pub(super) wire_len_max: usize,
    pub(super) high_water: usize,
    pub(super) is_tls: bool,
    /// Frames that the connection has taken to send, and that the peer has taken.
    pub(super) sent: Vec<Vec<u8>>,
    pub(super) peer_sent: Vec<Vec<u8>>,
    pub(super) received: Vec<Vec<u8>>,
    pub(super) peer_received: Vec<Vec<u8>>,
    /// The frame that was retained and has to come again.
    pub(super) retained: Option<Vec<u8>>,
    /// The last step was a frame that is not consumed yet.
    pub(super) is_shown: bool,
    /// A full queue holds no frames back.
    pub(super) is_decoupled: bool,
    /// What was sent is what has to arrive: nothing was damaged and no framing changed.
    pub(super) is_faithful: bool,
}

/// Everything that can be seen of a connection without a call that changes it.
pub(super) type Seen = (String, Interest, usize, usize, bool);

impl Bench {
    /// A bench with `high_water` being the one of the connection's limits.
    #[must_use]
    pub fn new(
        connection: Connection<AnyFraming>,
        peer: Connection<AnyFraming>,
        high_water: usize,
        is_tls: bool,
    ) -> Self {
        Self {
            now: connection.now(),
            memory_len_max: connection.memory_len_max(),
            wire_len_max: connection.framing().wire_len_max(),
            connection: Some(connection),
            peer,
            pool: Pool::new(1024 * 1024),
            trace: Trace::default(),
            arriving: VecDeque::new(),
            high_water,
            is_tls,
            sent: vec![],
            peer_sent: vec![],
            received: vec![],
            peer_received: vec![],
            retained: None,
            is_shown: false,
            is_decoupled: false,
            is_faithful: true,
        }
    }

    /// Runs `operations`, then behaves until the connection is over.
    ///
    /// # Panics
    /// When something does not hold that must.
    pub fn run(mut self, operations: &[Operation]) {
        for operation in operations {
            self.operate(operation);
            self.check();
        }
        self.end();
    }

    pub(super) fn connection(&mut self) -> &mut Connection<AnyFraming> {
        self.connection.as_mut().expect("only taken to be upgraded")
    }

    pub(super) fn seen(&mut self) -> Seen {
        let connection = self.connection();
        (
            format!("{connection:?}"),
            connection.interest(),
            connection.queued_len(),
            connection.memory_len(),
            connection.is_writable(),
        )
    }

    pub(super) fn operate(&mut self, operation: &Operation) {
        let now = self.now;
        match operation {
            Operation::PeerSends(len) => self.peer_sends(*len),
            Operation::PeerFinishes => self.peer.finish(),
            Operation::PeerRefreshes => {
                let _ = self.peer.refresh_keys();
            }
            Operation::Deliver(len) => self.deliver(*len),
            Operation::Inject(bytes) => {
                self.is_faithful = false;
                self.arriving.extend(bytes);
                self.deliver(bytes.len());
            }
            Operation::Damage(at) => {
                self.peer_works();
                if let Some(byte) = self.arriving.get_mut(*at) {
                    *byte ^= 1 << (at % 8);
                    self.is_faithful = false;
                }
            }
            Operation::DeliverTooMuch => {
                let lent = self.connection().receive_buffer().len();
                let before = self.seen();
                let refused = self.connection().received(lent + 1, now);
                assert_eq!(refused, Err(MisuseError::ReceivedTooMuch { len: lent + 1, lent }));
                assert_eq!(self.seen(), before, "a refused call changed something");
            }
            Operation::LendThen(between, len) => self.lend_then(between, *len),
            Operation::End => {
                let before = self.seen();
                if self.connection().received_eof(now).is_err() {
                    assert_eq!(self.seen(), before, "a refused call changed something");
                }
            }
            Operation::Transmit(len) => self.transmit(*len),
            Operation::TransmitTooMuch => {
                let queued = self.connection().transmit().len();
                let before = self.seen();
                let refused = self.connection().transmitted(queued + 1, now);
                let expected = MisuseError::TransmittedTooMuch { len: queued + 1, queued };
                assert_eq!(refused, Err(expected));
                assert_eq!(self.seen(), before, "a refused call changed something");
            }
            Operation::ShutDown => self.shut_down(),
            Operation::Fault(fault) => self.connection().transport_failed(*fault, now),
            Operation::TransmitFault(fault) => self.connection().transmit_failed(*fault, now),
            Operation::Pass(duration) => self.now = now + *duration,
            Operation::Timeout(earlier) => {
                let now = if *earlier { Instant::ZERO } else { now };
                self.connection().handle_timeout(now);
                self.check_deadline();
            }
            Operation::Deadline => {
                if let Some(deadline) = self.connection().deadline() {
                    self.now = now.max(deadline.at);
                    let now = self.now;
                    self.connection().handle_timeout(now);
                    self.check_deadline();
                }
            }
            Operation::Next(answer) => {
                self.next(answer);
            }
            Operation::NextAll(answer) => self.next_all(answer),
            Operation::HasStep => {
                let has = self.connection().has_step();
                self.is_shown = false;
                assert_eq!(self.connection().has_step(), has, "asking changed the answer");
            }
            Operation::Call(answer) => self.call(answer),
            Operation::RefreshKeys => {
                let before = self.seen();
                if self.connection().refresh_keys().is_err() {
                    assert_eq!(self.seen(), before, "a refused call changed something");
                }
            }
            Operation::Drain => self.connection().drain(now),
            Operation::Stop => self.connection().stop(),
            Operation::Lease => {
                let connection = self.connection.as_mut().expect("only taken to be upgraded");
                connection.lease(&mut self.pool);
            }
            Operation::Settle => {
                let connection = self.connection.as_mut().expect("only taken to be upgraded");
                connection.settle(&mut self.pool);
                self.is_shown = false;
            }
            Operation::Upgrade(framing) => {
                self.upgrading(framing);
                let connection = self.connection.take().expect("only taken here");
                self.connection = Some(connection.upgrade(framing.clone()));
            }
        }
    }

    pub(super) fn upgrading(&mut self, framing: &AnyFraming) {
        self.is_faithful = false;
        self.retained = None;
        self.is_shown = false;
        self.wire_len_max = self.wire_len_max.max(framing.wire_len_max());
    }

    /// Behaves like a good driver until the connection is over, which takes a bounded number of
    /// calls when the transport is gone at last.
    fn end(&mut self) {
        self.connection().close();
        let mut rounds = 0;
        while !self.connection().is_closed() {
            rounds += 1;
            assert!(rounds < ENDING_ROUNDS_MAX, "no end: {:?}", self.connection());
            self.next_all(&Answer::Nothing);
            let interest = self.connection().interest();
            if interest.again {
                self.operate(&Operation::Lease);
            } else if interest.write {
                self.transmit(usize::MAX);
            } else if interest.shutdown {
                self.shut_down();
            } else if interest.read && !self.arriving.is_empty() {
                self.deliver(usize::MAX);
            } else if interest.deadline.is_some() {
                self.operate(&Operation::Deadline);
            } else if !self.connection().is_closed() {
                let waits = interest.read;
                assert!(waits, "neither over nor waiting for anything: {:?}", self.connection());
                self.operate(&Operation::End);
            }
            self.check();
        }
    }
}
