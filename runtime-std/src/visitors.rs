//! The connections that a server has now, each with what it has come to.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use drywire::connection::Stage;
use drywire::framing::Framing;
use drywire::proxy::Header;
use drywire::statistics::{HandshakeKind, Statistics, Visit};
use drywire::tls::TlsVersion;
use drywire::{CloseKind, Connection, Instant, Peer};

/// A connection's place in its server's list.
///
/// Whoever drives the connection notes there, after each turn, what came of it. That takes no lock
/// but when the handshake is over.
#[derive(Debug)]
pub struct Visitor {
    place: usize,
    peer: Peer,
    /// Who that is by the header that the stream begins with, once it is there.
    client: OnceLock<Peer>,
    since: Instant,
    is_tls: bool,
    has_header: bool,
    received_len: AtomicU64,
    transmitted_len: AtomicU64,
    /// The index of a [`Stage`].
    stage: AtomicU8,
    /// 0 for none, else 1 more than the index in [`VERSIONS`].
    version: AtomicU8,
}

const VERSIONS: [TlsVersion; 2] = [TlsVersion::Tls12, TlsVersion::Tls13];

impl Visitor {
    /// Who is at the other end.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        self.client.get().unwrap_or(&self.peer)
    }

    /// Takes note of the header that the stream began with.
    pub(crate) fn introduced(&self, header: Header) {
        self.client.get_or_init(|| self.peer.clone().introduced(header));
    }

    /// Takes note of bytes. One thread at a time does, so that no addition need be atomic.
    pub(crate) fn moved(&self, received_len: u64, transmitted_len: u64) {
        let add = |counter: &AtomicU64, len: u64| {
            if len > 0 {
                let sum = counter.load(Ordering::Relaxed).saturating_add(len);
                counter.store(sum, Ordering::Relaxed);
            }
        };
        add(&self.received_len, received_len);
        add(&self.transmitted_len, transmitted_len);
    }

    /// What it has come to.
    #[must_use]
    pub fn visit(&self) -> Visit {
        let mut visit = Visit::new(self.peer().clone(), self.since);
        visit.received_len = self.received_len.load(Ordering::Relaxed);
        visit.transmitted_len = self.transmitted_len.load(Ordering::Relaxed);
        visit.stage = self.stage();
        let version = usize::from(self.version.load(Ordering::Relaxed));
        visit.tls = version.checked_sub(1).and_then(|index| VERSIONS.get(index).copied());
        visit
    }

    fn stage(&self) -> Stage {
        let index = usize::from(self.stage.load(Ordering::Relaxed));
        Stage::ALL.get(index).copied().unwrap_or(Stage::Closed)
    }
}

/// The list.
#[derive(Debug)]
pub(crate) struct Visitors {
    list: Mutex<List>,
}

#[derive(Debug)]
struct List {
    places: Vec<Option<Arc<Visitor>>>,
    /// Places without a visitor.
    free: Vec<usize>,
    /// What is counted when a handshake or a connection is over.
    statistics: Statistics,
}

impl List {
    fn vacate(&mut self, visitor: &Visitor) {
        if self.places.get_mut(visitor.place).is_some_and(|place| place.take().is_some()) {
            self.free.push(visitor.place);
        }
    }
}

impl Visitors {
    pub(crate) const fn new() -> Self {
        let list = List { places: Vec::new(), free: Vec::new(), statistics: Statistics::new() };
        Self { list: Mutex::new(list) }
    }

    pub(crate) fn enter(
        &self,
        peer: &Peer,
        is_tls: bool,
        has_header: bool,
        now: Instant,
    ) -> Arc<Visitor> {
        let mut list = self.list();
        let place = list.free.pop().unwrap_or(list.places.len());
        let visitor = Arc::new(Visitor {
            place,
            peer: peer.clone(),
            client: OnceLock::new(),
            since: now,
            is_tls,
            has_header,
            received_len: AtomicU64::new(0),
            transmitted_len: AtomicU64::new(0),
            stage: AtomicU8::new(0),
            version: AtomicU8::new(0),
        });
        let entered = Some(Arc::clone(&visitor));
        match list.places.get_mut(place) {
            Some(free) => *free = entered,
            None => list.places.push(entered),
        }
        visitor
    }

    /// Takes note of what a turn of the visitor's connection came to.
    pub(crate) fn turned<F: Framing>(
        &self,
        visitor: &Visitor,
        connection: &Connection<F>,
        received_len: u64,
        transmitted_len: u64,
        now: Instant,
    ) {
        visitor.moved(received_len, transmitted_len);
        let (before, stage) = (visitor.stage(), connection.stage());
        if before == stage {
            return;
        }
        let index = u8::try_from(stage.index()).unwrap_or(u8::MAX);
        visitor.stage.store(index, Ordering::Relaxed);
        if before != Stage::Opening {
            return;
        }
        if let Some(version) = connection.tls_version() {
            let index = VERSIONS.iter().position(|known| *known == version);
            let index = index.and_then(|index| u8::try_from(index + 1).ok());
            visitor.version.store(index.unwrap_or(0), Ordering::Relaxed);
            let duration = now.saturating_duration_since(visitor.since);
            self.list().statistics.handshaken(version.into(), duration);
        }
    }

