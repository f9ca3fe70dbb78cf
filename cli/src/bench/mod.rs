//! `drywire bench`: a load on an echo.

mod compare;
mod latencies;
mod report;
mod screen;

use std::process;
use std::thread;
use std::time::Duration;

use drywire::address::Address;
use drywire::connector::ConnectorLimits;
use drywire::framing::{AnyFraming, ByteFraming, LengthPrefix, Raw};
use drywire::load::{Asker, Load, LoadOptions, Pace};
use drywire::{CloseReason, Error, Instant, Limits};
use drywire_std::Client;
use drywire_std::evented::{Alarm, Clients, LoadFailure, Target, run_load};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::args::BenchArguments;
use crate::certificate::Witness;
use crate::clients::{ClientParts, server_name};
use crate::descriptors;
use crate::exit::{Exit, Stop, cause};
use crate::failure::{self, Intent};
use crate::output::Output;
use crate::tls_files;
use latencies::Latencies;
use report::Report;
use screen::Screen;

/// How often a load is looked at: each time ends a slice.
const INTERVAL_MIN: Duration = Duration::from_millis(100);
const INTERVAL_MAX: Duration = Duration::from_secs(1);
const SLICES: u32 = 20;

/// Timers are exact, so that requests at a rate are sent when they are due.
const SPIN: Duration = Duration::from_millis(1);

/// Every connection may hold a request and its answer.
const SIZE_MAX: usize = 1 << 30;

const DURATION: Duration = Duration::from_secs(10);

pub(crate) fn run(arguments: &BenchArguments, output: Output) -> Result<Exit, Stop> {
    match (&arguments.compare, &arguments.address) {
        (Some(files), _) => compare::run(files, output),
        (None, Some(address)) => {
            check(arguments, address)?;
            // The usual ones are known to the compiler, which makes them faster.
            match arguments.framing.framing() {
                AnyFraming::Raw(framing) => measure(arguments, address, &framing, true, output),
                AnyFraming::LengthPrefix(framing) => {
                    measure::<LengthPrefix>(arguments, address, &framing, false, output)
                }
                framing => measure(arguments, address, &framing, false, output),
            }
        }
        (None, None) => Err(Stop::usage("an address is missing")),
    }
}

/// Refuses addresses that no load can be put on, and options that would mean nothing.
fn check(arguments: &BenchArguments, address: &Address) -> Result<(), Stop> {
    if !matches!(address, Address::Stream { .. }) {
        return Err(Stop::usage(format_args!(
            "{address}: a load can be put on tcp, tls, unix and tls+unix addresses only"
        )));
    }
    descriptors::check("--connections", arguments.connections.get())?;
    let (size, max) = (arguments.size.get(), arguments.framing.max_frame());
    if size > max {
        return Err(Stop::usage(format_args!(
            "--size {size}: a frame has {max} bytes at most; --max-frame allows more"
        )));
    }
    if size > SIZE_MAX {
        return Err(Stop::usage(format_args!(
            "--size {size}: a request has {SIZE_MAX} bytes at most"
        )));
    }
    let option = arguments.tls.first_option().or_else(|| arguments.resume.then_some("--resume"));
    match option {
        Some(option) if !address.is_tls() => Err(Stop::usage(format_args!(
            "{option} is for TLS, and {address} does not begin with tls:// or tls+unix:"
        ))),
        _ => Ok(()),
    }
}

fn options(arguments: &BenchArguments) -> LoadOptions {
    let mut options = LoadOptions::new();
    options.connections = arguments.connections.get();
    options.in_flight_max = arguments.in_flight.map_or(1, Into::into);
    options.request_len = arguments.size.get();
    options.pace = arguments.rate.map_or(Pace::Closed, |rate| Pace::Open { rate: rate.get() });
    options.connects = arguments.connect;
    options.warm_up = arguments.warm_up.0;
    let usual = if arguments.count.is_some() { Duration::MAX } else { DURATION };
    options.duration = arguments.duration.map_or(usual, |seconds| seconds.0);
    options.requests_max = arguments.count.map(Into::into);
    options.timeout = arguments.timeout.0;
    options
}

fn client(
    arguments: &BenchArguments,
    address: &Address,
    witness: &Witness,
) -> Result<Client, Stop> {
    let files = || tls_files::client(&arguments.tls, &[], witness);
    let tls = address.is_tls().then(files).transpose()?;
    let mut limits = Limits::new();
    limits.handshake_timeout = arguments.timeout.0;
    // A server may take as long as it likes; what is not answered is told at the end.
    limits.idle_timeout = Duration::MAX;
    // Nothing is expected of a server that gave a wrong answer, or of one that has answered all.
    limits.linger_timeout = Duration::ZERO;
    limits.stall_timeout = Duration::MAX;
    limits.frame_timeout = Duration::MAX;
    let mut connector = ConnectorLimits::new();
    connector.connect_timeout = arguments.timeout.0;
    let tls = tls.map(|tls| if arguments.resume { tls } else { tls.without_resumption() });
    let server_name = server_name(address, &arguments.tls)?;
    Ok(ClientParts { limits, connector, tls, server_name, introduction: None, recording: None }
        .std())
}

