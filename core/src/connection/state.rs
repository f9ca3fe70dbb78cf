//! The state of a conversation, and the only function that changes it.
//!
//! ```text
//!             Opened                RemoteFinished
//!  Opening ──────────► Open ─────────────────────────► RemoteFinished
//!     │                 │  Finish                            │ Finish, Close
//!     │ (asked before)  ▼              RemoteFinished        ▼
//!     └──────────► LocalFinished ─────────────────────► Closing ──Shut──► Lingering ──► Ended
//!                                                            ▲                          │ Told
//!  any of these ──Fail──► Failing ──Told──► Replying ─Replied┘       any ──Lost──► Ended ▼
//!                                                                                   Closed
//!  Open, LocalFinished ─TransmitLost─► Severed ──RemoteFinished, Close, Fail, Lost──► Ended
//! ```
//!
//! - *Opening*: the TLS handshake, or, plain, the moment until the application has been told that
//!   the connection is open. Finishing or closing asked for here takes effect afterwards, so that
//!   what was sent before is not lost.
//! - *Open*: both sides may send.
//! - *RemoteFinished*, *LocalFinished*: half-closed; the other side may send.
//! - *Severed*: the transport takes nothing any more, because the peer is gone or does not listen.
//!   What it sent before is still yielded: an answer, as a rule, that says why.
//! - *Failing*, *Replying*: a fatal error, not yet told and told to the application, which may
//!   still send a last reply. Nothing is decoded any more.
//! - *Closing*: what is queued is transmitted, then the write side shut down. Input is discarded.
//! - *Lingering*: our side is shut down; input is discarded until the peer finishes, because closing
//!   a socket with unread input resets it and the peer would lose what we sent last.
//! - *Ended*, *Closed*: over, not yet told and told to the application.
//!
//! Every other pair of state and input changes nothing: any call is legal in any state. The whole
//! table is `TRANSITIONS` in the tests below, which walk every pair.

use alloc::boxed::Box;

use super::close::CloseReason;

/// Why a conversation ends. Apart, because it is several times as large as the rest of a state and
/// most connections that exist have none.
pub(super) type Reason = Box<CloseReason>;

/// When a state ends by itself is told by [`Timers`](super::timers::Timers).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    Opening { after: After },
    Open,
    RemoteFinished,
    LocalFinished { shut: bool },
    Severed { reason: Reason },
    Failing { reason: Reason, shut: bool },
    Replying { reason: Reason, shut: bool },
    Closing { reason: Reason },
    Lingering { reason: Reason },
    Ended { reason: Reason },
    Closed { reason: Reason },
}

/// What the application asked for before the connection was open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum After {
    Nothing,
    Finish,
    Close,
}

#[derive(Clone, Debug)]
pub(super) enum Input {
    /// The handshake is done and the application is being told.
    Opened,
    /// The peer's stream has ended and every frame of it was yielded.
    RemoteFinished,
    /// The application finishes our side.
    Finish,
    /// The application closes.
    Close,
    /// Something fatal happened; what is queued can still be sent.
    Fail(CloseReason),
    /// The application is being told of the failure or of the end.
    Told,
    /// The application has had its chance to reply to the failure.
    Replied,
    /// Everything is transmitted and the write side is shut down.
    Shut {
        /// Whether the peer's stream has ended as well.
        remote_ended: bool,
    },
    /// The peer's stream has ended; its input was being discarded.
    RemoteEnded,
    /// The linger deadline has passed.
    LingerExpired,
    /// The transport takes nothing any more; it may still have something from the peer.
    TransmitLost(CloseReason),
    /// The transport is gone or the connection given up: nothing more can be sent.
    Lost(CloseReason),
}

