//! How a recording is made.

use std::fmt;
use std::io;

use drywire::Peer;
use drywire::script::Begin;

/// Bytes that a recording may have by default.
pub const RECORDING_LEN_MAX: u64 = 64 * 1024 * 1024;

/// How a recording is made.
pub struct RecordingOptions {
    pub(super) len_max: u64,
    pub(super) keeps_secrets: bool,
    pub(super) describe: Box<Describe>,
    pub(super) on_error: Box<OnError>,
}

/// Says what a connection's beginning is to say.
pub(super) type Describe = dyn Fn(&Peer, &mut Begin) + Send + Sync;

/// Is told, once, that the file cannot be written.
pub(super) type OnError = dyn Fn(&io::Error) + Send + Sync;

impl RecordingOptions {
    /// At most [`RECORDING_LEN_MAX`] bytes, without secrets.
    #[must_use]
    pub fn new() -> Self {
        Self {
            len_max: RECORDING_LEN_MAX,
            keeps_secrets: false,
            describe: Box::new(|_, _| {}),
            on_error: Box::new(|_| {}),
        }
    }

    /// Sets how many bytes the file may have: at least 81, for how a script begins and ends. With
    /// less, the file has up to 81 all the same.
    #[must_use]
    pub fn len_max(self, len_max: u64) -> Self {
        Self { len_max, ..self }
    }

    /// Records what is within TLS too: the plaintext, never the keys.
    #[must_use]
    pub fn secrets(self, keeps_secrets: bool) -> Self {
        Self { keeps_secrets, ..self }
    }

    /// Lets `describe` say which framing and protocol a connection has, which a replay needs. Role,
    /// addresses and the time of day are there already.
    #[must_use]
    pub fn describing(self, describe: impl Fn(&Peer, &mut Begin) + Send + Sync + 'static) -> Self {
        Self { describe: Box::new(describe), ..self }
    }

    /// Tells `observer` of the first failure to write, in the thread that writes. Nothing is
    /// recorded after it.
    #[must_use]
    pub fn on_error(self, observer: impl Fn(&io::Error) + Send + Sync + 'static) -> Self {
        Self { on_error: Box::new(observer), ..self }
    }
}

impl Default for RecordingOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RecordingOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordingOptions")
            .field("len_max", &self.len_max)
            .field("keeps_secrets", &self.keeps_secrets)
            .finish_non_exhaustive()
    }
}
