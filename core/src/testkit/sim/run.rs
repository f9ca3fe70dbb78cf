//! Running, within bounds.

use core::time::Duration;

use super::end::{Ended, Overrun};
use super::sim::Sim;
use crate::time::Instant;

/// Running.
impl Sim {
    /// Lets the next thing happen. Returns false if nothing ever will.
    ///
    /// # Errors
    /// [`Overrun`] if the run would take more than it may.
    ///
    /// # Panics
    /// When a connection contradicts itself, or a protocol panics.
    pub fn step(&mut self) -> Result<bool, Overrun> {
        let due = self.agenda.first();
        let fault_at = self.faults.last().map(|(at, _)| *at);
        let Some(at) = due.map(|(at, _)| at).into_iter().chain(fault_at).min() else {
            return Ok(false);
        };
        if at > self.bounds.time_max {
            return Err(Overrun::Time { max: self.bounds.time_max });
        }
        if self.log.totals.events >= self.bounds.events_max {
            return Err(Overrun::Events { max: self.bounds.events_max });
        }
        self.log.totals.events += 1;
        self.now = self.now.max(at);
        if fault_at == Some(at) {
            if let Some((_, fault)) = self.faults.pop() {
                self.strike(&fault);
            }
            return Ok(true);
        }
        let Some((_, node)) = due else { return Ok(false) };
        self.agenda.take_first();
        self.work(node)?;
        Ok(true)
    }

    /// Runs until all nodes are closed and nothing is under way, or nothing will ever happen.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    ///
    /// # Panics
    /// As [`step`](Self::step).
    pub fn run(&mut self) -> Result<Ended, Overrun> {
        self.run_until(|_| false)
    }

    /// Runs until `done`, or as [`run`](Self::run).
    ///
    /// # Errors
    /// As [`step`](Self::step).
    ///
    /// # Panics
    /// As [`step`](Self::step).
    pub fn run_until(&mut self, mut done: impl FnMut(&Self) -> bool) -> Result<Ended, Overrun> {
        loop {
            if done(self) {
                return Ok(Ended::Done);
            }
            if self.next_at().is_some_and(|at| at > self.bounds.ends_at) {
                return Ok(Ended::TimeUp);
            }
            if !self.step()? {
                return Ok(if self.open == 0 { Ended::AllClosed } else { Ended::Quiet });
            }
        }
    }

    /// Runs for so long, whatever happens.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    ///
    /// # Panics
    /// As [`step`](Self::step).
    pub fn pass(&mut self, time: Duration) -> Result<(), Overrun> {
        let until = self.now + time;
        while self.next_at().is_some_and(|at| at <= until) {
            self.step()?;
        }
        self.now = until;
        Ok(())
    }

    /// When the next thing happens.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        let fault = self.faults.last().map(|(at, _)| *at);
        self.agenda.first().map(|(at, _)| at).into_iter().chain(fault).min()
    }
}
