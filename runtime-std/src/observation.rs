use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};

use drywire::{CloseReason, Peer};

use crate::setup::CloseObserver;

/// The observer of a server whose threads must outlive what it does.
pub(crate) struct Observation {
    observer: Option<Box<CloseObserver>>,
    /// What the observer panicked with, first.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Observation {
    pub(crate) const fn new(observer: Option<Box<CloseObserver>>) -> Self {
        Self { observer, panic: Mutex::new(None) }
    }

    /// Tells the observer. A panic of it is kept.
    pub(crate) fn observe(&self, peer: &Peer, reason: &CloseReason) {
        let Some(observer) = &self.observer else { return };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| observer(peer, reason))) {
            self.panic.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(panic);
        }
    }

    /// Panics as the observer did.
    pub(crate) fn rethrow(&self) {
        if let Some(panic) = self.panic.lock().unwrap_or_else(PoisonError::into_inner).take() {
            resume_unwind(panic);
        }
    }
}
