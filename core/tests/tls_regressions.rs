//! Faults of TLS implementations and of those who used them, each with the test that would see it
//! come back.
#![cfg(all(feature = "testkit", feature = "tls"))]

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use drywire::framing::{LengthPrefix, Netstring, Raw};
use drywire::limits::HANDSHAKE_LEN_MAX;
use drywire::testkit::{End, Event, Pair, Talker, Then};
use drywire::tls::{TlsCause, TlsError, TlsSession};
use drywire::{CloseReason, Connection, Error, Instant, Limits};
use rustls::ContentType;
use rustls::server::UnbufferedServerConnection;
use support::forger::{Forger, forgeable};
use support::{VERSIONS, Version};

type Ends = Pair<Talker<Raw>, Talker<Raw>>;

fn end(session: TlsSession) -> End<Talker<Raw>> {
    let limits = Arc::new(Limits::new());
    let connection = Connection::tls(session, Raw::new(), limits, Instant::ZERO);
    End::new(connection, Talker::new(Raw::new(), vec![], Then::Stay))
}

fn fresh(version: Version) -> Ends {
    let (client, server) = support::sessions(version);
    Pair::new(end(client), end(server))
}

/// An open pair whose client is replaced by a forger.
fn forged() -> (Ends, Forger) {
    let (client, secret) = forgeable();
    let client = support::client_session(&client);
    let mut pair = Pair::new(end(client), end(TlsSession::server(&support::server_tls())));
    pair.run_now();
    assert_eq!(pair.right.trace().events(), [Event::Open]);
    pair.left.is_stuck = true;
    (pair, Forger::new(&secret))
}

fn cause(end: &End<Talker<Raw>>) -> TlsCause {
    match end.trace().failed() {
        Some(CloseReason::Failed(Error::Tls(TlsError::Refused { cause, .. }))) => *cause,
        other => panic!("{other:?}"),
    }
}

fn client_hello(version: Version) -> Vec<u8> {
    fresh(version).left.connection.transmit().to_vec()
}

/// Handshake `bytes` as records of `len` bytes each.
fn fragmented(bytes: &[u8], len: usize) -> Vec<u8> {
    let mut records = Vec::new();
    for fragment in bytes.chunks(len) {
        records.extend_from_slice(&[0x16, 3, 1, 0, u8::try_from(fragment.len()).unwrap()]);
        records.extend_from_slice(fragment);
    }
    records
}

/// rustls remembers where in its input a message began and slices there: shown an empty slice in
/// between, it panics.
#[test]
fn an_empty_slice_with_half_a_handshake_message_pending() {
    let hello = client_hello(Version::Tls13);
    // Half the hello in one whole record.
    let mut half = fragmented(&hello[5..105], 100);
    let config = Arc::new(support::server_config());
    let mut server = UnbufferedServerConnection::new(config).unwrap();
    let outcome = server.process_tls_records(&mut half);
    assert!(outcome.state.is_ok());
    let wrong = catch_unwind(AssertUnwindSafe(|| {
        let _ = server.process_tls_records(&mut []);
    }));
    assert!(wrong.is_err(), "rustls no longer panics; the session need not mind any more");

    let mut pair = fresh(Version::Tls13);
    pair.left.is_stuck = true;
    pair.there.inject(&half, pair.now);
    pair.run_now();
    pair.right.connection.send(b"in between").unwrap();
    assert_eq!(pair.right.connection.transmit(), b"");
    pair.there.inject(&fragmented(&hello[105..], 100), pair.now);
    pair.run_now();
    assert!(pair.back.take().len() > 500, "the server answers");
}

