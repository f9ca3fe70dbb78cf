//! Connections within TLS sessions.
#![cfg(all(feature = "testkit", feature = "tls"))]

mod support;

use std::sync::Arc;

use drywire::connection::Timer;
use drywire::framing::{LengthPrefix, Raw};
use drywire::testkit::{End, Event, Pair, Talker, Then};
use drywire::tls::{TlsCause, TlsError};
use drywire::{CloseReason, Connection, Error, Instant, Limits, Protocol, SendError};
use support::{VERSIONS, Version};

const NOW: Instant = Instant::ZERO;

/// A client on the left and a server on the right.
fn pair<P: Protocol, Q: Protocol>(version: Version, left: P, right: Q) -> Pair<P, Q>
where
    P::Framing: drywire::framing::ByteFraming,
    Q::Framing: drywire::framing::ByteFraming,
{
    pair_within(version, left, right, Arc::new(Limits::new()))
}

fn pair_within<P: Protocol, Q: Protocol>(
    version: Version,
    left: P,
    right: Q,
    limits: Arc<Limits>,
) -> Pair<P, Q>
where
    P::Framing: drywire::framing::ByteFraming,
    Q::Framing: drywire::framing::ByteFraming,
{
    let (client, server) = support::sessions(version);
    Pair::new(
        End::new(Connection::tls(client, left.framing(), Arc::clone(&limits), NOW), left),
        End::new(Connection::tls(server, right.framing(), limits, NOW), right),
    )
}

fn u8_listener() -> Talker<LengthPrefix> {
    Talker::listening(LengthPrefix::u8())
}

/// A pair that is open, idle, and whose framing has whole frames.
fn open_pair(version: Version) -> Pair<Talker<LengthPrefix>, Talker<LengthPrefix>> {
    let mut pair = pair(version, u8_listener(), u8_listener());
    pair.run_now();
    assert_eq!(pair.left.trace().events(), [Event::Open]);
    assert_eq!(pair.right.trace().events(), [Event::Open]);
    pair
}

#[test]
fn a_record_without_a_frame_stops_the_frame_clock() {
    for version in VERSIONS {
        let mut pair = open_pair(version);
        // An empty record, in two parts: for a moment it might begin a frame.
        let record = if version == Version::Tls13 {
            pair.right.connection.refresh_keys().unwrap();
            pair.right.connection.transmit().to_vec()
        } else {
            continue;
        };
        pair.right.connection.transmitted(record.len(), NOW).unwrap();
        pair.back.inject(&record[..9], pair.now);
        pair.run_now();
        assert_eq!(pair.left.connection.deadline().map(|due| due.timer), Some(Timer::Frame));
        pair.back.inject(&record[9..], pair.now);
        pair.run_now();
        assert_eq!(pair.left.connection.deadline().map(|due| due.timer), Some(Timer::Idle));
    }
}
