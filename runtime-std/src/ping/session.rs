use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::SocketAddr;
use std::time::Duration;

use drywire::Instant;
use drywire::ping::{
    Answer, End, Ping, PingOptions, PingStatistics, PingStep, Reply, Request, Stage,
};

use super::error::PingFailure;
use crate::clock::Clock;

/// Steps of one turn: a ping whose requests all fail at once is let breathe, and can be stopped.
const STEPS_MAX: usize = 64;

/// What a ping tells.
#[derive(Debug)]
#[non_exhaustive]
pub enum PingEvent {
    /// The first reply to a request, in time.
    Reply {
        /// Which request, and how long it took.
        reply: Reply,
        /// Who answered; `None` where a name was connected to.
        from: Option<SocketAddr>,
        /// How many more routers the reply might have passed, where the socket says.
        hop_limit: Option<u8>,
    },
    /// A further reply to a request.
    Duplicate {
        /// Which.
        number: u64,
    },
    /// A reply to a request that had been given up, or had failed.
    Late {
        /// Which.
        number: u64,
        /// From the request to this reply.
        round_trip: Duration,
    },
    /// A request that was given up.
    TimedOut {
        /// Which.
        number: u64,
    },
    /// A request that failed.
    Failed {
        /// Which.
        number: u64,
        /// Why.
        failure: PingFailure,
    },
}

/// What a carrier of requests has heard.
#[derive(Debug)]
#[non_exhaustive]
pub enum News<'a> {
    /// A reply.
    Answered {
        /// The request that it names.
        sequence: u16,
        /// What came back.
        payload: &'a [u8],
        /// When.
        at: Instant,
        /// From whom.
        from: Option<SocketAddr>,
        /// How many more routers it might have passed.
        hop_limit: Option<u8>,
    },
    /// A request has come as far as a stage.
    Reached {
        /// Which.
        sequence: u16,
        /// How far.
        stage: Stage,
        /// When.
        at: Instant,
    },
    /// A request failed.
    Failed {
        /// Which.
        sequence: u16,
        /// Why.
        failure: PingFailure,
        /// When.
        at: Instant,
    },
}

/// Who is told what happens, and what the counts are then.
pub type Observer<'a> = dyn FnMut(&PingEvent, &PingStatistics) + Send + 'a;

/// What a driver waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// News, or this time.
    Until(Option<Instant>),
    /// Nothing: it goes on at once.
    Nothing,
    /// Nothing: it is over.
    Finished(End),
}

/// A [`Ping`] with its clock and its observer: what the drivers of every runtime have in common.
///
/// A driver takes [turns](Self::turn), and [tells](Self::hear) what its carrier hears in between.
#[derive(Debug)]
pub struct PingSession {
    ping: Ping,
    clock: Clock,
    payload: Vec<u8>,
}

impl PingSession {
    /// A session that begins now. A nonce of 0 is replaced by a random one.
    #[must_use]
    pub fn new(mut options: PingOptions) -> Self {
        if options.nonce == 0 {
            options.nonce = random();
        }
        let clock = Clock::new();
        Self { ping: Ping::new(options, clock.now()), clock, payload: Vec::new() }
    }

    /// The clock of the times that are told.
    #[must_use]
    pub const fn clock(&self) -> Clock {
        self.clock
    }

    /// The ping itself.
    #[must_use]
    pub const fn ping(&self) -> &Ping {
        &self.ping
    }

    /// Ends it with the next turn.
    pub fn stop(&mut self) {
        self.ping.stop(self.clock.now());
    }

    /// Takes news.
    pub fn hear(&mut self, news: News<'_>, observer: &mut Observer<'_>) {
        let event = match news {
            News::Reached { sequence, stage, at } => {
                self.ping.reached(sequence, stage, at);
                return;
            }
            News::Answered { sequence, payload, at, from, hop_limit } => {
                match self.ping.answered(sequence, payload, at) {
                    Answer::Reply(reply) => PingEvent::Reply { reply, from, hop_limit },
                    Answer::Duplicate { number } => PingEvent::Duplicate { number },
                    Answer::Late { number, round_trip } => PingEvent::Late { number, round_trip },
                    Answer::Foreign => return,
                }
            }
            News::Failed { sequence, failure, at } => match self.ping.failed(sequence, at) {
                Some(number) => PingEvent::Failed { number, failure },
                None => return,
            },
        };
        observer(&event, self.ping.statistics());
    }

    /// Sends what is due by `transmit` and tells what was given up.
    pub fn turn(
        &mut self,
        mut transmit: impl FnMut(&Request, &[u8]) -> Result<(), PingFailure>,
        observer: &mut Observer<'_>,
    ) -> Wait {
        for _ in 0..STEPS_MAX {
            match self.ping.next(self.clock.now()) {
                Some(PingStep::Send(request)) => {
                    let mut payload = std::mem::take(&mut self.payload);
                    self.ping.write_payload(&request, &mut payload);
                    if let Err(failure) = transmit(&request, &payload) {
                        let (sequence, at) = (request.sequence, self.clock.now());
                        self.hear(News::Failed { sequence, failure, at }, observer);
                    }
                    self.payload = payload;
                }
                Some(PingStep::TimedOut { number }) => {
                    observer(&PingEvent::TimedOut { number }, self.ping.statistics());
                }
                Some(PingStep::Finished(end)) => return Wait::Finished(end),
                None => {
                    self.ping.handle_timeout(self.clock.now());
                    return Wait::Until(self.ping.deadline());
                }
            }
        }
        Wait::Nothing
    }

    /// The counts.
    #[must_use]
    pub fn into_statistics(self) -> PingStatistics {
        self.ping.statistics().clone()
    }
}

/// A number that others cannot guess, from the only source of randomness of the standard library.
pub(super) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
