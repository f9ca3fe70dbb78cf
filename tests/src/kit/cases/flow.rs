//! Much data both ways, peers that do not read, futures that are dropped.

use std::fs;
use std::time::Duration;

use drywire::CloseReason;
use drywire::connection::Timer;

use super::Done;
use crate::kit::lab::Lab;
use crate::kit::scene::Scene;
use crate::kit::verdict::{Failure, ensure};
use crate::protocol::Behaviour;

/// More than the system's buffers of a stream hold.
const LEN: usize = 4 << 20;

/// More than the system's buffers of a stream hold that the kit has made narrow.
const PUSHED_MAX: usize = 4 << 20;

/// The same of a client's TCP stream: its own buffers are the adapter's, and may grow to any size
/// that the system allows.
fn pushed_to_client_max() -> usize {
    let largest = ["rmem", "wmem"].map(|name| {
        let sizes = fs::read_to_string(format!("/proc/sys/net/ipv4/tcp_{name}"));
        sizes.ok().and_then(|sizes| sizes.split_whitespace().nth(2)?.parse().ok())
    });
    // At both ends.
    largest.map(|len| 2 * len.unwrap_or(16 << 20)).iter().sum()
}

/// A timeout that is waited for.
const SHORT: Duration = Duration::from_millis(40);

/// How long nothing goes before a peer takes it that nothing will.
const STUCK: Duration = Duration::from_millis(100);

/// Both send all they have before they read.
pub(crate) fn both_sides_write_first(lab: &Lab) -> Done {
    let scene = Scene::behaving("raw", Behaviour::Pour(LEN)).narrow();
    let mut stage = lab.begin(scene.limits(|limits| limits.receive_backlog_max = LEN))?;
    let mut peer = stage.peer()?;
    peer.queue(&vec![b'q'; LEN]);
    peer.flush()?;
    let len = peer.read(LEN).len();
    ensure(len == LEN, &format!("{LEN} bytes"), format!("{len} bytes"))?;
    peer.expect_end()?;
    peer.finish()?;
    // Every byte was shown.
    let reason = stage.closed()?;
    let shown = stage.shown();
    ensure(shown.len() == LEN, &format!("{LEN} bytes"), format!("{} bytes", shown.len()))?;
    ensure(reason == CloseReason::Finished, "finished", &reason)?;
    stage.accounted(&reason)
}

/// Beyond the high-water mark the adapter does not read on; everything comes once the peer reads.
pub(crate) fn the_peer_reads_late(lab: &Lab) -> Done {
    let scene = Scene::echo("lines").limits(|limits| {
        limits.transmit_high_water = 16 << 10;
        limits.transmit_low_water = 4 << 10;
        limits.receive_backlog_max = 8 << 10;
    });
    let is_narrow = lab.is_server() || lab.variant.is_unix;
    let (scene, pushed_max) =
        if is_narrow { (scene.narrow(), PUSHED_MAX) } else { (scene, pushed_to_client_max()) };
    let mut stage = lab.begin(scene)?;
    let mut peer = stage.peer()?;
    let line = [&[b'l'; 999][..], b"\n"].concat();
    let mut sent = 0;
    // Twice: the adapter must also begin again.
    for _ in 0..2 {
        let mut pushed = 0;
        while peer.flush_within(STUCK) {
            if pushed > pushed_max {
                let seen = format!("{pushed} bytes of it and more");
                return Err(Failure::new("a peer that does not read is not read", seen).into());
            }
            peer.queue(&line.repeat(16));
            pushed += 16 * line.len();
        }
        sent += pushed;
        let echo = peer.read(pushed);
        if !echo.chunks(line.len()).eq(std::iter::repeat_n(&line[..], pushed / line.len())) {
            let seen = format!("{} bytes, or others", echo.len());
            return Err(Failure::new(format!("an echo of {pushed} bytes"), seen).into());
        }
    }
    peer.finish()?;
    peer.expect_end()?;
    let reason = stage.closed()?;
    let shown = stage.shown().len();
    let expected = sent / line.len() * (line.len() - 1);
    ensure(shown == expected, &format!("{expected} bytes"), format!("{shown} bytes"))?;
    ensure(reason == CloseReason::Finished, "finished", &reason)?;
    stage.accounted(&reason)
}

/// Each number of polls after which a future is dropped.
pub(crate) fn futures_are_dropped(lab: &Lab) -> Done {
    lab.only_client()?;
    for polls in 1..=4 {
        let scene = Scene::echo("u16be").narrow().dropping_after(polls).limits(|limits| {
            limits.transmit_high_water = 3000;
            limits.transmit_low_water = 1000;
            limits.receive_backlog_max = 2000;
        });
        let mut stage = lab.begin(scene)?;
        let mut peer = stage.peer()?;
        let mut frames = Vec::new();
        for at in 0..40_u16 {
            let len = 1 + at * at * 7 % 5000;
            let frame = vec![at.to_be_bytes()[1]; usize::from(len)];
            let bytes = [&len.to_be_bytes()[..], &frame].concat();
            peer.queue(&bytes);
            peer.expect(&bytes)?;
            frames.push(frame);
        }
        peer.finish()?;
        peer.expect_end()?;
        let frames: Vec<_> = frames.iter().map(Vec::as_slice).collect();
        stage.ended(&frames, &CloseReason::Finished)?;

        // A deadline does not begin anew with each future.
        let scene = Scene::echo("u16be").dropping_after(polls);
        let mut stage = lab.begin(scene.limits(|limits| limits.idle_timeout = SHORT))?;
        stage.peer()?.expect_gone()?;
        stage.ended(&[], &CloseReason::TimedOut(Timer::Idle))?;
    }
    Ok(())
}
