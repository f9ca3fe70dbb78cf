use core::time::Duration;

use super::error::DatagramSendError;
use super::queue::Queue;
use super::statistics::{DatagramStatistics, Dropped};
use crate::time::Instant;

/// What an application may ask of an endpoint, usable while a datagram is borrowed from it.
///
/// Any command is legal at any time; one that no longer means anything does nothing.
#[derive(Debug)]
pub struct DatagramHandle<'a, A> {
    outbox: &'a mut Outbox<A>,
    /// Whether a datagram is being shown and not declined yet.
    is_shown: bool,
}

/// What a handle reaches of an endpoint: everything but the datagrams that have come.
#[derive(Debug)]
pub(super) struct Outbox<A> {
    pub(super) queue: Queue<A>,
    pub(super) datagram_len_max: usize,
    pub(super) flush_timeout: Duration,
    /// The latest time seen.
    pub(super) now: Instant,
    /// The application's; once closing, when to stop waiting for the socket.
    pub(super) timer: Option<Instant>,
    pub(super) timer_fired: bool,
    pub(super) state: State,
    /// A send was refused for want of room.
    pub(super) wants_room: bool,
    pub(super) local: Option<A>,
    pub(super) statistics: DatagramStatistics,
}

/// ```text
/// Open ──close──► Closing ─nothing queued, time─► Over ──step──► Told
///   └─────abort─────┴─────────────────────────────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Open,
    /// What is queued is still sent.
    Closing,
    Over,
    /// The application knows.
    Told,
}

impl<A> Outbox<A> {
    pub(super) fn send(&mut self, to: A, bytes: &[u8]) -> Result<(), DatagramSendError> {
        let (len, max) = (bytes.len(), self.datagram_len_max);
        if self.state != State::Open {
            Err(DatagramSendError::Closed)
        } else if len > max {
            Err(DatagramSendError::TooLong { len, max })
        } else if !self.queue.has_room(len) {
            self.wants_room = true;
            Err(DatagramSendError::Full)
        } else {
            self.queue.push(to, bytes);
            self.statistics.queued();
            Ok(())
        }
    }

    pub(super) fn close(&mut self) {
        if self.state == State::Open {
            self.state = State::Closing;
            self.timer = Some((self.now + self.flush_timeout).max(self.now.next()));
            self.timer_fired = false;
        }
        self.settle();
    }

    pub(super) fn abort(&mut self) {
        self.statistics.discarded(self.queue.count());
        self.queue.clear();
        self.close();
    }

    /// Ends a closing endpoint that has sent everything.
    pub(super) fn settle(&mut self) {
        if self.state == State::Closing && self.queue.is_empty() {
            self.state = State::Over;
            self.timer = None;
        }
    }

    pub(super) fn handle_timeout(&mut self) {
        if self.timer.is_some_and(|at| at <= self.now && at < Instant::MAX) {
            self.timer = None;
            match self.state {
                State::Open => self.timer_fired = true,
                State::Closing => self.abort(),
                State::Over | State::Told => {}
            }
        }
    }

    pub(super) fn set_timer(&mut self, at: Option<Instant>) {
        if self.state == State::Open {
            self.timer = at.map(|at| at.max(self.now.next()));
            self.timer_fired = false;
        }
    }
}

impl<'a, A> DatagramHandle<'a, A> {
    pub(super) const fn new(outbox: &'a mut Outbox<A>, is_shown: bool) -> Self {
        Self { outbox, is_shown }
    }

    /// Queues a datagram.
    ///
    /// # Errors
    /// [`DatagramSendError`]; after [`Full`](DatagramSendError::Full) a
    /// [`Writable`](super::DatagramStep::Writable) step follows when there is room for any datagram.
    /// # Bounds
    /// While a datagram is being shown, one of any length that the limit allows is taken.
    pub fn send(&mut self, to: A, bytes: &[u8]) -> Result<(), DatagramSendError> {
        self.outbox.send(to, bytes)
    }

    /// Counts the datagram that is being shown as dropped, for this reason. Only the first one
    /// counts.
    pub fn decline(&mut self, reason: Dropped) {
        if self.is_shown {
            self.is_shown = false;
            self.outbox.statistics.declined(reason);
        }
    }

    /// Closes: no datagram is taken any more, what is queued is transmitted. Closing twice is once.
    pub fn close(&mut self) {
        self.outbox.close();
    }

    /// Ends the endpoint at once; what is queued is discarded.
    pub fn abort(&mut self) {
        self.outbox.abort();
    }

    /// Sets the application's one timer, or clears it. Due is a
    /// [`Timer`](super::DatagramStep::Timer) step; an instant that is not later than the latest time
    /// seen is due 1 ns after it.
    pub fn set_timer(&mut self, at: Option<Instant>) {
        self.outbox.set_timer(at);
    }

    /// The endpoint's own address, if it was told.
    #[must_use]
    pub const fn local(&self) -> Option<&A> {
        self.outbox.local.as_ref()
    }

    /// The latest time that the endpoint has been told.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.outbox.now
    }
}
