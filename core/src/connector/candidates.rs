//! The order in which addresses are tried, without regard to time.

use alloc::vec::Vec;
use core::net::SocketAddr;

use super::{Attempt, AttemptId, ConnectorLimits, Family};

/// All addresses that came, in that order, each once.
#[derive(Debug)]
pub(super) struct Candidates {
    list: Vec<Candidate>,
    len_max: usize,
    ignored: usize,
    preferred: Family,
    /// Attempts on the preferred family that are still to come before the families alternate.
    preferred_first: usize,
    /// The family of the attempt that started last.
    last: Option<Family>,
    in_flight: usize,
}

#[derive(Debug)]
struct Candidate {
    address: SocketAddr,
    state: CandidateState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CandidateState {
    Waiting,
    InFlight,
    /// Failed, won, or cancelled.
    Over,
}

impl Candidates {
    pub(super) fn new(limits: &ConnectorLimits) -> Self {
        Self {
            list: Vec::new(),
            len_max: limits.addresses_max.max(1),
            ignored: 0,
            preferred: limits.preferred_family,
            preferred_first: limits.first_family_count.max(1),
            last: None,
            in_flight: 0,
        }
    }

    /// Adds an address unless it is there already or the list is full.
    pub(super) fn push(&mut self, address: SocketAddr) {
        if self.list.iter().any(|candidate| candidate.address == address) {
            return;
        }
        if self.list.len() >= self.len_max {
            self.ignored = self.ignored.saturating_add(1);
            return;
        }
        self.list.push(Candidate { address, state: CandidateState::Waiting });
    }

    /// The address to try next. Families alternate while both have some left.
    ///
    /// # Specification
    /// RFC 8305, section 4.
    pub(super) fn next(&self) -> Option<Attempt> {
        let turn = match self.last {
            Some(last) if self.preferred_first == 0 => last.other(),
            Some(_) | None => self.preferred,
        };
        self.waiting(turn).or_else(|| self.waiting(turn.other()))
    }

    /// Takes note that the attempt that [`next`](Self::next) gave starts.
    pub(super) fn start(&mut self, attempt: Attempt) {
        let Some(candidate) = self.list.get_mut(attempt.id.0) else { return };
        debug_assert_eq!(candidate.state, CandidateState::Waiting);
        candidate.state = CandidateState::InFlight;
        self.in_flight += 1;
        let family = Family::of(&attempt.address);
        if family == self.preferred {
            self.preferred_first = self.preferred_first.saturating_sub(1);
        }
        self.last = Some(family);
    }

    /// Ends an attempt that is in flight; says which address it had.
    pub(super) fn end(&mut self, id: AttemptId) -> Option<SocketAddr> {
        let candidate = self.list.get_mut(id.0)?;
        if candidate.state != CandidateState::InFlight {
            return None;
        }
        candidate.state = CandidateState::Over;
        self.in_flight -= 1;
        Some(candidate.address)
    }

    pub(super) fn in_flight(&self) -> impl Iterator<Item = Attempt> {
        self.attempts(|candidate| candidate.state == CandidateState::InFlight)
    }

    pub(super) const fn in_flight_len(&self) -> usize {
        self.in_flight
    }

    /// Whether an address of `family` is or was in the list.
    pub(super) fn has_come(&self, family: Family) -> bool {
        self.list.iter().any(|candidate| Family::of(&candidate.address) == family)
    }

    /// Whether there is nothing left to try and nothing in flight.
    pub(super) fn are_over(&self) -> bool {
        self.list.iter().all(|candidate| candidate.state == CandidateState::Over)
    }

    pub(super) const fn ignored(&self) -> usize {
        self.ignored
    }

    fn waiting(&self, family: Family) -> Option<Attempt> {
        self.attempts(|candidate| {
            candidate.state == CandidateState::Waiting && Family::of(&candidate.address) == family
        })
        .next()
    }

    fn attempts(&self, are_meant: impl Fn(&Candidate) -> bool) -> impl Iterator<Item = Attempt> {
        self.list
            .iter()
            .enumerate()
            .filter(move |(_, candidate)| are_meant(candidate))
            .map(|(index, candidate)| Attempt { id: AttemptId(index), address: candidate.address })
    }
}
