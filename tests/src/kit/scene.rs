//! What the adapter's side of a conversation is to be.

use std::time::Duration;

use drywire::Limits;
use drywire::admission::AdmissionLimits;
use drywire::framing::AnyFraming;

use crate::protocol::Behaviour;

/// Longer than any case lasts.
pub(crate) const NEVER: Duration = Duration::from_secs(600);

/// What the adapter's side of a conversation is to be.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(super) framing: AnyFraming,
    pub(super) behaviour: Behaviour,
    pub(super) limits: Limits,
    pub(super) admission: AdmissionLimits,
    pub(super) trust: Trust,
    pub(super) is_narrow: bool,
    /// Futures are dropped after so many polls.
    pub(super) polls: Option<usize>,
}

/// Who trusts whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Both.
    Mutual,
    /// The adapter refuses the peer: a client that has no certificate, a server whose certificate
    /// has this flaw.
    AdapterRefuses(Flaw),
    /// The peer refuses the adapter.
    PeerRefuses,
}

/// What is wrong with the certificate of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    WrongName,
    Expired,
    UnknownIssuer,
}

impl Scene {
    /// An echo of frames, with no deadline that could pass while a case runs.
    pub(crate) fn echo(framing: &str) -> Self {
        let mut limits = Limits::new();
        limits.handshake_timeout = NEVER;
        limits.frame_timeout = NEVER;
        limits.stall_timeout = NEVER;
        limits.idle_timeout = NEVER;
        limits.drain_idle_timeout = NEVER;
        limits.linger_timeout = NEVER;
        let mut admission = AdmissionLimits::new();
        admission.drain_timeout = NEVER;
        Self {
            framing: framing.parse().expect("a framing"),
            behaviour: Behaviour::Echo,
            limits,
            admission,
            trust: Trust::Mutual,
            is_narrow: false,
            polls: None,
        }
    }

    pub(crate) fn behaving(framing: &str, behaviour: Behaviour) -> Self {
        Self { behaviour, ..Self::echo(framing) }
    }

    pub(crate) fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.limits);
        self
    }

    pub(crate) fn admission(mut self, change: impl FnOnce(&mut AdmissionLimits)) -> Self {
        change(&mut self.admission);
        self
    }

    pub(crate) fn frame_len_max(mut self, frame_len_max: usize) -> Self {
        self.framing = self.framing.with_frame_len_max(frame_len_max);
        self
    }

    pub(crate) const fn trust(mut self, trust: Trust) -> Self {
        self.trust = trust;
        self
    }

    /// Gives the sockets that the kit makes small buffers.
    pub(crate) const fn narrow(mut self) -> Self {
        self.is_narrow = true;
        self
    }

    /// Drops the futures of a client after so many polls.
    pub(crate) const fn dropping_after(mut self, polls: usize) -> Self {
        self.polls = Some(polls);
        self
    }
}
