//! Happy Eyeballs in virtual time: the cases that the standard names, every order of results, and
//! random calls against a naive model.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use drywire::connector::{
    ATTEMPT_DELAY_MAX, ATTEMPT_DELAY_MIN, Attempt, AttemptId, ConnectError, Connector,
    ConnectorLimits, ConnectorStep, Family,
};
use drywire::{Fault, Instant};
use proptest::prelude::*;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn at(millis: u64) -> Instant {
    Instant::ZERO + ms(millis)
}

fn v4(last: u8) -> SocketAddr {
    (Ipv4Addr::new(192, 0, 2, last), 7).into()
}

fn v6(last: u8) -> SocketAddr {
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last.into()), 7).into()
}

fn limits(change: impl FnOnce(&mut ConnectorLimits)) -> ConnectorLimits {
    let mut limits = ConnectorLimits::new();
    change(&mut limits);
    limits
}

fn connector() -> Connector {
    Connector::new(ConnectorLimits::new(), Instant::ZERO)
}

/// The attempt that must start now.
fn start(connector: &mut Connector, now: Instant) -> Attempt {
    match connector.next(now) {
        Some(ConnectorStep::Start(attempt)) => attempt,
        step => panic!("a start expected, not {step:?}"),
    }
}

/// The addresses that start, each when the last one is old enough.
fn starts(connector: &mut Connector, mut now: Instant) -> Vec<(SocketAddr, Instant)> {
    let mut starts = Vec::new();
    loop {
        match connector.next(now) {
            Some(ConnectorStep::Start(attempt)) => starts.push((attempt.address, now)),
            Some(_) => return starts,
            None => now = connector.deadline().unwrap(),
        }
        connector.handle_timeout(now);
    }
}

#[test]
fn defaults_are_those_of_the_standard() {
    let limits = ConnectorLimits::default();
    assert_eq!(limits.attempt_delay, ms(250));
    assert_eq!(limits.resolution_delay, ms(50));
    assert_eq!(limits.connect_timeout, Duration::from_secs(30));
    assert_eq!((limits.addresses_max, limits.attempts_max, limits.first_family_count), (64, 16, 1));
    assert_eq!(limits.preferred_family, Family::V6);
    assert_eq!((ATTEMPT_DELAY_MIN, ATTEMPT_DELAY_MAX), (ms(10), ms(2000)));
}

#[test]
fn families_alternate_every_250_ms() {
    let mut connector = connector();
    connector.resolved([v4(1), v4(2), v4(3), v6(1), v6(2)], at(0));
    assert_eq!(
        starts(&mut connector, at(0)),
        [(v6(1), at(0)), (v4(1), at(250)), (v6(2), at(500)), (v4(2), at(750)), (v4(3), at(1000)),]
    );
}

#[test]
fn first_family_count_and_preference() {
    for (count, preferred, expected) in [
        (0, Family::V6, [v6(1), v4(1), v6(2), v4(2), v6(3)]),
        (1, Family::V6, [v6(1), v4(1), v6(2), v4(2), v6(3)]),
        (2, Family::V6, [v6(1), v6(2), v4(1), v6(3), v4(2)]),
        (3, Family::V6, [v6(1), v6(2), v6(3), v4(1), v4(2)]),
        (1, Family::V4, [v4(1), v6(1), v4(2), v6(2), v6(3)]),
    ] {
        let limits = limits(|limits| {
            limits.first_family_count = count;
            limits.preferred_family = preferred;
        });
        let mut connector = Connector::new(limits, at(0));
        connector.resolved([v6(1), v6(2), v6(3), v4(1), v4(2)], at(0));
        let tried: Vec<_> = starts(&mut connector, at(0)).iter().map(|(addr, _)| *addr).collect();
        assert_eq!(tried, expected, "{count} {preferred:?}");
    }
}

