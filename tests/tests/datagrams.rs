//! UDP and Unix datagrams over every kind of socket: lengths, many peers, peers that vanish,
//! floods, clients.

use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::thread;
use std::time::Duration;

use drywire::Fault;
use drywire::address::Address;
use drywire::datagram::{Dropped, RequestLimits, SourceRate};
use drywire::limits::DATAGRAM_LEN_MAX;
use drywire_conformance::adapter::Adapter;
use drywire_conformance::datagrams::{Peer, Setup, path};
use drywire_conformance::peer::{Place, Raw};
use drywire_conformance::{PATIENCE, adapter, both};
use drywire_std::datagram::{DatagramError, DatagramListener};
use drywire_std::{BindError, ConnectError};

const EVERYWHERE: [&str; 4] = [
    "udp://127.0.0.1:0",
    "udp://[::1]:0",
    "unixgram:FOLDER/socket",
    // Dual stack, spoken to over IPv6.
    "udp://[::]:0",
];

/// The address as a client can use it.
fn reachable(address: &Address) -> Address {
    address.to_string().replace("[::]", "[::1]").parse().unwrap()
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

fn every_length_is_echoed(adapter: &dyn Adapter) {
    let server = Setup::at(&EVERYWHERE).serve(adapter);
    for address in &server.addresses {
        let peer = Peer::connect(&reachable(address));
        for len in [0, 1, 2, 1472, 1473, 8192, 65_506, DATAGRAM_LEN_MAX] {
            peer.send(&bytes(len));
            peer.expect(&bytes(len));
        }
    }
    let statistics = server.until(|statistics| statistics.transmitted == 32);
    assert_eq!((statistics.received, statistics.dropped_in_all()), (32, 0));
    assert_eq!(statistics.received_len, 4 * (1 + 2 + 1472 + 1473 + 8192 + 65_506 + 65_507));
}

fn two_hundred_peers_have_their_own_answers(adapter: &dyn Adapter) {
    for address in ["udp://127.0.0.1:0", "udp://[::1]:0", "unixgram:FOLDER/socket"] {
        let server = Setup::at(&[address]).serve(adapter);
        let peers: Vec<_> = (0..200).map(|_| Peer::connect(&server.addresses[0])).collect();
        for round in 0..5 {
            for (number, peer) in peers.iter().enumerate() {
                peer.send(format!("{number} {round}").as_bytes());
            }
            for (number, peer) in peers.iter().enumerate() {
                peer.expect(format!("{number} {round}").as_bytes());
            }
        }
        server.until(|statistics| statistics.transmitted == 1000);
    }
}

fn both_families_are_served_by_a_dual_stack_socket(adapter: &dyn Adapter) {
    let server = Setup::at(&["udp://[::]:0"]).serve(adapter);
    let port = server.ip(0).port();
    let peers = [
        Peer::udp("127.0.0.1:0", ([127, 0, 0, 1], port).into()),
        Peer::connect(&reachable(&server.addresses[0])),
    ];
    // In one batch, too.
    for _ in 0..20 {
        for (peer, bytes) in peers.iter().zip([b"four", b"six."]) {
            peer.send(bytes);
            peer.send(bytes);
        }
        for (peer, bytes) in peers.iter().zip([b"four", b"six."]) {
            peer.expect(bytes);
            peer.expect(bytes);
        }
    }
}

/// What answers them comes back as ICMP port unreachable, or finds no file.
fn peers_that_vanish_end_nothing(adapter: &dyn Adapter) {
    let server = Setup::at(&["udp://127.0.0.1:0", "unixgram:FOLDER/socket"]).serve(adapter);
    let witnesses: Vec<_> = server.addresses.iter().map(Peer::connect).collect();
    for round in 0..50_u64 {
        for (address, witness) in server.addresses.iter().zip(&witnesses) {
            // Many at once, so that they are in one batch with the witness.
            for _ in 0..3 {
                Peer::connect(address).send(b"farewell");
            }
            witness.send(&round.to_be_bytes());
            Peer::connect(address).send(b"farewell");
            witness.expect(&round.to_be_bytes());
        }
    }
    let statistics = server.until(|statistics| statistics.received == 50 * 2 * 5);
    assert_eq!(statistics.dropped_in_all(), 0);
}

fn a_flood_from_one_source_is_bounded_and_others_are_served(adapter: &dyn Adapter) {
    let server = Setup::at(&["udp://127.0.0.1:0"])
        .limits(|limits| {
            let mut rate = SourceRate::new();
            rate.per_second = 1;
            rate.burst = 50;
            limits.source_rate = Some(rate);
        })
        .serve(adapter);
    let flood = Peer::connect(&server.addresses[0]);
    let other = Peer::udp("127.0.0.2:0", server.ip(0));
    for round in 0..40_u64 {
        (0..50).for_each(|_| flood.send(b"flood"));
        other.send(&round.to_be_bytes());
        other.expect(&round.to_be_bytes());
    }
    let statistics = server.until(|statistics| {
        statistics.transmitted == statistics.queued
            && statistics.dropped_as(Dropped::SourceRate) > 0
    });
    // A second may have passed, or a few.
    let answers = flood.drain();
    assert!((50..60).contains(&answers), "{answers} answers: {statistics:?}");
    assert!(statistics.dropped_as(Dropped::SourceRate) >= 100, "{statistics:?}");
}

fn who_could_be_the_echo_itself_is_not_answered(adapter: &dyn Adapter) {
    let server = Setup::at(&["udp://127.0.0.1:0"]).serve(adapter);
    let to = server.ip(0);
    let same_port = Peer::udp(&format!("127.0.0.2:{}", to.port()), to);
    same_port.send(b"loop");
    let other = Peer::connect(&server.addresses[0]);
    other.send(b"other");
    other.expect(b"other");
    server.until(|statistics| statistics.dropped_as(Dropped::OwnAddress) == 1);
    assert_eq!(same_port.drain(), 0);
}

fn the_file_of_a_unix_socket_is_looked_after(adapter: &dyn Adapter) {
    let server = Setup::at(&["unixgram:FOLDER/socket"]).serve(adapter);
    let address = server.addresses[0].clone();
    let file = path(&address);
    let second = DatagramListener::bind(&address);
    assert!(matches!(second, Err(BindError::InUse(_))), "{second:?}");
    let folder = server.folder.clone();
    let _ = server.drain();
    assert!(!file.exists());
    // One that nobody looks after any more is replaced; a file that is none is not.
    drop(UnixDatagram::bind(&file).unwrap());
    let stale = Setup::at(&[&address.to_string()]).serve(adapter);
    let peer = Peer::connect(&address);
    peer.send(b"hello");
    peer.expect(b"hello");
    let _ = stale.stop();
    std::fs::write(&file, "text").unwrap();
    let third = DatagramListener::bind(&address);
    assert!(matches!(third, Err(BindError::NotASocket(_))), "{third:?}");
    drop(folder);
    let wrong = DatagramListener::bind(&"tcp://127.0.0.1:0".parse().unwrap()).unwrap_err();
    assert_eq!(wrong.to_string(), "tcp://127.0.0.1:0 is not a datagram socket");
}

fn unix_peers_without_a_name_or_without_end_hold_nobody_up(adapter: &dyn Adapter) {
    let server = Setup::at(&["unixgram:FOLDER/socket"]).serve(adapter);
    let address = &server.addresses[0];
    let unnamed = UnixDatagram::unbound().unwrap();
    unnamed.send_to(b"who is it", path(address)).unwrap();
    unnamed.send_to(&bytes(70_000), path(address)).unwrap();
    // Its queue is full after a few.
    let deaf = UnixDatagram::bind(server.folder.path().join("deaf")).unwrap();
    (0..300).for_each(|_| assert_eq!(deaf.send_to(b"never read", path(address)).unwrap(), 10));
    let witness = Peer::connect(address);
    witness.send(b"still");
    witness.expect(b"still");
    let statistics = server.until(|statistics| statistics.received == 303);
    assert_eq!(statistics.dropped_as(Dropped::Unanswerable), 1);
    assert_eq!(statistics.dropped_as(Dropped::TooLong), 1);
    assert!(statistics.failed > 0, "{statistics:?}");
}

fn a_server_has_streams_and_datagrams_and_ends_with_both(adapter: &dyn Adapter) {
    let server = Setup::at(&["udp://127.0.0.1:0", "unixgram:FOLDER/socket"])
        .beside("tcp://127.0.0.1:0")
        .serve(adapter);
    let Place::Tcp(at) = adapter::place(&server.stream_addresses[0]) else { panic!("over IP") };
    let mut stream = Raw::connect(&Place::Tcp(at));
    stream.send(b"a line\n");
    stream.expect(b"a line\n");
    for address in &server.addresses {
        let peer = Peer::connect(address);
        peer.send(b"a datagram");
        peer.expect(b"a datagram");
    }
    stream.finish();
    stream.expect_end();
    let udp = server.ip(0);
    let ended = server.drain();
    assert!(ended.drained);
    assert_eq!((ended.statistics.accepted, ended.datagrams.transmitted), (1, 2));
    // The port is free again.
    UdpSocket::bind(udp).unwrap();
}

fn a_server_of_datagrams_alone_can_be_stopped(adapter: &dyn Adapter) {
    let server = Setup::at(&["udp://127.0.0.1:0"]).serve(adapter);
    let peer = Peer::connect(&server.addresses[0]);
    peer.send(b"hello");
    peer.expect(b"hello");
    let ended = server.stop();
    assert_eq!((ended.statistics.accepted, ended.datagrams.yielded), (0, 1));
}

fn our_client_is_answered_over_every_kind_of_socket(adapter: &dyn Adapter) {
    let server = Setup::at(&EVERYWHERE).serve(adapter);
    let unix = [format!("unixgram:@drywire-{}-{:p}", std::process::id(), &server)];
    let abstracted = Setup::at(&[&unix[0]]).serve(adapter);
    for address in server.addresses.iter().chain(&abstracted.addresses) {
        let address = reachable(address);
        let mut client = adapter.connect_datagrams(&address, RequestLimits::new()).unwrap();
        for len in [0, 1, 1473, DATAGRAM_LEN_MAX] {
            let reply = client.request(&bytes(len)).unwrap();
            assert_eq!((reply.bytes, reply.attempts), (bytes(len), 1), "{len} to {address}");
        }
        let too_long = client.request(&bytes(DATAGRAM_LEN_MAX + 1)).unwrap_err();
        assert!(matches!(too_long, DatagramError::Request(_)), "{too_long}");
        for number in 0..100_u8 {
            client.send(&[number]).unwrap();
        }
        for number in 0..100_u8 {
            assert_eq!(client.recv(PATIENCE).unwrap().as_deref(), Some(&[number][..]));
        }
        assert_eq!(client.recv(Duration::from_millis(1)).unwrap(), None);
    }
    let wrong = adapter.connect_datagrams(&"tcp://[::1]:1".parse().unwrap(), RequestLimits::new());
    assert!(matches!(wrong.err(), Some(ConnectError::NotDatagram(_))));
}

fn a_client_asks_again_and_knows_its_reply(adapter: &dyn Adapter) {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(PATIENCE)).unwrap();
    let address = format!("udp://{}", server.local_addr().unwrap()).parse().unwrap();
    let serving = thread::spawn(move || {
        let mut buffer = [0; 100];
        let mut receive = || {
            let (len, from) = server.recv_from(&mut buffer).unwrap();
            (buffer[..len].to_vec(), from)
        };
        // The first attempt is lost; then strangers, the reply and a duplicate.
        let (first, _) = receive();
        let (second, from) = receive();
        assert_eq!((&first[..], &second[..]), (&b"one"[..], &b"one"[..]));
        server.send_to(b"stranger", from).unwrap();
        server.send_to(b"", from).unwrap();
        server.send_to(b"one", from).unwrap();
        server.send_to(b"one", from).unwrap();
        let (third, from) = receive();
        assert_eq!(third, b"two");
        server.send_to(b"two", from).unwrap();
    });
    let mut limits = RequestLimits::new();
    limits.retry_timeout = Duration::from_millis(20);
    // The third attempt may not come before the reply to the second.
    limits.retry_timeout_max = PATIENCE;
    limits.attempts_max = 2;
    let mut client = adapter.connect_datagrams(&address, limits).unwrap();
    let reply = client.request(b"one").unwrap();
    assert_eq!((&reply.bytes[..], reply.attempts), (&b"one"[..], 2));
    assert_eq!(client.request(b"two").unwrap().bytes, b"two");
    serving.join().unwrap();
    let statistics = client.request_statistics();
    assert_eq!(statistics.dropped_as(Dropped::Stranger), 2);
    assert_eq!(statistics.dropped_as(Dropped::Duplicate), 1);
}

