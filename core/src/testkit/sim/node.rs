//! What takes part: ends of streams and endpoints of datagrams, of any protocol.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::RefCell;
use core::fmt;
use core::marker::PhantomData;
use core::net::SocketAddr;

use super::lane::Lane;
use super::link::Link;
use super::log::Log;
use super::timeline::{Mark, quoted};
use crate::buffer::Pool;
use crate::connection::{CloseReason, Connection, Handle};
use crate::datagram::{
    self, DatagramAddress, DatagramEndpoint, DatagramHandle, DatagramPeer, DatagramProtocol,
    DatagramStatistics,
};
use crate::error::Fault;
use crate::framing::Framing;
use crate::limits::Limits;
use crate::protocol::Protocol;
use crate::testkit::OwnedFrames;
use crate::testkit::way::{self, Tag, Transport};
use crate::time::Instant;
use crate::tls::Negotiated;

/// Names a part of one simulation, and knows what it is: `sim[id]` is that part.
pub struct Id<T> {
    pub(super) number: u32,
    what: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    pub(super) const fn new(number: u32) -> Self {
        Self { number, what: PhantomData }
    }

    /// The number of the node, in the order in which they were made.
    #[must_use]
    pub const fn number(self) -> usize {
        self.number as usize
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Id<T> {}

impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Id").field(&self.number).finish()
    }
}

/// One side of a stream that is to be [connected](super::Sim::connect).
pub struct Party<P: Protocol> {
    pub(super) name: &'static str,
    pub(super) protocol: P,
    limits: Option<Arc<Limits>>,
    #[cfg(feature = "tls")]
    session: Option<crate::tls::TlsSession>,
}

impl<P: Protocol> Party<P> {
    /// A side without TLS. Its name is for reading.
    #[must_use]
    pub const fn plain(name: &'static str, protocol: P) -> Self {
        Self {
            name,
            protocol,
            limits: None,
            #[cfg(feature = "tls")]
            session: None,
        }
    }

    /// A side within a TLS session.
    #[cfg(feature = "tls")]
    #[must_use]
    pub const fn tls(name: &'static str, session: crate::tls::TlsSession, protocol: P) -> Self {
        Self { name, protocol, limits: None, session: Some(session) }
    }

    /// Sets the limits, which are the default ones otherwise.
    #[must_use]
    pub fn within(self, limits: impl Into<Arc<Limits>>) -> Self {
        Self { limits: Some(limits.into()), ..self }
    }

    #[cfg(feature = "tls")]
    pub(super) const fn is_tls(&self) -> bool {
        self.session.is_some()
    }

    #[cfg(not(feature = "tls"))]
    pub(super) const fn is_tls(&self) -> bool {
        let _ = self;
        false
    }

    pub(super) fn open(self, limits: &Arc<Limits>, now: Instant) -> Node<P> {
        let framing = self.protocol.framing();
        let limits = self.limits.unwrap_or_else(|| Arc::clone(limits));
        #[cfg(feature = "tls")]
        let connection = match self.session {
            Some(session) => Connection::tls(session, framing, limits, now),
            None => Connection::plain(framing, limits, now),
        };
        #[cfg(not(feature = "tls"))]
        let connection = Connection::plain(framing, limits, now);
        Node { connection, protocol: self.protocol }
    }
}

impl<P: Protocol> fmt::Debug for Party<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Party").field("name", &self.name).finish_non_exhaustive()
    }
}

/// One end of a stream: a connection and the protocol that runs on it.
///
/// Whoever changes it through the simulation, as with `sim[id].connection.send(…)`, changes it at
/// the time at which the simulation stands.
#[non_exhaustive]
pub struct Node<P: Protocol> {
    /// The connection.
    pub connection: Connection<P::Framing>,
    /// The protocol.
    pub protocol: P,
}

impl<P: Protocol> fmt::Debug for Node<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("connection", &self.connection).finish_non_exhaustive()
    }
}

