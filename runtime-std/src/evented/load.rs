use std::io;
use std::thread;
use std::time::Duration;

use drywire::framing::ByteFraming;
use drywire::load::{Asker, Load, Record};
use drywire::{CloseReason, Error, Instant};

use super::clients::{Clients, Ended, News, Target};
use crate::error::ConnectError;

/// Why a load had no connection, or lost one.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadFailure {
    /// It was never made.
    Connect(ConnectError),
    /// It ended before its time.
    Closed(CloseReason),
    /// The system refuses to wait.
    Io(io::Error),
}

/// Puts `load` on `target`, until it is over and its connections have ended.
///
/// `chunked` is for a framing whose frames are chunks, such as [`Raw`](drywire::framing::Raw).
/// `observe` is called every `interval` or so, at the beginning and at the end. An
/// [`Alarm`](super::Alarm) of the loop ends asking, and connecting; one that comes when asking is over
/// ends waiting for answers.
///
/// Returns why the first connection was lost, if one was.
///
/// # Errors
/// [`LoadFailure`]: there never was a connection, the framing refuses such requests, or the system
/// refuses to wait.
pub fn run_load<F, R>(
    clients: &mut Clients<Asker<F, R>>,
    target: &Target,
    framing: &F,
    chunked: bool,
    load: &Load<R>,
    interval: Duration,
    mut observe: impl FnMut(&Load<R>, Instant),
) -> Result<Option<LoadFailure>, LoadFailure>
where
    F: ByteFraming + Clone,
    R: Record,
{
    let clock = clients.clock();
    let mut first = None;
    let mut look_at = clock.now();
    loop {
        let now = clock.now();
        while let Some(asker) = load.next_asker(framing.clone(), now) {
            let asker = if chunked { asker.over_chunks() } else { asker };
            clients.connect(target, asker);
        }
        if now >= look_at {
            observe(load, now);
            look_at = now + interval;
        }
        if load.is_over(now) && clients.is_empty() {
            observe(load, now);
            return Ok(first);
        }
        let at = load.deadline().map_or(look_at, |deadline| deadline.min(look_at));
        match clients.next_until(at).map_err(LoadFailure::Io)? {
            News::Ended(ended) => {
                let failure = failure(load, ended);
                // What was wrong from the beginning will not get better.
                if load.opened() == 0 || is_refused::<F, R>(failure.as_ref()) {
                    if let Some(failure) = failure {
                        return Err(failure);
                    }
                } else if first.is_none() {
                    first = failure;
                }
            }
            News::Called => {
                let now = clock.now();
                let was_over = load.is_over(now);
                load.stop(now);
                clients.stop_connecting();
                clients.each(|_, asker, handle| match was_over {
                    false => asker.poll(handle),
                    true => asker.give_up(handle),
                });
            }
            News::Idle => {
                if let Some(left) = clock.until(at) {
                    thread::sleep(left);
                }
            }
            News::Due => {}
        }
    }
}

/// Whether the framing refuses the requests of the load.
fn is_refused<F, R>(failure: Option<&LoadFailure>) -> bool {
    let Some(LoadFailure::Closed(CloseReason::Failed(Error::Local(code)))) = failure else {
        return false;
    };
    *code == Asker::<F, R>::NOT_ENCODABLE
}

fn failure<F, R: Record>(load: &Load<R>, ended: Ended<Asker<F, R>>) -> Option<LoadFailure> {
    match ended.outcome {
        Err(error) => {
            load.connect_failed(&ended.protocol, ended.ended_at);
            Some(LoadFailure::Connect(error))
        }
        // As asked for, or given up: the load counts what that left open.
        Ok(
            CloseReason::Closed
            | CloseReason::Stopped
            | CloseReason::Finished
            | CloseReason::LingerExpired
            | CloseReason::Aborted,
        ) => None,
        Ok(reason) => Some(LoadFailure::Closed(reason)),
    }
}
