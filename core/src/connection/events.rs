//! In: what happened outside.

use super::close::CloseReason;
use super::link::Flow;
use super::state::{Input, State};
use super::tap::record;
use super::timers::Clock;
use super::wire::{Inflow, Wire};
use super::{Connection, Front};
use crate::buffer::LARGE_LEN;
use crate::error::{Error, Fault, MisuseError};
use crate::framing::{Framing, Scan};
use crate::time::Instant;
use crate::tls::TlsError;

/// The most that is lent at once, in bytes: no read brings so much.
const LENT_LEN_MAX: u32 = 1 << 30;

impl<F: Framing> Connection<F> {
    /// Lends room for bytes of the transport; empty when the connection does not want to read.
    ///
    /// What was lent before is no longer: only the last loan counts. It ends with the next step,
    /// turn or [`received`](Self::received): report what arrived before anything else.
    pub fn receive_buffer(&mut self) -> &mut [u8] {
        self.lent = 0;
        if !self.wants_read() {
            return &mut [];
        }
        let discarding = self.link.state.is_discarding();
        if discarding {
            self.discard_received();
        }
        let lent = if discarding {
            self.receive.reserve(LARGE_LEN);
            self.receive.spare_mut()
        } else {
            self.make_room();
            self.link.wire.receive_buffer(&mut self.receive)
        };
        let (lent, len) = match u32::try_from(lent.len()) {
            Ok(len) => (lent, len),
            Err(_) => (lent.split_at_mut(LENT_LEN_MAX as usize).0, LENT_LEN_MAX),
        };
        self.lent = len;
        lent
    }

    /// Takes the first `len` bytes of the lent buffer as received. Zero is nothing, not the end.
    ///
    /// # Errors
    /// [`MisuseError`], and nothing is changed, if more was lent than said or the stream has ended.
    /// What is wrong with the bytes is told by [`next`](Self::next).
    pub fn received(&mut self, len: usize, now: Instant) -> Result<(), MisuseError> {
        let lent = self.lent as usize;
        if len > lent {
            return Err(MisuseError::ReceivedTooMuch { len, lent });
        }
        self.lent = 0;
        self.link.happened(now);
        let waiting_len = self.receive.len();
        if len == 0 || self.link.state.is_over() {
            self.record_received(waiting_len, 0);
            return Ok(());
        }
        self.link.timers.active_at = self.link.timers.now;
        if self.link.state.is_discarding() {
            self.record_received(waiting_len, len);
            return Ok(());
        }
        if let Front::Hungry = self.front {
            self.front = Front::Unseen;
        }
        self.inflow = self.link.wire.received(len, &mut self.receive);
        self.record_received(waiting_len, len);
        if let Inflow::Failed(error) = self.inflow {
            self.session_failed(error);
        }
        self.link.queue_changed();
        self.link.begin_clocks();
        Ok(())
    }

    /// Takes note that the peer has ended the transport's stream.
    ///
    /// # Errors
    /// [`MisuseError::ReceivedAfterEnd`] the second time.
    pub fn received_eof(&mut self, now: Instant) -> Result<(), MisuseError> {
        if self.link.ended {
            return Err(MisuseError::ReceivedAfterEnd);
        }
        self.link.ended = true;
        self.lent = 0;
        self.link.happened(now);
        let was_open = self.inflow == Inflow::Open;
        if was_open {
            self.inflow = self.link.wire.received_eof();
        }
        self.record_end(was_open);
        self.link.input(Input::RemoteEnded);
        Ok(())
    }

    /// Takes note that the transport failed: nothing more can be received or transmitted.
    pub fn transport_failed(&mut self, fault: Fault, now: Instant) {
        self.link.happened(now);
        record!(self.link, TransportFailed(fault));
        self.link.input(Input::Lost(Self::lost_for(fault)));
    }

    /// Takes note that the transport takes nothing any more. What the peer sent before may still
    /// be there: reading goes on to its end or failure, and then the connection ends for `fault`.
    pub fn transmit_failed(&mut self, fault: Fault, now: Instant) {
        self.link.happened(now);
        record!(self.link, TransmitFailed(fault));
        self.link.input(Input::TransmitLost(Self::lost_for(fault)));
        self.link.queue_changed();
    }

