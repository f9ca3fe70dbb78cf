//! `--record` of `drywire serve` and `drywire send`.

use std::os::unix::fs::FileTypeExt as _;

use drywire::Peer;
use drywire::script::Begin;
use drywire_std::{Recording, RecordingOptions};

use crate::args::{FramingArguments, RecordArguments};
use crate::exit::{Exit, Stop, cause};
use crate::output::Output;

/// The recording that is asked for. `describe` says what else is known of a connection.
pub(crate) fn begin(
    arguments: &RecordArguments,
    output: Output,
    describe: impl Fn(&Peer, &mut Begin) + Send + Sync + 'static,
) -> Result<Option<Recording>, Stop> {
    let Some(file) = &arguments.record else { return Ok(None) };
    let name = file.display().to_string();
    // Opening a FIFO would wait for a reader.
    let kind = file.metadata().map(|metadata| metadata.file_type());
    if kind.is_ok_and(|kind| !kind.is_file() && !kind.is_char_device()) {
        return Err(Stop::usage(format_args!("cannot write {name}: not a file")));
    }
    let options = RecordingOptions::new()
        .len_max(arguments.record_limit)
        .secrets(arguments.record_secrets)
        .describing(describe)
        .on_error(move |error| {
            let cause = cause(error);
            output.warn(format_args!("cannot write {name}: {cause}; nothing more is recorded"));
        });
    let created = Recording::create(file, options).map_err(|error| {
        Stop::usage(format_args!("cannot write {}: {}", file.display(), cause(&error)))
    });
    created.map(Some)
}

/// Says how the streams of the command line are cut into frames.
pub(crate) fn describe(framing: &FramingArguments, begin: &mut Begin) {
    begin.framing = Some(framing.framing().to_string());
    begin.frame_len_max = framing.given_max_frame();
}

/// Ends it. That something could not be written was told before.
pub(crate) fn finish(recording: Option<Recording>) -> Option<Exit> {
    recording?.finish().err().map(|_| Exit::Local)
}
