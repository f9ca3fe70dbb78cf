//! PROXY headers, written by hand.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use crate::adapter::{Listener, Server};
use drywire::admission::AdmissionLimits;
use drywire::connection::{Timer, Truncation};
use drywire::error::{LimitExceeded, RemoteError};
use drywire::proxy::{Header, HeaderError, Others, ProxyLimits, ProxyPolicy, Tlv, Version};
use drywire::{CloseKind, CloseReason, Error, Limits, Peer};
use rustls::ClientConnection;
use socket2::{Domain, Socket, Type};

use crate::certificate::Certificate;
use crate::obey::Obey;
use crate::peer::{
    PATIENCE, Raw, dial, dial_unix, expect, expect_echo, expect_end, expect_gone, handshake, reset,
};
use crate::serving::{Running, bind, loopback, run, socket_path};

const SOON: Duration = Duration::from_millis(40);

const LINE: &[u8] = b"PROXY TCP4 192.0.2.1 192.0.2.9 56324 443\r\n";

/// Trusts the usual address of this host only.
fn policy() -> ProxyPolicy {
    ProxyPolicy::new("127.0.0.1".parse().unwrap())
}

fn hasty() -> ProxyPolicy {
    let mut limits = ProxyLimits::new();
    limits.header_timeout = SOON;
    policy().with_limits(limits)
}

/// A server, and the peers that its protocols are made for.
struct Watched {
    server: Running,
    made: Receiver<Peer>,
}

fn watch(limits: Limits, admission: AdmissionLimits, listener: Listener) -> Watched {
    let (tell, made) = mpsc::channel();
    let server = Server::new(move |peer: &Peer| {
        tell.send(peer.clone()).unwrap();
        Obey
    });
    let server = server.limits(limits).admission(admission);
    Watched { server: run(server, vec![listener]), made }
}

fn serve(policy: ProxyPolicy) -> Watched {
    watch(Limits::new(), AdmissionLimits::new(), loopback().with_proxy(policy))
}

impl Watched {
    fn dial(&self) -> TcpStream {
        dial(self.server.at())
    }

    #[track_caller]
    fn made(&self) -> Peer {
        self.made.recv_timeout(PATIENCE).unwrap()
    }

    /// Waits until so many connections are accepted: one that is reset before is none.
    #[track_caller]
    fn await_accepted(&self, count: u64) {
        let begin = Instant::now();
        while self.server.handle.statistics().accepted < count {
            assert!(begin.elapsed() < PATIENCE);
            thread::yield_now();
        }
    }

    /// A connection ends for `reason`, without a protocol.
    #[track_caller]
    fn expect_closed_early(&self, reason: &CloseReason) {
        assert_eq!(&self.server.closed(), reason);
        assert!(self.made.try_recv().is_err(), "no protocol was made");
    }
}

/// A stream from another address of this host.
fn dial_from(source: [u8; 4], to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((source, 0)).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.into()
}

fn binary() -> Header {
    let source = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 56_324));
    let mut header = Header::tcp(Version::Two, source, source);
    header.push(Tlv::Authority(b"example.org")).unwrap();
    header.push_checksum().unwrap();
    header
}

#[test]
fn headers_are_received_at_every_cut() {
    let watched = serve(policy());
    for header in [LINE.to_vec(), binary().to_bytes()] {
        let bytes = [&header[..], b"hello\n"].concat();
        let mut cuts: Vec<_> = (1..bytes.len()).map(|cut| vec![cut]).collect();
        cuts.push((1..bytes.len()).collect());
        cuts.push(vec![]);
        for cuts in cuts {
            let mut peer = watched.dial();
            let mut at = 0;
            for cut in cuts.iter().copied().chain([bytes.len()]) {
                peer.write_all(&bytes[at..cut]).unwrap();
                at = cut;
            }
            expect(&mut peer, b"hello\n");
            let made = watched.made();
            assert_eq!(made.to_string(), "192.0.2.1:56324");
            assert_eq!(made.header().unwrap().to_bytes(), header);
            assert_eq!(made.ends().to_string(), peer.local_addr().unwrap().to_string());
            peer.finish();
            expect_end(&mut peer);
            assert_eq!(watched.server.closed_with_peer(), (made, CloseReason::Finished));
        }
    }
    let summary = watched.server.stop();
    assert_eq!(summary.statistics.closed_as(CloseKind::Finished), summary.statistics.accepted);
    assert!(summary.statistics.received_len > 0);
}

