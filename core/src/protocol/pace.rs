//! How slowly the body of a request may come.

use core::time::Duration;

use crate::connection::Handle;
use crate::framing::Framing;

/// How often the bytes that came are counted.
pub(super) const PERIOD: Duration = Duration::from_secs(30);

/// Bytes that must come in a [`PERIOD`]: 500 in a second.
pub(super) const LEN_MIN: u64 = 15_000;

/// Counts a body's bytes from time to time, by the connection's timer. Silence is bounded by the
/// connection; whoever sends a byte now and then is by this.
#[derive(Debug, Default)]
pub(super) struct Pace {
    len: u64,
    /// The body was not read for some time, because of us or of a client that does not read.
    is_excused: bool,
}

impl Pace {
    /// A body begins.
    pub(super) fn begin<F: Framing>(&mut self, handle: &mut Handle<'_, F>) {
        *self = Self::default();
        handle.set_timer(Some(handle.now() + PERIOD));
    }

    /// So many bytes of it came.
    pub(super) const fn came(&mut self, len: usize) {
        self.len = self.len.saturating_add(len as u64);
    }

    /// It cannot be read now.
    pub(super) const fn excuse(&mut self) {
        self.is_excused = true;
    }

    /// Whether it comes too slowly, at the end of a period. If not, another begins.
    pub(super) fn is_too_slow<F: Framing>(&mut self, handle: &mut Handle<'_, F>) -> bool {
        let is_too_slow = self.len < LEN_MIN && !self.is_excused && handle.is_writable();
        if !is_too_slow {
            self.begin(handle);
        }
        is_too_slow
    }

    /// It is whole.
    pub(super) fn end<F: Framing>(handle: &mut Handle<'_, F>) {
        handle.set_timer(None);
    }
}
