//! Loads in virtual time: what is measured is what the link and the peer do, to the nanosecond.

use std::time::Duration;

use drywire::connection::{CloseKind, CloseReason};
use drywire::framing::{AnyFraming, ByteFraming, Lines, Raw};
use drywire::load::{Asker, Load, LoadOptions, Pace};
use drywire::ping::Distribution;
use drywire::protocol::{Discard, Echo};
use drywire::testkit::{OwnedFrames, Pair};
use drywire::{Handle, Instant, Protocol};

type Times = Load<Distribution>;

const SECOND: Duration = Duration::from_secs(1);

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn at(since_the_beginning: Duration) -> Instant {
    Instant::ZERO + since_the_beginning
}

fn load(change: impl FnOnce(&mut LoadOptions)) -> Times {
    let mut options = LoadOptions::new();
    change(&mut options);
    Load::new(options, Instant::ZERO)
}

/// The first connection of a load, to an echo over a link that takes its time.
fn joined<F>(load: &Times, framing: F, lag: Duration) -> Pair<Asker<F, Distribution>, Echo<F>>
where
    F: ByteFraming + OwnedFrames + Clone,
{
    let asker = load.next_asker(framing.clone(), Instant::ZERO).expect("a connection is wanted");
    let mut pair = Pair::plain(asker, Echo::new(framing));
    (pair.there.lag, pair.back.lag) = (lag, lag);
    pair
}

#[test]
fn a_closed_loop_measures_the_link() {
    for depth in [1, 2, 32] {
        let load = load(|options| {
            options.in_flight_max = depth;
            options.duration = SECOND;
        });
        joined(&load, Lines::new(), millis(5)).run();
        let statistics = load.statistics();
        assert!(statistics.is_clean());
        // What is in flight when asking is over is answered too.
        assert_eq!(statistics.answered, 100 * depth as u64);
        let latency = &statistics.latency;
        assert_eq!((latency.min(), latency.max()), (Some(millis(10)), Some(millis(10))));
        assert_eq!(statistics.last_at, at(SECOND));
        assert_eq!((statistics.completed, statistics.elapsed()), (100 * depth as u64, SECOND));
    }
}

#[test]
fn the_warm_up_is_not_counted() {
    let load = load(|options| {
        options.warm_up = millis(300);
        options.duration = millis(700);
    });
    joined(&load, Lines::new(), millis(5)).run();
    let statistics = load.statistics();
    assert_eq!((statistics.answered, statistics.began_at), (70, at(millis(300))));
}

#[test]
fn so_many_requests_are_counted_and_no_more() {
    for (count, depth) in [(1, 1), (1, 8), (7, 8), (8, 8), (9, 8), (100, 1)] {
        let load = load(|options| {
            options.in_flight_max = depth;
            options.requests_max = Some(count);
        });
        let mut pair = joined(&load, Lines::new(), millis(1));
        pair.run();
        assert_eq!(load.statistics().answered, count);
        assert_eq!(pair.right.trace().frames().len() as u64, count);
        assert!(pair.left.connection.is_closed() && load.is_over(pair.now));
    }
}

#[test]
fn a_rate_is_kept_whatever_the_link_takes() {
    for depth in [100, 1_000] {
        let load = load(|options| {
            options.pace = Pace::Open { rate: 1_000 };
            options.in_flight_max = depth;
            options.duration = SECOND;
        });
        let mut pair = joined(&load, Lines::new(), millis(50));
        pair.run();
        let statistics = load.statistics();
        assert!(statistics.is_clean());
        assert_eq!(statistics.answered, 1_000);
        assert_eq!(statistics.latency.max(), Some(millis(100)));
        assert_eq!(statistics.service, statistics.latency);
        assert!(pair.now < at(SECOND + millis(201)));
    }
}

/// The peer stalls for a second; at 1,000 requests a second that keeps 1,000 from being asked.
#[test]
fn a_stall_is_measured_by_all_that_it_delays() {
    let load = load(|options| {
        options.pace = Pace::Open { rate: 1_000 };
        options.duration = 10 * SECOND;
    });
    let mut pair = joined(&load, Lines::new(), Duration::ZERO);
    pair.run_until(|pair| pair.now >= at(SECOND));
    pair.right.is_stuck = true;
    pair.pass(SECOND);
    pair.right.is_stuck = false;
    pair.run();
    let statistics = load.statistics();
    assert!(statistics.is_clean());
    assert_eq!(statistics.answered, 10_000);
    assert_eq!(statistics.latency.max(), Some(SECOND));
    // Every tenth request was delayed, evenly by up to a second.
    assert_eq!(statistics.latency.percentile(90), Some(Duration::ZERO));
    let half = statistics.latency.percentile(95).unwrap();
    assert!(half > millis(490) && half < millis(510), "{half:?}");
    // Without correction one request of 10,000 tells of it.
    assert_eq!(statistics.service.max(), Some(SECOND));
    assert_eq!(statistics.service.percentile(99), Some(Duration::ZERO));
}

