//! Admission: limits, back-off, draining, and random calls against a naive model.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use drywire::admission::{
    ACCEPT_BACKOFF_MIN, Accept, AcceptFault, Admission, AdmissionLimits, Permit, Refusal,
    Reservation,
};
use drywire::error::LimitExceeded;
use drywire::shutdown::{Phase, Request};
use drywire::statistics::RefusalKind;
use drywire::{CloseKind, Instant};
use proptest::prelude::*;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn at(millis: u64) -> Instant {
    Instant::ZERO + ms(millis)
}

fn peer(last: u8) -> Option<IpAddr> {
    Some(Ipv4Addr::new(192, 0, 2, last).into())
}

fn limits(change: impl FnOnce(&mut AdmissionLimits)) -> AdmissionLimits {
    let mut limits = AdmissionLimits::new();
    change(&mut limits);
    limits
}

const fn total(max: u64) -> Refusal {
    Refusal::Limit(LimitExceeded::Connections { max })
}

const fn per_address(max: u64) -> Refusal {
    Refusal::Limit(LimitExceeded::ConnectionsPerAddress { max })
}

/// Accepts somebody for whom there is a place.
fn accept(
    admission: &mut Admission,
    peer: Option<IpAddr>,
    now: Instant,
) -> Result<Permit, Refusal> {
    let reservation = admission.reserve(now).expect("a place");
    admission.accepted(reservation, peer, now)
}

/// Fails to accept somebody for whom there is a place.
fn fail(admission: &mut Admission, fault: AcceptFault, now: Instant) {
    let reservation = admission.reserve(now).expect("a place");
    admission.accept_failed(reservation, fault, now);
}

#[test]
fn defaults() {
    let limits = AdmissionLimits::default();
    assert_eq!((limits.connections_max, limits.connections_per_address_max), (10_000, None));
    assert_eq!((limits.accept_backoff_min, limits.accept_backoff_max), (ms(10), ms(1000)));
    assert_eq!(limits.drain_timeout, ms(10_000));
}

#[test]
fn a_full_server_waits_for_a_connection_to_close() {
    for (max, counts_as) in [(3, 3), (0, 1)] {
        let mut admission = Admission::new(limits(|limits| limits.connections_max = max));
        let mut permits = Vec::new();
        for _ in 0..counts_as {
            assert_eq!(admission.poll(at(0)), Accept::Now);
            permits.push(accept(&mut admission, None, at(0)).unwrap());
        }
        assert_eq!(admission.poll(at(0)), Accept::WaitForClose);
        assert!(admission.reserve(at(0)).is_none());
        assert_eq!(admission.active() as u64, counts_as);
        admission.closed(permits.pop().unwrap(), CloseKind::Finished);
        assert_eq!(admission.poll(at(0)), Accept::Now);
        assert!(accept(&mut admission, None, at(0)).is_ok());
        assert_eq!(admission.poll(at(0)), Accept::WaitForClose);
    }
}

#[test]
fn a_place_that_is_reserved_is_taken_until_it_is_turned_in() {
    for (max, counts_as) in [(3, 3), (0, 1)] {
        let mut admission = Admission::new(limits(|limits| limits.connections_max = max));
        let mut out: Vec<_> =
            (0..counts_as).map(|_| admission.reserve(at(0)).expect("a place")).collect();
        assert_eq!((admission.poll(at(0)), admission.active()), (Accept::WaitForClose, 0));
        assert!(admission.reserve(at(0)).is_none());
        for way in 0..3 {
            let reservation = out.pop().unwrap();
            match way {
                0 => admission.unused(reservation),
                1 => admission.accept_failed(reservation, AcceptFault::Aborted, at(0)),
                _ => {
                    // It is another's now, and none is free but for it.
                    let permit = admission.accepted(reservation, None, at(0)).unwrap();
                    assert!(admission.reserve(at(0)).is_none());
                    admission.closed(permit, CloseKind::Finished);
                }
            }
            out.push(admission.reserve(at(0)).expect("the one that was turned in"));
            assert!(admission.reserve(at(0)).is_none());
        }
        assert_eq!(admission.statistics().refused, 0);
    }
}

/// What gives a place back.
#[derive(Clone, Copy, Debug)]
enum Back {
    Closed,
    ThreadFailed,
    Unused,
    AcceptFailed,
    /// For the limit of its address.
    Refused,
}

