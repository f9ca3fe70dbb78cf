use std::num::NonZeroUsize;
use std::thread;

use drywire::admission::AdmissionLimits;
use drywire::{CloseReason, Limits, Peer};
use drywire_std::{Listener, ServeError};
use signal_hook::iterator::Signals;

use super::served::Served;
use super::summary::Summary;
use crate::signals::{self, Commands};

/// All that a server of either runtime is made of.
pub(super) struct Plan<O> {
    pub(super) served: Served,
    pub(super) limits: Limits,
    pub(super) admission: AdmissionLimits,
    pub(super) threads: Option<NonZeroUsize>,
    pub(super) listeners: Vec<Listener>,
    pub(super) observer: O,
    pub(super) signals: Signals,
    pub(super) reload: Box<dyn Fn() + Send>,
}

/// The servers of both runtimes are made alike.
macro_rules! configured {
    ($plan:expr, $runtime:ident) => {{
        let served = $plan.served;
        let mut server = $runtime::Server::new(move |_: &_| served.clone())
            .limits($plan.limits)
            .admission($plan.admission)
            .on_close($plan.observer);
        for listener in $plan.listeners {
            server = server.listen(listener);
        }
        let (drain, stop) = (server.handle(), server.handle());
        let commands = Commands {
            reload: $plan.reload,
            drain: Box::new(move || drain.drain()),
            stop: Box::new(move || stop.stop()),
        };
        signals::watch($plan.signals, commands).map_err(ServeError::Io)?;
        server
    }};
}

impl<O: Fn(&Peer, &CloseReason) + Send + Sync + 'static> Plan<O> {
    /// Serves with a thread for each connection.
    pub(super) fn run_std(self) -> Result<Summary, ServeError> {
        let summary = configured!(self, drywire_std).run()?;
        Ok(Summary { drained: summary.drained, statistics: summary.statistics })
    }

    /// Serves with a task for each connection.
    pub(super) fn run_smol(self) -> Result<Summary, ServeError> {
        let threads = self.threads.or_else(|| thread::available_parallelism().ok());
        let server = configured!(self, drywire_smol);
        let server = match threads {
            Some(threads) => server.threads(threads),
            None => server,
        };
        let summary = smol::block_on(server.run())?;
        Ok(Summary { drained: summary.drained, statistics: summary.statistics })
    }
}
