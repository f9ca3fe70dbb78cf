//! What a replay tells a plain connection of that no driver can: bytes as a framing has encoded
//! them, and what happens only within TLS.

use super::close::{CloseReason, Truncation};
use super::state::{Input, State};
use super::steps::Pending;
use super::tap::record;
use super::timers::{Clock, Timer};
use super::wire::Inflow;
use super::{Connection, Front};
use crate::buffer::Pool;
use crate::error::{Error, SendError};
use crate::framing::{Framing, Raw};
use crate::time::Instant;
use crate::tls::{TlsCause, TlsError};

/// Of a session that failed a script says only that it did.
const FAILED: TlsError = TlsError::Refused { cause: TlsCause::Internal, alert: None };

impl<F: Framing> Connection<F> {
    /// Receives `bytes`, whatever room was lent: within TLS it was for records.
    pub(crate) fn play_received(&mut self, bytes: &[u8], now: Instant) {
        self.lent = 0;
        self.link.happened(now);
        let waiting_len = self.receive.len();
        let is_wanted = self.link.state.is_decoding() && self.inflow == Inflow::Open;
        if !bytes.is_empty() && !self.link.state.is_over() {
            self.link.timers.active_at = self.link.timers.now;
            if is_wanted {
                if let Front::Hungry = self.front {
                    self.front = Front::Unseen;
                }
                self.receive.extend_from_slice(bytes);
                self.link.queue_changed();
                self.link.begin_clocks();
            }
        }
        self.record_received(waiting_len, 0);
    }

    /// Sends what a framing has encoded.
    pub(crate) fn play_sent(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        self.link.send(&mut Raw::new().with_frame_len_max(usize::MAX), bytes)
    }

    /// The stream ends without close_notify.
    pub(crate) fn play_cut(&mut self, now: Instant) {
        self.link.happened(now);
        record!(self.link, Cut);
        if !self.link.ended {
            self.link.ended = true;
            self.lent = 0;
            if self.inflow == Inflow::Open {
                self.inflow = Inflow::Cut;
            }
            self.link.input(Input::RemoteEnded);
        }
    }

    /// The TLS session fails.
    pub(crate) fn play_tls_failed(&mut self, now: Instant) {
        self.link.happened(now);
        self.session_failed(FAILED);
        self.link.queue_changed();
    }

    /// The handshake fails: by the end of the stream if it was cut, else for an error.
    pub(crate) fn play_handshake_failed(&mut self, is_cut: bool, now: Instant) {
        let reason = if is_cut {
            self.play_cut(now);
            CloseReason::Truncated(Truncation::Handshake)
        } else {
            self.play_tls_failed(now);
            CloseReason::Failed(Error::Tls(FAILED))
        };
        self.link.input(Input::Fail(reason));
    }

    /// The connection is told the time before the handshake is done.
    pub(crate) fn play_handshake_timeout(&mut self, now: Instant) {
        self.link.happened(now);
        record!(self.link, Timeout);
        let now = self.link.timers.now;
        if matches!(self.link.timers.clock, Clock::Handshake { ends_at } if ends_at <= now) {
            let reason = CloseReason::TimedOut(Timer::Handshake);
            self.link.input(Input::Lost(reason));
        }
    }

    /// Gives back to `pool` what the connection does not need, also in the midst of a turn: a script
    /// need not say that one ends. Shows nowhere but in [`memory_len`](Self::memory_len).
    pub(crate) fn play_settle(&mut self, pool: &mut Pool) {
        self.lent = 0;
        self.link.staged.settle(pool);
        // A turn goes on within its budget.
        if !self.receive.has_budget() {
            self.receive.settle(pool);
        }
    }

    /// Whether it waits to be open, which within TLS is for the handshake.
    pub(crate) const fn is_opening(&self) -> bool {
        matches!(self.link.state, State::Opening { .. })
    }

    /// The bytes of the frame that is the next step, once that was worked out.
    pub(crate) fn upcoming_frame(&self) -> Option<&[u8]> {
        let (Front::Found(whole), Some(Pending::Frame)) = (self.front, self.upcoming) else {
            return None;
        };
        Some(self.receive.filled().get(..whole.len).unwrap_or_default())
    }
}