/// The same after the handshake, where the peer can bring it about by half a key update.
#[test]
fn sealing_with_half_a_handshake_message_pending() {
    let (mut pair, mut forger) = forged();
    let record = forger.seal(ContentType::Handshake, &[24, 0]);
    pair.there.inject(&record, pair.now);
    pair.run_now();
    assert_eq!(pair.right.trace().events(), [Event::Open]);
    for _ in 0..3 {
        pair.right.connection.send(b"in between").unwrap();
        assert!(!pair.right.connection.transmit().is_empty());
        pair.right.connection.refresh_keys().unwrap();
        pair.run_now();
    }
    pair.back.take();
    let record = forger.seal(ContentType::Handshake, &[0, 1, 1]);
    pair.there.inject(&record, pair.now);
    pair.run_now();
    assert!(!pair.back.take().is_empty(), "the key update that had to wait");
    forger.renew();
    let record = forger.data(b"with new keys");
    pair.there.inject(&record, pair.now);
    pair.run_now();
    assert_eq!(pair.right.trace().frames(), [b"with new keys"]);
    // Closing with half a message pending, too.
    let record = forger.seal(ContentType::Handshake, &[24, 0]);
    pair.there.inject(&record, pair.now);
    pair.right.connection.finish();
    pair.run_now();
    assert!(!pair.right.connection.interest().write);
}

/// RUSTSEC-2024-0336: `complete_io` looped for ever on close_notify, or the end of the stream, in
/// the middle of a handshake.
#[test]
fn close_notify_or_the_end_in_the_middle_of_a_handshake() {
    const CLOSE_NOTIFY: [u8; 7] = [0x15, 3, 3, 0, 2, 1, 0];
    for version in VERSIONS {
        for for_server in [true, false] {
            for rounds in 0..6 {
                for notice in [&CLOSE_NOTIFY[..], &[]] {
                    let mut pair = fresh(version);
                    for _ in 0..rounds {
                        pair.step_now();
                    }
                    let path = if for_server { &mut pair.there } else { &mut pair.back };
                    path.inject(notice, pair.now);
                    path.end(pair.now);
                    pair.left.is_stuck = for_server;
                    pair.right.is_stuck = !for_server;
                    pair.run();
                    let end = if for_server { &pair.right } else { &pair.left };
                    assert!(end.trace().closed().is_some(), "{version:?}, round {rounds}: {end:?}");
                }
            }
        }
    }
}

/// RUSTSEC-2024-0399: `Acceptor::accept` panicked on a ClientHello in several records.
#[test]
fn a_client_hello_in_many_small_records() {
    for version in VERSIONS {
        for fragment_len in [1, 2, 7, 100] {
            for cuts in [vec![], vec![1], vec![6, 5]] {
                let mut pair = fresh(version);
                let hello = client_hello_of(&mut pair);
                pair.there.cuts = cuts;
                pair.there.inject(&fragmented(&hello[5..], fragment_len), pair.now);
                pair.run_now();
                let opened = pair.left.trace().events() == [Event::Open];
                assert!(opened, "{version:?} in {fragment_len}: {pair:?}");
                let name = pair.right.recorder.negotiated.as_ref().unwrap().server_name.clone();
                assert_eq!(name.as_deref(), Some("localhost"));
            }
        }
    }
}

fn client_hello_of(pair: &mut Ends) -> Vec<u8> {
    let hello = pair.left.connection.transmit().to_vec();
    pair.left.connection.transmitted(hello.len(), pair.now).unwrap();
    hello
}

/// The same without end: refused when the bytes held reach the limit, at whatever cut.
#[test]
fn a_client_hello_that_never_ends() {
    for cuts in [vec![], vec![1000], vec![6]] {
        let mut pair = fresh(Version::Tls13);
        pair.left.is_stuck = true;
        pair.there.cuts = cuts;
        // A hello of 65,535 bytes, which takes six on the wire for each.
        let header = [1, 0, 0xFF, 0xFF, 3, 3];
        pair.there.inject(&fragmented(&header, 1), pair.now);
        let filler = fragmented(&[7; 60_000], 1);
        let len = HANDSHAKE_LEN_MAX - 6 * header.len();
        pair.there.inject(&filler[..len - 1], pair.now);
        pair.run_now();
        assert!(pair.right.trace().events().is_empty(), "one byte below the limit");
        let (held, max) =
            (pair.right.connection.memory_len(), pair.right.connection.memory_len_max());
        assert!(held <= max);
        pair.there.inject(&filler[len - 1..len], pair.now);
        pair.run_now();
        assert_eq!(cause(&pair.right), TlsCause::HandshakeTooLong);
    }
}

