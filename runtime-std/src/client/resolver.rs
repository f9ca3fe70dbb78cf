//! The system's resolver in a thread of its own, because it can neither be waited for in poll nor
//! be stopped.

use std::io;
use std::net::ToSocketAddrs;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::Builder;

use super::Resolved;
use crate::signal::Bell;

/// A question to the system's resolver. Dropping it leaves the thread to end by itself.
pub(super) struct Resolver {
    answer: Receiver<Resolved>,
    answered: Arc<Bell>,
}

impl Resolver {
    /// Asks for the addresses of `name`, each with `port`.
    pub(super) fn ask(name: String, port: u16) -> io::Result<Self> {
        let (sender, answer) = channel();
        let answered = Arc::new(Bell::new()?);
        let bell = Arc::clone(&answered);
        Builder::new().name("drywire-resolver".into()).spawn(move || {
            let resolved = (name.as_str(), port).to_socket_addrs().map(Iterator::collect);
            // Nobody may be interested any more.
            let _ = sender.send(resolved);
            bell.ring();
        })?;
        Ok(Self { answer, answered })
    }

    /// The answer, once it is there; only once.
    pub(super) fn answer(&self) -> Option<Resolved> {
        self.answer.try_recv().ok()
    }
}

/// Readable when the answer is there.
impl AsFd for Resolver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.answered.as_fd()
    }
}