#[test]
fn ipv6_answers_that_come_first_start_at_once() {
    let mut connector = connector();
    connector.resolved([v6(1)], at(5));
    assert_eq!(start(&mut connector, at(5)).address, v6(1));
    assert_eq!(connector.next(at(5)), None);
    connector.resolved([v4(1)], at(20));
    assert_eq!(connector.next(at(20)), None);
    assert_eq!(connector.deadline(), Some(at(255)));
    connector.handle_timeout(at(254));
    assert_eq!(connector.next(at(254)), None);
    assert_eq!(start(&mut connector, at(255)).address, v4(1));
}

#[test]
fn ipv4_answers_that_come_first_wait_50_ms_for_ipv6() {
    // In vain: then they start, and what comes late joins in.
    let mut late = connector();
    late.resolved([v4(1)], at(10));
    assert_eq!(late.next(at(10)), None);
    // More of them do not prolong the wait.
    late.resolved([v4(2)], at(40));
    assert_eq!(late.deadline(), Some(at(60)));
    assert_eq!(late.next(at(59)), None);
    assert_eq!(start(&mut late, at(60)).address, v4(1));
    late.resolved([v6(1)], at(70));
    assert_eq!(late.next(at(309)), None);
    assert_eq!(start(&mut late, at(310)).address, v6(1));
    assert_eq!(start(&mut late, at(560)).address, v4(2));

    // The IPv6 answer comes in time.
    let mut in_time = connector();
    in_time.resolved([v4(1)], at(10));
    in_time.resolved([v6(1)], at(59));
    assert_eq!(start(&mut in_time, at(59)).address, v6(1));

    // It is known that none will come.
    let mut none = connector();
    none.resolved([v4(1)], at(10));
    none.family_finished(Family::V6, at(11));
    assert_eq!(start(&mut none, at(11)).address, v4(1));

    // That the answers of its own family are complete does not shorten the wait.
    let mut complete = connector();
    complete.resolved([v4(1)], at(10));
    complete.family_finished(Family::V4, at(10));
    assert_eq!(complete.next(at(59)), None);
    assert_eq!(start(&mut complete, at(60)).address, v4(1));
}

#[test]
fn a_failure_starts_the_next_attempt_at_once() {
    let mut connector = connector();
    connector.resolved([v6(1), v4(1), v6(2)], at(0));
    let first = start(&mut connector, at(0));
    connector.failed(first.id, Fault::Unreachable, at(3));
    let second = start(&mut connector, at(3));
    assert_eq!(connector.next(at(252)), None);
    assert_eq!(start(&mut connector, at(253)).address, v6(2));
    // One that is not the last to have started counts as well, but there is nothing left.
    connector.failed(second.id, Fault::Refused, at(254));
    assert_eq!(connector.next(at(254)), None);
}

#[test]
fn the_attempt_delay_stays_within_the_standard() {
    for (delay, expected) in [
        (Duration::ZERO, ATTEMPT_DELAY_MIN),
        (ms(9), ms(10)),
        (ms(10), ms(10)),
        (ms(11), ms(11)),
        (ms(1999), ms(1999)),
        (ms(2000), ms(2000)),
        (ms(2001), ms(2000)),
        (Duration::MAX, ATTEMPT_DELAY_MAX),
    ] {
        let mut connector = Connector::new(limits(|limits| limits.attempt_delay = delay), at(0));
        connector.resolved([v6(1), v6(2)], at(0));
        start(&mut connector, at(0));
        assert_eq!(connector.deadline(), Some(Instant::ZERO + expected));
    }
}

#[test]
fn the_first_that_connects_wins_and_the_others_are_cancelled() {
    let mut connector = connector();
    connector.resolved([v6(1), v4(1), v6(2), v4(2)], at(0));
    let [first, second, third] = [0, 250, 500].map(|millis| start(&mut connector, at(millis)));
    connector.connected(second.id, at(510));
    assert_eq!(connector.deadline(), None);
    // Too late for it, but its socket must still be closed; and one that failed has none.
    connector.connected(third.id, at(510));
    connector.failed(first.id, Fault::Reset, at(510));
    assert_eq!(connector.next(at(510)), Some(ConnectorStep::Cancel(third.id)));
    assert!(!connector.is_ended());
    assert_eq!(connector.next(at(510)), Some(ConnectorStep::Connected(second)));
    assert!(connector.is_ended());
    connector.handle_timeout(at(1_000_000));
    connector.resolved([v4(3)], at(1_000_000));
    connector.resolution_finished(at(1_000_000));
    assert_eq!(connector.next(at(1_000_000)), None);
}

