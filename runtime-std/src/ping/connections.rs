//! Connections as requests, each in a thread of its own.

use std::num::NonZeroUsize;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::thread::Builder;

use drywire::address::Address;
use drywire::framing::Fixed;
use drywire::ping::{Request, Stage};

use super::attempt::{Attempt, Attempts};
use super::error::PingFailure;
use super::pinger::Carrier;
use super::session::{Observer, PingSession};
use crate::client::Client;
use crate::clock::Clock;
use crate::framed::Framed;
use crate::signal::Bell;

/// Connects anew for each request. Threads of requests that were given up end by themselves, by the
/// limits of their client.
pub(super) struct Connections {
    client: Arc<Client>,
    address: Arc<Address>,
    attempts: Attempts,
    clock: Clock,
    /// Rung when an attempt has ended.
    ended: Arc<Bell>,
}

impl Connections {
    pub(super) fn new(client: Client, address: Address, clock: Clock) -> std::io::Result<Self> {
        let (client, address) = (Arc::new(client), Arc::new(address));
        let ended = Arc::new(Bell::new()?);
        Ok(Self { client, address, attempts: Attempts::new(), clock, ended })
    }
}

impl Carrier for Connections {
    fn transmit(&mut self, request: &Request, payload: &[u8]) -> Result<(), PingFailure> {
        let attempt = self.attempts.begin(request, payload, self.clock);
        let (client, address) = (Arc::clone(&self.client), Arc::clone(&self.address));
        let ended = Arc::clone(&self.ended);
        let work = move || run(&attempt, &client, &address, &ended);
        let thread = Builder::new().name("drywire-ping".to_owned()).spawn(work);
        thread.map(drop).map_err(PingFailure::Transmit)
    }

    fn hear(&mut self, session: &mut PingSession, observer: &mut Observer<'_>) -> bool {
        self.ended.silence();
        self.attempts.hear(session, observer);
        true
    }
}

impl AsFd for Connections {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ended.as_fd()
    }
}

fn run(attempt: &Attempt, client: &Client, address: &Address, ended: &Bell) {
    let outcome = hold(attempt, client, address);
    let (outcome, framed) = match outcome {
        Ok((echo, framed)) => (Ok(echo), framed),
        Err(failure) => (Err(failure), None),
    };
    attempt.end(outcome);
    ended.ring();
    // In order, and outside of what is measured.
    let _ = framed.map(Framed::close);
}

fn hold(
    attempt: &Attempt,
    client: &Client,
    address: &Address,
) -> Result<(Vec<u8>, Option<Framed<Fixed>>), PingFailure> {
    let stream = client.stream(address).map_err(PingFailure::Connect)?;
    attempt.reached(Stage::Connect);
    let len = NonZeroUsize::new(attempt.payload().len());
    if len.is_none() && !address.is_tls() {
        return Ok((Vec::new(), None));
    }
    let framing = Fixed::new(len.unwrap_or(NonZeroUsize::MIN));
    let mut framed = client.open(address, stream, framing).map_err(PingFailure::Connect)?;
    if address.is_tls() {
        attempt.reached(Stage::Handshake);
    }
    if len.is_none() {
        return Ok((Vec::new(), Some(framed)));
    }
    framed.send(attempt.payload()).map_err(PingFailure::Conversation)?;
    let echo = framed.recv().map_err(PingFailure::Conversation)?;
    let echo = echo.ok_or(PingFailure::Finished)?.to_vec();
    Ok((echo, Some(framed)))
}
