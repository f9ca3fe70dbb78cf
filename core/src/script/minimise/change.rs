//! A change of a script that can be undone.

use alloc::vec::Vec;
use core::mem;

use crate::script::{Call, Entry, Script};
use crate::time::Instant;

/// What is exchanged and taken out, while it is out of the script or waits to be put in. Making and
/// undoing moves entries and copies none.
#[derive(Default)]
pub(super) struct Change {
    calls: Vec<(usize, Call<'static>)>,
    times: Vec<(usize, Instant)>,
    /// Places of the entries that are taken out, in order.
    places: Vec<usize>,
    taken: Vec<Entry<'static>>,
}

impl Change {
    /// Takes out the entries at these places, which are in order.
    pub(super) fn removing(places: Vec<usize>) -> Self {
        Self { places, ..Self::default() }
    }

    /// The same, with other calls put in the place of some.
    pub(super) fn exchanging(self, calls: Vec<(usize, Call<'static>)>) -> Self {
        Self { calls, ..self }
    }

    /// Entries have other times.
    pub(super) fn moving(times: Vec<(usize, Instant)>) -> Self {
        Self { times, ..Self::default() }
    }

    pub(super) fn make(&mut self, script: &mut Script) {
        self.exchange(script);
        let Some(&first) = self.places.first() else { return };
        let tail = script.entries.split_off(first);
        let mut places = self.places.iter().copied().peekable();
        for (at, entry) in (first..).zip(tail) {
            if places.next_if_eq(&at).is_some() {
                self.taken.push(entry);
            } else {
                script.entries.push(entry);
            }
        }
    }

    /// Must follow on [`make`](Self::make).
    pub(super) fn undo(&mut self, script: &mut Script) {
        if let Some(&first) = self.places.first() {
            let end = script.entries.len() + self.taken.len();
            let mut kept = script.entries.split_off(first).into_iter();
            let mut taken = self.taken.drain(..);
            let mut places = self.places.iter().copied().peekable();
            for at in first..end {
                let is_taken = places.next_if_eq(&at).is_some();
                script.entries.extend(if is_taken { taken.next() } else { kept.next() });
            }
        }
        self.exchange(script);
    }

    /// Both ways.
    fn exchange(&mut self, script: &mut Script) {
        for (at, call) in &mut self.calls {
            if let Some(entry) = script.entries.get_mut(*at) {
                mem::swap(&mut entry.call, call);
            }
        }
        for (at, time) in &mut self.times {
            if let Some(entry) = script.entries.get_mut(*at) {
                mem::swap(&mut entry.at, time);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every subset of five entries comes back to its place.
    #[test]
    fn what_is_undone_is_as_it_was() {
        let mut whole = Script::new();
        for at in 0..5 {
            whole.push(at, Instant::from_nanos(at), Call::Eof);
        }
        for set in 0_u32..1 << 5 {
            let is_in = |at: &usize| set >> at & 1 == 1;
            let places: Vec<_> = (0..5).filter(is_in).collect();
            let mut change = Change::removing(places).exchanging(alloc::vec![(2, Call::Cut)]);
            let mut script = whole.clone();
            change.make(&mut script);
            let left: Vec<_> = script.entries.iter().map(|entry| entry.connection).collect();
            let expected: Vec<_> = (0..5).filter(|at| set >> at & 1 == 0).collect();
            assert_eq!(left, expected);
            assert_eq!(script.entries.iter().any(|entry| entry.call == Call::Cut), !is_in(&2));
            change.undo(&mut script);
            assert_eq!(script, whole);
        }
        let mut change = Change::moving(alloc::vec![(1, Instant::MAX)]);
        let mut script = whole.clone();
        change.make(&mut script);
        assert_ne!(script, whole);
        change.undo(&mut script);
        assert_eq!(script, whole);
    }
}
