//! Worker processes: a supervisor that binds, and starts a program several times to serve.
//!
//! A worker that fails takes only its own connections with it, and is started again. New workers,
//! of a new version of the program or with new files, take over without a connection refused:
//! the sockets are the supervisor's and stay.
//!
//! A worker is the program of its supervisor, started again, in which [`Worker::inherited`] finds
//! something. What it runs is its own affair: a [`Server`](crate::Server) of this crate or one of
//! drywire-smol, with listeners that are handed over.
//!
//! What is started and ended and when is decided by [`drywire::supervisor`].
//!
//! # Who serves whom
//!
//! All workers wait for the same sockets, and the system gives a connection to the one that asks
//! first: under load to one that has nothing else to do. A few connections that come at once may
//! all be one worker's, and stay with it. Nobody is assigned to a worker that is busy or gone.
//!
//! Datagrams are another matter, for what is known of a source must be in one place: each worker
//! has a socket of its own, and the system chooses by the source. The sockets are the supervisor's,
//! so that what arrives for a worker that died is the next one's in its slot. See
//! [`listen_datagrams`](Supervisor::listen_datagrams).
//!
//! # How they talk
//!
//! A worker's standard input is a socket. Over it come the bound sockets as descriptors
//! (SCM_RIGHTS), which needs no unsafe code and names no numbers; then, as lines of text, orders one
//! way and readiness the other. A worker whose supervisor is gone drains. Signals are the
//! program's; to a worker only SIGKILL is ever sent, when it does not obey in time.

// In the order of reading: `run` is the supervisor's loop, `process` one of its workers and `handle`
// its handles' side; `handover` is what passes between it and a worker, and `worker` the other end.
mod error;
mod handle;
mod handover;
mod process;
mod run;
mod worker;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus};
use std::sync::{Arc, PoisonError};

use drywire::address::Address;
use drywire::shutdown::Phase;
use drywire::supervisor::{Outcome, SupervisorLimits, WorkerId};

use crate::datagram::DatagramListener;
use crate::error::ServeError;
use crate::listener::Listener;
use crate::signal::Bell;
pub use error::WorkerError;
use handle::Control;
pub use handle::SupervisorHandle;
use run::Running;
pub use worker::{Counts, Farewell, Inherited, Worker};

/// Starts worker processes and sees them to their end; [`Worker`] has an example.
#[must_use = "a supervisor does nothing before it runs"]
pub struct Supervisor {
    command: Box<dyn FnMut() -> Command + Send>,
    limits: SupervisorLimits,
    sources: Vec<Source>,
    payload: Vec<u8>,
    observer: Box<Observer>,
    control: Arc<Control>,
}

/// A socket to hand over.
#[derive(Debug)]
enum Source {
    Listener(Listener),
    Socket(Address, OwnedFd),
    /// One for each slot from the first on, and for no other. There is at least one.
    Datagrams(Vec<DatagramListener>),
}

impl Source {
    /// What the worker in `slot` gets.
    fn of(&self, slot: usize) -> Option<(&Address, BorrowedFd<'_>)> {
        match self {
            Self::Listener(listener) => Some((listener.address(), listener.parts().socket.as_fd())),
            Self::Socket(address, socket) => Some((address, socket.as_fd())),
            Self::Datagrams(listeners) => {
                let listener = listeners.get(slot)?;
                Some((listener.address(), listener.parts().socket.as_fd()))
            }
        }
    }

    /// How many slots get something.
    fn slots(&self) -> usize {
        match self {
            Self::Listener(_) | Self::Socket(..) => usize::MAX,
            Self::Datagrams(listeners) => listeners.len(),
        }
    }
}

/// Is told of everything.
type Observer = dyn FnMut(&Event<'_>) + Send;

/// What a supervisor tells.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A worker's process was started.
    Started {
        /// The worker.
        worker: WorkerId,
        /// Its place among the workers.
        slot: usize,
        /// Its process.
        pid: u32,
    },
    /// A worker's process could not be started.
    StartFailed {
        /// The worker.
        worker: WorkerId,
        /// Its place among the workers.
        slot: usize,
        /// What the system says.
        error: &'a io::Error,
    },
    /// A worker serves.
    Ready {
        /// The worker.
        worker: WorkerId,
        /// Its process.
        pid: u32,
    },
    /// A worker's process has exited.
    Exited {
        /// The worker.
        worker: WorkerId,
        /// What its process was.
        pid: u32,
        /// How. None if somebody else has waited for it.
        status: Option<ExitStatus>,
    },
    /// For the first time a worker serves.
    Serving,
    /// New workers are being started.
    Reloading,
    /// The new workers serve, and the old ones are on their way to the end.
    Reloaded,
    /// The new workers could not start, and the old ones stay.
    ReloadFailed,
    /// The end has come to a new phase.
    Ending(Phase),
}

