//! What is logged. Without the feature `tracing` it is nothing.

use std::io;

use drywire::admission::{AcceptFault, Refusal};
use drywire::statistics::Visit;
use drywire::{CloseReason, Instant, Peer};

/// Calls a macro of tracing, or only uses its fields.
macro_rules! event {
    ($level:ident, $message:literal $(, $field:ident = $value:expr)* $(,)?) => {
        #[cfg(feature = "tracing")]
        tracing::$level!(target: "drywire", $($field = $value,)* $message);
        #[cfg(not(feature = "tracing"))]
        if false {
            let _ = ($(&$value,)*);
        }
    };
}

/// The same at the level trace if it is about a connection in the background, or else debug.
macro_rules! connection_event {
    ($is_background:expr, $($rest:tt)*) => {
        if $is_background {
            event!(trace, $($rest)*);
        } else {
            event!(debug, $($rest)*);
        }
    };
}

/// Which server has a connection, and where.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The listener's address, if it is known.
    pub(crate) listener: Option<&'a str>,
    /// Nobody cares about the connections of this server as they do about others.
    pub(crate) is_background: bool,
}

pub(crate) fn closed(visit: &Visit, place: Place<'_>, reason: &CloseReason, now: Instant) {
    connection_event!(
        place.is_background,
        "connection closed",
        peer = visit.peer.to_string(),
        proxy = visit.peer.header().map(|_| visit.peer.ends().to_string()),
        listener = place.listener,
        received = visit.received_len,
        transmitted = visit.transmitted_len,
        seconds = now.saturating_duration_since(visit.since).as_secs_f64(),
        kind = reason.kind().name(),
        reason = reason.to_string(),
    );
}

pub(crate) fn refused(peer: &Peer, place: Place<'_>, refusal: Refusal) {
    connection_event!(
        place.is_background,
        "connection refused",
        peer = peer.to_string(),
        listener = place.listener,
        reason = refusal.to_string(),
    );
}

pub(crate) fn thread_failed(peer: &Peer) {
    event!(warn, "no thread or task for a connection", peer = peer.to_string());
}

pub(crate) fn accept_failed(error: &io::Error, fault: AcceptFault) {
    if fault != AcceptFault::Aborted {
        event!(warn, "accept failed", error = error.to_string());
    }
}