#[test]
fn failing_everywhere_reports_everything() {
    let mut connector = connector();
    connector.resolved([v6(1), v4(1)], at(0));
    let [first, second] = [0, 250].map(|millis| start(&mut connector, at(millis)));
    connector.failed(second.id, Fault::Refused, at(251));
    connector.failed(first.id, Fault::Unreachable, at(252));
    // A further address may still come.
    assert_eq!(connector.next(at(252)), None);
    connector.family_finished(Family::V6, at(253));
    assert_eq!(connector.next(at(253)), None);
    connector.family_finished(Family::V4, at(254));
    let tried = vec![(v4(1), Fault::Refused), (v6(1), Fault::Unreachable)];
    assert_eq!(connector.deadline(), None);
    assert_eq!(
        connector.next(at(254)),
        Some(ConnectorStep::Failed(ConnectError::Failed { tried }))
    );
    assert_eq!(connector.next(at(254)), None);

    let mut nowhere = self::connector();
    nowhere.resolution_finished(at(1));
    nowhere.resolved([v4(1)], at(1));
    assert_eq!(nowhere.next(at(1)), Some(ConnectorStep::Failed(ConnectError::NoAddress)));
}

#[test]
fn the_timeout_ends_it_and_reports_what_was_in_flight() {
    let limits = limits(|limits| limits.connect_timeout = ms(300));
    let mut connector = Connector::new(limits.clone(), at(0));
    connector.resolved([v6(1), v4(1), v6(2), v4(2)], at(0));
    let first = start(&mut connector, at(0));
    connector.failed(first.id, Fault::Refused, at(10));
    let [second, third] = [10, 260].map(|millis| start(&mut connector, at(millis)));
    connector.handle_timeout(at(299));
    assert_eq!((connector.next(at(299)), connector.deadline()), (None, Some(at(300))));
    connector.handle_timeout(at(300));
    connector.connected(third.id, at(300));
    assert_eq!(connector.next(at(300)), Some(ConnectorStep::Cancel(second.id)));
    assert_eq!(connector.next(at(300)), Some(ConnectorStep::Cancel(third.id)));
    let tried = vec![(v6(1), Fault::Refused), (v4(1), Fault::TimedOut), (v6(2), Fault::TimedOut)];
    let error = ConnectError::TimedOut { after: ms(300), tried };
    assert_eq!(connector.next(at(300)), Some(ConnectorStep::Failed(error)));

    let mut unresolved = Connector::new(limits.clone(), at(0));
    unresolved.handle_timeout(at(301));
    let error = ConnectError::TimedOut { after: ms(300), tried: Vec::new() };
    assert_eq!(unresolved.next(at(301)), Some(ConnectorStep::Failed(error)));

    // Whoever connects in the turn in which the time is up has connected.
    let mut in_time = Connector::new(limits, at(0));
    in_time.resolved([v6(1)], at(0));
    let only = start(&mut in_time, at(0));
    in_time.connected(only.id, at(305));
    in_time.handle_timeout(at(305));
    assert_eq!(in_time.next(at(305)), Some(ConnectorStep::Connected(only)));
}

#[test]
fn a_timeout_of_zero_expires_at_once_and_the_longest_never() {
    let mut zero = Connector::new(limits(|limits| limits.connect_timeout = Duration::ZERO), at(5));
    assert_eq!(zero.deadline(), Some(at(5).next()));
    zero.handle_timeout(at(5).next());
    assert!(matches!(zero.next(at(6)), Some(ConnectorStep::Failed(_))));

    let mut never = Connector::new(limits(|limits| limits.connect_timeout = Duration::MAX), at(0));
    assert_eq!(never.deadline(), None);
    never.handle_timeout(Instant::MAX);
    never.resolved([v6(1), v4(1)], Instant::MAX);
    start(&mut never, Instant::MAX);
    // Time cannot go on from there, so nothing waits for it.
    start(&mut never, Instant::MAX);
    assert_eq!(never.deadline(), None);
}

