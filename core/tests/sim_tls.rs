//! TLS in the simulator: handshakes that break off anywhere, ends in simulated time, and sessions
//! that are the same every time.
#![cfg(all(feature = "testkit", feature = "tls"))]

mod support;

use std::sync::Arc;
use std::time::Duration;

use drywire::connection::{Timer, Truncation};
use drywire::framing::Netstring;
use drywire::protocol::Echo;
use drywire::testkit::sim::{Direction, Ended, Fault, Id, Link, Node, Party, Sim, seeded};
use drywire::testkit::{Talker, Then, Traced};
use drywire::tls::{ClientTls, ServerTls, TlsSession, pem};
use drywire::{CloseReason, Instant, Limits};
use support::{EVERYTHING, Over, VERSIONS, Version};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

type Talking = Traced<Talker<Netstring>>;

fn talker(frames: &[&[u8]], then: Then) -> Talking {
    let frames = frames.iter().map(|frame| frame.to_vec()).collect();
    Traced::new(Talker::new(Netstring::new(), frames, then))
}

/// Connects a client and a server over TLS or not.
fn connect(
    sim: &mut Sim,
    over: Over,
    client: Talking,
    server: Talking,
) -> (Id<Node<Talking>>, Id<Node<Talking>>) {
    match over {
        Over::Plain => sim.connect(Party::plain("client", client), Party::plain("server", server)),
        Over::Tls(version) => {
            let (one, other) = support::sessions(version);
            let (one, other) =
                (Party::tls("client", one, client), Party::tls("server", other, server));
            sim.connect(one, other)
        }
    }
}

fn reasons(sim: &Sim, ids: (Id<Node<Talking>>, Id<Node<Talking>>)) -> [Option<&CloseReason>; 2] {
    [ids.0, ids.1].map(|id| sim[id].connection.close_reason())
}

#[test]
fn a_session_is_had_over_a_bad_network() {
    for version in VERSIONS {
        let link =
            Link::new().latency(30 * MS).jitter(20 * MS).loss(0.1).segments(1..=200).reads(1..=50);
        let mut sim = Sim::new(1).link(link);
        let (client, server) = support::sessions(version);
        let frames: [&[u8]; 2] = [b"hello", &[7; 40_000]];
        let (client, server) = sim.connect(
            Party::tls("client", client, talker(&frames, Then::Finish)),
            Party::tls("server", server, Echo::new(Netstring::new())),
        );
        assert_eq!(sim.run(), Ok(Ended::AllClosed));
        assert_eq!(sim[client].protocol.trace.frames(), frames);
        let finished = Some(&CloseReason::Finished);
        assert_eq!(sim[client].connection.close_reason(), finished);
        assert_eq!(sim[server].connection.close_reason(), finished);
        assert!(sim.totals().segments_resent > 50);
    }
}

/// How many bytes each side writes in a whole conversation.
fn lens(version: Version) -> [u64; 2] {
    let mut sim = Sim::new(1);
    connect(&mut sim, Over::Tls(version), talker(&[b"a"], Then::Finish), talker(&[], Then::Wait));
    assert_eq!(sim.run(), Ok(Ended::AllClosed));
    let len = sim.totals().stream_len_sent;
    assert!(len > 900, "{len}");
    [len / 3, len]
}

#[test]
fn a_reset_in_any_phase_of_a_handshake_is_a_reset() {
    for version in VERSIONS {
        let [_, len] = lens(version);
        for direction in [Direction::There, Direction::Back] {
            for after in (0..len).step_by(13) {
                let mut sim = Sim::new(after)
                    .link(Link::new().latency(MS).segments(1..=500))
                    .with_fault(Fault::reset(0).after(direction, after));
                let ids = connect(
                    &mut sim,
                    Over::Tls(version),
                    talker(&[b"a"], Then::Finish),
                    talker(&[], Then::Wait),
                );
                assert_eq!(sim.run(), Ok(Ended::AllClosed));
                let struck = sim.totals().faults > 0;
                for reason in reasons(&sim, ids).into_iter().flatten() {
                    // An end that has all it waits for is not harmed by what comes after.
                    let fits = match reason {
                        CloseReason::Reset => struck,
                        CloseReason::Finished => true,
                        _ => false,
                    };
                    assert!(fits, "{version:?} {direction:?} {after}: {reason}");
                }
                if struck && after < 300 {
                    assert_eq!(reasons(&sim, ids), [Some(&CloseReason::Reset); 2]);
                }
            }
        }
    }
}

#[test]
fn an_end_in_any_phase_of_a_handshake_is_a_truncation() {
    for version in VERSIONS {
        for after in (0..200).step_by(3) {
            let mut sim = Sim::new(after)
                .link(Link::new().latency(MS))
                .with_fault(Fault::end(0, Direction::There).after(Direction::There, after));
            let ids = connect(
                &mut sim,
                Over::Tls(version),
                talker(&[b"a"], Then::Finish),
                talker(&[], Then::Wait),
            );
            sim.run().unwrap();
            let reason = CloseReason::Truncated(Truncation::Handshake);
            assert_eq!(reasons(&sim, ids)[1], Some(&reason), "{after}");
        }
    }
}

#[test]
fn a_stall_in_a_handshake_runs_into_its_deadline() {
    for version in VERSIONS {
        let fault = Fault::stall(0, Direction::Back, Duration::MAX);
        let mut sim = Sim::new(1).link(Link::new().latency(MS)).with_fault(fault);
        let (client, _) = connect(
            &mut sim,
            Over::Tls(version),
            talker(&[b"a"], Then::Finish),
            talker(&[], Then::Wait),
        );
        let late = CloseReason::TimedOut(Timer::Handshake);
        sim.run_until(|sim| sim[client].connection.is_closed()).unwrap();
        assert_eq!(sim[client].connection.close_reason(), Some(&late));
        assert_eq!(sim.now(), Instant::from_elapsed(Limits::new().handshake_timeout));
    }
}

