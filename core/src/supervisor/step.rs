use core::fmt;

/// One worker of a supervisor; never used again for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(pub(super) u64);

/// What the driver shall do, or may tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Start a process. If that fails, report it as one that exited.
    Start {
        /// Its name from now on.
        worker: WorkerId,
        /// Its place among the workers, from 0.
        slot: usize,
    },
    /// Tell it to end in order.
    Drain(WorkerId),
    /// Tell it to end at once.
    Stop(WorkerId),
    /// End it by the means of the system.
    Kill(WorkerId),
    /// To tell: for the first time a worker is ready.
    Serving,
    /// To tell: new workers are being started.
    Reloading,
    /// To tell: the new workers are ready, and the old ones are on their way to the end.
    Reloaded,
    /// To tell: the new workers could not start, and the old ones stay.
    ReloadFailed,
}

/// How a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerExit {
    /// By itself and in order; while draining, with nothing ended by force.
    Success,
    /// In any other way.
    Failure,
}

/// How a supervisor ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It was asked to, and every worker ended in order.
    Drained,
    /// It was asked to, and something was ended by force.
    Forced,
    /// No worker could start.
    StartFailed {
        /// How often each has tried, at least.
        failures: u32,
    },
}

impl WorkerId {
    /// How many workers were started before.
    #[must_use]
    pub const fn index(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drained => f.write_str("every worker ended in order"),
            Self::Forced => f.write_str("a worker was ended by force"),
            Self::StartFailed { failures } => {
                write!(f, "no worker could start, in {failures} attempts each")
            }
        }
    }
}
