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

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::owned::OwnedFrames;
use super::trace::{Trace, Traced};
use super::way::{self, Moved, Transport, UNTAGGED, Way};
use crate::buffer::Pool;
use crate::connection::Connection;
use crate::error::Fault;
use crate::framing::Framing;
use crate::limits::Limits;
use crate::protocol::Protocol;
use crate::time::Instant;

/// Rounds after which a run is taken for one that never ends.
const ROUNDS_MAX: usize = 4_000_000;

/// One end: a connection and the protocol that it runs, whose steps are recorded.
#[non_exhaustive]
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
    ///
    /// # Panics
    /// When the connection contradicts itself.
    pub fn pump(&mut self) -> bool {
        way::pump_all(&mut self.connection, &mut self.recorder)
    }

    /// Takes all steps, writes to `out` and reads from `inp` once each. Returns whether anything
    /// moved.
    ///
    /// # Panics
    /// When the connection contradicts itself.
    pub fn work(&mut self, out: &mut Path, inp: &mut Path, now: Instant) -> bool {
        let Self { connection, recorder, pool, .. } = self;
        way::round(connection, recorder, pool.as_mut(), &mut Paths { out, inp }, now)
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
    way: Way,
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
            way: Way::default(),
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
        if !self.is_cut {
            self.way.push(now + self.lag, bytes.to_vec(), UNTAGGED);
        }
    }

    /// Ends the stream behind what is under way, as if the writer had.
    pub fn end(&mut self, now: Instant) {
        if !self.is_cut {
            self.way.end(now + self.lag, UNTAGGED);
        }
    }

    /// Takes everything that is under way.
    pub fn take(&mut self) -> Vec<u8> {
        self.way.take()
    }

    fn turn(lens: &[usize], counter: &mut usize) -> usize {
        let len = lens.get(*counter % lens.len().max(1)).map_or(usize::MAX, |len| (*len).max(1));
        *counter += 1;
        len
    }

    /// When something arrives that has not yet.
    fn next_arrival(&self, now: Instant) -> Option<Instant> {
        self.way.next_at().filter(|at| *at > now)
    }
}

/// The paths from and to one end.
struct Paths<'a> {
    out: &'a mut Path,
    inp: &'a mut Path,
}

impl Transport for Paths<'_> {
    fn write<F: Framing>(&mut self, from: &mut Connection<F>, now: Instant) -> bool {
        let out = &mut *self.out;
        let room = out.capacity.saturating_sub(out.way.len());
        let (portions, writes) = (&out.portions, &mut out.writes);
        let mut sent = vec![];
        let moved = way::write(
            from,
            now,
            room,
            || Path::turn(portions, writes),
            |bytes| sent.extend_from_slice(bytes),
        );
        if let Some(written) = &mut out.written {
            written.extend_from_slice(&sent);
        }
        out.inject(&sent, now);
        if moved == Moved::End {
            out.end(now);
        }
        moved != Moved::Nothing
    }

    fn read<F: Framing>(&mut self, to: &mut Connection<F>, now: Instant) -> bool {
        let Path { way, cuts, reads, .. } = &mut *self.inp;
        way.read(to, now, || Path::turn(cuts, reads), false, |_| {}) != Moved::Nothing
    }
}

/// Two ends, the link between them and the time.
#[non_exhaustive]
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
        way::pass_time(&mut self.left.connection, self.now);
        way::pass_time(&mut self.right.connection, self.now);
        true
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
        way::pass_time(&mut self.left.connection, until);
        way::pass_time(&mut self.right.connection, until);
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
