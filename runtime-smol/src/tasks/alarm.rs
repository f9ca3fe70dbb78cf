//! What keeps the deadlines of all tasks on a roster, with one timer of the reactor.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use async_io::Timer;
use drywire::Instant;

use super::control::Control;

/// Wakes tasks when their deadlines come, for ever.
pub(super) async fn keep_time(control: &Control) {
    let clock = control.ledger.clock();
    let (mut timer, mut armed_at) = (Timer::never(), Instant::MAX);
    poll_fn(|cx| {
        loop {
            let next = control.roster.wake_due(clock.now(), cx.waker());
            if next != armed_at {
                armed_at = next;
                match clock.instant(next) {
                    Some(at) => timer.set_at(at),
                    None => timer.clear(),
                }
            }
            if Pin::new(&mut timer).poll(cx).is_pending() {
                return Poll::Pending;
            }
            armed_at = Instant::MAX;
        }
    })
    .await
}