/// What a node takes, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NodeMemory {
    pub(super) state_len: usize,
    pub(super) buffers_len: usize,
    pub(super) protocol_len: usize,
}

/// One end of a stream, whatever it runs.
pub(super) trait StreamNode {
    fn round(&mut self, ends: &mut Ends<'_>, pool: &mut Pool, now: Instant) -> bool;
    fn reset(&mut self, now: Instant);
    fn next_deadline(&self) -> Option<Instant>;
    fn is_closed(&self) -> bool;
    fn close_reason(&self) -> Option<&CloseReason>;
    fn memory(&self) -> NodeMemory;
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

/// The two directions of a stream as one of its ends sees them.
pub(super) struct Ends<'a> {
    pub(super) out: &'a mut Lane,
    pub(super) out_link: &'a Link,
    pub(super) inp: &'a mut Lane,
    pub(super) inp_link: &'a Link,
    pub(super) log: &'a mut Log,
}

impl Transport for Ends<'_> {
    fn write<F: Framing>(&mut self, from: &mut Connection<F>, now: Instant) -> bool {
        self.out.write(from, now, self.out_link, self.log)
    }

    fn read<F: Framing>(&mut self, to: &mut Connection<F>, now: Instant) -> bool {
        self.inp.read(to, now, self.inp_link, self.log)
    }
}

