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
//! the steps, a [script](crate::script) of the calls, and the line that replays it. Nothing comes
//! from the environment and nothing is written: the same call tries the same cases.
//!
//! When none is broken the [`Report`] says how many cases examined each law, and why none did where
//! none did: a protocol that never fails, or answers nothing, is not said to keep laws of failures
//! and answers.
//!
//! [`Check`] has the settings.
//!
//! # Framings with two sides
//! Of a framing that does not read what it writes, such as HTTP/1, the peer's bytes are given:
//! [`inputs`](Check::inputs) of requests for a server and of responses for a client, which are cut
//! and damaged likewise. Laws that hold of some and not of all such protocols are left out with
//! [`only`](Check::only) or a setting:
//!
//! - [`Law::Conservation`] of a pair reads again what either wrote, without what the other did. A
//!   response has a meaning to those who asked, and a server reads no request before it has answered
//!   the last: for two that speak HTTP/1, [`laws::connection::conserves`](super::laws::connection::conserves)
//!   takes what is to be said and heard.
//! - [`Law::InputCut`] and every law that compares what is written when the input is cut
//!   (`OutputCut`, `Turns`, `EndAfterData`, `FullLosesNothing`, `FlushedAfterError`) ask for the same
//!   bytes. A protocol that passes pieces on as they come, such as an echo of bodies in chunks, says
//!   the same with other bytes; of two that are [joined](super::Law::Joined) pieces are put together first.
//! - [`Law::FullLosesNothing`] does not hold of one that leaves out its last answer rather than
//!   wait, as servers of HTTP do for what is no HTTP:
//!   [`may_lose_when_full`](Check::may_lose_when_full).
//!
//! [`Law`]: super::Law
//! [`Law::Conservation`]: super::Law::Conservation
//! [`Law::InputCut`]: super::Law::InputCut
//! [`Law::FullLosesNothing`]: super::Law::FullLosesNothing

mod body;
mod case;
mod failure;
mod framing;
mod hunt;
mod pair;
mod plan;
mod play;
mod protocol;
mod report;
mod settings;

pub use body::{Body, Check, Maker, Recording};
pub use case::{Case, Damage, Sample};
pub use failure::Failure;
pub use framing::Framings;
pub use pair::Pairs;
pub use protocol::Subjects;
pub use report::{Examination, Report, Unexamined};
pub use settings::Settings;

use super::OwnedFrames;
use crate::protocol::Protocol;

/// Checks a framing against every [`Law`](super::Law) of framings.
///
/// # Panics
/// When a law is broken; see [`Check::run`].
#[track_caller]
pub fn framing<F: OwnedFrames + Clone>(framing: F) -> Report {
    Check::framing(framing).run()
}

/// Checks a protocol against every [`Law`](super::Law) of protocols; `make` makes one for each
/// run.
///
/// # Panics
/// When a law is broken; see [`Check::run`].
#[track_caller]
pub fn protocol<P: Protocol + 'static>(make: impl Fn() -> P + 'static) -> Report
where
    P::Framing: OwnedFrames + Clone,
{
    Check::protocol(make).run()
}

/// Checks a client and a server that are joined against every [`Law`](super::Law) of pairs.
///
/// # Panics
/// When a law is broken; see [`Check::run`].
#[track_caller]
pub fn pair<P: Protocol + 'static, Q: Protocol + 'static>(
    client: impl Fn() -> P + 'static,
    server: impl Fn() -> Q + 'static,
) -> Report
where
    P::Framing: OwnedFrames + Clone,
    Q::Framing: OwnedFrames + Clone,
{
    Check::pair(client, server).run()
}