impl Supervisor {
    /// A supervisor of workers that `command` says how to start. Standard input, process group and
    /// the variable `DRYWIRE_SUPERVISOR` are set by the supervisor.
    ///
    /// # Errors
    /// Those of the system, when it is out of descriptors.
    pub fn new(command: impl FnMut() -> Command + Send + 'static) -> io::Result<Self> {
        Ok(Self {
            command: Box::new(command),
            limits: SupervisorLimits::new(),
            sources: Vec::new(),
            payload: Vec::new(),
            observer: Box::new(|_| {}),
            control: Arc::new(Control::new(Bell::new()?)),
        })
    }

    /// Sets how many workers there are, and the other limits.
    pub fn limits(mut self, limits: SupervisorLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Hands `listener` over to every worker. There may be several, of any kind. A configuration of
    /// TLS is not handed over.
    pub fn listen(mut self, listener: Listener) -> Self {
        self.sources.push(Source::Listener(listener));
        self
    }

    /// Hands over a socket of any kind that is bound already, for datagrams say.
    pub fn hand_over(mut self, address: Address, socket: OwnedFd) -> Self {
        self.sources.push(Source::Socket(address, socket));
        self
    }

    /// Hands `listeners`, which have one address, over to one worker each: the first to the one in
    /// the first slot, and so on. A worker that comes later takes its slot's over with what has
    /// arrived. Other workers get none.
    ///
    /// That is for what a server must know about a source, such as how much it sends: one process
    /// serves all its datagrams, if the listeners come from
    /// [`bind_group`](DatagramListener::bind_group).
    pub fn listen_datagrams(
        mut self,
        listeners: impl IntoIterator<Item = DatagramListener>,
    ) -> Self {
        let listeners: Vec<_> = listeners.into_iter().collect();
        if !listeners.is_empty() {
            self.sources.push(Source::Datagrams(listeners));
        }
        self
    }

    /// Hands `payload` over to every worker: see [`Worker::payload`]. Some 64 KiB are no problem.
    pub fn payload(mut self, payload: Vec<u8>) -> Self {
        self.payload = payload;
        self
    }

    /// Tells `observer` what happens, in the supervisor's thread: it must not block.
    pub fn on_event(mut self, observer: impl FnMut(&Event<'_>) + Send + 'static) -> Self {
        self.observer = Box::new(observer);
        self
    }

    /// A handle to end or reload the workers.
    #[must_use]
    pub fn handle(&self) -> SupervisorHandle {
        SupervisorHandle::new(Arc::clone(&self.control))
    }

    /// Supervises until the workers were asked to end and have ended, or none can start.
    ///
    /// There are no more workers than get a socket.
    ///
    /// The process must not reap children that it does not know.
    ///
    /// # Errors
    /// [`ServeError`]: before a worker was started or, if the system refuses to wait, after all of
    /// them were killed.
    /// # Panics
    /// If the observer did, after all workers were killed.
    pub fn run(mut self) -> Result<Outcome, ServeError> {
        let slots = self.sources.iter().map(Source::slots).max();
        let slots = slots.ok_or(ServeError::ListenerMissing)?;
        self.limits.workers = self.limits.workers.min(slots);
        let named = self.sources.iter().filter_map(|source| source.of(0));
        let names = named.map(|(address, _)| address.to_string()).collect();
        *self.control.listeners.lock().unwrap_or_else(PoisonError::into_inner) = names;
        Running::new(self).run().map_err(ServeError::Io)
    }
}

/// Starts this program again, with its arguments, its environment but for what service managers
/// hand over, and whatever file is in its place then.
///
/// # Errors
/// Those of the system, if it does not know the program's file.
pub fn this_program() -> io::Result<impl FnMut() -> Command + Send + 'static> {
    let program = std::env::current_exe()?;
    let arguments: Vec<OsString> = std::env::args_os().collect();
    Ok(move || {
        let mut command = Command::new(&program);
        if let Some((name, arguments)) = arguments.split_first() {
            command.arg0(name).args(arguments);
        }
        for name in ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET"] {
            command.env_remove(name);
        }
        command
    })
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor")
            .field("limits", &self.limits)
            .field("sources", &self.sources)
            .field("control", &self.control)
            .finish_non_exhaustive()
    }
}