#[test]
fn who_was_told_to_wait_is_woken_once_for_a_place_that_is_given_back() {
    use Back::{AcceptFailed, Closed, Refused, ThreadFailed, Unused};
    for back in [Closed, ThreadFailed, Unused, AcceptFailed, Refused] {
        for is_told in [false, true] {
            let mut admission = Admission::new(limits(|limits| {
                limits.connections_max = 3;
                limits.connections_per_address_max = Some(1);
            }));
            let _first = accept(&mut admission, peer(1), at(0)).unwrap();
            let second = accept(&mut admission, peer(2), at(0)).unwrap();
            let third = admission.reserve(at(0)).unwrap();
            if is_told {
                assert_eq!(admission.poll(at(0)), Accept::WaitForClose);
            }
            assert!(!admission.poll_waiters(), "there is no place yet");
            match back {
                Closed => admission.closed(second, CloseKind::Finished),
                ThreadFailed => admission.thread_failed(second, at(0)),
                Unused => admission.unused(third),
                AcceptFailed => admission.accept_failed(third, AcceptFault::Other, at(0)),
                Refused => {
                    let refused = admission.accepted(third, peer(1), at(0));
                    assert_eq!(refused.unwrap_err(), per_address(1));
                }
            }
            assert_eq!(admission.poll_waiters(), is_told, "{back:?}");
            assert!(!admission.poll_waiters(), "{back:?}: once");
        }
    }
}

#[test]
fn who_waits_through_a_pause_is_woken_too_and_nobody_for_who_is_admitted() {
    let mut admission = Admission::new(AdmissionLimits::new());
    let [first, second] = [(); 2].map(|()| admission.reserve(at(0)).unwrap());
    let permit = admission.accepted(first, None, at(0)).unwrap();
    admission.accept_failed(second, AcceptFault::OutOfResources, at(0));
    assert_eq!(admission.poll(at(0)), Accept::WaitUntil(at(10)));
    assert!(!admission.poll_waiters());
    admission.closed(permit, CloseKind::Finished);
    assert!(admission.poll_waiters());

    let mut admission = Admission::new(limits(|limits| limits.connections_max = 2));
    let [first, second] = [(); 2].map(|()| admission.reserve(at(0)).unwrap());
    assert_eq!(admission.poll(at(0)), Accept::WaitForClose);
    let _kept = [first, second].map(|place| admission.accepted(place, None, at(0)).unwrap());
    assert!(!admission.poll_waiters());
}

/// A thread that accepts, and serves one peer at a time.
#[derive(Debug)]
enum Loop {
    /// Has been told that somebody is at its door.
    Looking,
    Accepting(Reservation),
    Serving(Permit),
    /// Has been told to wait.
    Asleep,
    /// Has found nobody at its door.
    Idle,
}

/// Lets a thread at each of `doors` take its steps until none has any left, those that `choices`
/// names and then the first that can; writes down there how many could.
fn take_turns(max: usize, doors: &[usize], queues: &[usize], choices: &mut Vec<(usize, usize)>) {
    let mut admission = Admission::new(limits(|limits| limits.connections_max = max));
    let mut queues = queues.to_vec();
    let peers: usize = queues.iter().sum();
    let mut loops: Vec<_> = doors.iter().map(|_| Loop::Looking).collect();
    for step in 0.. {
        let awake: Vec<_> = (0..loops.len())
            .filter(|index| !matches!(loops[*index], Loop::Asleep | Loop::Idle))
            .collect();
        if awake.is_empty() {
            break;
        }
        if choices.len() == step {
            choices.push((0, awake.len()));
        }
        let index = awake[choices[step].0];
        let queue = &mut queues[doors[index]];
        loops[index] = match std::mem::replace(&mut loops[index], Loop::Idle) {
            Loop::Looking => match admission.reserve(at(0)) {
                Some(reservation) => Loop::Accepting(reservation),
                None => Loop::Asleep,
            },
            Loop::Accepting(reservation) if *queue > 0 => {
                *queue -= 1;
                Loop::Serving(admission.accepted(reservation, None, at(0)).expect("was promised"))
            }
            Loop::Accepting(reservation) => {
                admission.unused(reservation);
                Loop::Idle
            }
            Loop::Serving(permit) => {
                admission.closed(permit, CloseKind::Finished);
                Loop::Looking
            }
            Loop::Asleep | Loop::Idle => unreachable!("they are not awake"),
        };
        if admission.poll_waiters() {
            let asleep = loops.iter_mut().filter(|of| matches!(of, Loop::Asleep));
            asleep.for_each(|of| *of = Loop::Looking);
        }
        assert!(admission.active() <= max);
    }
    // Nobody sleeps while somebody stands at a door.
    assert_eq!((queues.iter().sum::<usize>(), admission.active()), (0, 0), "{loops:?}");
    let statistics = admission.statistics();
    assert_eq!((statistics.accepted, statistics.refused), (peers as u64, 0));
}

