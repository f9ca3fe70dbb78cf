//! The halves of a framed stream. Both do whatever the connection needs while they wait, under one
//! lock that is never held across a wait.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use drywire::CloseReason;
use drywire::framing::{ByteFraming, Framing};
use rustix::event::{PollFd, PollFlags};

use crate::clock::Clock;
use crate::conversation::Conversation;
use crate::error::Error;
use crate::signal::Bell;
use crate::stream::Stream;
use crate::turn::{Readiness, is_busy_with};
use crate::wait::{is_readable, is_writable, wait};

/// The half of a [`Framed`](crate::Framed) stream that sends.
///
/// Dropping it changes nothing for the other half; [`finish`](Self::finish) tells the peer.
pub struct Sender<F: Framing> {
    half: Half<F>,
}

/// The half of a [`Framed`](crate::Framed) stream that receives.
///
/// Dropping it changes nothing for the other half. While it waits it may write what the other half
/// has queued.
pub struct Receiver<F: Framing> {
    half: Half<F>,
    /// The frame that was returned last.
    frame: Vec<u8>,
}

pub(crate) fn split<F: Framing>(
    conversation: Conversation<F>,
    stream: Stream,
    clock: Clock,
) -> io::Result<(Sender<F>, Receiver<F>)> {
    let whole = Arc::new(Whole {
        joint: Mutex::new(Joint { conversation, waiting: [false; 2] }),
        bells: [Bell::new()?, Bell::new()?],
        stream,
        clock,
    });
    let half = |side, whole| Half { whole, side, readiness: Readiness::new() };
    let sender = Sender { half: half(Side::Sender, Arc::clone(&whole)) };
    let mut receiver = Receiver { half: half(Side::Receiver, whole), frame: Vec::new() };
    // What was known of the stream before is forgotten; one read finds out.
    receiver.half.readiness.readable = true;
    Ok((sender, receiver))
}

impl<F: Framing> Sender<F> {
    /// Queues a frame; see [`Framed::send`](crate::Framed::send).
    ///
    /// # Errors
    /// [`Error`]; the frame is then not queued.
    pub fn send(&mut self, item: F::Item<'_>) -> Result<(), Error> {
        let mut joint = self.half.until(|conversation| {
            conversation.connection().is_writable() || conversation.close_reason().is_some()
        })?;
        joint.conversation.send(item)
    }

    /// Writes everything that is queued.
    ///
    /// # Errors
    /// [`Error`].
    pub fn flush(&mut self) -> Result<(), Error> {
        let joint = self.half.until(|conversation| {
            !conversation.connection().wants_write() || conversation.close_reason().is_some()
        })?;
        joint.conversation.is_ended().map(|_| ())
    }

    /// Writes what is queued and finishes our side. The peer may go on sending.
    ///
    /// # Errors
    /// [`Error`].
    pub fn finish(&mut self) -> Result<(), Error> {
        self.half.whole.joint().conversation.connection_mut().finish();
        let joint = self.half.until(|conversation| {
            let interest = conversation.connection().interest();
            !interest.write && !interest.shutdown || conversation.close_reason().is_some()
        })?;
        joint.conversation.is_ended().map(|_| ())
    }

    /// Why the connection is over or about to be, once it is.
    #[must_use]
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.half.whole.joint().conversation.close_reason().cloned()
    }
}

impl<F: Framing> Receiver<F> {
    /// Waits for a frame and shows it to `view`; `None` when the peer has finished.
    ///
    /// The other half waits while `view` runs.
    ///
    /// # Errors
    /// [`Error::Closed`] when there can be no more frames for another reason.
    pub fn recv_with<T>(
        &mut self,
        view: impl FnOnce(F::Frame<'_>) -> T,
    ) -> Result<Option<T>, Error> {
        let mut joint = self.half.until(|conversation| {
            conversation.has_frame() || !matches!(conversation.is_ended(), Ok(false))
        })?;
        if let Some(frame) = joint.conversation.take_frame() {
            return Ok(Some(view(frame)));
        }
        joint.conversation.is_ended().map(|_| None)
    }

    /// Why the connection is over or about to be, once it is.
    #[must_use]
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.half.whole.joint().conversation.close_reason().cloned()
    }
}

impl<F: ByteFraming> Receiver<F> {
    /// Waits for a frame and returns a copy of it; `None` when the peer has finished.
    ///
    /// # Errors
    /// [`Error::Closed`] when there can be no more frames for another reason.
    pub fn recv(&mut self) -> Result<Option<&[u8]>, Error> {
        let mut copy = std::mem::take(&mut self.frame);
        copy.clear();
        let taken = self.recv_with(|frame| copy.extend_from_slice(frame))?;
        self.frame = copy;
        Ok(taken.map(|()| self.frame.as_slice()))
    }
}

/// What the halves share.
struct Whole<F: Framing> {
    joint: Mutex<Joint<F>>,
    /// By side: rung when something has come of the other half's turn.
    bells: [Bell; 2],
    stream: Stream,
    clock: Clock,
}

struct Joint<F: Framing> {
    conversation: Conversation<F>,
    /// By side: whether the half waits, or is about to.
    waiting: [bool; 2],
}

#[derive(Clone, Copy, Debug)]
enum Side {
    Sender = 0,
    Receiver = 1,
}

struct Half<F: Framing> {
    whole: Arc<Whole<F>>,
    side: Side,
    readiness: Readiness,
}

impl<F: Framing> Whole<F> {
    /// No state is left half-changed by a panic: each call to the connection is whole.
    fn joint(&self) -> MutexGuard<'_, Joint<F>> {
        self.joint.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F: Framing> Half<F> {
    /// Turns and waits, until `done`; the lock is then held.
    fn until(
        &mut self,
        mut done: impl FnMut(&mut Conversation<F>) -> bool,
    ) -> Result<MutexGuard<'_, Joint<F>>, Error> {
        let Whole { stream, clock, bells, .. } = &*self.whole;
        let (own, other) = match self.side {
            Side::Sender => (0, 1),
            Side::Receiver => (1, 0),
        };
        loop {
            let mut joint = self.whole.joint();
            joint.waiting[own] = false;
            joint.conversation.has_frame();
            if done(&mut joint.conversation) {
                return Ok(joint);
            }
            let shut_write = || stream.shut_down_write();
            let moved =
                joint.conversation.turn(stream, shut_write, &mut self.readiness, clock.now());
            if moved && joint.waiting[other] {
                bells[other].ring();
            }
            if done(&mut joint.conversation) {
                return Ok(joint);
            }
            let connection = joint.conversation.connection();
            let interest = connection.interest();
            if is_busy_with(interest, self.readiness) {
                continue;
            }
            joint.waiting[own] = true;
            drop(joint);
            let timeout = interest.deadline.and_then(|deadline| clock.until(deadline.at));
            let mut events = PollFlags::empty();
            events.set(PollFlags::IN, interest.read);
            events.set(PollFlags::OUT, interest.write);
            let mut fds = [PollFd::new(&bells[own], PollFlags::IN), PollFd::new(stream, events)];
            // The system reports the end of a stream even to those who ask for nothing.
            let count = if events.is_empty() { 1 } else { 2 };
            wait(&mut fds[..count], timeout).map_err(Error::Io)?;
            if is_readable(&fds[0]) {
                bells[own].silence();
            }
            self.readiness.readable |= is_readable(&fds[1]);
            self.readiness.writable |= is_writable(&fds[1]);
        }
    }
}

impl<F: Framing> fmt::Debug for Sender<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

impl<F: Framing> fmt::Debug for Receiver<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}
