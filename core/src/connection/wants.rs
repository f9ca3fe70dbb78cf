//! Want: what the application and the driver ask for.

use super::Connection;
use super::close::CloseReason;
use super::handle::Handle;
use super::state::Input;
use super::tap::record;
use crate::error::{MisuseError, SendError};
use crate::framing::Framing;
use crate::time::Instant;

impl<F: Framing> Connection<F> {
    /// The commands of the application.
    pub fn handle(&mut self) -> Handle<'_, F> {
        Handle::new(&mut self.framing, &mut self.link)
    }

    /// Queues a frame; see [`Handle::send`].
    ///
    /// # Errors
    /// [`SendError`]; the queue is then unchanged.
    #[inline]
    pub fn send(&mut self, item: F::Item<'_>) -> Result<(), SendError> {
        self.link.send(&mut self.framing, item)
    }

    /// Lets the two directions go on without each other; see [`Handle::decouple`].
    pub fn decouple(&mut self) {
        self.handle().decouple();
    }

    /// Finishes our side; see [`Handle::finish`].
    pub fn finish(&mut self) {
        self.handle().finish();
    }

    /// Closes; see [`Handle::close`].
    pub fn close(&mut self) {
        self.handle().close();
    }

    /// Ends the connection at once; see [`Handle::abort`].
    pub fn abort(&mut self) {
        self.handle().abort();
    }

    /// Ends the connection with an error of the application; see [`Handle::fail`].
    pub fn fail(&mut self, code: u32) {
        self.handle().fail(code);
    }

    /// Sets or clears the application's timer; see [`Handle::set_timer`].
    pub fn set_timer(&mut self, at: Option<Instant>) {
        self.handle().set_timer(at);
    }

    /// Asks for new TLS traffic keys (RFC 8446, section 4.6.3). They are used as soon as no
    /// handshake message of the peer is under way.
    ///
    /// # Errors
    /// [`MisuseError::KeyUpdateUnavailable`] if there is no TLS 1.3 session whose handshake is
    /// done.
    pub fn refresh_keys(&mut self) -> Result<(), MisuseError> {
        let waiting_len = self.receive.len();
        let refreshed = self.link.wire.refresh_keys(&mut self.receive);
        if let Err(error) = refreshed {
            self.session_failed(error);
        }
        self.record_sealed(waiting_len, self.link.staged.len());
        self.link.queue_changed();
        match refreshed {
            Ok(false) => Err(MisuseError::KeyUpdateUnavailable),
            Ok(true) | Err(_) => Ok(()),
        }
    }

    /// Lets the connection close as soon as it has been silent for
    /// [`drain_idle_timeout`](crate::Limits::drain_idle_timeout). The driver will accept no more.
    pub fn drain(&mut self, now: Instant) {
        self.link.happened(now);
        record!(self.link, Drain);
        self.link.draining = true;
        self.framing.drain();
    }

    /// Ends the connection at once because the driver stops.
    pub fn stop(&mut self) {
        record!(self.link, Stop);
        self.link.input(Input::Lost(CloseReason::Stopped));
    }
}
