//! Places in memory, of which a server has as many as it has connections, most of them silent: every
//! byte of a place counts.

use std::array;
use std::collections::BTreeMap;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use drywire::connection::Stage;
use drywire::peer::Ends;
use drywire::statistics::Visit;
use drywire::{Instant, Peer};

use super::progress::Progress;

/// Places of a page.
pub(super) const LEN: usize = 64;

/// A number of places.
#[derive(Debug)]
pub(super) struct Page {
    records: [Record; LEN],
    /// Locked whenever a peer is written or read.
    names: Mutex<Names>,
    is_shared: bool,
}

/// What records have no room for.
#[derive(Debug, Default)]
struct Names {
    /// Where they came in, of which there are few: all who come by a listener that has one address
    /// have the same.
    entrances: Vec<Entrance>,
    /// Whole peers, by the index of their record.
    peers: BTreeMap<usize, Peer>,
}

/// Our end of a stream and the listener's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entrance {
    local: Address,
    listener: u32,
}

/// An address as of IPv6; on a Unix socket zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Address {
    ip: Ipv6Addr,
    port: u16,
}

/// One place. It is made of atomics because those who ask for the list read what drivers write; only
/// the driver of the connection writes counters and stage.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) since: AtomicU64,
    pub(super) received_len: AtomicU64,
    pub(super) transmitted_len: AtomicU64,
    /// The remote address as of IPv6, in two halves.
    remote: [AtomicU64; 2],
    port: AtomicU16,
    kind: AtomicU8,
    /// An index among the page's.
    entrance: AtomicU8,
    /// What the connection begins with.
    pub(super) beginning: AtomicU8,
    pub(super) progress: Progress,
}

/// The place is free. It is what a new one is.
const FREE: u8 = 0;
/// Over IPv4, or over IPv6 without scope or flow, which peers of other links have.
const IP: u8 = 1;
const UNIX: u8 = 2;
/// The peer is among the page's names.
const OTHER: u8 = 3;

impl Page {
    /// A page whose places are taken by whoever comes.
    pub(super) fn shared() -> Self {
        Self { is_shared: true, ..Self::own() }
    }

    /// A page whose owner knows which of its places are free.
    pub(super) fn own() -> Self {
        let records = array::from_fn(|_| Record::default());
        Self { records, names: Mutex::default(), is_shared: false }
    }

    pub(super) const fn is_shared(&self) -> bool {
        self.is_shared
    }

    pub(super) fn record(&self, index: usize) -> &Record {
        // Every index is below the length.
        &self.records[index % LEN]
    }

    /// Takes a place.
    pub(super) fn enter(&self, index: usize, peer: &Peer, beginning: u8, now: Instant) {
        let mut names = self.names();
        let record = self.record(index);
        record.since.store(now.as_nanos(), Ordering::Relaxed);
        record.received_len.store(0, Ordering::Relaxed);
        record.transmitted_len.store(0, Ordering::Relaxed);
        record.beginning.store(beginning, Ordering::Relaxed);
        record.progress.store(Stage::Opening, None);
        let kind = record.keep(peer, &mut names.entrances).unwrap_or(OTHER);
        if kind == OTHER {
            names.peers.insert(index, peer.clone());
        }
        record.kind.store(kind, Ordering::Relaxed);
    }

    /// Gives a place back. Returns whether somebody had it.
    pub(super) fn leave(&self, index: usize) -> bool {
        let mut names = self.names();
        names.peers.remove(&index);
        self.record(index).kind.swap(FREE, Ordering::Relaxed) != FREE
    }

    /// Lets the peer be another.
    pub(super) fn rename(&self, index: usize, rename: impl FnOnce(Peer) -> Peer) {
        let mut names = self.names();
        if let Some(peer) = self.peer_among(&names, index) {
            names.peers.insert(index, rename(peer));
            self.record(index).kind.store(OTHER, Ordering::Relaxed);
        }
    }