#[test]
fn what_was_due_and_never_sent_is_told() {
    let load = load(|options| {
        options.pace = Pace::Open { rate: 100 };
        options.duration = SECOND;
    });
    joined(&load, Lines::new(), millis(100)).run();
    let statistics = load.statistics();
    // Five round trips a second, and 100 were due.
    assert_eq!((statistics.answered, statistics.unsent), (5, 95));
    assert_eq!(statistics.latency.min(), Some(millis(10)));
    // The sixth was due at 50 ms, and the last at 990.
    assert_eq!(statistics.latency.count(), 100);
    assert_eq!(statistics.latency.max(), Some(millis(800 - 40 + 200)));
    assert_eq!((statistics.service.count(), statistics.service.max()), (5, Some(millis(200))));
}

/// A hundred a second are answered, and ten times as many are due, in the warm-up already.
#[test]
fn a_rate_above_the_capacity_is_told_as_what_was_answered() {
    let load = load(|options| {
        options.pace = Pace::Open { rate: 1_000 };
        options.warm_up = SECOND;
        options.duration = 2 * SECOND;
    });
    joined(&load, Lines::new(), millis(5)).run();
    let statistics = load.statistics();
    // The request in flight when the warm-up ended is one of those, and was due before.
    assert_eq!((statistics.completed, statistics.elapsed()), (200, 2 * SECOND));
    assert_eq!(statistics.answered + statistics.unsent, 2_000);
    assert_eq!(statistics.latency.count(), 2_000);
    assert_eq!(statistics.latency.max(), Some(2 * SECOND - millis(199)));
    assert!(statistics.is_rate_missed);
}

#[test]
fn a_rate_is_missed_by_more_than_one_in_a_hundred_and_a_twentieth_of_a_second() {
    // A hundred a second are answered, and so many more are due for ten seconds.
    for (rate, is_missed) in [(100, false), (101, false), (102, true)] {
        let load = load(|options| {
            options.pace = Pace::Open { rate };
            options.duration = 10 * SECOND;
        });
        joined(&load, Lines::new(), millis(5)).run();
        assert_eq!(load.statistics().is_rate_missed, is_missed, "{rate}");
    }
    // One was asked in 50 ms, and 50 were due.
    for (rate, is_missed) in [(20, false), (40, false), (1_000, false)] {
        let load = load(|options| {
            options.pace = Pace::Open { rate };
            options.duration = millis(50);
        });
        joined(&load, Lines::new(), SECOND).run();
        assert_eq!(load.statistics().is_rate_missed, is_missed, "{rate}");
    }
}

#[test]
fn a_counted_load_is_over_when_the_last_is_answered_and_tells_of_its_rate_too() {
    let load = load(|options| {
        options.pace = Pace::Open { rate: 1_000 };
        options.warm_up = millis(500);
        options.requests_max = Some(100);
    });
    joined(&load, Lines::new(), millis(5)).run();
    let statistics = load.statistics();
    assert!(statistics.is_clean() && statistics.is_rate_missed);
    assert_eq!((statistics.completed, statistics.answered), (100, 100));
    assert_eq!(statistics.elapsed(), SECOND);
}

#[test]
fn a_load_that_is_stopped_in_the_warm_up_has_counted_nothing() {
    let load = load(|options| options.warm_up = SECOND);
    let mut pair = joined(&load, Lines::new(), millis(5));
    pair.run_until(|pair| pair.now >= at(millis(500)));
    load.stop(pair.now);
    pair.run();
    let statistics = load.statistics();
    assert_eq!((statistics.completed, statistics.elapsed()), (0, Duration::ZERO));
}

