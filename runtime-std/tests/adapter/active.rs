//! A connection that has just been served may wait in its next read; it hears of everything else
//! all the same.

use std::time::{Duration, Instant};

use drywire::connection::Timer;
use drywire::{CloseReason, Limits};

use crate::peer::{dial, expect, expect_echo, expect_end, expect_gone};
use crate::serving::obey;

const SOON: Duration = Duration::from_millis(30);

#[test]
fn of_the_servers_end() {
    let server = obey(Limits::new());
    let mut peer = dial(server.at());
    (0..20).for_each(|_| expect_echo(&mut peer));
    server.handle.stop();
    expect_gone(&mut peer);
    assert_eq!(server.closed(), CloseReason::Stopped);
    assert!(!server.ended().drained);
}

#[test]
fn of_a_drain() {
    let mut limits = Limits::new();
    limits.drain_idle_timeout = SOON;
    let server = obey(limits);
    let mut peer = dial(server.at());
    (0..20).for_each(|_| expect_echo(&mut peer));
    server.handle.drain();
    expect_end(&mut peer);
    drop(peer);
    assert_eq!(server.closed(), CloseReason::Closed);
    assert!(server.ended().drained);
}

#[test]
fn of_a_deadline() {
    let mut limits = Limits::new();
    limits.idle_timeout = Duration::from_millis(100);
    let server = obey(limits);
    let mut peer = dial(server.at());
    (0..20).for_each(|_| expect_echo(&mut peer));
    let begun = Instant::now();
    expect(&mut peer, b"failed\n");
    expect_end(&mut peer);
    assert!(begun.elapsed() >= Duration::from_millis(90));
    drop(peer);
    assert_eq!(server.closed(), CloseReason::TimedOut(Timer::Idle));
}
