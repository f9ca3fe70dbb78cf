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

pub(crate) fn closed(visit: &Visit, reason: &CloseReason, now: Instant) {
    event!(
        debug,
        "connection closed",
        peer = visit.peer.to_string(),
        proxy = visit.peer.header().map(|_| visit.peer.ends().to_string()),
        listener = visit.peer.listener(),
        received = visit.received_len,
        transmitted = visit.transmitted_len,
        seconds = now.saturating_duration_since(visit.since).as_secs_f64(),
        kind = reason.kind().name(),
        reason = reason.to_string(),
    );
}

pub(crate) fn refused(peer: &Peer, refusal: Refusal) {
    event!(
        debug,
        "connection refused",
        peer = peer.to_string(),
        listener = peer.listener(),
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
