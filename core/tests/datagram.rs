//! Datagram endpoints and requests: their laws, their bounds, and networks that lose, double and
//! reorder, in virtual time.
#![cfg(feature = "testkit")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use drywire::datagram::{
    Answer, DatagramDiscard, DatagramEcho, DatagramEndpoint, DatagramHandle, DatagramLimits,
    DatagramProtocol, DatagramSendError, DatagramStatistics, DatagramStep, Dropped, Overflow,
    RequestError, RequestLimits, Requests, SamePayload, SourceRate, TransmittedTooMany, pump,
};
use drywire::limits::DATAGRAM_LEN_MAX;
use drywire::testkit::sim::{Ended, Link, Sim};
use drywire::testkit::{fuzz, laws};
use drywire::{Fault, Instant};
use proptest::prelude::*;

const NOW: Instant = Instant::ZERO;

fn at(millis: u64) -> Instant {
    NOW + Duration::from_millis(millis)
}

fn peer(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

fn endpoint(change: impl FnOnce(&mut DatagramLimits)) -> DatagramEndpoint<SocketAddr> {
    let mut limits = DatagramLimits::new();
    limits.source_rate = None;
    change(&mut limits);
    DatagramEndpoint::new(&limits, NOW).with_local(SocketAddr::from(([0, 0, 0, 0], 7007)))
}

/// What is to be sent, taken.
fn sent(endpoint: &mut DatagramEndpoint<SocketAddr>, now: Instant) -> Vec<(SocketAddr, Vec<u8>)> {
    let sent: Vec<_> = endpoint.transmit_all().map(|(to, bytes)| (*to, bytes.to_vec())).collect();
    endpoint.transmitted(sent.len(), now).unwrap();
    sent
}

#[test]
fn an_echo_answers_with_what_was_asked_and_nobody_who_may_answer() {
    let mut echo = endpoint(|_| {});
    let asked = [b"".to_vec(), b"a".to_vec(), vec![7; DATAGRAM_LEN_MAX]];
    for bytes in &asked {
        echo.received(peer(5000), bytes, NOW);
    }
    for (from, count) in [
        (peer(1023), 2),
        (peer(53), 1),
        (peer(7007), 1),
        ("224.0.0.1:5000".parse().unwrap(), 3),
        (peer(0), 1),
    ] {
        (0..count).for_each(|_| echo.received(from, b"x", NOW));
    }
    echo.received(peer(1024), b"last", NOW);
    pump(&mut echo, &mut DatagramEcho);
    let mut expected: Vec<_> = asked.into_iter().map(|bytes| (peer(5000), bytes)).collect();
    expected.push((peer(1024), b"last".to_vec()));
    assert_eq!(sent(&mut echo, NOW), expected);
    let statistics = echo.statistics();
    assert_eq!((statistics.received, statistics.yielded), (12, 4));
    assert_eq!(statistics.dropped_as(Dropped::ServicePort), 3);
    assert_eq!(statistics.dropped_as(Dropped::OwnAddress), 1);
    assert_eq!(statistics.dropped_as(Dropped::Unanswerable), 4);
    laws::datagram::conserved(statistics, 0, 0);
}

#[test]
fn discard_sends_nothing() {
    let mut discard = endpoint(|_| {});
    discard.received(peer(5000), b"x", NOW);
    pump(&mut discard, &mut DatagramDiscard);
    assert_eq!((discard.transmit(), discard.statistics().yielded), (None, 1));
}

#[test]
fn datagrams_have_a_longest() {
    for len_max in [0, 1, 1200] {
        let mut endpoint = endpoint(|limits| limits.datagram_len_max = len_max);
        for len in [len_max.saturating_sub(1), len_max, len_max + 1] {
            let before = *endpoint.statistics();
            let is_ok = len <= len_max;
            endpoint.received(peer(5000), &vec![0; len], NOW);
            let dropped = endpoint.statistics().dropped_as(Dropped::TooLong);
            assert_eq!(dropped - before.dropped_as(Dropped::TooLong), u64::from(!is_ok));
            let refused = DatagramSendError::TooLong { len, max: len_max };
            let expected = if is_ok { Ok(()) } else { Err(refused) };
            assert_eq!(endpoint.send(peer(5000), &vec![0; len]), expected);
        }
        endpoint.received_truncated(len_max + 1, NOW);
        assert_eq!(endpoint.statistics().dropped_as(Dropped::TooLong), 2);
    }
    // The system's own bound is not exceeded by asking for it.
    let mut endpoint = endpoint(|limits| limits.datagram_len_max = usize::MAX);
    let refused = endpoint.send(peer(5000), &vec![0; DATAGRAM_LEN_MAX + 1]);
    assert!(matches!(refused, Err(DatagramSendError::TooLong { max: DATAGRAM_LEN_MAX, .. })));
}

/// Bytes of the datagrams that are yielded after five of `len` bytes each came.
fn kept(overflow: Overflow, datagrams_max: usize, len_max: usize, len: usize) -> Vec<u8> {
    let mut endpoint = endpoint(|limits| {
        limits.datagram_len_max = 10;
        limits.overflow = overflow;
        limits.receive_datagrams_max = datagrams_max;
        limits.receive_len_max = len_max;
    });
    (0..5).for_each(|byte| endpoint.received(peer(5000), &vec![byte; len], NOW));
    let mut kept = Vec::new();
    while let Some(step) = endpoint.next() {
        if let DatagramStep::Datagram { bytes, .. } = step {
            kept.push(bytes[0]);
        }
    }
    let dropped = endpoint.statistics().dropped_as(Dropped::QueueFull);
    assert_eq!(dropped + kept.len() as u64, 5);
    kept
}

#[test]
fn the_oldest_or_the_newest_is_dropped_by_choice() {
    for (datagrams_max, len_max, len, newest, oldest) in [
        (4, 1000, 1, &[0, 1, 2, 3][..], &[1, 2, 3, 4][..]),
        (5, 1000, 1, &[0, 1, 2, 3, 4], &[0, 1, 2, 3, 4]),
        (0, 1000, 1, &[0], &[4]),
        (9, 30, 10, &[0, 1, 2], &[2, 3, 4]),
        (9, 29, 10, &[0, 1], &[3, 4]),
        (9, 49, 10, &[0, 1, 2, 3], &[1, 2, 3, 4]),
        (9, 50, 10, &[0, 1, 2, 3, 4], &[0, 1, 2, 3, 4]),
        // Never less than one datagram.
        (9, 0, 10, &[0], &[4]),
    ] {
        assert_eq!(kept(Overflow::DropNewest, datagrams_max, len_max, len), newest);
        assert_eq!(kept(Overflow::DropOldest, datagrams_max, len_max, len), oldest);
    }
}

#[test]
fn what_is_yielded_can_be_answered_and_what_cannot_waits() {
    let mut echo = endpoint(|limits| {
        limits.datagram_len_max = 10;
        limits.transmit_datagrams_max = 3;
        limits.transmit_len_max = 25;
    });
    (0..6).for_each(|_| echo.received(peer(5000), &[1; 10], NOW));
    pump(&mut echo, &mut DatagramEcho);
    // A third of ten bytes would not fit.
    assert_eq!((echo.queued(), echo.waiting()), ((2, 20), (4, 40)));
    assert_eq!(echo.send(peer(5000), &[2; 6]), Err(DatagramSendError::Full));
    assert_eq!(echo.send(peer(5000), &[2; 5]), Ok(()));
    assert_eq!(echo.send(peer(5000), b""), Err(DatagramSendError::Full));
    let error = TransmittedTooMany { count: 4, queued: 3 };
    assert_eq!(echo.transmitted(4, NOW), Err(error));
    echo.transmitted(3, NOW).unwrap();
    // Somebody waits for room.
    assert!(matches!(echo.next(), Some(DatagramStep::Writable(_))));
    pump(&mut echo, &mut DatagramEcho);
    assert_eq!(echo.queued(), (2, 20));
}

/// Counts what it is told.
#[derive(Default)]
struct Witness {
    told: Vec<String>,
}

impl DatagramProtocol<SocketAddr> for Witness {
    fn on_open(&mut self, handle: &mut DatagramHandle<'_, SocketAddr>) {
        assert_eq!(handle.local().map(SocketAddr::port), Some(7007));
        handle.set_timer(Some(NOW));
        self.told.push("open".into());
    }

    fn on_datagram(
        &mut self,
        from: &SocketAddr,
        bytes: &[u8],
        handle: &mut DatagramHandle<'_, SocketAddr>,
    ) {
        self.told.push(format!("{} bytes from {}", bytes.len(), from.port()));
        if bytes == b"end" {
            handle.send(*from, b"bye").unwrap();
            handle.close();
        }
    }

    fn on_timer(&mut self, handle: &mut DatagramHandle<'_, SocketAddr>) {
        self.told.push(format!("timer at {}", handle.now()));
    }

    fn on_fault(
        &mut self,
        to: Option<&SocketAddr>,
        fault: Fault,
        _: &mut DatagramHandle<'_, SocketAddr>,
    ) {
        self.told.push(format!("{:?}: {fault}", to.map(SocketAddr::port)));
    }

    fn on_closed(&mut self, statistics: &DatagramStatistics) {
        self.told.push(format!("closed, {} transmitted", statistics.transmitted));
    }
}

#[test]
fn an_endpoint_tells_all_and_survives_every_fault() {
    let mut endpoint = endpoint(|_| {});
    let mut witness = Witness::default();
    pump(&mut endpoint, &mut witness);
    // Set for now, so due 1 ns later.
    assert_eq!(endpoint.interest().deadline, Some(NOW.next()));
    endpoint.handle_timeout(at(1));
    pump(&mut endpoint, &mut witness);
    endpoint.socket_failed(Fault::Refused, at(2));
    pump(&mut endpoint, &mut witness);
    endpoint.send(peer(5001), b"lost").unwrap();
    endpoint.transmit_failed(Fault::Unreachable, at(3));
    pump(&mut endpoint, &mut witness);
    endpoint.received(peer(5002), b"end", at(4));
    endpoint.received(peer(5003), b"late", at(4));
    pump(&mut endpoint, &mut witness);
    assert!(endpoint.interest().write && !endpoint.interest().read);
    endpoint.received(peer(5004), b"later", at(5));
    endpoint.transmitted(1, at(5)).unwrap();
    pump(&mut endpoint, &mut witness);
    assert_eq!(
        witness.told,
        [
            "open",
            "timer at 1ms",
            "None: connection refused",
            "Some(5001): host or network unreachable",
            "3 bytes from 5002",
            "closed, 1 transmitted"
        ]
    );
    assert!(endpoint.is_closed());
    let statistics = endpoint.statistics();
    assert_eq!(statistics.dropped_as(Dropped::Closed), 2);
    assert_eq!((statistics.failed, statistics.faults_as(Fault::Refused)), (1, 1));
    laws::datagram::conserved(statistics, 0, 0);
}

#[test]
fn a_socket_that_takes_nothing_does_not_keep_an_endpoint_open() {
    let mut endpoint = endpoint(|limits| limits.flush_timeout = Duration::from_millis(300));
    assert!(matches!(endpoint.next(), Some(DatagramStep::Open(_))));
    endpoint.handle_timeout(at(100));
    endpoint.send(peer(5000), b"stuck").unwrap();
    endpoint.close();
    assert_eq!(endpoint.interest().deadline, Some(at(400)));
    endpoint.handle_timeout(at(399));
    assert!(endpoint.next().is_none());
    endpoint.handle_timeout(at(400));
    assert!(matches!(endpoint.next(), Some(DatagramStep::Closed)));
    assert_eq!((endpoint.statistics().discarded, endpoint.interest().deadline), (1, None));
}

#[test]
fn a_flood_from_one_source_is_bounded_and_leaves_the_others_alone() {
    let mut rate = SourceRate::new();
    rate.per_second = 100;
    rate.burst = 50;
    let mut echo = endpoint(|limits| limits.source_rate = Some(rate));
    let other = SocketAddr::from(([192, 0, 2, 2], 5000));
    let mut answered: BTreeMap<SocketAddr, u64> = BTreeMap::new();
    for millis in 0..1000 {
        // From any number of ports: the host counts.
        (0..20).for_each(|port| echo.received(peer(2000 + port), b"flood", at(millis)));
        if millis % 20 == 0 {
            echo.received(other, b"hello", at(millis));
        }
        pump(&mut echo, &mut DatagramEcho);
        for (to, _) in sent(&mut echo, at(millis)) {
            let host = if to == other { other } else { peer(0) };
            *answered.entry(host).or_default() += 1;
        }
    }
    assert_eq!(answered[&other], 50);
    assert!((148..=151).contains(&answered[&peer(0)]), "{answered:?}");
    assert_eq!(echo.statistics().dropped_as(Dropped::SourceRate), 20_000 - answered[&peer(0)]);
}

/// Two echoes at `ports` that are set on each other by `forged` datagrams with a forged source,
/// the way of each taking `latency`. Returns how many datagrams were sent until silence, and when.
fn loop_attack(
    ports: [u16; 2],
    latency: Duration,
    forged: u64,
    rate: SourceRate,
) -> (u64, Instant) {
    let addresses =
        [1, 2].map(|host| SocketAddr::from(([192, 0, 2, host], ports[host as usize - 1])));
    let mut limits = DatagramLimits::new();
    limits.source_rate = Some(rate);
    let mut sim = Sim::new(1).link(Link::new().latency(latency)).events_max(20_000_000);
    let echoes = addresses.map(|local| sim.bind("echo", local, &limits, DatagramEcho));
    for _ in 0..forged {
        sim.forge(&addresses[1], &addresses[0], &[7; 30]);
        sim.pass(Duration::from_micros(1)).unwrap();
    }
    assert_eq!(sim.run(), Ok(Ended::Quiet), "the loop does not end");
    for echo in echoes {
        let statistics = sim[echo].endpoint.statistics();
        assert!(
            statistics.transmitted_len <= 30 * statistics.transmitted,
            "an answer longer than its question"
        );
    }
    (sim.totals().datagrams_sent, sim.now())
}

#[test]
fn two_echoes_that_are_set_on_each_other_fall_silent() {
    let rate = SourceRate::new();
    let millis = Duration::from_millis;
    // On the same port, which is how echoes mostly are, nothing is answered at all.
    assert_eq!(loop_attack([7007, 7007], millis(1), 10, rate).0, 10);
    // Faster round than the rate: dropped by it, down to silence.
    let (sent, end) = loop_attack([7007, 7008], Duration::from_micros(20), 1, rate);
    assert!(sent < 60_000 && end < at(10_000), "{sent} until {end}");
    // Slower than the rate, one or many: until the row is full, then the pause.
    for (latency, forged) in [(millis(10), 1), (millis(10), 90), (millis(900), 3)] {
        let mut rate = rate;
        rate.row_max = 1_000;
        let (sent, _) = loop_attack([7007, 7008], latency, forged, rate);
        assert!(sent <= 2 * 1_000 + 2 * forged + 2, "{sent} with {forged} every {latency:?}");
        assert!(sent > 1_000, "the attack began: {sent}");
    }
}

/// 200 requests, at most eight at once, through a network that loses and doubles datagrams and
/// delays each by up to `delay`, so that they overtake each other.
fn requests_through(
    loss: f64,
    doubles: f64,
    delay: Duration,
    seed: u64,
) -> (u64, u64, DatagramStatistics) {
    let (client, server) = (peer(5000), SocketAddr::from(([192, 0, 2, 2], 7007)));
    let link = Link::new().loss(loss).duplication(doubles).jitter(delay);
    let mut sim = Sim::new(seed).link(link);
    let mut limits = DatagramLimits::new();
    limits.source_rate = None;
    sim.bind("server", server, &limits, DatagramEcho);
    let mut limits = RequestLimits::new();
    limits.requests_max = 8;
    limits.attempts_max = 8;
    limits.request_timeout = Duration::from_secs(60);
    let client = sim.bind_requests("client", client, Requests::new(SamePayload, limits, NOW));
    let mut asked = 0;
    while sim[client].told.len() < 200 {
        let now = sim.now();
        while asked < 200 {
            let request = format!("request {asked}");
            match sim[client].requests.request(server, request.as_bytes(), now) {
                Ok(_) => asked += 1,
                Err(RequestError::Full { max: 8 }) => break,
                Err(error) => panic!("{error}"),
            }
        }
        let told = sim[client].told.len();
        assert_eq!(sim.run_until(|sim| sim[client].told.len() > told), Ok(Ended::Done));
    }
    // What is still under way is of nobody's concern, but counted.
    assert_eq!(sim.run(), Ok(Ended::Quiet));
    let answered = sim[client].told.iter().filter_map(|told| told.reply.as_ref());
    for (bytes, elapsed) in answered.clone() {
        assert!(bytes.starts_with(b"request ") && *elapsed <= Duration::from_secs(60));
    }
    let answered = answered.count() as u64;
    assert!(sim[client].told.iter().all(|told| told.attempts <= 8));
    let statistics = *sim[client].requests.statistics();
    laws::datagram::conserved(&statistics, 0, 0);
    (answered, 200 - answered, statistics)
}

#[test]
fn requests_get_their_replies_through_loss_doubles_and_reordering() {
    for seed in 1..20 {
        let (short, long) = (Duration::from_millis(250), Duration::from_secs(1));
        let (answered, _, statistics) = requests_through(0.0, 0.0, short, seed);
        assert_eq!((answered, statistics.queued, statistics.dropped_in_all()), (200, 200, 0));
        let (answered, _, statistics) = requests_through(0.3, 0.2, long, seed);
        assert!(answered >= 195, "{answered} with seed {seed}");
        assert!(statistics.queued > 300, "lost ones are sent again: {statistics:?}");
        assert!(statistics.dropped_as(Dropped::Duplicate) > 0, "{statistics:?}");
        let (answered, timed_out, statistics) = requests_through(1.0, 0.0, long, seed);
        assert_eq!((answered, timed_out, statistics.queued), (0, 200, 8 * 200));
    }
}

#[test]
fn an_attempt_is_waited_for_twice_as_long_as_the_one_before() {
    let mut limits = RequestLimits::new();
    limits.retry_timeout = Duration::from_millis(100);
    limits.retry_timeout_max = Duration::from_millis(350);
    limits.attempts_max = 4;
    let mut requests = Requests::new(SamePayload, limits, NOW);
    requests.request(peer(7), b"x", NOW).unwrap();
    let mut sent_at = Vec::new();
    let mut now = NOW;
    let told = loop {
        if requests.transmit().is_some() {
            sent_at.push(now);
            // Faults are remembered, and end nothing.
            match sent_at.len() {
                2 => requests.transmit_failed(Fault::Unreachable, now),
                _ => requests.transmitted(now),
            }
        }
        if sent_at.len() == 3 {
            requests.socket_failed(Fault::Refused, now);
        }
        now = requests.deadline().unwrap();
        requests.handle_timeout(now);
        if let Some(Answer::TimedOut { attempts, fault, .. }) = requests.next() {
            break (now, attempts, fault);
        }
    };
    assert_eq!(sent_at, [at(0), at(100), at(300), at(650)]);
    assert_eq!(told, (at(1000), 4, Some(Fault::Refused)));
    assert_eq!((requests.deadline(), requests.active()), (None, 0));
    // What comes now is late, not strange.
    requests.received(&peer(7), b"x", at(1100));
    requests.received(&peer(7), b"y", at(1100));
    requests.received(&peer(8), b"x", at(1100));
    assert_eq!(requests.statistics().dropped_as(Dropped::Duplicate), 1);
    assert_eq!(requests.statistics().dropped_as(Dropped::Stranger), 2);
}

#[test]
fn the_time_for_a_request_ends_it_however_many_attempts_are_left() {
    let mut limits = RequestLimits::new();
    limits.request_timeout = Duration::from_millis(700);
    let mut requests = Requests::new(SamePayload, limits, NOW);
    requests.request(peer(7), b"x", NOW).unwrap();
    requests.transmitted(NOW);
    assert_eq!(requests.deadline(), Some(at(500)));
    requests.handle_timeout(at(500));
    // Not sent again, say because the socket takes nothing.
    assert_eq!(requests.deadline(), Some(at(700)));
    requests.handle_timeout(at(700));
    assert!(matches!(requests.next(), Some(Answer::TimedOut { attempts: 1, fault: None, .. })));
    assert_eq!((requests.transmit(), requests.statistics().discarded), (None, 1));
}

#[test]
fn requests_have_a_most_and_a_longest_and_can_be_forgotten() {
    let mut limits = RequestLimits::new();
    limits.requests_max = 2;
    limits.datagram_len_max = 3;
    let matcher = |request: &[u8], reply: &[u8]| request.first() == reply.first();
    let mut requests = Requests::new(matcher, limits, NOW);
    let first = requests.request(peer(7), b"123", NOW).unwrap();
    assert_eq!(
        requests.request(peer(7), b"1234", NOW),
        Err(RequestError::TooLong { len: 4, max: 3 })
    );
    requests.request(peer(7), b"2", NOW).unwrap();
    assert_eq!(requests.request(peer(7), b"3", NOW), Err(RequestError::Full { max: 2 }));
    requests.transmitted(NOW);
    requests.cancel(first);
    // Its reply is a stranger's; so is one to a request that was not sent yet.
    requests.received(&peer(7), b"1", NOW);
    requests.received(&peer(7), b"2", NOW);
    requests.received(&peer(7), b"2345", NOW);
    assert_eq!(requests.statistics().dropped_as(Dropped::Stranger), 2);
    assert_eq!(requests.statistics().dropped_as(Dropped::TooLong), 1);
    requests.request(peer(7), b"3", NOW).unwrap();
    assert_eq!(requests.transmit(), Some((&peer(7), &b"2"[..])));
    requests.transmitted(NOW);
    requests.received(&peer(7), b"2ab", at(3));
    let Some(Answer::Reply { bytes, elapsed, .. }) = requests.next() else { panic!("a reply") };
    assert_eq!((bytes, elapsed), (&b"2ab"[..], Duration::from_millis(3)));
    assert_eq!(RequestError::Full { max: 2 }.to_string(), "there are 2 requests already");
    let error = RequestError::TooLong { len: 4, max: 3 };
    assert_eq!(error.to_string(), "a datagram of 4 bytes exceeds the limit of 3");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn any_order_of_calls_keeps_the_laws(script in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz::datagram(&script);
    }
}
