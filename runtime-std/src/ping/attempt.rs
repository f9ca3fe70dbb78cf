//! Requests that are a connection each.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use drywire::Instant;
use drywire::ping::{Request, Stage};
use drywire::{Limits, connector::ConnectorLimits};

use super::error::PingFailure;
use super::session::{News, Observer, PingSession};
use crate::clock::Clock;

/// What is heard from attempts, wherever they run.
#[derive(Debug)]
pub struct Attempts {
    sender: Sender<Progress>,
    receiver: Receiver<Progress>,
}

/// One attempt, which tells how far it gets.
#[derive(Debug)]
pub struct Attempt {
    sequence: u16,
    payload: Vec<u8>,
    clock: Clock,
    sender: Sender<Progress>,
}

/// How far an attempt has got, and when.
#[derive(Debug)]
struct Progress {
    sequence: u16,
    at: Instant,
    what: What,
}

#[derive(Debug)]
enum What {
    Reached(Stage),
    Answered(Vec<u8>),
    Failed(PingFailure),
}

impl Attempts {
    /// No attempts yet.
    #[must_use]
    pub fn new() -> Self {
        let (sender, receiver) = channel();
        Self { sender, receiver }
    }

    /// An attempt that carries a request.
    #[must_use]
    pub fn begin(&self, request: &Request, payload: &[u8], clock: Clock) -> Attempt {
        let (sequence, payload) = (request.sequence, payload.to_vec());
        Attempt { sequence, payload, clock, sender: self.sender.clone() }
    }

    /// Tells `session` what the attempts have told.
    pub fn hear(&self, session: &mut PingSession, observer: &mut Observer<'_>) {
        for Progress { sequence, at, what } in self.receiver.try_iter() {
            match what {
                What::Reached(stage) => {
                    session.hear(News::Reached { sequence, stage, at }, observer);
                }
                What::Answered(payload) => {
                    let (payload, from, hop_limit) = (&payload[..], None, None);
                    let news = News::Answered { sequence, payload, at, from, hop_limit };
                    session.hear(news, observer);
                }
                What::Failed(failure) => {
                    session.hear(News::Failed { sequence, failure, at }, observer);
                }
            }
        }
    }

    /// Limits of connections for requests that are given up after `timeout`: they have twice as
    /// long for each of their stages, so that it is the ping that gives up, and a connection that
    /// it does not wait for any more soon ends by itself.
    #[must_use]
    pub fn limits(timeout: Duration) -> (Limits, ConnectorLimits) {
        let timeout = timeout.saturating_mul(2);
        let (mut limits, mut connector) = (Limits::new(), ConnectorLimits::new());
        limits.handshake_timeout = timeout;
        limits.frame_timeout = timeout;
        limits.stall_timeout = timeout;
        limits.idle_timeout = timeout;
        limits.linger_timeout = timeout.min(limits.linger_timeout);
        connector.connect_timeout = timeout;
        (limits, connector)
    }
}

impl Default for Attempts {
    fn default() -> Self {
        Self::new()
    }
}

impl Attempt {
    /// What to send and to have echoed; if there is nothing, the connection is all that is asked
    /// for.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Tells that a stage is over now.
    pub fn reached(&self, stage: Stage) {
        self.tell(What::Reached(stage), self.clock.now());
    }

    /// Tells how the attempt ended: what came back, or why nothing did.
    pub fn end(&self, outcome: Result<Vec<u8>, PingFailure>) {
        let at = self.clock.now();
        match outcome {
            Ok(payload) => {
                if !payload.is_empty() {
                    self.tell(What::Reached(Stage::Echo), at);
                }
                self.tell(What::Answered(payload), at);
            }
            Err(failure) => self.tell(What::Failed(failure), at),
        }
    }

    fn tell(&self, what: What, at: Instant) {
        // Nobody may be interested any more.
        let _ = self.sender.send(Progress { sequence: self.sequence, at, what });
    }
}
