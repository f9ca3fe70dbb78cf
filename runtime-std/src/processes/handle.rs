use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use drywire::Instant;
use drywire::datagram::DatagramStatistics;
use drywire::shutdown::Request;
use drywire::statistics::{Observed, Statistics, Visit};
use drywire::supervisor::WorkerId;

use super::Counts;
use crate::clock::Clock;
use crate::descriptors::descriptors;
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
    pub(super) clock: Clock,
    pub(super) listeners: Mutex<Vec<String>>,
    is_ready: AtomicBool,
    reports: Mutex<Reports>,
    reported: Condvar,
}

/// What workers have counted.
#[derive(Debug)]
struct Reports {
    is_running: bool,
    /// Rounds that were asked for, and the last one that was answered.
    asked: u64,
    answered: u64,
    counts: Counts,
}

/// How long a worker may take to report. Whoever is asked for health must not wait for a worker
/// that hangs.
const REPORT_TIMEOUT: Duration = Duration::from_secs(1);

/// What the supervisor has not heeded yet.
#[derive(Clone, Copy, Debug)]
pub(super) enum News {
    Request(Request),
    Reload,
    /// Somebody waits for this round of reports.
    Report(u64),
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

    /// The counts of all workers since the supervisor began, those that have ended among them. Of
    /// one that was killed they are what it said when somebody asked last.
    ///
    /// Asks the workers, and waits for one second at most: from one that does not answer in time,
    /// what it said last is taken.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.control.counts().statistics
    }

    /// The same of datagrams; `None` if no worker has told of any.
    #[must_use]
    pub fn datagram_statistics(&self) -> Option<DatagramStatistics> {
        self.control.counts().datagrams
    }
}

/// Of an admin listener in the supervisor's process.
impl Observed for SupervisorHandle {
    fn is_ready(&self) -> bool {
        self.is_ready()
    }

    fn statistics(&self) -> Statistics {
        self.statistics()
    }

    fn datagrams(&self) -> Option<DatagramStatistics> {
        self.datagram_statistics()
    }

    /// None: connections are the workers' own affair.
    fn visits(&self) -> Vec<Visit> {
        Vec::new()
    }

    fn lists_visits(&self) -> bool {
        false
    }

    fn listeners(&self) -> Vec<String> {
        self.control.listeners.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn now(&self) -> Instant {
        self.control.clock.now()
    }

    fn descriptors(&self) -> Option<u64> {
        descriptors()
    }
}

impl Control {
    pub(super) fn new(bell: Bell) -> Self {
        let counts = Counts::from(Statistics::new());
        Self {
            news: Mutex::default(),
            bell,
            clock: Clock::new(),
            listeners: Mutex::default(),
            is_ready: AtomicBool::new(false),
            reports: Mutex::new(Reports { is_running: false, asked: 0, answered: 0, counts }),
            reported: Condvar::new(),
        }
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

    pub(super) fn set_running(&self, is_running: bool) {
        self.reports().is_running = is_running;
        self.reported.notify_all();
    }

    /// Sets the counts, and lets those go on who wait for `round` or an earlier one.
    pub(super) fn publish(&self, counts: Counts, round: Option<u64>) {
        let mut reports = self.reports();
        reports.counts = counts;
        reports.answered = round.unwrap_or(reports.answered);
        self.reported.notify_all();
    }

    fn counts(&self) -> Counts {
        let mut reports = self.reports();
        if !reports.is_running {
            return reports.counts;
        }
        reports.asked += 1;
        let round = reports.asked;
        self.tell(News::Report(round));
        let is_open = |reports: &mut Reports| reports.is_running && reports.answered < round;
        let waited = self.reported.wait_timeout_while(reports, REPORT_TIMEOUT, is_open);
        waited.unwrap_or_else(PoisonError::into_inner).0.counts
    }

    /// No call within panics, so that a poisoned lock means nothing.
    fn reports(&self) -> MutexGuard<'_, Reports> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
