//! Which worker processes to start and end, as a state machine: restarts, reloads, draining.
//!
//! A driver owns the processes. It reports what becomes of them, and does what the [`Step`]s say. It
//! holds whatever the workers share, listening sockets above all, so that peers who come while
//! workers are exchanged wait and are not refused.
//!
//! - **Restart**: a worker that has ended is started again after a pause, twice as long each time
//!   up to a limit. One that was ready for [`SupervisorLimits::healthy_after`] ends that.
//! - **No hope**: when every worker has failed to start
//!   [`start_failures_max`](SupervisorLimits::start_failures_max) times one after the other, the
//!   supervisor ends.
//! - **Reload**: as many new workers are started. Once all of them are ready the old ones are told
//!   to end in order. If one of them ends before, or is not ready in time, the others are told to
//!   end, and the old ones stay. A reload that is asked for meanwhile is done afterwards, once.
//! - **End**: as [`shutdown`](crate::shutdown) says. While it pauses, workers are still started
//!   again; from then on none is. What does not obey an order in time is killed.
//!
//! # Bounds
//! Never more than twice as many processes as [`SupervisorLimits::workers`].
//!
//! # Examples
//! ```
//! use drywire::Instant;
//! use drywire::shutdown::Request;
//! use drywire::supervisor::{Outcome, Step, Supervisor, SupervisorLimits, WorkerExit};
//!
//! let now = Instant::ZERO;
//! let mut supervisor = Supervisor::new(SupervisorLimits::new(), now);
//! let Some(Step::Start { worker, .. }) = supervisor.next() else { panic!("nothing to start") };
//! supervisor.ready(worker, now);
//! assert_eq!(supervisor.next(), Some(Step::Serving));
//!
//! supervisor.request(Request::Interrupt, now);
//! assert_eq!(supervisor.next(), Some(Step::Drain(worker)));
//! supervisor.exited(worker, WorkerExit::Success, now);
//! assert_eq!(supervisor.outcome(), Some(Outcome::Drained));
//! ```

use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use crate::shutdown::{Phase, Request, Shutdown};
use crate::time::Instant;

mod limits;
mod slot;
mod step;
mod worker;

pub use limits::{RESTART_BACKOFF_MIN, SupervisorLimits};
use slot::Slot;
pub use step::{Outcome, Step, WorkerExit, WorkerId};
use worker::{Input, State};

/// Decides which workers to start and end; see the [module](self).
#[derive(Debug)]
pub struct Supervisor {
    limits: SupervisorLimits,
    /// The latest time seen.
    now: Instant,
    shutdown: Shutdown,
    workers: Vec<Worker>,
    slots: Vec<Slot>,
    steps: VecDeque<Step>,
    started: u64,
    reload: Reload,
    has_served: bool,
    /// A worker was ended by force, or failed, while it drained for the end.
    is_forced: bool,
    is_hopeless: bool,
}

/// A process that has not exited.
#[derive(Debug)]
struct Worker {
    id: WorkerId,
    slot: usize,
    role: Role,
    state: State,
    /// When the time of the state is over.
    due_at: Instant,
    ready_since: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// It has its slot.
    Current,
    /// It shall have it when the others are ready too.
    Incoming,
    /// Nobody waits for it any more.
    Outgoing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reload {
    is_going_on: bool,
    is_wanted: bool,
}

/// What happened outside.
impl Supervisor {
    /// A supervisor that is about to start its workers.
    #[must_use]
    pub fn new(limits: SupervisorLimits, now: Instant) -> Self {
        let slot = Slot::new(&limits, Some(now));
        let mut supervisor = Self {
            now,
            shutdown: Shutdown::new(limits.drain_pause, limits.drain_timeout),
            workers: Vec::new(),
            slots: vec![slot; limits.workers.max(1)],
            steps: VecDeque::new(),
            started: 0,
            reload: Reload { is_going_on: false, is_wanted: false },
            has_served: false,
            is_forced: false,
            is_hopeless: false,
            limits,
        };
        supervisor.settle();
        supervisor
    }

