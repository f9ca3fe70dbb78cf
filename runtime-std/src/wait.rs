use std::io;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// Waits until one of `fds` is ready or `timeout` has passed; without one for ever. A signal may
/// end it early.
pub(crate) fn wait(fds: &mut [PollFd<'_>], timeout: Option<Duration>) -> io::Result<()> {
    #[cfg(test)]
    tests::WAITS.with(|waits| waits.set(waits.get() + 1));
    // A time that the system cannot say is longer than any that matters.
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    match poll(fds, timeout.as_ref()) {
        Ok(_) => Ok(()),
        Err(Errno::INTR) => {
            fds.iter_mut().for_each(PollFd::clear_revents);
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether the descriptor can be read from, if only to learn that it failed.
pub(crate) fn is_readable(fd: &PollFd<'_>) -> bool {
    fd.revents().intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL)
}

/// Whether the descriptor can be written to, if only to learn that it failed.
pub(crate) fn is_writable(fd: &PollFd<'_>) -> bool {
    fd.revents().intersects(PollFlags::OUT | PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    thread_local! {
        /// How often this thread has waited.
        pub(crate) static WAITS: Cell<usize> = const { Cell::new(0) };
    }
}
