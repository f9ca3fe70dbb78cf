use drywire::framing::AnyFraming;
use drywire::protocol::{Discard, Echo};
use drywire::{Handle, Protocol};

use crate::args::ServedProtocol;

/// The protocol of the command line, as one type.
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
