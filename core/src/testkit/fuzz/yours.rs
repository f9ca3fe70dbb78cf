use crate::protocol::Protocol;
use crate::testkit::OwnedFrames;
use crate::testkit::check::Check;

/// Checks all laws of a framing of your own.
///
/// ```
/// # use drywire::framing::Lines as MyFraming;
/// # macro_rules! fuzz_target { (|$data:ident: &[u8]| $body:expr) => { let _ = |$data: &[u8]| $body; } }
/// fuzz_target!(|data: &[u8]| drywire::testkit::fuzz::framing(&MyFraming::new(), data));
/// ```
///
/// The data is a [`Case`](crate::testkit::check::Case), and any bytes are one. For a check with
/// examples, a model or other settings call [`Check::replay`] in the place of this.
///
/// # Panics
/// When a law is broken, with the report of the smallest case that was found.
pub fn framing<F: OwnedFrames + Clone>(framing: &F, data: &[u8]) {
    Check::framing(framing.clone()).replay(data);
}

/// Checks all laws of a protocol of your own; `make` makes one for each run.
///
/// ```
/// # use drywire::{framing::Lines, protocol::Echo};
/// # fn my_protocol() -> Echo<Lines> { Echo::new(Lines::new()) }
/// # macro_rules! fuzz_target { (|$data:ident: &[u8]| $body:expr) => { let _ = |$data: &[u8]| $body; } }
/// fuzz_target!(|data: &[u8]| drywire::testkit::fuzz::protocol(my_protocol, data));
/// ```
///
/// # Panics
/// When a law is broken, with the report of the smallest case that was found.
pub fn protocol<P: Protocol + 'static>(make: impl Fn() -> P + 'static, data: &[u8])
where
    P::Framing: OwnedFrames + Clone,
{
    Check::protocol(make).replay(data);
}
