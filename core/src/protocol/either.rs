//! One of two protocols, as a protocol.

use super::Protocol;
use crate::Either;
use crate::connection::{CloseReason, Handle};
use crate::framing::Framing;
use crate::tls::Negotiated;

impl<P, Q> Either<P, Q> {
    /// [`Error::Local`](crate::Error::Local) code: the connection's framing was exchanged, from
    /// outside, for that of the other protocol.
    pub const FOREIGN_FRAMING: u32 = 1;
}

/// Calls the same for whichever protocol it is, with a handle of its framing.
macro_rules! each {
    ($either:expr, $handle:ident, $protocol:ident => $call:expr) => {
        match ($either, $handle.either()) {
            (Either::Left($protocol), Either::Left(mut $handle)) => $call,
            (Either::Right($protocol), Either::Right(mut $handle)) => $call,
            (Either::Left(_), Either::Right(_)) | (Either::Right(_), Either::Left(_)) => {
                $handle.fail(Self::FOREIGN_FRAMING)
            }
        }
    };
}

impl<P: Protocol, Q: Protocol> Protocol for Either<P, Q> {
    type Framing = Either<P::Framing, Q::Framing>;

    fn framing(&self) -> Self::Framing {
        match self {
            Self::Left(left) => Either::Left(left.framing()),
            Self::Right(right) => Either::Right(right.framing()),
        }
    }

    fn on_open(&mut self, negotiated: Option<&Negotiated>, handle: &mut Handle<'_, Self::Framing>) {
        each!(self, handle, protocol => protocol.on_open(negotiated, &mut handle));
    }

    #[inline]
    fn on_frame(
        &mut self,
        frame: <Self::Framing as Framing>::Frame<'_>,
        handle: &mut Handle<'_, Self::Framing>,
    ) {
        match (self, frame, handle.either()) {
            (Self::Left(left), Either::Left(frame), Either::Left(mut handle)) => {
                left.on_frame(frame, &mut handle);
            }
            (Self::Right(right), Either::Right(frame), Either::Right(mut handle)) => {
                right.on_frame(frame, &mut handle);
            }
            _ => handle.fail(Self::FOREIGN_FRAMING),
        }
    }

    fn on_writable(&mut self, handle: &mut Handle<'_, Self::Framing>) {
        each!(self, handle, protocol => protocol.on_writable(&mut handle));
    }

    fn on_timer(&mut self, handle: &mut Handle<'_, Self::Framing>) {
        each!(self, handle, protocol => protocol.on_timer(&mut handle));
    }

    fn on_finished(&mut self, handle: &mut Handle<'_, Self::Framing>) {
        each!(self, handle, protocol => protocol.on_finished(&mut handle));
    }

    fn on_failed(&mut self, reason: &CloseReason, handle: &mut Handle<'_, Self::Framing>) {
        each!(self, handle, protocol => protocol.on_failed(reason, &mut handle));
    }

    fn on_closed(&mut self, reason: &CloseReason) {
        match self {
            Self::Left(left) => left.on_closed(reason),
            Self::Right(right) => right.on_closed(reason),
        }
    }
}
