//! What the allocator sees: nothing in the steady state of a plain connection, and never more than
//! the bound. Alone in its process and without the usual harness, whose threads allocate too.

use std::alloc::System;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use drywire::buffer::Pool;
use drywire::datagram::{
    DatagramEcho, DatagramEndpoint, DatagramLimits, RequestLimits, Requests, SamePayload,
    pump as pump_datagrams,
};
use drywire::framing::AnyFraming;
use drywire::limits::DATAGRAM_LEN_MAX;
use drywire::protocol::Echo;
use drywire::{Connection, Instant, Limits, Protocol, pump};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const NOW: Instant = Instant::ZERO;

const NAMES: [&str; 14] = [
    "raw",
    "lines",
    "netstring",
    "varint",
    "quic-varint",
    "u8",
    "u16be",
    "u16le",
    "u32be",
    "u32le",
    "u64be",
    "u64le",
    "fixed:16",
    "delimiter:0d0a",
];

struct EchoServer {
    connection: Connection<AnyFraming>,
    echo: Echo<AnyFraming>,
    pool: Pool,
}

impl EchoServer {
    fn new(framing: AnyFraming) -> Self {
        let echo = Echo::new(framing);
        let limits = Arc::new(Limits::new());
        let connection = Connection::plain(echo.framing(), limits, NOW);
        Self { connection, echo, pool: Pool::default() }
    }

    /// One turn of a driver that reads `input` and whose socket takes everything. Returns how much
    /// of the input was taken, and how many bytes were sent.
    fn turn(&mut self, input: &[u8]) -> (usize, usize) {
        self.connection.lease(&mut self.pool);
        let room = self.connection.receive_buffer();
        let taken = input.len().min(room.len());
        room[..taken].copy_from_slice(&input[..taken]);
        self.connection.received(taken, NOW).unwrap();
        pump(&mut self.connection, &mut self.echo);
        let sent = self.connection.transmit().len();
        self.connection.transmitted(sent, NOW).unwrap();
        self.connection.settle(&mut self.pool);
        (taken, sent)
    }
}

/// `count` frames of 16 bytes, as a peer sends them.
fn frames(framing: &AnyFraming, count: usize) -> Vec<u8> {
    let mut peer = Connection::plain(framing.clone(), Arc::new(Limits::new()), NOW);
    for _ in 0..count {
        peer.send(b"sixteen letters!").unwrap();
    }
    peer.transmit().to_vec()
}

fn the_steady_state_of_an_echo_allocates_nothing() {
    for name in NAMES {
        let framing: AnyFraming = name.parse().unwrap();
        let input = frames(&framing, 100);
        let mut server = EchoServer::new(framing);
        // Whole reads, and reads that leave part of a frame over.
        let (front, back) = input.split_at(input.len() / 2 + 3);
        let mut round = || {
            let sent = [&input, front, back].map(|input| server.turn(input).1);
            assert_eq!(sent.iter().sum::<usize>(), 2 * input.len(), "{name}");
        };
        round();
        let region = Region::new(ALLOCATOR);
        for _ in 0..100 {
            round();
        }
        let change = region.change();
        assert_eq!((change.allocations, change.reallocations), (0, 0), "{name}");
    }
}

/// A peer that announces a long frame, sends it and never reads makes the connection hold no more
/// than its bound, by the allocator's count.
fn no_input_makes_a_connection_exceed_its_bound() {
    for name in NAMES {
        let framing: AnyFraming = name.parse().unwrap();
        let framing = framing.with_frame_len_max(200_000);
        let limits = Arc::new(Limits::new());
        // A frame of the greatest length, then many small ones, none of which is taken.
        let mut peer = Connection::plain(framing.clone(), Arc::clone(&limits), NOW);
        let longest = [vec![b'x'; 200_000], vec![b'x'; 255], vec![b'x'; 16]];
        let sent = longest.iter().any(|item| peer.send(item).is_ok());
        assert!(sent, "{name}");
        let mut input = peer.transmit().to_vec();
        let small = frames(&framing, 5_000);
        for _ in 0..40 {
            input.extend_from_slice(&small);
        }

        let region = Region::new(ALLOCATOR);
        let mut echo = Echo::new(framing);
        let mut connection = Connection::plain(echo.framing(), limits, NOW);
        let bound = connection.memory_len_max();
        let mut rest = input.as_slice();
        loop {
            let room = connection.receive_buffer();
            let len = rest.len().min(room.len()).min(1000);
            room[..len].copy_from_slice(&rest[..len]);
            rest = &rest[len..];
            connection.received(len, NOW).unwrap();
            pump(&mut connection, &mut echo);
            let change = region.change();
            let held = change.bytes_allocated - change.bytes_deallocated;
            assert!(held <= bound, "{name}: {held} bytes held, at most {bound} promised");
            if len == 0 {
                break;
            }
        }
        assert!(!rest.is_empty() && !connection.interest().read, "{name} stopped reading");
    }
}

