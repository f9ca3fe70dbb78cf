//! The PROXY protocol, versions 1 and 2: what a balancer says about a client before anything else.
//!
//! A balancer that passes streams on hides its clients' addresses. With this protocol it begins each
//! stream with a header that names them, before TLS and before any byte of the client.
//!
//! - [`Header`]: one header, to be parsed, looked into and written.
//! - [`ProxyPolicy`]: from whom a header is required. Whoever may send one can say to be anybody, so
//!   that there is no policy without a list of trusted [`Networks`], and no guessing whether there is
//!   a header: from those on the list it must come, from the others it is never looked for.
//! - [`Preamble`]: receives the header of one stream, with a deadline and a bound.
//! - [`Introduction`]: the header that a client sends.
//!
//! # Whose address counts
//!
//! [`Peer`](crate::Peer) has both: the client's and the transport's. [`Admission`] counts a stream
//! whose header is still awaited only in all, for what is known is the balancer's address, which all
//! of its clients share. Once the header is there, the stream is
//! [counted](crate::admission::Admission::introduced) for the client that it names, and refused if
//! that one has too many. Those of the balancer itself (`LOCAL`) and of clients without an address
//! are only counted in all: the balancer is trusted, and its health checks must not compete with its
//! clients.
//!
//! # Grammar
//!
//! Version 1 is a line of 107 bytes at most, version 2 is binary:
//!
//! ```text
//! line    = "PROXY " ( ip4 / ip6 / unknown ) CRLF
//! ip4     = "TCP4 " IPv4 " " IPv4 " " port " " port      ; source, destination
//! ip6     = "TCP6 " IPv6 " " IPv6 " " port " " port
//! unknown = "UNKNOWN" [ " " *( any byte but CR and LF ) ]
//! port    = 0 to 65535 in decimal without leading zeros
//!
//!  0          12        13       14     16
//! ├ signature ┼ 2 | cmd ┼ af | p ┼ len ─┼ addresses ┼ TLVs ┤
//!                                        ─── len bytes ────
//! TLV: ├ type ┼ len ─┼ value ┤     len: 2 bytes, big endian
//! ```
//!
//! Stricter than the specification asks for: a TLV that reaches beyond the header, a checksum,
//! unique ID or SSL value of a length that it cannot have, and a second checksum are refused.
//! More lenient: an IPv6 address may end in dotted decimals, as inet_ntop(3) writes mapped
//! addresses. What follows a `LOCAL` command or an unspecified family is not looked into.
//!
//! # Specification
//! proxy-protocol.txt of HAProxy, 2.1 and 2.2. The checksum is that of RFC 9260, appendix A.
//!
//! # Examples
//! ```
//! use drywire::proxy::{Header, Parse, Version};
//!
//! let header = Header::tcp(Version::One, "192.0.2.1:56324".parse()?, "192.0.2.9:443".parse()?);
//! let bytes = header.to_bytes();
//! assert_eq!(bytes, b"PROXY TCP4 192.0.2.1 192.0.2.9 56324 443\r\n");
//! assert_eq!(Header::parse(&bytes, 536)?, Parse::Found { len: bytes.len(), header });
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! [`Admission`]: crate::admission::Admission

mod crc32c;
mod error;
mod header;
mod introduction;
mod networks;
mod policy;
mod preamble;
mod tlv;
mod v1;
mod v2;

pub use error::{BuildError, HeaderError, NetworksError, NetworksProblem};
pub use header::{Header, Parse, Route, Transport, UNIX_ADDRESS_LEN, UnixAddress, Version};
pub use introduction::Introduction;
pub use networks::{NETWORKS_MAX, Networks};
pub use policy::{HEADER_LEN_MIN, Others, ProxyLimits, ProxyPolicy, Verdict};
pub use preamble::{Introduced, Preamble};
pub use tlv::{Ssl, Tlv, Tlvs, UNIQUE_ID_LEN_MAX, kind};
pub use v1::LINE_LEN_MAX;
