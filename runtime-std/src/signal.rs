//! What wakes threads that wait in poll: a signal that stays raised, and a bell that can be rung
//! again.

use std::io::{self, Read, Write};
use std::mem;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Something that is raised once and stays raised. However many threads wait for it, it costs one
/// pair of descriptors.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    state: Mutex<State>,
    is_raised: AtomicBool,
}

/// ```text
/// Unarmed ──arm──► Armed ──raise──► Raised
///    └────────────raise──────────────┘
/// ```
#[derive(Debug, Default)]
enum State {
    #[default]
    Unarmed,
    /// Readable is the end of a stream whose other end is gone: this one.
    Armed(#[expect(dead_code, reason = "held to be dropped")] UnixStream),
    Raised,
}

impl Signal {
    pub(crate) fn raise(&self) {
        self.is_raised.store(true, Ordering::Release);
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::Raised;
    }

    /// Whether it was raised, for those who do not wait.
    pub(crate) fn is_raised(&self) -> bool {
        self.is_raised.load(Ordering::Acquire)
    }

    /// A descriptor that is readable for ever once the signal is raised. There is one at a time.
    pub(crate) fn arm(&self) -> io::Result<UnixStream> {
        let (waiting, raising) = UnixStream::pair()?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = match mem::take(&mut *state) {
            State::Unarmed | State::Armed(_) => State::Armed(raising),
            State::Raised => State::Raised,
        };
        Ok(waiting)
    }
}

/// A bell that one thread waits for and others ring; rung more than once is rung.
#[derive(Debug)]
pub(crate) struct Bell {
    waiting: UnixStream,
    ringing: UnixStream,
}

impl Bell {
    pub(crate) fn new() -> io::Result<Self> {
        let (waiting, ringing) = UnixStream::pair()?;
        waiting.set_nonblocking(true)?;
        ringing.set_nonblocking(true)?;
        Ok(Self { waiting, ringing })
    }

    pub(crate) fn ring(&self) {
        // When there is no room, it has been rung.
        let _ = (&self.ringing).write(&[0]);
    }

    /// Takes note that it was rung.
    pub(crate) fn silence(&self) {
        let mut bytes = [0; 64];
        while (&self.waiting).read(&mut bytes).is_ok_and(|len| len == bytes.len()) {}
    }
}

/// Readable when it was rung.
impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.waiting.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use rustix::event::{PollFd, PollFlags};
    use std::time::Duration;

    use super::*;
    use crate::wait::wait;

    fn is_readable(fd: &impl AsFd) -> bool {
        let mut fds = [PollFd::new(fd, PollFlags::IN)];
        wait(&mut fds, Some(Duration::ZERO)).unwrap();
        !fds[0].revents().is_empty()
    }

    #[test]
    fn a_signal_stays_raised_whenever_it_was() {
        let signal = Signal::default();
        let armed = signal.arm().unwrap();
        assert!(!is_readable(&armed) && !signal.is_raised());
        signal.raise();
        assert!(is_readable(&armed) && is_readable(&armed) && signal.is_raised());
        assert!(is_readable(&signal.arm().unwrap()));
    }

    #[test]
    fn a_bell_is_silent_until_it_is_rung_again() {
        let bell = Bell::new().unwrap();
        assert!(!is_readable(&bell));
        for _ in 0..3 {
            // More than fits.
            (0..100_000).for_each(|_| bell.ring());
            assert!(is_readable(&bell));
            bell.silence();
            assert!(!is_readable(&bell));
        }
    }
}