fn measure<F: ByteFraming + Clone>(
    arguments: &BenchArguments,
    address: &Address,
    framing: &F,
    chunked: bool,
    output: Output,
) -> Result<Exit, Stop> {
    let witness = Witness::default();
    let intent = Intent { address, tls: &arguments.tls, witness: &witness };
    let client = client(arguments, address, &witness)?;
    if arguments.tls.insecure {
        output.warn("warning: servers are not verified (--insecure)");
    }
    let target = Target::resolve(&client, address);
    let target = target.map_err(|error| failure::not_connected(&error, intent))?;
    let clients = Clients::<Asker<F, Latencies>>::new(&client);
    let mut clients = clients.map_err(|error| local(&error))?.spin(SPIN);
    end_by_signals(clients.alarm())?;
    let options = options(arguments);
    let interval = (options.duration / SLICES).clamp(INTERVAL_MIN, INTERVAL_MAX);
    let begun_at = clients.clock().now();
    let load = Load::recording(options, begun_at, Latencies::new(), Latencies::new());
    let mut screen = Screen::new(output);
    let mut last = begun_at;
    let lost = run_load(&mut clients, &target, framing, chunked, &load, interval, |load, now| {
        look(load, last, now, interval, &mut screen);
        last = now;
    });
    screen.end();
    let lost = lost.map_err(|failure| stop(&failure, intent))?;
    let statistics = load.statistics();
    let report = Report::new(&statistics, arguments);
    let text = report.text(&statistics, arguments.rate.is_some());
    output.record(text, &report.json(&statistics, arguments))?;
    if let Some(mismatch) = &statistics.mismatch {
        output.warn(format_args!("{address}: what came back is no echo: {mismatch}"));
        return Ok(Exit::Protocol);
    }
    if let Some(failure) = &lost {
        output.warn(stop(failure, intent).sentence().unwrap_or_default());
    }
    // Who is interrupted before the first answer has measured nothing.
    let is_measured = statistics.answered > 0;
    Ok(if statistics.is_clean() && is_measured { Exit::Ok } else { Exit::Failed })
}

/// Ends a slice of the figures, which took from `last` until `now`.
fn look(
    load: &Load<Latencies>,
    last: Instant,
    now: Instant,
    interval: Duration,
    screen: &mut Screen,
) {
    let (began_at, ended_at) = (load.began_at(), load.ended_at());
    load.with_records(|latency, service| {
        if now <= began_at {
            screen.draw(latency.total(), 0.0);
            return;
        }
        // What is left of a slice at the end, and what is answered after it, tells little of the
        // rate.
        let time = now.min(ended_at).saturating_duration_since(last.max(began_at));
        let time = Some(time).filter(|time| *time >= interval / 2);
        service.cut(time);
        latency.cut(time);
        let rate = latency.slices().last().map_or(0.0, |slice| slice.rate);
        screen.draw(latency.total(), rate);
    });
}

/// Why there was no load, or less of one.
fn stop(failure: &LoadFailure, intent: Intent<'_>) -> Stop {
    match failure {
        LoadFailure::Connect(error) => failure::not_connected(error, intent),
        LoadFailure::Closed(CloseReason::Failed(Error::Local(code)))
            if *code == Asker::<Raw, Latencies>::NOT_ENCODABLE =>
        {
            Stop::usage("requests of this --size cannot be framed so")
        }
        LoadFailure::Closed(reason) => failure::closed(reason, intent),
        LoadFailure::Io(error) => local(error),
        _ => Stop::new(Exit::Local, "the load has failed"),
    }
}

fn local(error: &std::io::Error) -> Stop {
    Stop::new(Exit::Local, format_args!("cannot wait for sockets: {}", cause(error)))
}

/// The first SIGINT or SIGTERM ends asking, the second waiting for answers, the third the process.
fn end_by_signals(alarm: Alarm) -> Result<(), Stop> {
    let refused = |error: std::io::Error| {
        Stop::new(Exit::Local, format_args!("cannot watch for signals: {}", cause(&error)))
    };
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(refused)?;
    let watch = move || {
        for (count, _) in signals.forever().enumerate() {
            if count > 1 || alarm.raise().is_err() {
                process::exit(Exit::Failed as i32);
            }
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(watch).map(drop).map_err(refused)
}
