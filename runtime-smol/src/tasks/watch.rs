//! What tells a server's tasks of their streams: on Linux one edge-triggered epoll for all of them.
//!
//! The reactor of async-io waits for each stream once and has to be asked anew every time, by a
//! system call. Here it waits for the epoll instead, and one task looks which streams have
//! something, all that do at once; a stream is made known once, when it is accepted. That the epoll
//! is edge-triggered means that a stream is told of when something happens to it, not for as long
//! as there is something: the tasks keep what they have been told until a system call comes out
//! short.

use std::io;
use std::os::fd::AsFd;
use std::task::{Context, Poll};

use async_io::Async;
use drywire::Instant;

use super::roster::{Events, Roster};
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) use epoll::Watch;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) use nothing::Watch;

/// A socket that is waited for, in one way or the other.
#[derive(Debug)]
pub(super) enum Watched<T> {
    /// By the reactor, for itself.
    Alone(Async<T>),
    /// With all others; the roster is told.
    Together(T),
}

impl<T: AsFd> Watched<T> {
    /// Waits for `socket` by `watch` if there is one, for the task that is at this place of the
    /// roster.
    pub(super) fn new(socket: T, watch: Option<&Watch>, at: usize) -> io::Result<Self> {
        match watch {
            None => Async::new_nonblocking(socket).map(Self::Alone),
            Some(watch) => {
                watch.add(&socket, at)?;
                Ok(Self::Together(socket))
            }
        }
    }

    pub(super) fn get_ref(&self) -> &T {
        match self {
            Self::Alone(socket) => socket.get_ref(),
            Self::Together(socket) => socket,
        }
    }

