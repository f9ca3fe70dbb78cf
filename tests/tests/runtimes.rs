//! The same script at the other end gives the same trace of steps and the same bytes on every
//! adapter.

use drywire_conformance::adapter::{Adapter, Setup, Smol, Std};
use drywire_conformance::certificates::Certificates;
use drywire_conformance::peer::TlsPeer;
use drywire_conformance::protocol::Event;
use drywire_conformance::wire::SAMPLES;
use drywire_conformance::within;

/// What one run came to: the steps, with chunks that follow each other joined where any chunk is a
/// frame, and what the peer received.
#[derive(Debug, PartialEq)]
struct Outcome {
    steps: Vec<Event>,
    received: Vec<u8>,
}

fn outcome(framing: &str, steps: Vec<Event>, received: Vec<u8>) -> Outcome {
    let mut joined: Vec<Event> = Vec::new();
    for step in steps {
        match (step, joined.last_mut()) {
            (Event::Frame(chunk), Some(Event::Frame(before))) if framing == "raw" => {
                before.extend(chunk);
            }
            // What was agreed on has keys of its own each time.
            (Event::Open(_), _) => joined.push(Event::Open(None)),
            (step, _) => joined.push(step),
        }
    }
    Outcome { steps: joined, received }
}

/// Sends `bytes` in the cuts that `seed` makes, and ends.
fn plain(adapter: &dyn Adapter, framing: &str, bytes: &[u8], seed: u64) -> Outcome {
    let server = Setup::echo(framing).serve(adapter);
    let mut peer = server.connect();
    for part in cut(bytes, seed) {
        peer.send(part);
    }
    peer.finish();
    let received = peer.read_to_end();
    outcome(framing, server.trace(), received)
}

/// The same with the records cut, and their plaintext cut before.
fn tls(
    adapter: &dyn Adapter,
    certificates: &Certificates,
    framing: &str,
    bytes: &[u8],
    has_close_notify: bool,
) -> Outcome {
    let server = Setup::echo(framing).tls(&certificates.server_tls()).serve(adapter);
    let mut peer = TlsPeer::connect(&server.place(), &certificates.peer_client());
    let mut records = Vec::new();
    for part in cut(bytes, 3) {
        records.extend(peer.seal(part));
    }
    if has_close_notify {
        records.extend(peer.seal_close());
    }
    for part in cut(&records, 5) {
        peer.raw().send(part);
    }
    peer.raw().finish();
    let received = peer.read_to_end().map_or_else(|_| Vec::new(), |rest| rest.bytes);
    outcome(framing, server.trace(), received)
}

/// Cuts into parts of 1 to 7 bytes; with a seed of 0 not at all.
fn cut(bytes: &[u8], mut seed: u64) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005);
        let len = if seed == 0 { rest.len() } else { 1 + usize::from(seed.to_be_bytes()[0] % 7) };
        let (part, left) = rest.split_at(len.min(rest.len()));
        parts.push(part);
        rest = left;
    }
    parts
}

/// Every framing ended after every byte, in several cuts.
#[test]
fn plain_streams_give_the_same_trace() {
    within(|| {
        for sample in SAMPLES {
            for len in 0..=sample.bytes.len() {
                let bytes = &sample.bytes[..len];
                let expected = plain(&Std, sample.framing, bytes, 0);
                for seed in [0, 1, 2] {
                    let smol = plain(&Smol, sample.framing, bytes, seed);
                    assert_eq!(smol, expected, "{sample:?} {len} {seed}");
                }
                assert_eq!(plain(&Std, sample.framing, bytes, 1), expected, "{sample:?} {len}");
            }
        }
    });
}

#[test]
fn tls_streams_give_the_same_trace() {
    within(|| {
        let certificates = Certificates::new();
        for sample in SAMPLES {
            for len in [0, sample.bytes.len() / 2, sample.bytes.len()] {
                let bytes = &sample.bytes[..len];
                for has_close_notify in [false, true] {
                    let run = |adapter: &dyn Adapter| {
                        tls(adapter, &certificates, sample.framing, bytes, has_close_notify)
                    };
                    assert_eq!(run(&Std), run(&Smol), "{sample:?} {len} {has_close_notify}");
                }
                if sample.framing != "raw" {
                    // With close_notify it is as without TLS.
                    let within = tls(&Std, &certificates, sample.framing, bytes, true);
                    let without = plain(&Std, sample.framing, bytes, 0);
                    assert_eq!(within, without, "{sample:?} {len}");
                }
            }
        }
    });
}
