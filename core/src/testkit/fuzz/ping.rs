use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use crate::ping::{Answer, Ping, PingOptions, PingStep, REMEMBERED_MAX, Request, Stage};
use crate::time::Instant;

/// Runs a script of calls on a ping: replies, failures, stages and time as `data` says, in any
/// order.
///
/// A naive account of the requests agrees with the statistics, requests are settled once, and after
/// a time-out is handled every deadline lies ahead.
///
/// # Panics
/// When something does not hold that must.
pub fn ping(data: &[u8]) {
    let mut bytes = data.iter().copied();
    let mut byte = || bytes.next();
    let pick =
        |byte: Option<u8>, values: &[u64]| values[usize::from(byte.unwrap_or(0)) % values.len()];
    let mut options = PingOptions::new();
    options.interval = Duration::from_nanos(pick(byte(), &[10, 0, 1, 100, u64::MAX]));
    options.timeout = Duration::from_nanos(pick(byte(), &[50, 0, 1, 1000, u64::MAX]));
    options.deadline = Duration::from_nanos(pick(byte(), &[u64::MAX, 0, 1, 100, 3000]));
    options.count = [None, Some(0), Some(1), Some(9)][usize::from(byte().unwrap_or(0)) % 4];
    options.payload_len = usize::from(byte().unwrap_or(0)) % 40;
    options.in_flight_max = usize::from(byte().unwrap_or(0)) % 8;
    let mut bench = Bench {
        ping: Ping::new(options.clone(), Instant::ZERO),
        options,
        now: Instant::ZERO,
        requests: Vec::new(),
        settled: BTreeMap::new(),
        is_finished: false,
    };
    while let Some(operation) = byte() {
        let argument = byte().unwrap_or(0);
        bench.operate(operation, argument);
        bench.check();
    }
}

struct Bench {
    ping: Ping,
    options: PingOptions,
    now: Instant,
    requests: Vec<Request>,
    /// How those that are settled were.
    settled: BTreeMap<u64, Settled>,
    is_finished: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Settled {
    Received,
    TimedOut,
    Failed,
}

impl Bench {
    fn operate(&mut self, operation: u8, argument: u8) {
        match operation % 8 {
            0 | 1 => self.reply(argument, operation & 0x80 != 0),
            2 => {
                let number = self.ping.failed(argument.into(), self.now);
                number.into_iter().for_each(|number| self.settle(number, Settled::Failed));
            }
            3 => {
                let stages = [Stage::Connect, Stage::Handshake, Stage::Echo];
                let stage = stages[usize::from(operation >> 3) % 3];
                self.ping.reached(argument.into(), stage, self.now);
            }
            // Back, which counts as not at all.
            4 => {
                self.now = Instant::from_nanos(self.now.as_nanos().saturating_sub(argument.into()))
            }
            5 => {
                self.now = self.now + Duration::from_nanos(u64::from(argument) << (operation >> 3))
            }
            6 => self.steps(),
            _ if operation == 0xff => self.ping.stop(self.now),
            _ => {
                self.now = self.ping.deadline().unwrap_or(self.now);
                self.steps();
            }
        }
    }

    fn reply(&mut self, argument: u8, is_damaged: bool) {
        let Some(request) = self.requests.get(usize::from(argument)).copied() else {
            assert_eq!(self.ping.answered(argument.into(), &[], self.now), Answer::Foreign);
            return;
        };
        let mut payload = Vec::new();
        self.ping.write_payload(&request, &mut payload);
        assert_eq!(payload.len(), self.options.payload_len);
        if is_damaged {
            payload.push(0);
        }
        let before = self.settled.get(&request.number).copied();
        match (self.ping.answered(request.sequence, &payload, self.now), before) {
            (Answer::Reply(reply), None) => self.settle(reply.number, Settled::Received),
            (Answer::Duplicate { .. }, Some(_)) => {}
            (Answer::Late { .. }, Some(Settled::TimedOut | Settled::Failed)) => {}
            // Damaged, or of a request that has the same low half or is forgotten.
            (Answer::Foreign, _) => {
                assert!(is_damaged || self.requests.len() - usize::from(argument) > 1000);
            }
            (answer, before) => panic!("{answer:?} after {before:?}"),
        }
    }

    /// Takes steps until there is none, but of a ping that sends as fast as it can not for ever.
    fn steps(&mut self) {
        self.ping.handle_timeout(self.now);
        if let Some(deadline) = self.ping.deadline() {
            assert!(deadline > self.now);
        }
        for _ in 0..2 * REMEMBERED_MAX {
            match self.ping.next(self.now) {
                Some(PingStep::Send(request)) => {
                    assert_eq!(request.number, self.requests.len() as u64);
                    self.requests.push(request);
                }
                Some(PingStep::TimedOut { number }) => self.settle(number, Settled::TimedOut),
                Some(PingStep::Finished(_)) => {
                    assert!(!self.is_finished && self.ping.is_finished());
                    self.is_finished = true;
                }
                None => return,
            }
        }
        panic!("steps without end");
    }

    fn settle(&mut self, number: u64, how: Settled) {
        let before = self.settled.insert(number, how);
        assert_eq!(before, None, "{number} is settled twice");
    }

    fn check(&self) {
        let statistics = self.ping.statistics();
        let count = |how| self.settled.values().filter(|settled| **settled == how).count() as u64;
        assert_eq!(statistics.sent, self.requests.len() as u64);
        assert_eq!(statistics.received, count(Settled::Received));
        assert_eq!(statistics.timed_out, count(Settled::TimedOut));
        assert_eq!(statistics.failed, count(Settled::Failed));
        assert_eq!(self.ping.in_flight(), self.requests.len() - self.settled.len());
        assert!(self.ping.in_flight() <= self.options.in_flight_max.max(1));
        assert_eq!(statistics.round_trip.count(), statistics.received);
        assert!(self.options.count.is_none_or(|count| statistics.sent <= count));
        if self.is_finished {
            assert_eq!(self.ping.deadline(), None);
        }
    }
}