#[test]
fn in_whatever_order_threads_take_their_steps_all_are_served_and_none_is_refused() {
    for (doors, queues) in [
        // Doors of their own, and a door of all.
        (&[0, 1][..], &[2, 1][..]),
        (&[0, 1], &[0, 2]),
        (&[0, 0], &[2]),
        (&[0, 0, 0], &[1]),
    ] {
        for max in 1..=2 {
            let mut choices: Vec<(usize, usize)> = Vec::new();
            loop {
                take_turns(max, doors, queues, &mut choices);
                // The next order: the last choice that has another.
                while choices.last().is_some_and(|(chosen, of)| chosen + 1 == *of) {
                    choices.pop();
                }
                match choices.last_mut() {
                    Some((chosen, _)) => *chosen += 1,
                    None => break,
                }
            }
        }
    }
}

#[test]
fn one_address_cannot_take_all() {
    for (max, counts_as) in [(3, 3), (0, 1)] {
        let mut admission =
            Admission::new(limits(|limits| limits.connections_per_address_max = Some(max)));
        let mut permits = Vec::new();
        for _ in 0..counts_as {
            permits.push(accept(&mut admission, peer(1), at(0)).unwrap());
        }
        // The limit of one address does not stop the listeners.
        assert_eq!(admission.poll(at(0)), Accept::Now);
        assert_eq!(accept(&mut admission, peer(1), at(0)).unwrap_err(), per_address(counts_as));
        let other = accept(&mut admission, peer(2), at(0)).unwrap();
        assert_eq!(admission.addresses_len(), 2);
        admission.closed(permits.pop().unwrap(), CloseKind::Finished);
        permits.push(accept(&mut admission, peer(1), at(0)).unwrap());
        assert_eq!(accept(&mut admission, peer(1), at(0)).unwrap_err(), per_address(counts_as));
        for permit in permits.into_iter().chain([other]) {
            admission.closed(permit, CloseKind::Finished);
        }
        assert_eq!((admission.addresses_len(), admission.active()), (0, 0));
        // Peers without an address are limited in all only.
        for _ in 0..counts_as + 1 {
            let _kept = accept(&mut admission, None, at(0)).unwrap();
        }
    }
    let mut unlimited = Admission::new(AdmissionLimits::new());
    let _kept = accept(&mut unlimited, peer(1), at(0)).unwrap();
    assert_eq!(unlimited.addresses_len(), 0);
}

#[test]
fn an_address_is_an_ipv4_address_or_64_bits_of_ipv6() {
    let v6 = |text: &str| Some(IpAddr::V6(text.parse::<Ipv6Addr>().unwrap()));
    for (one, other, same) in [
        (peer(1), peer(1), true),
        (peer(1), peer(2), false),
        (peer(1), v6("::ffff:192.0.2.1"), true),
        (v6("::ffff:192.0.2.1"), v6("::ffff:192.0.2.2"), false),
        (v6("2001:db8:1:2::1"), v6("2001:db8:1:2:ffff:ffff:ffff:ffff"), true),
        (v6("2001:db8:1:2::1"), v6("2001:db8:1:3::1"), false),
        (v6("2001:db8:1:2::1"), v6("2001:db9:1:2::1"), false),
    ] {
        let mut admission =
            Admission::new(limits(|limits| limits.connections_per_address_max = Some(1)));
        let _kept = accept(&mut admission, one, at(0)).unwrap();
        assert_eq!(accept(&mut admission, other, at(0)).is_err(), same, "{one:?} {other:?}");
        assert_eq!(admission.addresses_len(), if same { 1 } else { 2 });
    }
}

/// The pauses of accepts that fail one after another.
fn pauses(admission: &mut Admission, now: &mut Instant, count: usize) -> Vec<Duration> {
    let pause = |_| {
        fail(admission, AcceptFault::OutOfResources, *now);
        let Accept::WaitUntil(until) = admission.poll(*now) else { panic!("a pause expected") };
        let pause = until.saturating_duration_since(*now);
        *now = until;
        assert_eq!(admission.poll(*now), Accept::Now);
        pause
    };
    (0..count).map(pause).collect()
}

#[test]
fn pauses_grow_up_to_their_limit_and_begin_anew() {
    let mut admission = Admission::new(AdmissionLimits::new());
    let mut now = at(5);
    let expected = [10, 20, 40, 80, 160, 320, 640, 1000, 1000].map(ms);
    assert_eq!(pauses(&mut admission, &mut now, 9), expected);
    let permit = accept(&mut admission, None, now).unwrap();
    assert_eq!(pauses(&mut admission, &mut now, 2), [10, 20].map(ms));

    // A connection that closes ends the pause, and the next one is longer all the same.
    fail(&mut admission, AcceptFault::Other, now);
    assert_eq!(admission.poll(now), Accept::WaitUntil(now + ms(40)));
    admission.closed(permit, CloseKind::Finished);
    assert_eq!(admission.poll(now), Accept::Now);
    assert_eq!(pauses(&mut admission, &mut now, 1), [ms(80)]);
}