    /// Takes the first `len` bytes of [`transmit`](Self::transmit) as transmitted.
    ///
    /// # Errors
    /// [`MisuseError::TransmittedTooMuch`], and nothing is changed, if there were fewer.
    pub fn transmitted(&mut self, len: usize, now: Instant) -> Result<(), MisuseError> {
        let queued = self.link.wire.offer(&self.link.staged).len();
        if len > queued {
            return Err(MisuseError::TransmittedTooMuch { len, queued });
        }
        self.link.happened(now);
        if len > 0 {
            self.link.timers.active_at = self.link.timers.now;
            self.link.timers.progress_at = self.link.timers.now;
            self.link.wire.transmitted(len, &mut self.link.staged);
            self.record_transmitted(len);
            self.link.queue_changed();
        }
        Ok(())
    }

    /// Takes note that the transport's write side is shut down, which
    /// [`Interest::shutdown`](super::Interest::shutdown) asked for.
    ///
    /// # Errors
    /// [`MisuseError::ShutdownUnasked`], and nothing is changed, if it did not.
    pub fn shut_down(&mut self, now: Instant) -> Result<(), MisuseError> {
        if !self.link.wants_shutdown() {
            return Err(MisuseError::ShutdownUnasked);
        }
        self.link.happened(now);
        record!(self.link, ShutDown);
        let remote_ended = self.has_remote_ended();
        self.link.input(Input::Shut { remote_ended });
        self.link.begin_clocks();
        Ok(())
    }

    /// Acts on every deadline up to `now`. Every deadline is then later than `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.link.happened(now);
        record!(self.link, Timeout);
        self.look_for_late_frame();
        self.link.handle_timeout();
        self.link.begin_clocks();
    }
}

impl<F: Framing> Connection<F> {
    const fn lost_for(fault: Fault) -> CloseReason {
        match fault {
            Fault::Reset => CloseReason::Reset,
            _ => CloseReason::Transport(fault),
        }
    }

    /// Whether the connection wants input: [`Interest::read`](super::Interest::read) alone, without
    /// the deadline, which is most of the work.
    #[must_use]
    pub fn wants_read(&self) -> bool {
        if self.link.ended {
            return false;
        }
        if self.link.state.is_discarding() {
            return true;
        }
        if !self.link.state.is_decoding() || self.inflow != Inflow::Open {
            return false;
        }
        // What is queued before the handshake is done cannot leave before it is.
        !self.link.wire.is_ready()
            || (self.link.flow == Flow::Open
                && (matches!(self.front, Front::Hungry)
                    || self.receive.len() < self.link.limits.receive_backlog_max))
    }

    /// Takes note that the TLS session failed: what is not sealed can never be.
    pub(super) fn session_failed(&mut self, error: TlsError) {
        record!(self.link, TlsFailed);
        self.link.staged.clear();
        self.inflow = Inflow::Failed(error);
        if let State::Closing { .. } = self.link.state {
            // Nobody looks at the inflow any more, and not all was transmitted.
            self.link.input(Input::Lost(CloseReason::Failed(Error::Tls(error))));
        }
    }

    /// A frame that has arrived whole is not late, even if nobody has looked at it yet.
    fn look_for_late_frame(&mut self) {
        let link = &mut self.link;
        let is_due =
            matches!(link.timers.clock, Clock::Frame { ends_at } if ends_at <= link.timers.now);
        let is_found = matches!(self.front, Front::Found(_) | Front::Shown(_));
        if is_due && !is_found && link.state.is_decoding() {
            match self.framing.scan(self.receive.filled()) {
                Ok(Scan::Found(whole)) => {
                    self.front = Front::Found(whole);
                    link.timers.clock.stop_frame();
                }
                Ok(Scan::Need(_) | Scan::Hold) => {}
                // It is wrong, whenever it is.
                Err(error) => link.input(Input::Fail(Self::blame(error))),
            }
        }
    }

    /// Makes spare room in the plain receive buffer: at first [`LARGE_LEN`]; then, when one frame
    /// or the backlog fills it, twice what has arrived. Nothing is reserved on the peer's word.
    fn make_room(&mut self) {
        if !matches!(self.link.wire, Wire::Plain) {
            return;
        }
        let len = self.receive.len();
        let capacity = self.receive.capacity();
        if capacity < LARGE_LEN {
            self.receive.reserve(LARGE_LEN - len);
        } else if len == capacity {
            self.receive.reserve(1);
        } else if self.receive.spare_mut().len() < len.clamp(1, LARGE_LEN / 4) {
            // Move a short rest to the front instead of reading into a sliver.
            self.receive.reserve(capacity - len);
        }
    }
}
