//! Any call in any order: a list of operations on one connection, and what must hold after each.
//!
//! A list of operations is made from bytes, so that a property test and a fuzz target can make one,
//! and run on a [`Bench`]: the connection, and a peer that behaves, whose bytes the operations
//! deliver, damage, withhold or replace.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::trace::{Event, Trace};
use crate::buffer::Pool;
use crate::connection::{Connection, Handle, Interest, Step};
use crate::error::{Fault, MisuseError, SendError};
use crate::framing::{AnyFraming, Framing};
use crate::time::Instant;

/// Steps that one call to report something may come to at most: more is a spin.
const STEPS_MAX: usize = 200_000;

/// Steps that are answered when all are taken: a long frame for each of many would only take time.
const ANSWERED_MAX: usize = 100;

/// Calls of a driver that may be needed at most to bring a connection to its end.
const ENDING_ROUNDS_MAX: usize = 100_000;

/// Longest list.
const OPERATIONS_MAX: usize = 256;

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

/// Reads choices from bytes; zeros when there are none left.
#[derive(Clone, Copy, Debug)]
pub struct Choices<'a> {
    bytes: &'a [u8],
}

impl<'a> Choices<'a> {
    /// Reads from `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Whether none are left.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.bytes.split_first() else {
            return 0;
        };
        self.bytes = rest;
        *first
    }

    /// One of `options`.
    pub fn pick<T: Clone>(&mut self, options: &[T]) -> T {
        options[usize::from(self.byte()) % options.len()].clone()
    }

    /// At most `len` bytes.
    pub fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.bytes.split_at(len.min(self.bytes.len()));
        self.bytes = rest;
        taken
    }

    /// A length, mostly small, sometimes beyond every buffer.
    pub fn len(&mut self) -> usize {
        self.pick(&[1, 2, 3, 0, 5, 16, 17, 100, 255, 256, 1000, 5000, 20_000, 70_000, 300_000])
    }

    fn duration(&mut self) -> Duration {
        let nanos = self.pick(&[0, 1, 2, 1_000_000, 999_999_999, 1_000_000_000, 4_999_999_999]);
        Duration::from_nanos(nanos) * self.pick::<u32>(&[1, 0, 2, 6, 70])
    }

    /// A framing, with a limit that the lengths above are around.
    pub fn framing(&mut self) -> AnyFraming {
        let names =
            ["raw", "u8", "u32be", "lines", "netstring", "varint", "fixed:5", "delimiter:00"];
        let framing: AnyFraming = self.pick(&names).parse().expect("a name");
        framing.with_frame_len_max(self.pick(&[255, 1000, 20_000, 100_000]))
    }

    fn answer(&mut self) -> Answer {
        match self.byte() % 16 {
            0..6 => Answer::Nothing,
            6..10 => Answer::Send(self.len()),
            10 => Answer::Retain,
            11 => Answer::Finish,
            12 => Answer::Close,
            13 => self.pick(&[Answer::Nothing, Answer::Decouple, Answer::Abort, Answer::Fail]),
            14 => Answer::SetTimer(self.pick(&[true, false]).then(|| self.duration())),
            _ => Answer::Upgrade(self.framing()),
        }
    }

    fn operation(&mut self) -> Operation {
        match self.byte() % 40 {
            0..4 => Operation::PeerSends(self.len()),
            4..10 => Operation::Deliver(self.len()),
            10..15 => Operation::Transmit(self.len()),
            15..18 => Operation::NextAll(self.answer()),
            18..20 => Operation::Next(self.answer()),
            20..22 => Operation::Call(self.answer()),
            22 => Operation::HasStep,
            23 => Operation::PeerFinishes,
            24 => Operation::PeerRefreshes,
            25 => {
                let len = usize::from(self.byte() % 32);
                Operation::Inject(self.take(len).to_vec())
            }
            26 => Operation::Damage(self.len()),
            27 => Operation::DeliverTooMuch,
            28 => {
                let between = match self.byte() % 8 {
                    0 => Operation::NextAll(self.answer()),
                    1 => Operation::HasStep,
                    2 => Operation::Transmit(self.len()),
                    3 => Operation::Settle,
                    4 => Operation::Lease,
                    5 => Operation::RefreshKeys,
                    6 => Operation::Call(self.answer()),
                    _ => Operation::End,
                };
                Operation::LendThen(Box::new(between), self.len())
            }
            29 => Operation::End,
            30 => self.pick(&[Operation::TransmitTooMuch, Operation::ShutDown]),
            31 => Operation::ShutDown,
            32 => Operation::Pass(self.duration()),
            33 => Operation::Timeout(self.pick(&[false, false, true])),
            34 => Operation::Deadline,
            35 => Operation::RefreshKeys,
            36 => Operation::Lease,
            37 => Operation::Settle,
            38 => self.pick(&[
                Operation::Drain,
                Operation::HasStep,
                Operation::Stop,
                Operation::Fault(Fault::Reset),
                Operation::Fault(Fault::Other),
                Operation::TransmitFault(Fault::Reset),
            ]),
            _ => Operation::Upgrade(self.framing()),
        }
    }

    /// A list of operations.
    pub fn operations(&mut self) -> Vec<Operation> {
        let mut operations = vec![];
        while !self.is_empty() && operations.len() < OPERATIONS_MAX {
            operations.push(self.operation());
        }
        operations
    }
}

