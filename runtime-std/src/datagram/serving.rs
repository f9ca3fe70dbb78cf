use std::hash::{BuildHasher, RandomState};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use drywire::Instant;
use drywire::datagram::{
    DatagramEndpoint, DatagramInterest, DatagramLimits, DatagramPeer, DatagramProtocol, pump,
};

use super::batch::DatagramBatch;
use super::listener::DatagramListener;
use super::socket::DatagramSocket;
use crate::ledger::Ledger;
use crate::listener::SocketFile;
use crate::turn::Readiness;

/// A protocol of a datagram listener, whichever it is.
pub type AnyDatagramProtocol = Box<dyn DatagramProtocol<DatagramPeer> + Send>;

/// A datagram listener that is being served, for drivers that wait in their own way.
#[expect(missing_debug_implementations, reason = "the protocol need not have one")]
pub struct DatagramServing {
    endpoint: DatagramEndpoint<DatagramPeer>,
    batch: DatagramBatch,
    protocol: AnyDatagramProtocol,
    /// In the ledger.
    number: usize,
    readiness: Readiness,
    /// Removed when serving has ended.
    _file: Option<SocketFile>,
}

impl DatagramServing {
    /// Makes `protocol` serve `listener`, and counts it in `ledger`. The socket is for the driver.
    ///
    /// # Errors
    /// Those of the system.
    pub fn new(
        listener: DatagramListener,
        protocol: AnyDatagramProtocol,
        limits: &DatagramLimits,
        ledger: &Ledger,
    ) -> io::Result<(Self, DatagramSocket)> {
        let parts = listener.into_parts();
        let serving = Self {
            endpoint: DatagramEndpoint::new(limits, ledger.clock().now())
                .with_local(parts.socket.local()?)
                .with_seed(RandomState::new().hash_one(0)),
            batch: DatagramBatch::new(&parts.socket)?,
            protocol,
            number: ledger.add_datagrams(),
            readiness: Readiness::new(),
            _file: parts.file,
        };
        Ok((serving, parts.socket))
    }

    /// Does what can be done without waiting: receives at most one batch, acts on what is due,
    /// runs the protocol, and sends what there is.
    pub fn turn(&mut self, socket: &DatagramSocket, ledger: &Ledger, now: Instant) {
        self.batch.receive(&mut self.endpoint, socket, &mut self.readiness, now);
        self.endpoint.handle_timeout(now);
        loop {
            self.pump();
            // What could not be answered for want of room may be now.
            if self.batch.transmit(&mut self.endpoint, socket, &mut self.readiness, now) == 0 {
                break;
            }
        }
        ledger.datagrams_are(self.number, self.endpoint.statistics());
    }

    /// A protocol that panics loses the datagram at which it did, and no more.
    fn pump(&mut self) {
        let Self { endpoint, protocol, .. } = self;
        while catch_unwind(AssertUnwindSafe(|| pump(endpoint, &mut **protocol))).is_err() {}
    }

    /// What to wait for.
    #[must_use]
    pub fn interest(&self) -> DatagramInterest {
        self.endpoint.interest()
    }

    /// What is known of the socket.
    pub const fn readiness(&mut self) -> &mut Readiness {
        &mut self.readiness
    }

    /// Whether a turn makes sense without waiting for the socket.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        let interest = self.endpoint.interest();
        interest.read && self.readiness.readable || interest.write && self.readiness.writable
    }

    /// Takes no more datagrams, and sends what is queued.
    pub fn close(&mut self, now: Instant) {
        self.endpoint.handle_timeout(now);
        self.endpoint.close();
    }

    /// Ends at once.
    pub fn abort(&mut self) {
        self.endpoint.abort();
    }

    /// Whether everything is over.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.endpoint.is_closed()
    }
}
