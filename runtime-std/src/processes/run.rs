//! The loop of a supervisor: steps of the core into processes, and back.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use drywire::datagram::DatagramStatistics;
use drywire::shutdown::Phase;
use drywire::statistics::Statistics;
use drywire::supervisor::{Outcome, Step, Supervisor as Machine, WorkerExit, WorkerId};
use rustix::event::{PollFd, PollFlags};

use super::handle::{Control, News};
use super::handover::{self, DRAIN, STOP};
use super::process::Process;
use super::{Counts, Event, Supervisor};
use crate::clock::Clock;
use crate::wait::{is_readable, wait};

/// A supervisor that runs.
pub(super) struct Running {
    machine: Machine,
    clock: Clock,
    processes: Vec<Process>,
    phase: Phase,
    /// The counts of workers that have exited.
    past: Statistics,
    past_datagrams: Option<DatagramStatistics>,
    /// The round of reports that somebody waits for.
    round: Option<u64>,
    control: Arc<Control>,
    setup: Supervisor,
}

impl Running {
    pub(super) fn new(setup: Supervisor) -> Self {
        let clock = setup.control.clock;
        setup.control.set_running(true);
        Self {
            machine: Machine::new(setup.limits.clone(), clock.now()),
            clock,
            processes: Vec::new(),
            phase: Phase::Serving,
            past: Statistics::new(),
            past_datagrams: None,
            round: None,
            control: Arc::clone(&setup.control),
            setup,
        }
    }

    pub(super) fn run(mut self) -> io::Result<Outcome> {
        loop {
            while let Some(step) = self.machine.next() {
                self.take(step);
            }
            self.note();
            if let Some(outcome) = self.machine.outcome() {
                return Ok(outcome);
            }
            self.wait()?;
            for news in self.control.take() {
                self.heed(news);
            }
            self.answer();
            self.machine.handle_timeout(self.clock.now());
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Start { worker, slot } => self.start(worker, slot),
            Step::Drain(worker) => self.with(worker, |process| process.order(DRAIN)),
            Step::Stop(worker) => self.with(worker, |process| process.order(STOP)),
            Step::Kill(worker) => self.with(worker, Process::kill),
            Step::Serving => self.tell(&Event::Serving),
            Step::Reloading => self.tell(&Event::Reloading),
            Step::Reloaded => self.tell(&Event::Reloaded),
            Step::ReloadFailed => self.tell(&Event::ReloadFailed),
            // None that this version of the core has.
            _ => {}
        }
    }

    fn with(&mut self, worker: WorkerId, act: impl FnOnce(&mut Process)) {
        if let Some(process) = self.processes.iter_mut().find(|known| known.worker == worker) {
            act(process);
        }
    }

    fn tell(&mut self, event: &Event<'_>) {
        (self.setup.observer)(event);
    }

    fn start(&mut self, worker: WorkerId, slot: usize) {
        match self.spawn(worker, slot) {
            Ok(process) => {
                let pid = process.id().as_raw_nonzero().get().unsigned_abs();
                self.processes.push(process);
                self.tell(&Event::Started { worker, slot, pid });
            }
            Err(error) => {
                self.tell(&Event::StartFailed { worker, slot, error: &error });
                self.machine.exited(worker, WorkerExit::Failure, self.clock.now());
            }
        }
    }

    fn spawn(&mut self, worker: WorkerId, slot: usize) -> io::Result<Process> {
        let (control, stdin) = UnixStream::pair()?;
        let sockets = self.setup.sources.iter().filter_map(|source| source.of(slot));
        handover::send(&control, slot, sockets, &self.setup.payload)?;
        Process::start(worker, (self.setup.command)(), control, stdin, &self.control)
    }

