//! Whether another connection may be accepted: limits, back-off and draining as a state machine.
//!
//! One [`Admission`] serves all listeners of a server, in any number of threads. For each accept a
//! driver [reserves](Admission::reserve) a place, after it the driver turns the [`Reservation`] in
//! with what came of it, and when a connection ends it gives the [`Permit`] back.
//! [`Admission::poll`] is the look before: whether to wait for peers, or for what else.
//!
//! - **Full**: at [`AdmissionLimits::connections_max`] accepting stops until a connection closes,
//!   so that further peers wait in the system's queue. A place that is reserved is taken: however
//!   many threads accept, no two are promised the last one, and nobody is accepted in vain.
//! - **Too many from one address**: only accepting shows the address, so the connection is accepted
//!   and refused at once.
//! - **Behind a balancer**: a connection whose PROXY header is awaited counts in all, and for the
//!   client's address once the header has named it; see [`proxy`](crate::proxy).
//! - **Out of descriptors, memory or threads**: accepting pauses, for twice as long each time up to
//!   a limit, and is tried again when a connection closes. An accept that succeeds ends it.
//! - **Ending**: as [`shutdown`](crate::shutdown) says. While it pauses it accepts, and is not
//!   [ready](Admission::is_ready); while it drains no more places are reserved, but who is
//!   accepted for one that was is admitted, for no other would answer, and the server is not
//!   [drained](Admission::is_drained) before; what is left after
//!   [`AdmissionLimits::drain_timeout`] must be ended by force, and who comes then is refused.
//!
//! An address is an IPv4 address, or the first 64 bits of an IPv6 address: one subscriber has at
//! least as many (RFC 6177), and could otherwise evade the limit. An IPv4 address that a dual-stack
//! socket shows as IPv6 is an IPv4 address. Peers without an address, on Unix sockets, are only
//! counted in all.
//!
//! # Bounds
//! An entry per address with an active connection, and only if
//! [`AdmissionLimits::connections_per_address_max`] is set.
//!
//! # Examples
//! The accept side of a driver, here with a listener that accepts two peers and then runs out of
//! descriptors.
//!
//! ```
//! use core::net::{IpAddr, Ipv4Addr};
//! use core::time::Duration;
//! use drywire::{CloseKind, Instant};
//! use drywire::admission::{Accept, AcceptFault, Admission, AdmissionLimits, Permit};
//!
//! let mut now = Instant::ZERO;
//! let mut admission = Admission::new(AdmissionLimits::new());
//! let peer = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
//! let mut accepts = [Ok(peer), Ok(peer), Err(AcceptFault::OutOfResources)].into_iter();
//!
//! let mut permits: Vec<Permit> = Vec::new();
//! while let Some(reservation) = admission.reserve(now) {
//!     match accepts.next() {
//!         Some(Ok(peer)) => match admission.accepted(reservation, peer, now) {
//!             Ok(permit) => permits.push(permit),
//!             Err(refusal) => println!("{refusal}"), // and close the socket
//!         },
//!         Some(Err(fault)) => admission.accept_failed(reservation, fault, now),
//!         // It would block: wait for the listener.
//!         None => admission.unused(reservation),
//!     }
//! }
//! assert_eq!(admission.poll(now), Accept::WaitUntil(now + Duration::from_millis(10)));
//!
//! // A connection that closes frees a descriptor.
//! admission.closed(permits.pop().unwrap(), CloseKind::Finished);
//! assert_eq!(admission.poll(now), Accept::Now);
//!
//! admission.drain(now);
//! assert_eq!((admission.poll(now), admission.is_drained()), (Accept::Never, false));
//! now = admission.deadline().unwrap();
//! assert!(admission.force_due(now));
//! ```

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use core::net::{IpAddr, Ipv6Addr};
use core::time::Duration;

use crate::connection::{CloseKind, CloseReason};
use crate::error::{Error, LimitExceeded};
use crate::proxy::{Header, Preamble, ProxyPolicy, Verdict};
use crate::shutdown::{Phase, Request, Shutdown};
use crate::statistics::Statistics;
use crate::time::Instant;

mod error;
mod limits;
mod place;
mod waiters;

pub use error::{AcceptFault, Refusal};
pub use limits::{ACCEPT_BACKOFF_MIN, AdmissionLimits};
pub use place::{Permit, Reservation};
use waiters::Waiters;

