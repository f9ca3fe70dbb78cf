//! The readiness loop over real sockets on loopback. What is put to the server with threads is put
//! to it by the same files.
#![allow(missing_docs)]

/// The crate, with this server for the other.
pub(crate) mod adapter {
    pub(crate) use drywire_std::evented::{Server, ServerHandle, Summary};
    pub(crate) use drywire_std::*;
}

#[path = "../adapter/admin.rs"]
mod admin;
#[path = "../adapter/calls.rs"]
mod calls;
#[path = "../adapter/certificate.rs"]
mod certificate;
mod churn;
mod clients;
#[path = "../adapter/connecting.rs"]
mod connecting;
mod datagrams;
#[path = "../adapter/drain.rs"]
mod drain;
#[path = "../adapter/echo.rs"]
mod echo;
mod edges;
#[path = "../adapter/ending.rs"]
mod ending;
#[path = "../adapter/ends.rs"]
mod ends;
mod fairness;
#[path = "../adapter/flow.rs"]
mod flow;
mod gate;
#[path = "../adapter/handshake.rs"]
mod handshake;
#[path = "../adapter/http.rs"]
mod http;
#[path = "../adapter/introduction.rs"]
mod introduction;
#[path = "../adapter/latency.rs"]
mod latency;
#[path = "../adapter/limits.rs"]
mod limits;
mod load;
#[path = "../adapter/obey.rs"]
mod obey;
#[path = "../adapter/peer.rs"]
mod peer;
#[path = "../adapter/proxy.rs"]
mod proxy;
#[cfg(feature = "record")]
#[path = "../adapter/recording.rs"]
mod recording;
#[path = "../adapter/resets.rs"]
mod resets;
#[path = "../adapter/serving.rs"]
mod serving;
mod sharing;
#[path = "../adapter/statistics.rs"]
mod statistics;
#[path = "../adapter/unix_file.rs"]
mod unix_file;
#[path = "../adapter/visits.rs"]
mod visits;
