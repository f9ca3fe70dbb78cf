//! `drywire serve`: listeners, certificates and signals around a server of either runtime.

// In the order of reading: `start` makes what the command line names, or `activation` takes it over,
// `plan` runs the server, or `workers` several. `served` is what it speaks. What is printed meanwhile
// is in `invitation`, `ends`, `journal` and `summary`.
mod activation;
mod admin;
mod datagrams;
mod ends;
mod invitation;
mod journal;
mod plan;
mod proxy;
mod served;
mod start;
mod summary;
mod workers;

use std::io;
use std::os::fd::OwnedFd;

use drywire::address::Address;
use drywire::tls::ServerTls;
use drywire_std::datagram::DatagramListener;
use drywire_std::processes::{Inherited, Worker};
use drywire_std::{BindError, Listener, Recording, ServeError};
use serde_json::json;

use crate::args::{Model, ProxyMode, Runtime, ServeArguments};
use crate::exit::{Exit, Stop, cause};
use crate::log;
use crate::notify::{State, notify};
use crate::output::Output;
use crate::{descriptors, recording, signals};
use activation::Activated;
use datagrams::{Group, ServedDatagrams};
use ends::Ends;
use invitation::Invitation;
use plan::{Plan, Surroundings};
use served::{Menu, Served};
use start::Certificate;
use summary::Summary;

pub(crate) fn run(arguments: &ServeArguments, output: Output) -> Result<Exit, Stop> {
    log::begin(&arguments.log, output.is_json());
    let mut worker = workers::inherited(arguments)?;
    let sockets = Sockets::of(worker.as_mut())?;
    let addresses = sockets.addresses(arguments)?;
    let certificate = start::certificate(arguments, &addresses, worker.as_ref())?;
    let tls = certificate.as_ref().map(Certificate::configuration).transpose()?;
    let signals = signals::hold().map_err(|error| unprepared(&error))?;
    let policy = proxy::policy(&arguments.proxy, &addresses)?;
    let mut listeners = sockets.listeners(arguments, &addresses, tls.as_ref())?;
    if let Some(policy) = policy {
        let behind = |listener: Listener| listener.with_proxy(policy.clone());
        listeners.streams = listeners.streams.into_iter().map(behind).collect();
    }
    // The supervisor tells of its workers.
    let admin = arguments.admin.as_ref().filter(|_| worker.is_none());
    let admin = admin.map(admin::bind).transpose()?;
    let menu = Menu::new(
        Served::new(arguments.protocol.unwrap_or_default(), arguments.framing.framing()),
        arguments.format.unwrap_or_default(),
        &listeners.streams,
    );
    // Who waits to be told that it listens may rely on the recording.
    let recording = begin_recording(arguments, &menu, output)?;
    if recording.is_some() && listeners.datagrams.iter().any(|group| !group.is_empty()) {
        output.warn("datagrams are not recorded: --record is for byte streams");
    }
    if worker.is_none() {
        let bound = listeners.in_order(&addresses);
        announce(arguments, &bound, admin.as_ref(), certificate.as_ref(), output)?;
    }
    if worker.is_none() && arguments.model() == Model::Processes {
        let certificate = certificate.as_ref();
        return workers::supervise(arguments, listeners, admin, certificate, signals, output);
    }
    let is_worker = worker.is_some();
    let ends = Ends::new(output).map_err(|error| unprepared(&error))?;
    let plan = Plan {
        menu,
        recording: recording.clone(),
        limits: arguments.limits.connection(),
        admission: arguments.limits.admission(),
        threads: arguments.threads,
        listeners: listeners.streams,
        datagram_listeners: listeners.datagrams.into_iter().flatten().collect(),
        datagram_limits: arguments.limits.datagrams(),
        served_datagrams: ServedDatagrams(arguments.protocol.unwrap_or_default()),
        observer: ends.observer(),
        around: Surroundings {
            admin,
            signals,
            reload: reload(certificate, tls, is_worker, output),
            worker,
            output,
        },
    };
    let outcome = match (arguments.runtime, arguments.model()) {
        (Runtime::Std, Model::Threads) => plan.run_threads(),
        (Runtime::Std, Model::Evented | Model::Processes) => plan.run_evented(),
        (Runtime::Smol, _) => plan.run_smol(),
    };
    ends.finish();
    let unwritten = recording::finish(recording);
    let summary = outcome.map_err(refused)?;
    let exit = if is_worker { exit(&summary) } else { conclude(&summary, output)? };
    Ok(unwritten.unwrap_or(exit))
}

