//! A body in a file: in `FILE.part` until it is whole.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use drywire::address::Address;
use drywire::protocol::http_get::{Resume, Validator};
use serde_json::{Value, json};

use super::interrupt::{Unfinished, kept};
use crate::exit::{Exit, Stop, cause};

/// Where a body goes, and what an earlier run has left of it.
pub(super) struct Download {
    address: String,
    target: PathBuf,
    /// The body so far.
    part: PathBuf,
    /// What the part is of: URL and validator.
    from: PathBuf,
    state: State,
    unfinished: Unfinished,
}

enum State {
    Idle,
    /// Into the part.
    Writing {
        file: File,
        len: u64,
        is_resumable: bool,
    },
    /// Into something that is no regular file.
    Direct(File),
    Done,
}

impl Download {
    pub(super) fn new(address: &Address, target: &Path, unfinished: Unfinished) -> Self {
        // A link is written through, as any program does that does not rename.
        let target = fs::canonicalize(target).unwrap_or_else(|_| target.to_owned());
        let beside = |suffix: &str| {
            let mut name = OsString::from(&target);
            name.push(suffix);
            PathBuf::from(name)
        };
        let (part, from) = (beside(".part"), beside(".part.from"));
        Self { address: address.to_string(), target, part, from, state: State::Idle, unfinished }
    }

    /// What can be gone on with, if there is anything.
    pub(super) fn resume(&self) -> Option<Resume> {
        let offset = fs::metadata(&self.part).ok().filter(fs::Metadata::is_file)?.len();
        let from: Value = serde_json::from_slice(&fs::read(&self.from).ok()?).ok()?;
        if offset == 0 || from["url"] != self.address.as_str() {
            return None;
        }
        let validator = Validator::from_bytes(from["validator"].as_str()?.as_bytes())?;
        Some(Resume { offset, validator })
    }

    /// Begins to write at `offset`, which is 0 or where the part ends.
    pub(super) fn begin(&mut self, offset: u64, validator: Option<&Validator>) -> Result<(), Stop> {
        let is_special = fs::metadata(&self.target).is_ok_and(|target| !target.is_file());
        if is_special {
            let file = OpenOptions::new().write(true).open(&self.target);
            let file = file.map_err(|error| unusable(&self.target, &error))?;
            self.state = State::Direct(file);
            return Ok(());
        }
        let mut options = OpenOptions::new();
        options.write(true).create(offset == 0).truncate(offset == 0);
        let mut file = options.open(&self.part).map_err(|error| unusable(&self.part, &error))?;
        if offset > 0 {
            let end = file.seek(SeekFrom::End(0)).map_err(|error| failed(&self.part, &error))?;
            if end != offset {
                return Err(Stop::new(
                    Exit::Local,
                    format_args!("{} has changed meanwhile", self.part.display()),
                ));
            }
            self.unfinished.begin(&self.part, true);
            self.state = State::Writing { file, len: offset, is_resumable: true };
            return Ok(());
        }
        let is_resumable = self.note(validator);
        self.unfinished.begin(&self.part, is_resumable);
        self.state = State::Writing { file, len: 0, is_resumable };
        Ok(())
    }

    /// Writes down what the part is of. Returns whether it can be gone on with later.
    fn note(&self, validator: Option<&Validator>) -> bool {
        let text = validator.and_then(|validator| std::str::from_utf8(validator.as_bytes()).ok());
        let Some(validator) = text else {
            // An older note would be about other bytes.
            let _ = fs::remove_file(&self.from);
            return false;
        };
        let note = json!({ "url": self.address, "validator": validator });
        fs::write(&self.from, format!("{note}\n")).is_ok()
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        match &mut self.state {
            State::Writing { file, len, .. } => {
                file.write_all(bytes).map_err(|error| failed(&self.part, &error))?;
                *len += bytes.len() as u64;
                Ok(())
            }
            State::Direct(file) => {
                file.write_all(bytes).map_err(|error| failed(&self.target, &error))
            }
            State::Idle | State::Done => Ok(()),
        }
    }

    /// All of it is there.
    pub(super) fn complete(&mut self) -> Result<(), Stop> {
        self.unfinished.end();
        let state = std::mem::replace(&mut self.state, State::Done);
        // Of what was there before, nothing was opened.
        if let State::Writing { .. } | State::Idle = state {
            fs::rename(&self.part, &self.target).map_err(|error| failed(&self.target, &error))?;
            let _ = fs::remove_file(&self.from);
        }
        Ok(())
    }

    /// It will not come whole. What can be gone on with is kept; returns the sentence about it.
    pub(super) fn give_up(&mut self) -> Option<String> {
        self.unfinished.end();
        let State::Writing { len, is_resumable, .. } =
            std::mem::replace(&mut self.state, State::Done)
        else {
            return None;
        };
        if is_resumable && len > 0 {
            return Some(kept(&self.part, len, true));
        }
        let _ = fs::remove_file(&self.part);
        let _ = fs::remove_file(&self.from);
        None
    }
}

fn unusable(path: &Path, error: &io::Error) -> Stop {
    let stop = failed(path, error);
    let is_full = matches!(
        error.kind(),
        io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::ReadOnlyFilesystem
    );
    if is_full { stop } else { stop.with_exit(Exit::Usage) }
}

fn failed(path: &Path, error: &io::Error) -> Stop {
    Stop::new(Exit::Local, format_args!("cannot write to {}: {}", path.display(), cause(error)))
}