#[test]
fn those_who_fail_together_pause_once() {
    let mut admission = Admission::new(AdmissionLimits::new());
    let together: Vec<_> = (0..8).map(|_| admission.reserve(at(0)).expect("a place")).collect();
    for reservation in together {
        admission.accept_failed(reservation, AcceptFault::OutOfResources, at(0));
    }
    assert_eq!(admission.poll(at(0)), Accept::WaitUntil(at(10)));
    fail(&mut admission, AcceptFault::OutOfResources, at(10));
    assert_eq!(admission.poll(at(10)), Accept::WaitUntil(at(30)), "the second time, twice as long");
}

#[test]
fn who_waits_for_the_end_of_a_pause_is_woken_when_an_accept_ends_it() {
    let mut admission = Admission::new(AdmissionLimits::new());
    let [failing, succeeding] = [(); 2].map(|()| admission.reserve(at(0)).expect("a place"));
    admission.accept_failed(failing, AcceptFault::OutOfResources, at(0));
    let _ = admission.poll_waiters();
    assert_eq!(admission.poll(at(0)), Accept::WaitUntil(at(10)));
    let _permit = admission.accepted(succeeding, peer(1), at(0)).expect("a place");
    assert_eq!(admission.poll(at(0)), Accept::Now);
    assert!(admission.poll_waiters());
}

#[test]
fn an_accept_that_is_refused_ends_the_pause_too() {
    let limits = limits(|limits| limits.connections_per_address_max = Some(1));
    let mut admission = Admission::new(limits);
    let _kept = accept(&mut admission, peer(1), at(0)).unwrap();
    // Of another thread.
    let reservation = admission.reserve(at(0)).unwrap();
    fail(&mut admission, AcceptFault::OutOfResources, at(0));
    assert!(admission.reserve(at(1)).is_none());
    assert_eq!(admission.accepted(reservation, peer(1), at(1)).unwrap_err(), per_address(1));
    assert_eq!(admission.poll(at(1)), Accept::Now);
    assert_eq!(pauses(&mut admission, &mut at(1), 1), [ms(10)]);
}

#[test]
fn bounds_of_pauses_are_made_sense_of() {
    for (min, max, expected) in [
        (ms(0), ms(3), [1, 2, 3]),
        (ms(0), ms(0), [1, 1, 1]),
        (ms(1), ms(0), [1, 1, 1]),
        (ms(5), ms(1), [5, 5, 5]),
        (ms(2), ms(100), [2, 4, 8]),
    ] {
        let mut admission = Admission::new(limits(|limits| {
            limits.accept_backoff_min = min;
            limits.accept_backoff_max = max;
        }));
        assert_eq!(pauses(&mut admission, &mut at(0), 3), expected.map(ms), "{min:?} {max:?}");
    }
    assert_eq!(ACCEPT_BACKOFF_MIN, ms(1));
    let mut longest = Admission::new(limits(|limits| {
        limits.accept_backoff_min = Duration::MAX;
        limits.accept_backoff_max = Duration::MAX;
    }));
    for reservation in [(); 2].map(|()| longest.reserve(at(0)).unwrap()) {
        longest.accept_failed(reservation, AcceptFault::Other, at(0));
        assert_eq!(longest.poll(at(0)), Accept::WaitUntil(Instant::MAX));
    }
}

#[test]
fn an_aborted_accept_is_no_reason_to_wait() {
    let mut admission = Admission::new(AdmissionLimits::new());
    fail(&mut admission, AcceptFault::Aborted, at(0));
    assert_eq!(admission.poll(at(0)), Accept::Now);
    // Nor to go on earlier.
    let [first, second] = [(); 2].map(|()| admission.reserve(at(0)).unwrap());
    admission.accept_failed(first, AcceptFault::OutOfResources, at(0));
    admission.accept_failed(second, AcceptFault::Aborted, at(1));
    assert_eq!(admission.poll(at(1)), Accept::WaitUntil(at(10)));
}

#[test]
fn a_thread_that_cannot_start_counts_as_refused_and_pauses_grow() {
    let mut admission =
        Admission::new(limits(|limits| limits.connections_per_address_max = Some(1)));
    let mut now = at(0);
    for pause in [10, 20, 40, 80] {
        // Accepting succeeds each time.
        let permit = accept(&mut admission, peer(1), now).unwrap();
        admission.thread_failed(permit, now);
        assert_eq!(admission.poll(now), Accept::WaitUntil(now + ms(pause)));
        assert_eq!((admission.active(), admission.addresses_len()), (0, 0));
        now = now + ms(pause);
    }
    let statistics = admission.statistics();
    // The count of those that were admitted never falls.
    assert_eq!((statistics.accepted, statistics.active, statistics.refused), (4, 0, 4));
    assert_eq!(statistics.refused_for(RefusalKind::Resources), 4);
    assert_eq!(statistics.closed_as(CloseKind::Refused), 4);
    // One that can start ends it.
    let started = accept(&mut admission, peer(1), now).unwrap();
    let failed = accept(&mut admission, peer(2), now).unwrap();
    admission.thread_failed(failed, now);
    assert_eq!(admission.poll(now), Accept::WaitUntil(now + ms(10)));
    admission.closed(started, CloseKind::Finished);
}

