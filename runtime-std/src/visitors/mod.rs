//! The connections that a server has now, each with what it has come to.

mod page;
#[cfg(feature = "evented")]
mod pages;
mod progress;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use drywire::connection::Stage;
use drywire::framing::Framing;
use drywire::proxy::Header;
use drywire::statistics::{HandshakeKind, Statistics, Visit};
use drywire::{CloseKind, Connection, Instant, Peer};

use page::{Page, Record};
#[cfg(feature = "evented")]
pub(crate) use pages::Pages;

/// A connection's place in its server's list, until the ledger is told that the connection is over:
/// then it may be another's.
///
/// Whoever drives the connection notes there, after each turn, what came of it. That takes no lock
/// but when the handshake is over.
#[derive(Debug)]
pub struct Visitor {
    page: Arc<Page>,
    place: u32,
}

/// A connection's place for the time of a call: that of a [`Visitor`], or of one that a loop numbers
/// itself.
#[derive(Clone, Copy, Debug)]
pub struct VisitorRef<'a> {
    page: &'a Page,
    place: usize,
}

const IS_TLS: u8 = 1;
const HAS_HEADER: u8 = 2;
/// The header has come.
const IS_INTRODUCED: u8 = 4;

impl Visitor {
    /// Who is at the other end: the client that its header names, if it begins with one and that
    /// has come.
    #[must_use]
    pub fn peer(&self) -> Peer {
        self.as_ref().peer()
    }

    /// What it has come to.
    #[must_use]
    pub fn visit(&self) -> Visit {
        self.as_ref().visit()
    }

    pub(crate) fn as_ref(&self) -> VisitorRef<'_> {
        VisitorRef { page: &self.page, place: self.place as usize }
    }
}

impl<'a> From<&'a Visitor> for VisitorRef<'a> {
    fn from(visitor: &'a Visitor) -> Self {
        visitor.as_ref()
    }
}

impl VisitorRef<'_> {
    /// See [`Visitor::peer`].
    pub(crate) fn peer(self) -> Peer {
        self.page.peer(self.index()).unwrap_or_else(Peer::unix)
    }

    /// Takes note of the header that the stream began with.
    pub(crate) fn introduced(self, header: Header) {
        let before = self.record().beginning.fetch_or(IS_INTRODUCED, Ordering::Relaxed);
        if before & IS_INTRODUCED == 0 {
            self.page.rename(self.index(), |peer| peer.introduced(header));
        }
    }

    fn enter(self, peer: &Peer, is_tls: bool, has_header: bool, now: Instant) {
        let tls = if is_tls { IS_TLS } else { 0 };
        let header = if has_header { HAS_HEADER } else { 0 };
        self.page.enter(self.index(), peer, tls | header, now);
    }

    /// Takes note of bytes. One thread at a time does, so that no addition need be atomic.
    pub(crate) fn moved(self, received_len: u64, transmitted_len: u64) {
        let add = |counter: &AtomicU64, len: u64| {
            if len > 0 {
                let sum = counter.load(Ordering::Relaxed).saturating_add(len);
                counter.store(sum, Ordering::Relaxed);
            }
        };
        let record = self.record();
        add(&record.received_len, received_len);
        add(&record.transmitted_len, transmitted_len);
    }

    /// See [`Visitor::visit`].
    pub(crate) fn visit(self) -> Visit {
        let visit = self.page.visits(self.index()..=self.index()).pop();
        visit.unwrap_or_else(|| Visit::new(Peer::unix(), self.since()))
    }

    fn record(&self) -> &Record {
        self.page.record(self.index())
    }

    const fn index(self) -> usize {
        self.place % page::LEN
    }

    fn begins_with(self, what: u8) -> bool {
        self.record().beginning.load(Ordering::Relaxed) & what != 0
    }

    fn since(self) -> Instant {
        Instant::from_nanos(self.record().since.load(Ordering::Relaxed))
    }
}

/// The list.
#[derive(Debug)]
pub(crate) struct Visitors {
    list: Mutex<List>,
}

#[derive(Debug)]
struct List {
    pages: Vec<Arc<Page>>,
    /// Places without a visitor.
    free: Vec<u32>,
    /// What is counted when a handshake or a connection is over.
    statistics: Statistics,
}

