//! The tasks of a server that wait for something: a stream, a deadline, a change of the server.
//!
//! Each has a place, by whose number it is known. A wake-up takes nobody off the list, and a waker
//! is kept once for all there is to wait for: waiting allocates nothing.

use std::collections::BTreeSet;
use std::ops::{BitOr, BitOrAssign};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use drywire::Instant;

/// What has happened to a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Events(u8);

impl Events {
    pub(super) const NONE: Self = Self(0);
    /// There may be something to read.
    pub(super) const READ: Self = Self(1);
    /// There may be room to write.
    pub(super) const WRITE: Self = Self(2);
    /// There is more to read than one short read shows, and no other event may say so: the peer
    /// has finished, the stream failed, or urgent data divides it.
    pub(super) const LAST: Self = Self(4);

    pub(super) const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// These events if `condition` holds, else none.
    pub(super) const fn only_if(self, condition: bool) -> Self {
        if condition { self } else { Self::NONE }
    }
}

impl BitOr for Events {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Events {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

/// The list.
#[derive(Debug, Default)]
pub(super) struct Roster {
    places: Mutex<Places>,
}

#[derive(Debug, Default)]
struct Places {
    list: Vec<Place>,
    free: Vec<usize>,
    /// The places with a deadline. What a place is armed for only moves forward: a deadline that
    /// moves back with every byte costs nothing until it has come in vain.
    due: BTreeSet<(Instant, usize)>,
    /// Is woken when something is due before `alarm_at`.
    alarm: Option<Waker>,
    alarm_at: Option<Instant>,
}

#[derive(Debug)]
struct Place {
    /// None before the task has been polled, and in a free place.
    waker: Option<Waker>,
    /// What has happened since the task last looked.
    happened: Events,
    /// What the task is to be woken for.
    awaited: Events,
    /// When the task will be woken, [`Instant::MAX`] for never.
    armed_at: Instant,
}

impl Place {
    const FREE: Self =
        Self { waker: None, happened: Events::NONE, awaited: Events::NONE, armed_at: Instant::MAX };
}

impl Roster {
    /// Takes a task on, to be [told](Self::attach) how to wake. It must be taken off again.
    pub(super) fn enter(&self) -> usize {
        let mut places = self.places();
        places.free.pop().unwrap_or_else(|| {
            places.list.push(Place::FREE);
            places.list.len() - 1
        })
    }

    /// Takes a task off.
    pub(super) fn leave(&self, at: usize) {
        let mut places = self.places();
        let Some(place) = places.list.get_mut(at) else { return };
        let Place { waker, armed_at, .. } = std::mem::replace(place, Place::FREE);
        if armed_at != Instant::MAX {
            places.due.remove(&(armed_at, at));
        }
        places.free.push(at);
        drop(places);
        // It may be the last that holds its task.
        drop(waker);
    }

    /// Lets the task be woken. Once is enough: the waker of a task does not change.
    pub(super) fn attach(&self, at: usize, waker: &Waker) {
        let waker = Some(waker.clone());
        let mut places = self.places();
        let Some(place) = places.list.get_mut(at) else { return };
        let old = std::mem::replace(&mut place.waker, waker);
        drop(places);
        drop(old);
    }

    /// Takes what has happened to the task's stream; if that is nothing, the task is woken by
    /// `awaited`. Ready too when `due` has come, for which it is woken as well;
    /// [`Instant::MAX`] never comes.
    pub(super) fn poll(
        &self,
        at: usize,
        awaited: Events,
        due: Instant,
        now: impl FnOnce() -> Instant,
    ) -> Poll<Events> {
        let mut places = self.places();
        let Places { list, due: set, alarm, alarm_at, .. } = &mut *places;
        let Some(place) = list.get_mut(at) else { return Poll::Pending };
        if place.happened != Events::NONE {
            return Poll::Ready(std::mem::take(&mut place.happened));
        }
        place.awaited = awaited;
        if due >= place.armed_at {
            return Poll::Pending;
        }
        if due <= now() {
            return Poll::Ready(Events::NONE);
        }
        if place.armed_at != Instant::MAX {
            set.remove(&(place.armed_at, at));
        }
        place.armed_at = due;
        set.insert((due, at));
        if alarm_at.is_none_or(|alarm_at| alarm_at <= due) {
            return Poll::Pending;
        }
        *alarm_at = Some(due);
        let alarm = alarm.clone();
        drop(places);
        if let Some(alarm) = alarm {
            alarm.wake();
        }
        Poll::Pending
    }

