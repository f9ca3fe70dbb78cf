//! `drywire send`: one conversation, from arguments or standard input to standard output.

mod conversation;
mod failure;
mod input;
mod link;
mod open;
mod printer;
mod rendering;

use std::time::Duration;

use drywire::Limits;
use drywire::address::{Address, Endpoint};
use drywire::connector::ConnectorLimits;
use drywire::proxy::Introduction;
use drywire_std::ConnectError;
use drywire_std::rustls::pki_types::ServerName;

pub(crate) use failure::hint;

use crate::args::{IntroductionArguments, Runtime, SendArguments};
use crate::exit::{Exit, Stop};
use crate::output::Output;
use crate::tls_files;
use conversation::Ended;
use input::Input;
use link::Link;
use rendering::Rendering;

pub(crate) fn run(arguments: &SendArguments, output: Output) -> Result<Exit, Stop> {
    check(arguments)?;
    let input = Input::new(&arguments.data, &arguments.framing)?;
    let framing = arguments.framing.framing();
    let rendering = Rendering::new(&framing, output.is_json());
    let link = connect(arguments, framing)?;
    open::tell(arguments, &link, output)?;
    match conversation::hold(link, input, rendering) {
        Ended::Finished => Ok(Exit::Ok),
        Ended::Closed(reason) => Err(failure::closed(&reason, arguments)),
        Ended::Stopped(stop) => Err(stop),
    }
}

/// Refuses addresses that are no byte streams, and options that would mean nothing.
fn check(arguments: &SendArguments) -> Result<(), Stop> {
    let address = &arguments.address;
    if !matches!(address, Address::Stream { .. }) {
        return Err(Stop::usage(format_args!(
            "{address}: data can be sent to tcp, tls, unix and tls+unix addresses only"
        )));
    }
    match arguments.tls.first_option() {
        Some(option) if !address.is_tls() => Err(Stop::usage(format_args!(
            "{option} is for TLS, and {address} does not begin with tls:// or tls+unix:"
        ))),
        _ => Ok(()),
    }
}

/// Connects, and waits for the TLS handshake.
fn connect(arguments: &SendArguments, framing: drywire::framing::AnyFraming) -> Result<Link, Stop> {
    /// The clients of both runtimes are made and used alike.
    macro_rules! client {
        ($client:ty, $tls:expr, $name:expr) => {{
            let mut client =
                <$client>::new().limits(limits(arguments)).connector(connector_limits(arguments));
            if let Some(introduction) = introduction(&arguments.introduction) {
                client = client.proxy_header(introduction);
            }
            if let Some(tls) = $tls {
                client = client.tls(tls);
            }
            if let Some(name) = $name {
                client = client.server_name(name);
            }
            client
        }};
    }

    let address = &arguments.address;
    let tls = address.is_tls().then(|| tls_files::client(&arguments.tls)).transpose()?;
    // A Unix socket has no name of its own, and without verification any will do.
    let is_unnamed = arguments.tls.insecure && matches!(address.endpoint(), Endpoint::Unix(_));
    let name = arguments.tls.server_name.as_deref().or_else(|| is_unnamed.then_some("localhost"));
    let name = name.map(server_name).transpose()?;
    let connected = match arguments.runtime {
        Runtime::Std => {
            let client = client!(drywire_std::Client, tls, name);
            client
                .connect(address, framing)
                .and_then(|framed| Link::std(framed).map_err(ConnectError::Io))
        }
        Runtime::Smol => {
            let client = client!(drywire_smol::Client, tls, name);
            smol::block_on(client.connect(address, framing)).map(Link::smol)
        }
    };
    connected.map_err(|error| failure::not_connected(&error, arguments))
}

/// The header to begin with.
fn introduction(arguments: &IntroductionArguments) -> Option<Introduction> {
    let version = arguments.proxy_protocol?.into();
    Some(match arguments.proxy_source {
        Some(source) => Introduction::For { version, source },
        None => Introduction::Ourselves(version),
    })
}

pub(crate) fn server_name(name: &str) -> Result<ServerName<'static>, Stop> {
    ServerName::try_from(name.to_owned()).map_err(|_| {
        Stop::usage(format_args!("--server-name {name}: expected a host name or an IP address"))
    })
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
