//! Names that stand for values, both ways.

use core::time::Duration;

use crate::connection::CloseKind;
use crate::error::Fault;
use crate::limits::Limits;

pub(super) fn fault(name: &str) -> Option<Fault> {
    Fault::ALL.iter().copied().find(|fault| fault.name() == name)
}

pub(super) fn close_kind(name: &str) -> Option<CloseKind> {
    CloseKind::ALL.iter().copied().find(|kind| kind.name() == name)
}

/// Nanoseconds that lead from any instant to the last that there is, which never comes.
pub(super) const NEVER: u128 = u64::MAX as u128;

/// The value of a limit: bytes and the like, or a time.
pub(super) enum Limit<'a> {
    Count(&'a mut usize),
    Time(&'a mut Duration),
}

impl Limit<'_> {
    /// As a number; times in nanoseconds.
    pub(super) fn value(&self) -> u128 {
        match self {
            Self::Count(count) => **count as u128,
            Self::Time(time) => time.as_nanos().min(NEVER),
        }
    }

    /// Whether it is a time that never passes.
    pub(super) fn is_never(&self) -> bool {
        matches!(self, Self::Time(_)) && self.value() == NEVER
    }

    /// Sets it, if it can have this value.
    pub(super) fn set(&mut self, value: u128) -> Option<()> {
        match self {
            Self::Count(count) => **count = usize::try_from(value).ok()?,
            Self::Time(time) if value >= NEVER => **time = Duration::MAX,
            Self::Time(time) => **time = Duration::from_nanos(u64::try_from(value).ok()?),
        }
        Some(())
    }
}

/// Every limit with its name, which is the field's.
pub(super) fn limits(limits: &mut Limits) -> [(&'static str, Limit<'_>); 10] {
    [
        ("transmit_high_water", Limit::Count(&mut limits.transmit_high_water)),
        ("transmit_low_water", Limit::Count(&mut limits.transmit_low_water)),
        ("receive_backlog_max", Limit::Count(&mut limits.receive_backlog_max)),
        ("handshake_timeout", Limit::Time(&mut limits.handshake_timeout)),
        ("frame_timeout", Limit::Time(&mut limits.frame_timeout)),
        ("stall_timeout", Limit::Time(&mut limits.stall_timeout)),
        ("idle_timeout", Limit::Time(&mut limits.idle_timeout)),
        ("drain_idle_timeout", Limit::Time(&mut limits.drain_idle_timeout)),
        ("linger_timeout", Limit::Time(&mut limits.linger_timeout)),
        ("turn_frames_max", Limit::Count(&mut limits.turn_frames_max)),
    ]
}
