//! `http_get`: an HTTP client for one resource, as a state machine above connections.
//!
//! [`HttpGet`] knows what is asked for and decides everything that follows from the answers: where
//! redirects lead and whether they may, what of the request goes with them, whether a body is
//! whole, whether a part is the part that was asked for. It opens no connection and reads no file.
//! A driver does what [`next`](HttpGet::next) says and reports what came of it; the answer goes to
//! an [`Application`] as [`Event`]s.
//!
//! ```text
//!       next: Connect, Send, Read, Receive, Leave, Abandon, Done
//!  ┌─────────┐ ◀──────────────────────────────────────────────── ┌─────────┐
//!  │ driver  │                                                    │ HttpGet │
//!  └─────────┘ ────────────────────────────────────────────────▶ └─────────┘
//!   │  connected, sent, unsent, piece, received, left             (address, request,
//!   ▼                                                              redirects, counts)
//!  Application: told of events, asked for the request's body
//! ```
//!
//! Each exchange has a connection of its own, and says so by `connection: close`.
//!
//! # Both directions at once
//!
//! A server may answer before it has read all of a request (RFC 9112, section 9.5): one that echoes
//! sends its answer while the request is still coming, one that refuses may read no more. So the
//! answer is received [while](HttpGet::is_sending) the request is sent. The rest of a request stays
//! unsent once the answer is whole, or is a redirect that is followed, or has a status of 400 or
//! above, or the connection takes no more; what came before that is still received.
//!
//! # Redirects
//!
//! 301, 302, 303, 307 and 308 with a `location` are followed, at most
//! [`redirects_max`](HttpGet::redirects_max) times. 303 makes any method but HEAD a GET without a
//! body, 301 and 302 do so to POST (RFC 9110, section 15.4). A redirect is refused
//!
//! - from `https` to `http`, unless [`allow_downgrade`](HttpGet::allow_downgrade) was called;
//! - to a Unix socket, unless it is the one that it comes from: a server out there must not choose
//!   which service of this host is asked;
//! - if it asks for a body again that cannot be [read again](Upload::is_repeatable).
//!
//! On a change of origin (scheme, host or port) only those fields of the caller's go along that
//! say nothing about who asks: `accept` and what begins with it, `user-agent`, `cache-control`,
//! `pragma`, and, with a body, what begins with `content-`. `authorization`, `cookie`, `host` and
//! everything that is not known stay behind.
//!
//! # Parts
//!
//! A part that comes must be the one that was asked for: an answer of 206 says so in
//! `content-range`. [`Resume`] goes on with an earlier answer, and only if its [`Validator`] shows
//! that the resource is still the same; else the server sends all of it again, which
//! [`Span::offset`] tells.
//!
//! # Timeouts
//!
//! Those of the connections ([`Limits`](crate::Limits)) and of connecting
//! ([`ConnectorLimits`](crate::connector::ConnectorLimits)). What is not told by time is bounded by
//! count: redirects, and informational answers.

mod error;
mod event;
mod exchange;
mod range;
mod redirect;
mod request;
mod run;
mod validator;

pub use error::{FieldProblem, GetError, RangeProblem, RedirectProblem};
pub use event::{Application, Connected, Event, Span};
pub use exchange::Order;
pub use range::{Range, RangeError};
pub use request::{Head, Outgoing, Upload};
pub use run::HttpGet;
pub use validator::{Resume, Validator};

/// Redirects that are followed unless the caller says otherwise. The standard names no number;
/// browsers follow 20, and no good server needs half of them.
pub const REDIRECTS_MAX: u32 = 10;

/// Informational answers (1xx) to one request before the server is taken for one that never comes
/// to the point.
pub const INFORMATIONAL_MAX: u32 = 100;
