use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use drywire::admission::{
    Accept, AcceptFault, Admission, AdmissionLimits, Permit, Refusal, Reservation,
};
use drywire::datagram::DatagramStatistics;
use drywire::framing::Framing;
use drywire::proxy::{Header, Preamble, ProxyPolicy};
use drywire::shutdown::{Phase, Request};
use drywire::statistics::{Statistics, Visit};
use drywire::{CloseReason, Connection, Instant, Peer};

use crate::clock::Clock;
use crate::handle::Summary;
use crate::listener::Listener;
use crate::log;
#[cfg(feature = "evented")]
use crate::visitors::Pages;
use crate::visitors::{Visitor, VisitorRef, Visitors};

/// What the accept loop and the connections of one server share: its clock, its [`Admission`] and
/// its counts.
///
/// The locks within are held for single calls only; bytes are counted without them.
///
/// With the feature `tracing` it logs, for the target `drywire`: each connection that is closed and
/// each that is refused at the level debug, or trace [in the background](Self::set_background),
/// failures of accept at the level warn.
#[derive(Debug)]
pub struct Ledger {
    clock: Clock,
    admission: Mutex<Admission>,
    received_len: AtomicU64,
    transmitted_len: AtomicU64,
    visitors: Visitors,
    listeners: OnceLock<Vec<String>>,
    is_background: AtomicBool,
    /// Of each datagram listener.
    datagrams: Mutex<Vec<DatagramStatistics>>,
    #[cfg(feature = "record")]
    recording: OnceLock<crate::Recording>,
}

