use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::random::Random;

/// Something that goes wrong, on a schedule.
///
/// It strikes at a time since the beginning of the run, or when so many bytes have been written in
/// one direction of the stream: exactly there, whatever one write takes. Streams are numbered in
/// the order in which they were connected, endpoints of datagrams in the order in which they were
/// bound; a fault on one that does not exist does nothing. It prints as the expression that makes
/// it.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use drywire::testkit::sim::{Direction, Fault};
///
/// let at_once = Fault::reset(0);
/// let later = Fault::cut(1).at(Duration::from_secs(3));
/// let in_the_handshake = Fault::end(0, Direction::There).after(Direction::There, 100);
/// assert_eq!(at_once.to_string(), "Fault::reset(0)");
/// # let _ = (later, in_the_handshake);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The number of the stream, or of the endpoint.
    pub(super) on: usize,
    pub(super) when: When,
    pub(super) effect: Effect,
}

/// A direction of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the end that was named first to the other.
    There,
    /// From the end that was named second to the other.
    Back,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    At(Duration),
    After(Direction, u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Cut,
    CutOneWay(Direction),
    End(Direction),
    Isolate(Duration),
    Reset,
    Stall(Direction, Duration),
}

impl Direction {
    pub(super) const fn side(self) -> usize {
        match self {
            Self::There => 0,
            Self::Back => 1,
        }
    }
}

impl Fault {
    const fn new(on: usize, effect: Effect) -> Self {
        Self { on, when: When::At(Duration::ZERO), effect }
    }

    /// The link is lost: what is under way and all that follows, in both directions. Nobody is
    /// told.
    #[must_use]
    pub const fn cut(stream: usize) -> Self {
        Self::new(stream, Effect::Cut)
    }

    /// As [`cut`](Self::cut), in one direction.
    #[must_use]
    pub const fn cut_one_way(stream: usize, direction: Direction) -> Self {
        Self::new(stream, Effect::CutOneWay(direction))
    }

    /// The stream ends in one direction, behind what is under way, though the writer has not
    /// finished: a half-close by something in between. What the writer still writes is lost.
    #[must_use]
    pub const fn end(stream: usize, direction: Direction) -> Self {
        Self::new(stream, Effect::End(direction))
    }

    /// Something in between resets the stream: both ends are told at once, and what is under way is
    /// lost.
    #[must_use]
    pub const fn reset(stream: usize) -> Self {
        Self::new(stream, Effect::Reset)
    }

    /// Nothing is delivered in one direction for so long; [`Duration::MAX`] is for ever. The writer
    /// goes on until the [window](super::Link::window) is full.
    #[must_use]
    pub const fn stall(stream: usize, direction: Direction, lasting: Duration) -> Self {
        Self::new(stream, Effect::Stall(direction, lasting))
    }

    /// Every datagram that an endpoint sends, or that would arrive there, is lost for so long.
    #[must_use]
    pub const fn isolate(endpoint: usize, lasting: Duration) -> Self {
        Self::new(endpoint, Effect::Isolate(lasting))
    }

    /// Lets the fault strike at a time since the beginning of the run.
    #[must_use]
    pub const fn at(self, time: Duration) -> Self {
        Self { when: When::At(time), ..self }
    }

    /// Lets the fault strike as soon as `len` bytes have been written in one direction of the
    /// stream. An endpoint of datagrams has no bytes to count: there it strikes at the beginning.
    #[must_use]
    pub const fn after(self, direction: Direction, len: u64) -> Self {
        match self.effect {
            Effect::Isolate(_) => self,
            _ => Self { when: When::After(direction, len), ..self },
        }
    }

    /// A fault of any kind on one of `streams`, at a time up to `within` or after some bytes.
    #[must_use]
    pub fn random(random: &mut Random, streams: usize, within: Duration) -> Self {
        let on = random.below(streams as u64) as usize;
        let mut direction =
            || if random.below(2) == 0 { Direction::There } else { Direction::Back };
        let (first, second) = (direction(), direction());
        let fault = match random.below(5) {
            0 => Self::cut(on),
            1 => Self::cut_one_way(on, first),
            2 => Self::end(on, first),
            3 => Self::reset(on),
            _ => Self::stall(on, first, random.up_to(within)),
        };
        if random.below(2) == 0 {
            fault.at(random.up_to(within))
        } else {
            // Small lengths, at which handshakes and heads are, as often as large ones.
            let bits = random.below(13);
            fault.after(second, random.below(1 << bits))
        }
    }

