//! `drywire replay`: what a script comes to, shown, as a capture, or as a smaller script.

mod capture;
mod lines;
mod smaller;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use drywire::script::{self, Bounds, Difference, ReplayError, Script};
use serde_json::json;

use crate::args::ReplayArguments;
use crate::exit::{Exit, Stop, cause};
use crate::output::Output;

pub(crate) fn run(arguments: &ReplayArguments, output: Output) -> Result<Exit, Stop> {
    let name = match &*arguments.file {
        file if file == Path::new("-") => "standard input".to_owned(),
        file => file.display().to_string(),
    };
    let script = read(&arguments.file, &name)?;
    if arguments.minimise {
        return smaller::write(&script, &name, arguments.out.as_deref(), output);
    }
    let replay = match script::replay(&script) {
        Ok(replay) => replay,
        Err(error) => {
            lines::show(lines::recorded(&script), output)?;
            return Err(not_replayed(&error, &name));
        }
    };
    if let Some(file) = &arguments.pcapng {
        let written = File::create(file).and_then(|file| capture::write(&script, &replay, file));
        written.map_err(|error| {
            Stop::new(
                Exit::Local,
                format_args!("cannot write {}: {}", file.display(), cause(&error)),
            )
        })?;
    }
    lines::show(lines::played(&script, &replay), output)?;
    for difference in replay.differences() {
        tell(difference, output)?;
    }
    if let Some(ending) = script.ending() {
        output.note(format_args!("the recording ends here: {ending}"));
    }
    Ok(if replay.differences().is_empty() { Exit::Ok } else { Exit::Failed })
}

/// Reads a script whole, but no more than one may have.
fn read(file: &Path, name: &str) -> Result<Script, Stop> {
    let bounds = Bounds::new();
    let reader: Box<dyn Read> = if file == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        let opened = File::open(file)
            .map_err(|error| Stop::usage(format_args!("cannot open {name}: {}", cause(&error))))?;
        if opened.metadata().is_ok_and(|metadata| metadata.is_dir()) {
            return Err(Stop::usage(format_args!("cannot open {name}: is a directory")));
        }
        Box::new(opened)
    };
    let mut text = Vec::new();
    let limit = u64::try_from(bounds.len_max).unwrap_or(u64::MAX).saturating_add(1);
    reader.take(limit).read_to_end(&mut text).map_err(|error| Stop::input(name, &error))?;
    Script::parse(&text, &bounds)
        .map_err(|error| Stop::new(Exit::Protocol, format_args!("{name}, {error}")))
}

fn not_replayed(error: &ReplayError, name: &str) -> Stop {
    Stop::new(Exit::Protocol, format_args!("{name} cannot be replayed: {error}"))
}

fn tell(difference: &Difference, output: Output) -> Result<(), Stop> {
    if output.is_json() {
        let call = |call: &Option<script::Call<'_>>| call.as_ref().map(ToString::to_string);
        output.record(
            "",
            &json!({
                "event": "difference",
                "connection": difference.connection,
                "index": difference.index,
                "recorded": call(&difference.recorded),
                "replayed": call(&difference.replayed),
            }),
        )
    } else {
        output.warn(difference);
        Ok(())
    }
}

/// Writes `text` whole to `out`, or to standard output.
fn put(text: &str, out: Option<&Path>) -> Result<(), Stop> {
    match out {
        Some(file) => std::fs::write(file, text).map_err(|error| {
            Stop::new(
                Exit::Local,
                format_args!("cannot write {}: {}", file.display(), cause(&error)),
            )
        }),
        None => {
            let mut data = Output::data();
            let written = data.write_all(text.as_bytes()).and_then(|()| data.flush());
            written.map_err(|error| Stop::output(&error))
        }
    }
}
