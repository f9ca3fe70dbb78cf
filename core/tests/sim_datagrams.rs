//! Datagrams in the simulator: loss, doubles, reordering, isolation.
#![cfg(feature = "testkit")]

use std::net::SocketAddr;
use std::time::Duration;

use drywire::Instant;
use drywire::datagram::{
    DatagramEcho, DatagramHandle, DatagramLimits, DatagramPeer, DatagramProtocol, UnixPeer,
};
use drywire::testkit::sim::{Ended, Endpoint, Fault, Id, Link, Sim};

const MS: Duration = Duration::from_millis(1);

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

/// Sends numbers at regular intervals, and keeps what comes back and when.
struct Pinger<A> {
    to: A,
    count: u32,
    every: Duration,
    next: u32,
    heard: Vec<(Instant, u32)>,
}

impl<A> Pinger<A> {
    fn new(to: A, count: u32, every: Duration) -> Self {
        Self { to, count, every, next: 0, heard: vec![] }
    }

    fn numbers(&self) -> Vec<u32> {
        self.heard.iter().map(|(_, number)| *number).collect()
    }
}

impl<A: drywire::datagram::DatagramAddress> DatagramProtocol<A> for Pinger<A> {
    fn on_open(&mut self, handle: &mut DatagramHandle<'_, A>) {
        self.on_timer(handle);
    }

    fn on_timer(&mut self, handle: &mut DatagramHandle<'_, A>) {
        if self.next < self.count {
            handle.send(self.to.clone(), &self.next.to_be_bytes()).unwrap();
            self.next += 1;
            handle.set_timer(Some(handle.now() + self.every));
        }
    }

    fn on_datagram(&mut self, _: &A, bytes: &[u8], handle: &mut DatagramHandle<'_, A>) {
        self.heard.push((handle.now(), u32::from_be_bytes(bytes.try_into().unwrap())));
    }
}

type Pinging = Id<Endpoint<SocketAddr, Pinger<SocketAddr>>>;

fn ping(seed: u64, link: Link, count: u32, every: Duration, faults: &[Fault]) -> (Sim, Pinging) {
    let mut sim = Sim::new(seed).link(link);
    faults.iter().cloned().for_each(|fault| sim.add_fault(fault));
    let limits = DatagramLimits::new();
    let pinger =
        sim.bind("client", address(5000), &limits, Pinger::new(address(7007), count, every));
    sim.bind("server", address(7007), &limits, DatagramEcho);
    assert_eq!(sim.run(), Ok(Ended::Quiet));
    let totals = sim.totals();
    let made = totals.datagrams_sent + totals.datagrams_doubled;
    assert_eq!(made, totals.datagrams_received + totals.datagrams_lost);
    (sim, pinger)
}

#[test]
fn an_ideal_link_brings_everything_in_order_and_on_time() {
    let (sim, pinger) = ping(1, Link::new().latency(7 * MS), 100, MS, &[]);
    let heard = &sim[pinger].protocol.heard;
    let expected: Vec<_> =
        (0..100).map(|number| (Instant::from_elapsed(MS * number + 14 * MS), number)).collect();
    assert_eq!(*heard, expected);
    assert_eq!(sim.totals().datagrams_overtaking, 0);
}

#[test]
fn the_rate_of_loss_is_what_was_asked_for() {
    let (sim, pinger) = ping(2, Link::new().loss(0.1), 5_000, MS, &[]);
    // Lost on neither way: 0.81 of them.
    let heard = sim[pinger].protocol.heard.len();
    assert!((3_950..4_150).contains(&heard), "{heard}");
    let lost = sim.totals().datagrams_lost;
    assert_eq!(heard as u64 + lost, 5_000);
    let (sim, pinger) = ping(2, Link::new().loss(1.0), 10, MS, &[]);
    assert_eq!((sim[pinger].protocol.heard.len(), sim.totals().datagrams_lost), (0, 10));
}

#[test]
fn datagrams_come_twice_as_often_as_was_asked_for() {
    let (sim, pinger) = ping(3, Link::new().duplication(0.5), 2_000, MS, &[]);
    // 1.5 of each arrive there, and 1.5 of each of those back.
    let heard = sim[pinger].protocol.heard.len();
    assert!((4_300..4_700).contains(&heard), "{heard}");
    let (sim, pinger) = ping(3, Link::new().duplication(1.0), 1, MS, &[]);
    assert_eq!(sim[pinger].protocol.numbers(), [0; 4]);
}

