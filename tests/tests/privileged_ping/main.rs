//! Pings by ICMP, of the loopback and through a router of our own. Needs root and iproute2:
//! `cargo test -p drywire-conformance --features privileged --test privileged_ping`

mod namespaces;

use std::net::SocketAddr;
use std::time::Duration;

use drywire_conformance::adapter::Adapter;
use drywire_conformance::both;
use drywire_conformance::pings::{Pinged, Target, Told};
use namespaces::Namespaces;

const SERVERS: [&str; 2] = ["198.51.100.2:0", "[2001:db8:2::2]:0"];

const ROUTERS: [&str; 2] = ["192.0.2.2", "2001:db8:1::2"];

fn pinged(address: &str, count: u64) -> Pinged {
    Pinged::new(Target::Icmp(address.parse().unwrap()), count)
}

/// All came back, from whom they were sent to.
#[track_caller]
fn assert_all_answered(told: &Told, address: &str) {
    let statistics = &told.statistics;
    assert_eq!(statistics.received, statistics.sent, "{told:?}");
    assert_eq!((statistics.duplicates, statistics.foreign), (0, 0), "{told:?}");
    let address: SocketAddr = address.parse().unwrap();
    assert!(told.replies.iter().all(|(_, from, _)| from.unwrap().ip() == address.ip()));
    assert!(statistics.round_trip.min() > Some(Duration::ZERO));
}

fn the_loopback_answers(adapter: &dyn Adapter) {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        for payload_len in [0, 1, 16, 56, 1400, 65_507 - 8] {
            let pinged = pinged(address, 5).options(|options| options.payload_len = payload_len);
            let told = pinged.ping(adapter).unwrap();
            assert_all_answered(&told, address);
        }
    }
    let told = pinged("0.0.0.0:7", 1).ping(adapter).unwrap();
    assert_all_answered(&told, "127.0.0.1:0");
}

/// Does the test with raw sockets and with datagram sockets, each in namespaces of its own: kernels
/// remember what fits, and how often they have complained to whom.
fn each_kind(test: impl Fn(&Namespaces, bool)) {
    for is_datagram in [false, true] {
        let namespaces = Namespaces::new();
        if is_datagram {
            namespaces.grant_datagram_sockets();
        }
        test(&namespaces, is_datagram);
    }
}

fn a_host_behind_a_router_answers_over_either_kind_of_socket(adapter: &dyn Adapter) {
    each_kind(|namespaces, is_datagram| {
        for address in SERVERS {
            let told = namespaces.as_client(|| pinged(address, 5).ping(adapter)).unwrap();
            assert_all_answered(&told, address);
            // Raw sockets of IPv4 see the header: 64, and one router passed.
            let is_header_seen = !is_datagram && !address.contains('[');
            let expected = is_header_seen.then_some(63);
            assert!(told.replies.iter().all(|(.., hop_limit)| *hop_limit == expected), "{told:?}");
        }
    });
}

fn routers_say_where_the_hop_limit_ends(adapter: &dyn Adapter) {
    each_kind(|namespaces, _| {
        for (address, router) in SERVERS.into_iter().zip(ROUTERS) {
            let told = namespaces.as_client(|| pinged(address, 3).hop_limit(1).ping(adapter));
            let told = told.unwrap();
            let sentence = format!("{router}: hop limit exceeded");
            let expected: Vec<_> = (0..3).map(|number| (number, sentence.clone())).collect();
            assert_eq!(told.failures, expected);
            let told = namespaces.as_client(|| pinged(address, 3).hop_limit(2).ping(adapter));
            assert_all_answered(&told.unwrap(), address);
        }
    });
}

fn routers_say_what_cannot_be_reached(adapter: &dyn Adapter) {
    each_kind(|namespaces, _| {
        for (address, sentence) in [
            ("203.0.113.1:0", "192.0.2.2: destination host unreachable"),
            ("203.0.113.65:0", "192.0.2.2: destination prohibited"),
            ("[2001:db8:3::1]:0", "2001:db8:1::2: destination network unreachable"),
            ("[2001:db8:4::1]:0", "2001:db8:1::2: destination prohibited"),
        ] {
            let told = namespaces.as_client(|| pinged(address, 2).ping(adapter)).unwrap();
            let expected = [(0, sentence.to_owned()), (1, sentence.to_owned())];
            assert_eq!(told.failures, expected, "{told:?}");
            assert_eq!((told.statistics.failed, told.statistics.has_reply()), (2, false));
        }
    });
}

