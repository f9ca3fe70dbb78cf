//! Threads that have served one connection and may serve another.
//!
//! To begin and end a thread costs more than an echo. One that is done waits a while for the next
//! connection; only if none waits another is begun.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a thread waits for a connection before it ends.
const IDLE_TIME_MAX: Duration = Duration::from_secs(1);

/// Threads that wait at most. What they have touched of their stacks is kept.
const WAITING_MAX: usize = 64;

#[derive(Debug)]
pub(super) struct Crew<J> {
    state: Mutex<State<J>>,
    called: Condvar,
}

#[derive(Debug)]
struct State<J> {
    /// Threads that wait, those that have been called among them.
    waiting: usize,
    /// What they have been called for: never more than they are.
    jobs: VecDeque<J>,
    is_dismissed: bool,
}

impl<J> Crew<J> {
    pub(super) const fn new() -> Self {
        let state = State { waiting: 0, jobs: VecDeque::new(), is_dismissed: false };
        Self { state: Mutex::new(state), called: Condvar::new() }
    }

    /// Gives `job` to a thread that waits.
    ///
    /// # Errors
    /// The job, if none does.
    pub(super) fn give(&self, job: J) -> Result<(), J> {
        let mut state = self.state();
        if state.jobs.len() >= state.waiting {
            return Err(job);
        }
        state.jobs.push_back(job);
        drop(state);
        self.called.notify_one();
        Ok(())
    }

    /// Waits for a job. None if the thread is to end.
    pub(super) fn take(&self) -> Option<J> {
        let mut state = self.state();
        if state.is_dismissed || state.waiting >= WAITING_MAX {
            return None;
        }
        state.waiting += 1;
        let is_idle = |state: &mut State<J>| state.jobs.is_empty() && !state.is_dismissed;
        let waited = self.called.wait_timeout_while(state, IDLE_TIME_MAX, is_idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        state.jobs.pop_front()
    }

    /// Lets the threads end that wait, and those that would.
    pub(super) fn dismiss(&self) {
        self.state().is_dismissed = true;
        self.called.notify_all();
    }

    /// No call within panics, so that a poisoned lock means nothing.
    fn state(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn jobs_are_given_to_those_who_wait_and_to_nobody_else() {
        let crew = Crew::new();
        assert_eq!(crew.give(1), Err(1));
        thread::scope(|scope| {
            let workers: Vec<_> = (0..3).map(|_| scope.spawn(|| crew.take())).collect();
            while crew.state().waiting < 3 {
                thread::yield_now();
            }
            // They may not have woken up yet: each is called once.
            let given = (0..4).filter(|job| crew.give(*job).is_ok()).count();
            assert_eq!(given, 3);
            let mut taken: Vec<_> =
                workers.into_iter().filter_map(|worker| worker.join().unwrap()).collect();
            taken.sort_unstable();
            assert_eq!(taken.len(), 3);
            taken.dedup();
            assert_eq!(taken.len(), 3);
        });
    }

    #[test]
    fn those_who_are_dismissed_end_but_do_what_they_were_called_for() {
        let crew = Crew::new();
        thread::scope(|scope| {
            let workers: Vec<_> = (0..2).map(|_| scope.spawn(|| crew.take())).collect();
            while crew.state().waiting < 2 {
                thread::yield_now();
            }
            crew.give(7).unwrap();
            crew.dismiss();
            let taken: Vec<_> = workers.into_iter().map(|worker| worker.join().unwrap()).collect();
            assert!(taken == [Some(7), None] || taken == [None, Some(7)], "{taken:?}");
        });
        assert_eq!(crew.take(), None);
    }

    #[test]
    fn nobody_waits_for_ever_nor_more_than_are_wanted() {
        let crew = Crew::<u8>::new();
        crew.state().waiting = WAITING_MAX;
        assert_eq!(crew.take(), None);
        crew.state().waiting = WAITING_MAX - 1;
        assert_eq!(crew.take(), None);
        assert_eq!(crew.state().waiting, WAITING_MAX - 1);
    }
}
