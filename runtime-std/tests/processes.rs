//! Worker processes. This program is its own worker: see [`worker`].
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
#[cfg(target_os = "linux")]
use std::num::NonZeroUsize;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio, exit};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use drywire::address::{Address, Endpoint, Host};
use drywire::framing::Lines;
use drywire::shutdown::{Phase, Request};
use drywire::statistics::{Observed, Statistics};
use drywire::supervisor::{Outcome, SupervisorLimits};
use drywire::{Handle, Limits, Peer, Protocol};
use drywire_std::datagram::DatagramListener;
use drywire_std::processes::{Event, Supervisor, SupervisorHandle, Worker};
use drywire_std::{Listener, ServeError, Server};
use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

const SOON: Duration = Duration::from_millis(50);

/// Answers `pid` with the number of its process, and every other line with itself.
struct Tell;

impl Protocol for Tell {
    type Framing = Lines;

    fn framing(&self) -> Lines {
        Lines::new()
    }

    fn on_frame(&mut self, frame: &[u8], handle: &mut Handle<'_, Lines>) {
        let pid = std::process::id().to_string();
        let answer = if frame == b"pid" { pid.as_bytes() } else { frame };
        if handle.send(answer).is_err() {
            handle.retain();
        }
    }
}

/// No test when somebody runs the tests. A worker when a supervisor runs this program again: it
/// does what the file says whose name is handed over.
#[test]
fn worker() {
    let Some(mut worker) = Worker::inherited().unwrap() else { return };
    let mode = PathBuf::from(std::str::from_utf8(worker.payload()).unwrap());
    let mode = fs::read_to_string(mode).unwrap();
    let mut limits = Limits::new();
    limits.drain_idle_timeout = Duration::MAX;
    let mut server = Server::new(|_: &Peer| Tell).limits(limits);
    for inherited in worker.take_sockets() {
        if let Address::Datagram { .. } = inherited.address {
            echo_datagrams(inherited.socket.into());
        } else {
            server = server.listen(inherited.listener().unwrap());
        }
    }
    let (handle, counts) = (server.handle(), server.handle());
    let count = move || counts.statistics();
    let farewell = match mode.as_str() {
        "serve" => worker.serve(move |request| handle.request(request), count),
        "mute" => worker.serve(
            move |request| handle.request(request),
            || -> Statistics {
                loop {
                    thread::park();
                }
            },
        ),
        "stubborn" => worker.serve(|_| {}, count),
        "stoppable" => worker.serve(
            move |request| {
                if request == Request::Stop {
                    handle.request(request);
                }
            },
            count,
        ),
        "late" => {
            let _ = server.run();
            return;
        }
        _ => exit(3),
    };
    let farewell = farewell.unwrap();
    let summary = server.run().unwrap();
    farewell.finish(summary.statistics);
    exit(if summary.drained { 0 } else { 1 });
}

fn echo_datagrams(socket: UdpSocket) {
    socket.set_nonblocking(false).unwrap();
    thread::spawn(move || {
        let mut bytes = [0; 64];
        while let Ok((len, peer)) = socket.recv_from(&mut bytes) {
            let pid = std::process::id().to_string();
            let asked = &bytes[..len];
            let answer = if asked == b"pid" { pid.as_bytes() } else { asked };
            let _ = socket.send_to(answer, peer);
        }
    });
}

/// An [`Event`] that lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Started(u32),
    Ready(u32),
    /// The code, if it exited with one.
    Exited(u32, Option<i32>),
    StartFailed(ErrorKind),
    Serving,
    Reloading,
    Reloaded,
    ReloadFailed,
    Ending(Phase),
}

impl Seen {
    fn of(event: &Event<'_>) -> Self {
        match *event {
            Event::Started { pid, .. } => Self::Started(pid),
            Event::Ready { pid, .. } => Self::Ready(pid),
            Event::Exited { pid, status, .. } => Self::Exited(pid, status.unwrap().code()),
            Event::StartFailed { error, .. } => Self::StartFailed(error.kind()),
            Event::Serving => Self::Serving,
            Event::Reloading => Self::Reloading,
            Event::Reloaded => Self::Reloaded,
            Event::ReloadFailed => Self::ReloadFailed,
            Event::Ending(phase) => Self::Ending(phase),
            _ => panic!("{event:?}"),
        }
    }
}

