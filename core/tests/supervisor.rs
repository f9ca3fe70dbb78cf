//! Supervisor: restarts, reloads and ends in virtual time, and laws over random calls.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use drywire::Instant;
use drywire::shutdown::{Phase, Request};
use drywire::supervisor::{
    Outcome, RESTART_BACKOFF_MIN, Step, Supervisor, SupervisorLimits, WorkerExit, WorkerId,
};
use proptest::prelude::*;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn at(millis: u64) -> Instant {
    Instant::ZERO + ms(millis)
}

fn limits(workers: usize) -> SupervisorLimits {
    let mut limits = SupervisorLimits::new();
    limits.workers = workers;
    limits.ready_timeout = ms(50);
    limits.restart_backoff_min = ms(10);
    limits.restart_backoff_max = ms(80);
    limits.healthy_after = ms(100);
    limits.start_failures_max = 3;
    limits.drain_pause = ms(30);
    limits.drain_timeout = ms(60);
    limits.stop_timeout = ms(20);
    limits
}

fn steps(supervisor: &mut Supervisor) -> Vec<Step> {
    std::iter::from_fn(|| supervisor.next()).collect()
}

/// The workers that are to be started, which must be all there is to do beside `others`.
fn starts(supervisor: &mut Supervisor, others: &[Step]) -> Vec<WorkerId> {
    let (starts, rest): (Vec<_>, Vec<_>) =
        steps(supervisor).into_iter().partition(|step| matches!(step, Step::Start { .. }));
    assert_eq!(rest, others);
    let id = |step: &Step| match step {
        Step::Start { worker, .. } => *worker,
        _ => unreachable!("partitioned"),
    };
    starts.iter().map(id).collect()
}

/// A supervisor whose workers are ready at `at(0)`.
fn serving(limits: SupervisorLimits) -> (Supervisor, Vec<WorkerId>) {
    let mut supervisor = Supervisor::new(limits, at(0));
    let workers = starts(&mut supervisor, &[]);
    for worker in &workers {
        supervisor.ready(*worker, at(0));
    }
    assert_eq!(steps(&mut supervisor), [Step::Serving]);
    (supervisor, workers)
}

#[test]
fn defaults() {
    let limits = SupervisorLimits::default();
    assert_eq!((limits.workers, limits.start_failures_max), (1, 5));
    assert_eq!(limits.ready_timeout, Duration::from_secs(30));
    let backoff = (limits.restart_backoff_min, limits.restart_backoff_max);
    assert_eq!(backoff, (ms(100), Duration::from_secs(30)));
    assert_eq!(limits.healthy_after, Duration::from_secs(10));
    assert_eq!((limits.drain_pause, limits.drain_timeout), (Duration::ZERO, ms(10_000)));
    assert_eq!(limits.stop_timeout, Duration::from_secs(5));
    assert_eq!(RESTART_BACKOFF_MIN, ms(1));
}

#[test]
fn every_slot_gets_a_worker_and_one_at_least() {
    for (workers, expected) in [(0, 1), (1, 1), (3, 3)] {
        let mut supervisor = Supervisor::new(limits(workers), at(0));
        let mut slots = Vec::new();
        for step in steps(&mut supervisor) {
            let Step::Start { worker, slot } = step else { panic!("{step:?}") };
            assert_eq!(worker.index(), slot as u64);
            slots.push(slot);
        }
        assert_eq!(slots, (0..expected).collect::<Vec<_>>());
        assert!(!supervisor.is_ready());
        assert_eq!(supervisor.workers_len(), expected);
    }
}

#[test]
fn a_worker_that_dies_is_started_again_after_a_pause_that_grows() {
    let (mut supervisor, workers) = serving(limits(2));
    let (mut worker, mut now) = (workers[1], at(5));
    for pause in [10, 20, 40, 80, 80] {
        supervisor.exited(worker, WorkerExit::Failure, now);
        assert!(supervisor.is_ready(), "the other one serves");
        assert_eq!(supervisor.next(), None);
        assert_eq!(supervisor.deadline(), Some(now + ms(pause)));
        now = now + ms(pause);
        supervisor.handle_timeout(now);
        worker = starts(&mut supervisor, &[])[0];
        supervisor.ready(worker, now);
        // One short of healthy.
        now = now + ms(99);
    }
    // Healthy: the pause begins anew.
    supervisor.exited(worker, WorkerExit::Success, now + ms(1));
    assert_eq!(supervisor.deadline(), Some(now + ms(11)));
}