    /// Ready when one of the events that are `awaited` has happened, or `due` has come.
    pub(super) fn poll(
        &self,
        awaited: Events,
        due: Instant,
        now: impl FnOnce() -> Instant,
        (roster, at): (&Roster, usize),
        cx: &mut Context<'_>,
    ) -> Poll<Events> {
        let Self::Alone(socket) = self else { return roster.poll(at, awaited, due, now) };
        let mut happened = Events::NONE;
        // A failure of the reactor counts as readiness: the system call says what is wrong.
        if awaited.intersects(Events::READ) && socket.poll_readable(cx).is_ready() {
            happened |= Events::READ;
        }
        if awaited.intersects(Events::WRITE) && socket.poll_writable(cx).is_ready() {
            happened |= Events::WRITE;
        }
        if happened != Events::NONE {
            return Poll::Ready(happened);
        }
        roster.poll(at, Events::NONE, due, now)
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod epoll {
    use std::future::poll_fn;
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::fd::{AsFd, OwnedFd};
    use std::sync::{Mutex, MutexGuard, PoisonError};
    use std::task::{Context, Poll, Waker};

    use async_io::Async;
    use futures_lite::future::yield_now;
    use rustix::event::Timespec;
    use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

    use super::super::roster::{Events, Roster};

    /// Streams that are told of by one system call.
    const EVENTS_MAX: usize = 256;

    /// One epoll for all streams.
    #[derive(Debug)]
    pub(in super::super) struct Watch {
        epoll: Async<OwnedFd>,
        /// Of the task that looks, as long as it leaves that to the reactor.
        looker: Mutex<Option<Waker>>,
    }

    impl Watch {
        /// Whether the system has what it takes.
        pub(in super::super) fn new() -> io::Result<Option<Self>> {
            let epoll = epoll::create(CreateFlags::CLOEXEC)?;
            let epoll = Async::new_nonblocking(epoll)?;
            Ok(Some(Self { epoll, looker: Mutex::new(None) }))
        }

        /// Tells the task at this place of `stream`, until it is closed.
        pub(super) fn add(&self, stream: &impl AsFd, at: usize) -> io::Result<()> {
            let events = EventFlags::IN | EventFlags::PRI | EventFlags::RDHUP | EventFlags::OUT;
            let data = EventData::new_u64(at as u64);
            Ok(epoll::add(&self.epoll, stream, data, events | EventFlags::ET)?)
        }

        /// Tells the roster of everything, for ever.
        pub(in super::super) async fn run(&self, roster: &Roster) {
            let mut wakers = Vec::new();
            loop {
                while self.look(roster, &mut wakers) {
                    // The tasks first: then there is more to be told at once, and as long as there
                    // is the reactor need not be asked.
                    yield_now().await;
                }
                let mut is_waiting = false;
                poll_fn(|cx| self.poll_due(&mut is_waiting, cx)).await;
            }
        }

        /// Has the streams looked at when those tasks have had a turn that are ready now.
        ///
        /// An executor whose tasks are always ready asks its reactor after hundreds of turns only.
        /// A task that is ready again after its turn says so here: that is one look for a turn at
        /// most, and one for all tasks that are ready.
        pub(in super::super) fn hasten(&self) {
            let looker = self.looker().take();
            if let Some(looker) = looker {
                looker.wake();
            }
        }

        /// Ready when the reactor tells of something, or a look has been asked for.
        fn poll_due(&self, is_waiting: &mut bool, cx: &mut Context<'_>) -> Poll<()> {
            let mut looker = self.looker();
            // It cannot fail but when the reactor is out of order.
            let is_told = self.epoll.poll_readable(cx).is_ready();
            if is_told || (*is_waiting && looker.is_none()) {
                *looker = None;
                return Poll::Ready(());
            }
            *is_waiting = true;
            *looker = Some(cx.waker().clone());
            Poll::Pending
        }

        /// No call within panics, so that a poisoned lock means nothing.
        fn looker(&self) -> MutexGuard<'_, Option<Waker>> {
            self.looker.lock().unwrap_or_else(PoisonError::into_inner)
        }

        /// Tells the roster of what there is. Returns whether there was anything.
        fn look(&self, roster: &Roster, wakers: &mut Vec<Waker>) -> bool {
            let mut room = [const { MaybeUninit::uninit() }; EVENTS_MAX];
            let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
            // What does not wait is not interrupted either, and in no other way can it fail.
            let Ok((events, _)) = epoll::wait(&self.epoll, &mut room, Some(&at_once)) else {
                return false;
            };
            let happened = events.iter().filter_map(|event| {
                let at = usize::try_from(event.data.u64()).ok()?;
                Some((at, meaning(event.flags)))
            });
            roster.happened(happened, wakers);
            !events.is_empty()
        }
    }

    fn meaning(flags: EventFlags) -> Events {
        let failed = flags.intersects(EventFlags::HUP | EventFlags::ERR);
        let last = failed || flags.intersects(EventFlags::RDHUP | EventFlags::PRI);
        Events::READ.only_if(last || flags.intersects(EventFlags::IN))
            | Events::WRITE.only_if(failed || flags.intersects(EventFlags::OUT))
            | Events::LAST.only_if(last)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod nothing {
    use std::future::pending;
    use std::io;
    use std::os::fd::AsFd;

    use super::super::roster::Roster;

    /// There is none here: the reactor waits for each stream.
    #[derive(Debug)]
    pub(in super::super) enum Watch {}

    impl Watch {
        pub(in super::super) fn new() -> io::Result<Option<Self>> {
            Ok(None)
        }

        pub(super) fn add(&self, _: &impl AsFd, _: usize) -> io::Result<()> {
            match *self {}
        }

        pub(in super::super) fn hasten(&self) {
            match *self {}
        }

        pub(in super::super) async fn run(&self, _: &Roster) {
            pending().await
        }
    }
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use std::cell::Cell;
    use std::io::Write;
    use std::os::unix::net::UnixStream;
    use std::task::{Poll, Waker};

    use async_executor::LocalExecutor;
    use futures_lite::future::yield_now;

    use super::*;

    /// Whether the task at this place has been told of something to read, for which it goes on
    /// waiting.
    fn is_told(roster: &Roster, at: usize) -> bool {
        match roster.poll(at, Events::READ, Instant::MAX, || Instant::ZERO) {
            Poll::Ready(events) => events.intersects(Events::READ),
            Poll::Pending => false,
        }
    }

    /// The executor is run by hand and never asks the reactor, as if its tasks were always ready.
    #[test]
    fn who_is_always_ready_has_the_others_looked_at() {
        let (watch, roster) = (Watch::new().unwrap().unwrap(), Roster::default());
        let (stream, mut peer) = UnixStream::pair().unwrap();
        let at = roster.enter();
        roster.attach(at, Waker::noop());
        watch.add(&stream, at).unwrap();
        let turns = Cell::new(0);
        let executor = LocalExecutor::new();
        executor.spawn(watch.run(&roster)).detach();
        // It has looked at what there is, and waits.
        while executor.try_tick() {}
        executor
            .spawn(async {
                loop {
                    turns.set(turns.get() + 1);
                    watch.hasten();
                    yield_now().await;
                }
            })
            .detach();
        (0..10).for_each(|_| assert!(executor.try_tick()));
        assert!(!is_told(&roster, at), "nothing has come");
        for _ in 0..100 {
            let before = turns.get();
            peer.write_all(b"x").unwrap();
            while !is_told(&roster, at) {
                assert!(executor.try_tick());
                assert!(turns.get() - before <= 2, "a look with each turn");
            }
        }
        // No more than one look is asked for at a time.
        let before = turns.get();
        (0..100).for_each(|_| assert!(executor.try_tick()));
        assert!(turns.get() - before >= 50);
    }
}