impl State {
    /// The state after `input`.
    pub(super) fn after(self, input: Input) -> Self {
        match self {
            Self::Opening { after } => match input {
                Input::Opened => match after {
                    After::Nothing => Self::Open,
                    After::Finish => Self::LocalFinished { shut: false },
                    After::Close => Self::Closing { reason: CloseReason::Closed.into() },
                },
                Input::Finish => Self::Opening { after: after.max(After::Finish) },
                Input::Close => Self::Opening { after: After::Close },
                Input::Fail(reason) => Self::Failing { reason: reason.into(), shut: false },
                Input::TransmitLost(reason) | Input::Lost(reason) => {
                    Self::Ended { reason: reason.into() }
                }
                Input::RemoteFinished
                | Input::Told
                | Input::Replied
                | Input::Shut { .. }
                | Input::RemoteEnded
                | Input::LingerExpired => Self::Opening { after },
            },
            Self::Open => match input {
                Input::RemoteFinished => Self::RemoteFinished,
                Input::Finish => Self::LocalFinished { shut: false },
                Input::Close => Self::Closing { reason: CloseReason::Closed.into() },
                Input::Fail(reason) => Self::Failing { reason: reason.into(), shut: false },
                Input::TransmitLost(reason) => Self::Severed { reason: reason.into() },
                Input::Lost(reason) => Self::Ended { reason: reason.into() },
                Input::Opened
                | Input::Told
                | Input::Replied
                | Input::Shut { .. }
                | Input::RemoteEnded
                | Input::LingerExpired => Self::Open,
            },
            Self::RemoteFinished => match input {
                Input::Finish | Input::Close => {
                    Self::Closing { reason: CloseReason::Finished.into() }
                }
                Input::Fail(reason) => Self::Failing { reason: reason.into(), shut: false },
                Input::TransmitLost(reason) | Input::Lost(reason) => {
                    Self::Ended { reason: reason.into() }
                }
                Input::Opened
                | Input::RemoteFinished
                | Input::Told
                | Input::Replied
                | Input::Shut { .. }
                | Input::RemoteEnded
                | Input::LingerExpired => Self::RemoteFinished,
            },
            Self::LocalFinished { shut } => match input {
                Input::RemoteFinished if shut => {
                    Self::Ended { reason: CloseReason::Finished.into() }
                }
                Input::RemoteFinished => Self::Closing { reason: CloseReason::Finished.into() },
                Input::Close => Self::closing(CloseReason::Closed.into(), shut),
                Input::Fail(reason) => Self::Failing { reason: reason.into(), shut },
                Input::Shut { .. } => Self::LocalFinished { shut: true },
                Input::TransmitLost(_) if shut => Self::LocalFinished { shut },
                Input::TransmitLost(reason) => Self::Severed { reason: reason.into() },
                Input::Lost(reason) => Self::Ended { reason: reason.into() },
                Input::Opened
                | Input::Finish
                | Input::Told
                | Input::Replied
                | Input::RemoteEnded
                | Input::LingerExpired => Self::LocalFinished { shut },
            },
            Self::Severed { reason } => match input {
                Input::RemoteFinished | Input::Close | Input::Fail(_) | Input::Lost(_) => {
                    Self::Ended { reason }
                }
                Input::Opened
                | Input::Finish
                | Input::Told
                | Input::Replied
                | Input::Shut { .. }
                | Input::RemoteEnded
                | Input::LingerExpired
                | Input::TransmitLost(_) => Self::Severed { reason },
            },
            Self::Failing { reason, shut } => match input {
                Input::Told => Self::Replying { reason, shut },
                Input::TransmitLost(later) | Input::Lost(later) => {
                    Self::Ended { reason: reason.superseded_by(later).into() }
                }
                Input::Opened
                | Input::RemoteFinished
                | Input::Finish
                | Input::Close
                | Input::Fail(_)
                | Input::Replied
                | Input::Shut { .. }
                | Input::RemoteEnded
                | Input::LingerExpired => Self::Failing { reason, shut },
            },
            Self::Replying { reason, shut } => match input {
                Input::Replied => Self::closing(reason, shut),
                Input::TransmitLost(later) | Input::Lost(later) => {
                    Self::Ended { reason: reason.superseded_by(later).into() }
                }
                Input::Opened
                | Input::RemoteFinished
                | Input::Finish
                | Input::Close
                | Input::Fail(_)
                | Input::Told
                | Input::Shut { .. }
                | Input::RemoteEnded
                | Input::LingerExpired => Self::Replying { reason, shut },
            },
            Self::Closing { reason } => match input {
                Input::Shut { remote_ended: true } => Self::Ended { reason },
                Input::Shut { remote_ended: false } => Self::Lingering { reason },
                Input::TransmitLost(later) | Input::Lost(later) => {
                    Self::Ended { reason: reason.superseded_by(later).into() }
                }
                Input::Opened
                | Input::RemoteFinished
                | Input::Finish
                | Input::Close
                | Input::Fail(_)
                | Input::Told
                | Input::Replied
                | Input::RemoteEnded
                | Input::LingerExpired => Self::Closing { reason },
            },
            Self::Lingering { reason } => match input {
                Input::RemoteEnded => Self::Ended { reason },
                Input::LingerExpired => {
                    Self::Ended { reason: reason.superseded_by(CloseReason::LingerExpired).into() }
                }
                Input::TransmitLost(later) | Input::Lost(later) => {
                    Self::Ended { reason: reason.superseded_by(later).into() }
                }
                Input::Opened
                | Input::RemoteFinished
                | Input::Finish
                | Input::Close
                | Input::Fail(_)
                | Input::Told
                | Input::Replied
                | Input::Shut { .. } => Self::Lingering { reason },
            },
            Self::Ended { reason } => match input {
                Input::Told => Self::Closed { reason },
                Input::Opened
                | Input::RemoteFinished
                | Input::Finish
                | Input::Close
                | Input::Fail(_)
                | Input::Replied
                | Input::Shut { .. }
                | Input::RemoteEnded
                | Input::LingerExpired
                | Input::TransmitLost(_)
                | Input::Lost(_) => Self::Ended { reason },
            },
            Self::Closed { reason } => Self::Closed { reason },
        }
    }

