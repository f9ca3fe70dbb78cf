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
use super::{Listeners, conclude, refused, unprepared};
use crate::args::{Model, ServeArguments};
use crate::exit::{Exit, Stop};
use crate::output::Output;
use crate::signals::{self, Commands};

/// What this process is, if a supervisor has started it.
pub(super) fn inherited(arguments: &ServeArguments) -> Result<Option<Worker>, Stop> {
    match arguments.model() {
        Model::Threads | Model::Evented => Ok(None),
        Model::Processes => Worker::inherited().map_err(|error| Stop::new(Exit::Local, error)),
    }
}

/// How many processes serve.
pub(super) fn count(arguments: &ServeArguments) -> NonZeroUsize {
    let available = || thread::available_parallelism().ok();
    match arguments.model() {
        Model::Threads | Model::Evented => NonZeroUsize::MIN,
        Model::Processes => arguments.workers.or_else(available).unwrap_or(NonZeroUsize::MIN),
    }
}

/// Serves `listeners` with workers.
pub(super) fn supervise(
    arguments: &ServeArguments,
    Listeners { streams, datagrams }: Listeners,
    admin: Option<Listener>,
    certificate: Option<&Certificate>,
    signals: Signals,
    output: Output,
) -> Result<Exit, Stop> {
    let journal = Journal::new(output).map_err(|error| unprepared(&error))?;
    let command = this_program().map_err(|error| unprepared(&error))?;
    let mut supervisor = Supervisor::new(command)
        .map_err(|error| unprepared(&error))?
        .limits(arguments.limits.supervisor(count(arguments)))
        .on_event(journal.observer());
    if let Some(Certificate::Development { certificate, .. }) = certificate {
        supervisor = supervisor.payload(certificate.payload());
    }
    for listener in streams {
        supervisor = supervisor.listen(listener);
    }
    for group in datagrams {
        supervisor = supervisor.listen_datagrams(group);
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
    let (statistics, datagrams) = (handle.statistics(), handle.datagram_statistics());
    conclude(&Summary { drained, statistics, datagrams }, output)
}