#[test]
fn addresses_are_bounded_and_tried_once() {
    let max = 3;
    for count in [max - 1, max, max + 1] {
        let limits = limits(|limits| limits.addresses_max = max.into());
        let mut connector = Connector::new(limits, at(0));
        let addresses = || (0..count).map(v6);
        connector.resolved(addresses().chain(addresses()), at(0));
        connector.resolved([v6(0)], at(0));
        let left = count.min(max);
        assert_eq!(starts(&mut connector, at(0)).len(), left.into(), "{count}");
        // The last one was left out both times.
        assert_eq!(connector.addresses_ignored(), usize::from(count - left) * 2);
    }
    let mut one = Connector::new(limits(|limits| limits.addresses_max = 0), at(0));
    one.resolved([v4(1), v4(2)], at(0));
    assert_eq!(starts(&mut one, at(0)), [(v4(1), at(50))]);
}

#[test]
fn attempts_in_flight_are_bounded() {
    let max = 3;
    for count in [max - 1, max, max + 1] {
        let limits = limits(|limits| limits.attempts_max = max.into());
        let mut connector = Connector::new(limits, at(0));
        connector.resolved((0..count).map(v6), at(0));
        let mut attempts = Vec::new();
        for millis in (0..20).map(|turn| turn * 250) {
            if let Some(step) = connector.next(at(millis)) {
                let ConnectorStep::Start(attempt) = step else { panic!("{step:?}") };
                attempts.push(attempt);
            }
        }
        assert_eq!(attempts.len(), usize::from(count.min(max)), "{count}");
        assert_eq!(connector.deadline(), Some(at(30_000)), "no timer that starts nothing");
        // A place that becomes free is taken at once.
        connector.failed(attempts[1].id, Fault::TimedOut, at(5000));
        assert_eq!(connector.next(at(5000)).is_some(), count > max);
        assert_eq!(connector.next(at(5000)), None);
    }
    let mut one = Connector::new(limits(|limits| limits.attempts_max = 0), at(0));
    one.resolved([v6(1), v6(2)], at(0));
    start(&mut one, at(0));
    assert_eq!(one.next(at(10_000)), None);
}

#[test]
fn an_earlier_time_counts_as_the_latest() {
    let mut connector = connector();
    connector.handle_timeout(at(1000));
    connector.resolved([v6(1), v6(2)], at(0));
    start(&mut connector, at(0));
    assert_eq!(connector.deadline(), Some(at(1250)));
    assert_eq!(connector.next(at(999)), None);
}

#[test]
fn display_texts() {
    let tried = vec![(v6(1), Fault::Unreachable), (v4(1), Fault::TimedOut)];
    for (error, text) in [
        (ConnectError::NoAddress, "there is no address to connect to"),
        (
            ConnectError::Failed { tried: tried.clone() },
            "no address could be connected to: [2001:db8::1]:7: host or network unreachable; \
             192.0.2.1:7: transport timed out",
        ),
        (
            ConnectError::TimedOut { after: ms(1500), tried: vec![(v4(1), Fault::TimedOut)] },
            "not connected within 1.5s: 192.0.2.1:7: transport timed out",
        ),
        (
            ConnectError::TimedOut { after: ms(30_000), tried: Vec::new() },
            "not connected within 30s",
        ),
    ] {
        assert_eq!(error.to_string(), text);
    }
}

/// How the network answers an attempt, and after how long.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Answer {
    Connects(u64),
    Fails(u64),
    Never,
}

/// How the resolver answers: when each family comes, if it does, and when it is finished.
#[derive(Clone, Copy, Debug)]
struct Resolver {
    v6_at: Option<u64>,
    v4_at: Option<u64>,
    finished_at: u64,
}