    fn closing(reason: Reason, shut: bool) -> Self {
        if shut { Self::Lingering { reason } } else { Self::Closing { reason } }
    }

    /// Whether what the peer sends is looked at.
    pub(super) const fn is_decoding(&self) -> bool {
        match self {
            Self::Opening { .. }
            | Self::Open
            | Self::LocalFinished { .. }
            | Self::Severed { .. } => true,
            Self::RemoteFinished
            | Self::Failing { .. }
            | Self::Replying { .. }
            | Self::Closing { .. }
            | Self::Lingering { .. }
            | Self::Ended { .. }
            | Self::Closed { .. } => false,
        }
    }

    /// Whether the conversation goes on: it is open, and nothing fatal has happened.
    pub(super) const fn is_conversing(&self) -> bool {
        match self {
            Self::Open
            | Self::RemoteFinished
            | Self::LocalFinished { .. }
            | Self::Severed { .. } => true,
            Self::Opening { .. }
            | Self::Failing { .. }
            | Self::Replying { .. }
            | Self::Closing { .. }
            | Self::Lingering { .. }
            | Self::Ended { .. }
            | Self::Closed { .. } => false,
        }
    }

    /// Whether what the peer sends is read and thrown away.
    pub(super) const fn is_discarding(&self) -> bool {
        matches!(self, Self::Closing { .. } | Self::Lingering { .. })
    }

    /// Whether our side still has to be ended once all is transmitted.
    pub(super) const fn is_ending(&self) -> bool {
        matches!(self, Self::LocalFinished { shut: false } | Self::Closing { .. })
    }

    /// Whether nothing can be transmitted any more.
    pub(super) const fn is_shut(&self) -> bool {
        match self {
            Self::LocalFinished { shut }
            | Self::Failing { shut, .. }
            | Self::Replying { shut, .. } => *shut,
            Self::Severed { .. }
            | Self::Lingering { .. }
            | Self::Ended { .. }
            | Self::Closed { .. } => true,
            Self::Opening { .. } | Self::Open | Self::RemoteFinished | Self::Closing { .. } => {
                false
            }
        }
    }

    /// Whether a conversation still takes frames from the application.
    pub(super) const fn can_send(&self) -> bool {
        !matches!(self, Self::LocalFinished { .. } | Self::Severed { .. })
    }

    /// Whether nothing can be transmitted or received any more.
    pub(super) const fn is_over(&self) -> bool {
        matches!(self, Self::Ended { .. } | Self::Closed { .. })
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::*;
    use crate::connection::Timer;

    /// The name of a state, with the data that decides where it leads.
    fn state_name(state: &State) -> &'static str {
        match state {
            State::Opening { after: After::Nothing, .. } => "Opening",
            State::Opening { after: After::Finish, .. } => "Opening+Finish",
            State::Opening { after: After::Close, .. } => "Opening+Close",
            State::Open => "Open",
            State::RemoteFinished => "RemoteFinished",
            State::LocalFinished { shut: false } => "LocalFinished",
            State::LocalFinished { shut: true } => "LocalFinished+Shut",
            State::Severed { .. } => "Severed",
            State::Failing { shut: false, .. } => "Failing",
            State::Failing { shut: true, .. } => "Failing+Shut",
            State::Replying { shut: false, .. } => "Replying",
            State::Replying { shut: true, .. } => "Replying+Shut",
            State::Closing { .. } => "Closing",
            State::Lingering { .. } => "Lingering",
            State::Ended { .. } => "Ended",
            State::Closed { .. } => "Closed",
        }
    }

