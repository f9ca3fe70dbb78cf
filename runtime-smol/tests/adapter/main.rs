//! The adapter over real sockets on loopback. One behaviour per file; no fixed ports, no sleeps.
//!
//! What is put to both adapters is in the same files, which drywire-std has; [`calls`] is what they
//! differ in.
#![allow(missing_docs)]

pub(crate) use drywire_smol as adapter;

/// Servers wait for their streams by what the system has for it.
const IS_PORTABLE: bool = false;

#[path = "../../../runtime-std/tests/adapter/admin.rs"]
mod admin;
mod calls;
mod cancel;
#[path = "../../../runtime-std/tests/adapter/certificate.rs"]
mod certificate;
#[path = "../../../runtime-std/tests/adapter/connecting.rs"]
mod connecting;
#[path = "../../../runtime-std/tests/adapter/drain.rs"]
mod drain;
mod dropping;
#[path = "../../../runtime-std/tests/adapter/echo.rs"]
mod echo;
mod edges;
#[path = "../../../runtime-std/tests/adapter/ending.rs"]
mod ending;
#[path = "../../../runtime-std/tests/adapter/ends.rs"]
mod ends;
#[path = "../../../runtime-std/tests/adapter/flow.rs"]
mod flow;
#[path = "../../../runtime-std/tests/adapter/framed.rs"]
mod framed;
#[cfg(feature = "http1")]
mod getter;
#[cfg(feature = "http1")]
#[path = "../../../runtime-std/tests/adapter/getting.rs"]
mod getting;
#[path = "../../../runtime-std/tests/adapter/handshake.rs"]
mod handshake;
#[path = "../../../runtime-std/tests/adapter/http.rs"]
mod http;
#[path = "../../../runtime-std/tests/adapter/introduction.rs"]
mod introduction;
#[path = "../../../runtime-std/tests/adapter/latency.rs"]
mod latency;
#[path = "../../../runtime-std/tests/adapter/limits.rs"]
mod limits;
#[path = "../../../runtime-std/tests/adapter/obey.rs"]
mod obey;
#[path = "../../../runtime-std/tests/adapter/peer.rs"]
mod peer;
#[path = "../../../runtime-std/tests/adapter/proxy.rs"]
mod proxy;
#[cfg(feature = "record")]
#[path = "../../../runtime-std/tests/adapter/recording.rs"]
mod recording;
#[path = "../../../runtime-std/tests/adapter/resets.rs"]
mod resets;
#[path = "../../../runtime-std/tests/adapter/serving.rs"]
mod serving;
mod sharing;
mod sink;
mod starvation;
#[path = "../../../runtime-std/tests/adapter/statistics.rs"]
mod statistics;
mod timers;
#[path = "../../../runtime-std/tests/adapter/unix_file.rs"]
mod unix_file;
#[path = "../../../runtime-std/tests/adapter/visits.rs"]
mod visits;
