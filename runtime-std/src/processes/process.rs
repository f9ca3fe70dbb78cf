use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;

use drywire::datagram::DatagramStatistics;
use drywire::statistics::Statistics;
use drywire::supervisor::WorkerId;
use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, getpid, waitid};

use super::handle::{Control, News};
use super::handover::{LINE_LEN_MAX, READY, REPORT, datagrams_reported, reported};
use super::worker::SUPERVISOR;

/// What the thread that waits for a process needs.
const STACK_LEN: usize = 64 * 1024;

/// A worker's process, which has not been waited for.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) worker: WorkerId,
    child: Child,
    /// None once the worker has closed its end.
    pub(super) control: Option<UnixStream>,
    /// The beginning of a line.
    line: Vec<u8>,
    pub(super) is_ready: bool,
    /// Whether it has been asked to report and has not.
    pub(super) is_asked: bool,
    /// What it reported last.
    pub(super) statistics: Statistics,
    /// The same of datagrams.
    pub(super) datagrams: Option<DatagramStatistics>,
}

impl Process {
    /// Starts `command` with `stdin`, the other end of `control`, as its standard input.
    ///
    /// It is a process group of its own, for what a terminal sends to all of its processes is meant
    /// for the supervisor.
    pub(super) fn start(
        worker: WorkerId,
        mut command: Command,
        control: UnixStream,
        stdin: UnixStream,
        tell: &Arc<Control>,
    ) -> io::Result<Self> {
        let child = command
            .stdin(Stdio::from(OwnedFd::from(stdin)))
            .env(SUPERVISOR, getpid().as_raw_nonzero().to_string())
            .process_group(0)
            .spawn()?;
        let mut process = Self {
            worker,
            child,
            control: Some(control),
            line: Vec::new(),
            is_ready: false,
            is_asked: false,
            statistics: Statistics::new(),
            datagrams: None,
        };
        let (pid, tell) = (process.id(), Arc::clone(tell));
        let watch = move || {
            await_exit(pid);
            tell.tell(News::Exited(worker));
        };
        let watching =
            thread::Builder::new().name("worker".into()).stack_size(STACK_LEN).spawn(watch);
        if let Err(error) = watching {
            process.kill();
            let _ = process.reap();
            return Err(error);
        }
        Ok(process)
    }

    pub(super) fn id(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Orders something. A worker that does not read has its deadline.
    pub(super) fn order(&mut self, order: &str) {
        if let Some(control) = &mut self.control {
            let _ = control.write_all(format!("{order}\n").as_bytes());
        }
    }

    /// Its number is its own until it is reaped, so that nobody else is hit.
    pub(super) fn kill(&mut self) {
        // What cannot be killed has exited.
        let _ = self.child.kill();
    }

    /// Takes note of how it exited; does not wait when the thread has told that it did.
    pub(super) fn reap(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }

    /// Asks for its counts. One that does not serve yet has none.
    pub(super) fn ask(&mut self) {
        if self.is_ready && self.control.is_some() {
            self.is_asked = true;
            self.order(REPORT);
        }
    }

    /// Reads what it tells. Returns whether it says for the first time that it serves.
    pub(super) fn hear(&mut self) -> bool {
        let was_ready = self.is_ready;
        let mut bytes = [0; 512];
        while let Some(control) = &mut self.control {
            match control.read(&mut bytes) {
                Ok(0) => self.control = None,
                Ok(len) => bytes.get(..len).unwrap_or_default().iter().for_each(|byte| {
                    self.scan(*byte);
                }),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.control = None,
            }
        }
        self.is_asked &= self.control.is_some();
        self.is_ready && !was_ready
    }

    fn scan(&mut self, byte: u8) {
        if byte != b'\n' {
            // What is longer is nothing that we know.
            if self.line.len() < LINE_LEN_MAX {
                self.line.push(byte);
            }
            return;
        }
        let line = String::from_utf8_lossy(&self.line);
        if line == READY {
            self.is_ready = true;
        } else if let Some(statistics) = reported(&line) {
            self.statistics = statistics;
            self.is_asked = false;
        } else if let Some(datagrams) = datagrams_reported(&line) {
            self.datagrams = Some(datagrams);
        }
        self.line.clear();
    }
}

/// Waits until the process is a zombie, and leaves it one.
fn await_exit(pid: Pid) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while waitid(WaitId::Pid(pid), options).is_err_and(|error| error == Errno::INTR) {}
}
