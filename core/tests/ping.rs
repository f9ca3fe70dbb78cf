//! When a ping sends, and what it makes of what comes back: in virtual time, over networks that
//! lose, repeat, delay and damage.

use std::time::Duration;

use drywire::Instant;
use drywire::ping::{
    Answer, Distribution, End, Ping, PingOptions, PingStatistics, PingStep, REMEMBERED_MAX,
    Request, Stage,
};
use proptest::prelude::*;

const MS: u64 = 1_000_000;

fn at(millis: u64) -> Instant {
    Instant::from_nanos(millis * MS)
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn options(count: u64) -> PingOptions {
    let mut options = PingOptions::new();
    options.interval = ms(100);
    options.timeout = ms(1000);
    options.count = Some(count);
    options.nonce = 0x5eed;
    options
}

#[track_caller]
fn send(ping: &mut Ping, now: Instant) -> Request {
    match ping.next(now) {
        Some(PingStep::Send(request)) => request,
        step => panic!("{step:?}"),
    }
}

fn payload(ping: &Ping, request: &Request) -> Vec<u8> {
    let mut payload = Vec::new();
    ping.write_payload(request, &mut payload);
    payload
}

/// Reports the right reply.
fn answer(ping: &mut Ping, request: &Request, now: Instant) -> Answer {
    let payload = payload(ping, request);
    ping.answered(request.sequence, &payload, now)
}

#[test]
fn requests_go_out_at_a_steady_interval() {
    let mut ping = Ping::new(options(4), at(5));
    let first = send(&mut ping, at(5));
    assert_eq!((first.number, first.sequence, first.sent_at), (0, 0, at(5)));
    assert_eq!((ping.next(at(5)), ping.deadline()), (None, Some(at(105))));
    assert_eq!(ping.next(Instant::from_nanos(105 * MS - 1)), None);
    // A driver that is a little late stays in step.
    assert_eq!(send(&mut ping, at(107)).number, 1);
    assert_eq!(ping.deadline(), Some(at(205)));
    // One that is very late is asked for no burst.
    assert_eq!(send(&mut ping, at(650)).number, 2);
    assert_eq!((ping.next(at(650)), ping.deadline()), (None, Some(at(750))));
    assert_eq!(send(&mut ping, at(750)).number, 3);
    // All are sent: what is waited for is the first to be given up.
    assert_eq!(ping.deadline(), Some(at(1005)));
    assert_eq!(ping.in_flight(), 4);
}

#[test]
fn a_request_is_given_up_when_its_time_has_passed() {
    for (back_at, in_time) in [(999, true), (1000, true), (1001, false)] {
        let mut ping = Ping::new(options(1), at(0));
        let request = send(&mut ping, at(0));
        let mut given_up = false;
        // The driver reports what came, then what is due; this one wakes at 1000 and 1001.
        for now in [999, 1000, 1001] {
            if now == back_at {
                let answered = answer(&mut ping, &request, at(now));
                assert_eq!(matches!(answered, Answer::Reply(_)), in_time, "{answered:?}");
            }
            ping.handle_timeout(at(now));
            given_up |= ping.next(at(now)) == Some(PingStep::TimedOut { number: 0 });
        }
        assert_eq!(given_up, !in_time, "{back_at}");
        let statistics = ping.statistics();
        let counts = (statistics.received, statistics.timed_out, statistics.late);
        assert_eq!(counts, if in_time { (1, 0, 0) } else { (0, 1, 1) });
        assert!(statistics.has_reply());
    }
}

#[test]
fn what_comes_later_is_a_duplicate_or_late() {
    let mut ping = Ping::new(options(3), at(0));
    let requests = [0, 100, 200].map(|now| send(&mut ping, at(now)));
    let Answer::Reply(reply) = answer(&mut ping, &requests[1], at(220)) else { panic!() };
    assert_eq!((reply.number, reply.round_trip, reply.is_reordered), (1, ms(120), false));
    assert_eq!(answer(&mut ping, &requests[1], at(221)), Answer::Duplicate { number: 1 });
    let Answer::Reply(reply) = answer(&mut ping, &requests[0], at(230)) else { panic!() };
    assert_eq!((reply.number, reply.is_reordered), (0, true));
    assert_eq!(ping.failed(2, at(240)), Some(2));
    // Once is enough, and what is answered does not fail.
    assert_eq!((ping.failed(2, at(240)), ping.failed(1, at(240))), (None, None));
    let late = Answer::Late { number: 2, round_trip: ms(50) };
    assert_eq!(answer(&mut ping, &requests[2], at(250)), late);
    assert_eq!(answer(&mut ping, &requests[2], at(250)), Answer::Duplicate { number: 2 });
    assert_eq!(ping.next(at(250)), Some(PingStep::Finished(End::Count)));
    assert_eq!(ping.next(at(250)), None);
    assert!(ping.is_finished() && ping.deadline().is_none());
    let statistics = ping.statistics();
    assert_eq!((statistics.sent, statistics.received, statistics.failed), (3, 2, 1));
    assert_eq!((statistics.duplicates, statistics.late, statistics.reordered), (2, 1, 1));
    assert_eq!(statistics.round_trip.count(), 2);
}

#[test]
fn strangers_and_damaged_replies_are_foreign() {
    let mut ping = Ping::new(options(2), at(0));
    assert_eq!(ping.answered(0, &[], at(0)), Answer::Foreign);
    let request = send(&mut ping, at(0));
    let good = payload(&ping, &request);
    assert_eq!(good.len(), 56);
    assert_eq!(ping.sequence_in(&good), Some(0));
    for at_byte in 0..good.len() {
        let mut damaged = good.clone();
        damaged[at_byte] ^= 0x10;
        assert_eq!(ping.answered(0, &damaged, at(1)), Answer::Foreign, "{at_byte}");
    }
    assert_eq!(ping.answered(0, &good[..55], at(1)), Answer::Foreign);
    assert_eq!(ping.answered(1, &good, at(1)), Answer::Foreign);
    // Another ping of the same time, with another nonce.
    let mut other = Ping::new(PingOptions::new(), at(0));
    let stranger = send(&mut other, at(0));
    let strange = payload(&other, &stranger);
    assert_eq!(ping.answered(0, &strange, at(1)), Answer::Foreign);
    assert_eq!(ping.statistics().foreign, 56 + 4);
    assert!(matches!(ping.answered(0, &good, at(1)), Answer::Reply(_)));
}

#[test]
fn as_many_are_in_flight_as_may_be() {
    for max in [0, 1, 2, 3] {
        let mut options = options(9);
        options.in_flight_max = max;
        options.interval = Duration::ZERO;
        let mut ping = Ping::new(options, at(0));
        let mut requests = Vec::new();
        for now in 0..5 {
            let step = ping.next(at(now));
            requests.extend(step.map(|step| match step {
                PingStep::Send(request) => request,
                step => panic!("{step:?}"),
            }));
        }
        assert_eq!(requests.len(), max.max(1));
        // Nothing but an answer or the time that is given lets another one go.
        assert_eq!(ping.deadline(), Some(at(1000)));
        answer(&mut ping, &requests[0], at(6));
        assert_eq!(send(&mut ping, at(6)).number, requests.len() as u64);
        assert_eq!(ping.next(at(6)), None);
    }
}

#[test]
fn the_oldest_request_that_is_waited_for_is_remembered_at_most_so_long() {
    let mut options = PingOptions::new();
    options.interval = Duration::from_nanos(1);
    options.timeout = Duration::from_secs(1);
    let mut ping = Ping::new(options, at(0));
    let lost = send(&mut ping, at(0));
    let mut now = at(0);
    for number in 1..REMEMBERED_MAX as u64 {
        now = now.next();
        let request = send(&mut ping, now);
        assert_eq!(request.number, number);
        assert!(matches!(answer(&mut ping, &request, now), Answer::Reply(_)));
    }
    now = now.next();
    assert_eq!((ping.next(now), ping.in_flight()), (None, 1));
    assert_eq!(ping.deadline(), Some(Instant::ZERO + Duration::from_secs(1)));
    assert!(matches!(answer(&mut ping, &lost, now), Answer::Reply(_)));
    assert_eq!(send(&mut ping, now).number, REMEMBERED_MAX as u64);
    // And is forgotten then.
    assert_eq!(answer(&mut ping, &lost, now), Answer::Foreign);
}

/// Without a payload the sequence is all there is.
#[test]
fn sequences_that_were_not_sent_are_foreign() {
    let mut options = options(40_000);
    options.payload_len = 0;
    options.interval = ms(1);
    options.timeout = Duration::MAX;
    let mut ping = Ping::new(options, at(0));
    let sent = [0, 1, 2].map(|now| send(&mut ping, at(now)).sequence);
    assert_eq!(sent, [0, 1, 2]);
    for sequence in (3..=u16::MAX).rev() {
        assert_eq!(ping.answered(sequence, &[], at(3)), Answer::Foreign, "{sequence}");
    }
    for sequence in sent {
        assert!(matches!(ping.answered(sequence, &[], at(3)), Answer::Reply(_)), "{sequence}");
    }
}

#[test]
fn sequence_numbers_come_round() {
    let mut options = options(140_000);
    options.interval = ms(1);
    let mut ping = Ping::new(options, at(0));
    let mut last = None;
    for number in 0..140_000 {
        let request = send(&mut ping, at(number));
        assert_eq!((request.number, u64::from(request.sequence)), (number, number % 65_536));
        if let Some(last) = last.replace(request) {
            assert!(matches!(answer(&mut ping, &last, at(number)), Answer::Reply(_)));
            assert_eq!(
                answer(&mut ping, &last, at(number)),
                Answer::Duplicate { number: number - 1 }
            );
        }
        // A reply that took a round of the numbers is nobody's.
        if let Some(old) = number.checked_sub(65_536) {
            let sequence = request.sequence;
            let old = Request { number: old, sequence, sent_at: at(old) };
            assert_eq!(answer(&mut ping, &old, at(number)), Answer::Foreign);
        }
    }
    let statistics = ping.statistics();
    assert_eq!((statistics.received, statistics.duplicates), (139_999, 139_999));
    assert_eq!(statistics.round_trip.percentile(99), Some(ms(1)));
}

#[test]
fn it_ends_by_count_deadline_or_stop() {
    let mut ping = Ping::new(options(0), at(0));
    assert_eq!(ping.next(at(0)), Some(PingStep::Finished(End::Count)));

    let mut limited = options(100);
    limited.deadline = ms(250);
    let mut ping = Ping::new(limited, at(0));
    for now in [0, 100, 200] {
        send(&mut ping, at(now));
    }
    assert_eq!(ping.deadline(), Some(at(250)));
    assert_eq!(ping.next(Instant::from_nanos(250 * MS - 1)), None);
    assert_eq!(ping.next(at(250)), Some(PingStep::Finished(End::Deadline)));
    assert_eq!((ping.in_flight(), ping.statistics().timed_out), (3, 0));

    // A driver that sleeps over both finds what was due before.
    let mut limited = options(1);
    limited.deadline = ms(2000);
    let mut ping = Ping::new(limited, at(0));
    send(&mut ping, at(0));
    assert_eq!(ping.next(at(5000)), Some(PingStep::TimedOut { number: 0 }));
    assert_eq!(ping.next(at(5000)), Some(PingStep::Finished(End::Count)));

    // What ended before it could be given up was not lost.
    let mut limited = options(1);
    limited.deadline = ms(500);
    let mut ping = Ping::new(limited, at(0));
    send(&mut ping, at(0));
    assert_eq!(ping.next(at(5000)), Some(PingStep::Finished(End::Deadline)));

    let mut ping = Ping::new(options(100), at(0));
    let request = send(&mut ping, at(0));
    ping.stop(at(1));
    assert_eq!(ping.deadline(), None);
    assert!(matches!(answer(&mut ping, &request, at(1)), Answer::Reply(_)));
    assert_eq!(ping.next(at(1)), Some(PingStep::Finished(End::Stopped)));
    ping.stop(at(1));
    assert_eq!(ping.next(at(1)), None);
}

#[test]
fn stages_are_told_apart() {
    let mut ping = Ping::new(options(1), at(0));
    let request = send(&mut ping, at(0));
    ping.reached(0, Stage::Connect, at(10));
    ping.reached(7, Stage::Connect, at(10));
    ping.reached(0, Stage::Handshake, at(40));
    ping.reached(0, Stage::Echo, at(45));
    let Answer::Reply(reply) = answer(&mut ping, &request, at(45)) else { panic!() };
    assert_eq!(reply.round_trip, ms(45));
    let laps = [reply.laps.connect, reply.laps.handshake, reply.laps.echo];
    assert_eq!(laps, [ms(10), ms(30), ms(5)].map(Some));
    let statistics = ping.statistics();
    let means =
        [&statistics.connect, &statistics.handshake, &statistics.echo].map(Distribution::mean);
    assert_eq!(means, laps);
    assert_eq!(statistics.round_trip.mean(), Some(ms(45)));
}

#[test]
fn a_reply_is_measured_by_when_it_came() {
    let mut ping = Ping::new(options(1), at(0));
    let request = send(&mut ping, at(0));
    ping.handle_timeout(at(30));
    // It was there before the driver looked.
    let Answer::Reply(reply) = answer(&mut ping, &request, at(20)) else { panic!() };
    assert_eq!(reply.round_trip, ms(20));
    assert_eq!(ping.deadline(), None);
}

/// One copy of a reply: how long it takes, and whether it is damaged.
type Copy = (u64, bool);

/// What a network makes of each request, in order.
fn networks() -> impl Strategy<Value = Vec<Vec<Copy>>> {
    let copy = (0_u64..400, prop::bool::weighted(0.1));
    prop::collection::vec(prop::collection::vec(copy, 0..4), 1..60)
}

/// Drives a ping over the network in virtual time.
fn drive(options: &PingOptions, network: &[Vec<Copy>]) -> (PingStatistics, Vec<Duration>, Instant) {
    let mut ping = Ping::new(options.clone(), Instant::ZERO);
    let mut now = Instant::ZERO;
    let mut on_the_way: Vec<(Instant, u16, Vec<u8>)> = Vec::new();
    let mut round_trips = Vec::new();
    loop {
        on_the_way.sort_by_key(|(at, ..)| *at);
        while on_the_way.first().is_some_and(|(at, ..)| *at <= now) {
            let (_, sequence, payload) = on_the_way.remove(0);
            if let Answer::Reply(reply) = ping.answered(sequence, &payload, now) {
                round_trips.push(reply.round_trip);
            }
        }
        ping.handle_timeout(now);
        assert!(ping.deadline().is_none_or(|deadline| deadline > now));
        loop {
            match ping.next(now) {
                Some(PingStep::Send(request)) => {
                    let number = usize::try_from(request.number).unwrap();
                    for (delay, is_damaged) in &network[number] {
                        let mut payload = payload(&ping, &request);
                        payload[20] ^= u8::from(*is_damaged);
                        on_the_way.push((now + ms(*delay), request.sequence, payload));
                    }
                }
                Some(PingStep::TimedOut { .. }) => {}
                Some(PingStep::Finished(_)) => {
                    return (ping.statistics().clone(), round_trips, now);
                }
                None => break,
            }
        }
        let arrivals = on_the_way.iter().map(|(at, ..)| *at).filter(|at| *at > now);
        if on_the_way.iter().any(|(at, ..)| *at <= now) {
            continue;
        }
        now = arrivals.chain(ping.deadline()).min().unwrap();
    }
}

/// The same counts by looking at each request by itself, knowing all that will happen.
fn expected(network: &[Vec<Copy>], interval: u64, timeout: u64) -> PingStatistics {
    let mut statistics = PingStatistics::default();
    statistics.sent = network.len() as u64;
    // When each is settled, and whether it is by an answer.
    let settled: Vec<_> = network
        .iter()
        .enumerate()
        .map(|(number, copies)| {
            let good = copies.iter().filter(|(_, is_damaged)| !is_damaged);
            let first = good.map(|(delay, _)| *delay).min().filter(|delay| *delay <= timeout);
            (number as u64 * interval + first.unwrap_or(timeout), first.is_some())
        })
        .collect();
    let end = settled.iter().map(|(at, _)| *at).max().unwrap();
    for (number, copies) in network.iter().enumerate() {
        let sent_at = number as u64 * interval;
        let heard = |(delay, _): &&Copy| sent_at + delay <= end;
        let good = copies.iter().filter(|(_, is_damaged)| !is_damaged).filter(heard).count() as u64;
        statistics.foreign += copies.iter().filter(heard).count() as u64 - good;
        if settled[number].1 {
            statistics.received += 1;
            statistics.duplicates += good - 1;
        } else {
            statistics.timed_out += 1;
            statistics.late += good.min(1);
            statistics.duplicates += good.saturating_sub(1);
        }
    }
    statistics
}

proptest! {
    /// Loss, duplication, reordering, delays beyond the time-out, damage.
    #[test]
    fn counts_are_those_of_a_naive_account(network in networks(), interval in 1_u64..200, timeout in 1_u64..300) {
        let mut options = options(network.len() as u64);
        options.interval = ms(interval);
        options.timeout = ms(timeout);
        let (statistics, round_trips, _) = drive(&options, &network);
        let expected = expected(&network, interval, timeout);
        let counts = |statistics: &PingStatistics| {
            let PingStatistics { sent, received, timed_out, failed, .. } = *statistics;
            let PingStatistics { duplicates, late, foreign, .. } = *statistics;
            [sent, received, timed_out, failed, duplicates, late, foreign]
        };
        prop_assert_eq!(counts(&statistics), counts(&expected));
        prop_assert_eq!(statistics.received, round_trips.len() as u64);
        prop_assert!(statistics.reordered < statistics.received.max(1));
    }

    /// What arrives in order is not reordered; what the network swaps is.
    #[test]
    fn swapped_neighbours_are_reordered_once(swaps in prop::collection::vec(any::<bool>(), 1..40)) {
        let mut options = options(2 * swaps.len() as u64);
        options.interval = ms(10);
        let network: Vec<_> = swaps
            .iter()
            .flat_map(|swap| [vec![(if *swap { 15 } else { 5 }, false)], vec![(3, false)]])
            .collect();
        let (statistics, ..) = drive(&options, &network);
        let swapped = swaps.iter().filter(|swap| **swap).count() as u64;
        prop_assert_eq!((statistics.received, statistics.reordered), (options.count.unwrap(), swapped));
    }

    /// Percentiles against a sorted list, the others against what their definitions say.
    #[test]
    fn figures_are_those_of_a_naive_account(
        nanos in prop::collection::vec(prop_oneof![0_u64..2000, 0_u64..5_000_000, 0_u64..60_000_000_000], 1..200),
    ) {
        let mut times = Distribution::new();
        nanos.iter().for_each(|nanos| times.record(Duration::from_nanos(*nanos)));
        let figure = |time: Option<Duration>| u64::try_from(time.unwrap().as_nanos()).unwrap();
        let mut sorted = nanos.clone();
        sorted.sort_unstable();
        prop_assert_eq!(figure(times.min()), sorted[0]);
        prop_assert_eq!(figure(times.max()), sorted[sorted.len() - 1]);
        for percent in 1..=100_u8 {
            let rank = (sorted.len() * usize::from(percent)).div_ceil(100);
            let (found, exact) = (figure(times.percentile(percent)), sorted[rank - 1]);
            prop_assert!(found.abs_diff(exact) <= exact / 128, "p{}: {} for {}", percent, found, exact);
        }
        #[expect(clippy::cast_precision_loss, reason = "the tolerance is wider")]
        let floats: Vec<f64> = nanos.iter().map(|nanos| *nanos as f64).collect();
        #[expect(clippy::cast_precision_loss, reason = "the tolerance is wider")]
        let (count, near) = (floats.len() as f64, |found: u64, exact: f64| {
            (found as f64 - exact).abs() <= 2.0 + exact * 1e-9
        });
        let mean = floats.iter().sum::<f64>() / count;
        prop_assert!(near(figure(times.mean()), mean));
        let variance = floats.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / count;
        prop_assert!(near(figure(times.standard_deviation()), variance.sqrt()));
        let mut jitter = 0.0;
        for pair in floats.windows(2) {
            jitter += ((pair[1] - pair[0]).abs() - jitter) / 16.0;
        }
        match times.jitter() {
            None => prop_assert_eq!(nanos.len(), 1),
            jitter_found => prop_assert!(near(figure(jitter_found), jitter)),
        }
    }

    #[test]
    fn any_call_is_legal_in_any_order(data: Vec<u8>) {
        drywire::testkit::fuzz::ping(&data);
    }
}