#[test]
fn every_byte_of_the_stream_is_counted_once() {
    let watched = serve(policy());
    let mut peer = watched.dial();
    let bytes = [LINE, b"one\n"].concat();
    peer.write_all(&bytes).unwrap();
    expect(&mut peer, b"one\n");
    expect_echo(&mut peer);
    drop(peer);
    watched.server.closed();
    let statistics = watched.server.stop().statistics;
    let received = bytes.len() + b"echo\n".len();
    assert_eq!(statistics.received_len, received as u64);
    assert_eq!(statistics.transmitted_len, b"one\necho\n".len() as u64);
}

#[test]
fn a_header_and_the_first_bytes_of_tls_in_one_segment() {
    let certificate = Certificate::new();
    let listener = loopback().with_tls(certificate.server()).with_proxy(policy());
    let watched = watch(Limits::new(), AdmissionLimits::new(), listener);
    for header in [LINE.to_vec(), binary().to_bytes()] {
        let name = "localhost".try_into().unwrap();
        let mut session = ClientConnection::new(certificate.client_config(), name).unwrap();
        let mut first = header;
        session.write_tls(&mut first).unwrap();
        let mut peer = watched.dial();
        peer.write_all(&first).unwrap();
        let mut peer = rustls::StreamOwned::new(session, peer);
        expect_echo(&mut peer);
        assert_eq!(watched.made().to_string(), "192.0.2.1:56324");
    }
    // And apart.
    let mut peer = watched.dial();
    peer.write_all(LINE).unwrap();
    expect_echo(&mut handshake(peer, &certificate.client_config()));
    watched.server.stop();
}

#[test]
fn a_handshake_begins_when_the_header_is_there() {
    let certificate = Certificate::new();
    let listener = loopback().with_tls(certificate.server()).with_proxy(policy());
    let mut limits = Limits::new();
    limits.handshake_timeout = SOON;
    let watched = watch(limits, AdmissionLimits::new(), listener);
    let mut peer = watched.dial();
    peer.write_all(LINE).unwrap();
    watched.made();
    assert_eq!(watched.server.closed(), CloseReason::TimedOut(Timer::Handshake));
    expect_gone(&mut peer);
    watched.server.stop();
}

#[test]
fn a_local_header_leaves_the_peer_as_it_is() {
    let watched = serve(policy());
    for header in [Header::local(), Header::unknown(Version::One), Header::unknown(Version::Two)] {
        let mut peer = watched.dial();
        peer.write_all(&header.to_bytes()).unwrap();
        expect_echo(&mut peer);
        let made = watched.made();
        assert_eq!(made.to_string(), peer.local_addr().unwrap().to_string());
        assert_eq!(made.header(), Some(&header));
    }
    watched.server.stop();
}

