use crate::address::Address;
use crate::connector::Timings;
use crate::http1::{Fields, Response};
use crate::peer::Peer;
use crate::tls::Negotiated;

/// Who is told of an answer, and asked for the body of the request.
pub trait Application {
    /// Why it does not go on, for example because a disk is full.
    type Error;

    /// Takes note of what happened.
    ///
    /// # Errors
    /// Those of the application; the exchange is then given up.
    fn told(&mut self, event: Event<'_>) -> Result<(), Self::Error>;

    /// Fills `buffer` from its beginning with what comes next in the request's body, and returns
    /// how many bytes that are; 0 is the end. Only asked if there is an
    /// [`Upload`](super::Upload).
    ///
    /// # Errors
    /// Those of the application; the exchange is then given up.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Self::Error> {
        let _ = buffer;
        Ok(0)
    }

    /// Begins the request's body again. Only asked if that was said to be
    /// [possible](super::Upload::is_repeatable).
    ///
    /// # Errors
    /// Those of the application; the exchange is then given up.
    fn rewind(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// What happened on the way to an answer, in the order in which it did.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A connection is open. Each redirect has one of its own.
    Connected(Connected<'a>),
    /// An informational answer (1xx), of which there may be several.
    Informational(Response<'a>),
    /// A redirect that is followed.
    Redirected {
        /// The answer; its body is not read.
        response: Response<'a>,
        /// Where it leads.
        to: &'a Address,
    },
    /// The answer.
    Response {
        /// Its head.
        response: Response<'a>,
        /// Where its body belongs.
        span: Span,
    },
    /// A piece of the body, never empty.
    Body(&'a [u8]),
    /// Fields behind the body.
    Trailers(Fields<'a>),
    /// The answer is whole.
    Complete,
    /// There was nothing left to go on with: what came [earlier](super::Resume) was everything.
    AlreadyComplete,
}

/// An open connection.
#[derive(Clone, Debug)]
pub struct Connected<'a> {
    /// What was connected to.
    pub address: &'a Address,
    /// The two ends.
    pub peer: Peer,
    /// What TLS agreed on, if it is there.
    pub negotiated: Option<&'a Negotiated>,
    /// How long it took.
    pub timings: Timings,
}

/// Which bytes of a resource a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its first byte, counted from 0. Anything but 0 only in a part.
    pub offset: u64,
    /// Its length, if the answer says so.
    pub len: Option<u64>,
    /// The length of everything, if the answer says so.
    pub complete_len: Option<u64>,
}