#[test]
fn a_worker_that_is_not_ready_in_time_is_killed() {
    let mut supervisor = Supervisor::new(limits(1), at(0));
    let worker = starts(&mut supervisor, &[])[0];
    assert_eq!(supervisor.deadline(), Some(at(50)));
    supervisor.handle_timeout(at(49));
    assert_eq!(supervisor.next(), None);
    supervisor.handle_timeout(at(50));
    assert_eq!(steps(&mut supervisor), [Step::Kill(worker)]);
    // Too late.
    supervisor.ready(worker, at(51));
    assert!(!supervisor.is_ready());
    assert_eq!((supervisor.next(), supervisor.deadline()), (None, None));
    supervisor.exited(worker, WorkerExit::Failure, at(60));
    assert_eq!(supervisor.deadline(), Some(at(70)));
}

#[test]
fn workers_that_cannot_start_end_the_supervisor() {
    for max in [0, 1, 3] {
        let mut limits = limits(2);
        limits.start_failures_max = max;
        let mut supervisor = Supervisor::new(limits, at(0));
        let mut now = at(0);
        for attempt in 1..=max.max(1) {
            let workers = starts(&mut supervisor, &[]);
            assert_eq!(workers.len(), 2, "attempt {attempt} of {max}");
            for worker in workers {
                assert_eq!(supervisor.outcome(), None);
                supervisor.exited(worker, WorkerExit::Failure, now);
            }
            now = supervisor.deadline().unwrap_or(now);
            supervisor.handle_timeout(now);
        }
        assert_eq!(steps(&mut supervisor), []);
        assert_eq!(supervisor.outcome(), Some(Outcome::StartFailed { failures: max.max(1) }));
        assert_eq!(supervisor.deadline(), None);
    }
}

#[test]
fn one_slot_that_cannot_start_is_no_reason_to_end() {
    let (mut supervisor, workers) = serving(limits(2));
    let (mut worker, mut now) = (workers[0], at(0));
    for _ in 0..20 {
        supervisor.exited(worker, WorkerExit::Failure, now);
        now = supervisor.deadline().unwrap();
        supervisor.handle_timeout(now);
        worker = starts(&mut supervisor, &[])[0];
    }
    assert!(supervisor.is_ready());
    // The other one, once ready, does not count until it has failed to start as often.
    supervisor.exited(workers[1], WorkerExit::Failure, now);
    assert_eq!(supervisor.outcome(), None);
    assert!(!supervisor.is_ready());
}

#[test]
fn a_worker_that_was_ready_begins_the_count_anew() {
    let mut supervisor = Supervisor::new(limits(1), at(0));
    let mut now = at(0);
    for is_ready in [false, false, true, false, false, false] {
        assert_eq!(supervisor.outcome(), None);
        let worker = starts(&mut supervisor, &[])[0];
        if is_ready {
            supervisor.ready(worker, now);
            assert_eq!(supervisor.next(), Some(Step::Serving));
        }
        supervisor.exited(worker, WorkerExit::Failure, now);
        now = supervisor.deadline().unwrap_or(now);
        supervisor.handle_timeout(now);
    }
    assert_eq!(supervisor.outcome(), Some(Outcome::StartFailed { failures: 3 }));
}

#[test]
fn a_reload_ends_the_old_when_all_new_are_ready() {
    let (mut supervisor, old) = serving(limits(2));
    supervisor.reload(at(5));
    let new = starts(&mut supervisor, &[Step::Reloading]);
    assert_eq!(new.len(), 2);
    supervisor.ready(new[0], at(6));
    assert_eq!(steps(&mut supervisor), []);
    // Asked for meanwhile, more than once.
    supervisor.reload(at(7));
    supervisor.reload(at(7));
    assert_eq!(steps(&mut supervisor), []);
    supervisor.ready(new[1], at(8));
    assert_eq!(steps(&mut supervisor), [Step::Drain(old[0]), Step::Drain(old[1]), Step::Reloaded]);
    assert!(supervisor.is_ready());
    // The next reload waits until the old are gone, so that there are never more than four.
    supervisor.exited(old[0], WorkerExit::Success, at(9));
    assert_eq!(steps(&mut supervisor), []);
    supervisor.exited(old[1], WorkerExit::Failure, at(10));
    assert_eq!(starts(&mut supervisor, &[Step::Reloading]).len(), 2);
    assert_eq!(supervisor.workers_len(), 4);
}

