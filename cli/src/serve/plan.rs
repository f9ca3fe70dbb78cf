use std::num::NonZeroUsize;
use std::thread;

use drywire::admission::AdmissionLimits;
use drywire::datagram::DatagramLimits;
use drywire::shutdown::Phase;
use drywire::{CloseReason, Limits, Peer};
use drywire_std::datagram::DatagramListener;
use drywire_std::processes::{Counts, Farewell, Worker};
use drywire_std::{Listener, Recording, ServeError, ServerHandle, evented, threads};
use signal_hook::iterator::Signals;

use super::admin;
use super::datagrams::ServedDatagrams;
use super::served::Menu;
use super::summary::Summary;
use crate::notify::{State, notify};
use crate::output::Output;
use crate::signals::{self, Commands};

/// All that a server of any kind is made of.
pub(super) struct Plan<O> {
    pub(super) menu: Menu,
    pub(super) recording: Option<Recording>,
    pub(super) limits: Limits,
    pub(super) admission: AdmissionLimits,
    pub(super) threads: Option<NonZeroUsize>,
    pub(super) listeners: Vec<Listener>,
    pub(super) datagram_listeners: Vec<DatagramListener>,
    pub(super) datagram_limits: DatagramLimits,
    pub(super) served_datagrams: ServedDatagrams,
    pub(super) observer: O,
    pub(super) around: Surroundings,
}

/// What goes on beside a server of any kind.
pub(super) struct Surroundings {
    pub(super) admin: Option<Listener>,
    pub(super) signals: Signals,
    pub(super) reload: Box<dyn Fn() + Send>,
    /// Who is to be told that this process serves; the service manager, if it is no worker.
    pub(super) worker: Option<Worker>,
    pub(super) output: Output,
}

/// The servers of all kinds are made alike.
macro_rules! server {
    ($runtime:ident, $plan:expr) => {{
        let menu = $plan.menu;
        let mut server = $runtime::Server::new(move |peer: &Peer| menu.protocol(peer))
            .limits($plan.limits)
            .admission($plan.admission)
            .datagram_limits($plan.datagram_limits)
            .on_close($plan.observer);
        for listener in $plan.listeners {
            server = server.listen(listener);
        }
        if let Some(recording) = $plan.recording {
            server = server.record(recording);
        }
        for listener in $plan.datagram_listeners {
            server = server.listen_datagrams(listener, $plan.served_datagrams);
        }
        server
    }};
}

impl<O: Fn(&Peer, &CloseReason) + Send + Sync + 'static> Plan<O> {
    /// Serves with a thread for each connection.
    pub(super) fn run_threads(self) -> Result<Summary, ServeError> {
        let has_datagrams = !self.datagram_listeners.is_empty();
        let server = server!(threads, self);
        let closing = self.around.begin(&server.handle(), has_datagrams)?;
        Ok(closing.conclude(&server.run()?))
    }

    /// Serves with a loop in each thread; a worker process has one, unless it is told otherwise.
    pub(super) fn run_evented(self) -> Result<Summary, ServeError> {
        let has_datagrams = !self.datagram_listeners.is_empty();
        let available = || match self.around.worker {
            Some(_) => None,
            None => thread::available_parallelism().ok(),
        };
        let count = self.threads.or_else(available).unwrap_or(NonZeroUsize::MIN);
        let server = server!(evented, self).threads(count);
        let closing = self.around.begin(&server.handle(), has_datagrams)?;
        Ok(closing.conclude(&server.run()?))
    }

    /// Serves with a task for each connection.
    pub(super) fn run_smol(self) -> Result<Summary, ServeError> {
        let has_datagrams = !self.datagram_listeners.is_empty();
        let threads = self.threads.or_else(|| thread::available_parallelism().ok());
        let server = server!(drywire_smol, self);
        let server = threads.into_iter().fold(server, drywire_smol::Server::threads);
        let closing = self.around.begin(&server.handle(), has_datagrams)?;
        Ok(closing.conclude(&smol::block_on(server.run())?))
    }
}

impl Surroundings {
    /// Begins it for the server that `handle` holds, which is about to run.
    fn begin(self, handle: &ServerHandle, has_datagrams: bool) -> Result<Closing, ServeError> {
        let Self { admin, signals, reload, worker, output } = self;
        if let Some(listener) = admin {
            admin::serve(listener, handle.clone()).map_err(ServeError::Io)?;
        }
        let (asked, is_worker) = (handle.clone(), worker.is_some());
        let request = move |request| {
            asked.request(request);
            if !is_worker {
                tell_end(asked.phase(), output);
            }
        };
        let commands = Commands { reload, request: Box::new(request) };
        signals::watch(signals, commands).map_err(ServeError::Io)?;
        let Some(worker) = worker else {
            notify(State::Ready, output);
            return Ok(Closing { has_datagrams, farewell: None });
        };
        let (ordered, counted) = (handle.clone(), handle.clone());
        let obey = move |request| ordered.request(request);
        let count = move || {
            let mut counts = Counts::from(counted.statistics());
            counts.datagrams = has_datagrams.then(|| counted.datagram_statistics());
            counts
        };
        let farewell = Some(worker.serve(obey, count).map_err(ServeError::Io)?);
        Ok(Closing { has_datagrams, farewell })
    }
}

fn tell_end(phase: Phase, output: Output) {
    notify(State::Stopping, output);
    if phase == Phase::Pausing {
        output.note("serving on for a pause");
    }
}

/// What is left to be said when a server has ended.
struct Closing {
    has_datagrams: bool,
    /// The supervisor tells what its workers did.
    farewell: Option<Farewell>,
}

impl Closing {
    /// Says it; returns what the server came to.
    fn conclude(self, summary: &drywire_std::Summary) -> Summary {
        let datagrams = self.has_datagrams.then_some(summary.datagrams);
        if let Some(farewell) = self.farewell {
            let mut counts = Counts::from(summary.statistics);
            counts.datagrams = datagrams;
            farewell.finish(counts);
        }
        Summary { drained: summary.drained, statistics: summary.statistics, datagrams }
    }
}