    /// Who has a place, if it is not free.
    pub(super) fn peer(&self, index: usize) -> Option<Peer> {
        self.peer_among(&self.names(), index)
    }

    /// Those who have one of these places. While they are looked at nobody takes a place or gives one
    /// back, so that nothing that is said of one is another's.
    pub(super) fn visits(&self, places: RangeInclusive<usize>) -> Vec<Visit> {
        let names = self.names();
        let visits = places.filter_map(|index| {
            self.peer_among(&names, index).map(|peer| self.record(index).visit(peer))
        });
        visits.collect()
    }

    fn peer_among(&self, names: &Names, index: usize) -> Option<Peer> {
        let record = self.record(index);
        let kind = record.kind.load(Ordering::Relaxed);
        if kind == OTHER {
            return names.peers.get(&index).cloned();
        }
        let entrance = usize::from(record.entrance.load(Ordering::Relaxed));
        let Entrance { local, listener } = *names.entrances.get(entrance)?;
        let peer = match kind {
            IP => Peer::ip(record.remote().into(), local.into()),
            UNIX => Peer::unix(),
            _ => return None,
        };
        Some(peer.by(listener))
    }

    /// No call within panics, so that a poisoned lock means nothing.
    fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    fn visit(&self, peer: Peer) -> Visit {
        let mut visit = Visit::new(peer, Instant::from_nanos(self.since.load(Ordering::Relaxed)));
        visit.received_len = self.received_len.load(Ordering::Relaxed);
        visit.transmitted_len = self.transmitted_len.load(Ordering::Relaxed);
        (visit.stage, visit.tls) = self.progress.load();
        visit
    }

    /// Keeps `peer` and returns its kind; none if there is no room for it.
    fn keep(&self, peer: &Peer, entrances: &mut Vec<Entrance>) -> Option<u8> {
        let (kind, remote, local) = match (peer.header(), peer.ends()) {
            (None, Ends::Unix) => (UNIX, Address::NONE, Address::NONE),
            (None, Ends::Ip { remote, local }) => (IP, Address::of(remote)?, Address::of(local)?),
            _ => return None,
        };
        let entrance = Entrance { local, listener: peer.listener() };
        let known = entrances.iter().position(|known| *known == entrance);
        let index = u8::try_from(known.unwrap_or(entrances.len())).ok()?;
        if known.is_none() {
            entrances.push(entrance);
        }
        self.entrance.store(index, Ordering::Relaxed);
        let bits = remote.ip.to_bits();
        let halves = [bits >> 64, bits & u128::from(u64::MAX)];
        for (half, bits) in self.remote.iter().zip(halves) {
            half.store(u64::try_from(bits).unwrap_or(0), Ordering::Relaxed);
        }
        self.port.store(remote.port, Ordering::Relaxed);
        Some(kind)
    }

    fn remote(&self) -> Address {
        let join = |bits, half: &AtomicU64| bits << 64 | u128::from(half.load(Ordering::Relaxed));
        let bits = self.remote.iter().fold(0, join);
        Address { ip: Ipv6Addr::from_bits(bits), port: self.port.load(Ordering::Relaxed) }
    }
}

impl Address {
    const NONE: Self = Self { ip: Ipv6Addr::UNSPECIFIED, port: 0 };

    /// None if the address has more.
    fn of(address: SocketAddr) -> Option<Self> {
        let ip = match address {
            SocketAddr::V4(v4) => v4.ip().to_ipv6_mapped(),
            SocketAddr::V6(v6) if v6.scope_id() == 0 && v6.flowinfo() == 0 => *v6.ip(),
            SocketAddr::V6(_) => return None,
        };
        Some(Self { ip, port: address.port() })
    }
}

/// One that is mapped is turned back by whoever makes a peer of it.
impl From<Address> for SocketAddr {
    fn from(address: Address) -> Self {
        SocketAddrV6::new(address.ip, address.port, 0, 0).into()
    }
}
