//! `drywire serve`: listeners, certificates and signals around a server of either runtime.

mod ends;
mod invitation;
mod plan;
mod served;
mod start;
mod summary;

use std::io;

use drywire::tls::ServerTls;
use drywire_std::{Listener, ServeError};
use serde_json::json;

use crate::args::{Runtime, ServeArguments};
use crate::exit::{Exit, Stop, cause};
use crate::output::Output;
use crate::signals;
use ends::Ends;
use invitation::Invitation;
use plan::Plan;
use served::Served;
use start::Certificate;
use summary::Summary;

pub(crate) fn run(arguments: &ServeArguments, output: Output) -> Result<Exit, Stop> {
    let addresses = start::addresses(arguments)?;
    let certificate = start::certificate(arguments, &addresses)?;
    let tls = certificate.as_ref().map(Certificate::configuration).transpose()?;
    let signals = signals::hold().map_err(|error| unprepared(&error))?;
    let listeners = start::listen(arguments, &addresses, tls.as_ref())?;
    announce(arguments, &listeners, certificate.as_ref(), output)?;
    let ends = Ends::new(output).map_err(|error| unprepared(&error))?;
    let plan = Plan {
        served: Served::new(arguments.protocol, arguments.framing.framing()),
        limits: arguments.limits.connection(),
        admission: arguments.limits.admission(),
        threads: arguments.threads,
        listeners,
        observer: ends.observer(),
        signals,
        reload: reload(certificate, tls, output),
    };
    let outcome = match arguments.runtime {
        Runtime::Std => plan.run_std(),
        Runtime::Smol => plan.run_smol(),
    };
    ends.finish();
    conclude(outcome, output)
}

/// Prints where the server listens, and what can be done with that.
fn announce(
    arguments: &ServeArguments,
    listeners: &[Listener],
    certificate: Option<&Certificate>,
    output: Output,
) -> Result<(), Stop> {
    for address in listeners.iter().map(Listener::address) {
        let value = json!({ "event": "listening", "address": address.to_string() });
        output.record(format_args!("listening {address}"), &value)?;
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
    let invitation = Invitation {
        framing: &arguments.framing.framing(),
        trust: Certificate::trust(certificate, arguments.dev_cert.as_deref()),
        wants_certificate: arguments.client_ca.is_some(),
    };
    let lines: String =
        listeners.iter().map(|listener| invitation.lines(listener.address())).collect();
    output.note(format_args!("to try it:\n{}end it with Ctrl-C", lines));
    Ok(())
}

/// What SIGHUP does.
fn reload(
    certificate: Option<Certificate>,
    tls: Option<ServerTls>,
    output: Output,
) -> Box<dyn Fn() + Send> {
    Box::new(move || match (&certificate, &tls) {
        (Some(Certificate::Files(files)), Some(tls)) => {
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
        }
        _ => output.warn("there are no certificate and key in files to load again"),
    })
}

/// The system does not give what a server needs beside sockets.
fn unprepared(error: &io::Error) -> Stop {
    Stop::new(Exit::Local, format_args!("cannot prepare to serve: {}", cause(error)))
}

fn conclude(outcome: Result<Summary, ServeError>, output: Output) -> Result<Exit, Stop> {
    let summary = outcome.map_err(|error| match error {
        ServeError::Io(error) => unprepared(&error),
        _ => Stop::new(Exit::Connect, error),
    })?;
    if output.is_json() {
        output.record("", &summary::json(&summary))?;
    }
    output.note(summary::text(&summary));
    Ok(if summary.drained { Exit::Ok } else { Exit::Failed })
}
