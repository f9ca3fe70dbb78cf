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
    /// Locked whenever a peer is written or read.
    names: Mutex<Names>,
}

/// What records have no room for.
#[derive(Debug, Default)]
struct Names {
    /// Our own addresses, of which there are few, as of IPv6.
    locals: Vec<u128>,
    /// Whole peers, by the index of their record.
    peers: BTreeMap<usize, Peer>,
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
    /// The remote one in the upper half.
    ports: AtomicU32,
    listener: AtomicU32,
    kind: AtomicU8,
    /// The index of our address among the page's.
    local: AtomicU8,
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
/// The peer is among the page's names.
const OTHER: u8 = 3;

impl Page {
    pub(super) fn new() -> Self {
        Self { records: array::from_fn(|_| Record::default()), names: Mutex::default() }
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
        record.stage.store(0, Ordering::Relaxed);
        record.version.store(0, Ordering::Relaxed);
        record.listener.store(peer.listener(), Ordering::Relaxed);
        let kind = record.keep(peer, &mut names.locals);
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

    fn peer_among(&self, names: &Names, index: usize) -> Option<Peer> {
        let record = self.record(index);
        let peer = match record.kind.load(Ordering::Relaxed) {
            IP => {
                let ports = record.ports.load(Ordering::Relaxed);
                let local = usize::from(record.local.load(Ordering::Relaxed));
                let local = names.locals.get(local).copied().unwrap_or(0);
                Peer::ip(socket_addr(record.remote(), ports >> 16), socket_addr(local, ports))
            }
            UNIX => Peer::unix(),
            OTHER => return names.peers.get(&index).cloned(),
            _ => return None,
        };
        Some(peer.by(record.listener.load(Ordering::Relaxed)))
    }

    /// No call within panics, so that a poisoned lock means nothing.
    fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    /// Keeps the ends of `peer` if there is room. Returns its kind.
    fn keep(&self, peer: &Peer, locals: &mut Vec<u128>) -> u8 {
        let (remote, local) = match (peer.header(), peer.ends()) {
            (None, Ends::Unix) => return UNIX,
            (None, Ends::Ip { remote, local }) => (remote, local),
            _ => return OTHER,
        };
        let (Some(remote_bits), Some(local_bits)) = (bits(remote), bits(local)) else {
            return OTHER;
        };
        let known = locals.iter().position(|known| *known == local_bits);
        let Ok(index) = u8::try_from(known.unwrap_or(locals.len())) else { return OTHER };
        if known.is_none() {
            locals.push(local_bits);
        }
        self.local.store(index, Ordering::Relaxed);
        let halves = [remote_bits >> 64, remote_bits & u128::from(u64::MAX)];
        for (half, bits) in self.remote.iter().zip(halves) {
            half.store(u64::try_from(bits).unwrap_or(0), Ordering::Relaxed);
        }
        let ports = u32::from(remote.port()) << 16 | u32::from(local.port());
        self.ports.store(ports, Ordering::Relaxed);
        IP
    }

    fn remote(&self) -> u128 {
        self.remote
            .iter()
            .fold(0, |bits, half| bits << 64 | u128::from(half.load(Ordering::Relaxed)))
    }
}

/// The address without its port, as of IPv6. None if it has more.
fn bits(address: SocketAddr) -> Option<u128> {
    match address {
        SocketAddr::V4(v4) => Some(v4.ip().to_ipv6_mapped().to_bits()),
        SocketAddr::V6(v6) if v6.scope_id() == 0 && v6.flowinfo() == 0 => Some(v6.ip().to_bits()),
        SocketAddr::V6(_) => None,
    }
}

/// The address with the lower half of `port`. One that is mapped is turned back by whoever makes a
/// peer of it.
fn socket_addr(bits: u128, port: u32) -> SocketAddr {
    let port = u16::try_from(port & 0xFFFF).unwrap_or(0);
    SocketAddrV6::new(Ipv6Addr::from_bits(bits), port, 0, 0).into()
}
