//! Connections as requests, all in the future of their ping.

use std::future::Future;
use std::io;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use drywire::address::Address;
use drywire::framing::Fixed;
use drywire::ping::{Request, Stage};
use drywire_std::Clock;
use drywire_std::ping::{Attempt, Attempts, Observer, PingFailure, PingSession};

use super::pinger::Carrier;
use crate::client::Client;
use crate::framed::Framed;

/// Connects anew for each request. Requests that were given up end by the limits of their client,
/// or with the ping.
pub(super) struct Connections {
    client: Arc<Client>,
    address: Arc<Address>,
    attempts: Attempts,
    clock: Clock,
    running: Vec<Running<Option<Framed<Fixed>>>>,
    /// Connections whose attempt has ended, on their way to an end in order.
    closing: Vec<Running<()>>,
}

type Running<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl Connections {
    pub(super) fn new(client: Client, address: Address, clock: Clock) -> Self {
        let (client, address) = (Arc::new(client), Arc::new(address));
        let (running, closing) = (Vec::new(), Vec::new());
        Self { client, address, attempts: Attempts::new(), clock, running, closing }
    }
}

impl Carrier for Connections {
    fn transmit(&mut self, request: &Request, payload: &[u8]) -> Result<(), PingFailure> {
        let attempt = self.attempts.begin(request, payload, self.clock);
        let (client, address) = (Arc::clone(&self.client), Arc::clone(&self.address));
        self.running.push(Box::pin(async move { run(&attempt, &client, &address).await }));
        Ok(())
    }

    fn hear(&mut self, session: &mut PingSession, observer: &mut Observer<'_>) -> bool {
        self.attempts.hear(session, observer);
        true
    }

    fn poll_news(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut has_news = false;
        let closing = &mut self.closing;
        self.running.retain_mut(|attempt| {
            let Poll::Ready(framed) = attempt.as_mut().poll(cx) else { return true };
            has_news = true;
            closing.extend(framed.map(|framed| -> Running<()> { Box::pin(close(framed)) }));
            false
        });
        closing.retain_mut(|connection| connection.as_mut().poll(cx).is_pending());
        if has_news { Poll::Ready(Ok(())) } else { Poll::Pending }
    }
}

/// What is left to be closed, outside of what is measured.
async fn run(attempt: &Attempt, client: &Client, address: &Address) -> Option<Framed<Fixed>> {
    let (outcome, framed) = match hold(attempt, client, address).await {
        Ok((echo, framed)) => (Ok(echo), framed),
        Err(failure) => (Err(failure), None),
    };
    attempt.end(outcome);
    framed
}

async fn close(framed: Framed<Fixed>) {
    // Whatever comes of it, there is nobody to be told.
    let _ = framed.close().await;
}

async fn hold(
    attempt: &Attempt,
    client: &Client,
    address: &Address,
) -> Result<(Vec<u8>, Option<Framed<Fixed>>), PingFailure> {
    let stream = client.stream(address).await.map_err(PingFailure::Connect)?;
    attempt.reached(Stage::Connect);
    let len = NonZeroUsize::new(attempt.payload().len());
    if len.is_none() && !address.is_tls() {
        return Ok((Vec::new(), None));
    }
    let framing = Fixed::new(len.unwrap_or(NonZeroUsize::MIN));
    let mut framed = client.open(address, stream, framing).await.map_err(PingFailure::Connect)?;
    if address.is_tls() {
        attempt.reached(Stage::Handshake);
    }
    if len.is_none() {
        return Ok((Vec::new(), Some(framed)));
    }
    framed.send(attempt.payload()).await.map_err(PingFailure::Conversation)?;
    let echo = framed.recv().await.map_err(PingFailure::Conversation)?;
    let echo = echo.ok_or(PingFailure::Finished)?.to_vec();
    Ok((echo, Some(framed)))
}