#[test]
fn a_flood_of_empty_records() {
    let (mut pair, mut forger) = forged();
    for _ in 0..31 {
        let record = forger.data(b"");
        pair.there.inject(&record, pair.now);
    }
    let record = forger.data(b"served");
    pair.there.inject(&record, pair.now);
    pair.run_now();
    assert_eq!(pair.right.trace().frames(), [b"served"]);
    let mut flood = Vec::new();
    for _ in 0..2000 {
        flood.extend(forger.data(b""));
    }
    pair.there.inject(&flood, pair.now);
    pair.run_now();
    assert_eq!(cause(&pair.right), TlsCause::Misbehaved);
}

#[test]
fn a_flood_of_key_update_requests() {
    for cuts in [vec![], vec![10]] {
        let (mut pair, mut forger) = forged();
        pair.there.cuts = cuts;
        pair.back.capacity = 0;
        let queued = pair.right.connection.queued_len();
        for round in 0..2000 {
            let record = forger.seal(ContentType::Handshake, &[24, 0, 0, 1, 1]);
            forger.renew();
            pair.there.inject(&record, pair.now);
            if round % 20 == 19 {
                let record = forger.data(b"x");
                pair.there.inject(&record, pair.now);
            }
            pair.run_now();
            assert!(pair.right.connection.queued_len() <= queued + 100, "answers pile up");
        }
        assert_eq!(pair.right.trace().frames().concat(), b"x".repeat(100));
        // Without data in between, it is refused.
        for _ in 0..100 {
            let record = forger.seal(ContentType::Handshake, &[24, 0, 0, 1, 1]);
            forger.renew();
            pair.there.inject(&record, pair.now);
        }
        pair.run_now();
        assert_eq!(cause(&pair.right), TlsCause::Misbehaved);
        assert!(pair.right.connection.queued_len() <= queued + 200);
    }
}

#[test]
fn a_flood_of_warnings() {
    const USER_CANCELED: [u8; 2] = [1, 90];
    let (mut pair, mut forger) = forged();
    for _ in 0..4 {
        let record = forger.seal(ContentType::Alert, &USER_CANCELED);
        pair.there.inject(&record, pair.now);
    }
    pair.run_now();
    assert_eq!(pair.right.trace().events(), [Event::Open]);
    for _ in 0..100 {
        let record = forger.seal(ContentType::Alert, &USER_CANCELED);
        pair.there.inject(&record, pair.now);
    }
    pair.run_now();
    assert_eq!(cause(&pair.right), TlsCause::Misbehaved);
}

#[test]
fn a_flood_of_empty_frames() {
    let (client, secret) = forgeable();
    let client = support::client_session(&client);
    let limits = Arc::new(Limits::new());
    let server = TlsSession::server(&support::server_tls());
    let server = Connection::tls(server, Netstring::new(), limits, Instant::ZERO);
    let server = End::new(server, drywire::protocol::Echo::new(Netstring::new()));
    let mut pair = Pair::new(end(client), server);
    pair.run_now();
    pair.left.is_stuck = true;
    pair.back.capacity = 0;
    let mut forger = Forger::new(&secret);
    for _ in 0..100 {
        let record = forger.data(&b"0:,".repeat(5000));
        pair.there.inject(&record, pair.now);
    }
    pair.run_now();
    // Echoed up to high water; then the flood waits in the link.
    let queued = pair.right.connection.queued_len();
    assert!((256 * 1024..256 * 1024 + 1000).contains(&queued), "{queued}");
    assert!(!pair.right.connection.interest().read);
    assert!(pair.right.connection.memory_len() <= pair.right.connection.memory_len_max());
}

