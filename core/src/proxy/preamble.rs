use alloc::vec::Vec;
use core::time::Duration;

use super::{Header, Parse, ProxyLimits};
use crate::connection::{CloseReason, Deadline, Timer, Truncation};
use crate::error::{Error, Fault, MisuseError};
use crate::time::Instant;

/// Bytes that are read before the length of the header is known.
const FIRST_LEN: usize = 512;

/// Receives the header that a stream begins with.
///
/// It is driven like a [`Connection`](crate::Connection): it [lends](Self::receive_buffer) a buffer
/// and is told what [arrived](Self::received), when the stream [ended](Self::received_eof) or
/// [failed](Self::transport_failed), and when its [deadline](Self::deadline) passed. Once it [is
/// done](Self::is_done) it [is taken apart](Self::into_outcome) into the header and the bytes that
/// were read behind it, which are the first of the stream. Bytes do not move the deadline.
///
/// A stream that ends before its first byte has finished; one that ends later is truncated.
///
/// # Bounds
/// Until the first byte has arrived nothing is held if the driver asks for the buffer only then;
/// later at most 512 bytes or, if that is more, those of one header within
/// [`header_len_max`](ProxyLimits::header_len_max). At most 512 bytes can be left behind the header.
///
/// # Examples
/// ```
/// use drywire::Instant;
/// use drywire::proxy::{Preamble, ProxyLimits};
///
/// let mut preamble = Preamble::new(&ProxyLimits::new(), Instant::ZERO);
/// let input = b"PROXY TCP4 192.0.2.1 192.0.2.9 56324 443\r\nhello";
/// preamble.receive_buffer()[..input.len()].copy_from_slice(input);
/// preamble.received(input.len(), Instant::ZERO)?;
///
/// assert!(preamble.is_done());
/// let introduced = preamble.into_outcome()?;
/// assert_eq!(introduced.header.source(), Some("192.0.2.1:56324".parse()?));
/// assert_eq!(introduced.rest, b"hello");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Preamble {
    len_max: usize,
    /// The latest time seen.
    now: Instant,
    due_at: Instant,
    /// When a stream of which nothing has arrived is closed; set by draining.
    drained_at: Instant,
    /// What arrived, and room.
    buffer: Vec<u8>,
    received_len: usize,
    /// Bytes that the header has at least.
    needed_len: usize,
    outcome: Option<Result<(usize, Header), CloseReason>>,
}

/// What a stream began with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introduced {
    /// The header.
    pub header: Header,
    /// The bytes that were read behind it.
    pub rest: Vec<u8>,
}

impl Preamble {
    /// Begins to receive at `now`.
    #[must_use]
    pub fn new(limits: &ProxyLimits, now: Instant) -> Self {
        Self {
            len_max: limits.len_max(),
            now,
            due_at: now + limits.header_timeout,
            drained_at: Instant::MAX,
            buffer: Vec::new(),
            received_len: 0,
            needed_len: 0,
            outcome: None,
        }
    }

    /// The buffer for bytes of the transport; empty when no more are wanted.
    pub fn receive_buffer(&mut self) -> &mut [u8] {
        if self.outcome.is_none() && self.buffer.len() == self.received_len {
            // Not at once to what the header announces: memory follows what has arrived.
            let len = self.needed_len.min(2 * self.buffer.len()).max(FIRST_LEN);
            self.buffer.resize(len, 0);
        }
        let lent = self.lent();
        self.buffer.get_mut(lent).unwrap_or_default()
    }

    /// Where the buffer that is lent lies.
    fn lent(&self) -> core::ops::Range<usize> {
        let end = if self.outcome.is_none() { self.buffer.len() } else { self.received_len };
        self.received_len..end
    }

    /// Takes note of `len` bytes that were written to the beginning of the lent buffer.
    ///
    /// # Errors
    /// [`MisuseError`]: nothing was changed.
    pub fn received(&mut self, len: usize, now: Instant) -> Result<(), MisuseError> {
        self.observe(now);
        let lent = self.lent().len();
        if len > lent {
            return Err(MisuseError::ReceivedTooMuch { len, lent });
        }
        if len == 0 {
            return Ok(());
        }
        self.received_len += len;
        let input = self.buffer.get(..self.received_len).unwrap_or_default();
        match Header::parse(input, self.len_max) {
            Ok(Parse::Need { len }) => self.needed_len = len,
            Ok(Parse::Found { len, header }) => self.outcome = Some(Ok((len, header))),
            Err(error) => self.fail(CloseReason::Failed(Error::from(error))),
        }
        Ok(())
    }

    /// Takes note of the end of the stream.
    pub fn received_eof(&mut self, now: Instant) {
        self.observe(now);
        self.fail(match self.received_len {
            0 => CloseReason::Finished,
            len => CloseReason::Truncated(Truncation::ProxyHeader { len }),
        });
    }

    /// Takes note that the transport failed.
    pub fn transport_failed(&mut self, fault: Fault, now: Instant) {
        self.observe(now);
        self.fail(match fault {
            Fault::Reset => CloseReason::Reset,
            fault => CloseReason::Transport(fault),
        });
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); `None` when never.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        let Deadline { at, timer } = self.due();
        let is_awaited = self.outcome.is_none() && at < Instant::MAX;
        // Set at or before the latest time, it is due just after it.
        is_awaited.then_some(Deadline { at: at.max(self.now.next()), timer })
    }

    fn due(&self) -> Deadline {
        if self.received_len == 0 && self.drained_at < self.due_at {
            Deadline { at: self.drained_at, timer: Timer::Drain }
        } else {
            Deadline { at: self.due_at, timer: Timer::ProxyHeader }
        }
    }

    /// Acts on the deadline if it has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.observe(now);
        match self.due() {
            Deadline { at, .. } if at > self.now || at == Instant::MAX => {}
            Deadline { timer: Timer::Drain, .. } => self.fail(CloseReason::Closed),
            Deadline { timer, .. } => self.fail(CloseReason::TimedOut(timer)),
        }
    }

    /// Takes note that the server is being drained: a stream of which nothing arrives
    /// within `idle_timeout` is closed, which is no failure. A header that is under way goes on.
    pub fn drain(&mut self, idle_timeout: Duration, now: Instant) {
        self.observe(now);
        self.drained_at = self.drained_at.min(self.now + idle_timeout);
    }

    /// Takes note that the driver stopped serving.
    pub fn stop(&mut self) {
        self.fail(CloseReason::Stopped);
    }

    /// Whether it is over, in one way or the other.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.outcome.is_some()
    }

    /// The header and the bytes behind it.
    ///
    /// # Errors
    /// The reason to close for; [`CloseReason::Aborted`] if it is not done.
    pub fn into_outcome(self) -> Result<Introduced, CloseReason> {
        let (len, header) = self.outcome.unwrap_or(Err(CloseReason::Aborted))?;
        let mut rest = self.buffer;
        rest.truncate(self.received_len);
        rest.drain(..len.min(rest.len()));
        Ok(Introduced { header, rest })
    }

    fn observe(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    fn fail(&mut self, reason: CloseReason) {
        self.outcome.get_or_insert(Err(reason));
    }
}
