use std::io;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use drywire::CloseReason;
use drywire_std::Error;

use super::input::{Input, Outgoing};
use super::link::{Link, Receiver, Sender};
use super::printer::Printer;
use super::rendering::Rendering;
use crate::exit::{Exit, Stop};

/// How a conversation went.
pub(super) enum Ended {
    /// Both sides have finished, or the peer has and what is typed in is not worth waiting for.
    Finished,
    /// The connection is over, and not as it should be.
    Closed(CloseReason),
    /// Nothing to do with the connection.
    Stopped(Stop),
}

/// What one of the threads has come to.
enum Report {
    Sent(Result<(), Failure>),
    Received(Result<(), Failure>),
    Printed(Result<(), Stop>),
}

enum Failure {
    Closed(CloseReason),
    Stop(Stop),
}

/// Sends, receives and prints, each in a thread of its own, so that none waits for another before
/// the bounded buffers between them are full.
pub(super) fn hold(link: Link, input: Input, rendering: Rendering) -> Ended {
    let Link { sender, receiver, .. } = link;
    let is_typed = input.is_typed();
    let printer = Arc::new(Printer::default());
    let (reporter, reports) = mpsc::channel();
    let spawned = spawn("send", &reporter, move || Report::Sent(send(sender, &input)))
        .and_then(|()| {
            let printer = Arc::clone(&printer);
            let receive = move || Report::Received(receive(receiver, &rendering, &printer));
            spawn("receive", &reporter, receive)
        })
        .and_then(|()| {
            let printer = Arc::clone(&printer);
            spawn("print", &reporter, move || Report::Printed(printer.run()))
        });
    if let Err(error) = spawned {
        let stop = Stop::new(Exit::Local, format_args!("cannot start a thread: {error}"));
        return Ended::Stopped(stop);
    }
    drop(reporter);
    conclude(&reports, &printer, is_typed)
}

fn spawn(
    name: &str,
    reporter: &mpsc::Sender<Report>,
    work: impl FnOnce() -> Report + Send + 'static,
) -> io::Result<()> {
    let reporter = reporter.clone();
    // Who has concluded without this report does not miss it.
    let work = move || drop(reporter.send(work()));
    thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}

/// Waits until nothing is left to be done.
fn conclude(reports: &mpsc::Receiver<Report>, printer: &Printer, is_typed: bool) -> Ended {
    let mut sent = None;
    let mut received = None;
    let mut printed = false;
    for report in reports {
        match report {
            // The peer must not take what it has for all of the input: nothing is finished.
            Report::Sent(Err(Failure::Stop(stop))) => return Ended::Stopped(stop),
            Report::Sent(outcome) => sent = Some(outcome),
            Report::Received(outcome) => {
                received = Some(outcome);
                printer.end();
            }
            Report::Printed(Ok(())) => printed = true,
            Report::Printed(Err(stop)) => return Ended::Stopped(stop),
        }
        let needs_no_input = is_typed || matches!(received, Some(Err(_)));
        if printed && received.is_some() && (sent.is_some() || needs_no_input) {
            break;
        }
    }
    match (received, sent) {
        (Some(Err(Failure::Stop(stop))), _) | (_, Some(Err(Failure::Stop(stop)))) => {
            Ended::Stopped(stop)
        }
        (Some(Err(Failure::Closed(reason))), _) | (_, Some(Err(Failure::Closed(reason)))) => {
            Ended::Closed(reason)
        }
        (None | Some(Ok(())), None | Some(Ok(()))) => Ended::Finished,
    }
}

fn send(mut sender: Box<dyn Sender>, input: &Input) -> Result<(), Failure> {
    let mut closed = None;
    let sent = input.send_all(&mut |outgoing| {
        let outcome = match &outgoing {
            Outgoing::Frame { bytes, .. } => sender.send(bytes),
            Outgoing::Pause => sender.flush(),
        };
        match (outcome, outgoing) {
            (Ok(()), _) => Ok(()),
            (Err(Error::Send(error)), Outgoing::Frame { place, .. }) => Err(place.refused(error)),
            (Err(error), _) => Err(failed(error, &mut closed)),
        }
    });
    match (sent, closed) {
        (_, Some(reason)) => Err(Failure::Closed(reason)),
        (Err(stop), None) => Err(Failure::Stop(stop)),
        (Ok(()), None) => sender.finish().map_err(Failure::from),
    }
}

/// Ends the sending of input; why is in `closed`, if it is for the end of the connection.
fn failed(error: Error, closed: &mut Option<CloseReason>) -> Stop {
    let stop = Stop::new(Exit::Local, &error);
    if let Error::Closed(reason) = error {
        *closed = Some(reason);
    }
    stop
}

fn receive(
    mut receiver: Box<dyn Receiver>,
    rendering: &Rendering,
    printer: &Printer,
) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    while receiver.recv(&mut |frame| rendering.append(frame, &mut bytes))? {
        if !printer.push(&mut bytes) {
            // The printer reports why.
            break;
        }
    }
    Ok(())
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Closed(reason) => Self::Closed(reason),
            _ => Self::Stop(Stop::new(Exit::Local, error)),
        }
    }
}
