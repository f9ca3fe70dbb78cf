//! Drives a subject through a case and takes down what came of it.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::plan::Plan;
use crate::buffer::Pool;
use crate::error::{Fault, MisuseError};
use crate::testkit::any_order::Choices;
use crate::testkit::subject::{Seen, seen};
use crate::testkit::{Event, Subject};
use crate::time::Instant;

/// Rounds after which a run is taken for one that never ends.
const ROUNDS_MAX: usize = 1_000_000;

/// Rounds that a connection may need to come to its end.
const ENDING_ROUNDS_MAX: usize = 20_000;

/// Timeouts in a row within which time must pass.
const TIMEOUTS_MAX: usize = 64;

/// What came of a run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Account<T> {
    /// All steps but `Writable`.
    pub(super) events: Vec<Event<T>>,
    /// What was transmitted.
    pub(super) written: Vec<u8>,
    /// The write side was shut down.
    pub(super) is_shut: bool,
}

/// A subject, what is to arrive, and what was seen so far.
pub(super) struct Play<'a, S> {
    pub(super) subject: S,
    input: &'a [u8],
    at: usize,
    has_ended: bool,
    written: Vec<u8>,
    is_shut: bool,
    now: Instant,
    pool: Pool,
    reads: usize,
    writes: usize,
    high_water: usize,
    /// The queue was full at some time.
    pub(super) was_full: bool,
    wire_len_max: usize,
    memory_len_max: usize,
}

impl<'a, S: Subject> Play<'a, S> {
    pub(super) fn new(subject: S, high_water: usize, input: &'a [u8]) -> Self {
        Self {
            input,
            at: 0,
            has_ended: false,
            written: vec![],
            is_shut: false,
            now: subject.now(),
            pool: Pool::new(1024 * 1024),
            reads: 0,
            writes: 0,
            high_water,
            was_full: false,
            wire_len_max: subject.wire_len_max(),
            memory_len_max: subject.memory_len_max(),
            subject,
        }
    }

    pub(super) fn account(&self) -> Account<S::Owned> {
        let mut events = self.subject.events().to_vec();
        events.retain(|event| *event != Event::Writable);
        Account { events, written: self.written.clone(), is_shut: self.is_shut }
    }

    /// Lets everything arrive and leave as the plan says, until nothing moves any more.
    pub(super) fn converse(&mut self, plan: &Plan<'_>) {
        let mut is_held = plan.holds;
        for _ in 0..ROUNDS_MAX {
            if plan.in_turns {
                self.subject.lease(&mut self.pool);
            }
            let mut told = self.pump();
            let mut moved = !is_held && self.write(plan.portions);
            moved |= self.read(plan.cuts, plan.ends_with_data);
            told |= self.pump();
            if plan.in_turns {
                self.subject.settle(&mut self.pool);
                self.check();
            } else {
                // In turns the interest alone says whether there is more to tell.
                moved |= told;
            }
            moved |= self.subject.interest().again;
            if !moved && plan.ends && !self.has_ended && self.at == self.input.len() {
                moved = self.end();
            }
            if !moved && is_held {
                is_held = false;
                moved = true;
            } else if !is_held && plan.holds {
                // One write, then as much as follows of it.
                is_held = self.subject.interest().write;
            }
            if !moved {
                return;
            }
        }
        panic!("{ROUNDS_MAX} rounds and no end");
    }

    pub(super) fn pump(&mut self) -> bool {
        let moved = self.subject.pump();
        self.check();
        moved
    }

    /// One write. Returns whether anything moved.
    pub(super) fn write(&mut self, portions: &[u16]) -> bool {
        let (now, wants) = (self.now, self.subject.interest().write);
        let bytes = self.subject.transmit();
        assert_eq!(wants, !bytes.is_empty(), "the interest in writing and what there is to write");
        if !bytes.is_empty() {
            let len = bytes.len().min(turn(portions, &mut self.writes));
            self.written.extend_from_slice(&bytes[..len]);
            self.subject.transmitted(len, now).expect("no more than was offered");
            self.check();
            return true;
        }
        if self.subject.interest().shutdown {
            self.subject.shut_down(now).expect("it was asked for");
            self.is_shut = true;
            self.check();
            return true;
        }
        false
    }