#[test]
fn draining_stops_accepting_and_ends_by_force() {
    let mut admission = Admission::new(limits(|limits| limits.drain_timeout = ms(100)));
    let permit = accept(&mut admission, None, at(0)).unwrap();
    let [first, second] = [(); 2].map(|()| admission.reserve(at(0)).unwrap());
    assert!(!admission.is_draining() && !admission.is_drained() && !admission.force_due(at(0)));
    assert_eq!(admission.deadline(), None);

    admission.drain(at(50));
    assert_eq!(admission.poll(at(50)), Accept::Never);
    assert!(admission.reserve(at(50)).is_none());
    // Accepted at the moment at which draining began.
    let late = admission.accepted(first, None, at(50)).unwrap();
    admission.closed(late, CloseKind::Finished);
    assert!(admission.is_draining() && !admission.is_drained());
    assert_eq!(admission.deadline(), Some(at(150)));

    // Asked again, it does not begin anew.
    admission.drain(at(120));
    assert_eq!(admission.deadline(), Some(at(150)));
    assert!(!admission.force_due(at(149)));
    assert!(admission.force_due(at(150)));
    assert!(admission.force_due(at(151)));
    assert_eq!(admission.deadline(), None);
    assert_eq!(admission.accepted(second, None, at(151)).unwrap_err(), Refusal::Ending);

    admission.closed(permit, CloseKind::Stopped);
    assert!(admission.is_drained());
    assert_eq!(admission.poll(at(151)), Accept::Never);
    let statistics = admission.statistics();
    assert_eq!((statistics.accepted, statistics.active, statistics.refused), (2, 0, 1));
    assert_eq!(statistics.closed.iter().sum::<u64>(), 2);
    assert_eq!(statistics.refused_for(RefusalKind::Ending), 1);
    assert_eq!(statistics.closed_as(CloseKind::Stopped), 1);

    let mut empty = Admission::new(AdmissionLimits::new());
    empty.drain(at(0));
    assert!(empty.is_drained());
    assert_eq!(empty.deadline(), None);
}

#[test]
fn a_server_is_not_drained_while_somebody_may_come_for_a_reserved_place() {
    for is_stopped in [false, true] {
        let mut admission = Admission::new(limits(|limits| limits.drain_timeout = ms(100)));
        let [first, second] = [(); 2].map(|()| admission.reserve(at(0)).unwrap());
        admission.drain(at(0));
        assert!(!admission.is_drained() && !admission.poll_waiters());
        assert_eq!(admission.deadline(), Some(at(100)));
        admission.unused(first);
        assert!(!admission.is_drained() && !admission.poll_waiters());
        if is_stopped {
            admission.request(Request::Stop, at(1));
            assert!(!admission.is_drained());
            assert_eq!(admission.accepted(second, None, at(1)).unwrap_err(), Refusal::Ending);
        } else {
            let permit = admission.accepted(second, None, at(1)).unwrap();
            assert!(!admission.is_drained() && !admission.poll_waiters());
            admission.closed(permit, CloseKind::Finished);
        }
        // Whoever waits for the end is woken, though nobody was told to wait for a place.
        assert!(admission.is_drained() && admission.poll_waiters() && !admission.poll_waiters());
        assert_eq!(admission.deadline(), None);
    }
    let mut admission = Admission::new(AdmissionLimits::new());
    let reservation = admission.reserve(at(0)).unwrap();
    admission.drain(at(0));
    admission.unused(reservation);
    assert!(admission.is_drained() && admission.poll_waiters());
}

#[test]
fn a_drain_timeout_of_zero_expires_at_once_and_the_longest_never() {
    for (timeout, deadline) in [(Duration::ZERO, Some(at(7).next())), (Duration::MAX, None)] {
        let mut admission = Admission::new(limits(|limits| limits.drain_timeout = timeout));
        let _kept = accept(&mut admission, None, at(0)).unwrap();
        admission.drain(at(7));
        assert_eq!(admission.deadline(), deadline);
        assert!(!admission.force_due(at(7)));
        assert_eq!(admission.force_due(Instant::MAX), deadline.is_some());
    }
}

