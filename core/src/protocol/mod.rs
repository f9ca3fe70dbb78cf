//! Protocols: what an application makes of the steps of a connection, handler style.

#[cfg(feature = "http1")]
mod admin;
#[cfg(feature = "http1")]
mod answer;
mod discard;
mod echo;
mod either;
#[cfg(feature = "http1")]
mod http_echo;
#[cfg(feature = "http1")]
pub mod http_get;
#[cfg(feature = "http1")]
mod pace;

#[cfg(feature = "http1")]
pub use admin::Admin;
pub use discard::Discard;
pub use echo::Echo;
#[cfg(feature = "http1")]
pub use http_echo::{Fingerprint, HttpEcho};

use crate::connection::{CloseReason, Connection, Handle, Step};
use crate::framing::Framing;
use crate::tls::Negotiated;

/// One side of a conversation, as handlers for what happens in it.
///
/// A driver has one value per connection and calls [`pump`] after everything that it reports to
/// the connection. Handlers must not block: they run in the driver's turn.
pub trait Protocol {
    /// How the byte stream is cut into frames.
    type Framing: Framing;

    /// The framing that a conversation begins with.
    fn framing(&self) -> Self::Framing;

    /// The connection is open; with TLS, `negotiated` is what the handshake agreed on.
    fn on_open(&mut self, negotiated: Option<&Negotiated>, handle: &mut Handle<'_, Self::Framing>) {
        let _ = (negotiated, handle);
    }

    /// A frame has arrived.
    fn on_frame(
        &mut self,
        frame: <Self::Framing as Framing>::Frame<'_>,
        handle: &mut Handle<'_, Self::Framing>,
    );

    /// A send was refused because the queue was full, and now there is room.
    fn on_writable(&mut self, handle: &mut Handle<'_, Self::Framing>) {
        let _ = handle;
    }

    /// The timer is due.
    fn on_timer(&mut self, handle: &mut Handle<'_, Self::Framing>) {
        let _ = handle;
    }

    /// The peer has finished its side. By default we flush, then finish too.
    fn on_finished(&mut self, handle: &mut Handle<'_, Self::Framing>) {
        handle.finish();
    }

    /// The connection failed for `reason`. A last frame can still be sent.
    fn on_failed(&mut self, reason: &CloseReason, handle: &mut Handle<'_, Self::Framing>) {
        let _ = (reason, handle);
    }

    /// The connection is over. Called once, last.
    fn on_closed(&mut self, reason: &CloseReason) {
        let _ = reason;
    }
}

/// Hands every step that `connection` has to `protocol`.
pub fn pump<P: Protocol>(connection: &mut Connection<P::Framing>, protocol: &mut P) {
    while let Some(step) = connection.next() {
        match step {
            Step::Frame(frame, mut handle) => protocol.on_frame(frame, &mut handle),
            Step::Open(negotiated, mut handle) => {
                protocol.on_open(negotiated.as_deref(), &mut handle);
            }
            Step::Timer(mut handle) => protocol.on_timer(&mut handle),
            Step::Writable(mut handle) => protocol.on_writable(&mut handle),
            Step::Finished(mut handle) => protocol.on_finished(&mut handle),
            Step::Failed(reason, mut handle) => protocol.on_failed(&reason, &mut handle),
            Step::Closed(reason) => protocol.on_closed(&reason),
        }
    }
}
