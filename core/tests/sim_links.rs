//! What links and faults do in the simulator: one test for each property, exact where it is exact.
#![cfg(feature = "testkit")]

use std::time::Duration;

use drywire::connection::{Timer, Truncation};
use drywire::framing::{Fixed, LengthPrefix, Lines, Netstring, Raw};
use drywire::protocol::{Discard, Echo};
use drywire::testkit::sim::{
    Direction, Ended, Fault, Id, Link, Mark, Node, Overrun, Party, Sim, Totals,
};
use drywire::testkit::{Event, Talker, Then, Traced};
use drywire::{CloseReason, Handle, Instant, Limits, Protocol};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

type Talking = Traced<Talker<Netstring>>;

fn talker(frames: &[&[u8]], then: Then) -> Talking {
    let frames = frames.iter().map(|frame| frame.to_vec()).collect();
    Traced::new(Talker::new(Netstring::new(), frames, then))
}

/// Notes when each frame came.
struct Arrivals {
    framing: Raw,
    times: Vec<(Instant, usize)>,
    finished: Option<Instant>,
}

impl Arrivals {
    fn new() -> Self {
        Self { framing: Raw::new(), times: vec![], finished: None }
    }
}

impl Protocol for Arrivals {
    type Framing = Raw;

    fn framing(&self) -> Raw {
        self.framing.clone()
    }

    fn on_frame(&mut self, frame: &[u8], handle: &mut Handle<'_, Raw>) {
        self.times.push((handle.now(), frame.len()));
    }

    fn on_finished(&mut self, handle: &mut Handle<'_, Raw>) {
        self.finished = Some(handle.now());
        handle.finish();
    }
}

/// A sender of one frame of raw bytes that then finishes, and when what arrives.
fn sent(sim: &mut Sim, len: usize) -> (Id<Node<Talker<Raw>>>, Id<Node<Arrivals>>) {
    let talker = Talker::new(Raw::new(), vec![vec![b'x'; len]], Then::Finish);
    sim.connect(Party::plain("sender", talker), Party::plain("receiver", Arrivals::new()))
}

fn at(nanos: u64) -> Instant {
    Instant::from_nanos(nanos)
}

fn assert_conserved(sim: &Sim) {
    let Totals {
        stream_len_sent,
        stream_len_received,
        stream_len_lost,
        datagrams_sent,
        datagrams_doubled,
        datagrams_received,
        datagrams_lost,
        ..
    } = *sim.totals();
    let (stream_len, datagrams) = sim.under_way_len();
    assert_eq!(stream_len_sent, stream_len_received + stream_len_lost + stream_len);
    let made = datagrams_sent + datagrams_doubled;
    assert_eq!(made, datagrams_received + datagrams_lost + datagrams);
}

#[test]
fn latency_is_exact_and_nothing_else_takes_time() {
    for latency in [0, 1, 999, 20_000_000] {
        let mut sim = Sim::new(1).link(Link::new().latency(Duration::from_nanos(latency)));
        let (sender, receiver) = sent(&mut sim, 10);
        assert_eq!(sim.run(), Ok(Ended::AllClosed));
        assert_eq!(sim[receiver].protocol.times, [(at(latency), 10)]);
        assert_eq!(sim[receiver].protocol.finished, Some(at(latency)));
        // The end comes back the same way.
        assert_eq!(sim[sender].connection.close_reason(), Some(&CloseReason::Finished));
        assert_eq!(sim.now(), at(2 * latency));
        assert_conserved(&sim);
    }
}

#[test]
fn each_direction_can_have_its_own_link() {
    let mut sim = Sim::new(1);
    let echo = Echo::new(Raw::new());
    let (there, back) = (Link::new().latency(3 * MS), Link::new().latency(5 * MS));
    let (client, _) =
        sim.connect_over(there, back, Party::plain("a", Arrivals::new()), Party::plain("b", echo));
    sim[client].connection.send(b"x").unwrap();
    sim[client].connection.finish();
    assert_eq!(sim.run(), Ok(Ended::AllClosed));
    assert_eq!(sim[client].protocol.times, [(at(8_000_000), 1)]);
}

