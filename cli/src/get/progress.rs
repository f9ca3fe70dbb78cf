use std::env;
use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Output;

/// A bar on standard error that shows how much has come; nothing off a terminal.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// `is_shown` is false when the body itself goes to the terminal.
    pub(super) fn new(is_shown: bool, output: Output) -> Self {
        let is_dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
        let is_shown = is_shown && !output.is_json() && !is_dumb && io::stderr().is_terminal();
        if is_shown {
            Self(ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()))
        } else {
            Self(ProgressBar::hidden())
        }
    }

    /// Whether a body that goes to standard output leaves the terminal alone.
    pub(super) fn is_possible_beside_stdout() -> bool {
        !io::stdout().is_terminal()
    }

    /// A body begins, of which `done` bytes are there.
    pub(super) fn begin(&self, done: u64, len: Option<u64>) {
        let template = match len {
            Some(_) => "{bar:32} {percent:>3} %  {bytes} of {total_bytes}  {bytes_per_sec}  {eta}",
            None => "{spinner} {bytes}  {bytes_per_sec}  {elapsed}",
        };
        // The templates are those above.
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.0.set_style(style.progress_chars("##-"));
        }
        if let Some(len) = len {
            self.0.set_length(len);
        }
        self.0.set_position(done);
        self.0.reset_eta();
    }

    pub(super) fn add(&self, len: usize) {
        self.0.inc(len as u64);
    }

    /// Leaves the terminal as it was.
    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}