/// The recording that is asked for, which says what is served on which listener.
fn begin_recording(
    arguments: &ServeArguments,
    menu: &Menu,
    output: Output,
) -> Result<Option<Recording>, Stop> {
    let names = menu.names();
    let (framing, protocol) = (arguments.framing.clone(), arguments.protocol.unwrap_or_default());
    recording::begin(&arguments.record, output, move |peer, begin| match names.http(peer) {
        Some(protocol) => {
            begin.framing = Some("http1".to_owned());
            begin.protocol = Some(protocol.to_owned());
        }
        None => {
            recording::describe(&framing, begin);
            begin.protocol = Some(protocol.name().to_owned());
        }
    })
}

/// Where the sockets come from.
enum Sockets {
    /// They are bound here.
    Bound,
    /// From the service manager.
    Activated(Vec<Activated>),
    /// From the supervisor.
    HandedOver(Vec<Inherited>),
}

impl Sockets {
    fn of(worker: Option<&mut Worker>) -> Result<Self, Stop> {
        if let Some(worker) = worker {
            return Ok(Self::HandedOver(worker.take_sockets()));
        }
        let activated = activation::take()?;
        Ok(if activated.is_empty() { Self::Bound } else { Self::Activated(activated) })
    }

    fn addresses(&self, arguments: &ServeArguments) -> Result<Vec<Address>, Stop> {
        match self {
            Self::Bound => start::addresses(arguments, &[]),
            Self::Activated(activated) => start::addresses(arguments, activated),
            Self::HandedOver(sockets) => {
                Ok(sockets.iter().map(|socket| socket.address.clone()).collect())
            }
        }
    }

    fn listeners(
        self,
        arguments: &ServeArguments,
        addresses: &[Address],
        tls: Option<&ServerTls>,
    ) -> Result<Listeners, Stop> {
        let sockets: Vec<_> = match self {
            Self::Bound => {
                let streams = start::listen(arguments, addresses, tls)?;
                let datagrams = datagrams::listen(addresses, workers::count(arguments))?;
                return Ok(Listeners { streams, datagrams });
            }
            Self::Activated(activated) => activated.into_iter().map(|one| one.socket).collect(),
            Self::HandedOver(sockets) => sockets.into_iter().map(|one| one.socket).collect(),
        };
        let mut listeners = Listeners { streams: Vec::new(), datagrams: Vec::new() };
        for (socket, address) in sockets.into_iter().zip(addresses) {
            let adopted = listeners.adopt(socket, address.clone(), tls);
            adopted.map_err(|error| Stop::new(Exit::Connect, error))?;
        }
        Ok(listeners)
    }
}

/// What is bound.
struct Listeners {
    streams: Vec<Listener>,
    datagrams: Vec<Group>,
}

impl Listeners {
    fn adopt(
        &mut self,
        socket: OwnedFd,
        address: Address,
        tls: Option<&ServerTls>,
    ) -> Result<(), BindError> {
        if let Address::Datagram { .. } = address {
            self.datagrams.push(vec![DatagramListener::adopt(socket, address)?]);
        } else {
            self.streams.push(start::secured(Listener::adopt(socket, address)?, tls));
        }
        Ok(())
    }

    /// The addresses, with their real ports, in the order of `addresses`.
    fn in_order(&self, addresses: &[Address]) -> Vec<&Address> {
        let mut streams = self.streams.iter().map(Listener::address);
        let mut datagrams = self.datagrams.iter().filter_map(|group| group.first());
        let bound = addresses.iter().filter_map(|address| match address {
            Address::Datagram { .. } => datagrams.next().map(DatagramListener::address),
            Address::Stream { .. } | Address::Http { .. } => streams.next(),
        });
        bound.collect()
    }
}