#[test]
fn while_it_pauses_it_accepts_and_is_not_ready() {
    let mut admission = Admission::new(limits(|limits| {
        limits.drain_pause = ms(30);
        limits.drain_timeout = ms(100);
    }));
    assert!(!admission.is_ready(), "nobody accepts yet");
    assert_eq!(admission.poll(at(0)), Accept::Now);
    assert!(admission.is_ready());

    admission.request(Request::Terminate, at(50));
    assert_eq!((admission.is_ready(), admission.phase(at(50))), (false, Phase::Pausing));
    assert_eq!((admission.poll(at(79)), admission.deadline()), (Accept::Now, Some(at(80))));
    let permit = accept(&mut admission, None, at(79)).unwrap();
    assert!(!admission.is_draining());

    assert_eq!((admission.poll(at(80)), admission.deadline()), (Accept::Never, Some(at(180))));
    assert_eq!((admission.is_ready(), admission.phase(at(179))), (false, Phase::Draining));
    assert_eq!((admission.phase(at(180)), admission.force_due(at(180))), (Phase::Stopping, true));
    admission.closed(permit, CloseKind::Stopped);
    assert!(admission.is_drained() && !admission.statistics().all_drained());
}

#[test]
fn a_second_signal_ends_a_server_that_pauses_or_drains() {
    for first in [Request::Terminate, Request::Interrupt] {
        for second in [Request::Terminate, Request::Interrupt] {
            let mut admission = Admission::new(limits(|limits| limits.drain_pause = ms(30)));
            let _kept = accept(&mut admission, None, at(0)).unwrap();
            admission.request(first, at(1));
            assert!(!admission.force_due(at(2)));
            admission.request(second, at(2));
            assert!(admission.force_due(at(2)));
            assert_eq!((admission.poll(at(2)), admission.deadline()), (Accept::Never, None));
        }
    }
}

#[test]
fn limits_that_are_set_after_a_request_keep_it() {
    let mut admission = Admission::new(AdmissionLimits::new());
    admission.drain(at(5));
    admission.set_limits(limits(|limits| {
        limits.connections_max = 1;
        limits.drain_timeout = ms(100);
        limits.accept_backoff_min = ms(3);
    }));
    assert_eq!(admission.phase(at(104)), Phase::Draining);
    assert!(admission.force_due(at(105)));

    let mut admission = Admission::new(AdmissionLimits::new());
    admission.set_limits(limits(|limits| limits.accept_backoff_min = ms(3)));
    assert_eq!(pauses(&mut admission, &mut at(0), 2), [3, 6].map(ms));
}

#[test]
fn an_earlier_time_counts_as_the_latest() {
    let mut admission = Admission::new(AdmissionLimits::new());
    let [first, second] = [(); 2].map(|()| admission.reserve(at(100)).unwrap());
    admission.accept_failed(first, AcceptFault::OutOfResources, at(0));
    assert_eq!(admission.poll(at(0)), Accept::WaitUntil(at(110)));
    admission.drain(at(0));
    let _kept = admission.accepted(second, None, at(0)).unwrap();
    assert!(!admission.force_due(at(10_099)));
    assert!(admission.force_due(at(10_100)));
}

#[test]
fn permits_and_reservations_of_another_admission_do_no_harm() {
    let limits = limits(|limits| {
        limits.connections_per_address_max = Some(1);
        limits.connections_max = 4;
    });
    let (mut one, mut other) = (Admission::new(limits.clone()), Admission::new(limits));
    let permit = accept(&mut one, peer(1), at(0)).unwrap();
    other.closed(permit, CloseKind::Finished);
    assert_eq!((other.active(), other.statistics().active), (0, 0));

    other.unused(one.reserve(at(0)).unwrap());
    for last in 0..4 {
        let reservation = one.reserve(at(0)).unwrap();
        one.unused(reservation);
        let _kept = accept(&mut other, peer(last), at(0)).unwrap();
    }
    // Those that are open are bounded all the same.
    let reservation = one.reserve(at(0)).unwrap();
    assert_eq!(other.accepted(reservation, peer(9), at(0)).unwrap_err(), total(4));
    assert_eq!(other.active(), 4);
}

#[test]
fn display_texts() {
    for (text, expected) in [
        (Refusal::Ending.to_string(), "the server is being ended by force"),
        (total(3).to_string(), "3 connections are open, the most allowed"),
        (AcceptFault::Aborted.to_string(), "the connection was aborted before it was accepted"),
        (AcceptFault::OutOfResources.to_string(), "out of descriptors, memory or threads"),
        (AcceptFault::Other.to_string(), "accepting failed"),
    ] {
        assert_eq!(text, expected);
    }
}

