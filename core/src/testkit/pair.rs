//! Two connections joined by a simulated link in virtual time.
//!
//! ```
//! use drywire::framing::Netstring;
//! use drywire::protocol::Echo;
//! use drywire::testkit::{Pair, Talker, Then};
//! use drywire::CloseReason;
//!
//! let framing = Netstring::new();
//! let talker = Talker::new(framing.clone(), vec![b"hello".to_vec()], Then::Finish);
//! let mut pair = Pair::plain(talker, Echo::new(framing));
//! pair.there.cuts = vec![1];
//! pair.run();
//! assert_eq!(pair.left.trace().frames(), [b"hello"]);
//! assert_eq!(pair.right.trace().closed(), Some(&CloseReason::Finished));
//! ```

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::owned::OwnedFrames;
use super::trace::{Trace, Traced};
use crate::buffer::Pool;
use crate::connection::Connection;
use crate::error::Fault;
use crate::framing::Framing;
use crate::limits::Limits;
use crate::protocol::{Protocol, pump};
use crate::time::Instant;

/// Rounds after which a run is taken for one that never ends.
const ROUNDS_MAX: usize = 4_000_000;

/// One end: a connection and the protocol that it runs, whose steps are recorded.
pub struct End<P: Protocol>
where
    P::Framing: OwnedFrames,
{
    /// The connection.
    pub connection: Connection<P::Framing>,
    /// The protocol and what it was told.
    pub recorder: Traced<P>,
    /// Works in turns with this pool, if there is one.
    pub pool: Option<Pool>,
    /// Does nothing of its own: a driver that hangs.
    pub is_stuck: bool,
}

impl<P: Protocol> End<P>
where
    P::Framing: OwnedFrames,
{
    /// Runs `protocol` on `connection`.
    pub fn new(connection: Connection<P::Framing>, protocol: P) -> Self {
        Self { connection, recorder: Traced::new(protocol), pool: None, is_stuck: false }
    }

    /// What the protocol was told.
    #[must_use]
    pub const fn trace(&self) -> &Trace<<P::Framing as OwnedFrames>::Owned> {
        &self.recorder.trace
    }

    /// Takes all steps. Returns whether there were any.
    pub fn pump(&mut self) -> bool {
        let before = self.recorder.steps;
        pump(&mut self.connection, &mut self.recorder);
        self.check();
        self.recorder.steps > before
    }

    /// Takes all steps, writes to `out` and reads from `inp` once each. Returns whether anything
    /// moved.
    ///
    /// # Panics
    /// When the connection contradicts itself.
    pub fn work(&mut self, out: &mut Path, inp: &mut Path, now: Instant) -> bool {
        if let Some(pool) = &mut self.pool {
            self.connection.lease(pool);
        }
        let mut moved = self.pump();
        moved |= out.write(&mut self.connection, now);
        moved |= inp.read(&mut self.connection, now);
        moved |= self.pump();
        if let Some(pool) = &mut self.pool {
            self.connection.settle(pool);
            self.check();
        }
        moved | self.connection.interest().again
    }

    /// Reads `input` and then its end, while time stands still; returns what was written.
    ///
    /// `cuts` and `portions` are those of a [`Path`].
    ///
    /// # Panics
    /// When the connection contradicts itself or this does not end.
    pub fn converse(&mut self, input: &[u8], cuts: &[usize], portions: &[usize]) -> Vec<u8> {
        let now = self.connection.now();
        let mut inp = Path { cuts: cuts.to_vec(), ..Path::default() };
        let mut out = Path { portions: portions.to_vec(), ..Path::default() };
        out.keeping();
        inp.inject(input, now);
        inp.end(now);
        for _ in 0..ROUNDS_MAX {
            if !self.work(&mut out, &mut inp, now) {
                return out.written.unwrap_or_default();
            }
        }
        panic!("no end after {ROUNDS_MAX} rounds: {:?}", self.trace());
    }

    /// Checks what must hold whenever all steps are taken.
    fn check(&self) {
        let connection = &self.connection;
        let (len, max) = (connection.memory_len(), connection.memory_len_max());
        assert!(len <= max, "{len} bytes of memory, at most {max} were said: {connection:?}");
        let interest = connection.interest();
        assert!(!(interest.shutdown && interest.write), "shutdown before all is written");
        if connection.is_closed() {
            let none = !interest.read && !interest.write && !interest.shutdown;
            assert!(none && interest.deadline.is_none(), "closed and wants {interest:?}");
        }
    }
}

/// One direction of a link.
#[derive(Debug)]
pub struct Path {
    /// The lengths of what one write takes, in turn; empty for all that there is.
    pub portions: Vec<usize>,
    /// The lengths of what one read gives, in turn; empty for all that there is.
    pub cuts: Vec<usize>,
    /// How long a byte takes.
    pub lag: Duration,
    /// How many bytes are taken before the reader has read them.
    pub capacity: usize,
    /// Whether bytes and ends get lost from now on.
    pub is_cut: bool,
    /// What was written, if it is to be [`kept`](Self::keeping).
    pub written: Option<Vec<u8>>,
    flight: VecDeque<(Instant, Vec<u8>)>,
    flight_len: usize,
    end: Option<Instant>,
    writes: usize,
    reads: usize,
}

