//! `drywire serve --model processes`: the supervisor. Its workers are this program again.

use std::num::NonZeroUsize;
use std::thread;

use drywire::supervisor::Outcome;
use drywire_std::Listener;
use drywire_std::processes::{Supervisor, Worker, this_program};
use signal_hook::iterator::Signals;

use super::admin;
use super::journal::Journal;
use super::start::Certificate;
use super::summary::Summary;
use super::{conclude, refused, unprepared};
use crate::args::{Model, ServeArguments};
use crate::exit::{Exit, Stop};
use crate::output::Output;
use crate::signals::{self, Commands};

/// What this process is, if a supervisor has started it.
pub(super) fn inherited(arguments: &ServeArguments) -> Result<Option<Worker>, Stop> {
    match arguments.model {
        Model::Threads => Ok(None),
        Model::Processes => Worker::inherited().map_err(|error| Stop::new(Exit::Local, error)),
    }
}

/// Serves `listeners` with workers.
pub(super) fn supervise(
    arguments: &ServeArguments,
    listeners: Vec<Listener>,
    admin: Option<Listener>,
    certificate: Option<&Certificate>,
    signals: Signals,
    output: Output,
) -> Result<Exit, Stop> {
    let available = || thread::available_parallelism().ok();
    let workers = arguments.workers.or_else(available).unwrap_or(NonZeroUsize::MIN);
    let journal = Journal::new(output).map_err(|error| unprepared(&error))?;
    let command = this_program().map_err(|error| unprepared(&error))?;
    let mut supervisor = Supervisor::new(command)
        .map_err(|error| unprepared(&error))?
        .limits(arguments.limits.supervisor(workers))
        .on_event(journal.observer());
    if let Some(Certificate::Development { certificate, .. }) = certificate {
        supervisor = supervisor.payload(certificate.payload());
    }
    for listener in listeners {
        supervisor = supervisor.listen(listener);
    }
    let (reload, request, handle) = (supervisor.handle(), supervisor.handle(), supervisor.handle());
    if let Some(listener) = admin {
        admin::serve(listener, supervisor.handle()).map_err(|error| unprepared(&error))?;
    }
    let commands = Commands {
        reload: Box::new(move || reload.reload()),
        request: Box::new(move |asked| request.request(asked)),
    };
    signals::watch(signals, commands).map_err(|error| unprepared(&error))?;
    let outcome = supervisor.run();
    journal.finish();
    let drained = match outcome.map_err(refused)? {
        Outcome::Drained => true,
        Outcome::Forced => false,
        outcome => return Err(Stop::new(Exit::Failed, outcome)),
    };
    let statistics = handle.statistics();
    conclude(&Summary { drained, statistics, datagrams: None }, output)
}