fn routers_say_what_is_too_big(adapter: &dyn Adapter) {
    each_kind(|namespaces, _| {
        namespaces.narrow(1300);
        for (address, router) in SERVERS.into_iter().zip(ROUTERS) {
            let ping = || pinged(address, 1).options(|options| options.payload_len = 1400);
            let told = namespaces.as_client(|| ping().ping(adapter)).unwrap();
            let sentence = format!("{router}: packet too big, 1300 bytes fit");
            assert_eq!(told.failures, [(0, sentence)]);
            // Now the kernel cuts them.
            let told = namespaces.as_client(|| ping().ping(adapter)).unwrap();
            assert_all_answered(&told, address);
        }
    });
}

fn what_is_swallowed_times_out(adapter: &dyn Adapter) {
    each_kind(|namespaces, _| {
        for address in ["203.0.113.129:0", "[2001:db8:5::1]:0"] {
            let pinged = pinged(address, 2).options(|options| {
                options.timeout = Duration::from_millis(100);
            });
            let told = namespaces.as_client(|| pinged.ping(adapter)).unwrap();
            assert_eq!((told.timed_out.as_slice(), told.failures.len()), (&[0, 1][..], 0));
        }
    });
}

/// Raw sockets hear everybody's replies.
fn many_pings_of_one_host_do_not_hear_each_other(adapter: &dyn Adapter) {
    each_kind(|namespaces, _| {
        for address in SERVERS {
            let ping = || namespaces.as_client(|| pinged(address, 50).ping(adapter)).unwrap();
            std::thread::scope(|scope| {
                let pings: Vec<_> = (0..4).map(|_| scope.spawn(ping)).collect();
                for ping in pings {
                    let told = ping.join().unwrap();
                    assert_all_answered(&told, address);
                    assert_eq!(told.statistics.received, 50);
                }
            });
        }
    });
}

/// Raw sockets hear what routers say about everybody's requests.
fn what_routers_say_of_others_is_theirs(adapter: &dyn Adapter) {
    each_kind(|namespaces, _| {
        for (refused, swallowed) in
            [("203.0.113.1:0", "203.0.113.129:0"), ("[2001:db8:3::1]:0", "[2001:db8:5::1]:0")]
        {
            // From here on the links are up, and take no second to come up.
            let server = if refused.contains('[') { SERVERS[1] } else { SERVERS[0] };
            let told = namespaces.as_client(|| pinged(server, 1).ping(adapter)).unwrap();
            assert_all_answered(&told, server);
            std::thread::scope(|scope| {
                let ours = scope.spawn(|| {
                    let pinged = pinged(swallowed, 5).options(|options| {
                        options.timeout = Duration::from_secs(1);
                        options.in_flight_max = 5;
                    });
                    namespaces.as_client(|| pinged.ping(adapter)).unwrap()
                });
                let theirs = namespaces.as_client(|| {
                    let pinged = pinged(refused, 5).options(|options| {
                        options.interval = Duration::from_millis(50);
                    });
                    pinged.ping(adapter)
                });
                assert!(theirs.unwrap().statistics.failed > 0);
                let ours = ours.join().unwrap().statistics;
                assert_eq!((ours.timed_out, ours.failed), (5, 0));
            });
        }
    });
}

both!(
    what_routers_say_of_others_is_theirs,
    the_loopback_answers,
    a_host_behind_a_router_answers_over_either_kind_of_socket,
    routers_say_where_the_hop_limit_ends,
    routers_say_what_cannot_be_reached,
    routers_say_what_is_too_big,
    what_is_swallowed_times_out,
    many_pings_of_one_host_do_not_hear_each_other,
);