#[test]
fn the_old_stay_when_a_new_one_cannot_start() {
    for is_late in [false, true] {
        let (mut supervisor, old) = serving(limits(2));
        supervisor.reload(at(5));
        let new = starts(&mut supervisor, &[Step::Reloading]);
        supervisor.ready(new[0], at(6));
        if is_late {
            supervisor.handle_timeout(at(55));
            assert_eq!(steps(&mut supervisor), [Step::Kill(new[1])]);
        }
        supervisor.exited(new[1], WorkerExit::Failure, at(55));
        // It may have been accepting.
        assert_eq!(steps(&mut supervisor), [Step::Drain(new[0]), Step::ReloadFailed]);
        supervisor.exited(new[0], WorkerExit::Success, at(56));
        supervisor.handle_timeout(at(10_000));
        assert_eq!(steps(&mut supervisor), []);
        assert!(supervisor.is_ready());
        supervisor.request(Request::Interrupt, at(10_000));
        assert_eq!(steps(&mut supervisor), [Step::Drain(old[0]), Step::Drain(old[1])]);
    }
}

#[test]
fn a_reload_mends_workers_that_cannot_start() {
    let mut supervisor = Supervisor::new(limits(1), at(0));
    let worker = starts(&mut supervisor, &[])[0];
    supervisor.exited(worker, WorkerExit::Failure, at(0));
    supervisor.reload(at(1));
    let new = starts(&mut supervisor, &[Step::Reloading])[0];
    // The old slot still tries.
    supervisor.handle_timeout(at(10));
    let old = starts(&mut supervisor, &[])[0];
    supervisor.ready(new, at(11));
    assert_eq!(steps(&mut supervisor), [Step::Serving, Step::Drain(old), Step::Reloaded]);
    supervisor.exited(old, WorkerExit::Failure, at(12));
    assert_eq!((supervisor.next(), supervisor.deadline()), (None, None));
}

#[test]
fn terminate_pauses_drains_stops_and_kills() {
    let (mut supervisor, workers) = serving(limits(2));
    supervisor.request(Request::Terminate, at(5));
    assert!(!supervisor.is_ready());
    assert_eq!((supervisor.phase(), supervisor.deadline()), (Phase::Pausing, Some(at(35))));
    // Serving goes on: who dies is started again, and nobody is exchanged.
    supervisor.exited(workers[0], WorkerExit::Failure, at(10));
    supervisor.reload(at(10));
    assert_eq!(steps(&mut supervisor), []);
    supervisor.handle_timeout(at(20));
    let again = starts(&mut supervisor, &[])[0];
    supervisor.ready(again, at(21));
    supervisor.handle_timeout(at(35));
    assert_eq!(steps(&mut supervisor), [Step::Drain(workers[1]), Step::Drain(again)]);
    assert_eq!(supervisor.deadline(), Some(at(95)));
    supervisor.handle_timeout(at(95));
    assert_eq!(steps(&mut supervisor), [Step::Stop(workers[1]), Step::Stop(again)]);
    supervisor.exited(again, WorkerExit::Failure, at(96));
    assert_eq!(supervisor.deadline(), Some(at(115)));
    supervisor.handle_timeout(at(115));
    assert_eq!(steps(&mut supervisor), [Step::Kill(workers[1])]);
    assert_eq!(supervisor.outcome(), None);
    supervisor.exited(workers[1], WorkerExit::Failure, at(116));
    assert_eq!(supervisor.outcome(), Some(Outcome::Forced));
    assert_eq!((supervisor.next(), supervisor.deadline()), (None, None));
}