/// After an error rustls makes another alert whenever it is shown the same bytes again.
#[test]
fn one_alert_however_often_one_calls() {
    for version in VERSIONS {
        let mut pair = fresh(version);
        pair.run_now();
        pair.there.inject(&[0x17, 3, 3, 0, 20], pair.now);
        pair.there.inject(&[1; 20], pair.now);
        pair.back.capacity = 0;
        pair.left.is_stuck = true;
        pair.run_now();
        let alert = pair.right.connection.transmit().to_vec();
        assert!((1..60).contains(&alert.len()), "{} bytes", alert.len());
        let connection = &mut pair.right.connection;
        for _ in 0..20 {
            connection.finish();
            connection.close();
            let _ = connection.send(b"x");
            let _ = connection.refresh_keys();
            let len = connection.receive_buffer().len().min(10);
            let _ = connection.received(len, pair.now);
            assert!(connection.next().is_none());
            assert_eq!(connection.transmit(), alert);
        }
        connection.transmitted(alert.len(), pair.now).unwrap();
        assert_eq!(connection.transmit(), b"");
    }
}

#[test]
fn a_long_frame_makes_a_tls_connection_grow_only_as_its_bytes_arrive() {
    let (client, secret) = forgeable();
    let client = support::client_session(&client);
    let framing = LengthPrefix::u32be();
    let limits = Arc::new(Limits::new());
    let server = TlsSession::server(&support::server_tls());
    let server = Connection::tls(server, framing.clone(), limits, Instant::ZERO);
    let server = End::new(server, Talker::new(framing, vec![], Then::Stay));
    let mut pair = Pair::new(end(client), server);
    pair.run_now();
    pair.left.is_stuck = true;
    let mut forger = Forger::new(&secret);
    let record = forger.data(&(1024 * 1024_u32).to_be_bytes());
    pair.there.inject(&record, pair.now);
    pair.run_now();
    let before = pair.right.connection.memory_len();
    assert!(before <= 3 * 65 * 1024, "{before} bytes for a prefix");
    for round in 1..64 {
        let record = forger.data(&[7; 16 * 1024]);
        pair.there.inject(&record, pair.now);
        pair.run_now();
        let held = pair.right.connection.memory_len();
        let arrived = round * 16 * 1024;
        assert!(held <= before + 2 * arrived + 65 * 1024, "{held} bytes for {arrived}");
    }
    let record = forger.data(&[7; 16 * 1024]);
    pair.there.inject(&record, pair.now);
    let record = forger.data(&[0xFF; 4]);
    pair.there.inject(&record, pair.now);
    pair.run_now();
    assert_eq!(pair.right.trace().frames()[0].len(), 1024 * 1024);
    let refused = matches!(pair.right.trace().failed(), Some(CloseReason::Failed(Error::Limit(_))));
    assert!(refused, "four gibibytes");
}

/// After our close_notify rustls asserts that it makes no alert, and a bad record wants one.
#[test]
fn a_bad_record_after_our_close_notify() {
    for version in VERSIONS {
        let mut pair = fresh(version);
        pair.run_now();
        pair.right.is_stuck = true;
        pair.left.connection.finish();
        pair.run_now();
        let queued = pair.left.connection.queued_len();
        assert_eq!(queued, 0, "close_notify is on its way");
        let record = [&[0x17, 3, 3, 0, 40][..], &[7; 40]].concat();
        pair.left.converse(&record, &[], &[]);
        assert_eq!(cause(&pair.left), TlsCause::InvalidRecord, "{version:?}");
        assert_eq!(pair.left.connection.queued_len(), 0, "nothing follows close_notify");
    }
}