impl List {
    /// A free place.
    fn vacant(&mut self) -> Visitor {
        let place = self.free.pop().unwrap_or_else(|| {
            let first = self.pages.len() * page::LEN;
            self.pages.push(Arc::new(Page::shared()));
            // There are fewer connections than a u32 counts. The first is taken first.
            let places = (first..first + page::LEN).rev();
            self.free.extend(places.map(|place| u32::try_from(place).unwrap_or(u32::MAX)));
            self.free.pop().unwrap_or(u32::MAX)
        });
        let page = self.pages.get(place as usize / page::LEN);
        // Every place that is free is on a page.
        let page = page.map_or_else(|| Arc::new(Page::shared()), Arc::clone);
        Visitor { page, place }
    }

    fn vacate(&mut self, visitor: VisitorRef<'_>) {
        if visitor.page.leave(visitor.index()) && visitor.page.is_shared() {
            // As it was taken from there.
            self.free.extend(u32::try_from(visitor.place));
        }
    }
}

impl Visitors {
    pub(crate) const fn new() -> Self {
        let list = List { pages: Vec::new(), free: Vec::new(), statistics: Statistics::new() };
        Self { list: Mutex::new(list) }
    }

    pub(crate) fn enter(
        &self,
        peer: &Peer,
        is_tls: bool,
        has_header: bool,
        now: Instant,
    ) -> Visitor {
        let visitor = self.list().vacant();
        visitor.as_ref().enter(peer, is_tls, has_header, now);
        visitor
    }

    /// Takes note of what a turn of the visitor's connection came to.
    pub(crate) fn turned<F: Framing>(
        &self,
        visitor: VisitorRef<'_>,
        connection: &Connection<F>,
        received_len: u64,
        transmitted_len: u64,
        now: Instant,
    ) {
        visitor.moved(received_len, transmitted_len);
        let progress = &visitor.record().progress;
        let (before, stage) = (progress.stage(), connection.stage());
        if before == stage {
            return;
        }
        let version = connection.tls_version();
        progress.store(stage, version);
        if let Some(version) = version.filter(|_| before == Stage::Opening) {
            let duration = now.saturating_duration_since(visitor.since());
            self.list().statistics.handshaken(version.into(), duration);
        }
    }

    /// Takes note that the visitor's connection is over.
    pub(crate) fn leave(&self, visitor: VisitorRef<'_>, kind: CloseKind, now: Instant) {
        let duration = now.saturating_duration_since(visitor.since());
        let was_handshaken = visitor.record().progress.version().is_some();
        // Without its header it has not begun.
        let has_begun = !visitor.begins_with(HAS_HEADER) || visitor.begins_with(IS_INTRODUCED);
        let mut list = self.list();
        if visitor.begins_with(IS_TLS) && has_begun && !was_handshaken {
            list.statistics.handshaken(HandshakeKind::from(kind), duration);
        }
        list.statistics.lasted(duration);
        list.vacate(visitor);
    }

    /// Takes note that the visitor has got no thread or task.
    pub(crate) fn turn_away(&self, visitor: VisitorRef<'_>) {
        self.list().vacate(visitor);
    }

