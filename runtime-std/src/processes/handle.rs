use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use drywire::shutdown::Request;
use drywire::supervisor::WorkerId;

use crate::signal::Bell;

/// A hold on a [`Supervisor`](super::Supervisor) from outside, before and while it runs. Cheap to
/// clone; dropping it changes nothing.
#[derive(Clone, Debug)]
pub struct SupervisorHandle {
    control: Arc<Control>,
}

/// What a supervisor, its handles and the threads that wait for processes share.
#[derive(Debug)]
pub(super) struct Control {
    news: Mutex<VecDeque<News>>,
    pub(super) bell: Bell,
    is_ready: AtomicBool,
}

/// What the supervisor has not heeded yet.
#[derive(Clone, Copy, Debug)]
pub(super) enum News {
    Request(Request),
    Reload,
    /// Its process is a zombie.
    Exited(WorkerId),
}

impl SupervisorHandle {
    pub(super) const fn new(control: Arc<Control>) -> Self {
        Self { control }
    }

    /// Begins the end of all workers, or hastens it: what a signal means.
    pub fn request(&self, request: Request) {
        self.control.tell(News::Request(request));
    }

    /// Exchanges the workers for new ones, which see the program and its files as they are now.
    pub fn reload(&self) {
        self.control.tell(News::Reload);
    }

    /// Whether a worker serves, and nobody has asked for the end.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.control.is_ready.load(Ordering::Acquire)
    }
}

impl Control {
    pub(super) const fn new(bell: Bell) -> Self {
        Self { news: Mutex::new(VecDeque::new()), bell, is_ready: AtomicBool::new(false) }
    }

    pub(super) fn tell(&self, news: News) {
        self.news.lock().unwrap_or_else(PoisonError::into_inner).push_back(news);
        self.bell.ring();
    }

    /// What has been told since the last time.
    pub(super) fn take(&self) -> VecDeque<News> {
        self.bell.silence();
        mem::take(&mut *self.news.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn set_ready(&self, is_ready: bool) {
        self.is_ready.store(is_ready, Ordering::Release);
    }
}
