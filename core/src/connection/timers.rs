//! Deadlines of a conversation, all in time that the driver tells.

use core::fmt;
use core::time::Duration;

use super::state::State;
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
    pub(super) application: Instant,
    pub(super) clock: Clock,
}

impl Timers {
    pub(super) const fn new(now: Instant, handshake_ends_at: Instant) -> Self {
        Self {
            now,
            active_at: now,
            progress_at: Instant::MAX,
            application: Instant::MAX,
            clock: Clock::Handshake { ends_at: handshake_ends_at },
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

/// The deadline that a state has beside those of every state: no state has two.
#[derive(Clone, Copy, Debug)]
pub(super) enum Clock {
    Off,
    /// From the beginning to the end of the handshake.
    Handshake {
        ends_at: Instant,
    },
    /// From the first byte of a frame to its last.
    Frame {
        ends_at: Instant,
    },
    /// The same, standing still while we do not want to read: then it is not the peer who is slow.
    FramePaused {
        left: Duration,
    },
    /// Lingering, once a call has told the time in that state.
    Linger {
        ends_at: Instant,
    },
}

impl Clock {
    pub(super) fn start_frame(&mut self, now: Instant, timeout: Duration) {
        if let Self::Off = self {
            *self = Self::Frame { ends_at: now + timeout };
        }
    }

    pub(super) fn pause_frame(&mut self, now: Instant) {
        if let Self::Frame { ends_at } = *self {
            *self = Self::FramePaused { left: ends_at.saturating_duration_since(now) };
        }
    }

    pub(super) fn resume_frame(&mut self, now: Instant) {
        if let Self::FramePaused { left } = *self {
            *self = Self::Frame { ends_at: now + left };
        }
    }

    pub(super) fn stop_frame(&mut self) {
        if let Self::Frame { .. } | Self::FramePaused { .. } = self {
            *self = Self::Off;
        }
    }

    /// Stops unless it is one of this state.
    pub(super) fn enter(&mut self, state: &State) {
        let is_kept = match self {
            Self::Off => true,
            Self::Handshake { .. } => matches!(state, State::Opening { .. }),
            Self::Frame { .. } | Self::FramePaused { .. } => state.is_conversing(),
            Self::Linger { .. } => matches!(state, State::Lingering { .. }),
        };
        if !is_kept {
            *self = Self::Off;
        }
    }
}
