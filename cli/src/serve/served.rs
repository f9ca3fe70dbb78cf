use drywire::address::Address;
use drywire::framing::AnyFraming;
use drywire::protocol::{Discard, Echo, HttpEcho};
use drywire::{Either, Handle, Peer, Protocol};
use drywire_std::Listener;

use crate::args::{AnswerFormat, ServedProtocol};
use crate::development_certificate::sha256;

/// What is served on which listener.
pub(super) struct Menu {
    streams: Served,
    format: AnswerFormat,
    /// For each listener, in order.
    is_http: Vec<bool>,
}

impl Menu {
    pub(super) fn new(streams: Served, format: AnswerFormat, listeners: &[Listener]) -> Self {
        let is_http = |listener: &Listener| matches!(listener.address(), Address::Http { .. });
        Self { streams, format, is_http: listeners.iter().map(is_http).collect() }
    }

    /// What recordings call what is served.
    pub(super) fn names(&self) -> Names {
        Names { format: self.format, is_http: self.is_http.clone() }
    }

    /// The protocol for a connection.
    pub(super) fn protocol(&self, peer: &Peer) -> Either<Served, HttpEcho> {
        let listener = usize::try_from(peer.listener()).ok();
        let is_http = listener.and_then(|listener| self.is_http.get(listener)) == Some(&true);
        match (is_http, self.format) {
            (false, _) => Either::Left(self.streams.clone()),
            (true, AnswerFormat::Echo) => Either::Right(HttpEcho::new()),
            (true, AnswerFormat::Json) => {
                Either::Right(HttpEcho::new().reporting(peer, Some(sha256)))
            }
        }
    }
}

/// What is served on which listener, by name.
pub(super) struct Names {
    format: AnswerFormat,
    is_http: Vec<bool>,
}

impl Names {
    /// The name of the protocol if `peer` came by a listener for HTTP.
    pub(super) fn http(&self, peer: &Peer) -> Option<&'static str> {
        let listener = usize::try_from(peer.listener()).ok()?;
        let is_http = self.is_http.get(listener).is_some_and(|is_http| *is_http);
        is_http.then_some(match self.format {
            AnswerFormat::Echo => "http_echo",
            AnswerFormat::Json => "http_account",
        })
    }
}

/// The protocol of the command line for streams of frames, as one type.
#[derive(Clone)]
pub(super) enum Served {
    Echo(Echo<AnyFraming>),
    Discard(Discard<AnyFraming>),
}

impl Served {
    pub(super) const fn new(protocol: ServedProtocol, framing: AnyFraming) -> Self {
        match protocol {
            ServedProtocol::Echo => Self::Echo(Echo::new(framing)),
            ServedProtocol::Discard => Self::Discard(Discard::new(framing)),
        }
    }
}

impl Protocol for Served {
    type Framing = AnyFraming;

    fn framing(&self) -> AnyFraming {
        match self {
            Self::Echo(echo) => echo.framing(),
            Self::Discard(discard) => discard.framing(),
        }
    }

    fn on_frame(&mut self, frame: &[u8], handle: &mut Handle<'_, AnyFraming>) {
        match self {
            Self::Echo(echo) => echo.on_frame(frame, handle),
            Self::Discard(discard) => discard.on_frame(frame, handle),
        }
    }

    fn on_finished(&mut self, handle: &mut Handle<'_, AnyFraming>) {
        match self {
            Self::Echo(echo) => echo.on_finished(handle),
            Self::Discard(discard) => discard.on_finished(handle),
        }
    }
}
