/// Those who were told to wait: for a place, or until nothing is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiters {
    Nobody,
    Waiting,
    /// What they wait for has come.
    Due,
}

impl Waiters {
    /// Somebody is told to wait.
    pub(super) const fn join(&mut self) {
        match self {
            // Those who are due already are to be woken all the same.
            Self::Waiting | Self::Due => {}
            Self::Nobody => *self = Self::Waiting,
        }
    }

    /// A place was given back.
    pub(super) const fn call(&mut self) {
        match self {
            Self::Nobody | Self::Due => {}
            Self::Waiting => *self = Self::Due,
        }
    }

    /// There is nothing left: whoever waits for that was never told to.
    pub(super) const fn call_all(&mut self) {
        *self = Self::Due;
    }

    /// Whether to wake them, once.
    pub(super) const fn take(&mut self) -> bool {
        let is_due = matches!(self, Self::Due);
        if is_due {
            *self = Self::Nobody;
        }
        is_due
    }
}
