//! The address grammar of command line and configuration, parsed without resolving a name.
//!
//! ```text
//! address  = stream / datagram / http / authority        ; a bare authority means tcp
//! stream   = ("tcp" / "tls") "://" authority / ("unix" / "tls+unix") ":" socket
//! datagram = "udp" "://" authority / "unixgram" ":" socket
//! http     = ("http" / "https") "://" (authority / host) [target]
//!          / ("http+unix" / "https+unix") ":" socket [":" target]
//!
//! authority = [host] ":" port                ; without a host: [::]
//! host      = name / IPv4 / "[" IPv6 ["%" zone] "]"
//! name      = label *("." label) ["."]       ; 253 bytes or fewer without the last dot
//! label     = 1*63(ALPHA / DIGIT / "-" / "_") ; neither first nor last a hyphen
//! zone      = 1*DIGIT / 1*15(ALPHA / DIGIT / "-" / "_" / ".") ; index or name of an interface
//! port      = 1*DIGIT                        ; 65,535 or less
//! socket    = ["//"] "/" path / "." path / "@" name ; a file, or a Linux abstract name
//! target    = ("/" / "?") *VCHAR             ; ASCII without "#"
//! ```
//!
//! Schemes and names are case-insensitive and kept in lower case. There is no user information, no
//! escape and no white space. A name whose last label is a number is refused unless it is an IPv4
//! address in four decimal parts: resolvers take `127.1` and `0x7f.1` for addresses too, which is
//! how filters are fooled.
//!
//! # Listening
//!
//! `tcp://[::]:7`, or `:7` for short, is dual stack: it takes IPv4 as well, where the system can.
//! `tcp://0.0.0.0:7` is IPv4 only. Port 0 lets the system choose. Connecting to `[::]` or `0.0.0.0`
//! reaches the local host on systems that allow it.

use alloc::string::{String, ToString};
use core::fmt;
use core::net::{IpAddr, SocketAddr, SocketAddrV6};

mod error;
mod host;
mod parse;
mod reference;
mod scheme;
mod socket;

pub use error::{AddressError, AddressProblem};
pub use host::{Host, HostName, InterfaceName, Zone};
pub use reference::ReferenceError;
use scheme::Kind;
pub use socket::{Target, UnixName, UnixPlace};

/// Longest host name, in bytes without a last dot.
///
/// # Specification
/// RFC 1035, section 2.3.4: 255 bytes on the wire, of which two are not in the text.
pub const HOST_LEN_MAX: usize = 253;

/// Longest label of a host name, in bytes.
///
/// # Specification
/// RFC 1035, section 2.3.4.
pub const LABEL_LEN_MAX: usize = 63;

/// Longest name of a network interface, in bytes: 16 with its terminator on Linux and the BSDs.
pub const INTERFACE_LEN_MAX: usize = 15;

/// Longest name of a Unix socket, in bytes: 108 with its terminator or leading zero on Linux.
/// Systems that allow less refuse what is between.
pub const UNIX_LEN_MAX: usize = 107;

/// Longest target of an HTTP address, in bytes. RFC 9112, section 3, asks for at least 8,000.
pub const TARGET_LEN_MAX: usize = 8 * 1024;

/// Where to listen or what to connect to.
///
/// Every value has one canonical spelling, its [`Display`](fmt::Display), which parses back to it.
///
/// # Examples
/// ```
/// use drywire::address::{Address, AddressProblem, Endpoint};
///
/// let address: Address = "TLS://Example.COM:0443".parse()?;
/// assert_eq!(address.to_string(), "tls://example.com:443");
/// assert!(matches!(address, Address::Stream { endpoint: Endpoint::Internet(_), tls: true }));
///
/// assert_eq!(":7".parse::<Address>()?.to_string(), "tcp://[::]:7");
/// assert_eq!("http://[::1]".parse::<Address>()?.to_string(), "http://[::1]/");
///
/// let error = "tcp://localhost".parse::<Address>().unwrap_err();
/// assert_eq!((error.offset, error.problem), (15, AddressProblem::PortMissing));
/// # Ok::<(), drywire::address::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// A byte stream: `tcp`, `tls`, `unix`, `tls+unix`.
    Stream {
        /// Where it is.
        endpoint: Endpoint,
        /// Whether TLS runs on it.
        tls: bool,
    },
    /// A datagram socket: `udp`, `unixgram`.
    Datagram {
        /// Where it is.
        endpoint: Endpoint,
    },
    /// HTTP on a byte stream: `http`, `https`, `http+unix`, `https+unix`.
    Http {
        /// Where it is.
        endpoint: Endpoint,
        /// Whether TLS runs on it.
        tls: bool,
        /// What is asked for there; `/` when the address does not say.
        target: Target,
    },
}

