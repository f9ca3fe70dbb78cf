//! The tests of the adapter that wait for streams, with servers that do so as on systems other than
//! Linux.
#![allow(missing_docs)]
// What other tests need.
#![allow(dead_code)]

pub(crate) use drywire_smol as adapter;

/// Servers wait for each stream by async-io's own means.
const IS_PORTABLE: bool = true;

#[path = "../adapter/calls.rs"]
mod calls;
#[path = "../../../runtime-std/tests/adapter/certificate.rs"]
mod certificate;
#[path = "../../../runtime-std/tests/adapter/drain.rs"]
mod drain;
#[path = "../../../runtime-std/tests/adapter/echo.rs"]
mod echo;
#[path = "../adapter/edges.rs"]
mod edges;
#[path = "../../../runtime-std/tests/adapter/ends.rs"]
mod ends;
#[path = "../../../runtime-std/tests/adapter/flow.rs"]
mod flow;
#[path = "../../../runtime-std/tests/adapter/handshake.rs"]
mod handshake;
#[path = "../../../runtime-std/tests/adapter/limits.rs"]
mod limits;
#[path = "../../../runtime-std/tests/adapter/obey.rs"]
mod obey;
#[path = "../../../runtime-std/tests/adapter/peer.rs"]
mod peer;
#[path = "../../../runtime-std/tests/adapter/proxy.rs"]
mod proxy;
#[path = "../../../runtime-std/tests/adapter/resets.rs"]
mod resets;
#[path = "../../../runtime-std/tests/adapter/serving.rs"]
mod serving;
#[path = "../adapter/sharing.rs"]
mod sharing;
#[path = "../adapter/starvation.rs"]
mod starvation;
#[path = "../adapter/timers.rs"]
mod timers;
