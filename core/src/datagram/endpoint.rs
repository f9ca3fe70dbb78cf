use core::mem::size_of;

use super::DatagramAddress;
use super::error::{DatagramSendError, TransmittedTooMany};
use super::handle::{DatagramHandle, Outbox, State};
use super::limits::{DatagramLimits, Overflow};
use super::queue::{Bounds, Queue};
use super::source::Sources;
use super::statistics::{DatagramStatistics, Dropped};
use crate::error::Fault;
use crate::time::Instant;

/// One datagram endpoint, UDP or Unix, as a state machine; see the [module](super).
#[derive(Debug)]
pub struct DatagramEndpoint<A> {
    inbox: Queue<A>,
    overflow: Overflow,
    sources: Option<Sources>,
    outbox: Outbox<A>,
    /// The latest fault that the application has not been told.
    fault: Option<(Option<A>, Fault)>,
    is_announced: bool,
    memory_len_max: usize,
}

/// What happened, in order.
#[derive(Debug)]
#[non_exhaustive]
pub enum DatagramStep<'a, A> {
    /// The endpoint is there. First, once.
    Open(DatagramHandle<'a, A>),
    /// A datagram has come. It is gone with the following step.
    Datagram {
        /// Who sent it.
        from: A,
        /// What it carries, possibly nothing.
        bytes: &'a [u8],
        /// What can be done.
        handle: DatagramHandle<'a, A>,
    },
    /// The socket reported a fault, which ends nothing. Of several since the last step the latest.
    Fault {
        /// To whom a datagram could not be sent; None where the socket does not say.
        to: Option<A>,
        /// What it reported.
        fault: Fault,
        /// What can be done.
        handle: DatagramHandle<'a, A>,
    },
    /// The timer is due.
    Timer(DatagramHandle<'a, A>),
    /// A send was refused because the queue was full, and now there is room.
    Writable(DatagramHandle<'a, A>),
    /// The endpoint is closed and everything sent. Last, once.
    Closed,
}

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DatagramInterest {
    /// Datagrams: report each with [`DatagramEndpoint::received`].
    pub read: bool,
    /// Room in the socket: there is something to transmit.
    pub write: bool,
    /// When to call [`DatagramEndpoint::handle_timeout`] at the latest.
    pub deadline: Option<Instant>,
}

/// What happened outside.
impl<A: DatagramAddress> DatagramEndpoint<A> {
    /// An endpoint to which nothing has happened.
    #[must_use]
    pub fn new(limits: &DatagramLimits, now: Instant) -> Self {
        let datagram_len_max = limits.datagram_len_max.min(crate::limits::DATAGRAM_LEN_MAX);
        let bounds = |datagrams_max: usize, len_max: usize| Bounds {
            datagrams_max: datagrams_max.max(1),
            len_max: len_max.max(datagram_len_max),
            datagram_len_max,
        };
        let received = bounds(limits.receive_datagrams_max, limits.receive_len_max);
        let transmitted = bounds(limits.transmit_datagrams_max, limits.transmit_len_max);
        let table = limits.source_rate.map_or(0, |_| Sources::memory_len_max(limits.sources_max));
        let memory_len_max = [received, transmitted]
            .into_iter()
            .map(Queue::<A>::memory_len_max)
            .fold(size_of::<Self>().saturating_add(table), usize::saturating_add);
        Self {
            inbox: Queue::new(received),
            overflow: limits.overflow,
            sources: limits.source_rate.map(|rate| Sources::new(rate, limits.sources_max)),
            outbox: Outbox {
                queue: Queue::new(transmitted),
                datagram_len_max,
                flush_timeout: limits.flush_timeout,
                now,
                timer: None,
                timer_fired: false,
                state: State::Open,
                wants_room: false,
                local: None,
                statistics: DatagramStatistics::new(),
            },
            fault: None,
            is_announced: false,
            memory_len_max,
        }
    }

    /// Tells the endpoint its own address, by which it knows datagrams of its own.
    #[must_use]
    pub fn with_local(mut self, local: A) -> Self {
        self.outbox.local = Some(local);
        self
    }

    /// Sets what the places of sources depend on, so that nobody who does not know it can choose
    /// addresses that share one. Drivers of real sockets set it to something random.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        if let Some(sources) = &mut self.sources {
            sources.reseed(seed);
        }
        self
    }

    /// Takes note of a datagram that came from `from`; drops it if a limit says so.
    ///
    /// A datagram that the system has cut is reported with
    /// [`received_truncated`](Self::received_truncated) instead.
    pub fn received(&mut self, from: A, bytes: &[u8], now: Instant) {
        self.observe(now);
        self.outbox.statistics.arrived(bytes.len());
        if let Err(reason) = self.take_in(from, bytes) {
            self.outbox.statistics.dropped(reason);
        }
    }

    /// Takes note of a datagram that was longer than the driver's buffer, which is dropped.
    pub fn received_truncated(&mut self, len: usize, now: Instant) {
        self.observe(now);
        self.outbox.statistics.arrived(len);
        self.outbox.statistics.dropped(Dropped::TooLong);
    }

    /// Takes note of a fault that the socket reported outside of sending, such as an ICMP error
    /// about something sent before.
    pub fn socket_failed(&mut self, fault: Fault, now: Instant) {
        self.observe(now);
        self.faulted(None, fault);
    }

    /// Takes note that the first `count` datagrams of the queue were sent.
    ///
    /// # Errors
    /// [`TransmittedTooMany`] if there are fewer.
    pub fn transmitted(&mut self, count: usize, now: Instant) -> Result<(), TransmittedTooMany> {
        self.observe(now);
        let queued = self.outbox.queue.count();
        if count > queued {
            return Err(TransmittedTooMany { count, queued });
        }
        for _ in 0..count {
            let len = self.outbox.queue.pop().map_or(0, |(_, bytes)| bytes.len());
            self.outbox.statistics.sent(len);
        }
        self.outbox.settle();
        Ok(())
    }

    /// Takes note that the system did not take the first datagram of the queue, which is dropped.
    /// Nothing happens if there is none.
    pub fn transmit_failed(&mut self, fault: Fault, now: Instant) {
        self.observe(now);
        let Some((to, _)) = self.outbox.queue.pop() else { return };
        self.outbox.statistics.failed();
        self.outbox.settle();
        self.faulted(Some(to), fault);
    }

    /// Acts on what is due. Every deadline is then later than `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.observe(now);
        self.outbox.handle_timeout();
    }

    fn observe(&mut self, now: Instant) {
        self.outbox.now = self.outbox.now.max(now);
    }

    fn take_in(&mut self, from: A, bytes: &[u8]) -> Result<(), Dropped> {
        if self.outbox.state != State::Open {
            return Err(Dropped::Closed);
        }
        if bytes.len() > self.outbox.datagram_len_max {
            return Err(Dropped::TooLong);
        }
        if let Some(sources) = &mut self.sources {
            sources.take(&from, self.outbox.now)?;
        }
        while !self.inbox.has_room(bytes.len()) {
            if self.overflow == Overflow::DropNewest || self.inbox.pop().is_none() {
                return Err(Dropped::QueueFull);
            }
            self.outbox.statistics.dropped(Dropped::QueueFull);
        }
        self.inbox.push(from, bytes);
        Ok(())
    }

    fn faulted(&mut self, to: Option<A>, fault: Fault) {
        self.outbox.statistics.faulted(fault);
        if self.outbox.state != State::Told {
            self.fault = Some((to, fault));
        }
    }
}