/// Drives a connector through virtual time to its end and checks what must hold on the way.
fn drive(addresses: &[(SocketAddr, Answer)], resolver: Resolver, limits: ConnectorLimits) {
    let what = format!("{addresses:?} {resolver:?}");
    let of = |family| {
        let list = addresses.iter().map(|(address, _)| *address);
        list.filter(move |address| Family::of(address) == family)
    };
    let mut connector = Connector::new(limits.clone(), at(0));
    let mut now = at(0);
    let mut in_flight: Vec<(Attempt, Instant, Answer)> = Vec::new();
    let mut tried: Vec<SocketAddr> = Vec::new();
    let mut connected: Option<Attempt> = None;
    for turn in 0.. {
        assert!(turn < 60, "it does not come to an end: {what}");
        if resolver.v6_at.map(at) == Some(now) {
            connector.resolved(of(Family::V6), now);
        }
        if resolver.v4_at.map(at) == Some(now) {
            connector.resolved(of(Family::V4), now);
        }
        if at(resolver.finished_at) == now {
            connector.resolution_finished(now);
        }
        let mut ended = Vec::new();
        for (attempt, due, answer) in &in_flight {
            match answer {
                Answer::Connects(_) if *due == now => {
                    connector.connected(attempt.id, now);
                    connected = connected.or(Some(*attempt));
                }
                Answer::Fails(_) if *due == now => {
                    connector.failed(attempt.id, Fault::Refused, now);
                    ended.push(attempt.id);
                }
                Answer::Connects(_) | Answer::Fails(_) | Answer::Never => {}
            }
        }
        in_flight.retain(|(attempt, ..)| !ended.contains(&attempt.id));
        connector.handle_timeout(now);
        assert!(connector.deadline().is_none_or(|deadline| deadline > now), "{what}");

        while let Some(step) = connector.next(now) {
            match step {
                ConnectorStep::Start(attempt) => {
                    assert!(!tried.contains(&attempt.address), "tried twice: {what}");
                    tried.push(attempt.address);
                    let is_it = |entry: &&(SocketAddr, Answer)| entry.0 == attempt.address;
                    let answer = addresses.iter().find(is_it).unwrap().1;
                    let after = match answer {
                        Answer::Connects(after) | Answer::Fails(after) => ms(after),
                        Answer::Never => Duration::MAX,
                    };
                    in_flight.push((attempt, now + after, answer));
                    assert!(in_flight.len() <= limits.attempts_max, "{what}");
                }
                ConnectorStep::Cancel(id) => {
                    let before = in_flight.len();
                    in_flight.retain(|(attempt, ..)| attempt.id != id);
                    assert_eq!(in_flight.len() + 1, before, "{what}");
                }
                ConnectorStep::Connected(winner) => {
                    assert_eq!(Some(winner), connected, "{what}");
                    assert_eq!(in_flight.len(), 1, "only the winner is left: {what}");
                    return;
                }
                ConnectorStep::Failed(error) => {
                    assert_eq!((connected, in_flight.len()), (None, 0), "{what}");
                    check_failure(&error, &tried, addresses, resolver, &what);
                    return;
                }
            }
        }
        let waits = at(resolver.finished_at) >= now;
        let deadline = connector.deadline();
        assert!(!in_flight.is_empty() || deadline.is_some() || waits, "a deadlock: {what}");
        let events = in_flight.iter().map(|(_, due, _)| *due);
        let answers = [resolver.v6_at, resolver.v4_at, Some(resolver.finished_at)];
        let answers = answers.into_iter().flatten().map(at);
        now = events.chain(answers).filter(|event| *event > now).chain(deadline).min().unwrap();
    }
}

