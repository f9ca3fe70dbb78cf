/// Decides which datagram answers which request; both came to and from the same address.
///
/// A closure `|request, datagram| ...` is one.
pub trait Matcher {
    /// Whether `datagram` answers `request`.
    fn is_reply(&self, request: &[u8], datagram: &[u8]) -> bool;
}

impl<F: Fn(&[u8], &[u8]) -> bool> Matcher for F {
    fn is_reply(&self, request: &[u8], datagram: &[u8]) -> bool {
        self(request, datagram)
    }
}

/// What an echo sends: the bytes of the request.
#[derive(Clone, Copy, Debug, Default)]
pub struct SamePayload;

impl Matcher for SamePayload {
    fn is_reply(&self, request: &[u8], datagram: &[u8]) -> bool {
        request == datagram
    }
}