/// What the owner asks for; the same as with a [`DatagramHandle`].
impl<A: DatagramAddress> DatagramEndpoint<A> {
    /// Queues a datagram.
    ///
    /// # Errors
    /// [`DatagramSendError`].
    pub fn send(&mut self, to: A, bytes: &[u8]) -> Result<(), DatagramSendError> {
        self.outbox.send(to, bytes)
    }

    /// Closes: no datagram is taken any more, those that wait are dropped, and what is queued is
    /// transmitted if the socket takes it within
    /// [`flush_timeout`](DatagramLimits::flush_timeout). Closing twice is once.
    pub fn close(&mut self) {
        self.outbox.close();
    }

    /// Ends the endpoint at once; what is queued is discarded.
    pub fn abort(&mut self) {
        self.outbox.abort();
    }

    /// Sets the application's one timer, or clears it.
    pub fn set_timer(&mut self, at: Option<Instant>) {
        self.outbox.set_timer(at);
    }
}

/// What to do.
impl<A: DatagramAddress> DatagramEndpoint<A> {
    /// What has happened, oldest first; None until something happens.
    ///
    /// A datagram is yielded only when one of any length can be sent, so that a reply always fits.
    #[allow(clippy::should_implement_trait, reason = "a step borrows from the endpoint")]
    pub fn next(&mut self) -> Option<DatagramStep<'_, A>> {
        let Self { inbox, outbox, fault, .. } = self;
        if outbox.state != State::Open {
            while inbox.pop().is_some() {
                outbox.statistics.dropped(Dropped::Closed);
            }
        }
        if !self.is_announced {
            self.is_announced = true;
            return Some(DatagramStep::Open(DatagramHandle::new(outbox, false)));
        }
        if let Some((to, fault)) = fault.take() {
            let handle = DatagramHandle::new(outbox, false);
            return Some(DatagramStep::Fault { to, fault, handle });
        }
        if outbox.timer_fired {
            outbox.timer_fired = false;
            return Some(DatagramStep::Timer(DatagramHandle::new(outbox, false)));
        }
        match outbox.state {
            State::Open => {}
            State::Closing | State::Told => return None,
            State::Over => {
                outbox.state = State::Told;
                return Some(DatagramStep::Closed);
            }
        }
        if !outbox.queue.has_room_for_any() {
            return None;
        }
        if outbox.wants_room {
            outbox.wants_room = false;
            return Some(DatagramStep::Writable(DatagramHandle::new(outbox, false)));
        }
        let (from, bytes) = inbox.pop()?;
        outbox.statistics.yielded();
        let handle = DatagramHandle::new(outbox, true);
        Some(DatagramStep::Datagram { from, bytes, handle })
    }

    /// The datagram that must be sent next.
    #[must_use]
    pub fn transmit(&self) -> Option<(&A, &[u8])> {
        self.transmit_all().next()
    }

    /// All datagrams that must be sent, in order, for drivers that send many at once.
    pub fn transmit_all(&self) -> impl Iterator<Item = (&A, &[u8])> {
        self.outbox.queue.iter()
    }

    /// What to wait for; costs O(1).
    #[must_use]
    pub fn interest(&self) -> DatagramInterest {
        DatagramInterest {
            read: self.outbox.state == State::Open,
            write: !self.outbox.queue.is_empty(),
            deadline: self.outbox.timer.filter(|at| *at < Instant::MAX),
        }
    }
}

/// How it stands.
impl<A: DatagramAddress> DatagramEndpoint<A> {
    /// Whether the endpoint is closed, everything is sent, and the application knows.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.outbox.state == State::Told
    }

    /// Received datagrams that wait, and their bytes.
    #[must_use]
    pub fn waiting(&self) -> (usize, usize) {
        (self.inbox.count(), self.inbox.len())
    }

    /// Datagrams that wait to be sent, and their bytes.
    #[must_use]
    pub fn queued(&self) -> (usize, usize) {
        (self.outbox.queue.count(), self.outbox.queue.len())
    }

    /// The endpoint's own address, if it was told.
    #[must_use]
    pub const fn local(&self) -> Option<&A> {
        self.outbox.local.as_ref()
    }

    /// The counts since the beginning.
    #[must_use]
    pub const fn statistics(&self) -> &DatagramStatistics {
        &self.outbox.statistics
    }

    /// Bytes of memory that the endpoint holds at most, whatever its peers send. What an address
    /// itself may have allocated comes on top.
    #[must_use]
    pub const fn memory_len_max(&self) -> usize {
        self.memory_len_max
    }
}
