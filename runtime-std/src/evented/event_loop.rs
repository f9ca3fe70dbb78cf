//! The loop of one thread: waits once for all of its connections, and gives each that has something
//! to do one turn.

use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use drywire::admission::{Accept, Reservation};
use drywire::buffer::Pool;
use drywire::shutdown::Phase;
use drywire::{CloseReason, Instant, Peer, Protocol};
use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;

use super::datagrams::Datagrams;
use super::door::Door;
use super::entry::{Around, Entry, Turned};
use super::link::{Link, Moved};
use super::queue::enqueue;
use super::run::Service;
use super::source::Source;
use super::timers::Timers;
use crate::visitors::Pages;

/// Events that are taken from the system at once.
const EVENTS_MAX: usize = 1024;

/// Connections that are accepted before those that there are have their next turn.
const ACCEPTS_MAX: usize = 64;

/// What wakes a loop without being a connection, a door or a datagram socket.
const CALL: Token = Token(0);

/// What a loop begins with.
pub(super) struct Parts {
    pub(super) poll: Poll,
    pub(super) doors: Vec<Door>,
    pub(super) datagrams: Vec<Datagrams>,
}

impl Parts {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { poll: Poll::new()?, doors: Vec::new(), datagrams: Vec::new() })
    }

    /// What wakes the loop from another thread.
    pub(super) fn waker(&self) -> io::Result<Waker> {
        Waker::new(self.poll.registry(), CALL)
    }

    /// Has the loop look at the server's phase when one of `signals` is raised.
    pub(super) fn heed(&self, signals: [BorrowedFd<'_>; 3]) -> io::Result<()> {
        let registry = self.poll.registry();
        signals
            .iter()
            .try_for_each(|signal| Source(signal).register(registry, CALL, Interest::READABLE))
    }
}

/// Tokens, in this order: [`CALL`], doors, datagram sockets, connections by their slots.
#[derive(Clone, Copy)]
struct Tokens {
    datagrams: usize,
    slots: usize,
}

pub(super) struct EventLoop<'a, F, P: Protocol> {
    service: &'a Service<'a, F>,
    poll: Poll,
    events: Events,
    tokens: Tokens,
    doors: Vec<Door>,
    /// The one that somebody came by last.
    last_door: usize,
    accepting: Accepting,
    datagrams: Vec<Datagrams>,
    entries: Slab<Entry<P>>,
    /// Their places in the server's list.
    visitors: Pages,
    /// The slots of those that have something to do, each once.
    queue: VecDeque<usize>,
    timers: Timers,
    pool: Pool,
    phase: Phase,
    /// As of the last wait.
    now: Instant,
    /// What has not been counted yet.
    moved: Moved,
}

/// Whether those at the doors are let in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Accepting {
    Now,
    /// After this, or when a connection has ended.
    After(Instant),
}