#[test]
fn headers_that_come_late_or_never_or_not_whole() {
    let watched = serve(hasty());
    let timed_out = CloseReason::TimedOut(Timer::ProxyHeader);
    for begin in [&b""[..], &LINE[..9], &binary().to_bytes()[..20]] {
        let mut peer = watched.dial();
        peer.write_all(begin).unwrap();
        watched.expect_closed_early(&timed_out);
        expect_gone(&mut peer);
    }
    let statistics = watched.server.stop().statistics;
    assert_eq!((statistics.closed_as(CloseKind::TimedOut), statistics.active), (3, 0));

    let watched = serve(policy());
    let truncated = CloseReason::Truncated(Truncation::ProxyHeader { len: 9 });
    for (begin, reason) in [(&LINE[..9], truncated), (b"", CloseReason::Finished)] {
        let mut peer = watched.dial();
        peer.write_all(begin).unwrap();
        peer.finish();
        watched.expect_closed_early(&reason);
        expect_end(&mut peer);
    }
    let mut peer = watched.dial();
    peer.write_all(&LINE[..9]).unwrap();
    watched.await_accepted(3);
    reset(peer);
    watched.expect_closed_early(&CloseReason::Reset);
    watched.server.stop();
}

#[test]
fn streams_without_a_header_and_headers_that_lie_are_refused() {
    let watched = serve(policy());
    let mut sum = binary().to_bytes();
    *sum.last_mut().unwrap() ^= 1;
    let mut long = binary().to_bytes();
    long[14..16].copy_from_slice(&[0xff, 0xff]);
    let mut family = binary().to_bytes();
    family[13] = 0x41;
    let remote = |error| CloseReason::Failed(Error::Remote(RemoteError::Proxy(error)));
    let too_long = LimitExceeded::ProxyHeaderLen { len: 65_551, max: 4096 };
    let first = HeaderError::Signature { offset: 0, found: b'e' };
    for (bytes, expected) in [
        (b"echo\n".to_vec(), Some(remote(first))),
        (b"PROXY TCP4 192.0.2.01 192.0.2.9 1 2\r\n".to_vec(), {
            Some(remote(HeaderError::Address { offset: 11 }))
        }),
        (family, Some(remote(HeaderError::Family { found: 4 }))),
        (long, Some(CloseReason::Failed(Error::Limit(too_long)))),
        (sum, None),
    ] {
        let mut peer = watched.dial();
        peer.write_all(&bytes).unwrap();
        match (watched.server.closed(), expected) {
            (found, Some(expected)) => assert_eq!(found, expected),
            (CloseReason::Failed(Error::Remote(RemoteError::Proxy(error))), None) => {
                assert!(matches!(error, HeaderError::Checksum { .. }), "{error}");
            }
            (found, None) => panic!("{found}"),
        }
        expect_gone(&mut peer);
        assert!(watched.made.try_recv().is_err());
    }
    // Others are served all the same.
    let mut peer = watched.dial();
    peer.write_all(LINE).unwrap();
    expect_echo(&mut peer);
    let statistics = watched.server.stop().statistics;
    assert_eq!(statistics.closed_as(CloseKind::RemoteError), 4);
    assert_eq!(statistics.closed_as(CloseKind::Refused), 1);
}

#[test]
fn forged_headers_from_elsewhere_are_never_believed() {
    let refusing = serve(policy());
    let mut peer = dial_from([127, 0, 0, 2], refusing.server.at());
    // It may be closed already.
    let _ = peer.write_all(LINE);
    refusing.expect_closed_early(&CloseReason::Failed(Error::Untrusted));
    expect_gone(&mut peer);
    let statistics = refusing.server.stop().statistics;
    assert_eq!((statistics.accepted, statistics.refused, statistics.received_len), (0, 1, 0));

    let serving = serve(policy().with_others(Others::Served));
    let mut peer = dial_from([127, 0, 0, 2], serving.server.at());
    peer.write_all(&LINE[..LINE.len() - 2]).unwrap();
    peer.write_all(b"\n").unwrap();
    expect(&mut peer, &[&LINE[..LINE.len() - 2], b"\n"].concat());
    let made = serving.made();
    assert_eq!((made.to_string(), made.header()), (peer.local_addr().unwrap().to_string(), None));
    // The trusted one must send one even so.
    serving.dial().write_all(b"echo\n").unwrap();
    let error = HeaderError::Signature { offset: 0, found: b'e' };
    let expected = CloseReason::Failed(Error::Remote(RemoteError::Proxy(error)));
    assert_eq!(serving.server.closed(), expected);
    serving.server.stop();
}