#[cfg(all(feature = "std", unix))]
#[test]
fn errors_of_the_system_are_told_apart() {
    use std::io::{Error, ErrorKind};

    let linux = cfg!(any(target_os = "linux", target_os = "android"));
    let (enobufs, codes) = if linux { (105, &[71, 64, 92, 112][..]) } else { (55, &[][..]) };
    for code in [24, 23, 12, enobufs] {
        let error = Error::from_raw_os_error(code);
        assert_eq!(AcceptFault::from_os(&error), AcceptFault::OutOfResources, "{error}");
    }
    let aborted = [
        ErrorKind::ConnectionAborted,
        ErrorKind::ConnectionReset,
        ErrorKind::HostUnreachable,
        ErrorKind::Interrupted,
        ErrorKind::NetworkDown,
        ErrorKind::NetworkUnreachable,
        ErrorKind::TimedOut,
        ErrorKind::WouldBlock,
    ];
    let aborted = aborted.map(Error::from).into_iter();
    for error in aborted.chain(codes.iter().map(|code| Error::from_raw_os_error(*code))) {
        assert_eq!(AcceptFault::from_os(&error), AcceptFault::Aborted, "{error}");
    }
    // EBADF, EINVAL, and an error without a code.
    for error in [9, 22].map(Error::from_raw_os_error).into_iter().chain([Error::other("x")]) {
        assert_eq!(AcceptFault::from_os(&error), AcceptFault::Other, "{error}");
    }
    // EPERM stays as long as its cause does.
    assert_eq!(AcceptFault::from_os(&Error::from_raw_os_error(1)), AcceptFault::Other);
}

#[derive(Clone, Debug)]
enum Call {
    Reserve,
    Accepted(Option<u8>),
    AcceptFailed(AcceptFault),
    Unused,
    PollWaiters,
    Closed(prop::sample::Index, usize),
    ThreadFailed(prop::sample::Index),
    Drain,
    Pass(u64),
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let fault = prop_oneof![
        Just(AcceptFault::Aborted),
        Just(AcceptFault::OutOfResources),
        Just(AcceptFault::Other),
    ];
    let call = prop_oneof![
        12 => Just(Call::Reserve),
        8 => prop::option::weighted(0.9, 0..3_u8).prop_map(Call::Accepted),
        3 => fault.prop_map(Call::AcceptFailed),
        1 => Just(Call::Unused),
        2 => Just(Call::PollWaiters),
        4 => (any::<prop::sample::Index>(), 0..3_usize).prop_map(|(index, kind)| Call::Closed(index, kind)),
        1 => any::<prop::sample::Index>().prop_map(Call::ThreadFailed),
        1 => Just(Call::Drain),
        4 => (0..60_u64).prop_map(Call::Pass),
    ];
    prop::collection::vec(call, 0..80)
}

/// What happened, as lists; the numbers are worked out from them.
#[derive(Default)]
struct Model {
    open: Vec<Option<u8>>,
    reserved: usize,
    /// Somebody was told to wait after the last that were woken, and a place was given back after.
    is_told: bool,
    is_due: bool,
    accepted: u64,
    refused: u64,
    closed: [u64; CloseKind::COUNT],
    /// Failures since the last accept, and before it while its thread may still fail.
    failures: u32,
    failures_before: u32,
    resume_at: Option<Instant>,
    drained_at: Option<Instant>,
}

impl Model {
    fn is_pausing(&self, now: Instant) -> bool {
        self.resume_at.is_some_and(|at| at > now)
    }

    fn fail(&mut self, now: Instant) {
        if self.is_pausing(now) {
            return;
        }
        self.resume_at = Some(now + ms((10 << self.failures.min(4)).min(100)));
        self.failures += 1;
    }

    fn give_back(&mut self) {
        self.is_due |= self.is_told || self.is_drained();
    }

    fn is_drained(&self) -> bool {
        self.drained_at.is_some() && self.open.is_empty() && self.reserved == 0
    }

    fn verdict(&self, peer: Option<u8>, max_per_address: usize, now: Instant) -> Option<Refusal> {
        let from_peer = self.open.iter().filter(|open| **open == peer).count();
        if self.drained_at.is_some_and(|at| at + ms(200) <= now) {
            Some(Refusal::Ending)
        } else if peer.is_some() && from_peer == max_per_address {
            Some(per_address(max_per_address as u64))
        } else {
            None
        }
    }

    fn poll(&self, now: Instant, max: usize) -> Accept {
        match self.resume_at {
            _ if self.drained_at.is_some() => Accept::Never,
            _ if self.open.len() + self.reserved == max => Accept::WaitForClose,
            Some(at) if at > now => Accept::WaitUntil(at),
            _ => Accept::Now,
        }
    }
}