fn a_client_that_is_refused_is_told_and_goes_on(adapter: &dyn Adapter) {
    let place = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = format!("udp://{place}").parse().unwrap();
    let mut limits = RequestLimits::new();
    limits.retry_timeout = Duration::from_millis(5);
    limits.attempts_max = 3;
    let mut client = adapter.connect_datagrams(&address, limits).unwrap();
    let error = client.request(b"anybody").unwrap_err();
    let is_told =
        matches!(error, DatagramError::TimedOut { attempts: 3, fault: Some(Fault::Refused) });
    assert!(is_told, "{error:?}");
    client.send(b"anybody").unwrap();
    let fault = client.recv(PATIENCE).unwrap_err();
    assert!(matches!(fault, DatagramError::Fault(Fault::Refused)), "{fault:?}");
    // Somebody comes.
    let server = UdpSocket::bind(place).unwrap();
    server.set_read_timeout(Some(PATIENCE)).unwrap();
    client.send(b"hello").unwrap();
    let mut buffer = [0; 100];
    let (len, from) = server.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..len], b"hello");
    server.send_to(b"welcome", from).unwrap();
    assert_eq!(client.recv(PATIENCE).unwrap().as_deref(), Some(&b"welcome"[..]));
}

both!(
    every_length_is_echoed,
    two_hundred_peers_have_their_own_answers,
    both_families_are_served_by_a_dual_stack_socket,
    peers_that_vanish_end_nothing,
    a_flood_from_one_source_is_bounded_and_others_are_served,
    who_could_be_the_echo_itself_is_not_answered,
    the_file_of_a_unix_socket_is_looked_after,
    unix_peers_without_a_name_or_without_end_hold_nobody_up,
    a_server_has_streams_and_datagrams_and_ends_with_both,
    a_server_of_datagrams_alone_can_be_stopped,
    our_client_is_answered_over_every_kind_of_socket,
    a_client_asks_again_and_knows_its_reply,
    a_client_that_is_refused_is_told_and_goes_on,
);
