//! Processes of the command. Every wait ends: whoever is late is ended by its id.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The command, with none of the caller's settings that it heeds.
pub(crate) fn drywire<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drywire"));
    command.args(arguments);
    for name in ["SSLKEYLOGFILE", "LISTEN_FDS", "LISTEN_PID", "NOTIFY_SOCKET"] {
        command.env_remove(name);
    }
    // What decides about colours. Under CI even a dumb terminal is given them.
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI"] {
        command.env_remove(name);
    }
    command
}

/// What a process has left.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Finished {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    /// The lines of standard output, as JSON.
    pub(crate) fn records(&self) -> Vec<serde_json::Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Standard error is one line of JSON.
    pub(crate) fn error(&self) -> serde_json::Value {
        serde_json::from_str(self.stderr.trim_end()).unwrap()
    }

    #[track_caller]
    pub(crate) fn assert(&self, code: i32, stderr_part: &str) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.stderr.contains(stderr_part), "{self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
    }
}

/// Runs `drywire` to its end with `input` on standard input.
pub(crate) fn run<S: AsRef<OsStr>>(
    arguments: impl IntoIterator<Item = S>,
    input: impl Into<Vec<u8>>,
) -> Finished {
    let mut process = Process::start(&mut drywire(arguments));
    let mut stdin = process.stdin.take().unwrap();
    let input = input.into();
    // Not all of the input need be read.
    let writer = thread::spawn(move || drop(stdin.write_all(&input)));
    let finished = process.finish();
    writer.join().unwrap();
    finished
}

/// A process that goes on.
#[derive(Debug)]
pub(crate) struct Process {
    child: Option<Child>,
    pub(crate) stdin: Option<ChildStdin>,
    pub(crate) stdout: Option<ChildStdout>,
    pub(crate) stderr: Option<ChildStderr>,
}

impl Process {
    /// Starts `command` with pipes.
    pub(crate) fn start(command: &mut Command) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self::spawn(piped)
    }

    /// Starts `command` as it is.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        Self { child: Some(child), stdin, stdout, stderr }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(self.child.as_ref().unwrap())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits until `len` bytes more are on standard output.
    pub(crate) fn read(&mut self, len: usize) -> Vec<u8> {
        let mut stdout = self.stdout.take().unwrap();
        let (sender, read) = channel();
        thread::spawn(move || {
            let mut bytes = vec![0; len];
            let outcome = stdout.read_exact(&mut bytes).map(|()| bytes);
            sender.send((outcome, stdout))
        });
        // Whoever does not get them panics, which ends the process.
        let (outcome, stdout) = read.recv_timeout(PATIENCE).expect("bytes in time");
        self.stdout = Some(stdout);
        outcome.unwrap()
    }

    /// Waits for the end. Standard input is left open, if it is not taken.
    pub(crate) fn finish(mut self) -> Finished {
        let stdin = self.stdin.take();
        let stdout = self.stdout.take().map(read_all);
        let stderr = self.stderr.take().map(read_all);
        let mut child = self.child.take().unwrap();
        let pid = Pid::from_child(&child);
        let (sender, status) = channel();
        thread::spawn(move || sender.send(child.wait()));
        let status = status.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            let _ = kill_process(pid, Signal::KILL);
            panic!("the process {pid:?} did not end");
        });
        drop(stdin);
        let read = |reader: Option<Receiver<Vec<u8>>>| {
            reader.map(|bytes| bytes.recv_timeout(PATIENCE).unwrap()).unwrap_or_default()
        };
        let stderr = String::from_utf8(read(stderr)).unwrap();
        Finished { code: status.unwrap().code(), stdout: read(stdout), stderr }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn read_all(mut reader: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = reader.read_to_end(&mut bytes);
        sender.send(bytes)
    });
    receiver
}

/// The lines of a stream, as they come.
pub(crate) struct Lines(Receiver<String>);

impl Lines {
    pub(crate) fn of(reader: impl Read + Send + 'static) -> Self {
        let (sender, receiver) = channel();
        thread::spawn(move || {
            for line in BufReader::new(reader).lines() {
                if sender.send(line.unwrap()).is_err() {
                    break;
                }
            }
        });
        Self(receiver)
    }

    pub(crate) fn next(&self) -> String {
        self.0.recv_timeout(PATIENCE).expect("a line in time")
    }

    /// The next line, or none if there will be no more.
    pub(crate) fn next_or_end(&self) -> Option<String> {
        match self.0.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("neither a line nor the end in time"),
        }
    }

    /// The next line with `part` in it.
    pub(crate) fn find(&self, part: &str) -> String {
        loop {
            let line = self.next();
            if line.contains(part) {
                return line;
            }
        }
    }
}

/// `drywire serve` that is listening.
pub(crate) struct Server {
    pub(crate) process: Process,
    /// Where, in the order of the command line.
    pub(crate) addresses: Vec<String>,
    pub(crate) stderr: Lines,
}

impl Server {
    /// Listens on `addresses` with further `arguments`.
    pub(crate) fn start<S: AsRef<OsStr>>(
        addresses: &[&str],
        arguments: impl IntoIterator<Item = S>,
    ) -> Self {
        let listen = addresses.iter().flat_map(|address| ["--listen", address]);
        let mut process = Process::start(drywire(["serve"]).args(listen).args(arguments));
        let stdout = Lines::of(process.stdout.take().unwrap());
        let stderr = Lines::of(process.stderr.take().unwrap());
        let listening = |_: &&str| stdout.next().strip_prefix("listening ").unwrap().to_owned();
        let addresses = addresses.iter().map(listening).collect();
        Self { process, addresses, stderr }
    }

    /// The same with `--json`.
    pub(crate) fn start_json<S: AsRef<OsStr>>(
        addresses: &[&str],
        arguments: impl IntoIterator<Item = S>,
    ) -> Self {
        let listen = addresses.iter().flat_map(|address| ["--listen", address]);
        let mut process = Process::start(drywire(["serve", "--json"]).args(listen).args(arguments));
        let stdout = Lines::of(process.stdout.take().unwrap());
        let stderr = Lines::of(process.stderr.take().unwrap());
        let listening = |_: &&str| {
            let line: serde_json::Value = serde_json::from_str(&stdout.next()).unwrap();
            line["address"].as_str().unwrap().to_owned()
        };
        let addresses = addresses.iter().map(listening).collect();
        Self { process, addresses, stderr }
    }

    pub(crate) fn address(&self) -> &str {
        &self.addresses[0]
    }

    /// Host and port of the first address.
    pub(crate) fn place(&self) -> &str {
        self.address().split_once("://").unwrap().1
    }

    /// Ends it in order.
    pub(crate) fn end(self) -> Finished {
        self.process.signal(Signal::TERM);
        self.process.finish()
    }
}

/// A folder of a test's own, which goes when the test does.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        // Short, for the names of Unix sockets are.
        let path = std::env::temp_dir().join(format!("drywire-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        fs::write(self.0.join(name), bytes).unwrap();
        self.file(name)
    }

    /// Writes a certificate and its key, in place of those before; returns where they are.
    pub(crate) fn write_identity(&self, (certificate, key): (String, String)) -> (String, String) {
        (self.write("cert.pem", certificate), self.write("key.pem", key))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all::<&Path>(&self.0);
    }
}
