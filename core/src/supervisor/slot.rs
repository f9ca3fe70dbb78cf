use core::time::Duration;

use super::{RESTART_BACKOFF_MIN, SupervisorLimits};
use crate::time::Instant;

/// The place of one worker.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    /// When to start one. None while there is one.
    pub(super) start_at: Option<Instant>,
    /// The next pause, before it is bounded.
    backoff: Duration,
    /// Failures to start since one was ready.
    pub(super) failures: u32,
}

impl Slot {
    /// A slot that gets its worker at `start_at`, or has it.
    pub(super) const fn new(limits: &SupervisorLimits, start_at: Option<Instant>) -> Self {
        Self { start_at, backoff: limits.restart_backoff_min, failures: 0 }
    }

    /// Says when the next worker is started, for the last one has ended. It had been ready since
    /// `ready_since`, or not at all.
    pub(super) fn vacate(
        &mut self,
        ready_since: Option<Instant>,
        limits: &SupervisorLimits,
        now: Instant,
    ) {
        let min = limits.restart_backoff_min.max(RESTART_BACKOFF_MIN);
        let max = limits.restart_backoff_max.max(min);
        match ready_since {
            None => self.failures = self.failures.saturating_add(1),
            Some(since) => {
                if now.saturating_duration_since(since) >= limits.healthy_after {
                    self.backoff = min;
                }
            }
        }
        let pause = self.backoff.max(min).min(max);
        self.backoff = pause.saturating_mul(2);
        self.start_at = Some(now + pause);
    }
}