/// A supervisor that runs.
struct Running {
    handle: SupervisorHandle,
    address: SocketAddr,
    mode: PathBuf,
    events: Receiver<Seen>,
    outcome: Receiver<Result<Outcome, ServeError>>,
}

fn limits(workers: usize) -> SupervisorLimits {
    let mut limits = SupervisorLimits::new();
    limits.workers = workers;
    limits.restart_backoff_min = Duration::from_millis(1);
    limits
}

fn this_test() -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["worker", "--exact", "--nocapture"]).stdout(Stdio::null());
    command
}

fn loopback() -> Listener {
    Listener::bind(&"tcp://127.0.0.1:0".parse().unwrap()).unwrap()
}

fn path(kind: &str) -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("drywire-{kind}-{}-{count}", std::process::id()))
}

fn supervise(limits: SupervisorLimits, mode: &str) -> Running {
    let supervisor = Supervisor::new(this_test).unwrap().limits(limits);
    run(supervisor, loopback(), mode)
}

fn run(supervisor: Supervisor, listener: Listener, mode: &str) -> Running {
    let address = socket_addr(listener.address());
    let (file, text) = (path("mode"), mode);
    fs::write(&file, text).unwrap();
    let (tell, events) = channel();
    let supervisor =
        supervisor.listen(listener).payload(file.to_str().unwrap().into()).on_event(move |event| {
            let _ = tell.send(Seen::of(event));
        });
    let handle = supervisor.handle();
    let (end, outcome) = channel();
    thread::spawn(move || end.send(supervisor.run()));
    Running { handle, address, mode: file, events, outcome }
}

fn socket_addr(address: &Address) -> SocketAddr {
    match address.endpoint() {
        Endpoint::Internet(place) => match place.host {
            Host::V4(host) => (host, place.port).into(),
            _ => panic!("{address}"),
        },
        Endpoint::Unix(_) => panic!("{address}"),
    }
}

impl Running {
    fn next(&self) -> Seen {
        self.events.recv_timeout(PATIENCE).expect("an event in time")
    }

    /// The events until `last` with it.
    fn until(&self, last: impl Fn(&Seen) -> bool) -> Vec<Seen> {
        let mut seen = Vec::new();
        while !seen.last().is_some_and(&last) {
            seen.push(self.next());
        }
        seen
    }

    /// The processes of the next `count` workers that are ready.
    fn ready(&self, count: usize) -> Vec<u32> {
        let mut pids = Vec::new();
        while pids.len() < count {
            if let Seen::Ready(pid) = self.next() {
                pids.push(pid);
            }
        }
        pids
    }

    fn ended(&self) -> Outcome {
        self.outcome.recv_timeout(PATIENCE).expect("an end in time").unwrap()
    }

    fn set_mode(&self, mode: &str) {
        fs::write(&self.mode, mode).unwrap();
    }

    /// A connection, and the process that serves it.
    fn dial(&self) -> (Conversation<TcpStream>, u32) {
        let mut conversation = Conversation::new(TcpStream::connect(self.address).unwrap());
        let pid = conversation.ask("pid").unwrap().parse().unwrap();
        (conversation, pid)
    }

    /// A connection to each of `pids`, beside others.
    fn dial_all(&self, pids: &[u32]) -> Vec<(Conversation<TcpStream>, u32)> {
        let (mut all, mut seen) = (Vec::new(), BTreeSet::new());
        let begin = Instant::now();
        while !pids.iter().all(|pid| seen.contains(pid)) {
            // Together, so that one alone is not quick enough for all of them.
            let streams: Vec<_> =
                (0..8).map(|_| TcpStream::connect(self.address).unwrap()).collect();
            for stream in streams {
                let mut conversation = Conversation::new(stream);
                let pid = conversation.ask("pid").unwrap().parse().unwrap();
                seen.insert(pid);
                all.push((conversation, pid));
            }
            assert!(begin.elapsed() < PATIENCE, "{seen:?} of {pids:?}");
        }
        all
    }
}

