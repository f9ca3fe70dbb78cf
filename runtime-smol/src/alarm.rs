use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_io::Timer;
use drywire::Instant;
use drywire_std::Clock;

/// A timer for one deadline that moves.
#[derive(Debug)]
pub(crate) struct Alarm {
    clock: Clock,
    timer: Timer,
    /// When the timer fires, [`Instant::MAX`] for never. It is only ever moved forward: a deadline
    /// that moves back with every byte costs nothing until the timer has fired in vain.
    armed_at: Instant,
}

impl Alarm {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, timer: Timer::never(), armed_at: Instant::MAX }
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Waits until `due`; [`Instant::MAX`] never comes.
    pub(crate) fn poll_due(&mut self, due: Instant, cx: &mut Context<'_>) -> Poll<()> {
        if due < self.armed_at {
            self.arm(due);
        }
        while self.armed_at != Instant::MAX && Pin::new(&mut self.timer).poll(cx).is_ready() {
            self.armed_at = Instant::MAX;
            if due <= self.now() {
                return Poll::Ready(());
            }
            self.arm(due);
        }
        Poll::Pending
    }

    fn arm(&mut self, due: Instant) {
        if let Some(at) = self.clock.instant(due) {
            self.timer.set_at(at);
            self.armed_at = due;
        }
    }
}