    /// Takes note that a worker serves.
    pub fn ready(&mut self, worker: WorkerId, now: Instant) {
        self.observe(now);
        let Some(worker) = self.workers.iter_mut().find(|known| known.id == worker) else { return };
        worker.enter(Input::Ready, &self.limits, self.now, &mut self.steps);
        if worker.state != State::Ready || worker.ready_since.is_some() {
            return;
        }
        worker.ready_since = Some(self.now);
        if let (Role::Current, Some(slot)) = (worker.role, self.slots.get_mut(worker.slot)) {
            slot.failures = 0;
        }
        if !self.has_served {
            self.has_served = true;
            self.steps.push_back(Step::Serving);
        }
        self.settle();
    }

    /// Takes note that a worker's process is no more, or could not be started.
    pub fn exited(&mut self, worker: WorkerId, exit: WorkerExit, now: Instant) {
        // First, so that a time that is over at the same moment asks nothing of it.
        let index = self.workers.iter().position(|known| known.id == worker);
        let worker = index.map(|index| self.workers.remove(index));
        self.observe(now);
        let Some(worker) = worker else { return };
        if self.is_ending() {
            let has_failed = exit == WorkerExit::Failure || worker.state.is_forced();
            // One that was not ready had nothing to lose.
            self.is_forced |= has_failed && worker.ready_since.is_some();
        }
        match worker.role {
            Role::Current => {
                if let Some(slot) = self.slots.get_mut(worker.slot) {
                    slot.vacate(worker.ready_since, &self.limits, self.now);
                }
            }
            Role::Incoming => self.abort_reload(),
            Role::Outgoing => {}
        }
        self.settle();
    }

    /// Moves on where the time has come. Every deadline is later than `now` afterwards.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.observe(now);
        self.settle();
    }

    fn observe(&mut self, now: Instant) {
        self.now = self.now.max(now);
        self.shutdown.handle_timeout(self.now);
        for worker in &mut self.workers {
            if is_due(worker.due_at, self.now) {
                worker.enter(Input::TimeUp, &self.limits, self.now, &mut self.steps);
            }
        }
    }

    fn abort_reload(&mut self) {
        self.reload.is_going_on = false;
        self.dismiss(Role::Incoming);
        self.steps.push_back(Step::ReloadFailed);
    }

    /// Tells the workers of a role to end in order.
    fn dismiss(&mut self, role: Role) {
        for worker in self.workers.iter_mut().filter(|worker| worker.role == role) {
            worker.role = Role::Outgoing;
            worker.enter(Input::Drain, &self.limits, self.now, &mut self.steps);
        }
    }
}

/// What the owner asks for.
impl Supervisor {
    /// Begins the end, or hastens it.
    pub fn request(&mut self, request: Request, now: Instant) {
        self.observe(now);
        self.shutdown.request(request, self.now);
        self.settle();
    }

    /// Exchanges the workers for new ones; nothing when the end has begun.
    pub fn reload(&mut self, now: Instant) {
        self.observe(now);
        self.reload.is_wanted = true;
        self.settle();
    }
}