/// Datagrams from many sources, in bursts, with requests of our own between.
fn the_steady_state_of_datagrams_allocates_nothing() {
    let peers: Vec<_> =
        (0..200_u8).map(|host| SocketAddr::from(([192, 0, 2, host], 5000))).collect();
    let mut echo = DatagramEndpoint::new(&DatagramLimits::new(), NOW);
    let mut requests = Requests::new(SamePayload, RequestLimits::new(), NOW);
    let mut now = NOW;
    let mut round = || {
        now = now + Duration::from_millis(1);
        for (peer, len) in peers.iter().zip((0..1400).step_by(7)) {
            echo.received(*peer, &[1; 1400][..len], now);
        }
        pump_datagrams(&mut echo, &mut DatagramEcho);
        let sent = echo.transmit_all().count();
        assert_eq!(sent, peers.len());
        echo.transmitted(sent, now).unwrap();
        for _ in 0..64 {
            requests.request(peers[0], &[2; 64], now).unwrap();
            requests.transmitted(now);
            requests.received(&peers[0], &[2; 64], now);
            assert!(requests.next().is_some());
        }
    };
    (0..10).for_each(|_| round());
    let region = Region::new(ALLOCATOR);
    (0..100).for_each(|_| round());
    let change = region.change();
    assert_eq!((change.allocations, change.reallocations), (0, 0));
}

/// A flood of the longest datagrams from ever new sources, in queues that nobody empties.
fn no_flood_makes_an_endpoint_exceed_its_bound() {
    let region = Region::new(ALLOCATOR);
    let mut echo = DatagramEndpoint::new(&DatagramLimits::new(), NOW);
    let bound = echo.memory_len_max();
    let longest = vec![1; DATAGRAM_LEN_MAX];
    for host in 0..20_000_u32 {
        let from = SocketAddr::from((Ipv4Addr::from_bits(0x0a00_0000 + host), 5000));
        echo.received(from, &longest[..host as usize % 3 * 32_000], NOW);
        pump_datagrams(&mut echo, &mut DatagramEcho);
        let change = region.change();
        let held = change.bytes_allocated - change.bytes_deallocated;
        assert!(held <= bound + longest.len(), "{held} bytes held, at most {bound} promised");
    }
    assert!(bound < 8 * 1024 * 1024, "{bound}");

    let region = Region::new(ALLOCATOR);
    let mut requests = Requests::new(SamePayload, RequestLimits::new(), NOW);
    let bound = requests.memory_len_max();
    let server = SocketAddr::from((Ipv4Addr::LOCALHOST, 5000));
    for number in 0..300_usize {
        let _ = requests.request(server, &longest[number..], NOW);
        requests.transmitted(NOW);
        requests.received(&server, &longest[number..], NOW);
        if number % 2 == 0 {
            let _ = requests.next();
        }
        let change = region.change();
        let held = change.bytes_allocated - change.bytes_deallocated;
        assert!(held <= bound, "{held} bytes held, at most {bound} promised");
    }
}

#[cfg(feature = "http1")]
mod http1 {
    use drywire::http1::{Fields, Frame, Http1, HttpLimits, Request, Response};
    use drywire::{SendError, Step};

    use super::*;

    struct Side {
        connection: Connection<Http1>,
        pool: Pool,
    }

    impl Side {
        fn new(framing: Http1) -> Self {
            let connection = Connection::plain(framing, Arc::new(Limits::new()), NOW);
            Self { connection, pool: Pool::default() }
        }