    /// Takes note that the visitor's connection is over.
    pub(crate) fn leave(&self, visitor: &Visitor, kind: CloseKind, now: Instant) {
        let duration = now.saturating_duration_since(visitor.since);
        let was_handshaken = visitor.version.load(Ordering::Relaxed) > 0;
        // Without its header it has not begun.
        let has_begun = !visitor.has_header || visitor.client.get().is_some();
        let mut list = self.list();
        if visitor.is_tls && has_begun && !was_handshaken {
            list.statistics.handshaken(HandshakeKind::from(kind), duration);
        }
        list.statistics.lasted(duration);
        list.vacate(visitor);
    }

    /// Takes note that the visitor has got no thread or task.
    pub(crate) fn turn_away(&self, visitor: &Visitor) {
        self.list().vacate(visitor);
    }

    pub(crate) fn visits(&self) -> Vec<Visit> {
        // The lock is not held while they are looked at.
        let visitors: Vec<_> = self.list().places.iter().flatten().cloned().collect();
        visitors.iter().map(|visitor| visitor.visit()).collect()
    }

    pub(crate) fn statistics(&self) -> Statistics {
        self.list().statistics
    }

    /// No call within panics, so that a poisoned lock means nothing.
    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use drywire::framing::Lines;
    use drywire::proxy::Version;

    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn places_are_taken_again_and_everybody_is_listed() {
        let visitors = Visitors::new();
        let enter = |listener| visitors.enter(&Peer::unix().by(listener), false, false, at(1));
        let all = [enter(0), enter(1), enter(2)];
        visitors.leave(&all[1], CloseKind::Finished, at(3));
        visitors.turn_away(&all[0]);
        let late = enter(3);
        assert!(late.place < 2);
        let mut listeners: Vec<_> =
            visitors.visits().iter().map(|visit| visit.peer.listener()).collect();
        listeners.sort_unstable();
        assert_eq!(listeners, [2, 3]);
        // Only those that are over have lasted.
        assert_eq!(visitors.statistics().connection_time.count(), 1);
        assert_eq!(visitors.statistics().connection_time.sum().as_millis(), 2);
        assert_eq!(visitors.statistics().handshakes.iter().sum::<u64>(), 0);
    }

    #[test]
    fn turns_are_noted() {
        let visitors = Visitors::new();
        let visitor = visitors.enter(&Peer::unix(), false, false, at(0));
        let mut connection = Connection::plain(Lines::new(), Arc::default(), at(0));
        while connection.next().is_some() {}
        visitors.turned(&visitor, &connection, 3, 0, at(1));
        visitors.turned(&visitor, &connection, 1, 7, at(2));
        let visit = &visitors.visits()[0];
        assert_eq!((visit.received_len, visit.transmitted_len), (4, 7));
        assert_eq!((visit.stage, visit.tls, visit.since), (Stage::Open, None, at(0)));
    }

    #[test]
    fn a_handshake_that_was_not_done_is_counted_by_how_it_ended() {
        let visitors = Visitors::new();
        for (kind, result) in [
            (CloseKind::TimedOut, HandshakeKind::TimedOut),
            (CloseKind::TlsError, HandshakeKind::Failed),
            (CloseKind::Truncated, HandshakeKind::Abandoned),
        ] {
            let visitor = visitors.enter(&Peer::unix(), true, false, at(0));
            visitors.leave(&visitor, kind, at(5));
            assert_eq!(visitors.statistics().handshakes_as(result), 1);
        }
        assert_eq!(visitors.statistics().handshake_time.count(), 0);
    }

    #[test]
    fn a_visitor_is_the_client_that_its_header_names() {
        let visitors = Visitors::new();
        let visitor = visitors.enter(&Peer::unix(), true, true, at(0));
        // No handshake has begun before the header is there.
        visitors.leave(&visitor, CloseKind::TimedOut, at(5));
        assert_eq!(visitors.statistics().handshakes.iter().sum::<u64>(), 0);

        let visitor = visitors.enter(&Peer::unix(), true, true, at(0));
        visitor.moved(3, 0);
        let client = "192.0.2.1:7".parse().unwrap();
        visitor.introduced(Header::tcp(Version::One, client, client));
        visitor.introduced(Header::local());
        assert_eq!(visitor.peer().remote(), Some(client));
        let visit = &visitors.visits()[0];
        assert_eq!((visit.peer.remote(), visit.received_len), (Some(client), 3));
        visitors.leave(&visitor, CloseKind::TimedOut, at(5));
        assert_eq!(visitors.statistics().handshakes_as(HandshakeKind::TimedOut), 1);
    }
}
