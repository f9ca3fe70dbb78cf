//! What an application may ask of a connection.

use core::fmt;

use super::link::{Flow, Link};
use super::notes::Note;
use super::state::Input;
use super::tap::record;
use crate::Either;
use crate::error::{Error, SendError};
use crate::framing::Framing;
use crate::time::Instant;

/// The commands of a connection, usable while a frame is borrowed from its receive buffer.
///
/// Any command is legal at any time; one that no longer means anything does nothing.
pub struct Handle<'a, F: Framing> {
    framing: &'a mut F,
    link: &'a mut Link,
}

impl<'a, F: Framing> Handle<'a, F> {
    #[inline]
    pub(super) const fn new(framing: &'a mut F, link: &'a mut Link) -> Self {
        Self { framing, link }
    }

    /// Queues a frame.
    ///
    /// Before the connection is open, and after a failure until its step is over, sending is
    /// possible too.
    ///
    /// # Errors
    /// [`SendError`]; the queue is then unchanged. After [`SendError::Full`] a
    /// [`Step::Writable`](super::Step::Writable) follows when trying again makes sense.
    /// # Bounds
    /// A frame within the framing's limit is taken whenever fewer than
    /// [`transmit_high_water`](crate::Limits::transmit_high_water) bytes are queued.
    #[inline]
    pub fn send(&mut self, item: F::Item<'_>) -> Result<(), SendError> {
        self.link.send(self.framing, item)
    }

    /// Whether [`send`](Self::send) would not be refused by `Full` now.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.link.queued_len() < self.link.high_water()
    }

    /// How many bytes fit in front of high water.
    #[cfg(feature = "http1")]
    pub(crate) fn room(&self) -> usize {
        self.link.high_water().saturating_sub(self.link.queued_len())
    }

    /// Keeps the frame that is being shown: it is yielded again once the queue has fallen to low
    /// water, or, if it is not above, once anything has happened outside. For a frame whose reply
    /// did not fit. Without a frame being shown, pauses the next one likewise. The driver's next
    /// call that tells the time is such a happening, so an application that has nothing to wait
    /// for sets its [timer](Self::set_timer).
    pub fn retain(&mut self) {
        record!(self.link, Retain);
        if self.link.flow == Flow::Open {
            self.link.flow = Flow::Retained;
            self.link.pace_frame_clock();
        }
        self.link.notes.add(Note::Retained);
    }

    /// Whether the frame that is being shown is to be shown again.
    #[must_use]
    pub const fn is_retained(&self) -> bool {
        self.link.notes.has(Note::Retained)
    }

    /// Lets the two directions go on without each other, for good: frames are read and yielded
    /// however much is queued.
    ///
    /// Without it no frame is while the queue is above high water, which is how a peer that asks
    /// and never reads is held back by the answers. An application that sends for reasons of its
    /// own would be held back as well: two peers that both send much while both receive would
    /// wait for each other.
    ///
    /// # Bounds
    /// The same: sends are refused at high water, and input waits up to
    /// [`receive_backlog_max`](crate::Limits::receive_backlog_max).
    pub fn decouple(&mut self) {
        record!(self.link, Decouple);
        self.link.decouple();
    }

    /// Finishes our side: what is queued is transmitted, with TLS a close_notify, then the write
    /// side is shut down. The peer may go on sending.
    pub fn finish(&mut self) {
        record!(self.link, Finish);
        self.link.input(Input::Finish);
    }

    /// Closes: like [`finish`](Self::finish), and what the peer still sends is discarded. Closing
    /// twice is once. Before the connection is open this takes effect when it is.
    pub fn close(&mut self) {
        record!(self.link, Close);
        self.link.input(Input::Close);
    }

    /// Ends the connection at once; what is queued is discarded.
    pub fn abort(&mut self) {
        record!(self.link, Abort);
        self.link.abort();
    }

    /// Ends the connection because of an error that the application found in the peer's frames,
    /// or of its own: `code` is reported in [`Error::Local`]. What is queued is transmitted.
    pub fn fail(&mut self, code: u32) {
        record!(self.link, Fail(code));
        self.link.fail(Error::Local(code));
    }

    /// Sets the application's one timer, or clears it. Due is a
    /// [`Step::Timer`](super::Step::Timer); an instant that is not later than the latest time seen
    /// is due 1 ns after it.
    pub fn set_timer(&mut self, at: Option<Instant>) {
        record!(
            self.link,
            SetTimer(at.map(|at| at.saturating_duration_since(self.link.timers.now)))
        );
        self.link.timers.application =
            at.map_or(Instant::MAX, |at| at.max(self.link.timers.now.next()));
        self.link.notes.remove(Note::TimerFired);
    }

    /// The framing.
    #[must_use]
    pub const fn framing(&self) -> &F {
        self.framing
    }

    /// The latest time that the connection has been told.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.link.timers.now
    }

    /// Changes to another framing, or other options, from the byte after the frame that is being
    /// shown. Bytes that were already read are not lost.
    pub fn upgrade(&mut self, framing: F) {
        record!(self.link, Upgrade);
        self.link.leave(self.framing);
        *self.framing = framing;
        self.link.notes.add(Note::Upgraded);
    }
}

impl<L: Framing, R: Framing> Handle<'_, Either<L, R>> {
    /// The same handle as one of the framing that it is.
    pub fn either(&mut self) -> Either<Handle<'_, L>, Handle<'_, R>> {
        let link = &mut *self.link;
        match self.framing {
            Either::Left(framing) => Either::Left(Handle { framing, link }),
            Either::Right(framing) => Either::Right(Handle { framing, link }),
        }
    }
}

impl<F: Framing> fmt::Debug for Handle<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("state", &self.link.state)
            .field("queued_len", &self.link.queued_len())
            .finish()
    }
}