#[test]
fn unix_sockets_are_trusted_by_name() {
    let path = socket_path();
    for (trusted, is_trusted) in [("unix", true), ("127.0.0.1,::/0", false)] {
        let listener = bind(&format!("unix:{}", path.display()));
        let policy = ProxyPolicy::new(trusted.parse().unwrap());
        let watched = watch(Limits::new(), AdmissionLimits::new(), listener.with_proxy(policy));
        let mut peer = dial_unix(&path);
        if is_trusted {
            peer.write_all(LINE).unwrap();
            expect_echo(&mut peer);
            assert_eq!(watched.made().to_string(), "192.0.2.1:56324");
        } else {
            watched.expect_closed_early(&CloseReason::Failed(Error::Untrusted));
        }
        watched.server.stop();
    }
}

#[test]
fn limits_for_an_address_are_those_of_the_client() {
    let mut admission = AdmissionLimits::new();
    admission.connections_per_address_max = Some(1);
    let watched = watch(Limits::new(), admission, loopback().with_proxy(policy()));
    let connect = |line: &[u8]| {
        let mut peer = watched.dial();
        peer.write_all(line).unwrap();
        peer
    };
    let other = b"PROXY TCP4 192.0.2.2 192.0.2.9 1 2\r\n";
    let mut first = connect(LINE);
    expect_echo(&mut first);
    let mut others = [connect(other), connect(b"PROXY UNKNOWN\r\n"), connect(b"PROXY UNKNOWN\r\n")];
    others.iter_mut().for_each(expect_echo);
    expect_gone(&mut connect(LINE));
    let (peer, reason) = watched.server.closed_with_peer();
    let limit = LimitExceeded::ConnectionsPerAddress { max: 1 };
    assert_eq!(reason, CloseReason::Failed(Error::Limit(limit)));
    assert_eq!(peer.to_string(), "192.0.2.1:56324");
    drop(first);
    watched.server.closed();
    expect_echo(&mut connect(LINE));
    watched.server.stop();
}

#[test]
fn draining_and_stopping_reach_those_whose_header_is_awaited() {
    let mut limits = Limits::new();
    limits.drain_idle_timeout = SOON;
    let waiting = |limits: Limits| {
        let watched = watch(limits, AdmissionLimits::new(), loopback().with_proxy(policy()));
        let mut served = watched.dial();
        served.write_all(LINE).unwrap();
        expect_echo(&mut served);
        watched.made();
        let (silent, mut slow) = (watched.dial(), watched.dial());
        slow.write_all(&LINE[..9]).unwrap();
        // Accepted in this order, so that all of them are.
        let mut last = watched.dial();
        last.write_all(LINE).unwrap();
        expect_echo(&mut last);
        (watched, silent, slow, [served, last])
    };
    let (watched, mut silent, mut slow, served) = waiting(limits.clone());
    drop(served);
    assert_eq!(watched.server.closed(), CloseReason::Finished);
    assert_eq!(watched.server.closed(), CloseReason::Finished);
    watched.server.handle.drain();
    // The silent one is closed; what has begun goes on.
    assert_eq!(watched.server.closed(), CloseReason::Closed);
    expect_end(&mut silent);
    slow.write_all(&LINE[9..]).unwrap();
    slow.write_all(b"last words\n").unwrap();
    expect(&mut slow, b"last words\n");
    slow.finish();
    expect_end(&mut slow);
    assert_eq!(watched.server.closed(), CloseReason::Finished);
    assert!(watched.server.ended().drained);

    let (watched, mut silent, mut slow, _served) = waiting(limits);
    watched.server.handle.stop();
    for _ in 0..4 {
        assert_eq!(watched.server.closed(), CloseReason::Stopped);
    }
    expect_gone(&mut silent);
    expect_gone(&mut slow);
    assert!(!watched.server.ended().drained);
}
