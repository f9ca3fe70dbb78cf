use alloc::string::String;
use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use core::num::NonZeroU32;
use core::str::FromStr;

use super::{AddressError, AddressProblem, HOST_LEN_MAX, INTERFACE_LEN_MAX, LABEL_LEN_MAX};

/// A host, not yet resolved.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// A name.
    Name(HostName),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address.
    V6 {
        /// The address.
        address: Ipv6Addr,
        /// The interface that a link-local address belongs to.
        zone: Option<Zone>,
    },
}

/// A host name in the grammar of the [module](super), in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(String);

/// The interface that a link-local IPv6 address belongs to.
///
/// # Specification
/// RFC 4007, section 11.2. The `%25` of RFC 6874, which RFC 9844 took back, is not known here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Zone {
    /// By index.
    Index(NonZeroU32),
    /// By name, which only the system can translate.
    Name(InterfaceName),
}

/// The name of a network interface: 1 to 15 letters, digits, hyphens, underscores and dots, not
/// all of them digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceName(String);

impl Host {
    /// The wildcard: every address of the local host, IPv4 too where the system can.
    pub const ANY: Self = Self::V6 { address: Ipv6Addr::UNSPECIFIED, zone: None };

    /// Whether it stands for all addresses of the local host: `[::]` or `0.0.0.0`.
    #[must_use]
    pub const fn is_unspecified(&self) -> bool {
        match self {
            Self::Name(_) => false,
            Self::V4(address) => address.is_unspecified(),
            Self::V6 { address, .. } => address.is_unspecified(),
        }
    }

    /// Whether only the local host reaches it: a loopback address, or the name `localhost` (RFC
    /// 6761, section 6.3).
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Name(name) => matches!(name.as_str(), "localhost" | "localhost."),
            Self::V4(address) => address.is_loopback(),
            Self::V6 { address, .. } => address.is_loopback(),
        }
    }

    /// An empty host is the wildcard.
    pub(super) fn parse_or_any(text: &str, at: usize) -> Result<Self, AddressError> {
        if text.is_empty() { Ok(Self::ANY) } else { Self::parse(text, at) }
    }

    pub(super) fn parse(text: &str, at: usize) -> Result<Self, AddressError> {
        if text.is_empty() {
            return Err(AddressProblem::HostMissing.at(at));
        }
        if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return Self::parse_v6(inner, at + 1);
        }
        if ends_in_number(text) {
            return match text.parse() {
                Ok(address) => Ok(Self::V4(address)),
                Err(_) => Err(AddressProblem::Ipv4.at(at)),
            };
        }
        HostName::parse(text, at).map(Self::Name)
    }

    fn parse_v6(text: &str, at: usize) -> Result<Self, AddressError> {
        let (address, zone) = match text.split_once('%') {
            Some((address, zone)) => (address, Some(Zone::parse(zone, at + address.len() + 1)?)),
            None => (text, None),
        };
        match address.parse() {
            Ok(address) => Ok(Self::V6 { address, zone }),
            Err(_) => Err(AddressProblem::Ipv6.at(at)),
        }
    }
}

/// Whether resolvers may take the text for an IPv4 address: its last label is a decimal or
/// hexadecimal number.
fn ends_in_number(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let last = text.rsplit('.').next().unwrap_or(text);
    match last.strip_prefix("0x").or_else(|| last.strip_prefix("0X")) {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

impl HostName {
    /// The name as text, in lower case, with its last dot if it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name without a last dot, as TLS wants it.
    ///
    /// # Specification
    /// RFC 6066, section 3.
    #[must_use]
    pub fn server_name(&self) -> &str {
        self.0.strip_suffix('.').unwrap_or(&self.0)
    }

    fn parse(text: &str, at: usize) -> Result<Self, AddressError> {
        let labels = text.strip_suffix('.').unwrap_or(text);
        let mut label_at = at;
        for label in labels.split('.') {
            for (offset, found) in label.char_indices() {
                let edge = offset == 0 || offset + 1 == label.len();
                if !(found.is_ascii_alphanumeric() || found == '_' || found == '-' && !edge) {
                    return Err(AddressProblem::HostCharacter { found }.at(label_at + offset));
                }
            }
            if label.is_empty() || label.len() > LABEL_LEN_MAX {
                let problem = AddressProblem::LabelLen { len: label.len(), max: LABEL_LEN_MAX };
                return Err(problem.at(label_at));
            }
            label_at += label.len() + 1;
        }
        if labels.len() > HOST_LEN_MAX {
            return Err(AddressProblem::HostLen { len: labels.len(), max: HOST_LEN_MAX }.at(at));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

/// # Errors
/// [`AddressError`] for text that is no host name; an IPv4 address is none.
impl FromStr for HostName {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match Host::parse(text, 0)? {
            Host::Name(name) => Ok(name),
            Host::V4(_) | Host::V6 { .. } => {
                let found = text.chars().next().unwrap_or_default();
                Err(AddressProblem::HostCharacter { found }.at(0))
            }
        }
    }
}

impl Zone {
    fn parse(text: &str, at: usize) -> Result<Self, AddressError> {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().map(Self::Index).map_err(|_| AddressProblem::Zone.at(at));
        }
        match text.parse() {
            Ok(name) => Ok(Self::Name(name)),
            Err(AddressError { offset, problem }) => Err(problem.at(at + offset)),
        }
    }
}

impl InterfaceName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// # Errors
/// [`AddressError`] for text that is no name of an interface.
impl FromStr for InterfaceName {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if let Some(offset) = text.bytes().position(|byte| !is_name(byte)) {
            return Err(AddressProblem::Zone.at(offset));
        }
        let digits_only = text.bytes().all(|byte| byte.is_ascii_digit());
        if digits_only || text.len() > INTERFACE_LEN_MAX {
            return Err(AddressProblem::Zone.at(0));
        }
        Ok(Self(text.into()))
    }
}

impl From<SocketAddr> for Host {
    fn from(address: SocketAddr) -> Self {
        match address {
            SocketAddr::V4(address) => Self::V4(*address.ip()),
            SocketAddr::V6(address) => Self::V6 {
                address: *address.ip(),
                zone: NonZeroU32::new(address.scope_id()).map(Zone::Index),
            },
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::V4(address) => address.fmt(f),
            Self::V6 { address, zone: None } => write!(f, "[{address}]"),
            Self::V6 { address, zone: Some(zone) } => write!(f, "[{address}%{zone}]"),
        }
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => index.fmt(f),
            Self::Name(name) => f.write_str(name.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_resolver_may_take_for_ipv4_ends_in_a_number() {
        for number in ["1", "127.1", "a.0x7f", "0X", "1.2.3.4.", "9.", "a.b.010"] {
            assert!(ends_in_number(number), "{number}");
        }
        for name in ["", ".", "a1", "1.a", "0x7g", "1..", "x0x1", "1-2"] {
            assert!(!ends_in_number(name), "{name}");
        }
    }
}
