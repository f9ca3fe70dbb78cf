//! One byte-stream conversation: TLS, framing, close rules and timers as one state machine.
//!
//! A [`Connection`] has four kinds of methods.
//!
//! - **In**, something happened outside: [`received`](Connection::received) (into the
//!   [`receive_buffer`](Connection::receive_buffer)), [`received_eof`](Connection::received_eof),
//!   [`transmitted`](Connection::transmitted), [`shut_down`](Connection::shut_down),
//!   [`transport_failed`](Connection::transport_failed),
//!   [`transmit_failed`](Connection::transmit_failed),
//!   [`handle_timeout`](Connection::handle_timeout). All take the time.
//! - **Want**, the application asks: [`send`](Connection::send), [`finish`](Connection::finish),
//!   [`close`](Connection::close), [`abort`](Connection::abort), [`fail`](Connection::fail),
//!   [`set_timer`](Connection::set_timer), [`upgrade`](Connection::upgrade),
//!   [`decouple`](Connection::decouple), [`refresh_keys`](Connection::refresh_keys); the driver asks:
//!   [`drain`](Connection::drain), [`stop`](Connection::stop), [`lease`](Connection::lease),
//!   [`settle`](Connection::settle).
//! - **Out**, work for the driver: [`next`](Connection::next), which
//!   [`has_step`](Connection::has_step) and [`has_frame`](Connection::has_frame) work out without
//!   taking it, [`transmit`](Connection::transmit), [`interest`](Connection::interest).
//! - **Look**: [`is_writable`](Connection::is_writable), [`queued_len`](Connection::queued_len),
//!   [`close_reason`](Connection::close_reason), [`memory_len_max`](Connection::memory_len_max) and
//!   others on `&self`.
//!
//! Any of them is legal in any order and state. A driver repeats: take all steps, transmit what is
//! there, wait for what the interest names, report what happened.

// In the order of reading: `state`, with `stage` and `close`, is what a conversation goes through,
// `wire` what lies beneath it, and `link` all of a connection but its receive buffer and framing. Then
// a file for each kind of method: `events`, `wants` (and `handle`, for applications), `steps` and
// `transmit`, `look`. Then time, in `timers` and `deadlines`. The others are for a driver's turn, for
// speed and for recordings.
mod close;
mod deadlines;
mod earlier;
mod events;
mod handle;
mod link;
mod look;
mod notes;
#[cfg(feature = "record")]
mod played;
mod stage;
mod state;
mod steps;
mod stride;
mod tap;
mod timers;
mod transmit;
mod turn;
mod wants;
mod wire;

pub use close::{CloseKind, CloseReason, Truncation};
pub use handle::Handle;
pub use stage::Stage;
pub use steps::Step;
pub use timers::{Deadline, Timer};
pub use transmit::Interest;

use alloc::sync::Arc;
use core::fmt;

use crate::buffer::Buffer;
use crate::framing::{Framing, Whole};
use crate::limits::Limits;
use crate::time::Instant;
use link::Link;
use notes::Note;
use steps::Pending;
use tap::record;
use wire::{Inflow, Wire};

/// One conversation with one peer over one byte stream.
///
/// See the [crate] for the contract and the [module](self) for the order of calls.
///
/// ```
/// use drywire::framing::LengthPrefix;
/// use drywire::{Connection, Instant, Step};
///
/// let now = Instant::ZERO;
/// let mut connection = Connection::plain(LengthPrefix::u8(), Default::default(), now);
///
/// let input = b"\x05hello";
/// connection.receive_buffer()[..input.len()].copy_from_slice(input);
/// connection.received(input.len(), now)?;
/// while let Some(step) = connection.next() {
///     if let Step::Frame(frame, mut handle) = step {
///         handle.send(frame)?;
///     }
/// }
/// assert_eq!(connection.transmit(), b"\x05hello");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub struct Connection<F: Framing> {
    /// Plaintext that no frame has been consumed from yet.
    receive: Buffer,
    framing: F,
    link: Link,
    /// How the peer's stream stands behind the bytes in `receive`.
    inflow: Inflow,
    /// What [`Self::receive_buffer`] lent last, in bytes.
    lent: u32,
    front: Front<F::Found>,
    /// A step that [`Self::has_step`] has worked out.
    upcoming: Option<Pending>,
}

