//! The deadlines of many connections, most of which move back before they come.

use drywire::Instant;

/// A heap of one time for each slot.
///
/// A deadline that moves back, as an idle deadline does with every byte, is not told: the time stays
/// where it is until it has come, and only then is the slot put to its new place. One that comes
/// forward is put there at once. Reading therefore costs no operation of the heap, and every
/// operation takes O(log n).
#[derive(Debug, Default)]
pub(super) struct Timers {
    /// The heap: times, each no later than its four children's. Apart from the slots, so that those
    /// which are compared lie together, and a slot takes four bytes.
    times: Vec<Instant>,
    /// For each time the slot that it is of.
    slots: Vec<u32>,
    /// For each slot 1 more than its index in the heap; 0 if it has no time.
    places: Vec<u32>,
    #[cfg(test)]
    operations: u64,
}

/// Children of a node. With four of them most operations touch fewer cache lines than with two.
const FANOUT: usize = 4;

impl Timers {
    pub(super) const fn new() -> Self {
        Self {
            times: Vec::new(),
            slots: Vec::new(),
            places: Vec::new(),
            #[cfg(test)]
            operations: 0,
        }
    }

    /// Has `slot` looked at when `at` has come, or earlier.
    pub(super) fn arm(&mut self, slot: usize, at: Instant) {
        match self.index(slot) {
            Some(index) if at < self.times[index] => self.rise(index, at, self.slots[index]),
            None if at < Instant::MAX => {
                if self.places.len() <= slot {
                    self.places.resize(slot + 1, 0);
                }
                let slot = narrow(slot);
                self.times.push(at);
                self.slots.push(slot);
                self.rise(self.times.len() - 1, at, slot);
            }
            Some(_) | None => {}
        }
    }

    /// Forgets `slot`.
    pub(super) fn disarm(&mut self, slot: usize) {
        if let Some(index) = self.index(slot) {
            self.remove(index);
        }
    }

    fn index(&self, slot: usize) -> Option<usize> {
        (*self.places.get(slot)? as usize).checked_sub(1)
    }

    /// The earliest time.
    pub(super) fn next(&self) -> Option<Instant> {
        self.times.first().copied()
    }

    /// A slot whose time has come, and which has none any more.
    pub(super) fn pop(&mut self, now: Instant) -> Option<usize> {
        if self.next()? > now {
            return None;
        }
        let slot = *self.slots.first()?;
        self.remove(0);
        Some(slot as usize)
    }

    fn remove(&mut self, index: usize) {
        self.times.swap_remove(index);
        let slot = self.slots.swap_remove(index);
        self.places[slot as usize] = 0;
        if index < self.times.len() {
            // What took the place may belong further up or down.
            self.rise(index, self.times[index], self.slots[index]);
            self.sink(index);
        }
    }

    /// Puts `slot` with its time to `index` or, until those above are no later, further up, and takes
    /// note of where that is.
    fn rise(&mut self, mut index: usize, at: Instant, slot: u32) {
        #[cfg(test)]
        {
            self.operations += 1;
        }
        while index > 0 {
            let above = (index - 1) / FANOUT;
            if self.times[above] <= at {
                break;
            }
            self.put(index, self.times[above], self.slots[above]);
            index = above;
        }
        self.put(index, at, slot);
    }

    /// Puts what is at `index` where those below are no earlier.
    fn sink(&mut self, mut index: usize) {
        let (at, slot) = (self.times[index], self.slots[index]);
        loop {
            let first = index * FANOUT + 1;
            let below = first..self.times.len().min(first + FANOUT);
            let earliest = below.min_by_key(|below| self.times[*below]);
            let Some(below) = earliest.filter(|below| self.times[*below] < at) else {
                break;
            };
            self.put(index, self.times[below], self.slots[below]);
            index = below;
        }
        self.put(index, at, slot);
    }

    fn put(&mut self, index: usize, at: Instant, slot: u32) {
        self.times[index] = at;
        self.slots[index] = slot;
        self.places[slot as usize] = narrow(index + 1);
    }

    /// How often something was put into the heap or to another place.
    #[cfg(test)]
    pub(super) const fn operations(&self) -> u64 {
        self.operations
    }
}

/// There are fewer connections than a u32 counts.
fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn at(nanos: u64) -> Instant {
        Instant::from_nanos(nanos)
    }

    #[test]
    fn a_deadline_that_moves_back_costs_nothing_until_it_has_come() {
        let mut timers = Timers::new();
        timers.arm(3, at(10));
        let operations = timers.operations();
        (11..1000).for_each(|nanos| timers.arm(3, at(nanos)));
        timers.arm(3, Instant::MAX);
        assert_eq!(timers.operations(), operations);
        assert_eq!(timers.next(), Some(at(10)));
        assert_eq!(
            (timers.pop(at(9)), timers.pop(at(10)), timers.pop(at(10))),
            (None, Some(3), None)
        );
        timers.arm(3, Instant::MAX);
        assert_eq!(timers.next(), None);
    }

    /// Against a map that is searched.
    #[test]
    fn slots_come_in_the_order_of_their_times() {
        let mut timers = Timers::new();
        let mut expected: BTreeMap<usize, Instant> = BTreeMap::new();
        // Linear congruential, of Knuth's MMIX.
        let mut seed: u64 = 7;
        let mut random = move |below: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        let mut now = 0;
        for _ in 0..20_000 {
            let slot = usize::try_from(random(50)).unwrap();
            match random(4) {
                0 | 1 => {
                    let time = at(now + 1 + random(1000));
                    timers.arm(slot, time);
                    let known = expected.entry(slot).or_insert(time);
                    *known = time.min(*known);
                }
                2 => {
                    timers.disarm(slot);
                    expected.remove(&slot);
                }
                _ => {
                    now += random(100);
                    let mut due = Vec::new();
                    while let Some(slot) = timers.pop(at(now)) {
                        due.push(expected.remove(&slot).expect("it was armed, and not popped"));
                    }
                    assert!(due.is_sorted());
                    assert!(expected.values().all(|time| *time > at(now)));
                }
            }
            assert_eq!(timers.next(), expected.values().min().copied());
        }
    }
}
