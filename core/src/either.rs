use core::fmt;

/// One of two: framings, frames, protocols.
///
/// A server that speaks different protocols on different listeners needs one type for all of them,
/// and this is it, without a box: an `Either` of two [framings](crate::framing::Framing) is a
/// framing whose frames are an `Either` of theirs, and an `Either` of two
/// [protocols](crate::Protocol) is a protocol. Each of the two gets a handle of its own framing and
/// knows nothing of the other. More than two are an `Either` within an `Either`.
///
/// # Examples
/// Lines on the first listener of a server, bytes as they come on the others.
///
/// ```
/// use drywire::framing::{Lines, Raw};
/// use drywire::protocol::{Discard, Echo};
/// use drywire::{Either, Peer};
///
/// let factory = |peer: &Peer| match peer.listener() {
///     0 => Either::Left(Echo::new(Lines::new())),
///     _ => Either::Right(Discard::new(Raw::new())),
/// };
/// # let _ = factory(&Peer::unix());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Either<L, R> {
    /// The one.
    Left(L),
    /// The other.
    Right(R),
}

impl<L, R> Either<L, R> {
    /// The one, if it is that.
    pub fn left(self) -> Option<L> {
        match self {
            Self::Left(left) => Some(left),
            Self::Right(_) => None,
        }
    }

    /// The other, if it is that.
    pub fn right(self) -> Option<R> {
        match self {
            Self::Left(_) => None,
            Self::Right(right) => Some(right),
        }
    }
}

impl<L: fmt::Display, R: fmt::Display> fmt::Display for Either<L, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Left(left) => left.fmt(f),
            Self::Right(right) => right.fmt(f),
        }
    }
}