    /// One read; with the last bytes the end of the stream comes at once, if it is to. Returns
    /// whether anything moved.
    pub(super) fn read(&mut self, cuts: &[u16], ends_with_data: bool) -> bool {
        let wants = self.subject.interest().read;
        let now = self.now;
        let rest = &self.input[self.at..];
        let room = self.subject.receive_buffer();
        assert_eq!(wants, !room.is_empty(), "the interest in reading and the room for it");
        let len = rest.len().min(room.len());
        if len == 0 {
            return false;
        }
        let len = len.min(turn(cuts, &mut self.reads));
        room[..len].copy_from_slice(&rest[..len]);
        self.subject.received(len, now).expect("no more than was lent");
        self.at += len;
        self.check();
        if ends_with_data && self.at == self.input.len() {
            self.end();
        }
        true
    }

    /// Goes on as long as something moves.
    ///
    /// # Panics
    /// When that has no end.
    pub(super) fn go_on(&mut self, mut moves: impl FnMut(&mut Self) -> bool) {
        for _ in 0..ROUNDS_MAX {
            if !moves(self) {
                return;
            }
        }
        panic!("{ROUNDS_MAX} rounds and no end");
    }

    /// The peer's stream ends, if it is read from.
    pub(super) fn end(&mut self) -> bool {
        if self.has_ended || self.subject.is_closed() {
            return false;
        }
        self.has_ended = true;
        self.subject.received_eof(self.now).expect("the first end");
        self.check();
        true
    }

    /// The same bytes arrive again.
    pub(super) fn again(&mut self) {
        self.at = 0;
    }

    /// Time passes until the deadline, if there is one, and the subject is told.
    pub(super) fn timeout(&mut self) -> bool {
        let Some(deadline) = self.subject.interest().deadline else { return false };
        self.now = self.now.max(deadline.at);
        self.tell_time(self.now);
        true
    }

    fn tell_time(&mut self, now: Instant) {
        self.subject.handle_timeout(now);
        let (now, deadline) = (self.subject.now(), self.subject.interest().deadline);
        let is_later = deadline.is_none_or(|deadline| deadline.at > now);
        assert!(is_later, "{deadline:?} is not later than {now}");
        self.check();
    }

    /// Nothing happens but timeouts, until the end or for a number of them. Returns whether there
    /// was one.
    pub(super) fn wait(&mut self, timeouts_max: usize) -> bool {
        let mut before = self.now;
        for count in 1..=timeouts_max {
            self.pump();
            self.go_on(|play| play.write(&[]) | play.pump());
            if self.subject.is_closed() || !self.timeout() {
                return count > 1;
            }
            if count % TIMEOUTS_MAX == 0 {
                let passed = self.now.saturating_duration_since(before);
                let is_spin = passed < Duration::from_micros(1);
                assert!(!is_spin, "{TIMEOUTS_MAX} timeouts in {passed:?}: a timer that spins");
                before = self.now;
            }
        }
        timeouts_max > 0
    }

    /// What must hold after every call.
    fn check(&mut self) {
        let subject = &self.subject;
        let max = self.memory_len_max.max(subject.memory_len_max());
        let len = subject.memory_len();
        assert!(len <= max, "{len} bytes of memory, at most {max} were said");
        self.wire_len_max = self.wire_len_max.max(subject.wire_len_max());
        let (queued, queued_max) =
            (subject.queued_len(), self.high_water.saturating_add(self.wire_len_max));
        self.was_full |= queued >= self.high_water;
        assert!(queued <= queued_max, "{queued} bytes queued, at most {queued_max} may be");
        let interest = subject.interest();
        assert!(!(interest.shutdown && interest.write), "shutdown before all is written");
        if subject.close_reason().is_some() {
            let none = !interest.read && !interest.write && !interest.shutdown;
            assert!(none && interest.deadline.is_none(), "over and wants {interest:?}");
        }
        self.memory_len_max = max;
    }
}