impl Default for Path {
    fn default() -> Self {
        Self {
            portions: vec![],
            cuts: vec![],
            lag: Duration::ZERO,
            capacity: usize::MAX,
            is_cut: false,
            written: None,
            flight: VecDeque::new(),
            flight_len: 0,
            end: None,
            writes: 0,
            reads: 0,
        }
    }
}

impl Path {
    /// Keeps a copy of everything that is written.
    pub fn keeping(&mut self) {
        self.written = Some(vec![]);
    }

    /// Adds bytes as if the writer had written them.
    pub fn inject(&mut self, bytes: &[u8], now: Instant) {
        if !self.is_cut && !bytes.is_empty() {
            self.flight_len += bytes.len();
            self.flight.push_back((now + self.lag, bytes.to_vec()));
        }
    }

    /// Ends the stream behind what is under way, as if the writer had.
    pub fn end(&mut self, now: Instant) {
        if !self.is_cut && self.end.is_none() {
            self.end = Some(now + self.lag);
        }
    }

    /// Takes everything that is under way.
    pub fn take(&mut self) -> Vec<u8> {
        self.flight_len = 0;
        self.flight.drain(..).flat_map(|(_, bytes)| bytes).collect()
    }

    fn turn(lens: &[usize], counter: &mut usize) -> usize {
        let len = lens.get(*counter % lens.len().max(1)).map_or(usize::MAX, |len| (*len).max(1));
        *counter += 1;
        len
    }

    /// Takes what the writer has. Returns whether anything moved.
    fn write<F: Framing>(&mut self, from: &mut Connection<F>, now: Instant) -> bool {
        let wants = from.interest().write;
        let room = self.capacity.saturating_sub(self.flight_len);
        let bytes = from.transmit();
        assert_eq!(wants, !bytes.is_empty(), "the interest in writing and what there is to write");
        if !bytes.is_empty() && room > 0 {
            let len = bytes.len().min(room).min(Self::turn(&self.portions, &mut self.writes));
            if let Some(written) = &mut self.written {
                written.extend_from_slice(&bytes[..len]);
            }
            let bytes = bytes[..len].to_vec();
            self.inject(&bytes, now);
            from.transmitted(len, now).expect("no more than was offered");
            return true;
        }
        if from.interest().shutdown {
            from.shut_down(now).expect("it was asked for");
            self.end(now);
            return true;
        }
        false
    }

    /// Gives the reader what has arrived. Returns whether anything moved.
    fn read<F: Framing>(&mut self, to: &mut Connection<F>, now: Instant) -> bool {
        let wants = to.interest().read;
        match self.flight.front() {
            Some((at, _)) if *at > now => return false,
            None if self.end.is_none_or(|at| at > now || at == Instant::MAX) => return false,
            Some(_) | None => {}
        }
        let room = to.receive_buffer();
        assert_eq!(wants, !room.is_empty(), "the interest in reading and the room for it");
        if room.is_empty() {
            return false;
        }
        let Some((_, bytes)) = self.flight.front_mut() else {
            self.end = Some(Instant::MAX);
            to.received_eof(now).expect("the first end");
            return true;
        };
        let len = bytes.len().min(room.len()).min(Self::turn(&self.cuts, &mut self.reads));
        room[..len].copy_from_slice(&bytes[..len]);
        bytes.drain(..len);
        self.flight_len -= len;
        if bytes.is_empty() {
            self.flight.pop_front();
        }
        to.received(len, now).expect("no more than was lent");
        true
    }

    /// When something arrives that has not yet.
    fn next_arrival(&self, now: Instant) -> Option<Instant> {
        let first = self.flight.front().map(|(at, _)| *at).or(self.end);
        first.filter(|at| *at > now && *at != Instant::MAX)
    }
}

/// Two ends, the link between them and the time.
pub struct Pair<P: Protocol, Q: Protocol>
where
    P::Framing: OwnedFrames,
    Q::Framing: OwnedFrames,
{
    /// One end; with TLS usually the client.
    pub left: End<P>,
    /// The other.
    pub right: End<Q>,
    /// From left to right.
    pub there: Path,
    /// From right to left.
    pub back: Path,
    /// The time, which only [`step`](Self::step) moves on.
    pub now: Instant,
}

