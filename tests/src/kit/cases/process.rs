//! What is of the whole process: signals, descriptors, processor time. One at a time.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use drywire::CloseReason;
use nix::sys::pthread::pthread_kill;
use nix::sys::signal::Signal;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::Done;
use super::close_table::exchange;
use crate::kit::lab::Lab;
use crate::kit::scene::Scene;
use crate::kit::verdict::{Failure, Halt, ensure, same};
use crate::protocol::Behaviour;

/// How long processor time is looked at.
const LOOK: Duration = Duration::from_millis(60);

/// What an adapter that waits may use of [`LOOK`]: one that spins uses what it can get, which on a
/// busy machine is little.
const USED_MAX: Duration = Duration::from_millis(8);

/// Signals to the thread that drives the connection, while it waits to read and to write, and
/// while bytes come.
pub(crate) fn calls_are_interrupted(lab: &Lab) -> Done {
    const LEN: usize = 256 << 10;
    let handled = Arc::new(AtomicBool::new(false));
    // A handler without which the signal would end the process. Waiting is not restarted after it.
    let handler = signal_hook::flag::register(signal_hook::consts::SIGUSR1, Arc::clone(&handled));
    let handler = handler.map_err(|error| Failure::system("sigaction", &error))?;
    let outcome = (|| {
        let mut stage = lab.begin(Scene::echo("lines"))?;
        let mut peer = stage.peer()?;
        stage.await_open()?;
        let thread = stage.thread();
        let interrupt = || {
            for _ in 0..20 {
                pthread_kill(thread, Signal::SIGUSR1).expect("the thread lives");
                thread::yield_now();
            }
        };
        for _ in 0..30 {
            interrupt();
            exchange(&mut peer, b"one\n")?;
        }
        peer.finish()?;
        peer.expect_end()?;
        stage.ended_for(&CloseReason::Finished)?;

        let mut stage = lab.begin(Scene::behaving("raw", Behaviour::Pour(LEN)).narrow())?;
        let mut peer = stage.peer()?;
        stage.await_open()?;
        let thread = stage.thread();
        for _ in 0..20 {
            // All but the last byte leave the connection open.
            pthread_kill(thread, Signal::SIGUSR1).expect("the thread lives");
            same(&peer.read(LEN / 32).len(), &(LEN / 32))?;
        }
        let left = LEN - 20 * (LEN / 32);
        same(&peer.read(left).len(), &left)?;
        peer.expect_end()?;
        peer.finish()?;
        stage.ended(&[], &CloseReason::Finished)
    })();
    signal_hook::low_level::unregister(handler);
    outcome?;
    ensure(handled.load(Ordering::Relaxed), "signals that are handled", "none")
}

/// What waits uses no processor time.
pub(crate) fn waits_do_not_spin(lab: &Lab) -> Done {
    // For the peer, which is silent.
    let mut stage = lab.begin(Scene::echo("lines"))?;
    let mut peer = stage.peer()?;
    exchange(&mut peer, b"one\n")?;
    still("while the peer is silent")?;
    drop((peer, stage));

    // For the peer to read.
    let mut stage = lab.begin(Scene::behaving("raw", Behaviour::Pour(64 << 20)).narrow())?;
    let mut peer = stage.peer()?;
    same(&peer.read(1000).len(), &1000)?;
    still("while the peer does not read")?;
    // Its bytes must be read, and its end, while ours cannot be written.
    peer.finish()?;
    still("while a peer that has finished does not read")?;
    drop((peer, stage));

    // For the peer to finish.
    let mut stage = lab.begin(Scene::behaving("lines", Behaviour::Close))?;
    let mut peer = stage.peer()?;
    exchange(&mut peer, b"one\n")?;
    peer.await_shut_down()?;
    still("while we linger")?;
    drop((peer, stage));

    // For room.
    if !lab.is_server() {
        return Ok(());
    }
    let scene = Scene::echo("lines").admission(|limits| limits.connections_max = 1);
    let mut stage = lab.begin(scene)?;
    let mut first = stage.peer()?;
    exchange(&mut first, b"one\n")?;
    let second = stage.raw_peer()?;
    still("while one is too many")?;
    drop(second);
    Ok(())
}

/// It waits for a deadline, because nobody wants anything.
pub(crate) fn half_closed_waits_do_not_spin(lab: &Lab) -> Done {
    let mut stage = lab.begin(Scene::behaving("lines", Behaviour::Hold))?;
    let mut peer = stage.peer()?;
    peer.send(b"one\n")?;
    peer.finish()?;
    stage.await_finished()?;
    still("while the peer has finished and we have not")
}

/// Expects that the process uses next to no processor time for a while.
#[track_caller]
fn still(when: &str) -> Done {
    let (sender, waiting) = std::sync::mpsc::channel::<()>();
    let before = cpu_time();
    // Nobody sends: it is the time that is waited for.
    let _ = waiting.recv_timeout(LOOK);
    let used = cpu_time() - before;
    drop(sender);
    ensure(
        used < USED_MAX,
        &format!("less than {USED_MAX:?} of {LOOK:?} {when}"),
        format!("{used:?}"),
    )
}

fn cpu_time() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap_or_default()
}

/// The limit of descriptors, put back when it is dropped.
struct Descriptors(Rlimit);

impl Descriptors {
    /// So many more than there are.
    fn leave(count: u64) -> Result<Self, Halt> {
        let before = getrlimit(Resource::Nofile);
        let highest = File::open("/dev/null").map_err(|error| Failure::system("open", &error))?;
        let count = u64::try_from(highest.as_raw_fd()).unwrap_or_default() + count;
        setrlimit(Resource::Nofile, Rlimit { current: Some(count), ..before })
            .map_err(|error| Failure::system("setrlimit", &error.into()))?;
        Ok(Self(before))
    }
}

impl Drop for Descriptors {
    fn drop(&mut self) {
        let _ = setrlimit(Resource::Nofile, self.0);
    }
}

/// Those who are served are served on, and who waits is served when there are some again.
pub(crate) fn out_of_descriptors(lab: &Lab) -> Done {
    lab.only_server()?;
    let mut stage = lab.begin(Scene::echo("lines"))?;
    let mut witness = stage.peer()?;
    exchange(&mut witness, b"before\n")?;

    let limit = Descriptors::leave(20)?;
    let mut hoard: Vec<File> = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        hoard.push(file);
    }
    drop(hoard.pop());
    let mut waiting = stage.silent_peer()?;
    waiting.flush()?;
    exchange(&mut witness, b"meanwhile\n")?;
    still("while there are no descriptors")?;
    same(&stage.statistics().accepted, &1)?;
    exchange(&mut witness, b"still\n")?;

    drop(hoard);
    waiting.handshake()?;
    exchange(&mut waiting, b"waiting\n")?;
    drop(limit);
    Ok(())
}