    pub(crate) fn visits(&self) -> Vec<Visit> {
        // The lock of the list is not held while they are looked at.
        let pages = self.list().pages.clone();
        pages.iter().flat_map(|page| page.visits(0..=page::LEN - 1)).collect()
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
    use std::net::{Ipv4Addr, SocketAddr};
    use std::thread;

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
        visitors.leave(all[1].as_ref(), CloseKind::Finished, at(3));
        visitors.turn_away(all[0].as_ref());
        let late = enter(3);
        assert!(late.place < 2, "{}", late.place);
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
        visitors.turned(visitor.as_ref(), &connection, 3, 0, at(1));
        visitors.turned(visitor.as_ref(), &connection, 1, 7, at(2));
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
            visitors.leave(visitor.as_ref(), kind, at(5));
            assert_eq!(visitors.statistics().handshakes_as(result), 1);
        }
        assert_eq!(visitors.statistics().handshake_time.count(), 0);
    }

    #[test]
    fn a_visitor_is_the_client_that_its_header_names() {
        let visitors = Visitors::new();
        let visitor = visitors.enter(&Peer::unix(), true, true, at(0));
        // No handshake has begun before the header is there.
        visitors.leave(visitor.as_ref(), CloseKind::TimedOut, at(5));
        assert_eq!(visitors.statistics().handshakes.iter().sum::<u64>(), 0);

        let visitor = visitors.enter(&Peer::unix(), true, true, at(0));
        visitor.as_ref().moved(3, 0);
        let client = "192.0.2.1:7".parse().unwrap();
        visitor.as_ref().introduced(Header::tcp(Version::One, client, client));
        visitor.as_ref().introduced(Header::local());
        assert_eq!(visitor.peer().remote(), Some(client));
        let visit = &visitors.visits()[0];
        assert_eq!((visit.peer.remote(), visit.received_len), (Some(client), 3));
        visitors.leave(visitor.as_ref(), CloseKind::TimedOut, at(5));
        assert_eq!(visitors.statistics().handshakes_as(HandshakeKind::TimedOut), 1);
    }

    /// What the list says of `peer`.
    fn listed(visitors: &Visitors, peer: &Peer) -> Peer {
        let visitor = visitors.enter(peer, false, false, at(1));
        assert_eq!(visitor.peer(), *peer);
        let visit = visitors.visits().pop().unwrap();
        assert_eq!((visit.since, visit.received_len, visit.stage), (at(1), 0, Stage::Opening));
        visitor.as_ref().moved(7, 8);
        visitors.leave(visitor.as_ref(), CloseKind::Finished, at(2));
        visit.peer
    }

    #[test]
    fn every_kind_of_peer_is_listed_as_it_is() {
        let visitors = Visitors::new();
        let ip = |remote: &str, local: &str| {
            Peer::ip(remote.parse().unwrap(), local.parse().unwrap()).by(u32::MAX)
        };
        let header = Header::tcp(
            Version::One,
            "192.0.2.1:7".parse().unwrap(),
            "192.0.2.2:8".parse().unwrap(),
        );
        for peer in [
            Peer::unix(),
            Peer::unix().by(7),
            ip("192.0.2.1:65535", "203.0.113.255:1"),
            ip("[2001:db8::1]:1", "[2001:db8::ffff:ffff]:65535"),
            ip("[fe80::1%3]:9", "[fe80::2%3]:10"),
            ip("[::ffff:192.0.2.1]:9", "[::ffff:192.0.2.2]:10"),
            ip("192.0.2.1:9", "192.0.2.2:10").introduced(header),
        ] {
            assert_eq!(listed(&visitors, &peer), peer);
        }
        assert_eq!(visitors.visits(), []);
    }

    #[test]
    fn we_may_have_any_number_of_addresses() {
        let visitors = Visitors::new();
        for host in 0..600 {
            let local = SocketAddr::new(Ipv4Addr::from_bits(host).into(), 7);
            let remote = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 8);
            let peer = Peer::ip(remote, local);
            assert_eq!(listed(&visitors, &peer), peer);
        }
        assert_eq!(visitors.list().pages.len(), 1);
    }

    #[test]
    fn places_are_found_again_on_every_page() {
        let visitors = Visitors::new();
        let enter = |listener| visitors.enter(&Peer::unix().by(listener), false, false, at(1));
        let mut present: Vec<_> = (0..200).map(|listener| (listener, enter(listener))).collect();
        for round in 200..400 {
            let (_, left) = present.remove(usize::try_from(round * 7 % 200).unwrap());
            visitors.leave(left.as_ref(), CloseKind::Finished, at(2));
            present.push((round, enter(round)));
        }
        assert!(present.iter().all(|(listener, visitor)| visitor.peer().listener() == *listener));
        let mut listed: Vec<_> =
            visitors.visits().iter().map(|visit| visit.peer.listener()).collect();
        let mut expected: Vec<_> = present.iter().map(|(listener, _)| *listener).collect();
        listed.sort_unstable();
        expected.sort_unstable();
        assert_eq!(listed, expected);
        assert_eq!(visitors.list().pages.len(), 200_usize.div_ceil(page::LEN));
    }

    #[test]
    fn nothing_that_is_listed_of_one_is_anothers() {
        let visitors = Visitors::new();
        thread::scope(|scope| {
            let coming_and_going = scope.spawn(|| {
                for number in 1..=300_000 {
                    let peer = Peer::unix().by(number);
                    let visitor = visitors.enter(&peer, false, false, at(number.into()));
                    visitor.as_ref().moved(number.into(), 0);
                    visitors.leave(visitor.as_ref(), CloseKind::Finished, at(number.into()));
                }
            });
            while !coming_and_going.is_finished() {
                for visit in visitors.visits() {
                    let number = visit.peer.listener().into();
                    assert_eq!(visit.since, at(number));
                    assert!([0, number].contains(&visit.received_len), "{number}: {visit:?}");
                }
            }
        });
    }

    /// What is kept of each connection beside its own state.
    #[cfg(target_pointer_width = "64")]
    #[test]
    fn a_place_is_small() {
        let (page, record) = (size_of::<Page>(), size_of::<Record>());
        let visitor = size_of::<Visitor>();
        println!(
            "a page of {} places {page} B, a record {record} B, its holder {visitor} B",
            page::LEN
        );
        assert!(page / page::LEN <= 49 && visitor <= 16);
    }
}