#[test]
fn datagrams_overtake_each_other_by_jitter_and_by_being_held_back() {
    for link in [
        Link::new().latency(5 * MS).jitter(5 * MS),
        Link::new().latency(5 * MS).reordering(0.2),
        Link::new().reordering(0.2),
    ] {
        let (sim, pinger) = ping(4, link.clone(), 200, Duration::from_micros(700), &[]);
        let mut numbers = sim[pinger].protocol.numbers();
        assert!(!numbers.is_sorted(), "{link}");
        assert!(sim.totals().datagrams_overtaking > 10, "{link}");
        // All the same, each comes once.
        numbers.sort_unstable();
        assert_eq!(numbers, (0..200).collect::<Vec<_>>());
    }
}

#[test]
fn datagrams_of_one_sender_leave_one_after_the_other() {
    // 4 bytes each at 1,000 bytes a second: 4 ms there and 4 ms back, sent every millisecond.
    let (sim, pinger) = ping(5, Link::new().bandwidth(1_000), 5, MS, &[]);
    let expected: Vec<_> =
        (0..5).map(|number| (Instant::from_elapsed(MS * (4 * number + 8)), number)).collect();
    assert_eq!(sim[pinger].protocol.heard, expected);
}

#[test]
fn an_isolated_endpoint_hears_nothing_and_is_not_heard_for_so_long() {
    for endpoint in [0, 1] {
        let fault = Fault::isolate(endpoint, 30 * MS).at(Duration::from_micros(20_500));
        let (sim, pinger) = ping(6, Link::new(), 100, MS, &[fault]);
        let expected: Vec<_> = (0..=20).chain(51..100).collect();
        assert_eq!(sim[pinger].protocol.numbers(), expected);
        assert_eq!((sim.totals().datagrams_lost, sim.totals().faults), (30, 1));
    }
}

#[test]
fn what_is_under_way_to_an_isolated_endpoint_is_lost_too() {
    // Sent from 11 to 40 ms, it arrives from 21 to 50 ms.
    let fault = Fault::isolate(1, 30 * MS).at(Duration::from_micros(20_500));
    let (sim, pinger) = ping(6, Link::new().latency(10 * MS), 100, MS, &[fault]);
    let expected: Vec<_> = (0..=10).chain(41..100).collect();
    assert_eq!(sim[pinger].protocol.numbers(), expected);
    // Lost on the way there: the endpoint has not answered them.
    let totals = sim.totals();
    assert_eq!((totals.datagrams_lost, totals.datagrams_sent), (30, 100 + 70));
}

#[test]
fn nobody_is_there_for_what_is_sent_to_an_address_that_is_not_bound() {
    let mut sim = Sim::new(7).with_timeline(100);
    let limits = DatagramLimits::new();
    sim.bind("client", address(5000), &limits, Pinger::new(address(9), 3, MS));
    assert_eq!(sim.run(), Ok(Ended::Quiet));
    assert_eq!(sim.totals().datagrams_lost, 3);
    assert!(sim.timeline().unwrap().to_string().contains("lost 4 B"));
}

#[test]
fn unix_addresses_are_addresses_too_and_endpoints_close() {
    let name = |name: &str| DatagramPeer::Unix(UnixPeer::path(name.as_bytes()).unwrap());
    let mut sim = Sim::new(8).link(Link::new().latency(MS));
    let limits = DatagramLimits::new();
    let pinger = sim.bind("client", name("/c"), &limits, Pinger::new(name("/s"), 3, MS));
    let echo = sim.bind("server", name("/s"), &limits, DatagramEcho);
    assert_eq!(sim.run(), Ok(Ended::Quiet));
    assert_eq!(sim[pinger].protocol.numbers(), [0, 1, 2]);
    sim[echo].endpoint.close();
    sim[pinger].endpoint.send(name("/s"), b"late").unwrap();
    sim.run().unwrap();
    assert_eq!((sim.open_count(), sim.totals().datagrams_lost), (1, 1));
    sim[pinger].endpoint.close();
    assert_eq!(sim.run(), Ok(Ended::AllClosed));
}

#[test]
fn the_same_seed_is_the_same_run() {
    let link =
        Link::new().latency(5 * MS).jitter(9 * MS).loss(0.1).duplication(0.1).reordering(0.1);
    let run = |seed| {
        let (sim, pinger) = ping(seed, link.clone(), 200, MS, &[]);
        (sim.digest(), sim[pinger].protocol.heard.clone())
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
