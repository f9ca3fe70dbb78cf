//! How the command ends: exit codes, and the one sentence that explains any of them but 0.

use std::fmt;
use std::io;
use std::process::ExitCode;

use drywire::tls::Alert;
use serde_json::{Value, json};

/// The exit codes. `drywire --help` lists them for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// All is well.
    Ok = 0,
    /// Draining was not completed, no worker process could start, no ping was answered, or a check
    /// failed.
    Failed = 1,
    /// The command line, or a file that it names, cannot be used.
    Usage = 2,
    /// A name could not be resolved.
    Resolve = 3,
    /// Connecting or listening failed.
    Connect = 4,
    /// TLS failed.
    Tls = 5,
    /// The peer, or the file, broke the protocol, or the conversation was cut off.
    Protocol = 6,
    /// Nothing happened in time.
    Timeout = 7,
    /// Local input or output failed.
    Local = 8,
}

impl Exit {
    /// The name in JSON.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Protocol => "protocol",
            Self::Timeout => "timeout",
            Self::Local => "local",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command ends before its work is done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    pub(crate) exit: Exit,
    /// What is printed; nothing when whoever read our output went away, which is no failure.
    sentence: Option<String>,
    /// Where in the input, in bytes from its beginning.
    offset: Option<u64>,
    /// The TLS alert that was sent for it.
    alert: Option<Alert>,
}

impl Stop {
    pub(crate) fn new(exit: Exit, sentence: impl fmt::Display) -> Self {
        Self { exit, sentence: Some(sentence.to_string()), offset: None, alert: None }
    }

    pub(crate) fn usage(sentence: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, sentence)
    }

    pub(crate) fn with_exit(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    pub(crate) fn at(self, offset: u64) -> Self {
        Self { offset: Some(offset), ..self }
    }

    pub(crate) fn with_alert(self, alert: Option<Alert>) -> Self {
        Self { alert, ..self }
    }

    /// The same, with the address it is about at the front, if it is a failed check: other
    /// sentences name a file or a stream of ours.
    pub(crate) fn about(self, address: impl fmt::Display) -> Self {
        match (self.exit, &self.sentence) {
            (Exit::Failed, Some(sentence)) => {
                Self { sentence: Some(format!("{address}: {sentence}")), ..self }
            }
            _ => self,
        }
    }

    /// The same, and what else is to be known about it.
    pub(crate) fn and(self, more: Option<String>) -> Self {
        let sentence = match (self.sentence, more) {
            (Some(sentence), Some(more)) => Some(format!("{sentence}; {more}")),
            (sentence, _) => sentence,
        };
        Self { sentence, ..self }
    }

    /// A failure to write to standard output. A reader that has gone away, as `head` does, has what
    /// it wanted: that is success, without a word.
    pub(crate) fn output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { exit: Exit::Ok, sentence: None, offset: None, alert: None };
        }
        Self::new(Exit::Local, format_args!("cannot write to standard output: {}", cause(error)))
    }

    /// A failure to read from `name`.
    pub(crate) fn input(name: impl fmt::Display, error: &io::Error) -> Self {
        Self::new(Exit::Local, format_args!("cannot read {name}: {}", cause(error)))
    }

    pub(crate) fn sentence(&self) -> Option<&str> {
        self.sentence.as_deref()
    }

    /// The error as `--json` prints it.
    pub(crate) fn json(&self) -> Value {
        let mut object = json!({
            "event": "error",
            "exit": self.exit as u8,
            "kind": self.exit.name(),
            "message": self.sentence,
        });
        if let Some(offset) = self.offset {
            object["offset"] = offset.into();
        }
        if let Some(alert) = self.alert {
            object["alert"] = alert.to_string().into();
        }
        object
    }
}

/// What the system says about `error`, as a part of a sentence: without the code, in lower case.
pub(crate) fn cause(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    // What failed is said before.
    let text = text.strip_prefix("failed to lookup address information: ").unwrap_or(text);
    let mut letters = text.chars();
    match (letters.next(), letters.clone().next()) {
        // An abbreviation stays as it is.
        (Some(first), Some(second)) if second.is_lowercase() => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        let stop = Stop::output(&io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((stop.exit, stop.sentence()), (Exit::Ok, None));

        let stop = Stop::output(&io::Error::from_raw_os_error(28));
        assert_eq!(stop.exit, Exit::Local);
        let sentence = "cannot write to standard output: no space left on device";
        assert_eq!(stop.sentence(), Some(sentence));
    }

    #[test]
    fn a_cause_is_part_of_a_sentence() {
        let lookup = "failed to lookup address information: Name or service not known";
        let texts = ["Is a directory (os error 21)", "I/O error", "x", "", lookup];
        let causes = texts.map(|text| cause(&io::Error::other(text)));
        assert_eq!(causes, ["is a directory", "I/O error", "x", "", "name or service not known"]);
    }

    #[test]
    fn json_has_the_code_its_name_and_the_place() {
        let stop = Stop::new(Exit::Protocol, "bad").at(7);
        let expected = r#"{"event":"error","exit":6,"kind":"protocol","message":"bad","offset":7}"#;
        assert_eq!(stop.json().to_string(), expected);
    }
}