/// What to do.
impl Supervisor {
    /// The next step, until there is none.
    #[expect(
        clippy::should_implement_trait,
        reason = "as that of a connection: later there is more"
    )]
    pub fn next(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); always later than the latest time
    /// seen.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        if self.is_ended() {
            return None;
        }
        let starts = self.slots.iter().filter_map(|slot| slot.start_at);
        let starts = starts.filter(|_| !self.is_ending());
        let workers = self.workers.iter().map(|worker| worker.due_at);
        let earliest = starts.chain(workers).chain(self.shutdown.deadline()).min();
        earliest.filter(|at| *at < Instant::MAX)
    }

    /// Does what follows from how it stands.
    fn settle(&mut self) {
        self.is_hopeless |= !self.is_ending() && self.has_no_hope();
        if self.is_ending() {
            let is_at_once = self.shutdown.phase() == Phase::Stopping;
            let input = if is_at_once { Input::Stop } else { Input::Drain };
            self.reload = Reload { is_going_on: false, is_wanted: false };
            for worker in &mut self.workers {
                worker.role = Role::Outgoing;
                worker.enter(input, &self.limits, self.now, &mut self.steps);
            }
            return;
        }
        self.finish_reload();
        self.begin_reload();
        for slot in 0..self.slots.len() {
            self.start_if_due(slot);
        }
    }

    fn has_no_hope(&self) -> bool {
        let max = self.limits.start_failures_max.max(1);
        !self.reload.is_going_on && self.slots.iter().all(|slot| slot.failures >= max)
    }

    /// The old workers go when all new ones are ready.
    fn finish_reload(&mut self) {
        let are_ready = |worker: &Worker| worker.state == State::Ready;
        if !self.reload.is_going_on || !self.with_role(Role::Incoming).all(are_ready) {
            return;
        }
        self.reload.is_going_on = false;
        self.dismiss(Role::Current);
        for worker in self.workers.iter_mut().filter(|worker| worker.role == Role::Incoming) {
            worker.role = Role::Current;
        }
        self.slots.fill(Slot::new(&self.limits, None));
        self.steps.push_back(Step::Reloaded);
    }

    /// New workers come when those of the last time are gone.
    fn begin_reload(&mut self) {
        let Reload { is_going_on, is_wanted } = self.reload;
        let is_held = self.with_role(Role::Outgoing).next().is_some();
        if !is_wanted || is_going_on || is_held || self.shutdown.phase() != Phase::Serving {
            return;
        }
        self.reload = Reload { is_going_on: true, is_wanted: false };
        self.steps.push_back(Step::Reloading);
        for slot in 0..self.slots.len() {
            self.start(slot, Role::Incoming);
        }
    }

    fn start_if_due(&mut self, index: usize) {
        let Some(slot) = self.slots.get_mut(index) else { return };
        if slot.start_at.is_some_and(|at| is_due(at, self.now)) {
            slot.start_at = None;
            self.start(index, Role::Current);
        }
    }

    fn start(&mut self, slot: usize, role: Role) {
        let id = WorkerId(self.started);
        self.started += 1;
        let due_at = later(self.now, self.limits.ready_timeout);
        let state = State::Starting;
        self.workers.push(Worker { id, slot, role, state, due_at, ready_since: None });
        self.steps.push_back(Step::Start { worker: id, slot });
    }
}

/// How it stands.
impl Supervisor {
    /// Whether it may be sent more to serve: a worker is ready, and nobody has asked for the end.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.shutdown.is_ready()
            && !self.is_hopeless
            && self.workers.iter().any(|worker| worker.state == State::Ready)
    }

    /// Where it stands on its way to the end.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.shutdown.phase()
    }

    /// Workers that have not exited.
    #[must_use]
    pub fn workers_len(&self) -> usize {
        self.workers.len()
    }

    /// How it ended. None as long as there is a worker, or one to be started.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        if !self.is_ended() {
            None
        } else if self.is_hopeless {
            let failures = self.slots.iter().map(|slot| slot.failures).min();
            Some(Outcome::StartFailed { failures: failures.unwrap_or(0) })
        } else if self.is_forced {
            Some(Outcome::Forced)
        } else {
            Some(Outcome::Drained)
        }
    }

    fn is_ending(&self) -> bool {
        self.is_hopeless || self.shutdown.phase() >= Phase::Draining
    }

    fn is_ended(&self) -> bool {
        self.is_ending() && self.workers.is_empty()
    }

    fn with_role(&self, role: Role) -> impl Iterator<Item = &Worker> {
        self.workers.iter().filter(move |worker| worker.role == role)
    }
}

impl Worker {
    /// Tells the worker what its new state asks for, if that is new.
    fn enter(
        &mut self,
        input: Input,
        limits: &SupervisorLimits,
        now: Instant,
        steps: &mut VecDeque<Step>,
    ) {
        let state = self.state.after(input);
        if state == self.state {
            return;
        }
        self.state = state;
        let (step, time) = match state {
            State::Starting | State::Ready => (None, Duration::MAX),
            State::Draining => (Some(Step::Drain(self.id)), limits.drain_timeout),
            State::Stopping => (Some(Step::Stop(self.id)), limits.stop_timeout),
            State::Killed => (Some(Step::Kill(self.id)), Duration::MAX),
        };
        self.due_at = later(now, time);
        steps.extend(step);
    }
}

fn is_due(at: Instant, now: Instant) -> bool {
    at <= now && at < Instant::MAX
}

fn later(now: Instant, time: Duration) -> Instant {
    (now + time).max(now.next())
}