#[test]
fn outcomes_say_whether_all_ended_in_order() {
    // How the worker ends, whether it was ready and whether it was told to end at once.
    for (exit, was_ready, is_stopped, expected) in [
        (WorkerExit::Success, true, false, Outcome::Drained),
        (WorkerExit::Failure, true, false, Outcome::Forced),
        (WorkerExit::Success, true, true, Outcome::Forced),
        (WorkerExit::Failure, true, true, Outcome::Forced),
        (WorkerExit::Failure, false, false, Outcome::Drained),
        (WorkerExit::Failure, false, true, Outcome::Drained),
    ] {
        let mut supervisor = Supervisor::new(limits(1), at(0));
        let worker = starts(&mut supervisor, &[])[0];
        if was_ready {
            supervisor.ready(worker, at(0));
        }
        supervisor.request(Request::Terminate, at(0));
        supervisor.handle_timeout(at(30));
        if is_stopped {
            supervisor.request(Request::Terminate, at(31));
        }
        supervisor.exited(worker, exit, at(32));
        assert_eq!(supervisor.outcome(), Some(expected), "{exit:?} {was_ready} {is_stopped}");
    }
    // Nothing to end.
    let mut supervisor = Supervisor::new(limits(1), at(0));
    let worker = starts(&mut supervisor, &[])[0];
    supervisor.exited(worker, WorkerExit::Failure, at(0));
    supervisor.request(Request::Stop, at(1));
    assert_eq!(supervisor.outcome(), Some(Outcome::Drained));
}

#[test]
fn bounds_of_pauses_are_made_sense_of() {
    for (min, max, expected) in [
        (ms(0), ms(3), [1, 2, 3]),
        (ms(0), ms(0), [1, 1, 1]),
        (ms(5), ms(1), [5, 5, 5]),
        (ms(2), ms(100), [2, 4, 8]),
    ] {
        let mut limits = limits(1);
        (limits.restart_backoff_min, limits.restart_backoff_max) = (min, max);
        let (mut supervisor, workers) = serving(limits);
        let (mut worker, mut now) = (workers[0], at(0));
        for pause in expected {
            supervisor.exited(worker, WorkerExit::Failure, now);
            assert_eq!(supervisor.deadline(), Some(now + ms(pause)), "{min:?} {max:?}");
            now = now + ms(pause);
            supervisor.handle_timeout(now);
            worker = starts(&mut supervisor, &[])[0];
            supervisor.ready(worker, now);
        }
    }
}

#[test]
fn display_texts() {
    for (outcome, expected) in [
        (Outcome::Drained, "every worker ended in order"),
        (Outcome::Forced, "a worker was ended by force"),
        (Outcome::StartFailed { failures: 3 }, "no worker could start, in 3 attempts each"),
    ] {
        assert_eq!(outcome.to_string(), expected);
    }
}

/// What a random world does.
#[derive(Clone, Debug)]
enum Call {
    Ready(prop::sample::Index),
    Exited(prop::sample::Index, bool),
    /// A worker that is not there.
    Stale,
    Request(Request),
    Reload,
    Pass(u64),
    ToDeadline,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let request = prop_oneof![
        Just(Request::Terminate),
        Just(Request::Interrupt),
        Just(Request::Drain),
        Just(Request::Stop),
    ];
    let index = any::<prop::sample::Index>;
    let call = prop_oneof![
        40 => index().prop_map(Call::Ready),
        25 => (index(), any::<bool>()).prop_map(|(index, ok)| Call::Exited(index, ok)),
        2 => Just(Call::Stale),
        1 => request.prop_map(Call::Request),
        8 => Just(Call::Reload),
        20 => (0..40_u64).prop_map(Call::Pass),
        30 => Just(Call::ToDeadline),
    ];
    prop::collection::vec(call, 0..120)
}

/// A process as the system sees it.
#[derive(Clone, Copy, Debug)]
struct Process {
    slot: usize,
    is_ready: bool,
    is_told: bool,
    is_stopped: bool,
    started_at: Instant,
}