proptest! {
    #[test]
    fn any_calls_in_any_order_agree_with_the_model(
        calls in calls(), max in 1..6_usize, max_per_address in 1..4_usize,
    ) {
        let mut admission = Admission::new(limits(|limits| {
            limits.connections_max = max;
            limits.connections_per_address_max = Some(max_per_address);
            limits.accept_backoff_max = ms(100);
            limits.drain_timeout = ms(200);
        }));
        let mut model = Model::default();
        let mut permits: Vec<Permit> = Vec::new();
        let mut reservations: Vec<Reservation> = Vec::new();
        let mut now = at(0);
        for call in calls {
            match call {
                Call::Reserve => {
                    let accept = model.poll(now, max);
                    let reservation = admission.reserve(now);
                    prop_assert_eq!(reservation.is_some(), accept == Accept::Now);
                    reservations.extend(reservation);
                    model.reserved = reservations.len();
                }
                Call::Accepted(from) if !reservations.is_empty() => {
                    model.failures_before = model.failures;
                    model.failures = 0;
                    model.is_due |= model.is_told && model.is_pausing(now);
                    model.resume_at = None;
                    let verdict = model.verdict(from, max_per_address, now);
                    let reservation = reservations.pop().unwrap();
                    model.reserved -= 1;
                    match admission.accepted(reservation, from.and_then(peer), now) {
                        Ok(permit) => {
                            prop_assert_eq!(verdict, None);
                            permits.push(permit);
                            model.open.push(from);
                            model.accepted += 1;
                        }
                        Err(refusal) => {
                            prop_assert_eq!(verdict, Some(refusal));
                            model.refused += 1;
                            model.give_back();
                        }
                    }
                }
                Call::AcceptFailed(fault) if !reservations.is_empty() => {
                    admission.accept_failed(reservations.pop().unwrap(), fault, now);
                    model.reserved -= 1;
                    model.give_back();
                    if fault != AcceptFault::Aborted {
                        model.fail(now);
                    }
                }
                Call::Unused if !reservations.is_empty() => {
                    admission.unused(reservations.pop().unwrap());
                    model.reserved -= 1;
                    model.give_back();
                }
                Call::PollWaiters => {
                    prop_assert_eq!(admission.poll_waiters(), model.is_due);
                    if model.is_due {
                        (model.is_told, model.is_due) = (false, false);
                    }
                }
                Call::Closed(index, kind) if !permits.is_empty() => {
                    let index = index.index(permits.len());
                    let kind = CloseKind::ALL[kind];
                    admission.closed(permits.remove(index), kind);
                    model.open.remove(index);
                    model.give_back();
                    model.resume_at = None;
                    model.closed[kind.index()] += 1;
                }
                Call::ThreadFailed(index) if !permits.is_empty() => {
                    let index = index.index(permits.len());
                    admission.thread_failed(permits.remove(index), now);
                    model.open.remove(index);
                    model.give_back();
                    model.closed[CloseKind::Refused.index()] += 1;
                    model.refused += 1;
                    model.failures = model.failures.max(model.failures_before);
                    model.fail(now);
                }
                Call::Accepted(_) | Call::AcceptFailed(_) | Call::Unused => {}
                Call::Closed(..) | Call::ThreadFailed(_) => {}
                Call::Drain => {
                    admission.drain(now);
                    model.drained_at.get_or_insert(now);
                }
                Call::Pass(millis) => now = now + ms(millis),
            }
            let accept = admission.poll(now);
            prop_assert_eq!(accept, model.poll(now, max));
            if let Accept::WaitUntil(at) = accept {
                prop_assert!(at > now);
            }
            model.is_told |= matches!(accept, Accept::WaitUntil(_) | Accept::WaitForClose);
            let force_at = model.drained_at.map(|at| at + ms(200));
            prop_assert_eq!(admission.force_due(now), force_at.is_some_and(|at| at <= now));
            let is_drained = model.is_drained();
            prop_assert_eq!(admission.deadline(), force_at.filter(|at| !is_drained && *at > now));
            prop_assert_eq!(admission.is_drained(), is_drained);
            prop_assert!(admission.active() + reservations.len() <= max);
            let mut addresses: HashMap<u8, usize> = HashMap::new();
            model.open.iter().flatten().for_each(|peer| *addresses.entry(*peer).or_default() += 1);
            prop_assert_eq!(admission.addresses_len(), addresses.len());
            prop_assert!(addresses.values().all(|count| *count <= max_per_address));
            let statistics = admission.statistics();
            prop_assert_eq!(statistics.active, model.open.len() as u64);
            prop_assert_eq!(statistics.accepted, model.accepted);
            prop_assert_eq!(statistics.refused, model.refused);
            prop_assert_eq!(statistics.refusals.iter().sum::<u64>(), model.refused);
            prop_assert_eq!(statistics.closed, model.closed);
        }
    }
}
