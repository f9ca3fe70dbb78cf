//! Any call in any order and state is legal.
#![cfg(all(feature = "testkit", feature = "tls"))]

mod support;

use std::sync::Arc;

use drywire::framing::AnyFraming;
use drywire::testkit::script::{Bench, Choices};
use drywire::{Connection, Instant, Limits};
use proptest::prelude::*;
use support::Version;

fn limits(choices: &mut Choices<'_>) -> Arc<Limits> {
    let mut limits = Limits::new();
    limits.transmit_high_water = choices.pick(&[1000, 1, 0, 50_000, 256 * 1024]);
    limits.transmit_low_water = choices.pick(&[500, 0, 1_000_000]);
    limits.receive_backlog_max = choices.pick(&[64 * 1024, 0, 100]);
    limits.turn_frames_max = choices.pick(&[1, 1024]);
    Arc::new(limits)
}

fn run_plain(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let limits = limits(&mut choices);
    let framing: AnyFraming = choices.framing();
    let high_water = limits.transmit_high_water.max(1);
    let connection = Connection::plain(framing.clone(), limits, Instant::ZERO);
    let peer = Connection::plain(framing, Arc::new(Limits::new()), Instant::ZERO);
    Bench::new(connection, peer, high_water, false).run(&choices.operations());
}

fn run_tls(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let limits = limits(&mut choices);
    let framing: AnyFraming = choices.framing();
    let version = choices.pick(&[Version::Tls13, Version::Tls12]);
    let (client, server) = support::sessions(version);
    let is_client = choices.pick(&[true, false]);
    let (ours, theirs) = if is_client { (client, server) } else { (server, client) };
    let high_water = limits.transmit_high_water.max(1);
    let connection = Connection::tls(ours, framing.clone(), limits, Instant::ZERO);
    let peer = Connection::tls(theirs, framing, Arc::new(Limits::new()), Instant::ZERO);
    Bench::new(connection, peer, high_water, true).run(&choices.operations());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn plain(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        run_plain(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn tls(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        run_tls(&bytes);
    }
}
