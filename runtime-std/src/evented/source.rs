use std::io;
use std::os::fd::{AsFd, AsRawFd};

use mio::event::Source as _;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};

/// A descriptor that a loop waits for. It must be deregistered before it is closed if there are
/// others for the same open file.
pub(super) struct Source<'a, T>(pub(super) &'a T);

impl<T: AsFd> Source<'_, T> {
    pub(super) fn register(
        &self,
        registry: &Registry,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        SourceFd(&self.0.as_fd().as_raw_fd()).register(registry, token, interest)
    }

    pub(super) fn reregister(
        &self,
        registry: &Registry,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        SourceFd(&self.0.as_fd().as_raw_fd()).reregister(registry, token, interest)
    }

    pub(super) fn deregister(&self, registry: &Registry) {
        // What is not registered is told of no more.
        let _ = SourceFd(&self.0.as_fd().as_raw_fd()).deregister(registry);
    }
}