impl<P: Protocol, Q: Protocol> Pair<P, Q>
where
    P::Framing: OwnedFrames,
    Q::Framing: OwnedFrames,
{
    /// Joins two ends.
    pub fn new(left: End<P>, right: End<Q>) -> Self {
        let now = left.connection.now().max(right.connection.now());
        Self { left, right, there: Path::default(), back: Path::default(), now }
    }

    /// Two ends without TLS, with the default limits.
    pub fn plain(left: P, right: Q) -> Self {
        let limits = Arc::new(Limits::default());
        Self::plain_within(left, Arc::clone(&limits), right, limits)
    }

    /// Two ends without TLS, each with its limits.
    pub fn plain_within(
        left: P,
        left_limits: Arc<Limits>,
        right: Q,
        right_limits: Arc<Limits>,
    ) -> Self {
        let now = Instant::ZERO;
        Self::new(
            End::new(Connection::plain(left.framing(), left_limits, now), left),
            End::new(Connection::plain(right.framing(), right_limits, now), right),
        )
    }

    /// Both ends take their steps, write and read once. If nothing moved, goes on to the next
    /// moment at which something happens. Returns false if there is none.
    ///
    /// # Panics
    /// When a connection contradicts itself.
    pub fn step(&mut self) -> bool {
        self.step_now() || self.wait()
    }

    /// As [`step`](Self::step), but the time stands still. Returns whether anything moved.
    ///
    /// # Panics
    /// As [`step`](Self::step).
    pub fn step_now(&mut self) -> bool {
        let mut moved = false;
        if !self.left.is_stuck {
            moved |= self.left.work(&mut self.there, &mut self.back, self.now);
        }
        if !self.right.is_stuck {
            moved |= self.right.work(&mut self.back, &mut self.there, self.now);
        }
        moved
    }

    fn next_moment(&self) -> Option<Instant> {
        let deadlines = [self.left.connection.deadline(), self.right.connection.deadline()];
        let arrivals = [self.there.next_arrival(self.now), self.back.next_arrival(self.now)];
        let times = deadlines.into_iter().flatten().map(|deadline| deadline.at);
        times.chain(arrivals.into_iter().flatten()).min()
    }

    /// Moves the time on. Returns false if nothing will ever happen.
    fn wait(&mut self) -> bool {
        let Some(next) = self.next_moment() else {
            return false;
        };
        self.now = self.now.max(next);
        Self::pass_time(&mut self.left.connection, self.now);
        Self::pass_time(&mut self.right.connection, self.now);
        true
    }

    fn pass_time<F: Framing>(connection: &mut Connection<F>, now: Instant) {
        if connection.deadline().is_some_and(|deadline| deadline.at <= now) {
            connection.handle_timeout(now);
            let later = connection.deadline().is_none_or(|deadline| deadline.at > now);
            assert!(later, "{:?} is not later than {now}", connection.deadline());
        }
    }

    /// Steps until both ends are closed or nothing will ever happen.
    ///
    /// # Panics
    /// When a connection contradicts itself or this does not end.
    pub fn run(&mut self) {
        self.run_until(|_| false);
    }

    /// Steps until `done`, or as [`run`](Self::run).
    ///
    /// # Panics
    /// As [`run`](Self::run).
    pub fn run_until(&mut self, mut done: impl FnMut(&Self) -> bool) {
        for _ in 0..ROUNDS_MAX {
            let over = self.left.connection.is_closed() && self.right.connection.is_closed();
            if over || done(self) || !self.step() {
                return;
            }
        }
        panic!("no end after {ROUNDS_MAX} rounds: {:?} {:?}", self.left.trace(), self.now);
    }

    /// Steps until nothing moves any more; the time stands still.
    ///
    /// # Panics
    /// As [`run`](Self::run).
    pub fn run_now(&mut self) {
        for _ in 0..ROUNDS_MAX {
            if !self.step_now() {
                return;
            }
        }
        panic!("no end after {ROUNDS_MAX} rounds: {:?}", self.left.trace());
    }

    /// Lets time pass, whatever happens in it.
    ///
    /// # Panics
    /// As [`run`](Self::run).
    pub fn pass(&mut self, duration: Duration) {
        let until = self.now + duration;
        self.run_now();
        while self.next_moment().is_some_and(|next| next <= until) {
            self.wait();
            self.run_now();
        }
        self.now = until;
        Self::pass_time(&mut self.left.connection, until);
        Self::pass_time(&mut self.right.connection, until);
    }

    /// Breaks the link: both ends are told that the peer has reset the connection, and what was
    /// under way is lost.
    pub fn reset(&mut self) {
        self.there = Path { is_cut: true, ..Path::default() };
        self.back = Path { is_cut: true, ..Path::default() };
        self.left.connection.transport_failed(Fault::Reset, self.now);
        self.right.connection.transport_failed(Fault::Reset, self.now);
    }

    /// Cuts the link without anybody being told.
    pub fn cut(&mut self) {
        self.there = Path { is_cut: true, ..Path::default() };
        self.back = Path { is_cut: true, ..Path::default() };
    }
}

impl<P: Protocol> fmt::Debug for End<P>
where
    P::Framing: OwnedFrames,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("End")
            .field("connection", &self.connection)
            .field("trace", self.trace())
            .finish_non_exhaustive()
    }
}

impl<P: Protocol, Q: Protocol> fmt::Debug for Pair<P, Q>
where
    P::Framing: OwnedFrames,
    Q::Framing: OwnedFrames,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair")
            .field("left", &self.left)
            .field("right", &self.right)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}
