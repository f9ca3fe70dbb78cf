//! `drywire ping`: a thread for each target, and one that prints.

mod lines;
mod news;
mod plot;
mod run;
mod screen;
mod target;

use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};

use drywire::icmp::PAYLOAD_LEN_MAX;
use drywire::limits::FRAME_LEN_MAX;
use drywire::ping::{PingStatistics, STAMP_LEN};

use crate::args::{PingArguments, Via};
use crate::exit::{Exit, Stop};
use crate::failure;
use crate::output::Output;
use news::{Heard, Message, News};
use run::{Plan, Stops};
use screen::{Samples, Screen};
use target::Target;

/// Messages that wait to be printed; when there are as many, pinging waits.
const MESSAGES_MAX: usize = 256;

/// A target and what is known of it.
struct Watched {
    target: Target,
    at: Option<SocketAddr>,
    statistics: Box<PingStatistics>,
    samples: Samples,
    /// Why the last request failed, of those that did.
    reason: Option<String>,
    is_over: bool,
}

pub(crate) fn run(arguments: &PingArguments, output: Output) -> Result<Exit, Stop> {
    let targets = parse(arguments)?;
    let plan = Arc::new(Plan::new(arguments, targets.iter().any(|target| target.via == Via::Tls))?);
    let stops = Arc::new(Stops::default());
    let (sender, news) = sync_channel(MESSAGES_MAX);
    run::watch_signals(Arc::clone(&stops), sender.clone())?;
    if arguments.tls.insecure {
        output.warn("warning: servers are not verified (--insecure)");
    }
    for (index, target) in targets.iter().enumerate() {
        run::start(index, target.clone(), &plan, &stops, sender.clone())?;
    }
    let watched = targets.into_iter().map(Watched::new).collect();
    let screen = if output.is_json() { None } else { Screen::new(!arguments.no_plot) };
    Printer { arguments, output, watched, screen, first: None, is_interrupted: false }.print(&news)
}

fn parse(arguments: &PingArguments) -> Result<Vec<Target>, Stop> {
    let parse = |text: &String| Target::parse(text, arguments.via);
    let targets: Vec<_> = arguments.targets.iter().map(parse).collect::<Result<_, _>>()?;
    for target in &targets {
        let (size, via) = (arguments.size, target.via.name());
        let sizes = match target.via {
            Via::Icmp => 0..=PAYLOAD_LEN_MAX,
            // Replies are told apart by what is in them.
            Via::Udp => STAMP_LEN..=PAYLOAD_LEN_MAX,
            Via::Tcp | Via::Tls => 0..=FRAME_LEN_MAX,
        };
        if !sizes.contains(&size) {
            let (least, most) = (sizes.start(), sizes.end());
            return Err(Stop::usage(format_args!(
                "--size {size}: by {via} it is from {least} to {most}"
            )));
        }
    }
    let has_hops = |target: &Target| matches!(target.via, Via::Icmp | Via::Udp);
    if arguments.ttl.is_some() && !targets.iter().any(has_hops) {
        return Err(Stop::usage("--ttl is for icmp and udp, and no target is pinged by them"));
    }
    match arguments.tls.first_option() {
        Some(option) if targets.iter().all(|target| target.via != Via::Tls) => {
            Err(Stop::usage(format_args!("{option} is for TLS, and no target is pinged by tls")))
        }
        _ => Ok(targets),
    }
}

impl Watched {
    fn new(target: Target) -> Self {
        let (statistics, samples) = (Box::default(), Samples::default());
        Self { target, at: None, statistics, samples, reason: None, is_over: false }
    }
}

/// Prints what it is told until all targets are over.
struct Printer<'a> {
    arguments: &'a PingArguments,
    output: Output,
    watched: Vec<Watched>,
    screen: Option<Screen>,
    /// The first target that could not be asked at all.
    first: Option<Stop>,
    is_interrupted: bool,
}