/// Giving up is right only if everything that came was tried, or the time was up.
fn check_failure(
    error: &ConnectError,
    tried: &[SocketAddr],
    addresses: &[(SocketAddr, Answer)],
    resolver: Resolver,
    what: &str,
) {
    let came = |address: &SocketAddr| match Family::of(address) {
        Family::V4 => resolver.v4_at.is_some(),
        Family::V6 => resolver.v6_at.is_some(),
    };
    match error {
        ConnectError::NoAddress => assert_eq!((resolver.v4_at, resolver.v6_at), (None, None)),
        ConnectError::Failed { tried: failed } => {
            assert_eq!(failed.len(), tried.len(), "{what}");
            for (address, answer) in addresses.iter().filter(|(address, _)| came(address)) {
                assert!(failed.contains(&(*address, Fault::Refused)), "{what}");
                assert!(matches!(answer, Answer::Fails(_)), "{what}");
            }
        }
        ConnectError::TimedOut { tried: reported, .. } => {
            assert_eq!(reported.len(), tried.len(), "{what}");
            assert!(addresses.iter().any(|(_, answer)| *answer == Answer::Never), "{what}");
        }
        error => panic!("{error}: {what}"),
    }
}

#[test]
fn every_order_of_results_comes_to_an_end() {
    const ANSWERS: [Answer; 7] = [
        Answer::Connects(1),
        Answer::Connects(250),
        Answer::Connects(600),
        Answer::Fails(1),
        Answer::Fails(250),
        Answer::Fails(600),
        Answer::Never,
    ];
    let resolvers = [
        (Some(0), Some(0), 0),
        (Some(0), Some(30), 30),
        (Some(30), Some(0), 40),
        (Some(90), Some(0), 90),
        (Some(700), Some(0), 700),
        (None, Some(0), 20),
        (Some(0), None, 1000),
        (None, None, 5),
    ]
    .map(|(v6_at, v4_at, finished_at)| Resolver { v6_at, v4_at, finished_at });
    let settings = [16, 1].map(|attempts_max| limits(|limits| limits.attempts_max = attempts_max));
    for index in 0..ANSWERS.len().pow(4) {
        let answer = |place: u32| ANSWERS[index / ANSWERS.len().pow(place) % ANSWERS.len()];
        let addresses =
            [(v6(1), answer(0)), (v6(2), answer(1)), (v4(1), answer(2)), (v4(2), answer(3))];
        for resolver in resolvers {
            for limits in &settings {
                drive(&addresses, resolver, limits.clone());
            }
        }
    }
}

/// What the connector should do, worked out anew at each step from all that happened so far.
struct Model {
    limits: ConnectorLimits,
    now: Instant,
    known: Vec<(SocketAddr, Instant)>,
    finished: Vec<Family>,
    started: Vec<(SocketAddr, Instant)>,
    failed: Vec<(SocketAddr, Fault)>,
    failed_since_start: bool,
    cancelled: Vec<SocketAddr>,
    outcome: Option<Result<SocketAddr, ConnectError>>,
    reported: bool,
}

#[derive(Debug, PartialEq)]
enum ModelStep {
    Start(SocketAddr),
    Cancel(SocketAddr),
    End(Result<SocketAddr, ConnectError>),
}

impl Model {
    fn new(limits: ConnectorLimits) -> Self {
        Self {
            limits,
            now: at(0),
            known: Vec::new(),
            finished: Vec::new(),
            started: Vec::new(),
            failed: Vec::new(),
            failed_since_start: false,
            cancelled: Vec::new(),
            outcome: None,
            reported: false,
        }
    }

    fn in_flight(&self) -> Vec<SocketAddr> {
        let is_over = |address| {
            self.failed.iter().any(|(failed, _)| *failed == address)
                || self.cancelled.contains(&address)
                || self.outcome == Some(Ok(address))
        };
        let known = self.known.iter().map(|(address, _)| *address);
        known
            .filter(|known| self.started.iter().any(|(address, _)| address == known))
            .filter(|address| !is_over(*address))
            .collect()
    }

