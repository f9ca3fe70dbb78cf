//! What signals ask of a server.

use std::time::Duration;

use drywire::admission::AdmissionLimits;
use drywire::shutdown::{Phase, Request};
use drywire::{CloseReason, Limits, Peer};

use crate::adapter::Server;
use crate::obey::Obey;
use crate::peer::{Raw, dial, expect_echo, expect_end, expect_gone};
use crate::serving::{Running, loopback, run};

const SOON: Duration = Duration::from_millis(50);

/// A server that drains for ever, and pauses for `drain_pause` before.
fn serve(drain_pause: Duration) -> Running {
    let mut limits = Limits::new();
    limits.drain_idle_timeout = Duration::MAX;
    let mut admission = AdmissionLimits::new();
    admission.drain_pause = drain_pause;
    admission.drain_timeout = Duration::MAX;
    run(Server::new(|_: &Peer| Obey).limits(limits).admission(admission), vec![loopback()])
}

#[test]
fn a_server_that_pauses_accepts_and_is_not_ready() {
    let server = serve(Duration::MAX);
    expect_echo(&mut dial(server.at()));
    assert!(server.handle.is_ready());
    server.handle.request(Request::Terminate);
    assert_eq!((server.handle.is_ready(), server.handle.phase()), (false, Phase::Pausing));
    let mut peer = dial(server.at());
    expect_echo(&mut peer);
    // Who wants no pause any more.
    server.handle.drain();
    expect_echo(&mut peer);
    peer.finish();
    expect_end(&mut peer);
    assert!(server.ended().drained);
}

#[test]
fn a_pause_ends_by_itself() {
    let server = serve(SOON);
    let mut peer = dial(server.at());
    expect_echo(&mut peer);
    server.handle.request(Request::Terminate);
    peer.finish();
    expect_end(&mut peer);
    // It ends only if it drains.
    assert!(server.ended().drained);
}

#[test]
fn a_server_that_was_told_to_pause_before_it_ran_ends() {
    let mut limits = AdmissionLimits::new();
    limits.drain_pause = SOON;
    let server = Server::new(|_: &Peer| Obey);
    server.handle().request(Request::Terminate);
    let server = run(server.admission(limits), vec![loopback()]);
    assert!(server.ended().drained);
}

#[test]
fn an_interrupt_skips_the_pause_and_a_second_signal_ends_at_once() {
    for first in [Request::Terminate, Request::Interrupt] {
        for second in [Request::Terminate, Request::Interrupt] {
            let server = serve(if first == Request::Interrupt { Duration::MAX } else { SOON });
            let mut peer = dial(server.at());
            expect_echo(&mut peer);
            server.handle.request(first);
            server.handle.request(second);
            expect_gone(&mut peer);
            assert_eq!(server.closed(), CloseReason::Stopped);
            assert!(!server.ended().drained);
        }
    }
}
