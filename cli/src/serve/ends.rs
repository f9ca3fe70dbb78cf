use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use drywire::{CloseReason, Error, Peer};
use serde_json::json;

use crate::failure::without_alert;
use crate::output::Output;

/// Ends that may wait to be printed. More are only counted: connections must not wait for whoever
/// reads what we print.
const WAITING_MAX: usize = 1024;

/// Prints how connections ended.
pub(super) struct Ends {
    sender: SyncSender<End>,
    missed: Arc<AtomicU64>,
    printer: JoinHandle<()>,
}

type End = (Peer, CloseReason);

impl Ends {
    pub(super) fn new(output: Output) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(WAITING_MAX);
        let missed = Arc::new(AtomicU64::new(0));
        let printer = {
            let missed = Arc::clone(&missed);
            let print = move || print_all(&receiver, &missed, output);
            thread::Builder::new().name("ends".to_owned()).spawn(print)?
        };
        Ok(Self { sender, missed, printer })
    }

    /// What a server tells its ends to.
    pub(super) fn observer(&self) -> impl Fn(&Peer, &CloseReason) + Send + Sync + 'static {
        let (sender, missed) = (self.sender.clone(), Arc::clone(&self.missed));
        move |peer, reason| {
            if sender.try_send((peer.clone(), reason.clone())).is_err() {
                missed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Waits until all of them are printed; the server must be gone.
    pub(super) fn finish(self) {
        drop(self.sender);
        // It does not panic; if it did, there would be nothing left to print.
        let _ = self.printer.join();
    }
}

fn print_all(ends: &Receiver<End>, missed: &AtomicU64, output: Output) {
    for (peer, reason) in ends {
        print(&peer, &reason, output);
        let missed = missed.swap(0, Ordering::Relaxed);
        if missed > 0 {
            output.warn(format_args!("{missed} ends of connections were not printed"));
        }
    }
}

/// People are told what went wrong, programs everything.
fn print(peer: &Peer, reason: &CloseReason, output: Output) {
    if output.is_json() {
        let value = json!({
            "event": "closed",
            "peer": peer.to_string(),
            "proxy": peer.header().map(|_| peer.ends().to_string()),
            "kind": reason.kind().name(),
            "reason": reason.to_string(),
        });
        // Serving goes on without readers.
        let _ = output.record("", &value);
    } else if !reason.is_clean() {
        let reason = plainly(reason);
        match peer.header() {
            Some(_) => output.note(format_args!("{peer} through {}: {reason}", peer.ends())),
            None => output.note(format_args!("{peer}: {reason}")),
        }
    }
}

/// Why a connection ended, for people.
fn plainly(reason: &CloseReason) -> String {
    match reason {
        CloseReason::Stopped => {
            "ended by force: after --drain-timeout, or a second signal".to_owned()
        }
        CloseReason::Failed(Error::Tls(error)) => without_alert(&reason.to_string(), error),
        _ => reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use drywire::tls::{Alert, TlsCause, TlsError};

    use super::*;

    #[test]
    fn people_are_told_what_they_can_change() {
        let refused = TlsError::Refused { cause: TlsCause::NotTls, alert: Some(Alert(50)) };
        for (reason, expected) in [
            (CloseReason::Failed(Error::Tls(refused)), "the peer does not speak TLS"),
            (CloseReason::Reset, "reset by the peer"),
        ] {
            assert_eq!(plainly(&reason), expected);
        }
        assert!(plainly(&CloseReason::Stopped).contains("--drain-timeout"));
    }
}
