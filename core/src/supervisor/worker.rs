//! The state of a worker, and the only function that changes it.
//!
//! ```text
//!            Ready           Drain              Stop, TimeUp            TimeUp
//!  Starting ──────► Ready ──────────► Draining ─────────────► Stopping ───────► Killed
//!     │ │ │           └──────────────── Stop ───────────────────▲ ▲               ▲
//!     │ │ └── Drain ──────────────────────▲                       │               │
//!     │ └──── Stop ───────────────────────────────────────────────┘               │
//!     └────── TimeUp ─────────────────────────────────────────────────────────────┘
//! ```
//!
//! A worker may exit in any state; then it is none any more. Every other pair changes nothing. The
//! whole table is `TRANSITIONS` in the tests below, which walk every pair.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Not known to serve yet.
    Starting,
    /// It serves.
    Ready,
    /// Told to end in order.
    Draining,
    /// Told to end at once.
    Stopping,
    /// Ended by the system.
    Killed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// It says that it serves.
    Ready,
    /// It shall end in order.
    Drain,
    /// It shall end at once.
    Stop,
    /// The time that the state may take is over.
    TimeUp,
}

impl State {
    pub(super) const fn after(self, input: Input) -> Self {
        match self {
            Self::Starting => match input {
                Input::Ready => Self::Ready,
                Input::Drain => Self::Draining,
                Input::Stop => Self::Stopping,
                Input::TimeUp => Self::Killed,
            },
            Self::Ready => match input {
                Input::Drain => Self::Draining,
                Input::Stop => Self::Stopping,
                Input::Ready | Input::TimeUp => Self::Ready,
            },
            Self::Draining => match input {
                Input::Stop | Input::TimeUp => Self::Stopping,
                Input::Ready | Input::Drain => Self::Draining,
            },
            Self::Stopping => match input {
                Input::TimeUp => Self::Killed,
                Input::Ready | Input::Drain | Input::Stop => Self::Stopping,
            },
            Self::Killed => Self::Killed,
        }
    }

    /// Whether it was ended by force.
    pub(super) const fn is_forced(self) -> bool {
        matches!(self, Self::Stopping | Self::Killed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 5] =
        [State::Starting, State::Ready, State::Draining, State::Stopping, State::Killed];

    const INPUTS: [Input; 4] = [Input::Ready, Input::Drain, Input::Stop, Input::TimeUp];

    /// Every pair that changes something.
    const TRANSITIONS: &[(State, Input, State)] = &[
        (State::Starting, Input::Ready, State::Ready),
        (State::Starting, Input::Drain, State::Draining),
        (State::Starting, Input::Stop, State::Stopping),
        (State::Starting, Input::TimeUp, State::Killed),
        (State::Ready, Input::Drain, State::Draining),
        (State::Ready, Input::Stop, State::Stopping),
        (State::Draining, Input::Stop, State::Stopping),
        (State::Draining, Input::TimeUp, State::Stopping),
        (State::Stopping, Input::TimeUp, State::Killed),
    ];

    #[test]
    fn every_pair_is_as_the_table_says() {
        let mut seen = 0;
        for state in STATES {
            for input in INPUTS {
                let row = TRANSITIONS.iter().find(|row| (row.0, row.1) == (state, input));
                seen += usize::from(row.is_some());
                let expected = row.map_or(state, |row| row.2);
                assert_eq!(state.after(input), expected, "{state:?} {input:?}");
            }
        }
        assert_eq!(seen, TRANSITIONS.len());
    }
}
