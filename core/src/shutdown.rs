//! How a server ends: readiness, a pause, draining with a deadline, force.
//!
//! ```text
//!           Terminate           pause over            time over
//!  Serving ───────────► Pausing ──────────► Draining ──────────► Stopping
//! ```
//!
//! - *Serving*: ready for more.
//! - *Pausing*: not [ready](Shutdown::is_ready) any more, and serving all the same. Whoever sends
//!   peers here, a load balancer for example, has time to see it.
//! - *Draining*: nothing more is accepted; what there is may end by itself.
//! - *Stopping*: what is left is ended by force.
//!
//! A first signal begins the end in order, [`Interrupt`](Request::Interrupt) without the pause; a
//! second one, of whatever kind, ends at once. The whole table is `TRANSITIONS` in the tests.
//!
//! [`Admission`](crate::admission) has one of these for a server, and
//! [`Supervisor`](crate::supervisor) one for a number of servers.
//!
//! # Examples
//! ```
//! use core::time::Duration;
//! use drywire::Instant;
//! use drywire::shutdown::{Phase, Request, Shutdown};
//!
//! let (pause, drain_timeout) = (Duration::from_secs(5), Duration::from_secs(10));
//! let mut shutdown = Shutdown::new(pause, drain_timeout);
//! assert!(shutdown.is_ready());
//!
//! shutdown.request(Request::Terminate, Instant::ZERO); // SIGTERM
//! assert_eq!((shutdown.is_ready(), shutdown.phase()), (false, Phase::Pausing));
//!
//! let drain_at = shutdown.deadline().unwrap();
//! assert_eq!(drain_at, Instant::ZERO + pause);
//! shutdown.handle_timeout(drain_at);
//! assert_eq!(shutdown.phase(), Phase::Draining);
//! assert_eq!(shutdown.deadline(), Some(drain_at + drain_timeout));
//! ```

use core::time::Duration;

use crate::time::Instant;

/// Where a server stands on its way to the end. It only moves on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// It accepts, and is ready for more.
    Serving,
    /// It accepts, and asks for no more.
    Pausing,
    /// It accepts no more, and lets what there is end by itself.
    Draining,
    /// It ends what is left by force.
    Stopping,
}

/// What is asked of a server that shall end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// End in order, after the pause: what SIGTERM means. Asked of a server that ends already, end
    /// at once.
    Terminate,
    /// End in order, without the pause: what SIGINT means. Asked of a server that ends already, end
    /// at once.
    Interrupt,
    /// End in order, without the pause. Asked twice is once.
    Drain,
    /// End at once.
    Stop,
}

/// The end of a server; see the [module](self).
#[derive(Clone, Debug)]
pub struct Shutdown {
    pause: Duration,
    drain_timeout: Duration,
    /// The latest time seen.
    now: Instant,
    phase: Phase,
    /// When the phase ends by itself.
    due_at: Instant,
}

/// What happened outside.
impl Shutdown {
    /// A server that serves. `pause` is how long it goes on after [`Request::Terminate`], zero for
    /// not at all; `drain_timeout` how long draining may take before force. Either may be
    /// [`Duration::MAX`], which never ends by itself.
    #[must_use]
    pub const fn new(pause: Duration, drain_timeout: Duration) -> Self {
        let (now, phase, due_at) = (Instant::ZERO, Phase::Serving, Instant::MAX);
        Self { pause, drain_timeout, now, phase, due_at }
    }

    /// Sets the times of [`new`](Self::new). The phase that has begun begins anew.
    pub fn set_times(&mut self, pause: Duration, drain_timeout: Duration) {
        (self.pause, self.drain_timeout) = (pause, drain_timeout);
        self.begin(self.phase);
    }

    /// Takes note of what is asked for.
    pub fn request(&mut self, request: Request, now: Instant) {
        self.handle_timeout(now);
        let phase = after(self.phase, request);
        self.enter(if phase == Phase::Pausing && self.pause.is_zero() {
            Phase::Draining
        } else {
            phase
        });
    }