impl<P: Protocol + 'static> StreamNode for Node<P>
where
    P::Framing: OwnedFrames + 'static,
{
    fn round(&mut self, ends: &mut Ends<'_>, pool: &mut Pool, now: Instant) -> bool {
        let due = self.connection.deadline().filter(|deadline| deadline.at <= now);
        if let Some(deadline) = due {
            ends.log.note(Mark::Due(deadline));
        }
        let has_timeline = ends.log.has_timeline();
        let moved = way::pass_time(&mut self.connection, now);
        let Self { connection, protocol } = self;
        if has_timeline {
            let said = RefCell::new(Vec::new());
            let mut noted = Noted { protocol, said: &said };
            let mut told = Told { ends, said: &said };
            let moved = moved | way::round(connection, &mut noted, Some(pool), &mut told, now);
            told.tell();
            moved
        } else {
            moved | way::round(connection, protocol, Some(pool), ends, now)
        }
    }

    fn reset(&mut self, now: Instant) {
        self.connection.transport_failed(Fault::Reset, now);
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.connection.deadline().map(|deadline| deadline.at)
    }

    fn is_closed(&self) -> bool {
        self.connection.is_closed()
    }

    fn close_reason(&self) -> Option<&CloseReason> {
        self.connection.close_reason()
    }

    fn memory(&self) -> NodeMemory {
        NodeMemory {
            state_len: size_of::<Connection<P::Framing>>(),
            buffers_len: self.connection.memory_len(),
            protocol_len: size_of::<P>(),
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

/// A protocol whose steps are put into words.
struct Noted<'a, P> {
    protocol: &'a mut P,
    said: &'a RefCell<Vec<String>>,
}

/// The ends, and what was said since something was last written or read: it comes first.
struct Told<'a, 'b> {
    ends: &'a mut Ends<'b>,
    said: &'a RefCell<Vec<String>>,
}

impl Told<'_, '_> {
    fn tell(&mut self) {
        self.said.take().into_iter().for_each(|said| self.ends.log.step(|| said));
    }
}

impl Transport for Told<'_, '_> {
    fn write<F: Framing>(&mut self, from: &mut Connection<F>, now: Instant) -> bool {
        self.tell();
        self.ends.write(from, now)
    }

    fn read<F: Framing>(&mut self, to: &mut Connection<F>, now: Instant) -> bool {
        self.tell();
        self.ends.read(to, now)
    }
}

/// Longest text of a frame.
const FRAME_TEXT_LEN: usize = 40;

fn shortened(text: String) -> String {
    match text.char_indices().nth(FRAME_TEXT_LEN) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

impl<P> Noted<'_, P> {
    fn say(&self, said: String) {
        self.said.borrow_mut().push(said);
    }
}

impl<P: Protocol> Protocol for Noted<'_, P>
where
    P::Framing: OwnedFrames,
{
    type Framing = P::Framing;

    fn framing(&self) -> P::Framing {
        self.protocol.framing()
    }

    fn on_open(&mut self, negotiated: Option<&Negotiated>, handle: &mut Handle<'_, P::Framing>) {
        self.say("open".into());
        self.protocol.on_open(negotiated, handle);
    }

    fn on_frame(
        &mut self,
        frame: <P::Framing as Framing>::Frame<'_>,
        handle: &mut Handle<'_, P::Framing>,
    ) {
        let said = P::Framing::describe(&P::Framing::own(&frame));
        self.protocol.on_frame(frame, handle);
        let retained = if handle.is_retained() { " (retained)" } else { "" };
        self.say(format!("frame {}{retained}", shortened(said)));
    }

    fn on_writable(&mut self, handle: &mut Handle<'_, P::Framing>) {
        self.say("writable".into());
        self.protocol.on_writable(handle);
    }

    fn on_timer(&mut self, handle: &mut Handle<'_, P::Framing>) {
        self.say("timer".into());
        self.protocol.on_timer(handle);
    }

    fn on_finished(&mut self, handle: &mut Handle<'_, P::Framing>) {
        self.say("peer finished".into());
        self.protocol.on_finished(handle);
    }

    fn on_failed(&mut self, reason: &CloseReason, handle: &mut Handle<'_, P::Framing>) {
        self.say(format!("failed: {reason}"));
        self.protocol.on_failed(reason, handle);
    }

    fn on_closed(&mut self, reason: &CloseReason) {
        self.say(format!("closed: {reason}"));
        self.protocol.on_closed(reason);
    }
}

/// An address that datagrams of a simulation are sent by.
pub trait NetworkAddress: DatagramAddress + 'static {
    /// The address as one of any kind.
    fn to_peer(&self) -> DatagramPeer;

    /// The address that `peer` is, if it is of this kind.
    fn from_peer(peer: DatagramPeer) -> Option<Self>;
}

impl NetworkAddress for DatagramPeer {
    fn to_peer(&self) -> DatagramPeer {
        *self
    }

    fn from_peer(peer: DatagramPeer) -> Option<Self> {
        Some(peer)
    }
}

impl NetworkAddress for SocketAddr {
    fn to_peer(&self) -> DatagramPeer {
        DatagramPeer::ip(*self)
    }

    fn from_peer(peer: DatagramPeer) -> Option<Self> {
        match peer {
            DatagramPeer::Ip(address) => Some(address),
            DatagramPeer::Unix(_) => None,
        }
    }
}

/// One endpoint of datagrams and the protocol that runs on it.
#[non_exhaustive]
pub struct Endpoint<A, P> {
    /// The endpoint.
    pub endpoint: DatagramEndpoint<A>,
    /// The protocol.
    pub protocol: P,
}

impl<A, P> Endpoint<A, P> {
    pub(super) const fn new(endpoint: DatagramEndpoint<A>, protocol: P) -> Self {
        Self { endpoint, protocol }
    }
}

impl<A: DatagramAddress, P> fmt::Debug for Endpoint<A, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// A datagram that is under way.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) from: DatagramPeer,
    pub(super) bytes: Vec<u8>,
    pub(super) tag: Tag,
    /// Its place among all that were sent.
    pub(super) number: u64,
}

/// Datagrams that are under way to one endpoint, by arrival.
pub(super) type Inbox = BTreeMap<(Instant, u64), Parcel>;

