//! HTTP/1.1 as a framing, for both sides.
//!
//! A [`Frame`] is a head, a piece of a body, trailers or the end of a message: heads are whole,
//! bodies are streamed, and nothing is copied that can be borrowed. Errors and limits are there
//! without the feature `http1`; with it, [`Http1`] is what a connection is given.
//!
//! ```text
//! request or response                          frames
//! ┌───────────────────────────────────────┐
//! │ GET /path HTTP/1.1 CR LF              │    Request  { method, target, version, fields }
//! │ HTTP/1.1 200 OK CR LF                 │    Response { version, status, reason, fields }
//! │ Name: value CR LF          (any many) │
//! │ CR LF                                 │
//! ├───────────────────────────────────────┤
//! │ by Content-Length, in chunks, or until│    Body(piece)   as it arrives, any many
//! │ the stream ends                       │
//! │ trailers, behind chunks only          │    Trailers(fields)
//! └───────────────────────────────────────┘    End           always
//! ```
//!
//! # Order
//!
//! A server is shown a request only when the one before it was read to its end and its answer sent
//! to its end: answers are in order by themselves. A client may send up to 64 requests before
//! their answers. After 101, or 2xx to CONNECT, and both messages' ends, bytes are
//! [`Tunnel`](Frame::Tunnel)s; or [upgrade](crate::Connection::upgrade) the connection to another
//! framing, which is given what was read already.
//!
//! # Strictness
//!
//! What two implementations could read differently is refused, on both ways: each
//! [`Violation`] names one thing and the status to answer.
//! [`CloseReason::http_status`](crate::CloseReason::http_status) names it for any end of a
//! connection; the answer can be sent from [`Step::Failed`](crate::Step::Failed).
//!
//! # Specification
//! RFC 9110 (semantics) and RFC 9112 (HTTP/1.1).

// In the order of reading: `frame` and `fields` are what there is to say, `framing` is the state of
// both directions, and `exchange` whose turn it is. What arrives goes through `receive`, `lines` and
// `head`, `parse`, `announced`, `body` and `shape`; what is sent through `send`. `grammar`, `target`
// and `status` are rules of the standard.
mod error;
mod limits;

#[cfg(feature = "http1")]
mod announced;
#[cfg(feature = "http1")]
mod body;
#[cfg(feature = "http1")]
mod exchange;
#[cfg(feature = "http1")]
mod fields;
#[cfg(feature = "http1")]
mod frame;
#[cfg(feature = "http1")]
mod framing;
#[cfg(feature = "http1")]
mod grammar;
#[cfg(feature = "http1")]
mod head;
#[cfg(feature = "http1")]
mod lines;
#[cfg(feature = "http1")]
mod parse;
#[cfg(feature = "http1")]
mod receive;
#[cfg(feature = "http1")]
mod send;
#[cfg(feature = "http1")]
mod shape;
#[cfg(feature = "http1")]
mod status;
#[cfg(feature = "http1")]
mod target;

pub use error::{HttpPart, Unsendable, Violation};
#[cfg(feature = "http1")]
pub use fields::{Fields, FieldsIter};
#[cfg(feature = "http1")]
pub use frame::{BodyLen, Frame, Request, Response, Version};
#[cfg(feature = "http1")]
pub use framing::Http1;
pub use limits::{HttpLimits, PIECE_LEN_MAX};
#[cfg(feature = "http1")]
pub use shape::Found;
#[cfg(feature = "http1")]
pub use status::reason;
