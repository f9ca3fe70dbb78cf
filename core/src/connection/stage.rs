use super::Connection;
use super::state::State;
use crate::framing::Framing;
use crate::kinds::kinds;
use crate::tls::TlsVersion;

kinds! {
    /// How far a conversation has come, in one word.
    Stage {
        /// The TLS handshake, or, plain, the moment before the first step.
        Opening => "opening",
        /// Both sides may send.
        Open => "open",
        /// One side has finished and the other has not.
        HalfClosed => "half_closed",
        /// It is on its way to the end: what is queued is transmitted, what comes is discarded.
        Closing => "closing",
        /// It is over.
        Closed => "closed",
    }
}

impl<F: Framing> Connection<F> {
    /// How far the conversation has come. Costs nothing.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        match self.link.state {
            State::Opening { .. } => Stage::Opening,
            State::Open => Stage::Open,
            State::RemoteFinished | State::LocalFinished { .. } | State::Severed { .. } => {
                Stage::HalfClosed
            }
            State::Failing { .. }
            | State::Replying { .. }
            | State::Closing { .. }
            | State::Lingering { .. } => Stage::Closing,
            State::Ended { .. } | State::Closed { .. } => Stage::Closed,
        }
    }

    /// The version of TLS, once the handshake is done.
    #[must_use]
    pub fn tls_version(&self) -> Option<TlsVersion> {
        self.link.wire.tls_version()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framing::Lines;
    use crate::limits::Limits;
    use crate::time::Instant;

    #[test]
    fn a_conversation_goes_from_stage_to_stage() {
        let now = Instant::ZERO;
        let mut connection = Connection::plain(Lines::new(), Limits::new().into(), now);
        assert_eq!((connection.stage(), connection.tls_version()), (Stage::Opening, None));
        while connection.next().is_some() {}
        assert_eq!(connection.stage(), Stage::Open);
        connection.finish();
        assert_eq!(connection.stage(), Stage::HalfClosed);
        connection.close();
        assert_eq!(connection.stage(), Stage::Closing);
        assert_eq!(connection.shut_down(now), Ok(()));
        assert_eq!(connection.received_eof(now), Ok(()));
        assert_eq!(connection.stage(), Stage::Closed);
    }

    #[test]
    fn stages_have_their_place_and_name() {
        for (index, stage) in Stage::ALL.iter().enumerate() {
            assert_eq!((stage.index(), stage.name()), (index, &*alloc::format!("{stage}")));
        }
    }
}