#[test]
fn bandwidth_is_exact_to_the_nanosecond() {
    // 3 bytes a second: a third of a second each, rounded up where it arrives and never added up.
    let link = Link::new().bandwidth(3).segments(1..=1).apart();
    let mut sim = Sim::new(1).link(link);
    let (_, receiver) = sent(&mut sim, 7);
    assert_eq!(sim.run(), Ok(Ended::AllClosed));
    let expected: Vec<_> =
        (1..=7_u64).map(|count| (at((count * 1_000_000_000).div_ceil(3)), 1)).collect();
    assert_eq!(sim[receiver].protocol.times, expected);

    // What is sent together arrives when its last byte does; what comes after a silence begins anew.
    let mut sim = Sim::new(1).link(Link::new().bandwidth(1_000_000).latency(MS));
    let (sender, receiver) = sim.connect(
        Party::plain("sender", Talker::new(Raw::new(), vec![vec![0; 500]], Then::Stay)),
        Party::plain("receiver", Arrivals::new()),
    );
    sim.pass(SECOND).unwrap();
    sim[sender].connection.send(&[0; 250]).unwrap();
    sim.pass(SECOND).unwrap();
    let expected = [(at(1_500_000), 500), (at(1_001_250_000), 250)];
    assert_eq!(sim[receiver].protocol.times, expected);
}

#[test]
fn jitter_spreads_arrivals_within_its_bound_and_keeps_the_order_of_a_stream() {
    let link = Link::new().latency(10 * MS).jitter(5 * MS).segments(1..=1).apart();
    let mut sim = Sim::new(3).link(link);
    let talker = Talker::new(Raw::new(), vec![(0..200).collect()], Then::Finish);
    let (_, receiver) =
        sim.connect(Party::plain("sender", talker), Party::plain("receiver", Arrivals::new()));
    assert_eq!(sim.run(), Ok(Ended::AllClosed));
    let times = &sim[receiver].protocol.times;
    assert_eq!(times.len(), 200);
    assert!(times.is_sorted());
    let (first, last) = (times[0].0, times[199].0);
    assert!(first >= at(10_000_000) && last <= at(15_000_000), "{first} {last}");
    assert!(first < last);
}

#[test]
fn writes_are_cut_into_segments_which_are_coalesced_or_kept_apart() {
    let run = |link: Link| {
        let mut sim = Sim::new(5).link(link);
        let (_, receiver) = sent(&mut sim, 1000);
        assert_eq!(sim.run(), Ok(Ended::AllClosed));
        sim[receiver].protocol.times.iter().map(|(_, len)| *len).collect::<Vec<_>>()
    };
    assert_eq!(run(Link::new()), [1000]);
    assert_eq!(run(Link::new().segments(1..=100)), [1000], "coalesced");
    let apart = run(Link::new().segments(40..=100).apart());
    assert_eq!(apart.iter().sum::<usize>(), 1000);
    let (_, whole) = apart.split_last().unwrap();
    assert!(whole.iter().all(|len| (40..=100).contains(len)), "{apart:?}");
    assert!(whole.windows(2).any(|pair| pair[0] != pair[1]), "{apart:?}");
    let reads = run(Link::new().reads(1..=7));
    assert!(reads.iter().all(|len| *len <= 7) && reads.contains(&1) && reads.contains(&7));
    let writes = run(Link::new().writes(300..=300).apart());
    assert_eq!(writes, [300, 300, 300, 100]);
}

#[test]
fn a_lost_segment_comes_later_and_all_behind_it() {
    let link = Link::new().loss(0.2).segments(1..=1).apart().latency(MS);
    let mut sim = Sim::new(11).link(link);
    let (_, receiver) = sent(&mut sim, 1000);
    assert_eq!(sim.run(), Ok(Ended::AllClosed));
    let resent = sim.totals().segments_resent;
    // 1,000 segments, each lost one time in five, again and again: 250 on average.
    assert!((200..300).contains(&resent), "{resent}");
    let times = &sim[receiver].protocol.times;
    assert!(times.is_sorted());
    assert_eq!(times.len(), 1000);
    assert!(times[999].0 >= at(201_000_000));
    assert_eq!(sim.totals().stream_len_lost, 0);
}

#[test]
fn a_window_holds_the_writer_until_its_reader_reads() {
    let mut sim = Sim::new(1).link(Link::new().window(100).latency(MS));
    let (_, receiver) = sent(&mut sim, 1000);
    assert_eq!(sim.run(), Ok(Ended::AllClosed));
    let times: Vec<_> = sim[receiver].protocol.times.clone();
    let expected: Vec<_> = (1..=10).map(|round| (at(round * 1_000_000), 100)).collect();
    assert_eq!(times, expected);
}