/// Whether to accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    /// Wait for somebody to come, [reserve](Admission::reserve) a place, and accept.
    Now,
    /// Poll again at this time, which is later than the time of the poll, or when a place was given
    /// back.
    WaitUntil(Instant),
    /// Poll again when a place was given back: a connection has closed, or was not admitted.
    WaitForClose,
    /// Close the listeners.
    Never,
}

/// Decides whether another connection may be accepted; see the [module](self).
#[derive(Debug)]
pub struct Admission {
    limits: AdmissionLimits,
    /// The latest time seen.
    now: Instant,
    active: usize,
    /// Places that are out: `active + reserved <= connections_max`.
    reserved: usize,
    waiters: Waiters,
    /// Active connections by address, none of them 0.
    addresses: BTreeMap<IpAddr, usize>,
    resume_at: Instant,
    /// The next pause, before it is bounded.
    backoff: Duration,
    /// What the next pause was before the last accept. Where every accept succeeds and every
    /// thread fails, pauses must grow too.
    backoff_before: Duration,
    shutdown: Shutdown,
    /// Whether the driver has begun to accept.
    has_begun: bool,
    statistics: Statistics,
}

/// What happened outside.
impl Admission {
    /// An admission without connections.
    #[must_use]
    pub const fn new(limits: AdmissionLimits) -> Self {
        Self {
            now: Instant::ZERO,
            active: 0,
            reserved: 0,
            waiters: Waiters::Nobody,
            addresses: BTreeMap::new(),
            resume_at: Instant::ZERO,
            backoff: limits.accept_backoff_min,
            backoff_before: limits.accept_backoff_min,
            shutdown: Shutdown::new(limits.drain_pause, limits.drain_timeout),
            has_begun: false,
            statistics: Statistics::new(),
            limits,
        }
    }

    /// Takes note that the system accepted a connection from `peer`, and admits or refuses it.
    ///
    /// # Errors
    /// [`Refusal`]: the driver closes the socket at once. The place is given back.
    pub fn accepted(
        &mut self,
        reservation: Reservation,
        peer: Option<IpAddr>,
        now: Instant,
    ) -> Result<Permit, Refusal> {
        self.accept_succeeded(reservation, now);
        let permit = self.admit(peer).map_err(|refusal| self.refuse(refusal))?;
        self.statistics.admitted();
        Ok(permit)
    }

    /// The same as [`accepted`](Self::accepted) on a listener with a policy for PROXY headers. If the
    /// peer must send one, the connection has a [`Preamble`] first and is not counted for an address
    /// until it is [introduced](Self::introduced).
    ///
    /// # Errors
    /// [`Refusal`], as for `accepted`, and [`Refusal::Untrusted`].
    pub fn accepted_by(
        &mut self,
        reservation: Reservation,
        policy: Option<&ProxyPolicy>,
        peer: Option<IpAddr>,
        now: Instant,
    ) -> Result<(Permit, Option<Preamble>), Refusal> {
        let Some(policy) = policy else {
            return Ok((self.accepted(reservation, peer, now)?, None));
        };
        match policy.judge(peer) {
            Verdict::Plain => Ok((self.accepted(reservation, peer, now)?, None)),
            Verdict::Header => {
                let permit = self.accepted(reservation, None, now)?;
                Ok((permit, Some(Preamble::new(policy.limits(), self.now))))
            }
            Verdict::Refused => {
                self.accept_succeeded(reservation, now);
                Err(self.refuse(Refusal::Untrusted))
            }
        }
    }

    /// Takes note that the header of a connection has come, and counts it for the client that the
    /// header names. One that names none, or the sender itself, is only counted in all.
    ///
    /// # Errors
    /// The reason to close for: the client has too many. The permit is given back as ever.
    pub fn introduced(&mut self, permit: &mut Permit, header: &Header) -> Result<(), CloseReason> {
        if permit.address.is_none() {
            let counted = self.count(header.source().map(|source| source.ip()));
            let counted = counted.map_err(|limit| CloseReason::Failed(Error::Limit(limit)))?;
            permit.address = counted.map(Box::new);
        }
        Ok(())
    }

    /// Takes note that the system's accept failed.
    pub fn accept_failed(&mut self, reservation: Reservation, fault: AcceptFault, now: Instant) {
        self.observe(now);
        match fault {
            AcceptFault::Aborted => {}
            AcceptFault::OutOfResources | AcceptFault::Other => self.back_off(),
        }
        self.unused(reservation);
    }