impl Drop for Running {
    /// Leaves nobody behind where a test fails.
    fn drop(&mut self) {
        self.handle.request(Request::Stop);
        let _ = self.outcome.recv_timeout(PATIENCE);
        let _ = fs::remove_file(&self.mode);
    }
}

/// Lines, one way and the other.
struct Conversation<S>(BufReader<S>);

impl Conversation<TcpStream> {
    fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }
}

impl Conversation<UnixStream> {
    fn dial(path: &Path) -> Self {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }
}

impl<S: std::io::Read + Write> Conversation<S> {
    /// The answer to a line, or that it is over.
    fn ask(&mut self, line: &str) -> Option<String> {
        let mut answer = String::new();
        let asked = self.0.get_mut().write_all(format!("{line}\n").as_bytes());
        match asked.and_then(|()| self.0.read_line(&mut answer)) {
            Ok(0) => None,
            Ok(_) => Some(answer.trim_end().to_owned()),
            Err(error) => {
                let kinds = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
                assert!(kinds.contains(&error.kind()), "{error}");
                None
            }
        }
    }
}

/// Connects all the time, and counts. Whatever fails is told at the end.
struct Load {
    is_over: Arc<AtomicBool>,
    served: Arc<AtomicU32>,
    client: JoinHandle<Result<(), String>>,
}

impl Load {
    fn on(address: SocketAddr) -> Self {
        let (is_over, served) = (Arc::<AtomicBool>::default(), Arc::<AtomicU32>::default());
        let client = {
            let (is_over, served) = (Arc::clone(&is_over), Arc::clone(&served));
            thread::spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let stream = TcpStream::connect(address).map_err(|error| error.to_string())?;
                    let answer = Conversation::new(stream).ask("hello");
                    if answer.as_deref() != Some("hello") {
                        return Err(format!("answer {answer:?}"));
                    }
                    served.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            })
        };
        Self { is_over, served, client }
    }

    /// Waits until `count` more were served.
    fn await_served(&self, count: u32) {
        let (begin, last) = (Instant::now(), self.served.load(Ordering::Relaxed) + count);
        while self.served.load(Ordering::Relaxed) < last && !self.client.is_finished() {
            assert!(begin.elapsed() < PATIENCE, "the load got stuck");
            thread::yield_now();
        }
    }

    fn end(self) -> Result<(), String> {
        self.is_over.store(true, Ordering::Relaxed);
        self.client.join().unwrap()
    }
}

#[test]
fn workers_serve_and_drain() {
    let running = supervise(limits(2), "serve");
    let pids = running.ready(2);
    assert!(running.handle.is_ready());
    let mut dialled = running.dial_all(&pids);
    let served: BTreeSet<_> = dialled.iter().map(|(_, pid)| *pid).collect();
    assert_eq!(served, pids.iter().copied().collect());

    running.handle.request(Request::Interrupt);
    running.until(|seen| *seen == Seen::Ending(Phase::Draining));
    assert!(!running.handle.is_ready());
    // Who is there is served on, and nobody else is, once both are told.
    let begin = Instant::now();
    while TcpStream::connect(running.address).is_ok() {
        assert!(begin.elapsed() < PATIENCE, "connections are still accepted");
    }
    for (conversation, _) in &mut dialled {
        assert_eq!(conversation.ask("still?").as_deref(), Some("still?"));
    }
    drop(dialled);
    assert_eq!(running.ended(), Outcome::Drained);
    let exits: Vec<_> = running.events.try_iter().collect();
    assert!(exits.iter().all(|seen| matches!(seen, Seen::Exited(_, Some(0)))), "{exits:?}");
    assert_eq!(exits.len(), 2);
}