/// What a driver sees, and what must hold of it.
struct World {
    supervisor: Supervisor,
    limits: SupervisorLimits,
    now: Instant,
    processes: BTreeMap<WorkerId, Process>,
    stale: Option<WorkerId>,
    /// Those that a reload has started and that have not taken over yet.
    incoming: BTreeSet<WorkerId>,
    /// Starts of a reload that are still to come.
    incoming_left: usize,
    /// By slot, when the last worker of it ended.
    ended_at: Vec<Option<Instant>>,
    /// By slot, starts that no reload asked for.
    restarts: Vec<u32>,
}

impl World {
    fn new(workers: usize) -> Self {
        let limits = limits(workers);
        let mut world = Self {
            supervisor: Supervisor::new(limits.clone(), at(0)),
            limits,
            now: at(0),
            processes: BTreeMap::new(),
            stale: None,
            incoming: BTreeSet::new(),
            incoming_left: 0,
            ended_at: vec![None; workers],
            restarts: vec![0; workers],
        };
        world.obey();
        world
    }

    fn pick(&self, index: prop::sample::Index) -> Option<WorkerId> {
        let count = self.processes.len();
        (count > 0).then(|| *self.processes.keys().nth(index.index(count)).unwrap())
    }

    fn exit(&mut self, worker: WorkerId, exit: WorkerExit) {
        let process = self.processes.remove(&worker).unwrap();
        if !process.is_told && !self.incoming.contains(&worker) {
            self.ended_at[process.slot] = Some(self.now);
        }
        self.stale = Some(worker);
        self.supervisor.exited(worker, exit, self.now);
    }

    fn call(&mut self, call: Call) {
        match call {
            Call::Ready(index) => {
                if let Some(worker) = self.pick(index) {
                    self.processes.get_mut(&worker).unwrap().is_ready = true;
                    self.supervisor.ready(worker, self.now);
                }
            }
            Call::Exited(index, ok) => {
                if let Some(worker) = self.pick(index) {
                    self.exit(worker, if ok { WorkerExit::Success } else { WorkerExit::Failure });
                }
            }
            Call::Stale => {
                if let Some(worker) = self.stale {
                    self.supervisor.ready(worker, self.now);
                    self.supervisor.exited(worker, WorkerExit::Success, self.now);
                }
            }
            Call::Request(request) => self.supervisor.request(request, self.now),
            Call::Reload => self.supervisor.reload(self.now),
            Call::Pass(millis) => {
                self.now = self.now + ms(millis);
                self.supervisor.handle_timeout(self.now);
            }
            Call::ToDeadline => {
                self.now = self.supervisor.deadline().unwrap_or(self.now);
                self.supervisor.handle_timeout(self.now);
            }
        }
        self.obey();
    }

    /// Does what the steps say, and checks that they may say it. Killed processes go on until the
    /// world says that they exited.
    fn obey(&mut self) {
        let is_ending = self.supervisor.phase() >= Phase::Draining;
        let mut drained_new = false;
        for step in steps(&mut self.supervisor) {
            match step {
                Step::Start { worker, slot } => self.start(worker, slot, is_ending),
                Step::Drain(worker) => {
                    let process = self.processes.get_mut(&worker).unwrap();
                    assert!(!process.is_told, "told twice");
                    process.is_told = true;
                    if is_ending {
                        self.incoming.remove(&worker);
                    } else if self.incoming.contains(&worker) {
                        drained_new = true;
                    } else if !self.incoming.is_empty() {
                        let is_ready = |new: &WorkerId| self.processes[new].is_ready;
                        assert!(self.incoming.iter().all(is_ready), "the old end too early");
                        assert_eq!(self.incoming.len(), self.limits.workers);
                    }
                }
                Step::Stop(worker) => {
                    let process = self.processes.get_mut(&worker).unwrap();
                    assert!(!process.is_stopped, "stopped twice");
                    (process.is_told, process.is_stopped) = (true, true);
                }
                Step::Kill(worker) => {
                    let process = self.processes.get_mut(&worker).unwrap();
                    let is_late = process.started_at + self.limits.ready_timeout <= self.now;
                    assert!(process.is_stopped || !process.is_ready && is_late, "killed early");
                    process.is_told = true;
                }
                Step::Reloading => {
                    assert!(self.incoming.is_empty() && !is_ending);
                    assert!(self.supervisor.phase() == Phase::Serving);
                    self.incoming_left = self.limits.workers;
                }
                Step::Reloaded => self.incoming.clear(),
                Step::ReloadFailed => {
                    drained_new = false;
                    self.incoming.clear();
                }
                Step::Serving => {}
                other => panic!("{other:?}"),
            }
        }
        assert!(!drained_new, "new workers were told to end without a word");
        self.check();
    }

