//! The threads that ping.

use std::net::SocketAddr;
use std::process;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use drywire::address::{Address, Endpoint, HostPort};
use drywire::ping::{PingOptions, PingStatistics};
use drywire::tls::ClientTls;
use drywire_std::ping::{Attempts, PingError, PingEvent};
use drywire_std::rustls::pki_types::ServerName;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::news::{Heard, Message, News};
use super::target::Target;
use crate::args::{PingArguments, Runtime, Via};
use crate::certificate::Witness;
use crate::clients::parse_server_name;
use crate::exit::{Exit, Stop, cause};
use crate::tls_files;

/// What all targets have in common.
pub(super) struct Plan {
    options: PingOptions,
    hop_limit: Option<u8>,
    runtime: Runtime,
    tls: Option<ClientTls>,
    server_name: Option<ServerName<'static>>,
    ipv4: bool,
    ipv6: bool,
}

impl Plan {
    pub(super) fn new(arguments: &PingArguments, has_tls: bool) -> Result<Self, Stop> {
        let mut options = PingOptions::new();
        options.interval = arguments.interval.0;
        options.count = arguments.count.map(Into::into);
        options.deadline = arguments.deadline.0;
        options.timeout = arguments.timeout.0;
        options.payload_len = arguments.size;
        let name = arguments.tls.server_name.as_deref();
        Ok(Self {
            options,
            hop_limit: arguments.ttl.map(Into::into),
            runtime: arguments.runtime,
            tls: has_tls
                .then(|| tls_files::client(&arguments.tls, &[], &Witness::default()))
                .transpose()?,
            server_name: name.map(parse_server_name).transpose()?,
            ipv4: arguments.ipv4,
            ipv6: arguments.ipv6,
        })
    }

    fn options(&self, via: Via) -> PingOptions {
        let mut options = self.options.clone();
        if matches!(via, Via::Tcp | Via::Tls) {
            // A connection at a time, so that they do not slow each other.
            options.in_flight_max = 1;
        }
        options
    }
}

/// What ends the pings.
#[derive(Default)]
pub(super) struct Stops(Mutex<Stopping>);

#[derive(Default)]
struct Stopping {
    is_raised: bool,
    stops: Vec<Box<dyn Fn() + Send>>,
}

impl Stops {
    fn raise(&self) {
        let mut stopping = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stopping.is_raised = true;
        stopping.stops.iter().for_each(|stop| stop());
    }

    fn add(&self, stop: impl Fn() + Send + 'static) {
        let mut stopping = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if stopping.is_raised {
            stop();
        }
        stopping.stops.push(Box::new(stop));
    }
}

/// The first SIGINT or SIGTERM ends the pings in order, the second the process.
pub(super) fn watch_signals(stops: Arc<Stops>, sender: SyncSender<Message>) -> Result<(), Stop> {
    let refused = |error: std::io::Error| {
        Stop::new(Exit::Local, format_args!("cannot watch for signals: {}", cause(&error)))
    };
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(refused)?;
    let watch = move || {
        let mut signals = signals.forever();
        if signals.next().is_some() {
            stops.raise();
            let _ = sender.send(Message { target: usize::MAX, news: News::Interrupted });
        }
        if signals.next().is_some() {
            process::exit(Exit::Failed as i32);
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(watch).map(drop).map_err(refused)
}

/// Pings a target in a thread of its own.
pub(super) fn start(
    index: usize,
    target: Target,
    plan: &Arc<Plan>,
    stops: &Arc<Stops>,
    sender: SyncSender<Message>,
) -> Result<(), Stop> {
    let (plan, stops) = (Arc::clone(plan), Arc::clone(stops));
    let work = move || {
        let tell = |news| drop(sender.send(Message { target: index, news }));
        let at = match target.resolve(plan.ipv4, plan.ipv6) {
            Ok(at) => at,
            Err(stop) => return tell(News::Failed(stop)),
        };
        tell(News::Began(at));
        let observer = |event: &PingEvent, statistics: &PingStatistics| {
            if let Some(heard) = Heard::of(event) {
                tell(News::Heard(heard, Box::new(statistics.clone())));
            }
        };
        tell(match ping(&target, at, &plan, &stops, observer) {
            Ok(statistics) => News::Ended(Box::new(statistics)),
            Err(error) => {
                let error = without_codes(&error.to_string());
                News::Failed(Stop::new(Exit::Connect, format_args!("{}: {error}", target.text)))
            }
        });
    };
    let started = thread::Builder::new().name(format!("ping {index}")).spawn(work);
    started.map(drop).map_err(|error| {
        Stop::new(Exit::Local, format_args!("cannot start a thread: {}", cause(&error)))
    })
}

/// The same text without the numbers of the system's errors.
fn without_codes(text: &str) -> String {
    let mut pieces = text.split(" (os error ");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| text + piece.split_once(')').map_or(piece, |(_, rest)| rest))
}

fn ping(
    target: &Target,
    at: SocketAddr,
    plan: &Plan,
    stops: &Stops,
    observer: impl FnMut(&PingEvent, &PingStatistics) + Send,
) -> Result<PingStatistics, PingError> {
    /// The pingers of both runtimes are made and used alike.
    macro_rules! pinger {
        ($client:ty, $pinger:ty) => {{
            let pinger = match target.via {
                Via::Icmp => <$pinger>::icmp(at),
                Via::Udp => <$pinger>::udp(at),
                Via::Tcp | Via::Tls => {
                    let (limits, connector) = Attempts::limits(plan.options.timeout);
                    let mut client = <$client>::new().limits(limits).connector(connector);
                    if let Some(tls) = &plan.tls {
                        client = client.tls(tls.clone());
                    }
                    if let Some(name) = plan.server_name.clone().or_else(|| target.server_name()) {
                        client = client.server_name(name);
                    }
                    let endpoint = Endpoint::Internet(HostPort::from(at));
                    let tls = target.via == Via::Tls;
                    <$pinger>::stream(client, Address::Stream { endpoint, tls })
                }
            };
            let pinger = pinger.options(plan.options(target.via));
            let pinger = match plan.hop_limit {
                Some(hop_limit) => pinger.hop_limit(hop_limit),
                None => pinger,
            };
            let handle = pinger.handle();
            stops.add(move || handle.stop());
            pinger.run(observer)
        }};
    }

    match plan.runtime {
        Runtime::Std => pinger!(drywire_std::Client, drywire_std::ping::Pinger),
        Runtime::Smol => smol::block_on(pinger!(drywire_smol::Client, drywire_smol::ping::Pinger)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_errors_are_left_out() {
        let text = "no socket (one: denied (os error 13), other: denied (os error 1))";
        assert_eq!(without_codes(text), "no socket (one: denied, other: denied)");
        assert_eq!(without_codes("no socket"), "no socket");
    }
}