#[test]
fn a_cut_is_told_to_nobody_and_runs_into_the_idle_deadline() {
    for direction in [None, Some(Direction::There), Some(Direction::Back)] {
        let fault = direction.map_or(Fault::cut(0), |side| Fault::cut_one_way(0, side));
        let mut sim = Sim::new(1).link(Link::new().latency(MS)).with_fault(fault.at(SECOND));
        let (client, server) = sim.connect(
            Party::plain("client", talker(&[], Then::Stay)),
            Party::plain("server", talker(&[], Then::Stay)),
        );
        sim.pass(2 * SECOND).unwrap();
        for id in [client, server] {
            assert_eq!(sim[id].protocol.trace.events(), [Event::Open]);
            sim[id].connection.send(b"x").unwrap();
        }
        sim.pass(SECOND).unwrap();
        let heard = [client, server].map(|id| sim[id].protocol.trace.frames().len());
        assert_eq!(heard[1], usize::from(direction == Some(Direction::Back)));
        assert_eq!(heard[0], usize::from(direction == Some(Direction::There)));
        assert_eq!(sim.totals().stream_len_lost, if direction.is_some() { 4 } else { 8 });
        assert_conserved(&sim);
        assert_eq!(sim.run(), Ok(Ended::AllClosed));
        let idle = CloseReason::TimedOut(Timer::Idle);
        assert!(sim.close_reasons().any(|reason| *reason == idle));
        // Whoever hears of the other end does so as its system tells it.
        for id in [client, server] {
            let reason = sim[id].connection.close_reason().unwrap();
            let told = [idle.clone(), CloseReason::Finished, CloseReason::Reset];
            assert!(told.contains(reason), "{reason}");
        }
    }
}

#[test]
fn what_a_cut_has_lost_still_fills_the_window() {
    // Under way when the link is cut: nobody confirms it, so that the writer cannot go on.
    let fault = Fault::cut(0).at(MS);
    let mut sim = Sim::new(1).link(Link::new().latency(2 * MS).window(100)).with_fault(fault);
    let (sender, receiver) = sent(&mut sim, 1000);
    assert_eq!(sim.run(), Ok(Ended::AllClosed));
    assert_eq!((sim.totals().stream_len_sent, sim.totals().stream_len_lost), (100, 100));
    assert!(sim[receiver].protocol.times.is_empty());
    let stalled = CloseReason::TimedOut(Timer::Stall);
    assert_eq!(sim[sender].connection.close_reason(), Some(&stalled));
}

#[test]
fn a_stalled_direction_delivers_nothing_whatever_else_its_reader_does() {
    let fault = Fault::stall(0, Direction::There, 5 * SECOND);
    let mut sim = Sim::new(1).link(Link::new().latency(MS)).with_fault(fault);
    let (_, receiver) = sent(&mut sim, 10);
    for _ in 0..4 {
        sim.pass(SECOND).unwrap();
        sim[receiver].connection.send(b"awake").unwrap();
    }
    sim.run().unwrap();
    assert_eq!(sim[receiver].protocol.times, [(at(5_000_000_000), 10)]);
}

#[test]
fn a_stall_of_one_direction_is_survived_or_runs_into_the_stall_deadline() {
    let run = |lasting: Duration, window: usize| {
        let fault = Fault::stall(0, Direction::There, lasting);
        let mut sim = Sim::new(1).link(Link::new().latency(MS).window(window)).with_fault(fault);
        let (sender, receiver) = sent(&mut sim, 1000);
        sim.run().unwrap();
        let reason = sim[sender].connection.close_reason().unwrap().clone();
        assert_conserved(&sim);
        (reason, sim[receiver].protocol.times.clone(), sim.now())
    };
    let (reason, times, _) = run(7 * SECOND, 1000);
    assert_eq!((reason, times), (CloseReason::Finished, vec![(at(7_000_000_000), 1000)]));
    // With a window that it fills, the writer waits.
    let (reason, times, _) = run(29 * SECOND, 999);
    assert_eq!((reason, times[0]), (CloseReason::Finished, (at(29_000_000_000), 999)));
    let (reason, ..) = run(31 * SECOND, 999);
    assert_eq!(reason, CloseReason::TimedOut(Timer::Stall));
}