    /// Wakes those who await one of these events, and keeps them for all.
    pub(super) fn happened(
        &self,
        events: impl IntoIterator<Item = (usize, Events)>,
        wakers: &mut Vec<Waker>,
    ) {
        let mut places = self.places();
        for (at, events) in events {
            let Some(place) = places.list.get_mut(at) else { continue };
            place.happened |= events;
            if place.awaited.intersects(events) {
                place.awaited = Events::NONE;
                wakers.extend(place.waker.clone());
            }
        }
        drop(places);
        wakers.drain(..).for_each(Waker::wake);
    }

    /// Wakes those for whom a deadline has come, and returns when the next one comes. `alarm` is
    /// woken when one is before that.
    pub(super) fn wake_due(&self, now: Instant, alarm: &Waker) -> Instant {
        let mut places = self.places();
        let Places { list, due, alarm: kept, alarm_at, .. } = &mut *places;
        let mut wakers = Vec::new();
        let next = loop {
            match due.first() {
                Some(&(at, _)) if at > now => break at,
                None => break Instant::MAX,
                Some(_) => {}
            }
            let Some((_, at)) = due.pop_first() else { break Instant::MAX };
            if let Some(place) = list.get_mut(at) {
                place.armed_at = Instant::MAX;
                wakers.extend(place.waker.clone());
            }
        };
        *alarm_at = Some(next);
        if !kept.as_ref().is_some_and(|kept| kept.will_wake(alarm)) {
            *kept = Some(alarm.clone());
        }
        drop(places);
        wakers.into_iter().for_each(Waker::wake);
        next
    }

    /// Wakes the alarm if something is due, in case the reactor does not get to it.
    pub(super) fn hasten(&self, now: Instant) {
        let places = self.places();
        let is_due = places.due.first().is_some_and(|(at, _)| *at <= now);
        let alarm = if is_due { places.alarm.clone() } else { None };
        drop(places);
        if let Some(alarm) = alarm {
            alarm.wake();
        }
    }