        /// Reads at most `cut` bytes of what the other side has queued, and takes all steps. Returns
        /// how many were read.
        fn turn(&mut self, from: &mut Self, cut: usize) -> usize {
            self.connection.lease(&mut self.pool);
            let room = self.connection.receive_buffer();
            let queued = from.connection.transmit();
            let len = queued.len().min(room.len()).min(cut);
            room[..len].copy_from_slice(&queued[..len]);
            self.connection.received(len, NOW).unwrap();
            from.connection.transmitted(len, NOW).unwrap();
            while let Some(step) = self.connection.next() {
                let Step::Frame(frame, mut handle) = step else { continue };
                // A server echoes what it is sent.
                let answered = match frame {
                    Frame::Request(request) => {
                        handle.send(Frame::Response(Response::new(200, request.fields)))
                    }
                    Frame::Response(_) => continue,
                    _ if handle.framing().is_message_due() => handle.send(frame),
                    _ => continue,
                };
                answered.unwrap();
            }
            self.connection.settle(&mut self.pool);
            len
        }
    }

    pub(super) fn the_steady_state_of_exchanges_allocates_nothing() {
        let (mut client, mut server) = (Side::new(Http1::client()), Side::new(Http1::server()));
        let chunked = [("host", &b"a"[..]), ("transfer-encoding", b"chunked")];
        let length = [("host", &b"a"[..]), ("content-length", b"5")];
        let mut round = || {
            for fields in [&chunked, &length] {
                let request = Request::new("PUT", "/", Fields::new(fields));
                client.connection.lease(&mut client.pool);
                let mut send = |frame| client.connection.send(frame).unwrap();
                send(Frame::Request(request));
                send(Frame::Body(b"hello"));
                if fields == &chunked {
                    send(Frame::Trailers(Fields::new(&[("sum", b"1")])));
                }
                send(Frame::End);
            }
            // Whole reads, and reads that leave heads, chunks and trailers over.
            for cut in [10_000, 7] {
                while server.turn(&mut client, cut) + client.turn(&mut server, cut) > 0 {}
            }
            assert_eq!(client.connection.framing().outstanding(), 0);
            assert!(client.connection.framing().is_keep_alive());
        };
        round();
        let region = Region::new(ALLOCATOR);
        for _ in 0..100 {
            round();
        }
        let change = region.change();
        assert_eq!((change.allocations, change.reallocations), (0, 0));
    }

