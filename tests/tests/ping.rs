//! Pings by UDP, TCP and TLS of peers made by hand: what is lost, repeated, swapped, refused, late.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use drywire::address::Address;
use drywire_conformance::adapter::{Adapter, Setup};
use drywire_conformance::certificates::Certificates;
use drywire_conformance::peer::Reach;
use drywire_conformance::pings::{Pinged, Target};
use drywire_conformance::{PATIENCE, both};
use socket2::{Domain, Socket, Type};

/// Long beside what a loopback takes, short beside a test.
const TIMEOUT: Duration = Duration::from_secs(1);

/// A UDP peer that does with each datagram, in order, what `answer` says: sends these back.
fn peer(
    local: SocketAddr,
    answer: impl Fn(usize, &[Vec<u8>]) -> Vec<Vec<u8>> + Send + 'static,
) -> SocketAddr {
    let socket = UdpSocket::bind(local).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let (mut seen, mut bytes) = (Vec::new(), [0; 65_536]);
        while let Ok((len, from)) = socket.recv_from(&mut bytes) {
            seen.push(bytes[..len].to_vec());
            for datagram in answer(seen.len() - 1, &seen) {
                socket.send_to(&datagram, from).unwrap();
            }
        }
    });
    address
}

fn v4() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

fn an_echo_is_heard(adapter: &dyn Adapter) {
    for local in [v4(), (Ipv6Addr::LOCALHOST, 0).into()] {
        let address = peer(local, |at, seen| vec![seen[at].clone()]);
        for payload_len in [16, 56, 1400, 65_507 - 40] {
            let pinged = Pinged::new(Target::Udp(address), 4);
            let told = pinged.options(|options| options.payload_len = payload_len).ping(adapter);
            let told = told.unwrap();
            let numbers: Vec<_> = told.replies.iter().map(|(reply, ..)| reply.number).collect();
            assert_eq!(numbers, [0, 1, 2, 3], "{told:?}");
            assert!(told.replies.iter().all(|(_, from, _)| *from == Some(address)));
            let statistics = told.statistics;
            assert_eq!((statistics.sent, statistics.received), (4, 4));
            assert!(statistics.round_trip.min() > Some(Duration::ZERO));
            assert!(statistics.round_trip.max() < Some(PATIENCE));
        }
    }
}

fn what_a_network_does_is_counted(adapter: &dyn Adapter) {
    // 0 comes twice, 1 never, 2 and 3 swapped, 4 damaged and then as it was, 5 after another's.
    let address = peer(v4(), |at, seen| {
        let own = seen[at].clone();
        match at {
            0 => vec![own.clone(), own],
            1 | 2 => vec![],
            3 => vec![own, seen[2].clone()],
            4 => vec![own[..own.len() - 1].to_vec(), own],
            _ => vec![b"never asked for this".to_vec(), own],
        }
    });
    let pinged = Pinged::new(Target::Udp(address), 6).options(|options| {
        options.timeout = TIMEOUT;
        options.in_flight_max = 6;
    });
    let told = pinged.ping(adapter).unwrap();
    let statistics = &told.statistics;
    assert_eq!((statistics.sent, statistics.received), (6, 5), "{told:?}");
    assert_eq!((statistics.duplicates, statistics.reordered), (1, 1), "{told:?}");
    assert_eq!((statistics.timed_out, statistics.foreign), (1, 2), "{told:?}");
    assert_eq!((told.timed_out, told.others), (vec![1], 1));
}

fn a_reply_after_its_time_is_late(adapter: &dyn Adapter) {
    // The first is answered when the second comes.
    let address = peer(v4(), |at, seen| if at == 0 { vec![] } else { vec![seen[0].clone()] });
    let pinged = Pinged::new(Target::Udp(address), 2);
    let told = pinged.options(|options| options.timeout = TIMEOUT).ping(adapter).unwrap();
    let statistics = &told.statistics;
    assert_eq!((statistics.received, statistics.timed_out, statistics.late), (0, 2, 1), "{told:?}");
    assert!(statistics.has_reply() && statistics.round_trip.count() == 0);
}

/// Linux tells why, and the address of whoever says so.
fn a_port_that_nobody_has_is_unreachable(adapter: &dyn Adapter) {
    for (local, elsewhere) in [("127.0.0.1:0", "127.0.0.1:9"), ("[::1]:0", "[::1]:9")] {
        // Connected elsewhere, it keeps the port from others and takes nothing from us.
        let socket = UdpSocket::bind(local).unwrap();
        socket.connect(elsewhere).unwrap();
        let address = socket.local_addr().unwrap();
        let told = Pinged::new(Target::Udp(address), 2).ping(adapter).unwrap();
        let sentence = format!("{}: destination port unreachable", address.ip());
        assert_eq!(told.failures, [(0, sentence.clone()), (1, sentence)], "{told:?}");
        assert_eq!(told.statistics.failed, 2);
        assert!(!told.statistics.has_reply());
    }
}

