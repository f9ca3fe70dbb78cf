use std::env;
use std::io::{self, IsTerminal};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Output;

/// How long a body may take without a bar: one that is there for a moment only flickers.
const DELAY: Duration = Duration::from_millis(200);

/// A bar on standard error that shows how much has come; nothing off a terminal.
pub(super) struct Progress {
    bar: ProgressBar,
    is_shown: bool,
}

impl Progress {
    /// `is_shown` is false when the body itself goes to the terminal.
    pub(super) fn new(is_shown: bool, output: Output) -> Self {
        let is_dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
        let is_shown = is_shown && !output.is_json() && !is_dumb && io::stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        Self { bar, is_shown }
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
            self.bar.set_style(style.progress_chars("##-"));
        }
        if let Some(len) = len {
            self.bar.set_length(len);
        }
        self.bar.set_position(done);
        self.bar.reset_eta();
        if self.is_shown {
            let bar = self.bar.clone();
            let show = move || {
                thread::sleep(DELAY);
                if !bar.is_finished() {
                    bar.set_draw_target(ProgressDrawTarget::stderr());
                    bar.tick();
                }
            };
            // Without a thread there is no bar.
            let _ = thread::Builder::new().name("progress".to_owned()).spawn(show);
        }
    }

    pub(super) fn add(&self, len: usize) {
        self.bar.inc(len as u64);
    }

    /// Leaves the terminal as it was.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
