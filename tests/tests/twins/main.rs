//! Every case of the conformance kit can fail: for each there are adapters that are wrong in one
//! way, and that the case catches.

mod conversation;
mod fault;
mod faulty;

use std::sync::Arc;
use std::time::Duration;

use drywire_conformance::kit::{Check, check};
use fault::Fault;
use faulty::Faulty;

/// Long enough for what happens, and short for what never does.
const PATIENCE: Duration = Duration::from_millis(500);

const TWINS: &[(&str, &[Fault])] = &[
    ("close table: finished by the peer", &[Fault::EndIsReset]),
    ("close table: half-closed by the peer, we still send", &[Fault::EndEndsAll]),
    ("close table: half-closed by us, the peer still sends", &[Fault::ShutsBoth]),
    ("close table: truncated: FIN inside a frame", &[Fault::EndIsReset]),
    ("close table: truncated: FIN without close_notify", &[Fault::EndEndsAll]),
    ("close table: truncated: FIN in the handshake", &[Fault::EndIsReset]),
    ("close table: reset", &[Fault::IgnoresErrors]),
    ("close table: timed out in the handshake", &[Fault::NoTimeouts]),
    ("close table: timed out in a frame", &[Fault::NoTimeouts]),
    ("close table: timed out idle", &[Fault::NoTimeouts]),
    ("close table: timed out while the peer does not read", &[Fault::NoTimeouts]),
    ("close table: refused for a frame beyond the limit", &[Fault::WrongReason]),
    ("close table: refused for too many connections", &[Fault::AdmitsAll]),
    ("close table: refused by the system", &[Fault::RefusalIsReset]),
    ("close table: failed by the peer's bytes", &[Fault::WrongReason]),
    ("close table: failed by our protocol", &[Fault::NoFlushOnFailure]),
    ("close table: TLS alert sent", &[Fault::NoFlushOnFailure]),
    ("close table: TLS alert received", &[Fault::WrongReason]),
    ("close table: closed by us, flushed", &[Fault::IgnoresShutdown]),
    ("close table: closed by us, linger expired", &[Fault::NoTimeouts]),
    ("close table: aborted by us", &[Fault::LeaksStreams]),
    ("close table: stopped by the driver", &[Fault::IgnoresStop]),
    (
        "input and output in portions: data and the end in one read",
        &[Fault::HoldsInput, Fault::HangUpIsEnd, Fault::WaitsForAnEdge],
    ),
    ("input and output in portions: one byte at a time", &[Fault::ShortReadIsLast]),
    ("input and output in portions: short writes", &[Fault::ShortWriteIsWhole]),
    ("input and output in portions: reads that would block", &[Fault::WouldBlockIsFailure]),
    ("input and output in portions: an urgent byte", &[Fault::UrgentInline, Fault::WaitsForAnEdge]),
    ("input and output in portions: interrupted calls", &[Fault::InterruptionIsFailure]),
    ("resets: at once", &[Fault::IgnoresErrors]),
    ("resets: in the handshake", &[Fault::IgnoresErrors]),
    ("resets: inside a frame", &[Fault::IgnoresErrors]),
    ("resets: while we write", &[Fault::IgnoresErrors]),
    ("resets: after FIN, while we write", &[Fault::IgnoresErrors]),
    ("resets: after our FIN", &[Fault::IgnoresErrors]),
    ("resets: while we linger", &[Fault::IgnoresErrors]),
    ("flow: a long answer to a peer that has finished", &[Fault::EndEndsAll]),
    ("flow: both sides write first", &[Fault::ReadsAfterWriting]),
    ("flow: a peer that reads late", &[Fault::ReadsAlways]),
    ("flow: woken by a timer only", &[Fault::NoTimeouts]),
    ("flow: waits without a spin", &[Fault::Spins, Fault::SpinsForRoom]),
    ("flow: waits without a spin, half-closed", &[Fault::Spins]),
    ("flow: futures dropped at every await point", &[Fault::LosesDropped, Fault::NoTimeouts]),
    ("servers: drain while idle", &[Fault::IgnoresDrain]),
    ("servers: drain while busy", &[Fault::DrainStops]),
    ("servers: drain out of time", &[Fault::IgnoresStop]),
    ("servers: stop while busy", &[Fault::IgnoresStop]),
    ("servers: handshakes that stand still", &[Fault::AcceptsOneByOne]),
    ("servers: buffers of those who are idle", &[Fault::KeepsBuffers]),
    ("servers: a flood", &[Fault::AcceptsOneByOne]),
    ("servers: out of descriptors", &[Fault::QuitsWithoutDescriptors]),
];

#[test]
fn each_case_has_a_twin() {
    let named: Vec<_> = TWINS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(Check::names().collect::<Vec<_>>(), named);
}

#[test]
fn without_a_fault_all_is_well() {
    let report = check(Arc::new(Faulty::new(Fault::None)));
    assert!(report.is_passed(), "{report}");
}

#[test]
fn each_case_catches_its_twin() {
    let mut missed = Vec::new();
    let twins =
        TWINS.iter().flat_map(|(name, faults)| faults.iter().map(move |fault| (name, fault)));
    for (name, fault) in twins {
        let faulty = Arc::new(Faulty::new(*fault));
        let report = Check::new(faulty.clone()).cases([*name]).patience(PATIENCE).run();
        // Nothing of it may be in the way of the next.
        faulty.end();
        match report.failures().next() {
            None => missed.push(format!("{name}: {fault:?} is not caught\n{report}")),
            Some((_, variant, failure)) => println!("{name}: {fault:?}, {variant}: {failure}"),
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