    /// Moves on where the time has come. Every deadline is later than `now` afterwards.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = self.now.max(now);
        // What is due is counted from when it is told: connections that were accepted late have the
        // whole time too.
        if self.due_at <= self.now && self.due_at < Instant::MAX {
            self.enter(match self.phase {
                Phase::Serving | Phase::Pausing => Phase::Draining,
                Phase::Draining | Phase::Stopping => Phase::Stopping,
            });
        }
    }

    fn enter(&mut self, phase: Phase) {
        if phase != self.phase {
            self.begin(phase);
        }
    }

    fn begin(&mut self, phase: Phase) {
        let time = match phase {
            Phase::Pausing => self.pause,
            Phase::Draining => self.drain_timeout,
            Phase::Serving | Phase::Stopping => Duration::MAX,
        };
        self.phase = phase;
        self.due_at = (self.now + time).max(self.now.next());
    }
}

/// How it stands.
impl Shutdown {
    /// The phase, as of the latest time seen.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether it may be sent more to serve.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Serving)
    }

    /// When the phase ends by itself; always later than the latest time seen. None if it does not.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        Some(self.due_at).filter(|at| *at < Instant::MAX)
    }
}

const fn after(phase: Phase, request: Request) -> Phase {
    match phase {
        Phase::Serving => match request {
            Request::Terminate => Phase::Pausing,
            Request::Interrupt | Request::Drain => Phase::Draining,
            Request::Stop => Phase::Stopping,
        },
        Phase::Pausing => match request {
            Request::Drain => Phase::Draining,
            Request::Terminate | Request::Interrupt | Request::Stop => Phase::Stopping,
        },
        Phase::Draining => match request {
            Request::Drain => Phase::Draining,
            Request::Terminate | Request::Interrupt | Request::Stop => Phase::Stopping,
        },
        Phase::Stopping => Phase::Stopping,
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use proptest::prelude::*;

    use super::*;

    const PAUSE: Duration = Duration::from_millis(50);
    const DRAIN: Duration = Duration::from_millis(200);

    const PHASES: [Phase; 4] = [Phase::Serving, Phase::Pausing, Phase::Draining, Phase::Stopping];

    /// What may come: a request, or the time that is due.
    const INPUTS: [Option<Request>; 5] = [
        Some(Request::Terminate),
        Some(Request::Interrupt),
        Some(Request::Drain),
        Some(Request::Stop),
        None,
    ];

    /// Every pair that changes something, and after how many ms the new phase ends.
    const TRANSITIONS: &[(&str, Phase, Option<u64>)] = &[
        ("Serving Terminate", Phase::Pausing, Some(50)),
        ("Serving Interrupt", Phase::Draining, Some(200)),
        ("Serving Drain", Phase::Draining, Some(200)),
        ("Serving Stop", Phase::Stopping, None),
        ("Pausing Terminate", Phase::Stopping, None),
        ("Pausing Interrupt", Phase::Stopping, None),
        ("Pausing Drain", Phase::Draining, Some(200)),
        ("Pausing Stop", Phase::Stopping, None),
        ("Pausing Due", Phase::Draining, Some(200)),
        ("Draining Terminate", Phase::Stopping, None),
        ("Draining Interrupt", Phase::Stopping, None),
        ("Draining Stop", Phase::Stopping, None),
        ("Draining Due", Phase::Stopping, None),
    ];

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn at(millis: u64) -> Instant {
        Instant::ZERO + ms(millis)
    }

    /// A shutdown that has been in `phase` since `at(1000)`.
    fn in_phase(phase: Phase) -> Shutdown {
        let mut shutdown = Shutdown::new(PAUSE, DRAIN);
        let begin = at(1000);
        match phase {
            Phase::Serving => shutdown.handle_timeout(begin),
            Phase::Pausing => shutdown.request(Request::Terminate, begin),
            Phase::Draining => shutdown.request(Request::Interrupt, begin),
            Phase::Stopping => shutdown.request(Request::Stop, begin),
        }
        assert_eq!(shutdown.phase(), phase);
        shutdown
    }

    #[test]
    fn every_pair_is_as_the_table_says() {
        let mut seen = 0;
        for phase in PHASES {
            for input in INPUTS {
                let mut shutdown = in_phase(phase);
                let before = shutdown.deadline();
                let (name, now) = match input {
                    Some(request) => (format!("{phase:?} {request:?}"), at(1001)),
                    None => (format!("{phase:?} Due"), before.unwrap_or_else(|| at(9000))),
                };
                match input {
                    Some(request) => shutdown.request(request, now),
                    None => shutdown.handle_timeout(now),
                }
                let found = (shutdown.phase(), shutdown.deadline());
                match TRANSITIONS.iter().find(|(pair, ..)| *pair == name) {
                    Some((_, phase, millis)) => {
                        seen += 1;
                        assert_eq!(
                            found,
                            (*phase, millis.map(|millis| now + ms(millis))),
                            "{name}"
                        );
                    }
                    None => assert_eq!(found, (phase, before), "{name}"),
                }
                assert_eq!(shutdown.is_ready(), found.0 == Phase::Serving, "{name}");
            }
        }
        assert_eq!(seen, TRANSITIONS.len(), "a row of the table names no phase or input");
    }

    #[test]
    fn times_of_zero_and_without_end() {
        let mut shutdown = Shutdown::new(Duration::ZERO, Duration::ZERO);
        shutdown.request(Request::Terminate, at(7));
        assert_eq!((shutdown.phase(), shutdown.deadline()), (Phase::Draining, Some(at(7).next())));
        shutdown.handle_timeout(at(7).next());
        assert_eq!((shutdown.phase(), shutdown.deadline()), (Phase::Stopping, None));

        let mut shutdown = Shutdown::new(Duration::MAX, Duration::MAX);
        for phase in [Phase::Pausing, Phase::Draining] {
            let request = if phase == Phase::Pausing { Request::Terminate } else { Request::Drain };
            shutdown.request(request, at(7));
            shutdown.handle_timeout(Instant::MAX);
            assert_eq!((shutdown.phase(), shutdown.deadline()), (phase, None));
        }
    }

    #[test]
    fn a_pause_that_is_told_late_leaves_the_whole_time_to_drain() {
        let mut shutdown = in_phase(Phase::Pausing);
        shutdown.handle_timeout(at(5000));
        assert_eq!((shutdown.phase(), shutdown.deadline()), (Phase::Draining, Some(at(5200))));
        // A request finds what is due done.
        let mut shutdown = in_phase(Phase::Pausing);
        shutdown.request(Request::Drain, at(1050));
        assert_eq!((shutdown.phase(), shutdown.deadline()), (Phase::Draining, Some(at(1250))));
    }

    #[test]
    fn times_that_are_set_late_hold_for_the_phase_too() {
        let mut shutdown = in_phase(Phase::Pausing);
        shutdown.set_times(ms(7), ms(8));
        assert_eq!((shutdown.phase(), shutdown.deadline()), (Phase::Pausing, Some(at(1007))));
        shutdown.handle_timeout(at(1007));
        assert_eq!((shutdown.phase(), shutdown.deadline()), (Phase::Draining, Some(at(1015))));
        let mut shutdown = in_phase(Phase::Serving);
        shutdown.set_times(ms(7), ms(8));
        assert_eq!((shutdown.phase(), shutdown.deadline()), (Phase::Serving, None));
    }

    proptest! {
        #[test]
        fn phases_only_move_on_and_deadlines_are_later(
            calls in prop::collection::vec((prop::option::of(0..4_usize), 0..300_u64), 0..12),
            pause in 0..100_u64, drain in 0..100_u64,
        ) {
            let mut shutdown = Shutdown::new(ms(pause), ms(drain));
            let (mut latest, mut phase) = (Instant::ZERO, Phase::Serving);
            for (request, millis) in calls {
                // Earlier times than those seen among them.
                let now = at(millis);
                latest = latest.max(now);
                match request {
                    Some(index) => shutdown.request(INPUTS[index].unwrap(), now),
                    None => shutdown.handle_timeout(now),
                }
                prop_assert!(shutdown.phase() >= phase);
                phase = shutdown.phase();
                prop_assert!(shutdown.deadline().is_none_or(|at| at > latest));
                let waits = matches!(phase, Phase::Pausing | Phase::Draining);
                prop_assert_eq!(shutdown.deadline().is_some(), waits);
            }
        }
    }
}
