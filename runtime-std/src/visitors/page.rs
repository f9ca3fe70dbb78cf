//! Places in memory, of which a server has as many as it has connections, most of them silent: every
//! byte of a place counts.

use std::array;
use std::collections::BTreeMap;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use drywire::peer::Ends;
use drywire::{Instant, Peer};

/// Places of a page.
pub(super) const LEN: usize = 64;

/// A number of places.
#[derive(Debug)]
pub(super) struct Page {
    records: [Record; LEN],
    /// The peers that a record has no room for, by its index. Locked whenever a peer is written or
    /// read.
    others: Mutex<BTreeMap<usize, Peer>>,
}

/// One place. It is made of atomics because those who ask for the list read what drivers write; only
/// the driver of the connection writes counters and stage.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) since: AtomicU64,
    pub(super) received_len: AtomicU64,
    pub(super) transmitted_len: AtomicU64,
    /// The addresses as of IPv6, each in two halves.
    addresses: [AtomicU64; 4],
    /// The remote one in the upper half.
    ports: AtomicU32,
    listener: AtomicU32,
    kind: AtomicU8,
    /// What the connection begins with.
    pub(super) beginning: AtomicU8,
    /// The index of a `Stage`.
    pub(super) stage: AtomicU8,
    /// 0 for none, else 1 more than the index of the version.
    pub(super) version: AtomicU8,
}

/// The place is free. It is what a new one is.
const FREE: u8 = 0;
/// Over IPv4, or over IPv6 without scope or flow, which peers of other links have.
const IP: u8 = 1;
const UNIX: u8 = 2;
/// The peer is in [`Page::others`].
const OTHER: u8 = 3;

impl Page {
    pub(super) fn new() -> Self {
        Self { records: array::from_fn(|_| Record::default()), others: Mutex::default() }
    }

    pub(super) fn record(&self, index: usize) -> &Record {
        // Every index is below the length.
        &self.records[index % LEN]
    }

    /// Takes a place.
    pub(super) fn enter(&self, index: usize, peer: &Peer, beginning: u8, now: Instant) {
        let mut others = self.others();
        let record = self.record(index);
        record.since.store(now.as_nanos(), Ordering::Relaxed);
        record.received_len.store(0, Ordering::Relaxed);
        record.transmitted_len.store(0, Ordering::Relaxed);
        record.beginning.store(beginning, Ordering::Relaxed);
        record.stage.store(0, Ordering::Relaxed);
        record.version.store(0, Ordering::Relaxed);
        record.listener.store(peer.listener(), Ordering::Relaxed);
        let kind = record.keep(peer);
        if kind == OTHER {
            others.insert(index, peer.clone());
        }
        record.kind.store(kind, Ordering::Relaxed);
    }

    /// Gives a place back. Returns whether somebody had it.
    pub(super) fn leave(&self, index: usize) -> bool {
        let mut others = self.others();
        others.remove(&index);
        self.record(index).kind.swap(FREE, Ordering::Relaxed) != FREE
    }

    /// Lets the peer be another.
    pub(super) fn rename(&self, index: usize, rename: impl FnOnce(Peer) -> Peer) {
        let mut others = self.others();
        if let Some(peer) = self.peer_among(&others, index) {
            others.insert(index, rename(peer));
            self.record(index).kind.store(OTHER, Ordering::Relaxed);
        }
    }

    /// Who has a place, if it is not free.
    pub(super) fn peer(&self, index: usize) -> Option<Peer> {
        self.peer_among(&self.others(), index)
    }

    fn peer_among(&self, others: &BTreeMap<usize, Peer>, index: usize) -> Option<Peer> {
        let record = self.record(index);
        let peer = match record.kind.load(Ordering::Relaxed) {
            IP => {
                let ports = record.ports.load(Ordering::Relaxed);
                let [remote, local] = [(0, ports >> 16), (2, ports & 0xFFFF)]
                    .map(|(half, port)| record.address(half, port));
                Peer::ip(remote, local)
            }
            UNIX => Peer::unix(),
            OTHER => return others.get(&index).cloned(),
            _ => return None,
        };
        Some(peer.by(record.listener.load(Ordering::Relaxed)))
    }

    /// No call within panics, so that a poisoned lock means nothing.
    fn others(&self) -> MutexGuard<'_, BTreeMap<usize, Peer>> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    /// Keeps the ends of `peer` if there is room. Returns its kind.
    fn keep(&self, peer: &Peer) -> u8 {
        let (remote, local) = match (peer.header(), peer.ends()) {
            (None, Ends::Unix) => return UNIX,
            (None, Ends::Ip { remote, local }) => (remote, local),
            _ => return OTHER,
        };
        let has_more = |address: SocketAddr| match address {
            SocketAddr::V4(_) => false,
            SocketAddr::V6(v6) => v6.scope_id() != 0 || v6.flowinfo() != 0,
        };
        if has_more(remote) || has_more(local) {
            return OTHER;
        }
        for (half, address) in [(0, remote), (2, local)] {
            let bits = match address {
                SocketAddr::V4(v4) => v4.ip().to_ipv6_mapped().to_bits(),
                SocketAddr::V6(v6) => v6.ip().to_bits(),
            };
            let [upper, lower] = [bits >> 64, bits & u128::from(u64::MAX)]
                .map(|half| u64::try_from(half).unwrap_or(0));
            self.addresses[half].store(upper, Ordering::Relaxed);
            self.addresses[half + 1].store(lower, Ordering::Relaxed);
        }
        let ports = u32::from(remote.port()) << 16 | u32::from(local.port());
        self.ports.store(ports, Ordering::Relaxed);
        IP
    }

    /// The address whose upper half has this index. A mapped one is turned back by whoever makes a
    /// peer of it.
    fn address(&self, half: usize, port: u32) -> SocketAddr {
        let [upper, lower] =
            [half, half + 1].map(|half| u128::from(self.addresses[half].load(Ordering::Relaxed)));
        let ip = Ipv6Addr::from_bits(upper << 64 | lower);
        SocketAddrV6::new(ip, u16::try_from(port).unwrap_or(0), 0, 0).into()
    }
}