/// A connection and its surroundings.
#[derive(Debug)]
pub struct Bench {
    /// `None` only while it is being upgraded.
    connection: Option<Connection<AnyFraming>>,
    peer: Connection<AnyFraming>,
    pool: Pool,
    now: Instant,
    trace: Trace,
    /// What the peer has transmitted and the connection not yet received.
    arriving: VecDeque<u8>,
    memory_len_max: usize,
    /// Of one frame on the wire, over all framings that there were.
    wire_len_max: usize,
    high_water: usize,
    is_tls: bool,
    /// Frames that the connection has taken to send, and that the peer has taken.
    sent: Vec<Vec<u8>>,
    peer_sent: Vec<Vec<u8>>,
    received: Vec<Vec<u8>>,
    peer_received: Vec<Vec<u8>>,
    /// The frame that was retained and has to come again.
    retained: Option<Vec<u8>>,
    /// The last step was a frame that is not consumed yet.
    is_shown: bool,
    /// A full queue holds no frames back.
    is_decoupled: bool,
    /// What was sent is what has to arrive: nothing was damaged and no framing changed.
    is_faithful: bool,
}

/// Everything that can be seen of a connection without a call that changes it.
type Seen = (String, Interest, usize, usize, bool);

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

    fn connection(&mut self) -> &mut Connection<AnyFraming> {
        self.connection.as_mut().expect("only taken to be upgraded")
    }

    fn seen(&mut self) -> Seen {
        let connection = self.connection();
        (
            format!("{connection:?}"),
            connection.interest(),
            connection.queued_len(),
            connection.memory_len(),
            connection.is_writable(),
        )
    }

    fn operate(&mut self, operation: &Operation) {
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

    fn upgrading(&mut self, framing: &AnyFraming) {
        self.is_faithful = false;
        self.retained = None;
        self.is_shown = false;
        self.wire_len_max = self.wire_len_max.max(framing.wire_len_max());
    }

    fn item(framing: &AnyFraming, len: usize, seed: usize) -> Vec<u8> {
        let len = match framing {
            AnyFraming::Fixed(_) if len % 2 == 0 => 5,
            _ => len,
        };
        // Neither a line feed nor a NUL.
        (0..len).map(|at| b'a' + ((at + seed) % 26) as u8).collect()
    }

    fn peer_sends(&mut self, len: usize) {
        let item = Self::item(self.peer.framing(), len, self.peer_sent.len());
        if self.peer.send(&item).is_ok() {
            self.peer_sent.push(item);
        }
    }

    /// Takes what the peer has to say and its steps.
    fn peer_works(&mut self) {
        loop {
            while let Some(step) = self.peer.next() {
                if let Step::Frame(frame, _) = step {
                    self.peer_received.push(frame.to_vec());
                }
            }
            let bytes = self.peer.transmit();
            if bytes.is_empty() {
                return;
            }
            self.arriving.extend(bytes);
            let len = bytes.len();
            self.peer.transmitted(len, self.now).expect("no more than was offered");
        }
    }

    fn deliver(&mut self, len: usize) {
        self.peer_works();
        let now = self.now;
        let wants = self.connection().interest().read;
        let connection = self.connection.as_mut().expect("only taken to be upgraded");
        let room = connection.receive_buffer();
        assert_eq!(wants, !room.is_empty(), "the interest in reading and the room for it");
        let len = len.min(room.len()).min(self.arriving.len());
        for (to, byte) in room.iter_mut().zip(self.arriving.drain(..len)) {
            *to = byte;
        }
        connection.received(len, now).expect("no more than was lent");
    }

    fn lend_then(&mut self, between: &Operation, len: usize) {
        self.peer_works();
        let connection = self.connection.as_mut().expect("only taken to be upgraded");
        let room = connection.receive_buffer();
        let len = len.min(room.len()).min(self.arriving.len());
        for (to, byte) in room.iter_mut().zip(&self.arriving) {
            *to = *byte;
        }
        self.operate(between);
        let now = self.now;
        // Refused if the loan no longer holds: then the bytes have not arrived.
        if self.connection().received(len, now).is_ok() {
            self.arriving.drain(..len);
        }
    }

    fn transmit(&mut self, len: usize) {
        let now = self.now;
        let wants = self.connection().interest().write;
        let connection = self.connection.as_mut().expect("only taken to be upgraded");
        let bytes = connection.transmit();
        assert_eq!(wants, !bytes.is_empty(), "the interest in writing and what there is to write");
        let bytes = bytes[..len.min(bytes.len())].to_vec();
        connection.transmitted(bytes.len(), now).expect("no more than was offered");
        // So that it has room in its queue, and reads.
        self.peer_works();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let room = self.peer.receive_buffer();
            if room.is_empty() {
                self.is_faithful = false;
                break;
            }
            let len = room.len().min(rest.len());
            room[..len].copy_from_slice(&rest[..len]);
            rest = &rest[len..];
            self.peer.received(len, now).expect("no more than was lent");
            self.peer_works();
        }
    }

    fn shut_down(&mut self) {
        let now = self.now;
        let before = self.seen();
        let result = self.connection().shut_down(now);
        assert_eq!(result.is_ok(), before.1.shutdown, "the interest and its fulfilment");
        if result.is_err() {
            assert_eq!(self.seen(), before, "a refused call changed something");
        } else {
            let _ = self.peer.received_eof(now);
            assert!(!self.connection().interest().shutdown, "shut down once");
            assert!(!self.connection().interest().write, "nothing can be written after the end");
        }
    }

    fn next_all(&mut self, answer: &Answer) {
        for step in 0..STEPS_MAX {
            let answer = if step < ANSWERED_MAX { answer } else { &Answer::Nothing };
            if !self.next(answer) {
                return;
            }
        }
        panic!("{STEPS_MAX} steps and no end");
    }

    fn next(&mut self, answer: &Answer) -> bool {
        self.is_shown = false;
        let connection = self.connection.as_mut().expect("only taken to be upgraded");
        let is_full = connection.queued_len() >= self.high_water && !self.is_decoupled;
        let joins = !connection.framing().has_whole_frames();
        let (event, handle) = match connection.next() {
            None => return false,
            Some(Step::Closed(reason)) => (Event::Closed(reason), None),
            Some(Step::Open(_, handle)) => (Event::Open, Some(handle)),
            Some(Step::Frame(frame, handle)) => {
                assert!(!is_full, "a frame while the queue is at high water");
                (Event::Frame(frame.to_vec()), Some(handle))
            }
            Some(Step::Timer(handle)) => (Event::Timer, Some(handle)),
            Some(Step::Writable(handle)) => {
                assert!(handle.is_writable(), "writable and is not");
                (Event::Writable, Some(handle))
            }
            Some(Step::Finished(handle)) => (Event::Finished, Some(handle)),
            Some(Step::Failed(reason, handle)) => (Event::Failed(reason), Some(handle)),
        };
        let has_handle = handle.is_some();
        let mut is_retained = false;
        if let Some(mut handle) = handle {
            if let Some(item) = Self::answer(&mut handle, answer, self.sent.len()) {
                self.sent.push(item);
            }
            is_retained = handle.is_retained();
        }
        if let Event::Frame(frame) = &event {
            if let Some(retained) = self.retained.take() {
                assert!(frame.starts_with(&retained), "a retained frame came again as another");
            }
            self.is_shown = !is_retained;
            if is_retained {
                self.retained = Some(frame.clone());
            } else {
                self.received.push(frame.clone());
            }
        }
        if !(is_retained && matches!(event, Event::Frame(_))) {
            self.trace.push(event, |last, next| {
                match last {
                    Some(last) if joins => last.extend_from_slice(next),
                    _ => return false,
                }
                true
            });
        }
        match answer {
            Answer::Upgrade(framing) if has_handle => self.upgrading(framing),
            Answer::Decouple if has_handle => self.is_decoupled = true,
            _ => {}
        }
        true
    }

    fn call(&mut self, answer: &Answer) {
        let before = self.seen();
        let count = self.sent.len();
        let mut handle = self.connection().handle();
        if let Some(item) = Self::answer(&mut handle, answer, count) {
            self.sent.push(item);
        } else if matches!(answer, Answer::Send(_)) {
            let after = self.seen();
            assert_eq!((after.0, after.2), (before.0, before.2), "a refused send queued something");
        }
        match answer {
            Answer::Upgrade(framing) => self.upgrading(framing),
            Answer::Decouple => self.is_decoupled = true,
            // It is not too late to retain the frame.
            Answer::Retain if self.is_shown => {
                self.is_shown = false;
                self.retained = self.received.pop();
            }
            _ => {}
        }
    }

    /// Answers, and returns the frame if one was sent.
    fn answer(
        handle: &mut Handle<'_, AnyFraming>,
        answer: &Answer,
        seed: usize,
    ) -> Option<Vec<u8>> {
        match answer {
            Answer::Nothing => {}
            Answer::Send(len) => {
                let writable = handle.is_writable();
                let len = if writable { *len } else { 1 };
                let item = Self::item(&AnyFraming::Raw(Default::default()), len, seed);
                match handle.send(&item) {
                    Ok(()) => {
                        assert!(writable, "a send that was not refused by a full queue");
                        return Some(item);
                    }
                    Err(SendError::Full) => assert!(!writable, "full and writable"),
                    Err(_) => {}
                }
            }
            Answer::Retain => handle.retain(),
            Answer::Finish => handle.finish(),
            Answer::Close => handle.close(),
            Answer::Abort => handle.abort(),
            Answer::Fail => handle.fail(7),
            Answer::SetTimer(after) => {
                let now = handle.now();
                handle.set_timer(after.map(|after| now + after));
            }
            Answer::Upgrade(framing) => handle.upgrade(framing.clone()),
            Answer::Decouple => handle.decouple(),
        }
        None
    }

    fn check_deadline(&mut self) {
        let connection = self.connection();
        let (now, deadline) = (connection.now(), connection.deadline());
        assert!(deadline.is_none_or(|deadline| deadline.at > now), "{deadline:?} at {now}");
    }

    /// What holds after every call.
    fn check(&mut self) {
        let (high_water, wire_len_max) = (self.high_water, self.wire_len_max);
        let known_max = self.memory_len_max;
        let is_tls = self.is_tls;
        let connection = self.connection();
        let max = known_max.max(connection.memory_len_max());
        let len = connection.memory_len();
        assert!(len <= max, "{len} bytes of memory, at most {max} were said: {connection:?}");
        let queued = connection.queued_len();
        // Headers and tags of all records, and what the handshake and key updates add.
        let overhead = if is_tls { 64 * 1024 } else { 0 };
        assert!(queued < high_water + wire_len_max + overhead, "{queued} bytes are queued");
        let interest = connection.interest();
        assert!(!(interest.shutdown && interest.write), "shutdown before all is written");
        assert_eq!(interest.deadline, connection.deadline());
        if connection.close_reason().is_some() {
            let none = !interest.read && !interest.write && !interest.shutdown;
            assert!(none && interest.deadline.is_none(), "over and wants {interest:?}");
            assert_eq!(queued, 0, "over and has something queued");
        }
        let (is_closed, reason) = (connection.is_closed(), connection.close_reason().cloned());
        if is_closed {
            assert_eq!(self.trace.closed(), reason.as_ref(), "the reason that was told");
        }
        self.memory_len_max = max;
        self.check_frames();
    }

    /// What arrives is what was sent, in order.
    fn check_frames(&self) {
        if !self.is_faithful {
            return;
        }
        let joins = !self.peer.framing().has_whole_frames();
        for (received, sent) in
            [(&self.received, &self.peer_sent), (&self.peer_received, &self.sent)]
        {
            if joins {
                let (received, sent) = (received.concat(), sent.concat());
                assert!(sent.starts_with(&received), "bytes were lost, doubled or moved");
            } else {
                assert!(sent.starts_with(received), "{received:?} is not the start of {sent:?}");
            }
        }
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
