//! Making a script smaller that still shows something.

use alloc::vec;
use alloc::vec::Vec;

use super::{Call, Entry, Payload, Script};
use crate::time::Instant;

/// A script that was made smaller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Minimised {
    /// The smallest that was found.
    pub script: Script,
    /// How many scripts were tried.
    pub tried: usize,
    /// Whether no single thing can be left out of it any more: no entry, no cut between received
    /// bytes, no byte, no pause. Otherwise there were not tries enough.
    pub is_minimal: bool,
}

/// Makes `script` smaller as long as `shows` says that it still shows what it is about: leaves out
/// connections and entries, joins what was received in pieces, shortens bytes and takes pauses out,
/// coarsely first. `None` if `script` itself does not show it.
///
/// The result is the same for the same script and the same answers.
///
/// # Bounds
/// Asks at most `tries_max` times.
///
/// # Examples
/// ```
/// use drywire::script::{self, Script};
///
/// let script: Script = "\
/// drywire-script 1
/// 1 +0 begin server framing=u8 protocol=echo frame_len_max=3
/// 1 +5 received 0x0161
/// 1 +5 received 0x05
/// 1 +5 received \"hello\"
/// 1 +5 transmitted 2
/// ".parse()?;
/// let is_refused = |script: &Script| {
///     let replay = script::replay(script);
///     replay.is_ok_and(|replay| replay.reason(1).is_some())
/// };
/// let small = script::minimise(&script, is_refused, 1000).unwrap();
/// assert!(small.is_minimal);
/// assert_eq!(small.script.to_string(), "\
/// drywire-script 1
/// 1 +0 begin server framing=u8 protocol=echo frame_len_max=3
/// 1 +0 received 0x05
/// ");
/// # Ok::<(), script::ParseScriptError>(())
/// ```
pub fn minimise(
    script: &Script,
    shows: impl FnMut(&Script) -> bool,
    tries_max: usize,
) -> Option<Minimised> {
    let mut search = Search { shows, tried: 0, tries_max };
    if !search.try_out(script) {
        return None;
    }
    let mut script = script.clone();
    search.drop_steps(&mut script);
    loop {
        let before = script.clone();
        search.drop_connections(&mut script);
        search.drop_entries(&mut script);
        search.join_received(&mut script);
        search.shorten_bytes(&mut script);
        search.drop_pauses(&mut script);
        // One round that finds nothing has tried every single thing.
        if script == before || search.is_spent() {
            let is_minimal = !search.is_spent();
            return Some(Minimised { script, tried: search.tried, is_minimal });
        }
    }
}

struct Search<S> {
    shows: S,
    tried: usize,
    tries_max: usize,
}

impl<S: FnMut(&Script) -> bool> Search<S> {
    const fn is_spent(&self) -> bool {
        self.tried >= self.tries_max
    }

    fn try_out(&mut self, script: &Script) -> bool {
        if self.is_spent() {
            return false;
        }
        self.tried += 1;
        (self.shows)(script)
    }

    /// Takes `smaller` for `script` if it shows the same.
    fn accept(&mut self, script: &mut Script, smaller: Script) -> bool {
        let shows = self.try_out(&smaller);
        if shows {
            *script = smaller;
        }
        shows
    }

    /// Leaves out of `len` things as many as possible: `without` makes the script without those
    /// that are false. Chunks of half of them first, then of half as many, down to one; then each
    /// again until none can be left out.
    fn leave_out(
        &mut self,
        script: &mut Script,
        len: usize,
        without: impl Fn(&Script, &[bool]) -> Script,
    ) {
        let whole = script.clone();
        let mut kept = vec![true; len];
        let mut chunk = len.max(1);
        loop {
            let mut has_dropped = false;
            let left: Vec<usize> = (0..len).filter(|at| kept.get(*at) == Some(&true)).collect();
            // From the end: what comes later is more often needless than what it follows on.
            for places in left.rchunks(chunk) {
                let mut fewer = kept.clone();
                for place in places {
                    if let Some(kept) = fewer.get_mut(*place) {
                        *kept = false;
                    }
                }
                if self.accept(script, without(&whole, &fewer)) {
                    kept = fewer;
                    has_dropped = true;
                }
                if self.is_spent() {
                    return;
                }
            }
            if chunk > 1 {
                chunk = chunk.div_ceil(2);
            } else if !has_dropped {
                return;
            }
        }
    }

    /// All steps and turns at once: a script without them takes every step when there is one.
    fn drop_steps(&mut self, script: &mut Script) {
        let mut smaller = script.clone();
        smaller.entries.retain(|entry| {
            !matches!(entry.call, Call::Look | Call::Step(_) | Call::Lease | Call::Settle)
        });
        if smaller != *script {
            self.accept(script, smaller);
        }
    }

