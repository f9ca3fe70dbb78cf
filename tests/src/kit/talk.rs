//! Scripts for adapters whose clients are streams of frames that are driven by calls.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::task::{Context, Poll, Wake};
use std::time::Duration;

use drywire::CloseReason;
use drywire_std::{ConnectError, Error};

use super::runtime::CallError;
use super::verdict::Unsupported;
use crate::adapter::Talk;
use crate::protocol::{Behaviour, Event, POURED, Script};

/// Connects and behaves as `script` says, to the end of the conversation, and tells what happens.
///
/// # Errors
/// [`CallError`]: that of the adapter's client, or that a stream of frames has no such behaviour.
pub fn converse(
    script: &Script,
    connect: impl FnOnce() -> Result<Box<dyn Talk>, ConnectError>,
) -> Result<CloseReason, CallError> {
    match script.behaviour {
        Behaviour::Fail(_) => return Err(Unsupported("calls do not fail a connection").into()),
        Behaviour::Hold => return Err(Unsupported("calls wait only for what they are for").into()),
        Behaviour::Tick(_) => return Err(Unsupported("calls have no timer of their own").into()),
        _ => {}
    }
    let reason = match connect() {
        Ok(talk) => {
            script.open_here();
            script.tell(Event::Open(talk.negotiated().map(|agreed| Box::new(agreed.clone()))));
            behave(talk, script)?
        }
        Err(ConnectError::Closed(reason)) => reason,
        Err(error) => return Err(std::io::Error::other(error.to_string()).into()),
    };
    script.tell(Event::Closed(reason.clone()));
    Ok(reason)
}

fn behave(mut talk: Box<dyn Talk>, script: &Script) -> Result<CloseReason, CallError> {
    // A failure is told again by the end.
    let outcome = if script.behaviour == Behaviour::Abort {
        let frame = talk.recv();
        if let Ok(Some(frame)) = frame {
            script.tell(Event::Frame(frame));
            talk.abort();
            return Ok(CloseReason::Aborted);
        }
        frame.map(drop)
    } else {
        exchange(talk.as_mut(), script.behaviour, script)
    };
    match outcome {
        Ok(()) | Err(Error::Send(_)) => {}
        Err(Error::Closed(reason)) => stays(talk.as_mut(), &reason)?,
        Err(Error::Io(error)) => return Err(error.into()),
        Err(error) => return Err(std::io::Error::other(error.to_string()).into()),
    }
    talk.close().map_err(|error| std::io::Error::other(error.to_string()).into())
}

/// Later calls find the same failure, behind what came before it.
fn stays(talk: &mut dyn Talk, reason: &CloseReason) -> std::io::Result<()> {
    let later = loop {
        match talk.recv() {
            Ok(Some(_)) => {}
            later => break later,
        }
    };
    match later {
        Err(Error::Closed(later)) if later == *reason => Ok(()),
        later => Err(std::io::Error::other(format!("after {reason} a call found {later:?}"))),
    }
}

fn exchange(talk: &mut dyn Talk, behaviour: Behaviour, script: &Script) -> Result<(), Error> {
    let mut count = 0;
    match behaviour {
        Behaviour::FinishFirst => talk.finish()?,
        Behaviour::Pour(total) => {
            let mut left = total;
            while left > 0 {
                let len = left.min(POURED.len());
                talk.send(&POURED[..len])?;
                left -= len;
            }
            talk.finish()?;
        }
        _ => {}
    }
    while let Some(frame) = talk.recv()? {
        count += 1;
        if matches!(behaviour, Behaviour::Close | Behaviour::Echo) {
            script.tell(Event::Frame(frame.clone()));
            talk.send(&frame)?;
        } else {
            script.tell(Event::Frame(frame));
        }
        if behaviour == Behaviour::Close {
            return Ok(());
        }
    }
    script.tell(Event::Finished);
    if behaviour == Behaviour::Count {
        talk.send(count.to_string().as_bytes())?;
    }
    talk.finish()
}

/// After how many polls the next future is dropped: every other one before it is polled at all.
#[derive(Clone, Debug)]
pub struct Polls {
    polls: usize,
    is_odd: bool,
}

impl Polls {
    /// `polls` and 0 in turn.
    #[must_use]
    pub const fn new(polls: usize) -> Self {
        Self { polls, is_odd: false }
    }

    /// Polls `future` as often as its turn has it, then drops it.
    pub fn poll<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        self.is_odd = !self.is_odd;
        poll_times(future, if self.is_odd { self.polls } else { 0 })
    }
}

struct Woken(SyncSender<()>);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        let _ = self.0.try_send(());
    }
}

/// Polls `future` up to `count` times, then drops it. After each poll it waits a little to be
/// woken; a poll without is legal too.
fn poll_times<T>(future: impl Future<Output = T>, count: usize) -> Option<T> {
    let (sender, woken) = sync_channel(1);
    let waker = Arc::new(Woken(sender)).into();
    let mut future = pin!(future);
    for _ in 0..count {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
        let _ = woken.recv_timeout(Duration::from_millis(1));
    }
    None
}
