use super::DatagramAddress;
use super::endpoint::{DatagramEndpoint, DatagramStep};
use super::handle::DatagramHandle;
use super::statistics::{DatagramStatistics, Dropped};
use crate::error::Fault;

/// One datagram endpoint, as handlers for what happens at it: what
/// [`Protocol`](crate::Protocol) is to a stream.
///
/// A driver has one value per endpoint and calls [`pump`] after everything that it reports to the
/// endpoint. Handlers must not block: they run in the driver's turn.
pub trait DatagramProtocol<A: DatagramAddress> {
    /// The endpoint is there.
    fn on_open(&mut self, handle: &mut DatagramHandle<'_, A>) {
        let _ = handle;
    }

    /// A datagram has come.
    fn on_datagram(&mut self, from: &A, bytes: &[u8], handle: &mut DatagramHandle<'_, A>);

    /// A send was refused because the queue was full, and now there is room.
    fn on_writable(&mut self, handle: &mut DatagramHandle<'_, A>) {
        let _ = handle;
    }

    /// The timer is due.
    fn on_timer(&mut self, handle: &mut DatagramHandle<'_, A>) {
        let _ = handle;
    }

    /// The socket reported a fault, which ends nothing.
    fn on_fault(&mut self, to: Option<&A>, fault: Fault, handle: &mut DatagramHandle<'_, A>) {
        let _ = (to, fault, handle);
    }

    /// The endpoint is over. Called once, last.
    fn on_closed(&mut self, statistics: &DatagramStatistics) {
        let _ = statistics;
    }
}

/// Hands every step that `endpoint` has to `protocol`.
pub fn pump<A: DatagramAddress, P: DatagramProtocol<A> + ?Sized>(
    endpoint: &mut DatagramEndpoint<A>,
    protocol: &mut P,
) {
    while let Some(step) = endpoint.next() {
        match step {
            DatagramStep::Datagram { from, bytes, mut handle } => {
                protocol.on_datagram(&from, bytes, &mut handle);
            }
            DatagramStep::Open(mut handle) => protocol.on_open(&mut handle),
            DatagramStep::Timer(mut handle) => protocol.on_timer(&mut handle),
            DatagramStep::Writable(mut handle) => protocol.on_writable(&mut handle),
            DatagramStep::Fault { to, fault, mut handle } => {
                protocol.on_fault(to.as_ref(), fault, &mut handle);
            }
            DatagramStep::Closed => protocol.on_closed(endpoint.statistics()),
        }
    }
}

/// Sends every datagram back, and cannot be made to send for ever (RFC 862, CVE-2024-2169).
///
/// - An answer has the bytes of its question: never more, and never one without a question.
/// - Nobody is answered who may answer in turn: services
///   ([below port 1024](crate::limits::SERVICE_PORT_END)), the echo itself and others on the same
///   port, addresses of many.
/// - Two echoes on different ports could still be set on each other by a forged address. What they
///   then send in a circle is bounded by
///   [`SourceRate`](super::SourceRate), and ends: what comes too often is dropped, and after
///   [`row_max`](super::SourceRate::row_max) datagrams in a row all that comes in a pause. An
///   endpoint without a [`source_rate`](super::DatagramLimits::source_rate) has none of this.
///
/// Each datagram that is not answered is counted by its reason.
///
/// # Examples
/// ```
/// use core::net::SocketAddr;
/// use drywire::Instant;
/// use drywire::datagram::{DatagramEcho, DatagramEndpoint, DatagramLimits, Dropped, pump};
///
/// let now = Instant::ZERO;
/// let mut endpoint = DatagramEndpoint::<SocketAddr>::new(&DatagramLimits::new(), now);
/// endpoint.received("192.0.2.1:5000".parse()?, b"hello", now);
/// endpoint.received("192.0.2.1:53".parse()?, b"hello", now);
/// pump(&mut endpoint, &mut DatagramEcho);
/// assert_eq!(endpoint.transmit(), Some((&"192.0.2.1:5000".parse()?, &b"hello"[..])));
/// endpoint.transmitted(1, now)?;
/// assert_eq!(endpoint.transmit(), None);
/// assert_eq!(endpoint.statistics().dropped_as(Dropped::ServicePort), 1);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct DatagramEcho;

impl<A: DatagramAddress> DatagramProtocol<A> for DatagramEcho {
    fn on_datagram(&mut self, from: &A, bytes: &[u8], handle: &mut DatagramHandle<'_, A>) {
        if !from.is_answerable() {
            handle.decline(Dropped::Unanswerable);
        } else if from.is_service() {
            handle.decline(Dropped::ServicePort);
        } else if handle.local().is_some_and(|local| from.is_own(local)) {
            handle.decline(Dropped::OwnAddress);
        } else {
            // There is room for it while it is being shown, unless the endpoint was closed.
            let _ = handle.send(from.clone(), bytes);
        }
    }
}

/// Throws every datagram away and sends nothing (RFC 863).
#[derive(Clone, Copy, Debug, Default)]
pub struct DatagramDiscard;

impl<A: DatagramAddress> DatagramProtocol<A> for DatagramDiscard {
    fn on_datagram(&mut self, _: &A, _: &[u8], _: &mut DatagramHandle<'_, A>) {}
}