/// The close table in simulated time: what each side says, and when it is over.
#[test]
fn conversations_end_when_and_as_the_close_table_says() {
    let latency = 10 * MS;
    for over in EVERYTHING {
        let story = |one: Talking, other: Talking, fault: Option<Fault>| {
            let mut sim = Sim::new(1).link(Link::new().latency(latency));
            let ids = connect(&mut sim, over, one, other);
            // The handshake is over by then.
            sim.pass(SECOND).unwrap();
            if let Some(fault) = fault {
                sim.add_fault(fault);
            }
            assert_eq!(sim.run(), Ok(Ended::AllClosed), "{over:?}");
            let [one, other] = reasons(&sim, ids).map(|reason| reason.unwrap().clone());
            (one, other, sim.now())
        };
        let after = |time: Duration| Instant::from_elapsed(time);

        // Finished by both; the handshake and the two ends have taken less than a second.
        let (one, other, _) = story(talker(&[b"a"], Then::Finish), talker(&[], Then::Wait), None);
        assert_eq!((one, other), (CloseReason::Finished, CloseReason::Finished));

        // Closed by us and flushed.
        let (one, other, _) = story(talker(&[b"a"], Then::Close), talker(&[], Then::Wait), None);
        assert_eq!((one, other), (CloseReason::Closed, CloseReason::Finished));

        // Closed by us, and the peer does not finish in time.
        let (one, _, _) = story(talker(&[b"a"], Then::Close), talker(&[], Then::Stay), None);
        assert_eq!(one, CloseReason::LingerExpired);

        // Idle on both sides.
        let still = || talker(&[], Then::Stay);
        let (one, other, _) = story(still(), still(), None);
        let idle = CloseReason::TimedOut(Timer::Idle);
        assert!(one == idle || other == idle, "{one} {other}");

        // Reset.
        let (one, other, now) = story(still(), still(), Some(Fault::reset(0).at(2 * SECOND)));
        assert_eq!((one, other, now), (CloseReason::Reset, CloseReason::Reset, after(2 * SECOND)));

        // The stream ends in between: without TLS that cannot be told from a finish.
        let fault = Fault::end(0, Direction::There).at(2 * SECOND);
        let (_, other, _) = story(still(), talker(&[], Then::Wait), Some(fault));
        let expected = match over {
            Over::Plain => CloseReason::LingerExpired,
            Over::Tls(_) => CloseReason::Truncated(Truncation::Session),
        };
        let told =
            if over == Over::Plain { other != CloseReason::Reset } else { other == expected };
        assert!(told, "{over:?}: {other}");
    }
}

/// A key that signs without random numbers. It protects nothing but this test.
const KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIO5MPOMxrt5xVN2/Oxa6buxq9hmjQe0Ib5SzYz/4W7Hc
-----END PRIVATE KEY-----
";

/// A session each for a client and a server whose random numbers come from `seed`.
fn seeded_sessions(version: Version, seed: u64) -> (TlsSession, TlsSession) {
    let key = rcgen::KeyPair::from_pem(KEY).unwrap();
    let certificate = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = certificate.self_signed(&key).unwrap();
    let provider = |number| {
        Arc::new(seeded::provider(rustls::crypto::aws_lc_rs::default_provider(), seed * 2 + number))
    };
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(provider(0))
        .with_protocol_versions(&[version.supported()])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let certificate = certificate.pem();
    let identity = pem::Identity { certificates: certificate.as_bytes(), key: KEY.as_bytes() };
    let server = pem::server_config(identity, None, &[], &provider(1)).unwrap();
    let client = TlsSession::client(&ClientTls::new(client), "localhost".try_into().unwrap());
    (client.unwrap(), TlsSession::server(&ServerTls::new(server).unwrap()))
}

#[test]
fn a_session_with_a_seeded_provider_is_the_same_byte_for_byte() {
    let run = |version, seed| {
        let link = Link::new().latency(5 * MS).jitter(3 * MS).segments(1..=700);
        let mut sim = Sim::new(1).link(link).with_timeline(10_000);
        let (client, server) = seeded_sessions(version, seed);
        let (client, _) = sim.connect(
            Party::tls("client", client, talker(&[b"hello"], Then::Finish)),
            Party::tls("server", server, Echo::new(Netstring::new())),
        );
        assert_eq!(sim.run(), Ok(Ended::AllClosed));
        assert_eq!(sim[client].protocol.trace.frames(), [b"hello"]);
        // The digest covers every byte that was sent.
        (sim.digest(), sim.timeline().unwrap().to_string())
    };
    for version in VERSIONS {
        let first = run(version, 1);
        assert_eq!(run(version, 1), first);
        assert_ne!(run(version, 2).0, first.0, "the provider's seed does nothing");
        assert!(first.1.contains("TLS client hello"), "{}", first.1);
    }
}

#[test]
fn without_a_seeded_provider_only_the_bytes_differ() {
    let run = || {
        let mut sim = Sim::new(1).link(Link::new().latency(5 * MS));
        connect(
            &mut sim,
            Over::Tls(Version::Tls13),
            talker(&[b"hello"], Then::Finish),
            talker(&[], Then::Wait),
        );
        assert_eq!(sim.run(), Ok(Ended::AllClosed));
        (sim.digest(), sim.now(), sim.totals().events)
    };
    let (first, second) = (run(), run());
    assert_ne!(first.0, second.0);
    assert_eq!((first.1, first.2), (second.1, second.2));
}