#[test]
fn a_worker_that_is_killed_takes_its_own_connections_only() {
    let running = supervise(limits(2), "serve");
    let pids = running.ready(2);
    let mut dialled = running.dial_all(&pids);
    // Not a child of the test's own choice: one that its supervisor started.
    let pid = Pid::from_raw(pids[0].try_into().unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    for (conversation, pid) in &mut dialled {
        let answer = conversation.ask("there?");
        assert_eq!(answer.is_some(), *pid != pids[0], "{answer:?} from {pid} of {pids:?}");
    }
    running.until(|seen| *seen == Seen::Exited(pids[0], None));
    let again = running.ready(1);
    assert!(!pids.contains(&again[0]));
    // Two serve again.
    running.dial_all(&[pids[1], again[0]]);
    running.handle.request(Request::Stop);
    assert_eq!(running.ended(), Outcome::Forced);
}

#[test]
fn a_reload_refuses_nobody_and_lets_conversations_end() {
    let running = supervise(limits(2), "serve");
    let mut old = running.ready(2);
    let load = Load::on(running.address);
    for _ in 0..3 {
        let (mut conversation, pid) = running.dial();
        assert!(old.contains(&pid));
        load.await_served(20);
        running.handle.reload();
        let seen = running.until(|seen| *seen == Seen::Reloaded);
        let new: Vec<_> = seen
            .iter()
            .filter_map(|seen| if let Seen::Ready(pid) = seen { Some(*pid) } else { None })
            .collect();
        assert_eq!(new.len(), 2, "{seen:?}");
        // Served by its old worker for as long as it likes.
        let answer = conversation.ask("pid").map(|answer| answer.parse());
        assert_eq!(answer, Some(Ok(pid)));
        load.await_served(20);
        drop(conversation);
        for _ in 0..2 {
            let exited = running.until(|seen| matches!(seen, Seen::Exited(..)));
            assert!(
                matches!(exited.last(), Some(Seen::Exited(pid, Some(0))) if old.contains(pid)),
                "{exited:?}"
            );
        }
        let (_, pid) = running.dial();
        assert!(new.contains(&pid));
        old = new;
    }
    assert_eq!(load.end(), Ok(()));
    running.handle.request(Request::Interrupt);
    assert_eq!(running.ended(), Outcome::Drained);
}

#[test]
fn the_old_serve_on_when_the_new_cannot_start() {
    let running = supervise(limits(2), "serve");
    let old = running.ready(2);
    running.set_mode("fail");
    let load = Load::on(running.address);
    running.handle.reload();
    running.until(|seen| *seen == Seen::ReloadFailed);
    load.await_served(20);
    assert_eq!(load.end(), Ok(()));
    assert!(running.handle.is_ready());
    assert!(old.contains(&running.dial().1));
    // Mended, the next one succeeds.
    running.set_mode("serve");
    running.handle.reload();
    running.until(|seen| *seen == Seen::Reloaded);
}

#[test]
fn workers_that_fail_at_start_end_the_supervisor() {
    let mut limits = limits(2);
    limits.start_failures_max = 3;
    let running = supervise(limits, "fail");
    assert_eq!(running.ended(), Outcome::StartFailed { failures: 3 });
    let seen: Vec<_> = running.events.try_iter().collect();
    let starts = seen.iter().filter(|seen| matches!(seen, Seen::Started(_))).count();
    // Each three times, and the one that is ahead perhaps once more.
    assert!((6..=8).contains(&starts), "{seen:?}");
    let failures = seen.iter().filter(|seen| matches!(seen, Seen::Exited(_, Some(3))));
    assert!(failures.count() >= 6, "{seen:?}");
    assert!(!running.handle.is_ready());
}

#[test]
fn a_program_that_is_not_there_ends_the_supervisor() {
    let mut limits = limits(1);
    limits.start_failures_max = 2;
    let supervisor = Supervisor::new(|| Command::new("/nowhere/to/be/found")).unwrap();
    let running = run(supervisor.limits(limits), loopback(), "");
    assert_eq!(running.ended(), Outcome::StartFailed { failures: 2 });
    let seen: Vec<_> = running.events.try_iter().collect();
    assert_eq!(seen, [Seen::StartFailed(ErrorKind::NotFound); 2]);
}

#[test]
fn a_worker_that_is_never_ready_is_killed() {
    let mut limits = limits(1);
    limits.start_failures_max = 1;
    limits.ready_timeout = SOON;
    let running = supervise(limits, "late");
    assert_eq!(running.ended(), Outcome::StartFailed { failures: 1 });
    let seen: Vec<_> = running.events.try_iter().collect();
    assert!(matches!(seen[..], [Seen::Started(one), Seen::Exited(other, None)] if one == other));
}

#[test]
fn what_does_not_end_is_stopped_and_what_does_not_obey_is_killed() {
    for (mode, code) in [("stoppable", Some(1)), ("stubborn", None)] {
        let mut limits = limits(1);
        limits.drain_timeout = SOON;
        limits.stop_timeout = if mode == "stubborn" { SOON } else { PATIENCE };
        let running = supervise(limits, mode);
        let pid = running.ready(1)[0];
        let (mut conversation, _) = running.dial();
        running.handle.request(Request::Interrupt);
        running.until(|seen| *seen == Seen::Exited(pid, code));
        assert_eq!(conversation.ask("there?"), None);
        assert_eq!(running.ended(), Outcome::Forced);
    }
}

#[test]
fn a_second_signal_ends_at_once() {
    let mut limits = limits(2);
    limits.drain_pause = Duration::MAX;
    limits.drain_timeout = Duration::MAX;
    limits.stop_timeout = Duration::MAX;
    let running = supervise(limits, "serve");
    running.ready(2);
    let (mut conversation, _) = running.dial();
    running.handle.request(Request::Terminate);
    running.until(|seen| *seen == Seen::Ending(Phase::Pausing));
    // Still serving.
    running.dial();
    running.handle.request(Request::Terminate);
    running.until(|seen| *seen == Seen::Ending(Phase::Stopping));
    assert_eq!(running.ended(), Outcome::Forced);
    assert_eq!(conversation.ask("there?"), None);
}

#[test]
fn the_counts_are_those_of_all_workers() {
    let running = supervise(limits(2), "serve");
    let pids = running.ready(2);
    let dialled = running.dial_all(&pids);
    let count = dialled.len() as u64;
    let counts = || {
        let statistics = running.handle.statistics();
        (statistics.accepted, statistics.active)
    };
    assert_eq!(counts(), (count, count));
    // Of a worker that is killed what it has said stays, and its connections are no more.
    let lost = dialled.iter().filter(|(_, pid)| *pid == pids[0]).count() as u64;
    kill_process(Pid::from_raw(pids[0].try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
    running.until(|seen| matches!(seen, Seen::Exited(..)));
    assert_eq!(counts(), (count, count - lost));
    let names: Vec<String> = Observed::listeners(&running.handle);
    assert_eq!(names, [format!("tcp://{}", running.address)]);

    running.ready(1);
    let (last, _) = running.dial();
    drop((dialled, last));
    running.handle.request(Request::Interrupt);
    assert_eq!(running.ended(), Outcome::Drained);
    // Nobody asked: the last words say so.
    assert_eq!(counts(), (count + 1, 0));
    let statistics = running.handle.statistics();
    assert_eq!(statistics.closed.iter().sum::<u64>(), count - lost + 1);
    assert!(statistics.received_len > 0);
}

#[test]
fn a_worker_that_does_not_answer_keeps_nobody_waiting() {
    let mut limits = limits(1);
    limits.stop_timeout = SOON;
    let running = supervise(limits, "mute");
    running.ready(1);
    let _conversation = running.dial();
    for _ in 0..2 {
        assert_eq!(running.handle.statistics().accepted, 0);
    }
}

#[test]
fn sockets_of_every_kind_are_handed_over() {
    let socket = path("socket");
    let unix = format!("unix:{}", socket.display()).parse().unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let udp_address = udp.local_addr().unwrap();
    let name = format!("udp://{udp_address}").parse().unwrap();
    let supervisor = Supervisor::new(this_test)
        .unwrap()
        .limits(limits(1))
        .listen(Listener::bind(&unix).unwrap())
        .hand_over(name, udp.into());
    let running = run(supervisor, loopback(), "serve");
    running.ready(1);
    let (_conversation, pid) = running.dial();
    let mut over_unix = Conversation::<UnixStream>::dial(&socket);
    assert_eq!(over_unix.ask("pid").map(|answer| answer.parse()), Some(Ok(pid)));
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.send_to(b"hello", udp_address).unwrap();
    let mut echo = [0; 8];
    assert_eq!(client.recv(&mut echo).unwrap(), 5);

    drop((over_unix, _conversation));
    running.handle.request(Request::Interrupt);
    assert_eq!(running.ended(), Outcome::Drained);
    // The file was the supervisor's.
    assert!(!socket.exists());
}

/// Who answers the sources, each of which gets one answer.
#[cfg(target_os = "linux")]
fn answering(sources: &[UdpSocket]) -> Vec<u32> {
    let read = |source: &UdpSocket| {
        let mut answer = [0; 16];
        let len = source.recv(&mut answer).unwrap();
        std::str::from_utf8(&answer[..len]).unwrap().parse().unwrap()
    };
    sources.iter().for_each(|source| assert_eq!(source.send(b"pid").unwrap(), 3));
    sources.iter().map(read).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn every_source_of_datagrams_has_its_worker() {
    let any = "udp://127.0.0.1:0".parse().unwrap();
    let group = DatagramListener::bind_group(&any, NonZeroUsize::new(2).unwrap()).unwrap();
    let to = socket_addr(group[0].address());
    let supervisor = Supervisor::new(this_test).unwrap().limits(limits(2)).listen_datagrams(group);
    let running = run(supervisor, loopback(), "serve");
    let pids: BTreeSet<u32> = running.ready(2).into_iter().collect();
    let sources: Vec<_> = (0..32)
        .map(|_| {
            let source = UdpSocket::bind("127.0.0.1:0").unwrap();
            source.set_read_timeout(Some(PATIENCE)).unwrap();
            source.connect(to).unwrap();
            source
        })
        .collect();
    let first = answering(&sources);
    assert_eq!(first.iter().copied().collect::<BTreeSet<_>>(), pids);
    assert_eq!(answering(&sources), first);

    // Those of a worker that is gone wait for the next one.
    let lost = first[0];
    kill_process(Pid::from_raw(lost.try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
    running.until(|seen| *seen == Seen::Exited(lost, None));
    let second = answering(&sources);
    let replaced = running.ready(1)[0];
    let replace = |pid: &u32| if *pid == lost { replaced } else { *pid };
    assert_eq!(second, first.iter().map(replace).collect::<Vec<_>>());
    running.handle.request(Request::Interrupt);
    assert_eq!(running.ended(), Outcome::Drained);
}

#[test]
fn there_are_no_more_workers_than_get_a_socket() {
    let any = "udp://127.0.0.1:0".parse().unwrap();
    let listener = DatagramListener::bind(&any).unwrap();
    let started = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&started);
    // A mode that is none: the worker ends at once.
    let supervisor =
        Supervisor::new(this_test).unwrap().limits(limits(3)).payload(b"/dev/null".to_vec());
    let supervisor = supervisor.listen_datagrams([]).listen_datagrams([listener]);
    let supervisor = supervisor.on_event(move |event| {
        if let Event::Started { slot, .. } = event {
            count.fetch_add(1, Ordering::Relaxed);
            assert_eq!(*slot, 0);
        }
    });
    let outcome = supervisor.run().unwrap();
    let attempts = started.load(Ordering::Relaxed);
    assert_eq!(Outcome::StartFailed { failures: attempts.try_into().unwrap() }, outcome);
}

#[test]
fn a_supervisor_without_sockets_does_not_begin() {
    let error = Supervisor::new(this_test).unwrap().run().unwrap_err();
    assert!(matches!(error, ServeError::ListenerMissing), "{error}");
}
