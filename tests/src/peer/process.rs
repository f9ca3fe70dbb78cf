use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::PATIENCE;

/// Another program, with its output read as it comes. Dropping it ends the program.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    output: Receiver<(Stream, Vec<u8>)>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// Up to where standard output and standard error have been looked through.
    seen: [usize; 2],
    /// Whether standard output and standard error have ended.
    ended: [bool; 2],
}

#[derive(Clone, Copy, Debug)]
enum Stream {
    Stdout = 0,
    Stderr = 1,
}

impl Process {
    /// Starts `name` with arguments.
    ///
    /// # Panics
    /// If there is no such program.
    #[must_use]
    pub fn start<I>(name: &str, arguments: I) -> Self
    where
        I: IntoIterator<Item: AsRef<std::ffi::OsStr>>,
    {
        let mut command = Command::new(name);
        command.args(arguments).stdin(Stdio::piped());
        Self::spawn(name, command)
    }

    /// Starts a server that is handed the listening socket `listener` as its descriptor 0, so that
    /// nobody has to guess a free port.
    ///
    /// # Panics
    /// If there is no such program.
    #[must_use]
    pub fn serve(name: &str, mut command: Command, listener: TcpListener) -> Self {
        command.stdin(OwnedFd::from(listener));
        Self::spawn(name, command)
    }

    fn spawn(name: &str, mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| {
            panic!("the tests with the feature interop need the program {name}: {error}")
        });
        let (sender, output) = channel();
        let watch = |stream, mut from: Box<dyn Read + Send>| {
            let sender = sender.clone();
            thread::spawn(move || {
                let mut bytes = vec![0; 64 * 1024];
                loop {
                    // An empty part is the end.
                    let len = from.read(&mut bytes).unwrap_or(0);
                    if sender.send((stream, bytes[..len].to_vec())).is_err() || len == 0 {
                        return;
                    }
                }
            });
        };
        watch(Stream::Stdout, Box::new(child.stdout.take().expect("piped")));
        watch(Stream::Stderr, Box::new(child.stderr.take().expect("piped")));
        Self {
            name: name.to_owned(),
            stdin: child.stdin.take(),
            child,
            output,
            stdout: Vec::new(),
            stderr: Vec::new(),
            seen: [0; 2],
            ended: [false; 2],
        }
    }

    /// Writes to its standard input.
    ///
    /// # Panics
    /// If the program does not take it.
    pub fn write(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().expect("standard input is open");
        stdin
            .write_all(bytes)
            .unwrap_or_else(|error| panic!("{} does not read: {error}", self.name));
        stdin.flush().expect("there is no buffer");
    }

    /// Writes to its standard input on another thread, then ends that.
    pub fn write_in_background(&mut self, bytes: Vec<u8>) {
        if let Some(mut stdin) = self.stdin.take() {
            // A program that does not read on shows in what it prints.
            thread::spawn(move || stdin.write_all(&bytes));
        }
    }

    /// The number by which the system knows it.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, so that it ends its own processes too.
    pub fn terminate(&self) {
        // A number of a child that has not been waited for is not given to another process.
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(id) = id {
            let _ = kill_process(id, Signal::TERM);
        }
    }

    /// Ends its standard input.
    pub fn end_input(&mut self) {
        self.stdin = None;
    }

    /// Waits until its standard output has this many bytes, or has ended, and returns what there is.
    ///
    /// # Panics
    /// If neither happens.
    pub fn stdout(&mut self, len: usize) -> &[u8] {
        self.until(|process| process.stdout.len() >= len || process.ended[0]);
        &self.stdout
    }

    /// Waits until `text` has come on either output, behind what was waited for there before, and
    /// returns what follows it in its line.
    ///
    /// # Panics
    /// If it does not come.
    pub fn expect(&mut self, text: &str) -> String {
        self.until(|process| process.find(text).is_some() || process.ended == [true; 2]);
        let Some((at, end, rest)) = self.find(text) else {
            panic!("{self} ended without {text:?}");
        };
        self.seen[at] = end;
        rest
    }

    /// Which output has `text`, where its line ends, and what follows it there.
    fn find(&self, text: &str) -> Option<(usize, usize, String)> {
        [&self.stdout, &self.stderr].into_iter().enumerate().find_map(|(at, bytes)| {
            let from = self.seen[at];
            let start =
                bytes[from..].windows(text.len()).position(|part| part == text.as_bytes())?;
            let rest = &bytes[from + start + text.len()..];
            // A line that is not whole may still grow.
            let len = rest.iter().position(|byte| *byte == b'\n')?;
            let line = String::from_utf8_lossy(&rest[..len]).trim_end().to_owned();
            Some((at, from + start + text.len() + len + 1, line))
        })
    }

    /// Waits until `bytes` have come on its standard output.
    ///
    /// # Panics
    /// If they do not come.
    pub fn expect_bytes(&mut self, bytes: &[u8]) {
        let has = |process: &Self| process.stdout.windows(bytes.len()).any(|part| part == bytes);
        self.until(|process| has(process) || process.ended[0]);
        assert!(has(self), "{self} ended without {}", bytes.escape_ascii());
    }

    /// Waits until it ends, and returns what it printed to standard output.
    ///
    /// # Panics
    /// If it does not end, or not with success.
    #[must_use]
    pub fn succeed(mut self) -> Vec<u8> {
        let status = self.exit();
        assert!(status.success(), "{status}: {self}");
        std::mem::take(&mut self.stdout)
    }

    /// Waits until it ends, and returns how.
    ///
    /// # Panics
    /// If it does not end.
    pub fn wait(&mut self) -> ExitStatus {
        self.exit()
    }

    /// Waits until it ends, and returns how and everything that it printed.
    ///
    /// # Panics
    /// If it does not end.
    #[must_use]
    pub fn finish(mut self) -> (ExitStatus, String) {
        let status = self.exit();
        let texts = [&self.stdout, &self.stderr].map(|text| String::from_utf8_lossy(text));
        (status, texts.join("\n"))
    }

    fn exit(&mut self) -> ExitStatus {
        self.end_input();
        self.until(|process| process.ended == [true; 2]);
        // Its outputs end when it does.
        self.child.wait().expect("the program ends")
    }

    fn until(&mut self, mut done: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + PROCESS_PATIENCE;
        while !done(self) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok((stream, bytes)) if bytes.is_empty() => self.ended[stream as usize] = true,
                Ok((Stream::Stdout, bytes)) => self.stdout.extend(bytes),
                Ok((Stream::Stderr, bytes)) => self.stderr.extend(bytes),
                Err(_) => panic!("{self} does not go on"),
            }
        }
    }
}

/// How long a program may take for one thing.
const PROCESS_PATIENCE: Duration = PATIENCE.saturating_mul(3);

impl Drop for Process {
    fn drop(&mut self) {
        // Fails if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl std::fmt::Display for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |bytes: &[u8]| {
            let from = bytes.len().saturating_sub(4000);
            String::from_utf8_lossy(&bytes[from..]).into_owned()
        };
        let (stdout, stderr) = (shown(&self.stdout), shown(&self.stderr));
        write!(f, "{}\n-- standard output\n{stdout}\n-- standard error\n{stderr}\n--", self.name)
    }
}

/// Runs a script of Python.
#[must_use]
pub fn python(script: &str, arguments: &[&str]) -> Process {
    Process::start("python3", ["-u", "-c", script].iter().chain(arguments))
}