impl<'a, F, P> EventLoop<'a, F, P>
where
    F: Fn(&Peer) -> P,
    P: Protocol,
{
    /// Serves until the server has ended.
    pub(super) fn run(service: &'a Service<'a, F>, parts: Parts) -> io::Result<()> {
        let mut event_loop = Self::new(service, parts);
        let outcome = event_loop.register().and_then(|()| event_loop.serve());
        if outcome.is_err() {
            service.stop();
        }
        event_loop.give_up();
        outcome
    }

    fn new(service: &'a Service<'a, F>, parts: Parts) -> Self {
        let Parts { poll, doors, datagrams } = parts;
        let first = 1 + doors.len();
        Self {
            service,
            poll,
            events: Events::with_capacity(EVENTS_MAX),
            tokens: Tokens { datagrams: first, slots: first + datagrams.len() },
            doors,
            last_door: 0,
            accepting: Accepting::Now,
            datagrams,
            entries: Slab::new(),
            visitors: Pages::new(),
            queue: VecDeque::new(),
            timers: Timers::new(),
            pool: Pool::default(),
            phase: Phase::Serving,
            now: service.control.ledger.clock().now(),
            moved: Moved::default(),
        }
    }

    fn register(&self) -> io::Result<()> {
        let registry = self.poll.registry();
        for (index, door) in self.doors.iter().enumerate() {
            door.register(registry, Token(1 + index))?;
        }
        for (index, datagrams) in self.datagrams.iter().enumerate() {
            datagrams.register(registry, Token(self.tokens.datagrams + index))?;
        }
        Ok(())
    }

    fn serve(&mut self) -> io::Result<()> {
        self.heed();
        // Now it is ready, whenever somebody comes.
        let _ = self.service.control.ledger.poll();
        while !self.is_over() {
            let timeout = self.timeout();
            match self.poll.poll(&mut self.events, timeout) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => self.events.clear(),
                outcome => outcome?,
            }
            self.now = self.service.control.ledger.clock().now();
            let is_called = self.collect();
            if is_called || self.phase != Phase::Serving {
                self.heed();
            }
            self.collect_due();
            // Those that are busy again have their next turn after everybody else.
            for _ in 0..self.queue.len() {
                let Some(slot) = self.queue.pop_front() else { break };
                self.turn(slot);
            }
            let (ledger, now) = (&self.service.control.ledger, self.now);
            self.datagrams.iter_mut().for_each(|datagrams| datagrams.turn(ledger, now));
            self.accept();
            self.count();
        }
        Ok(())
    }

    /// Whether the server has ended, as far as this loop goes.
    fn is_over(&self) -> bool {
        self.phase >= Phase::Draining
            && self.entries.is_empty()
            && self.datagrams.iter().all(Datagrams::is_closed)
    }

    /// How long to wait at most.
    fn timeout(&self) -> Option<Duration> {
        let ledger = &self.service.control.ledger;
        let has_guests = self.doors.iter().any(|door| door.is_ready);
        if !self.queue.is_empty()
            || has_guests && self.accepting == Accepting::Now
            || self.datagrams.iter().any(Datagrams::is_busy)
        {
            return Some(Duration::ZERO);
        }
        let accept_at = match self.accepting {
            Accepting::After(at) if has_guests => Some(at),
            Accepting::After(_) | Accepting::Now => None,
        };
        // A phase that ends by itself ends in every loop.
        let phase_at = if self.phase == Phase::Serving { None } else { ledger.deadline() };
        let datagrams_at = self.datagrams.iter().filter_map(Datagrams::deadline);
        let at = [self.timers.next(), accept_at, phase_at];
        let at = at.into_iter().flatten().chain(datagrams_at).min()?;
        (at < Instant::MAX).then(|| at.saturating_duration_since(self.now))
    }

    /// Takes note of all events. Returns whether the loop was called.
    fn collect(&mut self) -> bool {
        let Self { events, tokens, doors, datagrams, entries, queue, .. } = self;
        let mut is_called = false;
        for event in &*events {
            let Token(token) = event.token();
            if let Some(slot) = token.checked_sub(tokens.slots) {
                if let Some(entry) = entries.get_mut(slot) {
                    entry.link.notice(event);
                    enqueue(queue, &mut entry.is_queued, slot);
                }
            } else if let Some(index) = token.checked_sub(tokens.datagrams) {
                if let Some(datagrams) = datagrams.get_mut(index) {
                    datagrams.notice(event);
                }
            } else if let Some(index) = token.checked_sub(1) {
                if let Some(door) = doors.get_mut(index) {
                    door.is_ready = true;
                }
            } else {
                is_called = true;
            }
        }
        is_called
    }

    /// Puts those into the queue whose time has come. What has moved back meanwhile is put back.
    fn collect_due(&mut self) {
        while let Some(slot) = self.timers.pop(self.now) {
            let Some(entry) = self.entries.get_mut(slot) else { continue };
            let at = entry.deadline();
            if at > self.now {
                self.timers.arm(slot, at);
            } else {
                enqueue(&mut self.queue, &mut entry.is_queued, slot);
            }
        }
    }

    /// Tells everybody if the server is in a new phase.
    fn heed(&mut self) {
        let phase = self.service.control.heed();
        if phase == self.phase {
            return;
        }
        self.phase = phase;
        if phase >= Phase::Draining {
            self.close_doors();
        }
        for (slot, entry) in &mut self.entries {
            entry.heed(phase, &self.service.limits, self.now);
            enqueue(&mut self.queue, &mut entry.is_queued, slot);
        }
        self.datagrams.iter_mut().for_each(|datagrams| datagrams.heed(phase, self.now));
    }

    fn close_doors(&mut self) {
        let registry = self.poll.registry();
        self.doors.drain(..).for_each(|door| door.close(registry));
    }

    /// Gives the connection in `slot` a turn. A protocol that panics ends its connection only.
    fn turn(&mut self, slot: usize) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        entry.is_queued = false;
        let token = Token(self.tokens.slots + slot);
        let (moved, service) = (&mut self.moved, self.service);
        let mut around = Around {
            service,
            registry: self.poll.registry(),
            visitor: self.visitors.visitor(slot),
            pool: &mut self.pool,
            phase: self.phase,
            now: self.now,
        };
        let turned = catch_unwind(AssertUnwindSafe(|| entry.turn(token, moved, &mut around)));
        match turned {
            Ok(Turned::Waiting(at)) => self.timers.arm(slot, at),
            Ok(Turned::Busy) => enqueue(&mut self.queue, &mut entry.is_queued, slot),
            Ok(Turned::Over(reason)) => self.close(slot, &reason),
            Err(_) => self.close(slot, &CloseReason::Aborted),
        }
    }

    /// Lets a connection go that is over.
    fn close(&mut self, slot: usize, reason: &CloseReason) {
        self.timers.disarm(slot);
        let Entry { link, stage, permit, .. } = self.entries.remove(slot);
        drop(link);
        // A protocol may panic even now.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(stage)));
        self.count();
        self.service.closed(permit, self.visitors.visitor(slot), reason, self.now);
    }

    /// Adds to the server's counts what has moved.
    fn count(&mut self) {
        let Moved { received, transmitted } = std::mem::take(&mut self.moved);
        if received > 0 || transmitted > 0 {
            self.service.control.ledger.transferred(received, transmitted);
        }
    }

    /// Lets in those at the doors, within bounds.
    fn accept(&mut self) {
        let ledger = &self.service.control.ledger;
        self.accepting = Accepting::Now;
        for _ in 0..ACCEPTS_MAX {
            let Some(index) = self.next_door() else { return };
            if let Some(reservation) = ledger.reserve_at(self.now) {
                self.accept_one(index, reservation);
                self.last_door = index;
                continue;
            }
            self.accepting = match ledger.poll_at(self.now) {
                // Another loop has just given a place back.
                Accept::Now => continue,
                Accept::WaitUntil(at) => Accepting::After(at),
                Accept::WaitForClose => Accepting::After(Instant::MAX),
                Accept::Never => return self.close_doors(),
            };
            return;
        }
    }

    /// A door that somebody may be at. Each has its turn.
    fn next_door(&self) -> Option<usize> {
        let after = (self.last_door + 1..self.doors.len()).chain(0..self.doors.len());
        after.into_iter().find(|index| self.doors.get(*index).is_some_and(|door| door.is_ready))
    }

    fn accept_one(&mut self, index: usize, reservation: Reservation) {
        let ledger = &self.service.control.ledger;
        let Some(door) = self.doors.get_mut(index) else { return ledger.unused(reservation) };
        let (stream, peer) = match door.accept() {
            Ok(Some(accepted)) => accepted,
            Ok(None) => {
                ledger.unused(reservation);
                return self.service.wake_waiters();
            }
            Err(error) => {
                ledger.accept_failed(reservation, &error);
                return self.service.wake_waiters();
            }
        };
        let (tls, policy) = (door.tls.clone(), door.proxy.as_deref());
        let (permit, preamble) = match ledger.accepted_by_at(reservation, policy, &peer, self.now) {
            Ok(admitted) => admitted,
            Err(refusal) => {
                // Whoever is told finds it closed.
                drop(stream);
                self.service.wake_waiters();
                return self.service.refused(&peer, refusal);
            }
        };
        let vacant = self.entries.vacant_entry();
        let slot = vacant.key();
        let (visitors, has_header) = (&mut self.visitors, preamble.is_some());
        ledger.enter_slot(visitors, slot, &peer, tls.is_some(), has_header, self.now);
        let token = Token(self.tokens.slots + slot);
        let Ok(link) = Link::new(stream, self.poll.registry(), token) else {
            ledger.thread_failed(permit, self.visitors.visitor(slot));
            return self.service.wake_waiters();
        };
        vacant.insert(Entry::new(link, preamble, tls, permit));
        // What the protocol has to say first, it says at once.
        self.turn(slot);
    }

    /// Lets go of everybody who is left after the system has failed.
    fn give_up(&mut self) {
        self.close_doors();
        let slots: Vec<_> = self.entries.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            self.close(slot, &CloseReason::Stopped);
        }
    }
}