/// Any calls in any order.
impl<S: Subject> Play<'_, S> {
    /// One call or a few, as `choices` says.
    pub(super) fn call(&mut self, choices: &mut Choices<'_>) {
        let now = self.now;
        match choices.byte() % 40 {
            0..8 => _ = self.read(&[choices.len() as u16], false),
            8..14 => _ = self.write(&[choices.len() as u16]),
            14..20 => _ = self.pump(),
            20 | 21 => self.subject.lease(&mut self.pool),
            22 | 23 => self.subject.settle(&mut self.pool),
            24 => _ = self.end(),
            25 => {
                let after = choices.pick(&[0, 1, 1_000, 1_000_000_000, 31_000_000_000]);
                self.now = now + Duration::from_nanos(after);
            }
            26 => self.tell_time(now),
            27 => self.tell_time(Instant::ZERO),
            28 => _ = self.timeout(),
            29 => self.misuse(),
            30 => self.subject.finish(),
            31 => self.subject.close(),
            32 => self.subject.set_timer(Some(now)),
            33 => self.subject.drain(now),
            34 => {
                // A loan, and something else before the bytes are said to have arrived.
                let lent = self.subject.receive_buffer().len();
                let _ = self.pump();
                let _ = self.subject.received(lent.min(choices.len()), now);
            }
            35 => match choices.byte() % 8 {
                0 => self.subject.abort(),
                1 => self.subject.fail(7),
                2 => self.subject.stop(),
                3 => self.subject.transport_failed(Fault::Reset, now),
                4 => self.subject.transport_failed(Fault::Other, now),
                5 | 6 => self.subject.transmit_failed(Fault::Reset, now),
                _ => self.subject.transmit_failed(Fault::Other, now),
            },
            36 => self.again(),
            _ => {
                let _ = self.read(&[], false);
                let _ = self.pump();
                let _ = self.write(&[]);
            }
        }
        self.check();
    }

    /// Calls that say more than can be: each is refused and changes nothing.
    pub(super) fn misuse(&mut self) {
        let now = self.now;
        let queued = self.subject.transmit().len();
        let expected = Err(MisuseError::TransmittedTooMuch { len: queued + 1, queued });
        self.refused(expected, |subject| subject.transmitted(queued + 1, now));
        let lent = self.subject.receive_buffer().len();
        let expected = Err(MisuseError::ReceivedTooMuch { len: lent + 1, lent });
        self.refused(expected, |subject| subject.received(lent + 1, now));
        if !self.subject.interest().shutdown {
            let expected = Err(MisuseError::ShutdownUnasked);
            self.refused(expected, |subject| subject.shut_down(now));
        }
        if self.has_ended {
            let expected = Err(MisuseError::ReceivedAfterEnd);
            self.refused(expected, |subject| subject.received_eof(now));
        }
    }

    fn refused(
        &mut self,
        expected: Result<(), MisuseError>,
        call: impl FnOnce(&mut S) -> Result<(), MisuseError>,
    ) {
        let before = seen(&mut self.subject);
        assert_eq!(call(&mut self.subject), expected);
        let after: Seen = seen(&mut self.subject);
        assert_eq!(after, before, "a refused call changed something");
    }

    /// Behaves as a good driver whose transport is gone in the end, until the subject is over.
    pub(super) fn finish(&mut self) {
        self.subject.close();
        for _ in 0..ENDING_ROUNDS_MAX {
            self.pump();
            if self.subject.is_closed() {
                return;
            }
            let interest = self.subject.interest();
            if interest.again {
                self.subject.lease(&mut self.pool);
            } else if interest.write || interest.shutdown {
                self.write(&[]);
            } else if interest.read && self.at < self.input.len() {
                self.read(&[], false);
            } else if interest.deadline.is_some() {
                self.timeout();
            } else {
                assert!(interest.read, "neither over nor waiting for anything");
                self.end();
            }
        }
        panic!("{ENDING_ROUNDS_MAX} rounds and no end");
    }
}

fn turn(lens: &[u16], counter: &mut usize) -> usize {
    let len = lens.get(*counter % lens.len().max(1));
    *counter += 1;
    len.map_or(usize::MAX, |len| usize::from(*len).max(1))
}