#[test]
fn a_stream_may_be_cut_anywhere() {
    for (cuts, portions) in
        [(vec![1], vec![]), (vec![], vec![1, 2, 3]), (vec![63, 64, 65], vec![7])]
    {
        let load = load(|options| {
            options.in_flight_max = 5;
            options.requests_max = Some(50);
        });
        let asker = load.next_asker(Raw::new(), Instant::ZERO).unwrap().over_chunks();
        let mut pair = Pair::plain(asker, Echo::new(Raw::new()));
        pair.back.cuts.clone_from(&cuts);
        pair.there.cuts = cuts;
        pair.there.portions = portions;
        pair.run();
        assert_eq!(load.statistics().answered, 50);
        assert!(load.statistics().is_clean());
    }
}

#[test]
fn every_framing_carries_the_requests() {
    for name in [
        "raw",
        "lines",
        "netstring",
        "varint",
        "quic-varint",
        "u16be",
        "u64le",
        "fixed:100",
        "delimiter:0d0a",
    ] {
        let framing: AnyFraming = name.parse().unwrap();
        let load = load(|options| {
            options.in_flight_max = 3;
            options.request_len = 100;
            options.requests_max = Some(20);
        });
        let asker = load.next_asker(framing.clone(), Instant::ZERO).unwrap();
        let asker = if name == "raw" { asker.over_chunks() } else { asker };
        Pair::plain(asker, Echo::new(framing)).run();
        assert_eq!(
            (load.statistics().answered, load.statistics().is_clean()),
            (20, true),
            "{name}"
        );
    }
}

/// Sends every frame back with a byte changed, swallowed or doubled.
struct Faulty(Fault);

type Fault = fn(&[u8]) -> Vec<u8>;

impl Protocol for Faulty {
    type Framing = Lines;

    fn framing(&self) -> Lines {
        Lines::new()
    }

    fn on_frame(&mut self, frame: &[u8], handle: &mut Handle<'_, Lines>) {
        let _ = handle.send(&(self.0)(frame));
    }
}

#[test]
fn what_is_no_echo_is_noticed() {
    let faults: [(Fault, &str); 6] = [
        (|_| Vec::new(), "answer 0 on connection 1 ends before byte 0, expected 0x61"),
        (|frame| frame[..7].to_vec(), "answer 0 on connection 1 ends before byte 7, expected 0x61"),
        (
            |frame| [frame, b"x"].concat(),
            "byte 64 of answer 0 on connection 1 is 0x78, expected none",
        ),
        (
            |frame| [b"A", &frame[1..]].concat(),
            "byte 0 of answer 0 on connection 1 is 0x41, expected 0x61",
        ),
        (
            |frame| [&frame[..63], b"~"].concat(),
            "byte 63 of answer 0 on connection 1 is 0x7e, expected 0x6a",
        ),
        (|_| vec![b'a'; 64], "byte 15 of answer 0 on connection 1 is 0x61, expected 0x62"),
    ];
    for (fault, text) in faults {
        let load = load(|options| options.requests_max = Some(2));
        let asker = load.next_asker(Lines::new(), Instant::ZERO).unwrap();
        Pair::plain(asker, Faulty(fault)).run();
        let statistics = load.statistics();
        assert_eq!((statistics.mismatched, statistics.answered, statistics.unanswered), (1, 0, 1));
        assert_eq!(statistics.lost[&CloseKind::LocalError], 1);
        assert_eq!(statistics.mismatch.as_ref().unwrap().to_string(), text);
    }
}

#[test]
fn what_a_wrong_answer_ends_has_waited_for_it() {
    let load = load(|options| {
        options.in_flight_max = 3;
        options.requests_max = Some(3);
    });
    let asker = load.next_asker(Lines::new(), Instant::ZERO).unwrap();
    let mut pair = Pair::plain(asker, Faulty(|_| vec![b'~']));
    (pair.there.lag, pair.back.lag) = (millis(5), millis(7));
    pair.run();
    let statistics = load.statistics();
    let (min, max) = (statistics.latency.min(), statistics.latency.max());
    assert_eq!((statistics.unanswered, min, max), (3, Some(millis(12)), Some(millis(12))));
}

/// Sends everything back in portions of its own, and a byte that is another's.
struct Spoiling(usize);

impl Protocol for Spoiling {
    type Framing = Raw;

    fn framing(&self) -> Raw {
        Raw::new()
    }

    fn on_frame(&mut self, frame: &[u8], handle: &mut Handle<'_, Raw>) {
        let mut bytes = frame.to_vec();
        if let Some(byte) = bytes.get_mut(self.0) {
            *byte = b'~';
        }
        self.0 = self.0.wrapping_sub(bytes.len());
        let _ = handle.send(&bytes);
    }
}

