use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use drywire::shutdown::Phase;
use drywire_std::processes::Event;
use serde_json::{Value, json};

use crate::exit::cause;
use crate::notify::{State, notify};
use crate::output::Output;

/// Events that may wait to be printed. More are lost: workers must not wait for whoever reads what
/// we print.
const WAITING_MAX: usize = 1024;

/// Prints what a supervisor does, and tells the service manager.
pub(super) struct Journal {
    sender: SyncSender<Entry>,
    printer: JoinHandle<()>,
}

/// What an event comes to.
#[derive(Debug, Default)]
struct Entry {
    /// For people.
    note: Option<String>,
    /// For programs.
    record: Option<Value>,
    /// For both.
    warning: Option<String>,
    state: Option<State>,
}

impl Journal {
    pub(super) fn new(output: Output) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(WAITING_MAX);
        let print = move || print_all(&receiver, output);
        let printer = thread::Builder::new().name("journal".to_owned()).spawn(print)?;
        Ok(Self { sender, printer })
    }

    /// What a supervisor tells its events to.
    pub(super) fn observer(&self) -> impl FnMut(&Event<'_>) + Send + 'static {
        let sender = self.sender.clone();
        let mut is_ending = false;
        move |event| {
            let mut entry = Entry::of(event);
            // The end has several phases, and is told once.
            if let Event::Ending(_) = event {
                entry.state = (!is_ending).then_some(State::Stopping);
                is_ending = true;
            }
            let _ = sender.try_send(entry);
        }
    }

    /// Waits until all of them are printed; the supervisor must be gone.
    pub(super) fn finish(self) {
        drop(self.sender);
        let _ = self.printer.join();
    }
}

impl Entry {
    fn of(event: &Event<'_>) -> Self {
        match event {
            Event::Started { pid, .. } => Self {
                record: Some(json!({ "event": "worker", "state": "started", "pid": pid })),
                ..Self::default()
            },
            Event::StartFailed { error, .. } => {
                Self::warning(format!("cannot start a worker: {}", cause(error)))
            }
            Event::Ready { pid, .. } => Self {
                note: Some(format!("worker {pid} serves")),
                record: Some(json!({ "event": "worker", "state": "ready", "pid": pid })),
                ..Self::default()
            },
            Event::Exited { pid, status, .. } => {
                let code = status.and_then(|status| status.code());
                let how = status.map_or_else(|| "unknown".to_owned(), |status| status.to_string());
                Self {
                    note: Some(format!("worker {pid} has ended, {how}")),
                    record: Some(json!({
                        "event": "worker",
                        "state": "exited",
                        "pid": pid,
                        "code": code,
                    })),
                    ..Self::default()
                }
            }
            Event::Serving => Self { state: Some(State::Ready), ..Self::default() },
            Event::Reloading => Self { state: Some(State::Reloading), ..Self::default() },
            Event::Reloaded => Self {
                note: Some("new workers serve, the old ones are drained".to_owned()),
                record: Some(json!({ "event": "reloaded" })),
                state: Some(State::Ready),
                ..Self::default()
            },
            Event::ReloadFailed => Self {
                state: Some(State::Ready),
                ..Self::warning("new workers cannot start, the old ones stay".to_owned())
            },
            Event::Ending(Phase::Pausing) => Self::note("serving on for a pause"),
            Event::Ending(Phase::Draining) => Self::note("draining"),
            Event::Ending(Phase::Stopping) => Self::note("ending at once"),
            _ => Self::default(),
        }
    }

    fn note(text: &str) -> Self {
        Self { note: Some(text.to_owned()), ..Self::default() }
    }

    fn warning(text: String) -> Self {
        Self { warning: Some(text), ..Self::default() }
    }
}

fn print_all(entries: &Receiver<Entry>, output: Output) {
    for Entry { note, record, warning, state } in entries {
        if let Some(note) = note {
            output.note(note);
        }
        if let (Some(record), true) = (record, output.is_json()) {
            // Supervising goes on without readers.
            let _ = output.record("", &record);
        }
        if let Some(warning) = warning {
            output.warn(warning);
        }
        if let Some(state) = state {
            notify(state, output);
        }
    }
}