#[test]
fn a_sender_that_pauses_within_a_frame_runs_into_the_frame_deadline() {
    // The first 3 bytes arrive one by one; those behind them do not.
    let fault = Fault::cut_one_way(0, Direction::There).at(3 * SECOND + MS);
    let link = Link::new().segments(1..=1).bandwidth(1);
    let mut sim = Sim::new(1).link(link).with_fault(fault);
    let (_, server) = sim.connect(
        Party::plain("client", talker(&[b"hello"], Then::Stay)),
        Party::plain("server", talker(&[], Then::Wait)),
    );
    sim.run_until(|sim| sim[server].protocol.trace.failed().is_some()).unwrap();
    let late = CloseReason::TimedOut(Timer::Frame);
    assert_eq!(sim[server].protocol.trace.failed(), Some(&late));
    // From the first byte, which came after a second.
    assert_eq!(sim.now(), Instant::from_elapsed(SECOND + Limits::new().frame_timeout));
}

#[test]
fn a_half_close_in_between_delivers_what_came_before_it() {
    for after in 0..=8 {
        let fault = Fault::end(0, Direction::There).after(Direction::There, after);
        let mut sim = Sim::new(1).link(Link::new().latency(MS)).with_fault(fault);
        let (client, server) = sim.connect(
            Party::plain("client", talker(&[b"hello"], Then::Stay)),
            Party::plain("server", talker(&[b"bye"], Then::Wait)),
        );
        sim.pass(SECOND).unwrap();
        let trace = &sim[server].protocol.trace;
        match after {
            0 | 8 => {
                assert_eq!(trace.frames().len(), usize::from(after == 8));
                assert!(trace.events().contains(&Event::Finished));
                assert_eq!(trace.failed(), None);
            }
            len => {
                let len = usize::try_from(len).unwrap();
                let reason = CloseReason::Truncated(Truncation::Frame { len });
                assert_eq!(trace.failed(), Some(&reason));
            }
        }
        // The other direction goes on.
        assert_eq!(sim[client].protocol.trace.frames(), [b"bye"]);
        assert_conserved(&sim);
    }
}

#[test]
fn a_reset_in_between_is_told_to_both_at_once() {
    let mut sim = Sim::new(1).link(Link::new().latency(SECOND)).with_fault(Fault::reset(0).at(MS));
    let (client, server) = sim.connect(
        Party::plain("client", talker(&[b"lost"], Then::Stay)),
        Party::plain("server", talker(&[b"lost too"], Then::Stay)),
    );
    assert_eq!(sim.run(), Ok(Ended::AllClosed));
    assert_eq!(sim.now(), at(1_000_000));
    for id in [client, server] {
        let events = [Event::Open, Event::Closed(CloseReason::Reset)];
        assert_eq!(sim[id].protocol.trace.events(), events);
    }
    assert_eq!(sim.totals().stream_len_lost, 7 + 11);
    assert_conserved(&sim);
}

#[test]
fn a_fault_after_some_bytes_strikes_exactly_there() {
    for len in 0..=8 {
        let fault = Fault::cut(0).after(Direction::There, len);
        let mut sim = Sim::new(1).with_fault(fault);
        sim.connect(
            Party::plain("client", talker(&[b"hello"], Then::Stay)),
            Party::plain("server", talker(&[], Then::Stay)),
        );
        sim.pass(SECOND).unwrap();
        assert_eq!(sim.totals().faults, 2, "both directions");
        let received = sim.totals().stream_len_received;
        // What was under way is lost with the rest.
        assert!(received <= len, "{received} of {len}");
        assert_eq!(sim.totals().stream_len_sent, 8);
        assert_conserved(&sim);
    }
}

#[test]
fn who_leaves_without_reading_resets_and_what_comes_later_is_reset() {
    // An abort while bytes of the peer lie unread.
    let mut sim = Sim::new(1).link(Link::new().latency(MS));
    let (client, server) = sim.connect(
        Party::plain("client", talker(&[b"one"], Then::Stay)),
        Party::plain("server", talker(&[], Then::Stay)),
    );
    sim.pass(Duration::from_micros(500)).unwrap();
    sim[server].connection.abort();
    assert_eq!(sim.run(), Ok(Ended::AllClosed));
    assert_eq!(sim[server].protocol.trace.closed(), Some(&CloseReason::Aborted));
    // The end that the abort sent came at 1.5 ms, the reset for the unread frame at 2 ms.
    let events = sim[client].protocol.trace.events();
    assert_eq!(events, [Event::Open, Event::Finished, Event::Closed(CloseReason::Reset)]);
    assert_conserved(&sim);
}

