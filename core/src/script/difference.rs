//! What was recorded beside what a replay came to.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;

use super::replay::Played;
use super::{Call, Entry, Script, StepKind};

/// The first place at which the replay of a connection is not what was recorded.
///
/// Sends that follow on each other are one: `recorded` and `replayed` then begin with the first
/// byte that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The number of the connection.
    pub connection: u64,
    /// The entry of the script at which it shows, counted from 0.
    pub index: usize,
    /// What was recorded there; none if nothing more was.
    pub recorded: Option<Call<'static>>,
    /// What the replay came to; none if to nothing more.
    pub replayed: Option<Call<'static>>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection {}, entry {}: ", self.connection, self.index)?;
        match (&self.recorded, &self.replayed) {
            (Some(recorded), Some(replayed)) => {
                write!(f, "recorded was {recorded}, replayed {replayed}")
            }
            (Some(recorded), None) => write!(f, "recorded was {recorded}, replayed nothing"),
            (None, Some(replayed)) => write!(f, "recorded was nothing, replayed {replayed}"),
            (None, None) => f.write_str("nothing"),
        }
    }
}

/// What is compared: with the entry of the script where it began.
struct Outcome {
    index: usize,
    call: Call<'static>,
}

/// The outcomes of each connection.
#[derive(Default)]
struct Outcomes(BTreeMap<u64, Vec<Outcome>>);

impl Outcomes {
    /// Appends a call, if it is an outcome.
    fn push(&mut self, index: usize, entry: &Entry<'static>) {
        let is_outcome = match &entry.call {
            Call::Step(StepKind::Writable) => false,
            Call::Step(_)
            | Call::Sent(_)
            | Call::Finish
            | Call::Close
            | Call::Abort
            | Call::Fail(_)
            | Call::SetTimer(_) => true,
            _ => false,
        };
        let outcomes = self.0.entry(entry.connection).or_default();
        if !is_outcome {
            return;
        }
        if let (Call::Sent(next), Some(Outcome { call: Call::Sent(sent), .. })) =
            (&entry.call, outcomes.last_mut())
        {
            let bytes = next.bytes().unwrap_or_default();
            if let super::Payload::Bytes(sent) = sent {
                sent.to_mut().extend_from_slice(bytes);
                return;
            }
        }
        outcomes.push(Outcome { index, call: entry.call.clone() });
    }
}

/// The first difference of each connection of which steps were recorded.
pub(super) fn all(script: &Script, played: &[Played]) -> Vec<Difference> {
    let (mut recorded, mut replayed) = (Outcomes::default(), Outcomes::default());
    let mut last = BTreeMap::new();
    for (index, entry) in script.entries.iter().enumerate() {
        recorded.push(index, entry);
        last.insert(entry.connection, index);
    }
    for played in played {
        replayed.push(played.index, &played.entry);
    }
    let mut differences = Vec::new();
    for (connection, recorded) in &recorded.0 {
        if !recorded.iter().any(|outcome| matches!(outcome.call, Call::Step(_))) {
            continue;
        }
        let replayed = replayed.0.get(connection).map(Vec::as_slice).unwrap_or_default();
        let last = last.get(connection).copied().unwrap_or_default();
        differences.extend(first(*connection, recorded, replayed, last));
    }
    differences
}

fn first(
    connection: u64,
    recorded: &[Outcome],
    replayed: &[Outcome],
    last: usize,
) -> Option<Difference> {
    let mut pairs = 0..recorded.len().max(replayed.len());
    pairs.find_map(|at| {
        let (recorded, replayed) = (recorded.get(at), replayed.get(at));
        let (one, other) = (recorded.map(|one| &one.call), replayed.map(|other| &other.call));
        if one == other {
            return None;
        }
        let index = recorded.or(replayed).map_or(last, |outcome| outcome.index);
        let (recorded, replayed) = match (one, other) {
            (Some(Call::Sent(one)), Some(Call::Sent(other))) => {
                let (one, other) = (one.bytes()?, other.bytes()?);
                let same = one.iter().zip(other).take_while(|(one, other)| one == other).count();
                let rest = |bytes: &[u8]| {
                    let rest = bytes.get(same..).unwrap_or_default();
                    (!rest.is_empty()).then(|| Call::Sent(rest.to_vec().into()))
                };
                (rest(one), rest(other))
            }
            (one, other) => (one.cloned(), other.cloned()),
        };
        Some(Difference { connection, index, recorded, replayed })
    })
}