    pub(super) fn no_request_makes_a_connection_exceed_its_bound() {
        let endless: [(&[u8], &[u8]); 4] = [
            (b"GET / HTTP/1.1\r\nX: ", b"x"),
            (b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x"),
            (b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"x"),
            (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n", b"x"),
        ];
        for (head, rest) in endless {
            let mut limits = HttpLimits::new();
            limits.head_len_max = 100_000;
            let input = [head, &rest.repeat(1_000_000)].concat();
            let region = Region::new(ALLOCATOR);
            let framing = Http1::server().with_limits(limits);
            let mut server = Connection::plain(framing, Arc::new(Limits::new()), NOW);
            let bound = server.memory_len_max();
            let mut rest = input.as_slice();
            loop {
                let room = server.receive_buffer();
                let len = rest.len().min(room.len()).min(1000);
                room[..len].copy_from_slice(&rest[..len]);
                rest = &rest[len..];
                server.received(len, NOW).unwrap();
                while let Some(step) = server.next() {
                    // Echoes the body until there is no room, and then keeps it.
                    if let Step::Frame(frame, mut handle) = step {
                        let answer = match frame {
                            Frame::Request(_) => Frame::Response(Response::new(200, Fields::NONE)),
                            frame => frame,
                        };
                        if handle.send(answer) == Err(SendError::Full) {
                            handle.retain();
                        }
                    }
                }
                let change = region.change();
                let held = change.bytes_allocated - change.bytes_deallocated;
                assert!(held <= bound, "{held} bytes held, at most {bound} promised");
                if len == 0 {
                    break;
                }
            }
        }
    }
}

#[cfg(feature = "tls")]
mod tls {
    use drywire::Step;
    use drywire::framing::{Framing, LengthPrefix};
    use drywire::tls::{ClientTls, ServerTls, TlsSession, pem};

    use super::*;

    /// Two sides of a session in memory, the server an echo.
    struct Pair {
        client: Connection<LengthPrefix>,
        server: Connection<LengthPrefix>,
        echo: Echo<LengthPrefix>,
        pool: Pool,
    }

    impl Pair {
        fn new(client: &ClientTls, server: &ServerTls) -> Self {
            let name = "localhost".try_into().unwrap();
            let (client, server) =
                (TlsSession::client(client, name).unwrap(), TlsSession::server(server));
            let (limits, framing) = (Arc::new(Limits::new()), LengthPrefix::u32be());
            let mut pair = Self {
                client: Connection::tls(client, framing.clone(), Arc::clone(&limits), NOW),
                server: Connection::tls(server, framing.clone(), limits, NOW),
                echo: Echo::new(framing),
                pool: Pool::default(),
            };
            while pair.turn() > 0 {}
            pair
        }

        /// Carries what there is once each way. Returns how many bytes.
        fn turn(&mut self) -> usize {
            self.client.lease(&mut self.pool);
            self.server.lease(&mut self.pool);
            let mut moved = carry(&mut self.client, &mut self.server);
            pump(&mut self.server, &mut self.echo);
            moved += carry(&mut self.server, &mut self.client);
            while let Some(step) = self.client.next() {
                assert!(matches!(step, Step::Open(..) | Step::Frame(..)));
            }
            self.server.settle(&mut self.pool);
            self.client.settle(&mut self.pool);
            moved
        }
    }

    fn carry<F: Framing>(from: &mut Connection<F>, to: &mut Connection<F>) -> usize {
        let bytes = from.transmit();
        let room = to.receive_buffer();
        let len = bytes.len().min(room.len());
        room[..len].copy_from_slice(&bytes[..len]);
        to.received(len, NOW).unwrap();
        from.transmitted(len, NOW).unwrap();
        len
    }

    fn configurations() -> (ClientTls, ServerTls) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let identity = pem::Identity { certificates: certificate.as_bytes(), key: key.as_bytes() };
        let server = pem::server_config(identity, None, &[], &provider).unwrap();
        let verification = pem::Verification::Authorities(certificate.as_bytes());
        let client = pem::client_config(verification, None, &[], &provider).unwrap();
        (ClientTls::new(client), ServerTls::new(server).unwrap())
    }

    /// A record costs rustls one vector where it is sealed and one where it is opened. What is sent
    /// together is one record, however many frames it is.
    pub(super) fn a_record_costs_an_allocation_each_way() {
        let (client, server) = configurations();
        let mut pair = Pair::new(&client, &server);
        for (frames, len, records) in [(1, 16, 1), (100, 16, 1), (1, 16_380, 1), (2, 16_000, 2)] {
            let item = vec![7; len];
            let mut round = || {
                // Within a turn, so that what is staged lies in a buffer of the pool.
                pair.client.lease(&mut pair.pool);
                for _ in 0..frames {
                    pair.client.send(&item).unwrap();
                }
                while pair.turn() > 0 {}
            };
            (0..3).for_each(|_| round());
            let region = Region::new(ALLOCATOR);
            (0..100).for_each(|_| round());
            let change = region.change();
            // Two sides, each of which opens and seals.
            let allocations = change.allocations + change.reallocations;
            assert!(allocations <= 100 * 4 * records, "{frames} of {len} B: {allocations}");
        }
    }

    /// What is allocated for two sides that have nothing to do. Nearly all of it is rustls' own; what
    /// its provider allocates in C is not counted.
    pub(super) fn an_idle_session_takes_little_more_than_that_of_rustls() {
        let (client, server) = configurations();
        // What is made once.
        let mut pairs = vec![Pair::new(&client, &server)];
        pairs.reserve(100);
        let region = Region::new(ALLOCATOR);
        for _ in 0..100 {
            let mut pair = Pair::new(&client, &server);
            pair.pool = Pool::new(0);
            pairs.push(pair);
        }
        let change = region.change();
        let held = (change.bytes_allocated - change.bytes_deallocated) / 100;
        assert!(held <= 5400, "{held} bytes");
    }
}

fn main() {
    the_steady_state_of_an_echo_allocates_nothing();
    no_input_makes_a_connection_exceed_its_bound();
    the_steady_state_of_datagrams_allocates_nothing();
    no_flood_makes_an_endpoint_exceed_its_bound();
    let passed = 4;
    #[cfg(feature = "http1")]
    let passed = {
        http1::the_steady_state_of_exchanges_allocates_nothing();
        http1::no_request_makes_a_connection_exceed_its_bound();
        passed + 2
    };
    #[cfg(feature = "tls")]
    let passed = {
        tls::a_record_costs_an_allocation_each_way();
        tls::an_idle_session_takes_little_more_than_that_of_rustls();
        passed + 2
    };
    println!("allocations: {passed} passed, 0 failed");
}
