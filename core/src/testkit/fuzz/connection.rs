use alloc::sync::Arc;

use crate::connection::Connection;
use crate::limits::Limits;
use crate::testkit::any_order::{Bench, Choices};
use crate::time::Instant;

/// Makes any calls in any order on a plain connection; see [`any_order`](crate::testkit::any_order).
///
/// The first bytes of `data` choose limits and framing, the rest the calls.
///
/// # Panics
/// When something does not hold that must.
pub fn connection(data: &[u8]) {
    let mut choices = Choices::new(data);
    let limits = limits(&mut choices);
    let framing = choices.framing();
    let high_water = limits.transmit_high_water.max(1);
    let connection = Connection::plain(framing.clone(), limits, Instant::ZERO);
    let peer = Connection::plain(framing, Arc::default(), Instant::ZERO);
    Bench::new(connection, peer, high_water, false).run(&choices.operations());
}

/// Makes any calls in any order on one side of a TLS session, with records that arrive damaged, forged,
/// late or not at all.
///
/// `sessions` makes a client and a server that accept each other, of TLS 1.3 when it is given
/// true, else of TLS 1.2: certificates and the cryptography provider are the caller's.
///
/// # Panics
/// When something does not hold that must.
#[cfg(feature = "tls")]
pub fn tls(
    data: &[u8],
    sessions: impl FnOnce(bool) -> (crate::tls::TlsSession, crate::tls::TlsSession),
) {
    let mut choices = Choices::new(data);
    let limits = limits(&mut choices);
    let framing = choices.framing();
    let (client, server) = sessions(choices.pick(&[true, false]));
    let is_client = choices.pick(&[true, false]);
    let (ours, theirs) = if is_client { (client, server) } else { (server, client) };
    let high_water = limits.transmit_high_water.max(1);
    let connection = Connection::tls(ours, framing.clone(), limits, Instant::ZERO);
    let peer = Connection::tls(theirs, framing, Arc::default(), Instant::ZERO);
    Bench::new(connection, peer, high_water, true).run(&choices.operations());
}

fn limits(choices: &mut Choices<'_>) -> Arc<Limits> {
    let mut limits = Limits::new();
    limits.transmit_high_water = choices.pick(&[1000, 1, 0, 50_000, 256 * 1024]);
    limits.transmit_low_water = choices.pick(&[500, 0, 1_000_000]);
    limits.receive_backlog_max = choices.pick(&[64 * 1024, 0, 100]);
    limits.turn_frames_max = choices.pick(&[1, 1024]);
    Arc::new(limits)
}
