//! What can be left out of a script.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::ops::Range;

use super::change::Change;
use crate::script::{Call, Entry, Payload, Script};
use crate::time::Instant;

#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// Connections with all their entries.
    Connections,
    /// The cut between two entries in a row of a connection that both receive.
    Cuts,
    /// Every entry but beginnings, which go with their connections.
    Entries,
    /// What is received and sent.
    Bytes,
    /// The time between a connection's entry and the one before, or the epoch.
    Pauses,
}

impl Kind {
    pub(super) const ALL: [Self; 5] =
        [Self::Connections, Self::Cuts, Self::Entries, Self::Bytes, Self::Pauses];
}

/// All that there is of a kind, in the order of the script. Leaving out the last of them does not
/// change where the others are.
pub(super) enum Pieces {
    Connections(Vec<u64>),
    /// Both entries; in the order of the second.
    Cuts(Vec<(usize, usize)>),
    Entries(Vec<usize>),
    /// How many bytes there were before those of each entry that has any, and in all.
    Bytes {
        starts: Vec<(usize, usize)>,
        len: usize,
    },
    Pauses(Vec<usize>),
}

impl Pieces {
    pub(super) fn of(kind: Kind, script: &Script) -> Self {
        match kind {
            Kind::Connections => {
                let mut seen = BTreeSet::new();
                let numbers = script.connections().map(|(number, _)| number);
                Self::Connections(numbers.filter(|number| seen.insert(*number)).collect())
            }
            Kind::Cuts => Self::Cuts(cuts(script)),
            Kind::Entries => {
                let entries = script.entries.iter().enumerate();
                let others = entries.filter(|(_, entry)| !matches!(entry.call, Call::Begin(_)));
                Self::Entries(others.map(|(at, _)| at).collect())
            }
            Kind::Bytes => {
                let (mut starts, mut len) = (Vec::new(), 0);
                for (at, entry) in script.entries.iter().enumerate() {
                    let more = bytes(entry).len();
                    if more > 0 {
                        starts.push((at, len));
                        len += more;
                    }
                }
                Self::Bytes { starts, len }
            }
            Kind::Pauses => {
                let paused = pauses(script).enumerate().filter(|(_, (_, pause))| *pause > 0);
                Self::Pauses(paused.map(|(at, _)| at).collect())
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Connections(numbers) => numbers.len(),
            Self::Cuts(cuts) => cuts.len(),
            Self::Entries(places) | Self::Pauses(places) => places.len(),
            Self::Bytes { len, .. } => *len,
        }
    }

    /// The change that leaves out these, where of those behind them any number was left out.
    pub(super) fn without(&self, script: &Script, range: Range<usize>) -> Change {
        match self {
            Self::Connections(numbers) => {
                let numbers: BTreeSet<_> = part(numbers, range).iter().copied().collect();
                let entries = script.entries.iter().enumerate();
                let theirs = entries.filter(|(_, entry)| numbers.contains(&entry.connection));
                Change::removing(theirs.map(|(at, _)| at).collect())
            }
            Self::Cuts(cuts) => joined(script, part(cuts, range)),
            Self::Entries(places) => Change::removing(part(places, range).to_vec()),
            Self::Bytes { starts, .. } => shortened(script, starts, &range),
            Self::Pauses(places) => match part(places, range) {
                [] => Change::default(),
                [first, rest @ ..] => hurried(script, *first, *rest.last().unwrap_or(first)),
            },
        }
    }
}

fn part<T>(pieces: &[T], range: Range<usize>) -> &[T] {
    pieces.get(range).unwrap_or_default()
}

fn bytes<'a>(entry: &'a Entry<'_>) -> &'a [u8] {
    entry.call.payload().and_then(Payload::bytes).unwrap_or_default()
}

fn cuts(script: &Script) -> Vec<(usize, usize)> {
    let mut last = BTreeMap::new();
    let mut cuts = Vec::new();
    for (at, entry) in script.entries.iter().enumerate() {
        if let Call::Received(Payload::Bytes(_)) = entry.call {
            if let Some(before) = last.insert(entry.connection, at) {
                cuts.push((before, at));
            }
        } else {
            last.remove(&entry.connection);
        }
    }
    cuts
}

/// What connections received in pieces they receive at once.
fn joined(script: &Script, cuts: &[(usize, usize)]) -> Change {
    let of = |at: usize| script.entries.get(at).map(bytes).unwrap_or_default();
    // The first of a run has the bytes of the others.
    let mut firsts = BTreeMap::new();
    let mut runs: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
    for (before, at) in cuts {
        let first = firsts.get(before).copied().unwrap_or(*before);
        firsts.insert(*at, first);
        runs.entry(first).or_insert_with(|| of(first).to_vec()).extend_from_slice(of(*at));
    }
    let calls = runs.into_iter().map(|(at, bytes)| (at, Call::Received(bytes.into())));
    Change::removing(cuts.iter().map(|(_, at)| *at).collect()).exchanging(calls.collect())
}

/// Entries have fewer bytes: without those in `range`, counted over all of `starts`.
fn shortened(script: &Script, starts: &[(usize, usize)], range: &Range<usize>) -> Change {
    let first = starts.partition_point(|(_, start)| *start <= range.start).saturating_sub(1);
    let mut calls = Vec::new();
    for (at, start) in part(starts, first..starts.len()) {
        if *start >= range.end {
            break;
        }
        let Some(entry) = script.entries.get(*at) else { break };
        let whole = bytes(entry);
        let from = range.start.saturating_sub(*start).min(whole.len());
        let to = (range.end - start).min(whole.len());
        let (before, behind) = (part(whole, 0..from), part(whole, to..whole.len()));
        let fewer: Payload<'static> = [before, behind].concat().into();
        let call = match &entry.call {
            Call::Sent(_) => Call::Sent(fewer),
            _ => Call::Received(fewer),
        };
        calls.push((*at, call));
    }
    Change::default().exchanging(calls)
}

/// Each entry's connection, and how many nanoseconds after that connection's entry before, or the
/// epoch, it comes.
fn pauses(script: &Script) -> impl Iterator<Item = (u64, u64)> {
    let mut last = BTreeMap::new();
    script.entries.iter().map(move |entry| {
        let before = last.insert(entry.connection, entry.at).unwrap_or(Instant::ZERO);
        (entry.connection, entry.at.as_nanos().saturating_sub(before.as_nanos()))
    })
}

/// Entries from `first` to `last` come at once after their connection's entry before, and what
/// follows on them earlier by as much.
fn hurried(script: &Script, first: usize, last: usize) -> Change {
    let mut earlier: BTreeMap<u64, u64> = BTreeMap::new();
    let mut times = Vec::new();
    let entries = script.entries.iter().zip(pauses(script)).enumerate().skip(first);
    for (at, (entry, (connection, pause))) in entries {
        let earlier = earlier.entry(connection).or_default();
        if at <= last {
            *earlier = earlier.saturating_add(pause);
        }
        if *earlier > 0 {
            let nanos = entry.at.as_nanos().saturating_sub(*earlier);
            times.push((at, Instant::from_nanos(nanos)));
        }
    }
    Change::moving(times)
}