    fn start(&mut self, worker: WorkerId, slot: usize, is_ending: bool) {
        assert!(!is_ending, "a start after the end has begun");
        if self.incoming_left > 0 {
            self.incoming_left -= 1;
            self.incoming.insert(worker);
        } else {
            self.restarts[slot] += 1;
            if let Some(ended_at) = self.ended_at[slot] {
                let pause = self.now.saturating_duration_since(ended_at);
                assert!(pause >= self.limits.restart_backoff_min, "{pause:?}");
            }
        }
        let process = Process {
            slot,
            is_ready: false,
            is_told: false,
            is_stopped: false,
            started_at: self.now,
        };
        assert!(self.processes.insert(worker, process).is_none(), "a name twice");
    }

    fn check(&self) {
        let workers = self.limits.workers;
        assert!(self.processes.len() <= 2 * workers, "{:?}", self.processes);
        let untold = self.processes.values().filter(|process| !process.is_told);
        let max = if self.incoming.is_empty() { workers } else { 2 * workers };
        assert!(untold.count() <= max, "{:?}", self.processes);
        // Never a spin: not more starts than the shortest pause allows.
        let elapsed = self.now.saturating_duration_since(at(0)).as_millis();
        for restarts in &self.restarts {
            assert!(u128::from(*restarts) <= 1 + elapsed / 10, "{restarts} in {elapsed} ms");
        }
        let deadline = self.supervisor.deadline();
        assert!(deadline.is_none_or(|at| at > self.now), "{deadline:?} at {:?}", self.now);
        assert_eq!(self.supervisor.workers_len(), self.processes.len());
        let is_ended = self.supervisor.outcome().is_some();
        if self.supervisor.phase() >= Phase::Draining {
            assert_eq!(is_ended, self.processes.is_empty());
            assert!(self.processes.values().all(|process| process.is_told));
        }
        assert!(!is_ended || self.processes.is_empty() && deadline.is_none());
        assert!(!(is_ended && self.supervisor.is_ready()));
    }

    /// Ends it: whoever is killed exits, nobody else does.
    fn end(&mut self) {
        self.call(Call::Request(Request::Interrupt));
        for _ in 0..4 {
            self.call(Call::ToDeadline);
        }
        assert_eq!(self.supervisor.deadline(), None, "all are killed by now");
        for worker in self.processes.keys().copied().collect::<Vec<_>>() {
            assert_eq!(self.supervisor.outcome(), None);
            self.exit(worker, WorkerExit::Failure);
            self.obey();
        }
        assert!(self.supervisor.outcome().is_some());
    }
}

proptest! {
    #[test]
    fn any_calls_in_any_order_keep_the_laws(calls in calls(), workers in 1..4_usize) {
        let mut world = World::new(workers);
        for call in calls {
            world.call(call);
            // Told the time again, there is nothing to do.
            world.supervisor.handle_timeout(world.now);
            prop_assert_eq!(world.supervisor.next(), None);
        }
        world.end();
    }

    #[test]
    fn workers_that_always_fail_are_started_less_and_less(workers in 1..4_usize, seconds in 1..5_u64) {
        let mut world = World::new(workers);
        world.limits.start_failures_max = u32::MAX;
        world.supervisor = Supervisor::new(world.limits.clone(), at(0));
        world.processes.clear();
        world.restarts.fill(0);
        world.obey();
        while world.now < at(1000 * seconds) {
            while let Some(worker) = world.processes.keys().next().copied() {
                world.exit(worker, WorkerExit::Failure);
                world.obey();
            }
            world.call(Call::ToDeadline);
        }
        // 10, 20, 40 ms, then 80 ms each.
        for restarts in &world.restarts {
            prop_assert!(u64::from(*restarts) <= 5 + 1000 * seconds / 80);
            prop_assert!(u64::from(*restarts) >= 1000 * seconds / 80);
        }
    }
}