    /// Takes note that nobody was there to accept.
    pub fn unused(&mut self, reservation: Reservation) {
        self.turn_in(reservation);
        self.call_waiters();
    }

    /// Takes note that an admitted connection could not be given a thread or a task: it is refused
    /// after all, and accepting pauses as it does without descriptors.
    pub fn thread_failed(&mut self, permit: Permit, now: Instant) {
        self.observe(now);
        self.release(permit);
        self.statistics.withdrawn();
        self.backoff = self.backoff.max(self.backoff_before);
        self.back_off();
    }

    /// Takes note that an admitted connection ended in the way of `kind`.
    pub fn closed(&mut self, permit: Permit, kind: CloseKind) {
        self.release(permit);
        self.statistics.closed(kind);
        // What it held may be what was missing. The next pause is longer all the same.
        self.resume_at = Instant::ZERO;
    }

    /// Takes note of bytes that connections moved, for the statistics.
    pub const fn transferred(&mut self, received_len: u64, transmitted_len: u64) {
        self.statistics.transferred(received_len, transmitted_len);
    }

    fn accept_succeeded(&mut self, reservation: Reservation, now: Instant) {
        self.observe(now);
        self.turn_in(reservation);
        self.backoff_before = self.backoff;
        self.backoff = self.limits.accept_backoff_min;
        if self.resume_at > self.now {
            // Who waits for its end need not.
            self.waiters.call();
        }
        self.resume_at = Instant::ZERO;
    }

    fn turn_in(&mut self, reservation: Reservation) {
        let Reservation(()) = reservation;
        // Saturating, because it may be one of another admission.
        self.reserved = self.reserved.saturating_sub(1);
    }

    fn refuse(&mut self, refusal: Refusal) -> Refusal {
        self.statistics.refused(refusal.into());
        self.call_waiters();
        refusal
    }

    /// Somebody who waits may have a place now, or there is nothing left to wait for.
    fn call_waiters(&mut self) {
        if self.is_drained() {
            self.waiters.call_all();
        } else {
            self.waiters.call();
        }
    }

    fn observe(&mut self, now: Instant) {
        self.now = self.now.max(now);
        self.shutdown.handle_timeout(self.now);
    }

    fn back_off(&mut self) {
        if self.resume_at > self.now {
            // Several were accepting when it began: they failed of the same.
            return;
        }
        let min = self.limits.accept_backoff_min.max(ACCEPT_BACKOFF_MIN);
        let pause = self.backoff.max(min).min(self.limits.accept_backoff_max.max(min));
        self.resume_at = self.now + pause;
        self.backoff = pause.saturating_mul(2);
    }

    fn admit(&mut self, peer: Option<IpAddr>) -> Result<Permit, Refusal> {
        if self.shutdown.phase() == Phase::Stopping {
            return Err(Refusal::Ending);
        }
        let max = self.connections_max();
        // With a reservation of another admission.
        if self.active >= max {
            return Err(Refusal::Limit(LimitExceeded::Connections { max: max as u64 }));
        }
        let address = self.count(peer).map_err(Refusal::Limit)?;
        self.active += 1;
        Ok(Permit { address: address.map(Box::new) })
    }

    /// Counts one more for the address, if that is to be counted. Returns what was counted for.
    fn count(&mut self, peer: Option<IpAddr>) -> Result<Option<IpAddr>, LimitExceeded> {
        match (peer, self.limits.connections_per_address_max) {
            (Some(peer), Some(max)) => {
                let (address, max) = (counted(peer), max.max(1));
                let count = self.addresses.entry(address).or_insert(0);
                if *count >= max {
                    return Err(LimitExceeded::ConnectionsPerAddress { max: max as u64 });
                }
                *count += 1;
                Ok(Some(address))
            }
            (None, _) | (_, None) => Ok(None),
        }
    }

    fn release(&mut self, permit: Permit) {
        // Saturating, because a permit may be given to an admission that did not issue it.
        self.active = self.active.saturating_sub(1);
        self.call_waiters();
        let Some(address) = permit.address.map(|address| *address) else { return };
        if let Some(count) = self.addresses.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.addresses.remove(&address);
            }
        }
    }
}

