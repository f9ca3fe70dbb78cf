use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv6Addr};
use core::str::FromStr;

use super::{NetworksError, NetworksProblem};

/// Networks in one list: more are not a list that somebody has written.
pub const NETWORKS_MAX: usize = 1024;

/// Whoever may say who a client is: IP networks, and whoever can reach a Unix socket.
///
/// As text: addresses and networks (`10.0.0.0/8`, `2001:db8::/32`, `::1`) and the word `unix`, at
/// commas or white space. The bits behind a network's prefix must be zero. A network within
/// `::ffff:0:0/96` is one of IPv4; others of IPv6 never have an address of IPv4 in them, not even
/// `::/0`. The empty text is the empty list.
///
/// # Examples
/// ```
/// use drywire::proxy::Networks;
///
/// let trusted: Networks = "10.0.0.0/8, ::1 unix".parse()?;
/// assert!(trusted.includes(Some("10.1.2.3".parse()?)));
/// assert!(trusted.includes(Some("::ffff:10.1.2.3".parse()?)));
/// assert!(!trusted.includes(Some("11.1.2.3".parse()?)));
/// assert!(trusted.includes(None));
/// assert_eq!(trusted.to_string(), "10.0.0.0/8,::1/128,unix");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks {
    networks: Vec<Network>,
    unix: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    /// IPv4 if it can be.
    address: IpAddr,
    prefix_len: u8,
}

impl Networks {
    /// An empty list: nobody.
    #[must_use]
    pub const fn new() -> Self {
        Self { networks: Vec::new(), unix: false }
    }

    /// Whether there is nobody on the list.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty() && !self.unix
    }

    /// Whether the peer with this address is on the list; `None` is one over a Unix socket.
    #[must_use]
    pub fn includes(&self, peer: Option<IpAddr>) -> bool {
        match peer.map(|peer| peer.to_canonical()) {
            None => self.unix,
            Some(peer) => self.networks.iter().any(|network| network.includes(peer)),
        }
    }

    /// Adds what is on another list.
    ///
    /// # Errors
    /// [`NetworksError`] when that is too much; the list is unchanged.
    pub fn add(&mut self, other: &Self) -> Result<(), NetworksError> {
        if self.networks.len() + other.networks.len() > NETWORKS_MAX {
            let problem = NetworksProblem::TooMany { max: NETWORKS_MAX };
            return Err(NetworksError { offset: 0, problem });
        }
        self.networks.extend_from_slice(&other.networks);
        self.unix |= other.unix;
        Ok(())
    }
}

impl Network {
    fn includes(&self, peer: IpAddr) -> bool {
        self.address.is_ipv4() == peer.is_ipv4()
            && (bits(self.address) ^ bits(peer)) & self.mask() == 0
    }

    /// Ones where the prefix is, in the place where [`bits`] has it.
    fn mask(&self) -> u128 {
        let len = u32::from(self.prefix_len);
        u128::MAX.checked_shl(u128::BITS - len).unwrap_or(0)
    }

    fn parse(text: &str) -> Result<Self, NetworksProblem> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworksProblem::Address)?;
        let max = width(address);
        let prefix_len = match prefix {
            None => max,
            Some(digits) => prefix_len(digits)
                .filter(|len| *len <= max)
                .ok_or(NetworksProblem::Prefix { max })?,
        };
        let network = match (address.to_canonical(), prefix_len.checked_sub(96)) {
            (v4 @ IpAddr::V4(_), Some(prefix_len)) if address.is_ipv6() => {
                Self { address: v4, prefix_len }
            }
            _ => Self { address, prefix_len },
        };
        if bits(network.address) & !network.mask() != 0 {
            return Err(NetworksProblem::HostBits);
        }
        Ok(network)
    }
}

/// The address's bits, the first one as the highest.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
        IpAddr::V6(v6) => Ipv6Addr::to_bits(v6),
    }
}

const fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// One to three digits, without zeros in front.
fn prefix_len(digits: &str) -> Option<u8> {
    let is_canonical = digits == "0" || !digits.starts_with(['0', '+']);
    if is_canonical { digits.parse().ok() } else { None }
}

/// # Errors
/// [`NetworksError`] for text that is no such list.
impl FromStr for Networks {
    type Err = NetworksError;

    fn from_str(text: &str) -> Result<Self, NetworksError> {
        let mut list = Self::new();
        let mut offset = 0;
        for part in text.split(|c: char| c == ',' || c.is_ascii_whitespace()) {
            let begin = offset;
            offset += part.len() + 1;
            let error = |problem| NetworksError { offset: begin, problem };
            match part {
                "" => {}
                "unix" => list.unix = true,
                _ if list.networks.len() == NETWORKS_MAX => {
                    return Err(error(NetworksProblem::TooMany { max: NETWORKS_MAX }));
                }
                _ => list.networks.push(Network::parse(part).map_err(error)?),
            }
        }
        Ok(list)
    }
}

/// With commas, each network with its prefix.
impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for Network { address, prefix_len } in &self.networks {
            write!(f, "{separator}{address}/{prefix_len}")?;
            separator = ",";
        }
        if self.unix { write!(f, "{separator}unix") } else { Ok(()) }
    }
}