    fn input_name(input: &Input) -> &'static str {
        match input {
            Input::Opened => "Opened",
            Input::RemoteFinished => "RemoteFinished",
            Input::Finish => "Finish",
            Input::Close => "Close",
            Input::Fail(_) => "Fail",
            Input::Told => "Told",
            Input::Replied => "Replied",
            Input::Shut { remote_ended: false } => "Shut",
            Input::Shut { remote_ended: true } => "Shut+RemoteEnded",
            Input::RemoteEnded => "RemoteEnded",
            Input::LingerExpired => "LingerExpired",
            Input::TransmitLost(_) => "TransmitLost",
            Input::Lost(_) => "Lost",
        }
    }

    fn states() -> Vec<State> {
        let mut states = Vec::new();
        for after in [After::Nothing, After::Finish, After::Close] {
            states.push(State::Opening { after });
        }
        let reason = Reason::new(CloseReason::TimedOut(Timer::Frame));
        states.extend([State::Open, State::RemoteFinished]);
        for shut in [false, true] {
            states.push(State::LocalFinished { shut });
            states.push(State::Failing { reason: reason.clone(), shut });
            states.push(State::Replying { reason: reason.clone(), shut });
        }
        states.push(State::Severed { reason: reason.clone() });
        states.push(State::Closing { reason: CloseReason::Closed.into() });
        states.push(State::Lingering { reason: CloseReason::Closed.into() });
        states.push(State::Ended { reason: reason.clone() });
        states.push(State::Closed { reason });
        states
    }

    fn inputs() -> [Input; 13] {
        [
            Input::Opened,
            Input::RemoteFinished,
            Input::Finish,
            Input::Close,
            Input::Fail(CloseReason::TimedOut(Timer::Idle)),
            Input::Told,
            Input::Replied,
            Input::Shut { remote_ended: false },
            Input::Shut { remote_ended: true },
            Input::RemoteEnded,
            Input::LingerExpired,
            Input::TransmitLost(CloseReason::Reset),
            Input::Lost(CloseReason::Reset),
        ]
    }

    /// Every pair that changes something; the reason where the new state has one.
    const TRANSITIONS: &[(&str, &str, &str, &str)] = &[
        ("Opening", "Opened", "Open", ""),
        ("Opening", "Finish", "Opening+Finish", ""),
        ("Opening", "Close", "Opening+Close", ""),
        ("Opening", "Fail", "Failing", "idle"),
        ("Opening", "TransmitLost", "Ended", "reset"),
        ("Opening", "Lost", "Ended", "reset"),
        ("Opening+Finish", "Opened", "LocalFinished", ""),
        ("Opening+Finish", "Close", "Opening+Close", ""),
        ("Opening+Finish", "Fail", "Failing", "idle"),
        ("Opening+Finish", "TransmitLost", "Ended", "reset"),
        ("Opening+Finish", "Lost", "Ended", "reset"),
        ("Opening+Close", "Opened", "Closing", "closed"),
        ("Opening+Close", "Fail", "Failing", "idle"),
        ("Opening+Close", "TransmitLost", "Ended", "reset"),
        ("Opening+Close", "Lost", "Ended", "reset"),
        ("Open", "RemoteFinished", "RemoteFinished", ""),
        ("Open", "Finish", "LocalFinished", ""),
        ("Open", "Close", "Closing", "closed"),
        ("Open", "Fail", "Failing", "idle"),
        ("Open", "TransmitLost", "Severed", "reset"),
        ("Open", "Lost", "Ended", "reset"),
        ("RemoteFinished", "Finish", "Closing", "finished"),
        ("RemoteFinished", "Close", "Closing", "finished"),
        ("RemoteFinished", "Fail", "Failing", "idle"),
        ("RemoteFinished", "TransmitLost", "Ended", "reset"),
        ("RemoteFinished", "Lost", "Ended", "reset"),
        ("LocalFinished", "RemoteFinished", "Closing", "finished"),
        ("LocalFinished", "Close", "Closing", "closed"),
        ("LocalFinished", "Fail", "Failing", "idle"),
        ("LocalFinished", "Shut", "LocalFinished+Shut", ""),
        ("LocalFinished", "Shut+RemoteEnded", "LocalFinished+Shut", ""),
        ("LocalFinished", "TransmitLost", "Severed", "reset"),
        ("LocalFinished", "Lost", "Ended", "reset"),
        ("LocalFinished+Shut", "RemoteFinished", "Ended", "finished"),
        ("LocalFinished+Shut", "Close", "Lingering", "closed"),
        ("LocalFinished+Shut", "Fail", "Failing+Shut", "idle"),
        ("LocalFinished+Shut", "Lost", "Ended", "reset"),
        ("Severed", "RemoteFinished", "Ended", "frame"),
        ("Severed", "Close", "Ended", "frame"),
        ("Severed", "Fail", "Ended", "frame"),
        ("Severed", "Lost", "Ended", "frame"),
        ("Failing", "Told", "Replying", "frame"),
        ("Failing", "TransmitLost", "Ended", "frame"),
        ("Failing", "Lost", "Ended", "frame"),
        ("Failing+Shut", "Told", "Replying+Shut", "frame"),
        ("Failing+Shut", "TransmitLost", "Ended", "frame"),
        ("Failing+Shut", "Lost", "Ended", "frame"),
        ("Replying", "Replied", "Closing", "frame"),
        ("Replying", "TransmitLost", "Ended", "frame"),
        ("Replying", "Lost", "Ended", "frame"),
        ("Replying+Shut", "Replied", "Lingering", "frame"),
        ("Replying+Shut", "TransmitLost", "Ended", "frame"),
        ("Replying+Shut", "Lost", "Ended", "frame"),
        ("Closing", "Shut", "Lingering", "closed"),
        ("Closing", "Shut+RemoteEnded", "Ended", "closed"),
        ("Closing", "TransmitLost", "Ended", "reset"),
        ("Closing", "Lost", "Ended", "reset"),
        ("Lingering", "RemoteEnded", "Ended", "closed"),
        ("Lingering", "LingerExpired", "Ended", "linger"),
        ("Lingering", "TransmitLost", "Ended", "reset"),
        ("Lingering", "Lost", "Ended", "reset"),
        ("Ended", "Told", "Closed", "frame"),
    ];

    fn reason_name(state: &State) -> &'static str {
        let (State::Severed { reason }
        | State::Failing { reason, .. }
        | State::Replying { reason, .. }
        | State::Closing { reason }
        | State::Lingering { reason, .. }
        | State::Ended { reason }
        | State::Closed { reason }) = state
        else {
            return "";
        };
        match &**reason {
            CloseReason::TimedOut(Timer::Idle) => "idle",
            CloseReason::TimedOut(Timer::Frame) => "frame",
            CloseReason::Reset => "reset",
            CloseReason::Closed => "closed",
            CloseReason::Finished => "finished",
            CloseReason::LingerExpired => "linger",
            _ => "other",
        }
    }

    #[test]
    fn every_pair_is_as_the_table_says() {
        let mut seen = 0;
        for state in states() {
            for input in inputs() {
                let pair = format!("{} {}", state_name(&state), input_name(&input));
                let after = state.clone().after(input);
                let row =
                    TRANSITIONS.iter().find(|(from, input, ..)| format!("{from} {input}") == pair);
                match row {
                    Some((_, _, to, reason)) => {
                        seen += 1;
                        assert_eq!(
                            (state_name(&after), reason_name(&after)),
                            (*to, *reason),
                            "{pair}"
                        );
                    }
                    None => assert_eq!(after, state, "{pair}"),
                }
            }
        }
        assert_eq!(seen, TRANSITIONS.len(), "a row of the table names no state or input");
    }

    #[test]
    fn the_diagram_names_every_state() {
        let source = include_str!("state.rs");
        let docs: String = source.lines().take_while(|line| line.starts_with("//!")).collect();
        for state in states() {
            let name = state_name(&state).split('+').next().unwrap_or_default();
            assert!(docs.contains(name), "{name}");
        }
    }
}
