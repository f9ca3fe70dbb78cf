//! Where text goes: data and records to standard output, words for people to standard error, and
//! with `--json` nothing but JSON lines on either.

use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use serde_json::Value;

use crate::exit::Stop;

/// How much output is collected before it is written.
const OUTPUT_LEN: usize = 64 * 1024;

/// How the user wants to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Output {
    json: bool,
}

/// Standard output. Whoever writes must flush: what a drop cannot write is lost without a word.
pub(crate) type Data = BufWriter<StdoutLock<'static>>;

impl Output {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    /// Standard output, for data.
    pub(crate) fn data() -> Data {
        BufWriter::with_capacity(OUTPUT_LEN, io::stdout().lock())
    }

    /// Ends the last line of data, whose last byte is `last`, if it is on a terminal: a prompt would
    /// follow it.
    pub(crate) fn end_line(last: Option<u8>) -> Result<(), Stop> {
        let mut data = io::stdout().lock();
        if last.is_none_or(|last| last == b'\n') || !data.is_terminal() {
            return Ok(());
        }
        data.write_all(b"\n").and_then(|()| data.flush()).map_err(|error| Stop::output(&error))
    }

    /// Prints one record on standard output, at once: `text` for people, `value` with `--json`.
    pub(crate) fn record(self, text: impl fmt::Display, value: &Value) -> Result<(), Stop> {
        let mut data = io::stdout().lock();
        let written = if self.json { writeln!(data, "{value}") } else { writeln!(data, "{text}") };
        written.and_then(|()| data.flush()).map_err(|error| Stop::output(&error))
    }

    /// Prints words on standard error that only people need.
    pub(crate) fn note(self, text: impl fmt::Display) {
        if !self.json {
            complain(&text);
        }
    }

    /// Prints on standard error what went wrong, in either form, without ending for it.
    pub(crate) fn warn(self, text: impl fmt::Display) {
        if self.json {
            complain(&serde_json::json!({ "event": "warning", "message": text.to_string() }));
        } else {
            let colour = Colour::of_stderr();
            complain(&format_args!("{}: {text}", colour.paint("drywire", Colour::YELLOW)));
        }
    }

    /// Prints on standard error why the command ends.
    pub(crate) fn stop(self, stop: &Stop) {
        let Some(sentence) = stop.sentence() else { return };
        if self.json {
            complain(&stop.json());
        } else {
            let colour = Colour::of_stderr();
            complain(&format_args!("{}: {sentence}", colour.paint("drywire", Colour::RED)));
        }
    }
}

/// Prints a line on standard error, in one piece: other processes may write there too. If that fails
/// there is nobody left to tell.
fn complain(text: &dyn fmt::Display) {
    let _ = io::stderr().lock().write_all(format!("{text}\n").as_bytes());
}

/// Whether colours may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Colour(bool);

impl Colour {
    const RED: u8 = 31;
    const YELLOW: u8 = 33;

    fn of_stderr() -> Self {
        let no_color = env::var_os("NO_COLOR");
        let term = env::var_os("TERM");
        Self::decide(io::stderr().is_terminal(), no_color.as_deref(), term.as_deref())
    }

    /// On a terminal that can, unless `NO_COLOR` is set and not empty (no-color.org).
    fn decide(is_terminal: bool, no_color: Option<&OsStr>, term: Option<&OsStr>) -> Self {
        let refused = no_color.is_some_and(|value| !value.is_empty());
        Self(is_terminal && !refused && term.is_some_and(|term| term != "dumb"))
    }

    fn paint(self, text: &str, code: u8) -> String {
        if self.0 { format!("\x1b[1;{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_need_a_terminal_and_no_refusal() {
        let xterm = Some(OsStr::new("xterm"));
        let set = Some(OsStr::new("1"));
        let empty = Some(OsStr::new(""));
        let decide = Colour::decide;
        assert!(decide(true, None, xterm).0 && decide(true, empty, xterm).0);
        for refused in [
            decide(false, None, xterm),
            decide(true, set, xterm),
            decide(true, None, None),
            decide(true, None, Some(OsStr::new("dumb"))),
        ] {
            assert_eq!(refused.paint("text", Colour::RED), "text");
        }
        assert_eq!(Colour(true).paint("text", Colour::RED), "\x1b[1;31mtext\x1b[0m");
    }
}