#[test]
fn a_stream_can_be_connected_later_and_faults_find_it() {
    let mut sim = Sim::new(1).with_fault(Fault::reset(1).after(Direction::There, 3));
    let (first, _) = sim.connect(
        Party::plain("client", talker(&[b"hello"], Then::Finish)),
        Party::plain("server", Discard::new(Netstring::new())),
    );
    assert_eq!(sim.run(), Ok(Ended::AllClosed));
    assert_eq!(sim[first].connection.close_reason(), Some(&CloseReason::Finished));
    let later = Instant::from_elapsed(SECOND);
    let (second, _) = sim.connect_at(
        later,
        Party::plain("client", talker(&[b"hello"], Then::Finish)),
        Party::plain("server", Discard::new(Netstring::new())),
    );
    assert_eq!(sim.run(), Ok(Ended::AllClosed));
    assert_eq!(sim.now(), later);
    assert_eq!(sim[second].connection.close_reason(), Some(&CloseReason::Reset));
    assert_eq!(sim.stream_of(second), 1);
}

/// Protocols of several framings in one network.
#[test]
fn nodes_of_any_protocol_share_a_network() {
    let mut sim = Sim::new(1).link(Link::new().latency(MS).segments(1..=3));
    let lines = Talker::new(Lines::new(), vec![b"line".to_vec()], Then::Finish);
    let (lines, _) = sim.connect(
        Party::plain("lines", Traced::new(lines)),
        Party::plain("echo", Echo::new(Lines::new())),
    );
    let prefixed = Talker::new(LengthPrefix::u32be(), vec![vec![7; 300]], Then::Finish);
    let (prefixed, _) = sim.connect(
        Party::plain("prefixed", Traced::new(prefixed)),
        Party::plain("echo", Echo::new(LengthPrefix::u32be())),
    );
    let framing = Fixed::new(3.try_into().unwrap());
    let fixed = Talker::new(framing.clone(), vec![b"abc".to_vec()], Then::Finish);
    sim.connect(Party::plain("fixed", fixed), Party::plain("discard", Discard::new(framing)));
    assert_eq!(sim.run(), Ok(Ended::AllClosed));
    assert_eq!(sim[lines].protocol.trace.frames(), [b"line"]);
    assert_eq!(sim[prefixed].protocol.trace.frames(), [[7; 300]]);
    assert!(sim.close_reasons().all(CloseReason::is_clean));
}

/// Sets its timer to the present for ever: 1 ns passes each time.
struct Restless;

impl Protocol for Restless {
    type Framing = Lines;

    fn framing(&self) -> Lines {
        Lines::new()
    }

    fn on_open(&mut self, _: Option<&drywire::tls::Negotiated>, handle: &mut Handle<'_, Lines>) {
        handle.set_timer(Some(handle.now()));
    }

    fn on_frame(&mut self, frame: &[u8], handle: &mut Handle<'_, Lines>) {
        handle.send(frame).unwrap();
    }

    fn on_timer(&mut self, handle: &mut Handle<'_, Lines>) {
        handle.set_timer(Some(handle.now()));
    }
}

#[test]
fn runs_are_bounded_in_events_in_time_and_in_work_while_time_stands_still() {
    let restless = |sim: &mut Sim| {
        sim.connect(Party::plain("a", Restless), Party::plain("b", Restless));
    };
    let mut sim = Sim::new(1).events_max(1000);
    restless(&mut sim);
    assert_eq!(sim.run(), Err(Overrun::Events { max: 1000 }));
    assert_eq!(sim.totals().events, 1000);

    let max = Duration::from_nanos(50);
    let mut sim = Sim::new(1).time_max(max);
    restless(&mut sim);
    assert_eq!(sim.run(), Err(Overrun::Time { max: Instant::from_elapsed(max) }));

    let mut sim = Sim::new(1).ending_at(at(50));
    restless(&mut sim);
    assert_eq!(sim.run(), Ok(Ended::TimeUp));

    // Two echoes that send one line back and forth over a link without latency.
    let mut sim = Sim::new(1).rounds_max(500);
    let (one, other) = sim.connect(
        Party::plain("a", Echo::new(Lines::new())),
        Party::plain("b", Echo::new(Lines::new())),
    );
    sim[one].connection.send(b"ball").unwrap();
    let Err(Overrun::Spin { node, at: Instant::ZERO, rounds: 501 }) = sim.run() else {
        panic!("{sim:?}");
    };
    assert!([one.number(), other.number()].contains(&node));
}