/// What is known of the front of the receive buffer.
#[derive(Clone, Copy)]
enum Front<T> {
    /// Nothing: bytes have come, or the framing has changed.
    Unseen,
    /// Every whole frame has been yielded, and the next one needs more than there is.
    Hungry,
    /// A frame was found and has not been shown, or was retained.
    Found(Whole<T>),
    /// The last step showed this frame, and the next one consumes it.
    Shown(Whole<T>),
}

/// Creation.
impl<F: Framing> Connection<F> {
    /// A connection without TLS.
    #[must_use]
    pub fn plain(framing: F, limits: Arc<Limits>, now: Instant) -> Self {
        Self::over(Wire::Plain, framing, limits, now)
    }

    /// A connection within a TLS session.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(
        session: crate::tls::TlsSession,
        framing: F,
        limits: Arc<Limits>,
        now: Instant,
    ) -> Self {
        Self::over(Wire::Tls(alloc::boxed::Box::new(session)), framing, limits, now)
    }

    fn over(wire: Wire, framing: F, limits: Arc<Limits>, now: Instant) -> Self {
        Self {
            receive: Buffer::new(),
            link: Link::new(wire, limits, now),
            framing,
            inflow: Inflow::Open,
            lent: 0,
            front: Front::Hungry,
            upcoming: None,
        }
    }

    /// Goes on with another type of framing, from the byte after the frame that was shown last.
    /// Bytes that were already read and bytes that are queued are kept.
    #[must_use]
    pub fn upgrade<G: Framing>(mut self, framing: G) -> Connection<G> {
        record!(self.link, Upgrade);
        self.consume_shown();
        self.link.leave(&self.framing);
        self.link.notes.remove(Note::Upgraded);
        let upcoming = self.upcoming.filter(|pending| *pending != Pending::Frame);
        Connection {
            receive: self.receive,
            framing,
            link: self.link,
            inflow: self.inflow,
            lent: 0,
            front: Front::Unseen,
            upcoming,
        }
    }
}

impl<F: Framing> fmt::Debug for Connection<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("state", &self.link.state)
            .field("receive", &self.receive)
            .field("queued_len", &self.link.queued_len())
            .field("inflow", &self.inflow)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use core::mem::size_of;

    use super::state::State;
    use super::timers::Timers;
    use super::*;
    use crate::framing::{AnyFraming, LengthPrefix, Lines, Payload, Raw};

    /// What an idle connection takes is little more than this: its buffers go back to the pool, and
    /// with them what counts only within a turn. Ten thousand of them in a loop, each with its
    /// descriptor, protocol, timer and line in the list, are to take 256 bytes apiece.
    #[test]
    fn a_connection_is_small() {
        // A recording listens by one pointer more.
        let tap = if cfg!(feature = "record") { 8 } else { 0 };
        for (size, size_max) in [
            // A pointer each; what they point to is there only while there are bytes, a session, or
            // a reason to end.
            (size_of::<Buffer>(), 8),
            (size_of::<Wire>(), 8),
            (size_of::<State>(), 16),
            // Four instants, and the one deadline of the state with what it is.
            (size_of::<Timers>(), 48),
            // State, wire, buffer, limits and timers, and one word of small values.
            (size_of::<Link>(), 96 + tap),
            // The length of a frame and what is known of it; for byte slices also where in the frame
            // its payload lies.
            (size_of::<Front<()>>(), 16),
            (size_of::<Front<Payload>>(), 32),
            // The rest is a buffer, one word of small values, and the framing.
            (size_of::<Connection<Raw>>(), 136 + tap),
            (size_of::<Connection<LengthPrefix>>(), 168 + tap),
            (size_of::<Connection<Lines>>(), 168 + tap),
            (size_of::<Connection<AnyFraming>>(), 192 + tap),
        ] {
            assert!(size <= size_max, "{size} bytes, not {size_max}");
        }
    }
}
