use super::Protocol;
use crate::connection::Handle;
use crate::framing::{Framing, Raw};

/// Throws every frame away and sends nothing (RFC 863).
#[derive(Clone, Debug, Default)]
pub struct Discard<F = Raw> {
    framing: F,
}

impl<F> Discard<F> {
    /// Discards the frames of `framing`, which still has to accept them.
    #[must_use]
    pub const fn new(framing: F) -> Self {
        Self { framing }
    }
}

impl<F: Framing + Clone> Protocol for Discard<F> {
    type Framing = F;

    fn framing(&self) -> F {
        self.framing.clone()
    }

    fn on_frame(&mut self, _: F::Frame<'_>, _: &mut Handle<'_, F>) {}
}
