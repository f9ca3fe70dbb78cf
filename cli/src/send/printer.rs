use std::io::Write;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::exit::Stop;
use crate::output::Output;

/// Bytes that may wait to be printed. Beyond, receiving waits.
const WAITING_LEN_MAX: usize = 256 * 1024;

/// What stands between receiving and standard output: small frames are written many at once, and
/// none waits for the next.
#[derive(Default)]
pub(super) struct Printer {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Nothing more will come.
    ended: bool,
    /// Nothing more will be written.
    failed: bool,
}

impl Printer {
    /// Takes all of `bytes` and leaves it empty, when there is room. False once printing has
    /// failed.
    pub(super) fn push(&self, bytes: &mut Vec<u8>) -> bool {
        let mut waiting =
            self.wait(|waiting| !waiting.failed && waiting.bytes.len() >= WAITING_LEN_MAX);
        if waiting.bytes.is_empty() {
            std::mem::swap(&mut waiting.bytes, bytes);
        } else {
            waiting.bytes.append(bytes);
        }
        bytes.clear();
        self.changed.notify_all();
        !waiting.failed
    }

    /// Lets [`run`](Self::run) return when everything is written.
    pub(super) fn end(&self) {
        self.waiting().ended = true;
        self.changed.notify_all();
    }

    /// Writes what is pushed to standard output, until the end.
    pub(super) fn run(&self) -> Result<(), Stop> {
        let mut data = Output::data();
        let mut bytes = Vec::new();
        let mut last = None;
        loop {
            let mut waiting = self.wait(|waiting| !waiting.ended && waiting.bytes.is_empty());
            if waiting.bytes.is_empty() {
                return Output::end_line(last);
            }
            std::mem::swap(&mut waiting.bytes, &mut bytes);
            drop(waiting);
            self.changed.notify_all();
            if let Err(error) = data.write_all(&bytes).and_then(|()| data.flush()) {
                self.waiting().failed = true;
                self.changed.notify_all();
                return Err(Stop::output(&error));
            }
            last = bytes.last().copied().or(last);
            bytes.clear();
        }
    }

    fn wait(&self, must_wait: impl Fn(&Waiting) -> bool) -> MutexGuard<'_, Waiting> {
        self.changed
            .wait_while(self.waiting(), |waiting| must_wait(waiting))
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
