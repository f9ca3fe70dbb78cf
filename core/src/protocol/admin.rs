//! What a server tells those who run it.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;
use core::net::Ipv4Addr;

use super::Protocol;
use super::answer::Answer;
use super::http_echo::send_failure;
use crate::connection::{CloseReason, Handle};
use crate::error::SendError;
use crate::http1::{Frame, Http1, HttpLimits, Request};
use crate::peer::{Ends, Peer};
use crate::statistics::{Listing, Observed, PROMETHEUS_TYPE, head};

/// The methods that are answered.
const METHODS: &str = "GET, HEAD";

/// Answers questions about a server over HTTP. For a listener of its own, on a loopback address or
/// a Unix socket: it asks nobody who they are.
///
/// | target | answer |
/// |---|---|
/// | `/livez` | 200: the process lives |
/// | `/readyz` | 200 if the server may be sent more connections, else 503 |
/// | `/metrics` | counts of [connections](crate::statistics::Statistics::write_prometheus) and [datagrams](crate::datagram::DatagramStatistics::write_prometheus) for Prometheus, whether it is ready, and open descriptors |
/// | `/connections` | the [connections](Listing) that it has now, in JSON; 501 if it does not [list](Observed::lists_visits) them |
///
/// A query is ignored, as are bodies. Other targets are answered with 404, other methods than GET
/// and HEAD with 405, and what is no HTTP with the status that says why; then the connection is
/// closed.
///
/// Over IP only requests for an address or for `localhost` are answered, and others with 421: a page
/// in a browser can have a name of its own lead to this host, and would then be told what the
/// owner is.
///
/// # Bounds
/// An answer is made as a whole before it is sent: some hundred bytes for each connection of the
/// server, some kilobytes for the metrics.
#[derive(Debug)]
pub struct Admin<O> {
    observed: O,
    /// Whether a browser can get here, by a name that leads to an address.
    is_named: bool,
    /// The answer to the request that is being read, and whether only its head was asked for.
    answer: Option<(bool, Box<Answer>)>,
}

impl<O: Observed> Admin<O> {
    /// [`Error::Local`](crate::Error::Local) code: the framing refused to send an answer.
    pub const NOT_ENCODABLE: u32 = 1;

    /// Answers `peer` its questions about `observed`.
    #[must_use]
    pub fn new(observed: O, peer: &Peer) -> Self {
        Self { observed, is_named: !matches!(peer.ends(), Ends::Unix), answer: None }
    }

    fn answer(&self, request: &Request<'_>) -> Answer {
        if self.is_named && !request.authority().is_none_or(is_nobodys_name) {
            return Answer::line(421, "only addresses and localhost are known here");
        }
        let path = request.path().split('?').next().unwrap_or_default();
        let answer: fn(&O) -> Answer = match path {
            "/livez" => |_| Answer::line(200, "ok"),
            "/readyz" => readiness,
            "/metrics" => metrics,
            "/connections" => connections,
            _ => return Answer::line(404, "there are /livez, /readyz, /metrics and /connections"),
        };
        match request.method {
            "GET" | "HEAD" => answer(&self.observed),
            _ => Answer::not_allowed(METHODS),
        }
    }
}

/// Whether `authority` is an address, or a name that only the system itself resolves.
fn is_nobodys_name(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    host.starts_with('[')
        || host.parse::<Ipv4Addr>().is_ok()
        || host.eq_ignore_ascii_case("localhost")
}

fn readiness(observed: &impl Observed) -> Answer {
    if observed.is_ready() { Answer::line(200, "ok") } else { Answer::line(503, "not ready") }
}

fn metrics(observed: &impl Observed) -> Answer {
    let mut text = String::new();
    // A string takes everything.
    let _ = observed.statistics().write_prometheus(&mut text);
    if let Some(datagrams) = observed.datagrams() {
        let _ = datagrams.write_prometheus(&mut text);
    }
    let _ = gauge(
        &mut text,
        "drywire_ready",
        "Whether the server may be sent more connections.",
        observed.is_ready().into(),
    );
    if let Some(count) = observed.descriptors() {
        let _ = gauge(&mut text, "process_open_fds", "Open file descriptors.", count);
    }
    Answer::new(200, PROMETHEUS_TYPE, text)
}

fn gauge(text: &mut String, name: &str, help: &str, value: u64) -> core::fmt::Result {
    head(text, name, "gauge", help)?;
    writeln!(text, "{name} {value}")
}

fn connections(observed: &impl Observed) -> Answer {
    if !observed.lists_visits() {
        return Answer::line(501, "workers serve the connections and do not list them");
    }
    let listeners = observed.listeners();
    let listeners: Vec<&str> = listeners.iter().map(String::as_str).collect();
    let listing = Listing::new(&observed.visits(), &listeners, observed.now()).to_string();
    Answer::new(200, "application/json", listing)
}

impl<O: Observed> Protocol for Admin<O> {
    type Framing = Http1;

    fn framing(&self) -> Http1 {
        let mut limits = HttpLimits::new();
        limits.body_len_max = 64 * 1024;
        Http1::server().with_limits(limits)
    }

    fn on_frame(&mut self, frame: Frame<'_>, handle: &mut Handle<'_, Http1>) {
        // At once: a body that is not looked at need not come.
        let Frame::Request(request) = frame else { return };
        let mut pending = self
            .answer
            .take()
            .unwrap_or_else(|| (request.method == "HEAD", Box::new(self.answer(&request))));
        match pending.1.send(pending.0, handle) {
            Ok(()) | Err(SendError::Closed | SendError::Finished) => {}
            Err(SendError::Full) => {
                self.answer = Some(pending);
                handle.retain();
            }
            Err(SendError::Encode(_)) => handle.fail(Self::NOT_ENCODABLE),
        }
    }

    fn on_failed(&mut self, reason: &CloseReason, handle: &mut Handle<'_, Http1>) {
        send_failure(reason, handle);
    }
}
