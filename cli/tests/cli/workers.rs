//! `drywire serve --model processes`.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::unix::process::CommandExt;
#[cfg(target_os = "linux")]
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;

use crate::certificates::Authority;
use crate::process::{Folder, Lines, PATIENCE, Process, drywire, run};

const RUNTIMES: [&str; 2] = ["std", "smol"];

/// A supervisor, and what it and its workers print.
struct Supervisor {
    process: Process,
    stdout: Lines,
    stderr: Lines,
    addresses: Vec<String>,
}

impl Supervisor {
    fn start(addresses: &[&str], arguments: &[&str]) -> Self {
        Self::start_as(addresses, arguments, |_| {})
    }

    fn start_as(addresses: &[&str], arguments: &[&str], change: impl FnOnce(&mut Command)) -> Self {
        let listen = addresses.iter().flat_map(|address| ["--listen", address]);
        let mut command = drywire(["serve", "--json", "--model", "processes"]);
        command.args(listen).args(arguments);
        change(&mut command);
        Self::of(command, addresses.len())
    }

    /// Waits until it listens on `addresses_len` addresses.
    fn of(mut command: Command, addresses_len: usize) -> Self {
        let mut process = Process::start(&mut command);
        let stdout = Lines::of(process.stdout.take().unwrap());
        let stderr = Lines::of(process.stderr.take().unwrap());
        let mut supervisor = Self { process, stdout, stderr, addresses: Vec::new() };
        for _ in 0..addresses_len {
            let listening = supervisor.until(|record| record["event"] == "listening");
            let address = listening["address"].as_str().unwrap().to_owned();
            supervisor.addresses.push(address);
        }
        supervisor
    }

    /// The next record that is `wanted`.
    fn until(&self, mut wanted: impl FnMut(&Value) -> bool) -> Value {
        loop {
            let record = serde_json::from_str(&self.stdout.next()).unwrap();
            if wanted(&record) {
                return record;
            }
        }
    }

    /// The process of the next worker in `state`.
    fn worker(&self, state: &str) -> u32 {
        let record = self.until(|record| record["event"] == "worker" && record["state"] == state);
        record["pid"].as_u64().unwrap().try_into().unwrap()
    }

    /// Has its two workers exchanged; returns the new ones.
    fn exchange(&self, old: [u32; 2]) -> [u32; 2] {
        self.process.signal(Signal::HUP);
        let new = [self.worker("ready"), self.worker("ready")];
        for _ in old {
            let exited = self.worker("exited");
            assert!(old.contains(&exited), "{exited}");
        }
        new
    }

