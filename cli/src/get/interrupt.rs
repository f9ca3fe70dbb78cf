//! What an interrupt says of a file that is not whole yet.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::exit::{Exit, Stop, cause};
use crate::output::Output;

/// The part that is being written, if any is.
#[derive(Clone, Default)]
pub(super) struct Unfinished(Arc<Mutex<Option<Part>>>);

struct Part {
    path: PathBuf,
    is_resumable: bool,
}

impl Unfinished {
    /// Has SIGINT and SIGTERM tell of the part before they end the process.
    pub(super) fn watch(output: Output) -> Result<Self, Stop> {
        let refused = |error: std::io::Error| {
            Stop::new(Exit::Local, format_args!("cannot watch for signals: {}", cause(&error)))
        };
        let unfinished = Self::default();
        let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(refused)?;
        let watched = unfinished.clone();
        let watch = move || {
            for signal in signals.forever() {
                // It stays locked, so that nothing is written down of another part meanwhile.
                let part = watched.part();
                if let Some(sentence) = part.as_ref().and_then(Part::sentence) {
                    output.warn(format_args!("interrupted; {sentence}"));
                }
                let _ = emulate_default_handler(signal);
            }
        };
        thread::Builder::new().name("signals".to_owned()).spawn(watch).map_err(refused)?;
        Ok(unfinished)
    }

    pub(super) fn begin(&self, path: &Path, is_resumable: bool) {
        *self.part() = Some(Part { path: path.to_owned(), is_resumable });
    }

    pub(super) fn end(&self) {
        *self.part() = None;
    }

    fn part(&self) -> MutexGuard<'_, Option<Part>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part {
    fn sentence(&self) -> Option<String> {
        let len = fs::metadata(&self.path).ok()?.len();
        Some(kept(&self.path, len, self.is_resumable && len > 0))
    }
}

/// How much is in a part, and whether that is of use.
pub(super) fn kept(part: &Path, len: u64, is_resumable: bool) -> String {
    let part = part.display();
    let on = if is_resumable { ", --continue goes on from there" } else { "" };
    format!("{len} bytes are in {part}{on}")
}