    pub(super) fn wake_all(&self) {
        let places = self.places();
        let wakers: Vec<_> = places.list.iter().filter_map(|place| place.waker.clone()).collect();
        drop(places);
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

    impl Count {
        fn take(&self) -> usize {
            self.0.swap(0, Ordering::Relaxed)
        }
    }

    fn at(nanos: u64) -> Instant {
        Instant::from_nanos(nanos)
    }

    #[test]
    fn the_alarm_is_hastened_only_if_something_is_due() {
        let (roster, alarm) = (Roster::default(), Arc::new(Count::default()));
        let (place, task) = join(&roster);
        assert!(roster.poll(place, Events::NONE, at(5), || at(0)).is_pending());
        assert_eq!(roster.wake_due(at(1), &Arc::clone(&alarm).into()), at(5));
        roster.hasten(at(4));
        assert_eq!(alarm.take(), 0);
        roster.hasten(at(5));
        assert_eq!((alarm.take(), task.take()), (1, 0));
        roster.wake_due(at(5), &Arc::clone(&alarm).into());
        roster.hasten(at(9));
        assert_eq!((alarm.take(), task.take()), (0, 1));
    }

    /// A task on the roster.
    fn join(roster: &Roster) -> (usize, Arc<Count>) {
        let (place, count) = (roster.enter(), Arc::new(Count::default()));
        roster.attach(place, &Arc::clone(&count).into());
        (place, count)
    }

    #[test]
    fn those_on_the_list_are_woken_every_time() {
        let roster = Roster::default();
        let [(a, one), (b, two), (c, three)] = [(); 3].map(|()| join(&roster));
        assert_eq!((a, b, c), (0, 1, 2));
        roster.wake_all();
        roster.leave(b);
        roster.wake_all();
        assert_eq!(roster.enter(), b);
        // Nobody has said yet how that one is woken.
        roster.wake_all();
        assert_eq!([one, two, three].map(|count| count.take()), [3, 1, 3]);
    }

    #[test]
    fn events_wake_those_who_await_them_and_are_kept_for_all() {
        let roster = Roster::default();
        let (place, count) = join(&roster);
        let poll = |awaited| roster.poll(place, awaited, Instant::MAX, || at(0));
        let tell = |events| roster.happened([(place, events), (7, events)], &mut Vec::new());

        tell(Events::READ);
        assert_eq!(count.take(), 0, "it has not said what it waits for");
        assert_eq!(poll(Events::READ), Poll::Ready(Events::READ));
        assert_eq!(poll(Events::READ), Poll::Pending);
        tell(Events::WRITE);
        assert_eq!(count.take(), 0);
        tell(Events::READ | Events::LAST);
        tell(Events::READ);
        assert_eq!(count.take(), 1, "once is enough");
        let all = Events::READ | Events::WRITE | Events::LAST;
        assert_eq!(poll(Events::NONE), Poll::Ready(all));

        assert_eq!(poll(Events::READ), Poll::Pending);
        roster.leave(place);
        assert_eq!(roster.enter(), place);
        tell(Events::READ);
        assert_eq!(count.take(), 0, "somebody else is there now");
    }

    #[test]
    fn a_deadline_wakes_its_task_and_moves_back_for_nothing() {
        let (roster, alarm) = (Roster::default(), Arc::new(Count::default()));
        let waker = Arc::clone(&alarm).into();
        let wake_due = |now| roster.wake_due(at(now), &waker);
        let (place, count) = join(&roster);
        let poll = |due, now| roster.poll(place, Events::NONE, at(due), || at(now)).is_ready();

        assert_eq!(wake_due(0), Instant::MAX);
        assert!(!poll(10, 0));
        assert_eq!(alarm.take(), 1, "it is the first");
        assert_eq!(wake_due(0), at(10));
        assert!(!poll(30, 1));
        assert_eq!(wake_due(9), at(10), "still armed for the deadline before");
        assert_eq!((wake_due(10), count.take()), (Instant::MAX, 1));
        assert!(!poll(30, 10));
        assert_eq!((wake_due(10), alarm.take()), (at(30), 1));

        assert!(!poll(20, 10), "one that moves forward");
        assert_eq!((wake_due(10), alarm.take(), count.take()), (at(20), 1, 0));
        assert_eq!((wake_due(20), count.take()), (Instant::MAX, 1));
        assert!(poll(20, 20));
        assert!(poll(19, 20));
    }

    #[test]
    fn of_many_deadlines_only_a_new_first_one_rings_the_alarm() {
        let (roster, alarm) = (Roster::default(), Arc::new(Count::default()));
        let waker = Arc::clone(&alarm).into();
        let tasks = [(); 100].map(|()| join(&roster));
        assert_eq!(roster.wake_due(at(0), &waker), Instant::MAX);
        for ((place, _), due) in tasks.iter().zip(50..) {
            assert!(roster.poll(*place, Events::NONE, at(due), || at(0)).is_pending());
        }
        assert_eq!(alarm.take(), 1);
        roster.leave(tasks[0].0);
        assert_eq!(roster.wake_due(at(50), &waker), at(51));
        let woken = |now| {
            roster.wake_due(at(now), &waker);
            tasks.iter().map(|(_, count)| count.take()).sum::<usize>()
        };
        assert_eq!((woken(50), woken(52), woken(200)), (0, 2, 97));
    }
}