#[test]
fn a_quiet_network_has_an_end() {
    let mut limits = Limits::new();
    limits.idle_timeout = Duration::MAX;
    let mut sim = Sim::new(1).limits(limits);
    sim.connect(
        Party::plain("a", talker(&[b"x"], Then::Stay)),
        Party::plain("b", talker(&[], Then::Stay)),
    );
    assert_eq!(sim.run(), Ok(Ended::Quiet));
    assert_eq!(sim.open_count(), 2);
}

/// A busy network: several streams, datagrams are in `sim_datagrams`.
fn story(seed: u64) -> Sim {
    let link = Link::new()
        .latency(10 * MS)
        .jitter(4 * MS)
        .bandwidth(50_000)
        .loss(0.05)
        .segments(1..=9)
        .reads(1..=5);
    let mut sim = Sim::new(seed)
        .link(link)
        .with_timeline(100_000)
        .with_fault(Fault::reset(2).at(30 * MS))
        .with_fault(Fault::stall(1, Direction::Back, SECOND).after(Direction::There, 5));
    for _ in 0..4 {
        let echo = Echo::new(Netstring::new());
        let frames: [&[u8]; 3] = [b"one", b"twotwo", b"threethreethree"];
        sim.connect(
            Party::plain("client", talker(&frames, Then::Finish)),
            Party::plain("server", echo),
        );
    }
    sim.run().unwrap();
    assert_conserved(&sim);
    sim
}

#[test]
fn the_same_seed_is_the_same_run_byte_for_byte_and_another_is_another() {
    let (first, second) = (story(1), story(1));
    let text = first.timeline().unwrap().to_string();
    assert_eq!(text, second.timeline().unwrap().to_string());
    assert_eq!(first.timeline().unwrap().svg(), second.timeline().unwrap().svg());
    assert_eq!((first.digest(), first.totals()), (second.digest(), second.totals()));
    let mut digests: Vec<_> = (1..=20).map(|seed| story(seed).digest()).collect();
    assert_ne!(text, story(2).timeline().unwrap().to_string());
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), 20);
}

#[test]
fn what_is_due_at_the_same_instant_happens_in_an_order_that_the_seed_draws() {
    let first = |seed| {
        let mut sim = Sim::new(seed).with_timeline(1);
        let parties = || talker(&[], Then::Stay);
        sim.connect(Party::plain("a", parties()), Party::plain("b", parties()));
        sim.step().unwrap();
        sim.timeline().unwrap().entries()[0].node
    };
    let firsts: Vec<_> = (0..32).map(first).collect();
    assert!(firsts.contains(&0) && firsts.contains(&1), "{firsts:?}");
}

#[test]
fn a_timeline_tells_what_was_sent_what_came_and_what_was_lost() {
    let mut sim = Sim::new(1)
        .link(Link::new().latency(20 * MS))
        .with_timeline(1000)
        .with_fault(Fault::cut_one_way(0, Direction::Back).at(10 * MS));
    sim.connect(
        Party::plain("client", talker(&[b"hi"], Then::Finish)),
        Party::plain("server", Echo::new(Netstring::new())),
    );
    sim.run().unwrap();
    let timeline = sim.timeline().unwrap();
    assert_eq!(timeline.nodes().collect::<Vec<_>>(), ["client", "server"]);
    let text = timeline.to_string();
    for expected in [
        "• open",
        "→ server: 5 B \"2:hi,\"",
        "← client: 5 B \"2:hi,\"",
        "• frame \"hi\"",
        "✕ client: lost 5 B \"2:hi,\"",
        "! the link is cut one way",
        "• peer finished",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
    let received = timeline.entries().iter().find(|entry| matches!(entry.mark, Mark::Received(_)));
    assert_eq!(received.map(|entry| (entry.at, entry.node)), Some((at(20_000_000), 1)));
}

#[test]
fn a_timeline_is_bounded_and_says_what_it_left_out() {
    let mut sim = Sim::new(1).link(Link::new().segments(1..=1)).with_timeline(10);
    sent(&mut sim, 100);
    sim.run().unwrap();
    let timeline = sim.timeline().unwrap();
    assert_eq!(timeline.entries().len(), 10);
    let text = timeline.to_string();
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("… and ") && last.ends_with(" more"), "{last}");
    assert!(timeline.svg().contains("… and "));
}