/// What the owner asks for.
impl Admission {
    /// Sets the limits; for a server that has not begun. What was asked of it already is kept.
    pub fn set_limits(&mut self, limits: AdmissionLimits) {
        self.shutdown.set_times(limits.drain_pause, limits.drain_timeout);
        (self.backoff, self.backoff_before) =
            (limits.accept_backoff_min, limits.accept_backoff_min);
        self.limits = limits;
    }

    /// Begins the end of the server, or hastens it.
    ///
    /// It is for the driver to tell the connections of each new [phase](Self::phase).
    pub fn request(&mut self, request: Request, now: Instant) {
        self.observe(now);
        self.shutdown.request(request, self.now);
    }

    /// Stops accepting and begins to wait for the connections to end, without a pause; asked again,
    /// changes nothing.
    ///
    /// It is for the driver to tell the connections; what has not ended at the
    /// [deadline](Self::deadline) is [due](Self::force_due) for the end by force.
    pub fn drain(&mut self, now: Instant) {
        self.request(Request::Drain, now);
    }
}

/// What to do.
impl Admission {
    /// Whether to wait for another connection, or for what else. Takes nothing: by the time that
    /// somebody comes another thread may have accepted.
    pub fn poll(&mut self, now: Instant) -> Accept {
        self.observe(now);
        self.has_begun = true;
        let accept = if self.is_draining() {
            Accept::Never
        } else if self.active + self.reserved >= self.connections_max() {
            Accept::WaitForClose
        } else if self.resume_at > self.now {
            Accept::WaitUntil(self.resume_at)
        } else {
            Accept::Now
        };
        if matches!(accept, Accept::WaitForClose | Accept::WaitUntil(_)) {
            self.waiters.join();
        }
        accept
    }

    /// Keeps a place for the accept that follows. None unless [`poll`](Self::poll) says
    /// [`Accept::Now`].
    #[must_use]
    pub fn reserve(&mut self, now: Instant) -> Option<Reservation> {
        (self.poll(now) == Accept::Now).then(|| {
            self.reserved += 1;
            Reservation(())
        })
    }

    /// Whether to wake those who wait: who was told to and may have a place that was given back, and
    /// who waits until the server is drained, when it is. True once for each time.
    ///
    /// For drivers of several threads, to ask after each call that gives a place back:
    /// [`closed`](Self::closed), [`thread_failed`](Self::thread_failed), [`unused`](Self::unused),
    /// [`accept_failed`](Self::accept_failed), and an [`accepted`](Self::accepted) that refuses; one
    /// that admits may have ended a pause, which can be asked for with the next of these. A thread
    /// that is alone and polls before each wait needs none.
    #[must_use]
    pub const fn poll_waiters(&mut self) -> bool {
        self.waiters.take()
    }

    /// Where the server stands on its way to the end.
    pub fn phase(&mut self, now: Instant) -> Phase {
        self.observe(now);
        self.shutdown.phase()
    }

    /// Whether the connections that are left must be ended by force. True from the deadline on.
    pub fn force_due(&mut self, now: Instant) -> bool {
        self.phase(now) == Phase::Stopping
    }

    /// When to ask for the [`phase`](Self::phase) again; always later than the latest time seen.
    /// None when the server has not been asked to end, is drained, or when force is due already.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.shutdown.deadline().filter(|_| !self.is_drained())
    }
}

/// How it stands.
impl Admission {
    /// Connections that are admitted and not closed.
    #[must_use]
    pub const fn active(&self) -> usize {
        self.active
    }

    /// Addresses that are counted for.
    #[must_use]
    pub fn addresses_len(&self) -> usize {
        self.addresses.len()
    }

    /// Whether the server may be sent more connections: the driver has begun to accept, and nobody
    /// has asked for the end. Limits do not count: who meets them may wait in the system's queue.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        self.has_begun && self.shutdown.is_ready()
    }

    /// Whether nothing more is accepted.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.shutdown.phase() >= Phase::Draining
    }

    /// Whether nothing more is accepted, no connection is left, and no place is reserved for one
    /// that may come.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.is_draining() && self.active == 0 && self.reserved == 0
    }

    /// The counts since the beginning.
    #[must_use]
    pub const fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    fn connections_max(&self) -> usize {
        self.limits.connections_max.max(1)
    }
}

/// What counts as one address.
fn counted(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}
