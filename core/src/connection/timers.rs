//! Deadlines of a conversation, all in time that the driver tells.

use core::fmt;
use core::time::Duration;

use crate::time::Instant;

/// A deadline and what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// When it is due.
    pub at: Instant,
    /// What is due then.
    pub timer: Timer,
}

/// What a deadline stands for. The times are in [`Limits`](crate::Limits).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Timer {
    /// The application's own timer.
    Application,
    /// A connection that is being drained has been silent; it is closed, which is no failure.
    Drain,
    /// A frame took too long from its first byte to its last.
    Frame,
    /// The TLS handshake took too long.
    Handshake,
    /// No byte came or went for too long.
    Idle,
    /// The peer did not finish after we closed.
    Linger,
    /// The PROXY header that the stream must begin with took too long.
    ProxyHeader,
    /// Bytes are queued and the peer does not take them.
    Stall,
}

impl fmt::Display for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Application => "application timer",
            Self::Drain => "drained and silent",
            Self::Frame => "a frame was not complete in time",
            Self::Handshake => "the TLS handshake was not done in time",
            Self::Idle => "no byte came or went in time",
            Self::Linger => "the peer did not finish in time",
            Self::ProxyHeader => "the PROXY header was not complete in time",
            Self::Stall => "the peer did not take what was sent in time",
        })
    }
}

/// The points in time that the deadlines count from. Nothing here is a queue or a heap: a byte that
/// comes or goes stores one instant. [`Instant::MAX`] stands for none: what is due then never is.
#[derive(Debug)]
pub(super) struct Timers {
    /// The latest time seen.
    pub(super) now: Instant,
    /// When a byte last came or went.
    pub(super) active_at: Instant,
    /// When the transport last took a byte of those it is to take, or could first have taken one.
    /// None when there are none, or since the last call that told the time.
    pub(super) progress_at: Instant,
    /// The end of the handshake or of lingering, once a call has told the time in that state.
    pub(super) state_ends_at: Instant,
    pub(super) application: Instant,
    pub(super) frame: FrameClock,
}

impl Timers {
    pub(super) const fn new(now: Instant, opening_ends_at: Instant) -> Self {
        Self {
            now,
            active_at: now,
            progress_at: Instant::MAX,
            state_ends_at: opening_ends_at,
            application: Instant::MAX,
            frame: FrameClock::Off,
        }
    }

    /// Takes note of the time; an earlier one than seen before counts as the latest.
    pub(super) fn observe(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// `at`, or now if that is none.
    pub(super) fn since(&self, at: Instant) -> Instant {
        if at == Instant::MAX { self.now } else { at }
    }

    /// `timeout` after `start`, or never.
    pub(super) fn due(start: Instant, timeout: Duration) -> Instant {
        start + timeout
    }
}

/// The frame deadline. It stands still while we do not want to read: then it is not the peer who is
/// slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameClock {
    Off,
    Running { deadline: Instant },
    Paused { left: Duration },
}

impl FrameClock {
    pub(super) fn start(&mut self, now: Instant, timeout: Duration) {
        if *self == Self::Off {
            *self = Self::Running { deadline: now + timeout };
        }
    }

    pub(super) fn pause(&mut self, now: Instant) {
        if let Self::Running { deadline } = *self {
            *self = Self::Paused { left: deadline.saturating_duration_since(now) };
        }
    }

    pub(super) fn resume(&mut self, now: Instant) {
        if let Self::Paused { left } = *self {
            *self = Self::Running { deadline: now + left };
        }
    }
}