/// The place of a socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// A host and a port.
    Internet(HostPort),
    /// A Unix socket.
    Unix(UnixName),
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// The host, not yet resolved.
    pub host: Host,
    /// The port.
    pub port: u16,
}

/// What remains to be done before a socket can use a [`HostPort`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// Nothing: the host is an IP address.
    Known(SocketAddr),
    /// The system's resolver must be asked.
    Lookup {
        /// The name to ask for: a host name, or an IPv6 address with the name of an interface
        /// (`fe80::1%eth0`).
        name: String,
        /// The port to put to the answers.
        port: u16,
    },
}

impl Address {
    /// The scheme in its canonical spelling.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        self.kind().scheme(matches!(self.endpoint(), Endpoint::Unix(_)))
    }

    /// The place of the socket.
    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        match self {
            Self::Stream { endpoint, .. }
            | Self::Datagram { endpoint }
            | Self::Http { endpoint, .. } => endpoint,
        }
    }

    /// Whether TLS runs on the socket.
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        match self {
            Self::Stream { tls, .. } | Self::Http { tls, .. } => *tls,
            Self::Datagram { .. } => false,
        }
    }

    const fn kind(&self) -> Kind {
        match self {
            Self::Stream { tls, .. } => Kind::Stream { tls: *tls },
            Self::Datagram { .. } => Kind::Datagram,
            Self::Http { tls, .. } => Kind::Http { tls: *tls },
        }
    }
}

impl Endpoint {
    /// Whether only the local host reaches it: a loopback address or a Unix socket.
    ///
    /// # Examples
    /// ```
    /// use drywire::address::Address;
    ///
    /// let is_local = |address: &str| address.parse().map(|it: Address| it.endpoint().is_local());
    /// assert_eq!((is_local("tcp://[::1]:9"), is_local("unix:/run/admin")), (Ok(true), Ok(true)));
    /// assert_eq!((is_local("tcp://[::]:9"), is_local("http://example.com")), (Ok(false), Ok(false)));
    /// ```
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Self::Internet(place) => place.host.is_loopback(),
            Self::Unix(_) => true,
        }
    }
}

impl HostPort {
    /// What remains to be done before a socket can use it.
    ///
    /// # Examples
    /// ```
    /// use drywire::address::{Address, Endpoint, Resolution};
    ///
    /// let Endpoint::Internet(place) = "tcp://[fe80::1%3]:7".parse::<Address>()?.endpoint().clone()
    /// else { unreachable!() };
    /// assert_eq!(place.resolution(), Resolution::Known("[fe80::1%3]:7".parse().unwrap()));
    /// # Ok::<(), drywire::address::AddressError>(())
    /// ```
    #[must_use]
    pub fn resolution(&self) -> Resolution {
        let port = self.port;
        match &self.host {
            Host::Name(name) => Resolution::Lookup { name: name.as_str().into(), port },
            Host::V4(address) => Resolution::Known(SocketAddr::new(IpAddr::V4(*address), port)),
            Host::V6 { address, zone: None } => {
                Resolution::Known(SocketAddr::new(IpAddr::V6(*address), port))
            }
            Host::V6 { address, zone: Some(Zone::Index(index)) } => {
                Resolution::Known(SocketAddrV6::new(*address, port, 0, index.get()).into())
            }
            Host::V6 { address, zone: Some(Zone::Name(name)) } => {
                let mut lookup = address.to_string();
                lookup.push('%');
                lookup.push_str(name.as_str());
                Resolution::Lookup { name: lookup, port }
            }
        }
    }
}

impl From<SocketAddr> for HostPort {
    fn from(address: SocketAddr) -> Self {
        Self { host: Host::from(address), port: address.port() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind();
        f.write_str(self.scheme())?;
        match self.endpoint() {
            Endpoint::Internet(place) if kind.default_port() == Some(place.port) => {
                write!(f, "://{}", place.host)?;
            }
            Endpoint::Internet(place) => write!(f, "://{place}")?,
            Endpoint::Unix(name) => write!(f, ":{name}")?,
        }
        match self {
            Self::Stream { .. } | Self::Datagram { .. } => Ok(()),
            Self::Http { endpoint: Endpoint::Internet(_), target, .. } => target.fmt(f),
            Self::Http { endpoint: Endpoint::Unix(_), target, .. } => write!(f, ":{target}"),
        }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}
