use std::env;
use std::io::{self, BufRead, BufReader, Cursor, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::thread;

use drywire::address::Address;
use drywire::datagram::DatagramStatistics;
use drywire::shutdown::Request;
use drywire::statistics::Statistics;
use rustix::process::getppid;
use socket2::{SockRef, Type};

use super::WorkerError;
use super::handover::{self, DRAIN, Handover, READY, REPORT, STOP};
use crate::datagram::DatagramListener;
use crate::listener::{BindError, Listener};

/// The variable that makes a process a worker: the process id of its supervisor.
pub(super) const SUPERVISOR: &str = "DRYWIRE_SUPERVISOR";

/// This process, as the worker of a [`Supervisor`](super::Supervisor).
///
/// Processes that it starts itself must not inherit `DRYWIRE_SUPERVISOR`: they would take
/// themselves for workers, and fail.
///
/// # Examples
/// A program that serves with as many processes as it is told to. It is started again by itself.
///
/// ```no_run
/// use drywire::framing::Lines;
/// use drywire::protocol::Echo;
/// use drywire::supervisor::{Outcome, SupervisorLimits};
/// use drywire_std::processes::{Supervisor, Worker, this_program};
/// use drywire_std::{Listener, Server};
///
/// if let Some(mut worker) = Worker::inherited()? {
///     let mut server = Server::new(|_peer: &_| Echo::new(Lines::new()));
///     for socket in worker.take_sockets() {
///         server = server.listen(socket.listener()?);
///     }
///     let (orders, counts) = (server.handle(), server.handle());
///     let farewell =
///         worker.serve(move |request| orders.request(request), move || counts.statistics())?;
///     let summary = server.run()?;
///     farewell.finish(summary.statistics);
///     std::process::exit(if summary.drained { 0 } else { 1 });
/// }
///
/// let mut limits = SupervisorLimits::new();
/// limits.workers = 4;
/// let outcome = Supervisor::new(this_program()?)?
///     .limits(limits)
///     .listen(Listener::bind(&"tcp://[::]:7007".parse()?)?)
///     .run()?;
/// assert_eq!(outcome, Outcome::Drained);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Worker {
    control: UnixStream,
    slot: usize,
    sockets: Vec<Inherited>,
    payload: Vec<u8>,
    orders: Vec<u8>,
}

/// A socket that a supervisor has bound.
#[derive(Debug)]
pub struct Inherited {
    /// Its address.
    pub address: Address,
    /// The socket, in non-blocking mode if it was when it was handed over.
    pub socket: OwnedFd,
}

impl Worker {
    /// What the supervisor has handed over; `None` if this process has none. For once: a second
    /// call finds nothing any more.
    ///
    /// Standard input is taken for it.
    ///
    /// # Errors
    /// [`WorkerError`].
    pub fn inherited() -> Result<Option<Self>, WorkerError> {
        let Some(supervisor) = env::var_os(SUPERVISOR) else { return Ok(None) };
        let parent = getppid().map(|pid| pid.as_raw_nonzero().to_string());
        if parent.is_none_or(|parent| supervisor != *parent) {
            return Err(WorkerError::SupervisorGone);
        }
        let control = io::stdin().as_fd().try_clone_to_owned().map_err(WorkerError::Io)?;
        SockRef::from(&control)
            .r#type()
            .and_then(|kind| match kind {
                Type::STREAM => Ok(()),
                _ => Err(io::ErrorKind::InvalidInput.into()),
            })
            .map_err(WorkerError::Handover)?;
        let control = UnixStream::from(control);
        let handover = handover::receive(&control).map_err(WorkerError::Handover)?;
        let Handover { slot, sockets, payload, orders } = handover;
        let inherited = |(address, socket)| Inherited { address, socket };
        let sockets = sockets.into_iter().map(inherited).collect();
        Ok(Some(Self { control, slot, sockets, payload, orders }))
    }

    /// The place of this one among the workers, from 0.
    #[must_use]
    pub const fn slot(&self) -> usize {
        self.slot
    }

    /// Takes the sockets, in the order in which the supervisor was given them.
    #[must_use]
    pub fn take_sockets(&mut self) -> Vec<Inherited> {
        std::mem::take(&mut self.sockets)
    }

    /// What the supervisor was given for all its workers.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Tells the supervisor that this worker serves. From now on, in a thread of its own, `obey`
    /// gets what the supervisor orders, [`Request::Drain`], perhaps followed by [`Request::Stop`],
    /// and `count` is asked for the counts whenever somebody wants to know them.
    ///
    /// A supervisor that is gone orders to drain.
    ///
    /// # Errors
    /// Those of the system, if there can be no thread.
    pub fn serve<C: Into<Counts>>(
        self,
        mut obey: impl FnMut(Request) + Send + 'static,
        mut count: impl FnMut() -> C + Send + 'static,
    ) -> io::Result<Farewell> {
        let control = self.control;
        let (orders, answers) = (control.try_clone()?, control.try_clone()?);
        let orders = Cursor::new(self.orders).chain(orders);
        let watch = move || {
            for line in BufReader::new(orders).lines().map_while(Result::ok) {
                match line.as_str() {
                    DRAIN => obey(Request::Drain),
                    STOP => obey(Request::Stop),
                    REPORT => report(&answers, &count().into()),
                    // From a supervisor that is newer than this.
                    _ => {}
                }
            }
            obey(Request::Drain);
        };
        thread::Builder::new().name("supervisor".into()).spawn(watch)?;
        tell(&control, &format!("{READY}\n"));
        Ok(Farewell { control })
    }
}

/// The last words of a [`Worker`].
#[derive(Debug)]
#[must_use = "without last words the worker's counts are those of the last time somebody asked"]
pub struct Farewell {
    control: UnixStream,
}

impl Farewell {
    /// Tells the supervisor the last counts; to be called just before the process ends.
    pub fn finish(self, counts: impl Into<Counts>) {
        report(&self.control, &counts.into());
    }
}

/// What a worker counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Of connections.
    pub statistics: Statistics,
    /// Of datagrams, if it has listeners for them.
    pub datagrams: Option<DatagramStatistics>,
}

impl From<Statistics> for Counts {
    fn from(statistics: Statistics) -> Self {
        Self { statistics, datagrams: None }
    }
}

impl From<&Statistics> for Counts {
    fn from(statistics: &Statistics) -> Self {
        Self::from(*statistics)
    }
}

fn report(to: &UnixStream, counts: &Counts) {
    // First, for the other line is what the supervisor waits for.
    if let Some(datagrams) = &counts.datagrams {
        tell(to, &handover::datagram_report(datagrams));
    }
    tell(to, &handover::report(&counts.statistics));
}

/// If the supervisor is gone, the thread that reads its orders says so.
fn tell(mut control: &UnixStream, line: &str) {
    let _ = control.write_all(line.as_bytes());
}

impl Inherited {
    /// The socket as a listener. With TLS in its address it needs
    /// [`with_tls`](Listener::with_tls).
    ///
    /// # Errors
    /// [`BindError`] if it does not listen, as sockets for datagrams do not.
    pub fn listener(self) -> Result<Listener, BindError> {
        Listener::adopt(self.socket, self.address)
    }

    /// The socket as a listener for datagrams.
    ///
    /// # Errors
    /// [`BindError`] if it is one of byte streams.
    pub fn datagram_listener(self) -> Result<DatagramListener, BindError> {
        DatagramListener::adopt(self.socket, self.address)
    }
}