#[test]
fn the_first_byte_that_is_wrong_is_found_however_the_stream_is_cut() {
    for cuts in [vec![], vec![1], vec![70, 71, 149]] {
        for at in [0, 63, 64, 150] {
            let load = load(|options| {
                options.in_flight_max = 3;
                options.requests_max = Some(3);
            });
            let asker = load.next_asker(Raw::new(), Instant::ZERO).unwrap().over_chunks();
            let mut pair = Pair::plain(asker, Spoiling(at));
            pair.back.cuts.clone_from(&cuts);
            pair.run();
            let statistics = load.statistics();
            let mismatch = statistics.mismatch.as_ref().unwrap();
            assert_eq!((mismatch.connection, statistics.mismatched), (1, 1));
            assert_eq!((mismatch.answer as usize, mismatch.offset), (at / 64, at % 64));
            assert_eq!((mismatch.before.len(), mismatch.found[0]), ((at % 64).min(8), b'~'));
            assert_ne!(mismatch.expected[0], b'~');
        }
    }
}

/// Sends everything back twice.
struct Doubling;

impl Protocol for Doubling {
    type Framing = Lines;

    fn framing(&self) -> Lines {
        Lines::new()
    }

    fn on_frame(&mut self, frame: &[u8], handle: &mut Handle<'_, Lines>) {
        let _ = handle.send(frame);
        let _ = handle.send(frame);
    }
}

#[test]
fn what_nobody_has_asked_for_is_no_echo() {
    let load = load(|options| {
        options.pace = Pace::Open { rate: 1 };
        options.requests_max = Some(2);
    });
    let asker = load.next_asker(Lines::new(), Instant::ZERO).unwrap();
    Pair::plain(asker, Doubling).run();
    let statistics = load.statistics();
    assert_eq!((statistics.answered, statistics.mismatched), (1, 1));
    let text = "byte 0 of answer 1 on connection 1 is 0x61, expected none";
    assert_eq!(statistics.mismatch.as_ref().unwrap().to_string(), text);
}

#[test]
fn an_answer_that_never_comes_is_given_up() {
    let load = load(|options| {
        options.in_flight_max = 4;
        options.duration = SECOND;
        options.timeout = 3 * SECOND;
    });
    let asker = load.next_asker(Lines::new(), Instant::ZERO).unwrap();
    let mut pair = Pair::plain(asker, Discard::<Lines>::default());
    pair.run_until(|pair| pair.left.connection.is_closed());
    assert_eq!(pair.now, at(4 * SECOND));
    let statistics = load.statistics();
    assert_eq!((statistics.answered, statistics.unanswered), (0, 4));
    let latency = &statistics.latency;
    assert_eq!(
        (latency.count(), latency.min(), latency.max()),
        (4, latency.max(), Some(4 * SECOND))
    );
    assert_eq!((statistics.completed, statistics.elapsed()), (0, SECOND));
    assert!(!statistics.is_clean() && statistics.lost.is_empty());
}

/// The peer answers for a second, and never again.
#[test]
fn a_peer_that_hangs_is_measured_by_all_that_waits_for_it() {
    for (pace, completed, unsent) in [(Pace::Closed, 100, 0), (Pace::Open { rate: 50 }, 50, 99)] {
        let load = load(|options| {
            options.pace = pace;
            options.duration = 3 * SECOND;
            options.timeout = SECOND;
        });
        let mut pair = joined(&load, Lines::new(), millis(5));
        pair.run_until(|pair| pair.now >= at(SECOND));
        pair.right.is_stuck = true;
        pair.run_until(|pair| pair.left.connection.is_closed());
        let statistics = load.statistics();
        assert_eq!((statistics.completed, statistics.elapsed()), (completed, 3 * SECOND));
        assert_eq!((statistics.unanswered, statistics.unsent), (1, unsent));
        assert_eq!(statistics.latency.count(), completed + 1 + unsent);
        // One was asked at the second, and given up a second after the end.
        assert_eq!(statistics.latency.max(), Some(3 * SECOND));
    }
}

/// More than are told apart: as many as there are.
#[test]
fn many_that_were_not_sent_are_recorded_together() {
    let load = load(|options| {
        options.pace = Pace::Open { rate: 1_000_000 };
        options.duration = SECOND;
    });
    joined(&load, Lines::new(), millis(500)).run();
    let statistics = load.statistics();
    assert_eq!(statistics.latency.count(), 1_000_000);
    let half = statistics.latency.percentile(50).unwrap();
    assert!(half > millis(490) && half < millis(510), "{half:?}");
}