    fn drop_connections(&mut self, script: &mut Script) {
        let mut numbers: Vec<u64> = script.connections().map(|(number, _)| number).collect();
        numbers.dedup();
        self.leave_out(script, numbers.len(), |script, kept| {
            let mut smaller = script.clone();
            smaller.entries.retain(|entry| {
                let at = numbers.iter().position(|number| *number == entry.connection);
                at.and_then(|at| kept.get(at)) != Some(&false)
            });
            smaller
        });
    }

    /// Every entry but beginnings, which go with their connections.
    fn drop_entries(&mut self, script: &mut Script) {
        let is_droppable = |entry: &Entry<'_>| !matches!(entry.call, Call::Begin(_));
        let places: Vec<usize> = (0..script.entries.len())
            .filter(|at| script.entries.get(*at).is_some_and(is_droppable))
            .collect();
        self.leave_out(script, places.len(), |script, kept| {
            let mut kept = kept.iter();
            let mut smaller = script.clone();
            smaller.entries.retain(|entry| !is_droppable(entry) || kept.next() != Some(&false));
            smaller
        });
    }

    /// What a connection received in pieces, one after the other, it receives at once.
    fn join_received(&mut self, script: &mut Script) {
        let mut at = 0;
        while at < script.entries.len() && !self.is_spent() {
            let smaller = joined(script, at);
            // If it is taken, the same place again: there may be a further piece.
            if !smaller.is_some_and(|smaller| self.accept(script, smaller)) {
                at += 1;
            }
        }
    }

    fn shorten_bytes(&mut self, script: &mut Script) {
        for at in 0..script.entries.len() {
            let payload = script.entries.get(at).and_then(|entry| entry.call.payload());
            let len = payload.and_then(Payload::bytes).map_or(0, <[u8]>::len);
            if len > 0 {
                self.leave_out(script, len, |script, kept| shortened(script, at, kept));
            }
        }
    }

    fn drop_pauses(&mut self, script: &mut Script) {
        let pauses: Vec<usize> =
            (0..script.entries.len()).filter(|at| pause(script, *at) > 0).collect();
        self.leave_out(script, pauses.len(), |script, kept| {
            let dropped = pauses.iter().zip(kept).filter(|(_, kept)| !**kept);
            without_pauses(script, dropped.map(|(at, _)| *at))
        });
    }
}

/// The script in which what entry `at` received is joined with what its connection does next, if
/// that is to receive more.
fn joined(script: &Script, at: usize) -> Option<Script> {
    let first = script.entries.get(at)?;
    let Call::Received(Payload::Bytes(bytes)) = &first.call else { return None };
    let rest = script.entries.iter().enumerate().skip(at + 1);
    let (next, entry) = rest.clone().find(|(_, entry)| entry.connection == first.connection)?;
    let Call::Received(Payload::Bytes(more)) = &entry.call else { return None };
    let bytes = [&bytes[..], &more[..]].concat();
    let mut smaller = script.clone();
    smaller.entries.get_mut(at)?.call = Call::Received(bytes.into());
    smaller.entries.remove(next);
    Some(smaller)
}

/// The script in which entry `at` has only the bytes that are kept.
fn shortened(script: &Script, at: usize, kept: &[bool]) -> Script {
    let mut smaller = script.clone();
    if let Some(Entry { call: Call::Received(payload) | Call::Sent(payload), .. }) =
        smaller.entries.get_mut(at)
    {
        let bytes = payload.bytes().unwrap_or_default().iter().zip(kept);
        let bytes: Vec<u8> = bytes.filter(|(_, kept)| **kept).map(|(byte, _)| *byte).collect();
        *payload = bytes.into();
    }
    smaller
}

/// How long after its connection's entry before, or the epoch, entry `at` comes; in nanoseconds.
fn pause(script: &Script, at: usize) -> u64 {
    let Some(entry) = script.entries.get(at) else { return 0 };
    let before = script.entries.get(..at).unwrap_or_default().iter().rev();
    let before = before.clone().find(|other| other.connection == entry.connection);
    let before = before.map_or(Instant::ZERO, |other| other.at);
    entry.at.as_nanos().saturating_sub(before.as_nanos())
}

/// The script in which entries come at once after their connection's entry before, and what
/// follows on them earlier by as much.
fn without_pauses(script: &Script, dropped: impl Iterator<Item = usize>) -> Script {
    let mut smaller = script.clone();
    for at in dropped {
        let pause = pause(script, at);
        let Some(connection) = script.entries.get(at).map(|entry| entry.connection) else {
            continue;
        };
        for entry in smaller.entries.iter_mut().skip(at) {
            if entry.connection == connection {
                entry.at = Instant::from_nanos(entry.at.as_nanos().saturating_sub(pause));
            }
        }
    }
    smaller
}
