//! What happens, a line or an object for each.

use std::io::Write;
use std::time::Duration;

use drywire::script::{Begin, Call, Entry, Played, Replay, Script};
use drywire::{CloseReason, Instant};
use serde_json::{Value, json};

use crate::certificate::Time;
use crate::exit::Stop;
use crate::output::Output;
use crate::text::{Escaped, bytes_json};

/// Something that happened.
pub(super) struct Line<'a> {
    index: usize,
    entry: &'a Entry<'static>,
    frame: Option<&'a [u8]>,
    reason: Option<&'a CloseReason>,
}

/// What was recorded, as it stands.
pub(super) fn recorded(script: &Script) -> Vec<Line<'_>> {
    let entries = script.entries.iter().enumerate();
    entries.map(|(index, entry)| Line { index, entry, frame: None, reason: None }).collect()
}

/// What came in, as the script says, and what the replay made of it.
pub(super) fn played<'a>(script: &'a Script, replay: &'a Replay) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    let mut played = replay.played().iter().peekable();
    for (index, entry) in script.entries.iter().enumerate() {
        if is_input(&entry.call) {
            lines.push(Line { index, entry, frame: None, reason: None });
        }
        while let Some(Played { entry, frame, reason, .. }) =
            played.next_if(|played| played.index == index)
        {
            if !is_input(&entry.call) {
                let (frame, reason) = (frame.as_deref(), reason.as_ref());
                lines.push(Line { index, entry, frame, reason });
            }
        }
    }
    lines
}

/// Whether a call comes from outside, so that the script has it as it was.
const fn is_input(call: &Call<'_>) -> bool {
    matches!(
        call,
        Call::Begin(_)
            | Call::Ended(_)
            | Call::Dropped
            | Call::Opened
            | Call::Received(_)
            | Call::Eof
            | Call::Cut
            | Call::TlsFailed
            | Call::Transmitted(_)
            | Call::ShutDown
            | Call::TransportFailed(_)
            | Call::TransmitFailed(_)
            | Call::Timeout
            | Call::Drain
            | Call::Stop
            | Call::Lease
            | Call::Settle
    )
}

/// Whether people need to see it: not the driver's turns, and not a look that came to nothing.
fn is_shown(call: &Call<'_>) -> bool {
    match call {
        Call::Lease | Call::Settle | Call::Look => false,
        Call::Received(payload) => !payload.is_empty(),
        _ => true,
    }
}

/// Prints `lines` on standard output.
pub(super) fn show(lines: Vec<Line<'_>>, output: Output) -> Result<(), Stop> {
    let begin = lines.first().map_or(Instant::ZERO, |line| line.entry.at);
    let mut data = Output::data();
    for line in lines {
        let time = line.entry.at.saturating_duration_since(begin);
        let written = if output.is_json() {
            writeln!(data, "{}", json(&line, time))
        } else if is_shown(&line.entry.call) {
            writeln!(data, "{}", text(&line, time))
        } else {
            Ok(())
        };
        written.map_err(|error| Stop::output(&error))?;
    }
    data.flush().map_err(|error| Stop::output(&error))
}

fn text(line: &Line<'_>, time: Duration) -> String {
    let call = &line.entry.call;
    let mark = match call {
        Call::Received(_) | Call::Eof | Call::Cut => '<',
        Call::Sent(_) | Call::Transmitted(_) | Call::ShutDown => '>',
        Call::Step(_) => '=',
        _ => ' ',
    };
    let seconds = format!("{}.{:09}", time.as_secs(), time.subsec_nanos());
    let head = format!("{seconds:>14} {:>6} {mark} ", line.entry.connection);
    let word = name(call);
    let len = call.payload().map(|payload| payload.len());
    match (line.frame, line.reason, call.payload().and_then(|payload| payload.bytes())) {
        (Some(frame), _, _) => format!("{head}frame {:>11}  {}", frame.len(), Escaped(frame)),
        (_, Some(reason), _) => format!("{head}{}: {reason}", arguments(call)),
        (_, _, Some(bytes)) => format!("{head}{word:<8} {:>8}  {}", bytes.len(), Escaped(bytes)),
        _ => match (call, len) {
            (_, Some(len)) => format!("{head}{word:<8} {len:>8}  (withheld)"),
            (Call::Transmitted(len), _) => format!("{head}{word} {len:>5}"),
            (Call::Step(_), _) => format!("{head}{}", arguments(call)),
            (Call::Begin(begin), _) => began(begin).map_or_else(
                || format!("{head}{call}"),
                |(begin, time)| format!("{head}begin {begin} begun={time}"),
            ),
            _ => format!("{head}{call}"),
        },
    }
}

fn json(line: &Line<'_>, time: Duration) -> Value {
    let call = &line.entry.call;
    let bytes = line.frame.or_else(|| call.payload().and_then(|payload| payload.bytes()));
    let mut object = match bytes {
        Some(bytes) => bytes_json("replayed", bytes),
        None => json!({ "event": "replayed" }),
    };
    object["time"] = time.as_secs_f64().into();
    object["connection"] = line.entry.connection.into();
    object["index"] = line.index.into();
    object["call"] = name(call).into();
    if let (None, Some(payload)) = (bytes, call.payload()) {
        object["len"] = payload.len().into();
    } else if bytes.is_none() {
        let arguments = arguments(call);
        if !arguments.is_empty() {
            object["arguments"] = arguments.into();
        }
    } else if line.frame.is_some() {
        object["arguments"] = arguments(call).into();
    }
    if let Call::Begin(begin) = call {
        if let Some((begin, time)) = began(begin) {
            object["arguments"] = begin.to_string().into();
            object["begun"] = time.into();
        }
    }
    if let Some(reason) = line.reason {
        object["reason"] = reason.to_string().into();
    }
    object
}

/// A beginning and, apart from it, when it was, as in RFC 3339, if that is known.
fn began(begin: &Begin) -> Option<(Begin, String)> {
    let begun = begin.begun?;
    let time = Time::at(i64::try_from(begun.as_secs()).ok()?)?.to_string();
    let seconds = time.strip_suffix('Z')?;
    let time = format!("{seconds}.{:09}Z", begun.subsec_nanos());
    let mut begin = begin.clone();
    begin.begun = None;
    Some((begin, time))
}

/// The word that a call begins with in a script.
fn name(call: &Call<'_>) -> String {
    call.to_string().split(' ').next().unwrap_or_default().to_owned()
}

/// What follows on that word.
fn arguments(call: &Call<'_>) -> String {
    call.to_string().split_once(' ').map_or_else(String::new, |(_, rest)| rest.to_owned())
}
