//! `drywire send`: one conversation, from arguments or standard input to standard output.

mod conversation;
mod datagrams;
mod input;
mod link;
mod open;
mod printer;
mod rendering;

use std::time::Duration;

use drywire::Limits;
use drywire::address::Address;
use drywire::connector::ConnectorLimits;
use drywire::proxy::Introduction;
use drywire_std::{ConnectError, Recording};

use crate::args::{IntroductionArguments, Runtime, SendArguments};
use crate::certificate::Witness;
use crate::clients::{ClientParts, server_name};
use crate::exit::{Exit, Stop};
use crate::failure::{self, Intent};
use crate::output::Output;
use crate::{recording, tls_files};
use conversation::Ended;
use input::Input;
use link::Link;
use rendering::Rendering;

pub(crate) fn run(arguments: &SendArguments, output: Output) -> Result<Exit, Stop> {
    check(arguments)?;
    if matches!(arguments.address, Address::Datagram { .. }) {
        return datagrams::run(arguments, output);
    }
    let input = Input::new(&arguments.data, &arguments.framing)?;
    let framing = arguments.framing.framing();
    let rendering = Rendering::new(&framing, output.is_json());
    let witness = Witness::default();
    let frames = arguments.framing.clone();
    let describe = move |_: &_, begin: &mut _| recording::describe(&frames, begin);
    let recording = recording::begin(&arguments.record, output, describe)?;
    let ended = connect(arguments, &witness, framing, recording.clone()).and_then(|link| {
        open::tell(arguments, &link, output)?;
        match conversation::hold(link, input, rendering) {
            Ended::Finished => Ok(Exit::Ok),
            Ended::Closed(reason) => Err(failure::closed(&reason, intent(arguments, &witness))),
            Ended::Stopped(stop) => Err(stop),
        }
    });
    let unwritten = recording::finish(recording);
    ended.map(|exit| unwritten.unwrap_or(exit))
}

/// Refuses addresses that data cannot be sent to, and options that would mean nothing.
fn check(arguments: &SendArguments) -> Result<(), Stop> {
    let address = &arguments.address;
    if matches!(address, Address::Http { .. }) {
        return Err(Stop::usage(format_args!(
            "{address}: data can be sent to tcp, tls, unix, tls+unix, udp and unixgram addresses \
             only"
        )));
    }
    if matches!(address, Address::Datagram { .. })
        && introduction(&arguments.introduction).is_some()
    {
        return Err(Stop::usage(format_args!("{address}: PROXY headers are for byte streams")));
    }
    if matches!(address, Address::Datagram { .. }) && arguments.record.record.is_some() {
        return Err(Stop::usage(format_args!("{address}: --record is for byte streams")));
    }
    let option = arguments.tls.first_option().or_else(|| arguments.record.tls_option());
    match option {
        Some(option) if !address.is_tls() => Err(Stop::usage(format_args!(
            "{option} is for TLS, and {address} does not begin with tls:// or tls+unix:"
        ))),
        _ => Ok(()),
    }
}

/// Connects, and waits for the TLS handshake.
fn connect(
    arguments: &SendArguments,
    witness: &Witness,
    framing: drywire::framing::AnyFraming,
    recording: Option<Recording>,
) -> Result<Link, Stop> {
    let address = &arguments.address;
    let files = || tls_files::client(&arguments.tls, &[], witness);
    let tls = address.is_tls().then(files).transpose()?;
    let parts = ClientParts {
        limits: limits(arguments),
        connector: connector_limits(arguments),
        tls,
        server_name: server_name(address, &arguments.tls)?,
        introduction: introduction(&arguments.introduction),
        recording,
    };
    let connected = match arguments.runtime {
        Runtime::Std => parts
            .std()
            .connect(address, framing)
            .and_then(|framed| Link::std(framed).map_err(ConnectError::Io)),
        Runtime::Smol => smol::block_on(parts.smol().connect(address, framing)).map(Link::smol),
    };
    connected.map_err(|error| failure::not_connected(&error, intent(arguments, witness)))
}

/// The header to begin with.
fn introduction(arguments: &IntroductionArguments) -> Option<Introduction> {
    let version = arguments.proxy_protocol?.into();
    Some(match arguments.proxy_source {
        Some(source) => Introduction::For { version, source },
        None => Introduction::Ourselves(version),
    })
}

const fn intent<'a>(arguments: &'a SendArguments, witness: &'a Witness) -> Intent<'a> {
    Intent { address: &arguments.address, tls: &arguments.tls, witness }
}

/// The limits of the connection: what is typed in, or printed by a pager, takes its time.
fn limits(arguments: &SendArguments) -> Limits {
    let mut limits = Limits::new();
    limits.frame_timeout = Duration::MAX;
    limits.stall_timeout = Duration::MAX;
    limits.idle_timeout = Duration::MAX;
    if let Some(timeout) = arguments.timeout {
        limits.handshake_timeout = timeout.0;
        limits.stall_timeout = timeout.0;
        limits.idle_timeout = timeout.0;
    }
    limits
}

fn connector_limits(arguments: &SendArguments) -> ConnectorLimits {
    let mut limits = ConnectorLimits::new();
    if let Some(timeout) = arguments.timeout {
        limits.connect_timeout = timeout.0;
    }
    limits
}
