//! A server's life: timers that wake it, its end, peers that would keep it from the others.

use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use drywire::{CloseKind, CloseReason};
use socket2::{Socket, Type};

use super::Done;
use super::close_table::exchange;
use crate::kit::lab::Lab;
use crate::kit::scene::Scene;
use crate::kit::verdict::{Failure, Halt, ensure, same};
use crate::protocol::Behaviour;

/// A time that is waited for.
const SHORT: Duration = Duration::from_millis(40);

/// Nothing comes: only the timer wakes the adapter.
pub(crate) fn a_timer_wakes(lab: &Lab) -> Done {
    let mut stage = lab.begin(Scene::behaving("lines", Behaviour::Tick(3)))?;
    let mut peer = stage.peer()?;
    peer.expect(b"tick\ntick\ntick\n")?;
    peer.expect_end()?;
    peer.finish()?;
    stage.ended(&[], &CloseReason::Finished)
}

/// Who is silent is closed in order.
pub(crate) fn drained_while_idle(lab: &Lab) -> Done {
    lab.only_server()?;
    let mut stage =
        lab.begin(Scene::echo("lines").limits(|limits| limits.drain_idle_timeout = SHORT))?;
    let mut peer = stage.peer()?;
    exchange(&mut peer, b"one\n")?;
    stage.begin_drain();
    peer.expect_end()?;
    peer.finish()?;
    same(&stage.closed()?, &CloseReason::Closed)?;
    let statistics = stage.joined()?;
    ensure(statistics.all_drained(), "all drained", "some ended by force")
}

/// Who is served is served to the end, and nobody else.
pub(crate) fn drained_while_busy(lab: &Lab) -> Done {
    const LEN: usize = 2 << 20;
    lab.only_server()?;
    let mut stage = lab.begin(Scene::behaving("raw", Behaviour::Pour(LEN)).narrow())?;
    let mut peer = stage.peer()?;
    same(&peer.read(1000).len(), &1000)?;
    stage.begin_drain();
    let begun = Instant::now();
    let place = stage.place();
    loop {
        let late = Socket::new(place.domain(), Type::STREAM, None).expect("a socket");
        if late.connect(&place).is_err() {
            break;
        }
        ensure(begun.elapsed() < lab.patience, "a listener that is closed", "one that is open")?;
        thread::yield_now();
    }
    same(&peer.read(LEN - 1000).len(), &(LEN - 1000))?;
    peer.expect_end()?;
    peer.finish()?;
    let statistics = stage.joined()?;
    ensure(statistics.all_drained(), "all drained", "some ended by force")?;
    // Others that came before the listener was closed may have been accepted.
    let finished = statistics.closed_as(CloseKind::Finished);
    ensure(finished >= 1, "one that finished", "none")
}

pub(crate) fn drained_and_out_of_time(lab: &Lab) -> Done {
    lab.only_server()?;
    let mut stage =
        lab.begin(Scene::echo("lines").admission(|limits| limits.drain_timeout = SHORT))?;
    let mut peer = stage.peer()?;
    exchange(&mut peer, b"one\n")?;
    let statistics = stage.drain()?;
    peer.expect_gone()?;
    same(&stage.closed()?, &CloseReason::Stopped)?;
    ensure(!statistics.all_drained(), "one ended by force", "all drained")
}

pub(crate) fn stopped_while_busy(lab: &Lab) -> Done {
    lab.only_server()?;
    let mut stage = lab.begin(Scene::behaving("raw", Behaviour::Pour(64 << 20)).narrow())?;
    let mut peer = stage.peer()?;
    same(&peer.read(1000).len(), &1000)?;
    let statistics = stage.stop()?;
    peer.expect_gone()?;
    same(&stage.closed()?, &CloseReason::Stopped)?;
    same(&(statistics.accepted, statistics.active), &(1, 0))
}

pub(crate) fn handshakes_stand_still(lab: &Lab) -> Done {
    lab.only_server()?;
    lab.only_tls()?;
    let mut stage = lab.begin(Scene::echo("lines"))?;
    let mut idlers = Vec::new();
    for at in 0..30 {
        let mut peer = stage.silent_peer()?;
        let hello = peer.take_queued();
        peer.send_raw(&hello[..at])?;
        idlers.push(peer);
    }
    exchange(&mut stage.peer()?, b"served\n")?;
    stage.until("31 connections", |statistics| statistics.accepted == 31)
}

/// A buffer that is given back serves the next: connections that are all open, and silent after a
/// line each, have shown it in a few places of memory. Of those that keep their buffers no two ever
/// share one. The next may be served before the last has given back: each round leaves more time.
pub(crate) fn idle_connections_hold_no_buffers(lab: &Lab) -> Done {
    const COUNT: usize = 40;
    lab.only_server()?;
    let mut stage = lab.begin(Scene::echo("lines"))?;
    let idlers: Result<Vec<_>, Halt> = (0..COUNT).map(|_| stage.peer()).collect();
    let (mut idlers, begun) = (idlers?, Instant::now());
    let (_nobody, nothing) = channel::<()>();
    for round in 0.. {
        for peer in &mut idlers {
            exchange(peer, b"a line\n")?;
            let _ = nothing.recv_timeout(Duration::from_millis(round));
        }
        let count = stage.take_places_count();
        if count <= COUNT / 2 {
            return Ok(());
        }
        ensure(
            begun.elapsed() < lab.patience,
            &format!("buffers that {COUNT} connections share"),
            format!("lines at {count} places of memory"),
        )?;
    }
    Ok(())
}

/// A line of a flood.
const FLOOD: [u8; 999] = [b'f'; 999];

/// Those who never pause do not keep the others from being served.
pub(crate) fn a_flood_starves_nobody(lab: &Lab) -> Done {
    lab.only_server()?;
    let mut stage = lab.begin(Scene::behaving("lines", Behaviour::Discard))?;
    let floods: Vec<_> = (0..3)
        .map(|_| {
            let mut peer = stage.peer()?;
            Ok(thread::spawn(move || {
                let lines = [&FLOOD[..], b"\n"].concat().repeat(64);
                // Until the server is stopped.
                while peer.send(&lines).is_ok() {}
            }))
        })
        .collect::<Result<_, Halt>>()?;
    stage.await_frame(&FLOOD)?;
    for _ in 0..3 {
        let mut peer = stage.peer()?;
        peer.send(b"a line\n")?;
        peer.finish()?;
        peer.expect_end()?;
    }
    stage.stop()?;
    for flood in floods {
        flood.join().map_err(|_| Failure::new("a flood that ends", "a panic"))?;
    }
    Ok(())
}
