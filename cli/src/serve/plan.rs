use std::num::NonZeroUsize;
use std::thread;

use drywire::admission::AdmissionLimits;
use drywire::datagram::DatagramLimits;
use drywire::shutdown::Phase;
use drywire::{CloseReason, Limits, Peer};
use drywire_std::datagram::DatagramListener;
use drywire_std::processes::{Counts, Farewell, Worker};
use drywire_std::{Listener, Recording, ServeError, evented, threads};
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
    pub(super) admin: Option<Listener>,
    pub(super) datagram_listeners: Vec<DatagramListener>,
    pub(super) datagram_limits: DatagramLimits,
    pub(super) served_datagrams: ServedDatagrams,
    pub(super) observer: O,
    pub(super) signals: Signals,
    pub(super) reload: Box<dyn Fn() + Send>,
    /// Who is to be told that this process serves; the service manager, if it is no worker.
    pub(super) worker: Option<Worker>,
    pub(super) output: Output,
}

/// The servers of all kinds are made alike.
macro_rules! configured {
    ($plan:expr, $runtime:ident) => {{
        let has_datagrams = !$plan.datagram_listeners.is_empty();
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
        if let Some(listener) = $plan.admin {
            admin::serve(listener, server.handle()).map_err(ServeError::Io)?;
        }
        for listener in $plan.datagram_listeners {
            server = server.listen_datagrams(listener, $plan.served_datagrams);
        }
        let (handle, output) = (server.handle(), $plan.output);
        let is_worker = $plan.worker.is_some();
        let request = move |request| {
            handle.request(request);
            if !is_worker {
                tell_end(handle.phase(), output);
            }
        };
        let commands = Commands { reload: $plan.reload, request: Box::new(request) };
        signals::watch($plan.signals, commands).map_err(ServeError::Io)?;
        let (handle, counts) = (server.handle(), server.handle());
        let obey = move |request| handle.request(request);
        let farewell = match $plan.worker {
            Some(worker) => {
                let count = move || {
                    let mut counted = Counts::from(counts.statistics());
                    counted.datagrams = has_datagrams.then(|| counts.datagram_statistics());
                    counted
                };
                Some(worker.serve(obey, count).map_err(ServeError::Io)?)
            }
            None => {
                notify(State::Ready, output);
                None
            }
        };
        (server, farewell)
    }};
}

fn tell_end(phase: Phase, output: Output) {
    notify(State::Stopping, output);
    if phase == Phase::Pausing {
        output.note("serving on for a pause");
    }
}

/// The supervisor tells what its workers did.
fn take_leave(farewell: Option<Farewell>, summary: &Summary) {
    if let Some(farewell) = farewell {
        let mut counts = Counts::from(summary.statistics);
        counts.datagrams = summary.datagrams;
        farewell.finish(counts);
    }
}

impl<O: Fn(&Peer, &CloseReason) + Send + Sync + 'static> Plan<O> {
    /// Serves with a thread for each connection.
    pub(super) fn run_threads(self) -> Result<Summary, ServeError> {
        let has_datagrams = !self.datagram_listeners.is_empty();
        let (server, farewell) = configured!(self, threads);
        let summary = server.run()?;
        Ok(summed_up(&summary, has_datagrams, farewell))
    }

    /// Serves with a loop in each thread; a worker process has one, unless it is told otherwise.
    pub(super) fn run_evented(self) -> Result<Summary, ServeError> {
        let has_datagrams = !self.datagram_listeners.is_empty();
        let available = || match self.worker {
            Some(_) => None,
            None => thread::available_parallelism().ok(),
        };
        let count = self.threads.or_else(available).unwrap_or(NonZeroUsize::MIN);
        let (server, farewell) = configured!(self, evented);
        let summary = server.threads(count).run()?;
        Ok(summed_up(&summary, has_datagrams, farewell))
    }

    /// Serves with a task for each connection.
    pub(super) fn run_smol(self) -> Result<Summary, ServeError> {
        let has_datagrams = !self.datagram_listeners.is_empty();
        let threads = self.threads.or_else(|| thread::available_parallelism().ok());
        let (server, farewell) = configured!(self, drywire_smol);
        let server = match threads {
            Some(threads) => server.threads(threads),
            None => server,
        };
        let summary = smol::block_on(server.run())?;
        Ok(summed_up(&summary, has_datagrams, farewell))
    }
}

/// What a server came to.
fn summed_up(
    summary: &drywire_std::Summary,
    has_datagrams: bool,
    farewell: Option<Farewell>,
) -> Summary {
    let datagrams = has_datagrams.then_some(summary.datagrams);
    let (drained, statistics) = (summary.drained, summary.statistics);
    let summary = Summary { drained, statistics, datagrams };
    take_leave(farewell, &summary);
    summary
}