#[test]
fn a_connection_that_is_lost_is_made_again_after_a_pause() {
    let load = load(|options| options.duration = SECOND);
    let mut pair = joined(&load, Lines::new(), millis(5));
    assert!(load.next_asker(Lines::new(), Instant::ZERO).is_none());
    pair.run_until(|pair| pair.now >= at(millis(100)));
    pair.reset();
    pair.run();
    assert_eq!(load.statistics().lost[&CloseKind::Reset], 1);
    // The last answer came at 90 ms.
    assert_eq!(load.deadline(), Some(at(millis(190))));
    assert!(load.next_asker(Lines::new(), at(millis(189))).is_none());
    let asker = load.next_asker(Lines::new(), at(millis(200))).unwrap();
    load.connect_failed(&asker, at(millis(250)));
    assert_eq!((load.statistics().connect_failed, load.connections()), (1, 0));
    assert_eq!(load.deadline(), Some(at(millis(350))));
    // The end comes first.
    assert!(load.next_asker(Lines::new(), at(SECOND)).is_none());
    assert_eq!(load.deadline(), None);
}

#[test]
fn a_connection_for_each_request_is_due_when_the_request_is() {
    let load = load(|options| {
        options.connects = true;
        options.connections = 2;
        options.pace = Pace::Open { rate: 10 };
        options.duration = SECOND;
    });
    let mut answered = 0;
    let mut now = Instant::ZERO;
    let mut times = vec![];
    while let Some(next) = load.deadline() {
        now = now.max(next);
        while let Some(asker) = load.next_asker(Lines::new(), now) {
            times.push(now);
            let mut pair = Pair::plain(asker, Echo::new(Lines::new()));
            // Connecting takes 5 ms.
            pair.pass(now.saturating_duration_since(Instant::ZERO) + millis(5));
            pair.run();
            assert!(pair.left.connection.is_closed());
            answered += 1;
        }
    }
    assert_eq!(answered, 10);
    assert_eq!(times, (0..10).map(|tenth| at(millis(100 * tenth))).collect::<Vec<_>>());
    assert!(load.statistics().is_clean());
}

#[test]
fn who_is_told_to_stop_closes_when_all_is_answered() {
    let load = load(|options| options.in_flight_max = 3);
    let mut pair = joined(&load, Lines::new(), millis(5));
    pair.run_until(|pair| pair.now >= at(millis(95)));
    load.stop(pair.now);
    pair.run();
    assert!(pair.left.connection.is_closed());
    assert_eq!(pair.now, at(millis(100)) + millis(10), "the answers, then both sides finish");
    assert_eq!(load.statistics().answered, 30);
}

/// At a rate nothing may be in flight, and the next request far away.
#[test]
fn who_is_not_open_when_asking_ends_is_not_waited_for() {
    let load = load(|options| options.duration = SECOND);
    let mut pair = joined(&load, Lines::new(), millis(5));
    load.stop(Instant::ZERO);
    pair.left.recorder.protocol.poll(&mut pair.left.connection.handle());
    pair.run();
    assert_eq!(pair.left.trace().closed(), Some(&CloseReason::Aborted));
    assert!(load.statistics().is_clean());
    assert_eq!((load.statistics().opened, load.connections()), (0, 0));
}

#[test]
fn answers_that_are_given_up_are_unanswered() {
    let load = load(|options| {
        options.in_flight_max = 4;
        options.duration = SECOND;
    });
    let asker = load.next_asker(Lines::new(), Instant::ZERO).unwrap();
    let mut pair = Pair::plain(asker, Discard::<Lines>::default());
    pair.run_until(|pair| pair.now >= at(millis(500)));
    load.stop(pair.now);
    pair.left.recorder.protocol.give_up(&mut pair.left.connection.handle());
    pair.run_now();
    assert_eq!(pair.left.trace().closed(), Some(&CloseReason::Aborted));
    let statistics = load.statistics();
    assert_eq!((statistics.unanswered, statistics.lost.len()), (4, 0));
}

#[test]
fn who_waits_for_the_next_request_can_be_told() {
    let load = load(|options| options.pace = Pace::Open { rate: 1 });
    let mut pair = joined(&load, Lines::new(), millis(5));
    pair.run_until(|pair| pair.now >= at(millis(500)));
    load.stop(pair.now);
    let (asker, connection) = (&mut pair.left.recorder.protocol, &mut pair.left.connection);
    asker.poll(&mut connection.handle());
    let stopped_at = pair.now;
    pair.run();
    assert!(pair.now < stopped_at + millis(20));
}
