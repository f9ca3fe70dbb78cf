//! The tasks that want to be woken when something of the server changes.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// A place for each task. Unlike with an event, a wake-up takes nobody off the list.
#[derive(Debug, Default)]
pub(super) struct Roster {
    places: Mutex<Places>,
}

#[derive(Debug, Default)]
struct Places {
    wakers: Vec<Option<Waker>>,
    free: Vec<usize>,
}

impl Roster {
    /// Takes a task on. It must be taken off again.
    pub(super) fn enter(&self, waker: Waker) -> usize {
        let mut places = self.places();
        let Places { wakers, free } = &mut *places;
        let at = free.pop().unwrap_or(wakers.len());
        match wakers.get_mut(at) {
            Some(place) => *place = Some(waker),
            None => wakers.push(Some(waker)),
        }
        at
    }

    /// Takes a task off.
    pub(super) fn leave(&self, at: usize) {
        let mut places = self.places();
        let waker = places.wakers.get_mut(at).and_then(Option::take);
        places.free.push(at);
        drop(places);
        // It may be the last that holds its task.
        drop(waker);
    }

    pub(super) fn wake_all(&self) {
        let wakers: Vec<_> = self.places().wakers.iter().flatten().cloned().collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// No call within panics, so that a poisoned lock means nothing.
    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn those_on_the_list_are_woken_every_time() {
        let roster = Roster::default();
        let counts: [Arc<Count>; 3] = Default::default();
        let [a, b, c] = counts.each_ref().map(|count| roster.enter(Arc::clone(count).into()));
        assert_eq!((a, b, c), (0, 1, 2));
        roster.wake_all();
        roster.leave(b);
        roster.wake_all();
        assert_eq!(roster.enter(Arc::clone(&counts[1]).into()), b);
        roster.wake_all();
        assert_eq!(counts.map(|count| count.0.load(Ordering::Relaxed)), [3, 2, 3]);
    }
}
