//! One datagram listener's task.

use std::sync::Arc;
use std::task::{Context, Poll};

use async_io::Async;
use drywire::Instant;
use drywire::shutdown::Phase;
use drywire_std::datagram::{DatagramServing, DatagramSocket};

use super::control::Control;
use crate::alarm::Alarm;

/// A datagram listener that is being served.
pub(super) struct Datagrams {
    socket: Async<DatagramSocket>,
    serving: DatagramServing,
    alarm: Alarm,
    control: Arc<Control>,
    /// On the server's roster. None before the first poll.
    at: Option<usize>,
    /// What the endpoint has been told of the server.
    phase: Option<Phase>,
}

impl Datagrams {
    pub(super) fn new(
        serving: DatagramServing,
        socket: DatagramSocket,
        control: Arc<Control>,
    ) -> std::io::Result<Self> {
        let socket = Async::new_nonblocking(socket)?;
        let alarm = Alarm::new(control.ledger.clock());
        Ok(Self { socket, serving, alarm, control, at: None, phase: None })
    }

    /// Takes a turn if there is something to do, and is ready when the endpoint is over. After a
    /// turn that left more to do the task goes to the end of the executor's queue.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.heed(cx) && self.poll_busy(cx).is_pending() {
            return Poll::Pending;
        }
        let now = self.alarm.now();
        self.serving.turn(self.socket.get_ref(), &self.control.ledger, now);
        if self.serving.is_closed() {
            return Poll::Ready(());
        }
        if self.poll_busy(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Tells the endpoint what has changed of the server. Returns whether anything has.
    fn heed(&mut self, cx: &Context<'_>) -> bool {
        // First on the roster, then a look, so that no change falls between.
        let roster = &self.control.roster;
        if self.at.is_none() {
            roster.attach(*self.at.insert(roster.enter()), cx.waker());
        }
        let phase = self.control.phase();
        if self.phase == Some(phase) {
            return false;
        }
        match phase {
            Phase::Serving | Phase::Pausing => {}
            Phase::Draining => self.serving.close(self.alarm.now()),
            Phase::Stopping => self.serving.abort(),
        }
        self.phase = Some(phase);
        true
    }

    fn poll_busy(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let interest = self.serving.interest();
        let readiness = self.serving.readiness();
        // A failure of the reactor counts as readiness: the system call says what is wrong.
        if interest.read && !readiness.readable {
            readiness.readable = self.socket.poll_readable(cx).is_ready();
        }
        if interest.write && !readiness.writable {
            readiness.writable = self.socket.poll_writable(cx).is_ready();
        }
        if self.serving.is_busy() {
            return Poll::Ready(());
        }
        self.alarm.poll_due(interest.deadline.unwrap_or(Instant::MAX), cx)
    }
}

impl Drop for Datagrams {
    fn drop(&mut self) {
        if let Some(at) = self.at {
            self.control.roster.leave(at);
        }
    }
}