    /// Faults that strike earlier or last less long.
    pub(super) fn simpler(&self) -> Vec<Self> {
        let mut simpler = Vec::new();
        let half = |time: Duration| Duration::from_millis((time / 2).as_millis() as u64);
        match self.when {
            When::At(time) if !time.is_zero() => {
                simpler.extend([Duration::ZERO, half(time)].map(|time| self.clone().at(time)));
            }
            When::After(direction, len) if len > 0 => {
                simpler.extend([0, len / 2, len - 1].map(|len| self.clone().after(direction, len)));
            }
            When::At(_) | When::After(..) => {}
        }
        let lasting = match self.effect {
            Effect::Stall(direction, lasting) if !lasting.is_zero() => {
                Some(Effect::Stall(direction, half(lasting)))
            }
            Effect::Isolate(lasting) if !lasting.is_zero() => Some(Effect::Isolate(half(lasting))),
            _ => None,
        };
        simpler.extend(lasting.map(|effect| Self { effect, ..self.clone() }));
        simpler.retain(|fault| fault != self);
        simpler
    }
}

/// As it would be written in a program.
struct Nanos(Duration);

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Duration::ZERO => f.write_str("Duration::ZERO"),
            Duration::MAX => f.write_str("Duration::MAX"),
            duration => write!(f, "Duration::from_nanos({})", duration.as_nanos()),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = self.on;
        match self.effect {
            Effect::Cut => write!(f, "Fault::cut({on})")?,
            Effect::CutOneWay(direction) => {
                write!(f, "Fault::cut_one_way({on}, Direction::{direction:?})")?;
            }
            Effect::End(direction) => write!(f, "Fault::end({on}, Direction::{direction:?})")?,
            Effect::Isolate(lasting) => write!(f, "Fault::isolate({on}, {})", Nanos(lasting))?,
            Effect::Reset => write!(f, "Fault::reset({on})")?,
            Effect::Stall(direction, lasting) => {
                write!(f, "Fault::stall({on}, Direction::{direction:?}, {})", Nanos(lasting))?;
            }
        }
        match self.when {
            When::At(Duration::ZERO) => Ok(()),
            When::At(time) => write!(f, ".at({})", Nanos(time)),
            When::After(direction, len) => write!(f, ".after(Direction::{direction:?}, {len})"),
        }
    }
}

impl Effect {
    /// What it is called in a time-line.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Cut => "the link is cut",
            Self::CutOneWay(_) => "the link is cut one way",
            Self::End(_) => "the stream is ended in between",
            Self::Isolate(_) => "isolated",
            Self::Reset => "the stream is reset in between",
            Self::Stall(..) => "the link stalls one way",
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn faults_print_as_the_expressions_that_make_them() {
        let second = Duration::from_secs(1);
        let there = Direction::There;
        for (fault, expected) in [
            (Fault::cut(3), "Fault::cut(3)"),
            (
                Fault::cut_one_way(0, Direction::Back).after(there, 7),
                "Fault::cut_one_way(0, Direction::Back).after(Direction::There, 7)",
            ),
            (
                Fault::end(0, there).at(second),
                "Fault::end(0, Direction::There).at(Duration::from_nanos(1000000000))",
            ),
            (Fault::isolate(1, Duration::MAX).after(there, 7), "Fault::isolate(1, Duration::MAX)"),
            (Fault::reset(2), "Fault::reset(2)"),
            (
                Fault::stall(0, there, Duration::ZERO),
                "Fault::stall(0, Direction::There, Duration::ZERO)",
            ),
        ] {
            assert_eq!(fault.to_string(), expected);
        }
    }

    #[test]
    fn simplifying_a_fault_ends() {
        let mut random = Random::new(5);
        for _ in 0..200 {
            let mut fault = Fault::random(&mut random, 3, Duration::from_secs(60));
            for step in 0.. {
                let Some(simpler) = fault.simpler().pop() else { break };
                fault = simpler;
                assert!(step < 10_000, "{fault}");
            }
        }
    }
}
