//! One datagram endpoint, UDP or Unix, as a state machine; request and reply over datagrams.
//!
//! A [`DatagramEndpoint`] is to a datagram socket what a [`Connection`](crate::Connection) is to a
//! stream: the driver tells it what came and what time it is, takes what must be sent, and hands
//! the steps to the application, which is code of your own or a [`DatagramProtocol`].
//! [`Requests`] is the other side: a client that sends again what is not answered and knows which
//! reply is whose.
//!
//! # The contract
//!
//! 1. **Datagrams in.** [`received`](DatagramEndpoint::received) copies a datagram, or counts it as
//!    [`Dropped`] for a reason; an empty datagram is one like any other.
//! 2. **Datagrams out.** [`transmit`](DatagramEndpoint::transmit) shows the next one,
//!    [`transmitted`](DatagramEndpoint::transmitted) takes note that it went.
//! 3. **Time in**, as with connections: after
//!    [`handle_timeout`](DatagramEndpoint::handle_timeout) every deadline is later, and an earlier
//!    time than one seen before counts as that one.
//! 4. **What happened.** [`next`](DatagramEndpoint::next) yields steps until there is none. A
//!    datagram is yielded only when any reply fits the queue; what comes meanwhile waits, up to a
//!    bound, and beyond it the oldest or the newest is dropped, by choice.
//! 5. **Nothing ends an endpoint** but its owner: what the socket reports, ICMP errors among it, is
//!    told, counted, and over.
//! 6. Any call is legal in any order and state.
//! 7. **Nothing is lost without a word**: what was received was yielded, was dropped for a reason
//!    that is counted, or waits; the same with what is sent. See [`DatagramStatistics`].
//! 8. Memory never exceeds [`memory_len_max`](DatagramEndpoint::memory_len_max), whatever peers
//!    send, and the steady state allocates nothing.
//!
//! # Floods and loops
//!
//! Whoever can forge a source address can make a server send to it. What one source can bring about
//! is bounded by [`SourceRate`]: a token bucket, in a table whose size and costs do not depend on
//! how many sources there are. [`DatagramEcho`] says how it keeps two echoes from being set on each
//! other.
//!
//! # Examples
//! ```
//! use core::net::SocketAddr;
//! use drywire::Instant;
//! use drywire::datagram::{DatagramEndpoint, DatagramLimits, DatagramStep};
//!
//! let now = Instant::ZERO;
//! let peer: SocketAddr = "192.0.2.1:5000".parse()?;
//! let mut endpoint = DatagramEndpoint::new(&DatagramLimits::new(), now);
//! endpoint.received(peer, b"ping", now);
//! while let Some(step) = endpoint.next() {
//!     if let DatagramStep::Datagram { from, bytes: b"ping", mut handle } = step {
//!         handle.send(from, b"pong")?;
//!     }
//! }
//! assert_eq!(endpoint.transmit(), Some((&peer, &b"pong"[..])));
//! endpoint.transmitted(1, now)?;
//! assert!(!endpoint.interest().write);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod address;
mod endpoint;
mod error;
mod handle;
mod limits;
mod prometheus;
mod protocol;
mod queue;
mod request;
mod source;
mod statistics;

pub use address::{DatagramAddress, DatagramPeer, UnixPeer};
pub use endpoint::{DatagramEndpoint, DatagramInterest, DatagramStep};
pub use error::{DatagramSendError, TransmittedTooMany};
pub use handle::DatagramHandle;
pub use limits::{DatagramLimits, Overflow, SourceRate};
pub use protocol::{DatagramDiscard, DatagramEcho, DatagramProtocol, pump};
pub use request::{Answer, Matcher, RequestError, RequestId, RequestLimits, Requests, SamePayload};
pub use statistics::{DatagramStatistics, Dropped};