    fn place(&self) -> &str {
        self.addresses[0].split_once("://").unwrap().1
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.place()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Waits for the end, which is told as `drained` and by the exit code. The summary is one for
    /// all workers, and the last record.
    fn end(self, drained: bool) -> Value {
        let summary = self.until(|record| record["event"] == "summary");
        assert_eq!(summary["drained"], drained, "{summary}");
        assert_eq!(self.stdout.next_or_end(), None);
        self.process.finish().assert(i32::from(!drained), "");
        summary
    }
}

fn kill(pid: u32) {
    kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
}

/// Whether it is still served.
fn is_served(stream: &mut TcpStream) -> bool {
    let mut echo = [0];
    match stream.write_all(b"x").and_then(|()| stream.read(&mut echo)) {
        Ok(len) => len == 1,
        Err(error) => {
            let kinds = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
            assert!(kinds.contains(&error.kind()), "{error}");
            false
        }
    }
}

fn get(place: &str, target: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(place)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Host and port of an address such as `http://127.0.0.1:1/`.
fn place(address: &Value) -> String {
    let address = address.as_str().unwrap();
    address.split_once("://").unwrap().1.trim_end_matches('/').to_owned()
}

/// Connects all the time, and tells at the end what failed.
struct Load {
    is_over: Arc<AtomicBool>,
    served: Arc<AtomicU32>,
    client: JoinHandle<Result<(), String>>,
}

impl Load {
    fn on(place: &str) -> Self {
        Self::of(place, |place| {
            let mut stream = TcpStream::connect(place).map_err(|error| error.to_string())?;
            is_served(&mut stream)
                .then_some(())
                .ok_or_else(|| "a connection was cut off".to_owned())
        })
    }

    /// Asks for `target` over HTTP all the time, each time by a new connection.
    fn getting(place: &str, target: &'static str) -> Self {
        Self::of(place, move |place| match get(place, target) {
            Ok(answer) if answer.starts_with("HTTP/1.1 200 OK\r\n") => Ok(()),
            Ok(answer) => Err(answer),
            Err(error) => Err(error.to_string()),
        })
    }

    fn of(place: &str, ask: impl Fn(&str) -> Result<(), String> + Send + 'static) -> Self {
        let (is_over, served) = (Arc::<AtomicBool>::default(), Arc::<AtomicU32>::default());
        let (place, stop, count) = (place.to_owned(), Arc::clone(&is_over), Arc::clone(&served));
        let client = thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                ask(&place)?;
                count.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        });
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

    #[track_caller]
    fn end(self) {
        self.is_over.store(true, Ordering::Relaxed);
        assert_eq!(self.client.join().unwrap(), Ok(()));
    }
}

#[test]
fn a_signal_drains_all_workers() {
    for runtime in RUNTIMES {
        for signal in [Signal::TERM, Signal::INT] {
            let supervisor = Supervisor::start(
                &["tcp://127.0.0.1:0"],
                &["--runtime", runtime, "--workers", "2"],
            );
            let pids = [supervisor.worker("ready"), supervisor.worker("ready")];
            assert_ne!(pids[0], pids[1]);
            let mut streams: Vec<_> = (0..8).map(|_| supervisor.connect()).collect();
            assert!(streams.iter_mut().all(is_served));
            supervisor.process.signal(signal);
            let begin = Instant::now();
            while TcpStream::connect(supervisor.place()).is_ok() {
                assert!(begin.elapsed() < PATIENCE, "connections are still accepted");
            }
            assert!(streams.iter_mut().all(is_served));
            drop(streams);
            let summary = supervisor.end(true);
            assert!(summary["accepted"].as_u64() >= Some(8), "{summary}");
            assert!(summary["received"].as_u64() >= Some(16), "{summary}");
            assert_eq!(summary["active"], 0);
        }
    }
}

#[test]
fn workers_that_do_not_end_are_ended_by_force() {
    for runtime in RUNTIMES {
        // By the deadline, or by a second signal.
        for (timeout, signals) in
            [("0.05", &[Signal::TERM][..]), ("none", &[Signal::TERM, Signal::INT])]
        {
            let arguments = ["--runtime", runtime, "--workers", "1", "--drain-timeout", timeout];
            let supervisor = Supervisor::start(&["tcp://127.0.0.1:0"], &arguments);
            supervisor.worker("ready");
            let mut stream = supervisor.connect();
            assert!(is_served(&mut stream));
            signals.iter().for_each(|signal| supervisor.process.signal(*signal));
            assert_eq!(supervisor.end(false)["closed"]["stopped"], 1);
        }
    }
}

#[test]
fn a_worker_that_is_killed_takes_its_own_connections_only() {
    for runtime in RUNTIMES {
        let arguments = ["--runtime", runtime, "--workers", "2"];
        let supervisor = Supervisor::start(&["tcp://127.0.0.1:0"], &arguments);
        let pids = [supervisor.worker("ready"), supervisor.worker("ready")];
        let load = Load::on(supervisor.place());
        let mut streams: Vec<_> = (0..32).map(|_| supervisor.connect()).collect();
        assert!(streams.iter_mut().all(is_served));
        load.await_served(10);
        // The load may lose the connection that it has: that is the worker's own.
        load.is_over.store(true, Ordering::Relaxed);
        let _ = load.client.join().unwrap();
        kill(pids[0]);
        let exited = supervisor.until(|record| record["state"] == "exited");
        assert_eq!(exited["code"], Value::Null);
        assert_eq!(exited["pid"], pids[0]);
        let again = supervisor.worker("ready");
        assert!(!pids.contains(&again));
        // Those of the other are served on; all of them are gone when that one is.
        streams.retain_mut(is_served);
        let load = Load::on(supervisor.place());
        load.await_served(10);
        assert!(streams.iter_mut().all(is_served));
        load.end();
        kill(pids[1]);
        assert_eq!(supervisor.worker("exited"), pids[1]);
        assert!(!streams.iter_mut().any(is_served));
        supervisor.worker("ready");
        supervisor.process.signal(Signal::TERM);
        supervisor.end(true);
    }
}

#[test]
fn a_hang_up_exchanges_the_workers_and_refuses_nobody() {
    for runtime in RUNTIMES {
        let folder = Folder::new();
        let (old, new) = (Authority::new("old"), Authority::new("new"));
        let (old_ca, new_ca) =
            (folder.write("old.pem", old.pem()), folder.write("new.pem", new.pem()));
        let (cert, key) = folder.write_identity(old.issue(&["127.0.0.1"]));
        let supervisor = Supervisor::start(
            &["tcp://127.0.0.1:0", "tls://127.0.0.1:0"],
            &["--runtime", runtime, "--workers", "2", "--cert", &cert, "--key", &key],
        );
        let old_pids = [supervisor.worker("ready"), supervisor.worker("ready")];
        let send = |ca: &str| run(["send", "--ca", ca, &supervisor.addresses[1], "hello"], "");
        send(&old_ca).assert(0, "");

        let load = Load::on(supervisor.place());
        let mut stream = supervisor.connect();
        assert!(is_served(&mut stream));
        load.await_served(20);
        folder.write_identity(new.issue(&["127.0.0.1"]));
        supervisor.process.signal(Signal::HUP);
        supervisor.until(|record| record["event"] == "reloaded");
        // A conversation with an old worker goes on.
        assert!(is_served(&mut stream));
        drop(stream);
        for _ in old_pids {
            let exited = supervisor.until(|record| record["state"] == "exited");
            assert_eq!(exited["code"], 0);
            assert!(old_pids.iter().any(|pid| exited["pid"] == *pid));
        }
        // Until they were told, the old might have accepted too.
        send(&new_ca).assert(0, "");
        send(&old_ca).assert(5, "not issued by a trusted authority");

        // A key that does not belong to the certificate: the old stay.
        folder.write("key.pem", old.issue(&["127.0.0.1"]).1);
        supervisor.process.signal(Signal::HUP);
        supervisor.stderr.find("the private key does not belong to the certificate");
        supervisor.stderr.find("new workers cannot start, the old ones stay");
        send(&new_ca).assert(0, "");
        load.await_served(20);
        load.end();
        supervisor.process.signal(Signal::TERM);
        supervisor.end(true);
    }
}

#[test]
fn a_reload_refuses_no_request_and_the_admin_listener_tells_of_all_workers() {
    for runtime in RUNTIMES {
        let supervisor = Supervisor::start(
            &["http://127.0.0.1:0", "tcp://127.0.0.1:0"],
            &[
                "--runtime",
                runtime,
                "--workers",
                "2",
                "--admin",
                "127.0.0.1:0",
                "--drain-pause",
                "none",
            ],
        );
        let admin = place(&supervisor.until(|record| record["event"] == "admin")["address"]);
        let ask = |target: &str| get(&admin, target).unwrap();
        let mut old = [supervisor.worker("ready"), supervisor.worker("ready")];
        let http = place(&supervisor.addresses[0].clone().into());
        let (requests, checks) = (Load::getting(&http, "/"), Load::getting(&admin, "/readyz"));
        for _ in 0..3 {
            requests.await_served(20);
            old = supervisor.exchange(old);
            checks.await_served(20);
        }
        requests.await_served(20);
        let served = requests.served.load(Ordering::Relaxed);
        requests.end();
        checks.end();

        let metrics = ask("/metrics");
        let accepted = metrics.lines().find_map(|line| {
            line.strip_prefix("drywire_connections_accepted_total ")?.parse::<u32>().ok()
        });
        // Those of the admin listener are not counted, those of workers that are gone are.
        assert!((served..=served + 1).contains(&accepted.unwrap()), "{served} {metrics}");
        assert!(ask("/connections").starts_with("HTTP/1.1 501 Not Implemented\r\n"));
        // The pause: not ready, and serving.
        supervisor.process.signal(Signal::TERM);
        let until = |target: &str, wanted: &str| {
            let begin = Instant::now();
            while !ask(target).contains(wanted) {
                assert!(begin.elapsed() < PATIENCE, "{target} without {wanted}");
            }
        };
        until("/readyz", "HTTP/1.1 503 ");
        assert!(ask("/livez").starts_with("HTTP/1.1 200 OK\r\n"));
        assert!(get(&http, "/").unwrap().starts_with("HTTP/1.1 200 OK\r\n"));
        until("/metrics", "\ndrywire_connections_active 0\n");
        supervisor.process.signal(Signal::INT);
        // A supervisor counts what it ends at once as ended by force.
        supervisor.end(false);
    }
}

#[test]
fn workers_that_cannot_start_end_the_supervisor() {
    let folder = Folder::new();
    let (certificate, key) = Authority::new("own").issue(&["localhost"]);
    let cert = folder.write("cert.pem", certificate);
    // The supervisor has what the workers have not: its standard input.
    let arguments = ["--cert", &cert, "--key", "/dev/stdin", "--workers", "2"];
    let serve = ["serve", "--model", "processes", "--listen", "tls://127.0.0.1:0"];
    let finished = run(serve.iter().chain(&arguments), key);
    finished.assert(1, "no worker could start, in 5 attempts each");
    assert!(finished.stderr.contains("cannot read the private key in /dev/stdin"), "{finished:?}");
}

#[test]
fn workers_whose_supervisor_is_killed_drain_and_end() {
    for runtime in RUNTIMES {
        let arguments = ["--runtime", runtime, "--workers", "2"];
        let mut supervisor = Supervisor::start(&["tcp://127.0.0.1:0"], &arguments);
        supervisor.worker("ready");
        supervisor.worker("ready");
        let mut stream = supervisor.connect();
        assert!(is_served(&mut stream));
        supervisor.process.signal(Signal::KILL);
        let begin = Instant::now();
        while TcpStream::connect(supervisor.place()).is_ok() {
            assert!(begin.elapsed() < PATIENCE, "connections are still accepted");
        }
        assert!(is_served(&mut stream));
        drop(stream);
        // The pipe ends when nobody is left.
        while supervisor.stdout.next_or_end().is_some() {}
        supervisor.process.stdin.take();
    }
}

#[test]
fn workers_share_the_development_certificate() {
    let folder = Folder::new();
    let ca = folder.file("dev.pem");
    let arguments = ["--workers", "2", "--dev-cert", &ca];
    let supervisor = Supervisor::start(&["tls://127.0.0.1:0"], &arguments);
    let pids = [supervisor.worker("ready"), supervisor.worker("ready")];
    let send = || run(["send", "--ca", &ca, &supervisor.addresses[0], "hello"], "");
    (0..4).for_each(|_| send().assert(0, ""));
    // Those that come later have it too.
    pids.into_iter().for_each(kill);
    supervisor.worker("ready");
    supervisor.worker("ready");
    (0..2).for_each(|_| send().assert(0, ""));
    supervisor.process.signal(Signal::TERM);
    supervisor.end(true);
}

#[test]
fn datagrams_are_served_and_none_is_lost_by_a_reload() {
    for runtime in RUNTIMES {
        let folder = Folder::new();
        let unix = format!("unixgram:{}", folder.file("s"));
        let supervisor = Supervisor::start(
            &["udp://127.0.0.1:0", &unix, "udp://[::]:0"],
            &["--runtime", runtime, "--workers", "2", "--admin", "127.0.0.1:0"],
        );
        let admin = place(&supervisor.until(|record| record["event"] == "admin")["address"]);
        let mut old = [supervisor.worker("ready"), supervisor.worker("ready")];
        for address in &supervisor.addresses {
            let sent = run(["send", &address.replace("[::]", "[::1]"), "hello"], "");
            sent.assert(0, "");
            assert_eq!(sent.text(), "hello");
        }
        // Each time by a source of its own, so that the workers take turns.
        let load = Load::of(supervisor.place(), |place| {
            let echo = || -> io::Result<usize> {
                let source = UdpSocket::bind("127.0.0.1:0")?;
                source.set_read_timeout(Some(PATIENCE))?;
                source.send_to(b"x", place)?;
                source.recv(&mut [0; 9])
            };
            echo().map(drop).map_err(|error| error.to_string())
        });
        for _ in 0..2 {
            load.await_served(50);
            old = supervisor.exchange(old);
        }
        load.await_served(50);
        let served = u64::from(load.served.load(Ordering::Relaxed));
        load.end();
        // Of workers that serve, too, which count what they have answered a little later.
        let begin = Instant::now();
        let is_counted = || {
            let metrics = get(&admin, "/metrics").unwrap();
            let mut lines = metrics.lines();
            let received =
                lines.find_map(|line| line.strip_prefix("drywire_datagrams_received_total "));
            received.unwrap().parse::<u64>().unwrap() >= served + 3
        };
        while !is_counted() {
            assert!(begin.elapsed() < PATIENCE, "fewer than {served} are counted");
        }
        supervisor.process.signal(Signal::TERM);
        // Of all workers that there were, with those of above.
        let received = supervisor.end(true)["datagrams"]["received"].as_u64().unwrap();
        assert!((served + 3..=served + 4).contains(&received), "{received} of {served}");
        assert!(!fs::exists(folder.file("s")).unwrap());
    }
}

#[test]
fn a_unix_datagram_socket_alone_has_one_worker() {
    let folder = Folder::new();
    let address = format!("unixgram:{}", folder.file("s"));
    let supervisor = Supervisor::start(&[&address], &["--workers", "2"]);
    supervisor.worker("ready");
    run(["send", &address, "hello"], "").assert(0, "");
    supervisor.process.signal(Signal::TERM);
    let mut started = 0;
    supervisor.until(|record| {
        started += usize::from(record["state"] == "started" || record["state"] == "ready");
        record["event"] == "worker" && record["state"] == "exited"
    });
    assert_eq!(started, 0, "another worker");
    supervisor.end(true);
}

/// Ctrl-C reaches every process of a terminal's foreground group.
#[test]
fn an_interrupt_of_the_whole_group_drains_all_the_same() {
    for runtime in RUNTIMES {
        let arguments = ["--runtime", runtime, "--workers", "2"];
        let supervisor = Supervisor::start_as(&["tcp://127.0.0.1:0"], &arguments, |command| {
            command.process_group(0);
        });
        supervisor.worker("ready");
        supervisor.worker("ready");
        let mut stream = supervisor.connect();
        assert!(is_served(&mut stream));
        kill_process_group(supervisor.process.pid(), Signal::INT).unwrap();
        let begin = Instant::now();
        while TcpStream::connect(supervisor.place()).is_ok() {
            assert!(begin.elapsed() < PATIENCE, "connections are still accepted");
        }
        assert!(is_served(&mut stream));
        drop(stream);
        supervisor.end(true);
    }
}

/// A new version of the program is put in the place of the old one, and takes over.
#[cfg(target_os = "linux")]
#[test]
fn a_hang_up_starts_the_program_that_is_there_now() {
    let folder = Folder::new();
    let program = folder.file("drywire");
    let install = || {
        let new = folder.file("new");
        // By another process: a child of another test might hold a file that is written here, and
        // what is being written cannot be started.
        let copied = Command::new("cp").args([env!("CARGO_BIN_EXE_drywire"), &new]).status();
        assert!(copied.unwrap().success());
        fs::rename(new, &program).unwrap();
    };
    let program_of = |pid: u32| fs::read_link(format!("/proc/{pid}/exe")).unwrap();
    install();
    let mut command = drywire(["serve", "--json", "--model", "processes", "--workers", "1"]);
    command.args(["--listen", "tcp://127.0.0.1:0"]);
    let supervisor = Supervisor::of(with_program(&command, &program), 1);
    let old = supervisor.worker("ready");
    assert_eq!(program_of(old), Path::new(&program));
    let load = Load::on(supervisor.place());
    load.await_served(10);
    install();
    assert_eq!(program_of(old), Path::new(&format!("{program} (deleted)")));
    supervisor.process.signal(Signal::HUP);
    let new = supervisor.worker("ready");
    assert_eq!(program_of(new), Path::new(&program));
    assert_eq!(supervisor.worker("exited"), old);
    load.await_served(10);
    load.end();
    supervisor.process.signal(Signal::TERM);
    supervisor.end(true);
}

/// The same command by another file.
#[cfg(target_os = "linux")]
fn with_program(command: &Command, program: &str) -> Command {
    let mut other = Command::new(program);
    other.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => other.env(name, value),
            None => other.env_remove(name),
        };
    }
    other
}