    fn startable(&self) -> Option<(SocketAddr, Instant)> {
        let is_started = |address| self.started.iter().any(|(started, _)| *started == address);
        let first = |family| {
            let known = self.known.iter().map(|(address, _)| *address);
            known.filter(|address| Family::of(address) == family).find(|it| !is_started(*it))
        };
        if self.in_flight().len() >= self.limits.attempts_max {
            return None;
        }
        let of_v6 = self.started.iter().filter(|(address, _)| address.is_ipv6()).count();
        let turn = match self.started.last() {
            Some((last, _)) if of_v6 >= self.limits.first_family_count => Family::of(last).other(),
            _ => Family::V6,
        };
        let address = first(turn).or_else(|| first(turn.other()))?;
        let mut due = match self.started.last() {
            Some((_, at)) if !self.failed_since_start => *at + self.limits.attempt_delay,
            _ => at(0),
        };
        let knows_v6 = self.known.iter().any(|(address, _)| address.is_ipv6());
        if !knows_v6 && !self.finished.contains(&Family::V6) {
            due = due.max(self.known[0].1 + self.limits.resolution_delay);
        }
        Some((address, due))
    }

    fn settle(&mut self) {
        if self.outcome.is_none()
            && self.finished.contains(&Family::V4)
            && self.finished.contains(&Family::V6)
            && self.failed.len() == self.known.len()
        {
            self.outcome = Some(Err(match self.failed.len() {
                0 => ConnectError::NoAddress,
                _ => ConnectError::Failed { tried: self.failed.clone() },
            }));
        }
    }

    fn next(&mut self) -> Option<ModelStep> {
        if self.outcome.is_none() {
            let (address, _) = self.startable().filter(|(_, due)| *due <= self.now)?;
            self.started.push((address, self.now));
            self.failed_since_start = false;
            return Some(ModelStep::Start(address));
        }
        if let Some(address) = self.in_flight().first() {
            self.cancelled.push(*address);
            return Some(ModelStep::Cancel(*address));
        }
        if self.reported {
            return None;
        }
        self.reported = true;
        self.outcome.clone().map(ModelStep::End)
    }

    fn deadline(&self) -> Option<Instant> {
        if self.outcome.is_some() {
            return None;
        }
        let start = self.startable().map(|(_, due)| due).filter(|due| *due > self.now);
        let end = at(0) + self.limits.connect_timeout;
        start.into_iter().chain((end < Instant::MAX).then_some(end)).min()
    }

    fn apply(&mut self, call: &Call, chosen: Option<SocketAddr>) {
        match call {
            Call::Resolved(addresses) if self.outcome.is_none() => {
                for address in addresses {
                    let is_new = self.known.iter().all(|(known, _)| known != address);
                    let may_come = !self.finished.contains(&Family::of(address));
                    if is_new && may_come && self.known.len() < self.limits.addresses_max {
                        self.known.push((*address, self.now));
                    }
                }
            }
            Call::Finished(family) => self.finished.push(*family),
            Call::Connected(_) => {
                let address = chosen.filter(|it| self.in_flight().contains(it));
                if let (None, Some(address)) = (&self.outcome, address) {
                    self.outcome = Some(Ok(address));
                }
            }
            Call::Failed(_, fault) => {
                if let Some(address) = chosen.filter(|it| self.in_flight().contains(it)) {
                    self.failed.push((address, *fault));
                    self.failed_since_start = true;
                }
            }
            Call::Timeout if self.outcome.is_none() => {
                if self.limits.connect_timeout < Duration::MAX
                    && self.now >= at(0) + self.limits.connect_timeout
                {
                    let mut tried = self.failed.clone();
                    tried.extend(self.in_flight().into_iter().map(|it| (it, Fault::TimedOut)));
                    let after = self.limits.connect_timeout;
                    self.outcome = Some(Err(ConnectError::TimedOut { after, tried }));
                }
            }
            Call::Resolved(_) | Call::Timeout | Call::Next => {}
        }
        self.settle();
    }
}

#[derive(Clone, Debug)]
enum Call {
    Resolved(Vec<SocketAddr>),
    Finished(Family),
    Connected(prop::sample::Index),
    Failed(prop::sample::Index, Fault),
    Timeout,
    Next,
}

