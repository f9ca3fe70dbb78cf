//! All laws in one call, for framings and protocols of your own.
//!
//! ```
//! use drywire::framing::Lines;
//! use drywire::protocol::Echo;
//! use drywire::testkit::check;
//!
//! check::framing(Lines::new().with_frame_len_max(80));
//! check::protocol(|| Echo::new(Lines::new().with_frame_len_max(80)));
//! ```
//!
//! The input of a case is what the framing itself encodes, with lengths around its limit and
//! around buffers, one frame behind the other, cut anywhere, rarely damaged. When a [`Law`] is
//! broken the smallest case is looked for and printed: the law, the bytes, where they were cut,
//! the steps, a [script](crate::script) of the calls, and the line that replays it. Nothing comes from the environment and nothing is
//! written: the same call tries the same cases.
//!
//! [`Check`] has the settings.
//!
//! [`Law`]: super::Law

mod body;
mod case;
mod failure;
mod framing;
mod hunt;
mod pair;
mod plan;
mod play;
mod protocol;
mod settings;

pub use body::{Body, Check, Maker, Recording};
pub use case::{Case, Damage, Sample};
pub use failure::Failure;
pub use framing::Framings;
pub use pair::Pairs;
pub use protocol::Subjects;
pub use settings::Settings;

use super::OwnedFrames;
use crate::protocol::Protocol;

/// Checks a framing against every [`Law`](super::Law) of framings.
///
/// # Panics
/// When a law is broken; see [`Check::run`].
#[track_caller]
pub fn framing<F: OwnedFrames + Clone>(framing: F) {
    Check::framing(framing).run();
}

/// Checks a protocol against every [`Law`](super::Law) of protocols; `make` makes one for each
/// run.
///
/// # Panics
/// When a law is broken; see [`Check::run`].
#[track_caller]
pub fn protocol<P: Protocol + 'static>(make: impl Fn() -> P + 'static)
where
    P::Framing: OwnedFrames + Clone,
{
    Check::protocol(make).run();
}

/// Checks a client and a server that are joined against every [`Law`](super::Law) of pairs.
///
/// # Panics
/// When a law is broken; see [`Check::run`].
#[track_caller]
pub fn pair<P: Protocol + 'static, Q: Protocol + 'static>(
    client: impl Fn() -> P + 'static,
    server: impl Fn() -> Q + 'static,
) where
    P::Framing: OwnedFrames + Clone,
    Q::Framing: OwnedFrames + Clone,
{
    Check::pair(client, server).run();
}