#[test]
fn people_are_told_what_happens() {
    let mut command = drywire(["serve", "--model", "processes", "--listen", "tcp://127.0.0.1:0"]);
    // Neither input nor anybody who reads what is for programs.
    command.args(["--workers", "1", "--drain-pause", "0.01"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut process = Process::spawn(&mut command);
    let stderr = Lines::of(process.stderr.take().unwrap());
    let line = stderr.find(" serves");
    assert!(line.starts_with("worker "), "{line}");
    process.signal(Signal::HUP);
    stderr.find("new workers serve, the old ones are drained");
    stderr.find("has ended, exit status: 0");
    process.signal(Signal::TERM);
    stderr.find("serving on for a pause");
    stderr.find("draining");
    stderr.find("drained: 0 accepted");
    process.finish().assert(0, "");
}

#[test]
fn what_means_nothing_is_refused() {
    run(["serve", "--workers", "2"], "").assert(2, "--workers is for --model processes");
    let mut command = drywire(["serve", "--model", "processes"]);
    let process = Process::start(command.env("DRYWIRE_SUPERVISOR", "1"));
    process.finish().assert(8, "the supervisor of this worker is gone");
    // Its parent, and yet no supervisor.
    let parent = std::process::id().to_string();
    let mut command = drywire(["serve", "--model", "processes"]);
    command.env("DRYWIRE_SUPERVISOR", parent).stdin(Stdio::null()).stderr(Stdio::piped());
    let process = Process::spawn(&mut command);
    process.finish().assert(8, "standard input is not that of a supervisor's worker");
}
