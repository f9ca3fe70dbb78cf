//! `drywire get`: resources over HTTP, to standard output or to files.

mod download;
mod failure;
mod fetch;
mod interrupt;
mod max_time;
mod progress;
mod timing;
mod upload;

use std::path::Path;
use std::time::Duration;

use drywire::Limits;
use drywire::address::Address;
use drywire::connector::ConnectorLimits;
use drywire::protocol::http_get::{GetError, HttpGet};
use drywire::tls::ClientTls;
use serde_json::json;

use crate::args::{GetArguments, Runtime};
use crate::certificate::Witness;
use crate::clients::{ClientParts, server_name};
use crate::exit::{Exit, Stop};
use crate::failure::Intent;
use crate::output::Output;
use crate::tls_files;
use download::Download;
use fetch::{Fetch, Options};
use interrupt::Unfinished;
use progress::Progress;
use upload::Upload;

pub(crate) fn run(arguments: &GetArguments, output: Output) -> Result<Exit, Stop> {
    check(arguments)?;
    let unfinished = match arguments.output[..] {
        [] => Unfinished::default(),
        _ => Unfinished::watch(output)?,
    };
    if let Some(max) = arguments.max_time {
        max_time::watch(max, output)?;
    }
    for (index, address) in arguments.addresses.iter().enumerate() {
        let file = arguments.output.get(index);
        let download = file.map(|file| Download::new(address, file, unfinished.clone()));
        fetch(arguments, address, download, file.map(|file| &**file), output)?;
    }
    Ok(Exit::Ok)
}

/// Refuses what does not fit together.
fn check(arguments: &GetArguments) -> Result<(), Stop> {
    let (urls, files) = (arguments.addresses.len(), arguments.output.len());
    if files > 0 && files != urls {
        return Err(Stop::usage(format_args!(
            "--output is given {files} times and there are {urls} URLs; each needs its own, or \
             none has one"
        )));
    }
    let is_stdin = arguments.request.data.as_ref().is_some_and(|data| data == "-");
    if is_stdin && urls > 1 {
        return Err(Stop::usage("--data - can be sent to one URL only"));
    }
    let is_tls_possible = arguments.addresses.iter().any(Address::is_tls);
    match arguments.tls.first_option() {
        // A redirect may lead to TLS.
        Some(option) if !is_tls_possible && arguments.request.max_redirects == 0 => {
            Err(Stop::usage(format_args!("{option} is for TLS, and no URL begins with https")))
        }
        _ => Ok(()),
    }
}

/// Gets what is at `address`, and puts it into `file`, or prints it.
fn fetch(
    arguments: &GetArguments,
    address: &Address,
    mut download: Option<Download>,
    file: Option<&Path>,
    output: Output,
) -> Result<(), Stop> {
    let witness = Witness::default();
    let mut upload = arguments.request.data.as_deref().map(Upload::open).transpose()?;
    let mut get = request(arguments, address, upload.as_ref())?;
    let resume = download.as_ref().filter(|_| arguments.resume).and_then(Download::resume);
    let asked_from = resume.as_ref().map_or(0, |resume| resume.offset);
    if let Some(resume) = resume {
        get = get.resume(resume);
    }
    let client = ClientParts {
        limits: limits(arguments),
        connector: connector_limits(arguments),
        tls: tls(arguments, address, &witness)?,
        server_name: server_name(address, &arguments.tls)?,
        introduction: None,
        recording: None,
    };
    let mut fetch = Fetch {
        output,
        options: Options {
            include: arguments.include,
            resume: arguments.resume,
            asked_from,
            fail: arguments.fail,
            insecure: arguments.tls.insecure,
        },
        progress: Progress::new(file.is_some() || Progress::is_possible_beside_stdout(), output),
        download: download.as_mut(),
        upload: upload.as_mut(),
        exchanges: Vec::new(),
        last: None,
        received: 0,
    };
    let outcome = match arguments.runtime {
        Runtime::Std => client.std().get(&mut get, &mut fetch),
        Runtime::Smol => smol::block_on(client.smol().get(&mut get, &mut fetch)),
    };
    fetch.progress.end();
    let ended = Output::end_line(fetch.last);
    let (exchanges, received) = (fetch.exchanges, fetch.received);
    if let Err(failure) = outcome {
        let kept = download.as_mut().and_then(Download::give_up);
        let intent = Intent { address: get.address(), tls: &arguments.tls, witness: &witness };
        return Err(failure::stop_of(failure, intent).and(kept));
    }
    ended?;
    for exchange in &exchanges {
        if output.is_json() {
            output.record("", &exchange.json())?;
        } else if arguments.timing {
            output.note(exchange);
        }
    }
    if output.is_json() {
        let file = file.map(|file| file.display().to_string());
        let url = get.address().to_string();
        let done = json!({ "event": "done", "url": url, "received": received, "file": file });
        output.record("", &done)?;
    }
    Ok(())
}

/// The TLS of the client, which a redirect may lead to. If it is not asked for, that the system
/// has no authorities does not matter yet.
fn tls(
    arguments: &GetArguments,
    address: &Address,
    witness: &Witness,
) -> Result<Option<ClientTls>, Stop> {
    let options = &arguments.tls;
    match tls_files::client(options, &[b"http/1.1"], witness) {
        Err(stop) if address.is_tls() || options.first_option().is_some() => Err(stop),
        tls => Ok(tls.ok()),
    }
}

/// What is asked for.
fn request(
    arguments: &GetArguments,
    address: &Address,
    upload: Option<&Upload>,
) -> Result<HttpGet, Stop> {
    let request = &arguments.request;
    let refused = |option: &str, error: GetError| Stop::usage(format_args!("{option}: {error}"));
    let mut get = HttpGet::new(address.clone())
        .map_err(|error| Stop::usage(format_args!("{address}: {error}")))?
        .redirects_max(request.max_redirects);
    if let Some(upload) = upload {
        get = get.upload(upload.shape);
    }
    let method = request.method.as_deref().or_else(|| upload.map(|_| "POST"));
    if let Some(method) = method {
        get = get.method(method).map_err(|error| refused(&format!("--request {method}"), error))?;
    }
    for field in &request.fields {
        let is_ours =
            ["user-agent", "accept"].iter().any(|ours| ours.eq_ignore_ascii_case(&field.name));
        get = if field.value.is_empty() && is_ours {
            get.without_field(&field.name)
        } else {
            get.field(&field.name, field.value.as_bytes())
                .map_err(|error| refused(&format!("--header {}", field.name), error))?
        };
    }
    if let Some(range) = request.range {
        get = get.range(range);
    }
    Ok(if request.allow_downgrade { get.allow_downgrade() } else { get })
}

fn limits(arguments: &GetArguments) -> Limits {
    let mut limits = Limits::new();
    if let Some(timeout) = arguments.timeout {
        let timeout: Duration = timeout.0;
        limits.handshake_timeout = timeout;
        limits.stall_timeout = timeout;
        limits.idle_timeout = timeout;
        // A head may take its time as long as bytes come.
        limits.frame_timeout = limits.frame_timeout.max(timeout);
    }
    if let Some(timeout) = arguments.connect_timeout {
        limits.handshake_timeout = timeout.0;
    }
    limits
}

fn connector_limits(arguments: &GetArguments) -> ConnectorLimits {
    let mut limits = ConnectorLimits::new();
    if let Some(timeout) = arguments.connect_timeout.or(arguments.timeout) {
        limits.connect_timeout = timeout.0;
    }
    limits
}
