use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::signal::Bell;

/// What tells the thread that accepts of connections that have ended, when it waits for that.
#[derive(Debug)]
pub(super) struct Closes {
    bell: Bell,
    is_awaited: AtomicBool,
}

impl Closes {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { bell: Bell::new()?, is_awaited: AtomicBool::new(false) })
    }

    /// Whether the thread waits for connections to end. It must look at the ledger afterwards: who
    /// was counted out before that need not tell.
    pub(super) fn await_them(&self, is_awaited: bool) {
        self.is_awaited.store(is_awaited, Ordering::SeqCst);
    }

    /// A connection has ended and was counted out.
    pub(super) fn tell(&self) {
        if self.is_awaited.load(Ordering::SeqCst) {
            self.bell.ring();
        }
    }

    pub(super) fn heard(&self) {
        self.bell.silence();
    }
}

/// Readable when a connection that was awaited has ended.
impl AsFd for Closes {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags};

    use super::*;
    use crate::wait::{is_readable, wait};

    #[test]
    fn only_what_is_awaited_is_told() {
        let closes = Closes::new().unwrap();
        for is_awaited in [false, true, false, true] {
            closes.await_them(is_awaited);
            closes.tell();
            let mut fds = [PollFd::new(&closes, PollFlags::IN)];
            wait(&mut fds, Some(Duration::ZERO)).unwrap();
            assert_eq!(is_readable(&fds[0]), is_awaited);
            closes.heard();
        }
    }
}
