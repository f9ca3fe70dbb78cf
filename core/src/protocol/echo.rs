use super::Protocol;
use crate::connection::Handle;
use crate::error::SendError;
use crate::framing::ByteFraming;

/// Sends every frame back (RFC 862, over any framing).
///
/// When the peer finishes, what is left is sent back, then our side finished too. A peer that sends
/// and never reads is not read from once its echo has filled the transmit queue.
#[derive(Clone, Debug)]
pub struct Echo<F> {
    framing: F,
}

impl<F> Echo<F> {
    /// [`Error::Local`](crate::Error::Local) code: the framing refused to send what it had received.
    pub const NOT_ENCODABLE: u32 = 1;

    /// An echo of the frames of `framing`.
    #[must_use]
    pub const fn new(framing: F) -> Self {
        Self { framing }
    }
}

impl<F: ByteFraming + Clone> Protocol for Echo<F> {
    type Framing = F;

    fn framing(&self) -> F {
        self.framing.clone()
    }

    fn on_frame(&mut self, frame: &[u8], handle: &mut Handle<'_, F>) {
        match handle.send(frame) {
            Ok(()) | Err(SendError::Closed | SendError::Finished) => {}
            Err(SendError::Full) => handle.retain(),
            Err(SendError::Encode(_)) => handle.fail(Self::NOT_ENCODABLE),
        }
    }
}