/// Prints where the server listens, and what can be done with that.
fn announce(
    arguments: &ServeArguments,
    addresses: &[&Address],
    admin: Option<&Listener>,
    certificate: Option<&Certificate>,
    output: Output,
) -> Result<(), Stop> {
    for address in addresses {
        let value = json!({ "event": "listening", "address": address.to_string() });
        output.record(format_args!("listening {address}"), &value)?;
    }
    if let Some(address) = admin.map(Listener::address) {
        let value = json!({ "event": "admin", "address": address.to_string() });
        output.record(format_args!("admin {address}"), &value)?;
    }
    if let Some(Certificate::Development { certificate, .. }) = certificate {
        if output.is_json() {
            let value = json!({
                "event": "certificate",
                "sha256": certificate.sha256,
                "names": certificate.names,
            });
            output.record("", &value)?;
        }
        output.note(format_args!(
            "development certificate for {}\n  SHA-256 {}",
            certificate.names.join(", "),
            certificate.sha256
        ));
    }
    if addresses.iter().any(|address| !matches!(address, Address::Datagram { .. })) {
        let connections_max = arguments.limits.max_connections.get();
        let shortage = descriptors::warning("--max-connections", connections_max);
        shortage.into_iter().for_each(|warning| output.warn(warning));
    }
    let invitation = Invitation {
        framing: &arguments.framing.framing(),
        trust: Certificate::trust(certificate, arguments.dev_cert.as_deref()),
        wants_certificate: arguments.client_ca.is_some(),
        wants_header: arguments.proxy.proxy_protocol == Some(ProxyMode::Required),
    };
    let mut lines: String = addresses.iter().map(|address| invitation.lines(address)).collect();
    if let Some(admin) = admin {
        lines.push_str(&invitation::readiness(admin.address()));
    }
    output.note(format_args!("to try it:\n{}end it with Ctrl-C", lines));
    Ok(())
}

/// What SIGHUP does.
fn reload(
    certificate: Option<Certificate>,
    tls: Option<ServerTls>,
    is_worker: bool,
    output: Output,
) -> Box<dyn Fn() + Send> {
    let tell = move |state| {
        if !is_worker {
            notify(state, output);
        }
    };
    Box::new(move || match (&certificate, &tls) {
        (Some(Certificate::Files(files)), Some(tls)) => {
            tell(State::Reloading);
            let loaded = files.load().and_then(|config| tls.replace(config).map_err(Stop::usage));
            match loaded {
                Ok(()) => {
                    output.note("certificate and key loaded again");
                    if output.is_json() {
                        // Serving goes on without readers.
                        let _ = output.record("", &json!({ "event": "reloaded" }));
                    }
                }
                Err(stop) => output.warn(format_args!(
                    "certificate and key stay as they were: {}",
                    stop.sentence().unwrap_or_default()
                )),
            }
            tell(State::Ready);
        }
        _ => {
            // Who waits for a reload gets one, of nothing.
            tell(State::Reloading);
            output.warn("there are no certificate and key in files to load again");
            tell(State::Ready);
        }
    })
}

/// The system does not give what a server needs beside sockets.
fn unprepared(error: &io::Error) -> Stop {
    Stop::new(Exit::Local, format_args!("cannot prepare to serve: {}", cause(error)))
}

/// The server could not begin, or go on.
fn refused(error: ServeError) -> Stop {
    match error {
        ServeError::Io(error) => unprepared(&error),
        _ => Stop::new(Exit::Connect, error),
    }
}

fn conclude(summary: &Summary, output: Output) -> Result<Exit, Stop> {
    if output.is_json() {
        output.record("", &summary::json(summary))?;
    }
    output.note(summary::text(summary));
    Ok(exit(summary))
}

const fn exit(summary: &Summary) -> Exit {
    if summary.drained { Exit::Ok } else { Exit::Failed }
}