fn connections_are_measured_by_stages(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    for (reach, is_tls) in
        [(Reach::V4, false), (Reach::V6, false), (Reach::Unix, false), (Reach::V4, true)]
    {
        let setup = Setup::echo("raw").reach(reach);
        let setup = if is_tls { setup.tls(&certificates.server_tls()) } else { setup };
        let server = setup.serve(adapter);
        let tls = is_tls.then(|| certificates.client_tls());
        let address = match (server.address(), is_tls) {
            (Address::Stream { endpoint, .. }, tls) => {
                Address::Stream { endpoint: endpoint.clone(), tls }
            }
            (address, _) => address.clone(),
        };
        for payload_len in [0, 1, 56, 100_000] {
            let pinged = Pinged::new(Target::Stream(address.clone(), tls.clone()), 3);
            let told = pinged.options(|options| options.payload_len = payload_len).ping(adapter);
            let told = told.unwrap();
            assert_eq!(told.replies.len(), 3, "{told:?}");
            for (reply, ..) in &told.replies {
                let laps = reply.laps;
                assert!(laps.connect.is_some());
                assert_eq!(laps.handshake.is_some(), is_tls);
                assert_eq!(laps.echo.is_some(), payload_len > 0);
                let laps = [laps.connect, laps.handshake, laps.echo].into_iter().flatten();
                assert!(laps.sum::<Duration>() <= reply.round_trip, "{reply:?}");
            }
            let statistics = &told.statistics;
            assert_eq!((statistics.connect.count(), statistics.received), (3, 3));
            assert_eq!(statistics.handshake.count(), if is_tls { 3 } else { 0 });
            assert_eq!(statistics.echo.count(), if payload_len > 0 { 3 } else { 0 });
        }
    }
}

fn connections_that_fail_say_why(adapter: &dyn Adapter) {
    let failures = |target: Target| {
        let pinged = Pinged::new(target, 1).options(|options| options.timeout = PATIENCE);
        let told = pinged.ping(adapter).unwrap();
        assert_eq!(told.statistics.failed, 1, "{told:?}");
        told.failures.into_iter().map(|(_, failure)| failure).collect::<Vec<_>>()
    };
    let stream =
        |place: SocketAddr| Target::Stream(format!("tcp://{place}").parse().unwrap(), None);
    // Bound and not listening.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&v4().into()).unwrap();
    let place = socket.local_addr().unwrap().as_socket().unwrap();
    let sentence = format!("no address could be connected to: {place}: connection refused");
    assert_eq!(failures(stream(place)), [sentence]);

    let listener = TcpListener::bind(v4()).unwrap();
    let place = listener.local_addr().unwrap();
    let peer = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 56]).unwrap();
        listener
    });
    assert_eq!(failures(stream(place)), ["the peer finished without an echo"]);
    let listener = peer.join().unwrap();
    let peer = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 56]).unwrap();
        stream.write_all(&[0; 55]).unwrap();
        listener
    });
    let [failure] = &failures(stream(place))[..] else { panic!() };
    assert!(failure.contains("55"), "{failure}");
    drop(peer.join().unwrap());
}

fn a_peer_that_says_nothing_is_given_up(adapter: &dyn Adapter) {
    let listener = TcpListener::bind(v4()).unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    let pinged = Pinged::new(Target::Stream(address.parse().unwrap(), None), 2);
    let told = pinged.options(|options| options.timeout = TIMEOUT).ping(adapter).unwrap();
    assert_eq!(told.timed_out, [0, 1], "{told:?}");
    assert_eq!(told.statistics.timed_out, 2);
}

fn a_handle_ends_it_at_once(adapter: &dyn Adapter) {
    let address = peer(v4(), |at, seen| vec![seen[at].clone()]);
    let begin = Instant::now();
    let pinged = Pinged::new(Target::Udp(address), 1000).stops();
    let told = pinged.options(|options| options.interval = Duration::from_secs(3600)).ping(adapter);
    let told = told.unwrap();
    assert_eq!((told.statistics.sent, told.statistics.received), (1, 1));
    assert!(begin.elapsed() < PATIENCE);
}

fn the_deadline_ends_it(adapter: &dyn Adapter) {
    let address = peer(v4(), |_, _| vec![]);
    let begin = Instant::now();
    let pinged = Pinged::new(Target::Udp(address), 1000).options(|options| {
        options.deadline = TIMEOUT;
        options.timeout = Duration::from_secs(3600);
        options.in_flight_max = 7;
    });
    let told = pinged.ping(adapter).unwrap();
    assert_eq!((told.statistics.sent, told.statistics.timed_out), (7, 0));
    assert!((TIMEOUT..PATIENCE).contains(&begin.elapsed()));
}

/// Of requests that all fail at once, none keeps the ping from being stopped.
fn requests_that_cannot_be_sent_fail(adapter: &dyn Adapter) {
    let address = peer(v4(), |_, _| vec![]);
    // Longer than a datagram can be.
    let pinged = Pinged::new(Target::Udp(address), u64::MAX).stops();
    let told = pinged.options(|options| options.payload_len = 70_000).ping(adapter).unwrap();
    assert!(told.failures[0].1.starts_with("cannot send: "), "{told:?}");
    assert!(told.statistics.sent < 1000);
}

both!(
    an_echo_is_heard,
    what_a_network_does_is_counted,
    a_reply_after_its_time_is_late,
    a_port_that_nobody_has_is_unreachable,
    connections_are_measured_by_stages,
    connections_that_fail_say_why,
    a_peer_that_says_nothing_is_given_up,
    a_handle_ends_it_at_once,
    the_deadline_ends_it,
    requests_that_cannot_be_sent_fail,
);
