//! What a script says: a call on a connection, or what came of one.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use core::time::Duration;

use crate::connection::CloseKind;
use crate::error::Fault;
use crate::limits::Limits;

/// Something that was done with one connection, or that it told.
///
/// Four kinds: what came *in*, what the application or the driver *wanted*, the steps that were
/// taken *out*, and marks of the recording. With TLS all bytes are plaintext.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Call<'a> {
    /// Mark: the connection begins. The first entry of every connection.
    Begin(Box<Begin>),
    /// Mark: the recording ends here; the connections went on. The last entry.
    Ended(Ending),
    /// Mark: the driver let go of the connection, at its end or before. The last entry of every
    /// connection that was recorded to its end.
    Dropped,

    /// In: the TLS handshake is done. Plain connections have none.
    Opened,
    /// In: bytes were received.
    Received(Payload<'a>),
    /// In: the peer ended its stream; with TLS, it sent close_notify.
    Eof,
    /// In: the stream ended without close_notify. Only with TLS.
    Cut,
    /// In: the TLS session failed.
    TlsFailed,
    /// In: this many bytes were transmitted.
    Transmitted(usize),
    /// In: the write side was shut down.
    ShutDown,
    /// In: the transport failed.
    TransportFailed(Fault),
    /// In: the transport takes nothing any more.
    TransmitFailed(Fault),
    /// In: the connection was told the time.
    Timeout,

    /// Want: a frame was sent: its bytes as the framing encoded them.
    Sent(Payload<'a>),
    /// Want: [`Handle::finish`](crate::Handle::finish).
    Finish,
    /// Want: [`Handle::close`](crate::Handle::close).
    Close,
    /// Want: [`Handle::abort`](crate::Handle::abort).
    Abort,
    /// Want: [`Handle::fail`](crate::Handle::fail).
    Fail(u32),
    /// Want: the timer was set to so long after the entry's time, or cleared.
    SetTimer(Option<Duration>),
    /// Want: [`Handle::retain`](crate::Handle::retain).
    Retain,
    /// Want: [`Handle::decouple`](crate::Handle::decouple).
    Decouple,
    /// Want: another framing of the same type.
    Upgrade,
    /// Want: [`Connection::drain`](crate::Connection::drain).
    Drain,
    /// Want: [`Connection::stop`](crate::Connection::stop).
    Stop,
    /// Want: a turn began.
    Lease,
    /// Want: a turn ended.
    Settle,

    /// Out: the next step was worked out without being taken, or there was none.
    Look,
    /// Out: a step was taken.
    Step(StepKind),
}

/// A step as a script keeps it: what it was, not what it showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StepKind {
    /// [`Step::Open`](crate::Step::Open).
    Open,
    /// [`Step::Frame`](crate::Step::Frame).
    Frame {
        /// Bytes that the frame took of those that were received.
        len: usize,
    },
    /// [`Step::Timer`](crate::Step::Timer).
    Timer,
    /// [`Step::Writable`](crate::Step::Writable).
    Writable,
    /// [`Step::Finished`](crate::Step::Finished).
    Finished,
    /// [`Step::Failed`](crate::Step::Failed).
    Failed(CloseKind),
    /// [`Step::Closed`](crate::Step::Closed).
    Closed(CloseKind),
}

/// Bytes, or how many they were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    /// The bytes.
    Bytes(Cow<'a, [u8]>),
    /// Bytes that were not written down, such as what TLS keeps secret: how many. A script with
    /// them can be shown and not replayed.
    Withheld(usize),
}

/// What is known of a connection when it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Begin {
    /// Which side it is.
    pub role: Role,
    /// Whether it is within TLS. A replay is not.
    pub is_tls: bool,
    /// The framing, as [`AnyFraming`](crate::framing::AnyFraming) prints it, or `http1`.
    pub framing: Option<String>,
    /// The framing's limit, if it is not the default.
    pub frame_len_max: Option<usize>,
    /// The protocol's name. Those that [`replay`](super::replay()) knows are `echo`, `discard` and
    /// `http_echo`; without a name the wants of the script take the protocol's place.
    pub protocol: Option<String>,
    /// The peer's address.
    pub peer: Option<String>,
    /// Our address.
    pub local: Option<String>,
    /// The time of day, as the time since the beginning of 1970 in UTC. For people who look at what
    /// was recorded: the connection does not know it, and nothing in a replay depends on it.
    pub begun: Option<Duration>,
    /// The limits.
    pub limits: Limits,
}

impl Begin {
    /// Says nothing but the role; plain, with the default limits.
    #[must_use]
    pub const fn new(role: Role) -> Self {
        Self {
            role,
            is_tls: false,
            framing: None,
            frame_len_max: None,
            protocol: None,
            peer: None,
            local: None,
            begun: None,
            limits: Limits::new(),
        }
    }
}

/// A side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The one that connected.
    Client,
    /// The one that accepted.
    Server,
}

/// Why a recording ended before what it records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// It has as many bytes as it may have.
    Limit {
        /// The limit, in bytes.
        max: u64,
    },
    /// It could not be written down as fast as things happened.
    Overrun,
}

impl Payload<'_> {
    /// How many bytes they are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Withheld(len) => *len,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes, unless they were withheld.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Withheld(_) => None,
        }
    }

    fn into_owned(self) -> Payload<'static> {
        match self {
            Self::Bytes(bytes) => Payload::Bytes(Cow::Owned(bytes.into_owned())),
            Self::Withheld(len) => Payload::Withheld(len),
        }
    }
}

impl<'a> From<&'a [u8]> for Payload<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Payload<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }
}

impl From<alloc::vec::Vec<u8>> for Payload<'_> {
    fn from(bytes: alloc::vec::Vec<u8>) -> Self {
        Self::Bytes(Cow::Owned(bytes))
    }
}

impl Call<'_> {
    /// The same with bytes of its own.
    #[must_use]
    pub fn into_owned(self) -> Call<'static> {
        match self {
            Self::Received(payload) => Call::Received(payload.into_owned()),
            Self::Sent(payload) => Call::Sent(payload.into_owned()),
            Self::Begin(begin) => Call::Begin(begin),
            Self::Ended(ending) => Call::Ended(ending),
            Self::Dropped => Call::Dropped,
            Self::Opened => Call::Opened,
            Self::Eof => Call::Eof,
            Self::Cut => Call::Cut,
            Self::TlsFailed => Call::TlsFailed,
            Self::Transmitted(len) => Call::Transmitted(len),
            Self::ShutDown => Call::ShutDown,
            Self::TransportFailed(fault) => Call::TransportFailed(fault),
            Self::TransmitFailed(fault) => Call::TransmitFailed(fault),
            Self::Timeout => Call::Timeout,
            Self::Finish => Call::Finish,
            Self::Close => Call::Close,
            Self::Abort => Call::Abort,
            Self::Fail(code) => Call::Fail(code),
            Self::SetTimer(after) => Call::SetTimer(after),
            Self::Retain => Call::Retain,
            Self::Decouple => Call::Decouple,
            Self::Upgrade => Call::Upgrade,
            Self::Drain => Call::Drain,
            Self::Stop => Call::Stop,
            Self::Lease => Call::Lease,
            Self::Settle => Call::Settle,
            Self::Look => Call::Look,
            Self::Step(step) => Call::Step(step),
        }
    }

    /// The bytes that it carries, or how many they were.
    #[must_use]
    pub const fn payload(&self) -> Option<&Payload<'_>> {
        match self {
            Self::Received(payload) | Self::Sent(payload) => Some(payload),
            _ => None,
        }
    }
}
