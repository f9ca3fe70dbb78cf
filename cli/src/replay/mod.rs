//! `drywire replay`: what a script comes to, shown, as a capture, or as a smaller script.

mod capture;
mod lines;
mod smaller;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use drywire::script::{self, Bounds, Difference, Obstacle, ReplayError, Script};
use serde_json::json;

use crate::args::ReplayArguments;
use crate::exit::{Exit, Stop, cause};
use crate::output::Output;

pub(crate) fn run(arguments: &ReplayArguments, output: Output) -> Result<Exit, Stop> {
    let name = match &*arguments.file {
        file if file == Path::new("-") => "standard input".to_owned(),
        file => file.display().to_string(),
    };
    let mut script = read(&arguments.file, &name, output)?;
    select(&mut script, arguments, &name, output)?;
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
        let written = create(file).and_then(|file| capture::write(&script, &replay, file));
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

/// Leaves out what is not asked for, and what cannot be replayed if something else can.
fn select(
    script: &mut Script,
    arguments: &ReplayArguments,
    name: &str,
    output: Output,
) -> Result<(), Stop> {
    if !arguments.connection.is_empty() {
        script.retain(|number| arguments.connection.contains(&number));
        if script.connections().next().is_none() {
            return Err(Stop::usage(format_args!("{name} has no such connection")));
        }
    }
    let withheld: BTreeSet<_> = script.withheld().collect();
    let left = script.connections().count() - withheld.len();
    if left > 0 && !withheld.is_empty() {
        script.retain(|number| !withheld.contains(&number));
        output.warn(format_args!(
            "{} connections are left out, which were recorded within TLS without --record-secrets",
            withheld.len()
        ));
    }
    Ok(())
}

/// Reads a script whole, but no more than one may have. What whoever wrote it could not end is left
/// out.
fn read(file: &Path, name: &str, output: Output) -> Result<Script, Stop> {
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
    let parsed = Script::parse(&text, &bounds).or_else(|error| {
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let Some(whole) = text.get(..whole).filter(|whole| whole.len() < text.len()) else {
            return Err(error);
        };
        // The error is of the line that has no end, if without it there is none.
        let script = Script::parse(whole, &bounds).map_err(|_| error)?;
        output.warn(format_args!("{name} ends within line {}, which is left out", error.line));
        Ok(script)
    });
    parsed.map_err(|error| Stop::new(Exit::Protocol, format_args!("{name}, {error}")))
}

fn not_replayed(error: &ReplayError, name: &str) -> Stop {
    let hint = match error.obstacle {
        Obstacle::Withheld => "; --record-secrets writes them down",
        _ => "",
    };
    Stop::new(Exit::Protocol, format_args!("{name} cannot be replayed: {error}{hint}"))
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

/// Creates a file that only its owner may read, as recordings are, unless there is one.
fn create(file: &Path) -> io::Result<File> {
    File::options().write(true).create(true).truncate(true).mode(0o600).open(file)
}

/// Writes `text` whole to `out`, or to standard output.
fn put(text: &str, out: Option<&Path>) -> Result<(), Stop> {
    match out {
        Some(file) => {
            create(file).and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| {
                Stop::new(
                    Exit::Local,
                    format_args!("cannot write {}: {}", file.display(), cause(&error)),
                )
            })
        }
        None => {
            let mut data = Output::data();
            let written = data.write_all(text.as_bytes()).and_then(|()| data.flush());
            written.map_err(|error| Stop::output(&error))
        }
    }
}