    /// Publishes what has changed.
    fn note(&mut self) {
        self.control.set_ready(self.machine.is_ready());
        let phase = self.machine.phase();
        if phase == self.phase {
            return;
        }
        self.phase = phase;
        if phase >= Phase::Draining {
            // Nobody who comes now would be served.
            self.setup.sources.clear();
        }
        self.tell(&Event::Ending(phase));
    }

    /// Waits for news, for what workers tell, and until the deadline.
    fn wait(&mut self) -> io::Result<()> {
        let deadline = self.machine.deadline();
        let timeout = deadline.and_then(|at| self.clock.until(at));
        let talking = self.processes.iter_mut().filter(|process| process.control.is_some());
        let mut talking: Vec<_> = talking.collect();
        let controls = talking.iter().filter_map(|process| process.control.as_ref());
        let mut fds = vec![PollFd::new(&self.control.bell, PollFlags::IN)];
        fds.extend(controls.map(|control| PollFd::new(control, PollFlags::IN)));
        wait(&mut fds, timeout)?;
        let told: Vec<_> = fds.iter().skip(1).map(is_readable).collect();
        let told = talking.iter_mut().zip(told).filter(|(_, is_told)| *is_told);
        let ready: Vec<_> = told
            .filter_map(|(process, _)| process.hear().then(|| (process.worker, process.id())))
            .collect();
        for (worker, pid) in ready {
            self.ready(worker, pid.as_raw_nonzero().get().unsigned_abs());
        }
        Ok(())
    }

    /// Who hears of it finds it so.
    fn ready(&mut self, worker: WorkerId, pid: u32) {
        self.machine.ready(worker, self.clock.now());
        self.control.set_ready(self.machine.is_ready());
        self.tell(&Event::Ready { worker, pid });
    }

    /// Tells who waits for counts what has been reported, and that it is all if it is.
    fn answer(&mut self) {
        let Some(round) = self.round else { return };
        let is_all = !self.processes.iter().any(|process| process.is_asked);
        self.control.publish(self.counts(), is_all.then_some(round));
        if is_all {
            self.round = None;
        }
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts::from(self.past);
        counts.datagrams = self.past_datagrams;
        for process in &self.processes {
            counts.statistics += process.statistics;
            counts.datagrams = joined(counts.datagrams, process.datagrams);
        }
        counts
    }

    fn heed(&mut self, news: News) {
        let now = self.clock.now();
        match news {
            News::Request(request) => self.machine.request(request, now),
            News::Reload => self.machine.reload(now),
            News::Report(round) => {
                self.processes.iter_mut().for_each(Process::ask);
                self.round = Some(round);
            }
            News::Exited(worker) => {
                let index = self.processes.iter().position(|known| known.worker == worker);
                let Some(index) = index else { return };
                let mut process = self.processes.remove(index);
                let pid = process.id().as_raw_nonzero().get().unsigned_abs();
                // Its last words, which may be its first too.
                if process.hear() {
                    self.ready(worker, pid);
                }
                process.statistics.active = 0;
                self.past += process.statistics;
                self.past_datagrams = joined(self.past_datagrams, process.datagrams);
                let status = process.reap();
                let is_success = status.as_ref().is_ok_and(std::process::ExitStatus::success);
                self.tell(&Event::Exited { worker, pid, status: status.ok() });
                let exit = if is_success { WorkerExit::Success } else { WorkerExit::Failure };
                self.machine.exited(worker, exit, now);
            }
        }
    }
}

fn joined(
    one: Option<DatagramStatistics>,
    other: Option<DatagramStatistics>,
) -> Option<DatagramStatistics> {
    let (Some(mut sum), Some(other)) = (one, other) else { return one.or(other) };
    sum += other;
    Some(sum)
}

/// Where the system refuses to wait, or a protocol's observer panics.
impl Drop for Running {
    fn drop(&mut self) {
        for process in &mut self.processes {
            process.kill();
            let _ = process.reap();
        }
        self.control.set_ready(false);
        self.control.publish(self.counts(), None);
        self.control.set_running(false);
    }
}