impl Printer<'_> {
    fn print(mut self, news: &Receiver<Message>) -> Result<Exit, Stop> {
        while self.watched.iter().any(|watched| self.is_waited_for(watched)) {
            let message = match &self.screen {
                None => news.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(screen) => news.recv_timeout(screen.wait()),
            };
            match message {
                Ok(message) => self.take(message)?,
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(screen) = &mut self.screen {
                        screen.draw(&self.watched);
                    }
                    // Nothing changes before the next message.
                    if let Ok(message) = news.recv() {
                        self.take(message)?;
                    }
                }
            }
        }
        self.finish()
    }

    /// Who does not know its address when it is interrupted is not waited for.
    fn is_waited_for(&self, watched: &Watched) -> bool {
        let is_lost = self.is_interrupted && watched.at.is_none();
        !(watched.is_over || is_lost)
    }

    fn take(&mut self, Message { target, news }: Message) -> Result<(), Stop> {
        let Some(watched) = self.watched.get_mut(target) else {
            self.is_interrupted = true;
            return Ok(());
        };
        match news {
            News::Began(at) => {
                watched.at = Some(at);
                let (text, value) = lines::began(&watched.target, at, self.arguments.size);
                self.line(&text, &value)
            }
            News::Heard(heard, statistics) => {
                watched.statistics = statistics;
                watched.samples.push(&heard);
                self.heard(target, &heard)
            }
            News::Ended(statistics) => {
                watched.statistics = statistics;
                watched.is_over = true;
                Ok(())
            }
            News::Failed(stop) => {
                watched.is_over = true;
                self.complain(stop);
                Ok(())
            }
            News::Interrupted => Ok(()),
        }
    }

    fn heard(&mut self, target: usize, heard: &Heard) -> Result<(), Stop> {
        let Some(watched) = self.watched.get_mut(target) else { return Ok(()) };
        let Some(at) = watched.at else { return Ok(()) };
        // What the screen shows is not printed on the same terminal too.
        let is_shown = self.screen.is_some() && io::stdout().is_terminal();
        if is_shown && matches!(heard, Heard::Reply { .. }) {
            return Ok(());
        }
        let (mut text, value) = lines::heard(&watched.target, at, heard);
        if let Heard::Failed { number, reason, tls, .. } = heard {
            if let Some(error) = tls {
                text = failure::without_alert(&text, error);
            }
            let hint = tls.and_then(|error| failure::hint(&error, &self.arguments.tls));
            if watched.reason.as_ref() == Some(reason) {
                text = lines::failed_again(&watched.target, at, *number);
            } else if let Some(hint) = hint {
                text.push_str(&format!("; {hint}"));
            }
            watched.reason = Some(reason.clone());
        }
        self.line(&text, &value)
    }

    fn line(&mut self, text: &str, value: &serde_json::Value) -> Result<(), Stop> {
        if let Some(screen) = &mut self.screen {
            screen.clear();
        }
        self.output.record(text, value)
    }

    /// Of several targets that cannot be asked, the last word of the command is on the first.
    fn complain(&mut self, stop: Stop) {
        if let Some(screen) = &mut self.screen {
            screen.clear();
        }
        if self.first.is_some() || self.watched.len() > 1 {
            self.output.warn(stop.sentence().unwrap_or_default());
        }
        self.first.get_or_insert(stop);
    }

    fn finish(mut self) -> Result<Exit, Stop> {
        if let Some(screen) = &mut self.screen {
            // The last plot stays.
            screen.draw(&self.watched);
        }
        let mut is_asked = false;
        for watched in &self.watched {
            let Some(at) = watched.at.filter(|_| watched.is_over) else { continue };
            if watched.statistics.sent == 0 && self.first.is_some() {
                continue;
            }
            is_asked = true;
            let (text, value) = lines::summary(&watched.target, at, &watched.statistics);
            self.output.record(text, &value)?;
        }
        let has_reply = self.watched.iter().any(|watched| watched.statistics.has_reply());
        match self.first {
            _ if has_reply => Ok(Exit::Ok),
            Some(stop) if !is_asked => Err(stop),
            _ => Ok(Exit::Failed),
        }
    }
}
