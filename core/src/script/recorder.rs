use core::ops::ControlFlow;

use super::Entry;

/// Is told of what is done with connections, to write it down.
///
/// One recorder serves any number of connections, in any threads. It is called within the calls
/// that it is told of, and so must not block them for long.
pub trait Recorder: Send + Sync {
    /// Takes note of `entry`. On `Break` the connection goes on without being recorded.
    fn record(&self, entry: Entry<'_>) -> ControlFlow<()>;

    /// Whether it may be told of what TLS keeps secret on the wire. By default it is told of the
    /// lengths only.
    fn keeps_secrets(&self) -> bool {
        false
    }
}

/// Keeps everything in memory, secrets too: for tests.
#[cfg(feature = "std")]
impl Recorder for std::sync::Mutex<super::Script> {
    fn record(&self, entry: Entry<'_>) -> ControlFlow<()> {
        let mut script = self.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        script.push(entry.connection, entry.at, entry.call);
        ControlFlow::Continue(())
    }

    fn keeps_secrets(&self) -> bool {
        true
    }
}