/// One endpoint of datagrams, whatever it runs.
pub(super) trait DatagramNode {
    fn receive(&mut self, parcel: &Parcel, now: Instant);
    fn round(
        &mut self,
        sent: &mut Vec<(DatagramPeer, Vec<u8>)>,
        log: &mut Log,
        now: Instant,
    ) -> bool;
    fn next_deadline(&self) -> Option<Instant>;
    fn is_closed(&self) -> bool;
    fn memory(&self) -> NodeMemory;
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl<A: NetworkAddress, P: DatagramProtocol<A> + 'static> DatagramNode for Endpoint<A, P> {
    fn receive(&mut self, parcel: &Parcel, now: Instant) {
        if let Some(from) = A::from_peer(parcel.from) {
            self.endpoint.received(from, &parcel.bytes, now);
        }
    }

    fn round(
        &mut self,
        sent: &mut Vec<(DatagramPeer, Vec<u8>)>,
        log: &mut Log,
        now: Instant,
    ) -> bool {
        if self.next_deadline().is_some_and(|at| at <= now) {
            self.endpoint.handle_timeout(now);
            let deadline = self.next_deadline();
            assert!(deadline.is_none_or(|at| at > now), "{deadline:?} is not later than {now}");
        }
        let mut noted = NotedDatagrams { protocol: &mut self.protocol, log };
        datagram::pump(&mut self.endpoint, &mut noted);
        sent.extend(self.endpoint.transmit_all().map(|(to, bytes)| (to.to_peer(), bytes.to_vec())));
        self.endpoint.transmitted(sent.len(), now).expect("no more than there were");
        // What was refused for want of room can be sent now, and what had waited is shown.
        !sent.is_empty()
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.endpoint.interest().deadline
    }

    fn is_closed(&self) -> bool {
        self.endpoint.is_closed()
    }

    fn memory(&self) -> NodeMemory {
        NodeMemory {
            state_len: size_of::<DatagramEndpoint<A>>(),
            buffers_len: self.endpoint.waiting().1 + self.endpoint.queued().1,
            protocol_len: size_of::<P>(),
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

/// A protocol whose steps are put into words.
struct NotedDatagrams<'a, P> {
    protocol: &'a mut P,
    log: &'a mut Log,
}

impl<A: DatagramAddress, P: DatagramProtocol<A>> DatagramProtocol<A> for NotedDatagrams<'_, P> {
    fn on_open(&mut self, handle: &mut DatagramHandle<'_, A>) {
        self.log.step(|| "open".into());
        self.protocol.on_open(handle);
    }

    fn on_datagram(&mut self, from: &A, bytes: &[u8], handle: &mut DatagramHandle<'_, A>) {
        self.log.step(|| format!("datagram {}", quoted(bytes)));
        self.protocol.on_datagram(from, bytes, handle);
    }

    fn on_writable(&mut self, handle: &mut DatagramHandle<'_, A>) {
        self.log.step(|| "writable".into());
        self.protocol.on_writable(handle);
    }

    fn on_timer(&mut self, handle: &mut DatagramHandle<'_, A>) {
        self.log.step(|| "timer".into());
        self.protocol.on_timer(handle);
    }

    fn on_fault(&mut self, to: Option<&A>, fault: Fault, handle: &mut DatagramHandle<'_, A>) {
        self.log.step(|| format!("fault: {fault}"));
        self.protocol.on_fault(to, fault, handle);
    }

    fn on_closed(&mut self, statistics: &DatagramStatistics) {
        self.log.step(|| "closed".into());
        self.protocol.on_closed(statistics);
    }
}

/// What takes part, by what it is joined to.
pub(super) enum Part {
    End { end: Box<dyn StreamNode>, stream: u32, side: usize },
    Endpoint(Box<Station>),
}

/// An endpoint of datagrams and its access to the network.
pub(super) struct Station {
    pub(super) endpoint: Box<dyn DatagramNode>,
    pub(super) address: DatagramPeer,
    pub(super) link: Arc<Link>,
    pub(super) line: super::lane::Line,
    pub(super) random: super::random::Random,
    pub(super) inbox: Inbox,
    pub(super) isolated_until: Instant,
    /// The latest of the datagrams that were received, by number.
    pub(super) received_last: u64,
}