fn calls() -> impl Strategy<Value = Vec<(u64, Call)>> {
    let address =
        (any::<bool>(), 0..3_u8).prop_map(|(six, last)| if six { v6(last) } else { v4(last) });
    let family = prop_oneof![Just(Family::V4), Just(Family::V6)];
    let fault = prop_oneof![Just(Fault::Refused), Just(Fault::Unreachable)];
    let call = prop_oneof![
        2 => prop::collection::vec(address, 0..4).prop_map(Call::Resolved),
        1 => family.prop_map(Call::Finished),
        1 => any::<prop::sample::Index>().prop_map(Call::Connected),
        4 => (any::<prop::sample::Index>(), fault).prop_map(|(index, fault)| Call::Failed(index, fault)),
        3 => Just(Call::Timeout),
        6 => Just(Call::Next),
    ];
    let pause = prop_oneof![4 => Just(0_u64), 4 => 0..80_u64, 2 => 200..300_u64, 1 => 0..2000_u64];
    prop::collection::vec((pause, call), 0..40)
}

proptest! {
    #[test]
    fn any_calls_in_any_order_agree_with_the_model(
        calls in calls(),
        attempts_max in 1..4_usize,
        addresses_max in 1..8_usize,
        first_family_count in 1..3_usize,
        timeout in prop_oneof![Just(ms(1500)), Just(Duration::MAX)],
    ) {
        let limits = limits(|limits| {
            limits.attempts_max = attempts_max;
            limits.addresses_max = addresses_max;
            limits.first_family_count = first_family_count;
            limits.connect_timeout = timeout;
        });
        let mut connector = Connector::new(limits.clone(), at(0));
        let mut model = Model::new(limits);
        let mut attempts: Vec<Attempt> = Vec::new();
        for (pause, call) in calls {
            let now = model.now + ms(pause);
            model.now = now;
            // Without an attempt there is nothing to report but the time.
            let (call, chosen) = match call {
                Call::Connected(index) | Call::Failed(index, _) => match attempts.len() {
                    0 => (Call::Timeout, None),
                    len => (call, Some(attempts[index.index(len)])),
                },
                Call::Resolved(_) | Call::Finished(_) | Call::Timeout | Call::Next => (call, None),
            };
            model.apply(&call, chosen.map(|attempt| attempt.address));
            match &call {
                Call::Resolved(addresses) => connector.resolved(addresses.iter().copied(), now),
                Call::Finished(family) => connector.family_finished(*family, now),
                Call::Connected(_) => {
                    connector.connected(chosen.unwrap().id, now);
                }
                Call::Failed(_, fault) => {
                    connector.failed(chosen.unwrap().id, *fault, now);
                }
                Call::Timeout => {
                    connector.handle_timeout(now);
                    prop_assert!(connector.deadline().is_none_or(|deadline| deadline > now));
                }
                Call::Next => {
                    let step = connector.next(now);
                    if let Some(ConnectorStep::Start(attempt)) = &step {
                        prop_assert!(attempts.iter().all(|known| known.id != attempt.id));
                        prop_assert!(attempt.id.index() < addresses_max);
                        attempts.push(*attempt);
                    }
                    let address = |id: AttemptId| {
                        attempts.iter().find(|attempt| attempt.id == id).unwrap().address
                    };
                    let step = step.map(|step| match step {
                        ConnectorStep::Start(attempt) => ModelStep::Start(attempt.address),
                        ConnectorStep::Cancel(id) => ModelStep::Cancel(address(id)),
                        ConnectorStep::Connected(attempt) => ModelStep::End(Ok(attempt.address)),
                        ConnectorStep::Failed(error) => ModelStep::End(Err(error)),
                    });
                    prop_assert_eq!(&step, &model.next());
                    prop_assert_eq!(
                        connector.is_ended(),
                        model.reported,
                    );
                    if step.is_none() && !connector.is_ended() {
                        let may_resolve = !model.finished.contains(&Family::V4)
                            || !model.finished.contains(&Family::V6);
                        prop_assert!(
                            !model.in_flight().is_empty()
                                || connector.deadline().is_some()
                                || may_resolve
                        );
                    }
                }
            }
            prop_assert_eq!(connector.deadline(), model.deadline());
        }
    }
}
