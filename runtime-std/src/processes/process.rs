use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;

use drywire::supervisor::WorkerId;
use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, getpid, waitid};

use super::handle::{Control, News};
use super::handover::READY;
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
        let mut process = Self { worker, child, control: Some(control), line: Vec::new() };
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

    /// Reads what it tells. Returns whether it says that it serves.
    pub(super) fn hear(&mut self) -> bool {
        let mut is_ready = false;
        let mut bytes = [0; 64];
        while let Some(control) = &mut self.control {
            match control.read(&mut bytes) {
                Ok(0) => self.control = None,
                Ok(len) => is_ready |= self.scan(bytes.get(..len).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.control = None,
            }
        }
        is_ready
    }

    fn scan(&mut self, bytes: &[u8]) -> bool {
        let mut is_ready = false;
        for byte in bytes {
            match byte {
                b'\n' => {
                    is_ready |= self.line == READY.as_bytes();
                    self.line.clear();
                }
                // What is longer is nothing that we know.
                byte if self.line.len() <= READY.len() => self.line.push(*byte),
                _ => {}
            }
        }
        is_ready
    }
}

/// Waits until the process is a zombie, and leaves it one.
fn await_exit(pid: Pid) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while waitid(WaitId::Pid(pid), options).is_err_and(|error| error == Errno::INTR) {}
}
