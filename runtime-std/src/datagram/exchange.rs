use std::io;

use drywire::datagram::{
    Answer, DatagramEndpoint, DatagramLimits, DatagramPeer, DatagramSendError, DatagramStatistics,
    DatagramStep, Matcher, RequestError, RequestId, RequestLimits, Requests,
};
use drywire::{Fault, Instant};

use super::batch::DatagramBatch;
use super::socket::DatagramSocket;
use crate::turn::Readiness;

/// A client's side of a connected datagram socket, for drivers that wait in their own way: an
/// endpoint, requests, and what moves datagrams between them and the socket.
///
/// As long as there are requests, what comes goes to them; otherwise it waits to be
/// [taken](Self::take_datagram).
#[derive(Debug)]
pub struct DatagramExchange<M> {
    batch: DatagramBatch,
    endpoint: DatagramEndpoint<DatagramPeer>,
    requests: Requests<DatagramPeer, M>,
    remote: DatagramPeer,
    /// The datagram that was taken last.
    taken: Vec<u8>,
    fault: Option<Fault>,
}

impl<M: Matcher> DatagramExchange<M> {
    /// An exchange over `socket`, which must be connected.
    ///
    /// # Errors
    /// Those of the system.
    pub fn new(
        socket: &DatagramSocket,
        matcher: M,
        limits: RequestLimits,
        now: Instant,
    ) -> io::Result<Self> {
        let mut endpoint_limits = DatagramLimits::new();
        endpoint_limits.source_rate = None;
        endpoint_limits.datagram_len_max = limits.datagram_len_max;
        Ok(Self {
            batch: DatagramBatch::new(socket)?,
            endpoint: DatagramEndpoint::new(&endpoint_limits, now),
            requests: Requests::new(matcher, limits, now),
            remote: socket.remote()?,
            taken: Vec::new(),
            fault: None,
        })
    }

    /// Does what can be done without waiting: receives at most one batch, acts on what is due, and
    /// sends what there is.
    pub fn turn(&mut self, socket: &DatagramSocket, readiness: &mut Readiness, now: Instant) {
        self.batch.receive(&mut self.endpoint, socket, readiness, now);
        self.endpoint.handle_timeout(now);
        self.requests.handle_timeout(now);
        if self.requests.active() > 0 {
            while self.pass_on(now) {}
        }
        while let Some((_, bytes)) = self.requests.transmit() {
            if self.endpoint.send(self.remote, bytes).is_err() {
                break;
            }
            self.requests.transmitted(now);
        }
        self.batch.transmit(&mut self.endpoint, socket, readiness, now);
        if self.requests.active() > 0 {
            while self.pass_on(now) {}
        }
    }

    /// Whether a turn makes sense without waiting for the socket.
    #[must_use]
    pub fn is_busy(&self, readiness: Readiness) -> bool {
        let interest = self.endpoint.interest();
        interest.read && readiness.readable
            || (interest.write || self.requests.transmit().is_some()) && readiness.writable
    }

    /// Whether to wait for room in the socket.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        self.endpoint.interest().write
    }

    /// When a turn must be taken at the latest.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.requests.deadline().into_iter().chain(self.endpoint.interest().deadline).min()
    }

    /// Queues a datagram.
    ///
    /// # Errors
    /// [`DatagramSendError`].
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), DatagramSendError> {
        self.endpoint.send(self.remote, bytes)
    }

    /// Whether everything is sent.
    #[must_use]
    pub fn is_flushed(&self) -> bool {
        !self.endpoint.interest().write
    }

    /// Takes the next datagram, if there is one.
    pub fn take_datagram(&mut self) -> Option<&[u8]> {
        loop {
            match self.endpoint.next()? {
                DatagramStep::Datagram { bytes, .. } => {
                    self.taken.clear();
                    self.taken.extend_from_slice(bytes);
                    break;
                }
                DatagramStep::Fault { fault, .. } => self.fault = Some(fault),
                _ => {}
            }
        }
        Some(&self.taken)
    }

    /// Takes the latest fault that the socket reported. It ended nothing.
    pub fn take_fault(&mut self) -> Option<Fault> {
        self.fault.take()
    }

    /// Asks.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn request(&mut self, bytes: &[u8], now: Instant) -> Result<RequestId, RequestError> {
        self.requests.request(self.remote, bytes, now)
    }

    /// Takes what became of a request, if something did.
    pub fn take_answer(&mut self) -> Option<Answer<'_>> {
        self.requests.next()
    }

    /// Forgets a request.
    pub fn cancel(&mut self, id: RequestId) {
        self.requests.cancel(id);
    }

    /// The counts of the socket's datagrams.
    #[must_use]
    pub const fn statistics(&self) -> &DatagramStatistics {
        self.endpoint.statistics()
    }

    /// The counts of attempts and replies.
    #[must_use]
    pub const fn request_statistics(&self) -> &DatagramStatistics {
        self.requests.statistics()
    }

    /// Hands one step of the endpoint to the requests. Returns whether there was one.
    fn pass_on(&mut self, now: Instant) -> bool {
        match self.endpoint.next() {
            Some(DatagramStep::Datagram { bytes, .. }) => {
                self.requests.received(&self.remote, bytes, now);
            }
            Some(DatagramStep::Fault { fault, .. }) => {
                self.requests.socket_failed(fault, now);
            }
            Some(_) => {}
            None => return false,
        }
        true
    }
}