impl Ledger {
    /// A ledger without connections, whose clock begins now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            clock: Clock::new(),
            admission: Mutex::new(Admission::new(AdmissionLimits::new())),
            received_len: AtomicU64::new(0),
            transmitted_len: AtomicU64::new(0),
            visitors: Visitors::new(),
            listeners: OnceLock::new(),
            is_background: AtomicBool::new(false),
            datagrams: Mutex::default(),
            #[cfg(feature = "record")]
            recording: OnceLock::new(),
        }
    }

    /// Sets the limits; see [`Admission::set_limits`].
    pub fn set_limits(&self, limits: AdmissionLimits) {
        self.admission().set_limits(limits);
    }

    /// Logs connections at the level trace from now on.
    pub fn set_background(&self) {
        self.is_background.store(true, Ordering::Relaxed);
    }

    /// Takes note of the listeners that are served, for those who look into the server.
    pub fn serves<'a>(&self, listeners: impl IntoIterator<Item = &'a Listener>) {
        let name = |listener: &Listener| listener.address().to_string();
        let _ = self.listeners.set(listeners.into_iter().map(name).collect());
    }

    /// Records the connections that are accepted from now on. The first recording stays.
    #[cfg(feature = "record")]
    pub fn set_recording(&self, recording: crate::Recording) {
        let _ = self.recording.set(recording);
    }

    /// Records `connection`, which is `visitor`'s and new, if connections are recorded.
    #[cfg_attr(not(feature = "record"), expect(unused_variables, reason = "nothing is recorded"))]
    #[inline]
    pub fn record<'a, F: Framing>(
        &self,
        connection: &mut Connection<F>,
        visitor: impl Into<VisitorRef<'a>>,
    ) {
        #[cfg(feature = "record")]
        if let Some(recording) = self.recording.get() {
            recording.attach(connection, &visitor.into().peer(), drywire::script::Role::Server);
        }
    }

    /// The server's clock.
    #[must_use]
    pub const fn clock(&self) -> Clock {
        self.clock
    }

    /// Whether to wait for another connection; see [`Admission::poll`].
    #[must_use]
    pub fn poll(&self) -> Accept {
        self.poll_at(self.now())
    }

    /// The same at `now`, for whoever knows the time.
    pub(crate) fn poll_at(&self, now: Instant) -> Accept {
        self.admission().poll(now)
    }

    /// Keeps a place for the accept that follows; see [`Admission::reserve`].
    #[must_use]
    pub fn reserve(&self) -> Option<Reservation> {
        self.reserve_at(self.now())
    }

    /// The same at `now`, for whoever knows the time.
    pub(crate) fn reserve_at(&self, now: Instant) -> Option<Reservation> {
        self.admission().reserve(now)
    }

    /// Whether to wake those who wait; see [`Admission::poll_waiters`].
    #[must_use]
    pub fn poll_waiters(&self) -> bool {
        self.admission().poll_waiters()
    }

    /// Admits or refuses a connection that was accepted; see [`Admission::accepted`].
    ///
    /// # Errors
    /// [`Refusal`]: the connection must be dropped.
    pub fn accepted(&self, reservation: Reservation, peer: &Peer) -> Result<Permit, Refusal> {
        let admitted = self.admission().accepted(reservation, peer.remote_ip(), self.now());
        if let Err(refusal) = &admitted {
            log::refused(peer, self.place(peer), *refusal);
        }
        admitted
    }

    /// The same on a listener with a policy for PROXY headers; see [`Admission::accepted_by`].
    ///
    /// # Errors
    /// [`Refusal`]: the connection must be dropped.
    pub fn accepted_by(
        &self,
        reservation: Reservation,
        policy: Option<&ProxyPolicy>,
        peer: &Peer,
    ) -> Result<(Permit, Option<Preamble>), Refusal> {
        self.accepted_by_at(reservation, policy, peer, self.now())
    }

    /// The same at `now`, for whoever knows the time.
    pub(crate) fn accepted_by_at(
        &self,
        reservation: Reservation,
        policy: Option<&ProxyPolicy>,
        peer: &Peer,
        now: Instant,
    ) -> Result<(Permit, Option<Preamble>), Refusal> {
        let admitted = self.admission().accepted_by(reservation, policy, peer.remote_ip(), now);
        if let Err(refusal) = &admitted {
            log::refused(peer, self.place(peer), *refusal);
        }
        admitted
    }

    /// Lets the visitor be the client that its header names, and counts it for that one; see
    /// [`Admission::introduced`].
    ///
    /// # Errors
    /// The reason to close for.
    pub fn introduced<'a>(
        &self,
        permit: &mut Permit,
        visitor: impl Into<VisitorRef<'a>>,
        header: Header,
    ) -> Result<(), CloseReason> {
        let counted = self.admission().introduced(permit, &header);
        visitor.into().introduced(header);
        counted
    }

    /// Takes note of bytes of the header that the visitor's stream begins with.
    pub fn received_header<'a>(&self, visitor: impl Into<VisitorRef<'a>>, received_len: u64) {
        self.transferred(received_len, 0);
        visitor.into().moved(received_len, 0);
    }

    /// Takes note that accept failed; see [`Admission::accept_failed`].
    pub fn accept_failed(&self, reservation: Reservation, error: &io::Error) {
        let fault = AcceptFault::from_os(error);
        // First the place: a subscriber of logs may panic.
        self.admission().accept_failed(reservation, fault, self.now());
        log::accept_failed(error, fault);
    }

    /// Takes note that nobody was there to accept; see [`Admission::unused`].
    pub fn unused(&self, reservation: Reservation) {
        self.admission().unused(reservation);
    }

    /// Puts an admitted connection on the list, `is_tls` or not, that begins with a header or not.
    #[must_use]
    pub fn enter(&self, peer: &Peer, is_tls: bool, has_header: bool) -> Visitor {
        self.visitors.enter(peer, is_tls, has_header, self.now())
    }

    /// The same at `now` for a loop, on the place of its `slot`.
    #[cfg(feature = "evented")]
    pub(crate) fn enter_slot(
        &self,
        pages: &mut Pages,
        slot: usize,
        peer: &Peer,
        is_tls: bool,
        has_header: bool,
        now: Instant,
    ) {
        self.visitors.enter_slot(pages, slot, peer, is_tls, has_header, now);
    }

    /// Takes note of a turn of the visitor's connection: the bytes of the transport that it moved,
    /// and how far it has come.
    pub fn turned<'a, F: Framing>(
        &self,
        visitor: impl Into<VisitorRef<'a>>,
        connection: &Connection<F>,
        received_len: u64,
        transmitted_len: u64,
    ) {
        self.transferred(received_len, transmitted_len);
        self.advanced(visitor.into(), connection, received_len, transmitted_len);
    }

    /// Takes note of a turn of the visitor's connection, but for the sum of bytes, which whoever
    /// takes many turns counts at once.
    pub(crate) fn advanced<F: Framing>(
        &self,
        visitor: VisitorRef<'_>,
        connection: &Connection<F>,
        received_len: u64,
        transmitted_len: u64,
    ) {
        let now = connection.now();
        self.visitors.turned(visitor, connection, received_len, transmitted_len, now);
    }

    /// Takes note that an admitted connection got no thread or task; see
    /// [`Admission::thread_failed`].
    pub fn thread_failed<'a>(&self, permit: Permit, visitor: impl Into<VisitorRef<'a>>) {
        let visitor = visitor.into();
        log::thread_failed(&visitor.peer());
        self.visitors.turn_away(visitor);
        self.admission().thread_failed(permit, self.now());
    }

    /// Takes note that a connection ended, after its descriptor was closed. Returns whose it was.
    pub fn closed<'a>(
        &self,
        permit: Permit,
        visitor: impl Into<VisitorRef<'a>>,
        reason: &CloseReason,
    ) -> Peer {
        self.closed_at(permit, visitor.into(), reason, self.now())
    }

    /// The same at `now`, for whoever knows the time.
    pub(crate) fn closed_at(
        &self,
        permit: Permit,
        visitor: VisitorRef<'_>,
        reason: &CloseReason,
        now: Instant,
    ) -> Peer {
        let kind = reason.kind();
        let visit = visitor.visit();
        log::closed(&visit, self.place(&visit.peer), reason, now);
        self.visitors.leave(visitor, kind, now);
        self.admission().closed(permit, kind);
        visit.peer
    }

    /// Counts bytes of the transport.
    pub fn transferred(&self, received_len: u64, transmitted_len: u64) {
        self.received_len.fetch_add(received_len, Ordering::Relaxed);
        self.transmitted_len.fetch_add(transmitted_len, Ordering::Relaxed);
    }

    /// Begins the end, or hastens it; see [`Admission::request`].
    pub fn request(&self, request: Request) {
        self.admission().request(request, self.now());
    }

    /// Where the server stands on its way to the end; see [`Admission::phase`].
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.admission().phase(self.now())
    }

    /// Whether the server may be sent more connections; see [`Admission::is_ready`].
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.admission().is_ready()
    }

    /// Begins to drain; see [`Admission::drain`].
    pub fn drain(&self) {
        self.admission().drain(self.now());
    }

    /// Whether the connections that are left must be ended by force; see
    /// [`Admission::force_due`].
    #[must_use]
    pub fn force_due(&self) -> bool {
        self.admission().force_due(self.now())
    }

    /// When to ask for the [`phase`](Self::phase) again; see [`Admission::deadline`].
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.admission().deadline()
    }

    /// Whether draining has begun and no connection is left.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.admission().is_drained()
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Where a connection is, for the log.
    fn place(&self, peer: &Peer) -> log::Place<'_> {
        let listeners = self.listeners.get().map(Vec::as_slice).unwrap_or_default();
        let index = usize::try_from(peer.listener()).ok();
        let listener = index.and_then(|index| listeners.get(index)).map(String::as_str);
        log::Place { listener, is_background: self.is_background.load(Ordering::Relaxed) }
    }

    /// No call within panics, so that a poisoned lock means nothing.
    fn admission(&self) -> MutexGuard<'_, Admission> {
        self.admission.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How it stands.
impl Ledger {
    /// The connections that there are now, in no order.
    #[must_use]
    pub fn visits(&self) -> Vec<Visit> {
        self.visitors.visits()
    }

    /// The addresses of the listeners that are served, in their order.
    #[must_use]
    pub fn listeners(&self) -> Vec<String> {
        self.listeners.get().cloned().unwrap_or_default()
    }

    /// The counts since the server began.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let mut statistics = *self.admission().statistics();
        statistics += self.visitors.statistics();
        statistics.transferred(
            self.received_len.load(Ordering::Relaxed),
            self.transmitted_len.load(Ordering::Relaxed),
        );
        statistics
    }

    /// Puts a datagram listener on the list, by a number of its own.
    #[must_use]
    pub fn add_datagrams(&self) -> usize {
        let mut datagrams = self.datagrams();
        datagrams.push(DatagramStatistics::new());
        datagrams.len() - 1
    }

    /// Takes note of the counts of the datagram listener with this number.
    pub fn datagrams_are(&self, number: usize, statistics: &DatagramStatistics) {
        if let Some(place) = self.datagrams().get_mut(number) {
            *place = *statistics;
        }
    }

    /// Whether there is a datagram listener.
    #[must_use]
    pub fn has_datagrams(&self) -> bool {
        !self.datagrams().is_empty()
    }

    /// The counts of all datagram listeners since the server began.
    #[must_use]
    pub fn datagram_statistics(&self) -> DatagramStatistics {
        let mut sum = DatagramStatistics::new();
        self.datagrams().iter().for_each(|statistics| sum += *statistics);
        sum
    }

    /// What became of the server, once nothing of it is left.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let (statistics, datagrams) = (self.statistics(), self.datagram_statistics());
        Summary { drained: statistics.all_drained(), statistics, datagrams }
    }

    fn datagrams(&self) -> MutexGuard<'_, Vec<DatagramStatistics>> {
        self.datagrams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Ledger {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use drywire::CloseKind;

    use super::*;

    #[test]
    fn counts_add_up() {
        let ledger = Ledger::new();
        let mut limits = AdmissionLimits::new();
        limits.connections_max = 2;
        ledger.set_limits(limits);
        let [first, second, unused] = [(); 3].map(|()| ledger.reserve());
        let (Some(first), Some(second), None) = (first, second, unused) else { panic!("two") };
        assert_eq!(ledger.poll(), Accept::WaitForClose);
        let first = ledger.accepted(first, &Peer::unix()).unwrap();
        ledger.unused(second);
        assert!(ledger.poll_waiters());
        let second = ledger.accepted(ledger.reserve().unwrap(), &Peer::unix()).unwrap();
        assert!(ledger.reserve().is_none());
        let visitors =
            [ledger.enter(&Peer::unix(), false, false), ledger.enter(&Peer::unix(), false, false)];
        assert_eq!(ledger.visits().len(), 2);
        ledger.closed(first, &visitors[0], &CloseReason::Reset);
        assert_eq!(ledger.visits().len(), 1);
        ledger.transferred(3, 4);
        let statistics = ledger.statistics();
        assert_eq!((statistics.accepted, statistics.active, statistics.refused), (2, 1, 0));
        assert_eq!(statistics.closed_as(CloseKind::Reset), 1);
        assert_eq!((statistics.received_len, statistics.transmitted_len), (3, 4));

        ledger.drain();
        assert_eq!((ledger.poll(), ledger.is_drained()), (Accept::Never, false));
        ledger.closed(second, &visitors[1], &CloseReason::Finished);
        assert!(ledger.is_drained());
    }
}
