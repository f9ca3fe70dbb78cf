use core::fmt;

/// Text that is not in the grammar. Whoever wrote it is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AddressError {
    /// Where in the text, in bytes from its beginning.
    pub offset: usize,
    /// What is wrong there.
    pub problem: AddressProblem,
}

/// What is wrong with the text of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressProblem {
    /// After an IPv6 address something else than a port.
    AfterBracket {
        /// What is there.
        found: char,
    },
    /// An IPv6 address whose bracket is not closed.
    BracketMissing,
    /// Several colons and no brackets.
    BracketsNeeded,
    /// A character that host names do not have there.
    HostCharacter {
        /// What is there.
        found: char,
    },
    /// A host name that is too long.
    HostLen {
        /// Its length, in bytes.
        len: usize,
        /// The longest allowed.
        max: usize,
    },
    /// Neither host nor port.
    HostMissing,
    /// A name that ends in a number, and is no IPv4 address in four decimal parts.
    Ipv4,
    /// Brackets around something else than an IPv6 address.
    Ipv6,
    /// A label of a host name that is empty or too long.
    LabelLen {
        /// Its length, in bytes.
        len: usize,
        /// The longest allowed.
        max: usize,
    },
    /// A port with something else than digits.
    PortCharacter {
        /// What is there.
        found: char,
    },
    /// No port, and the scheme has no default.
    PortMissing,
    /// A port above 65,535.
    PortOutOfRange,
    /// A character that targets do not have there.
    TargetCharacter {
        /// What is there.
        found: char,
    },
    /// A target that is too long.
    TargetLen {
        /// Its length, in bytes.
        len: usize,
        /// The longest allowed.
        max: usize,
    },
    /// A target that begins with neither `/` nor `?`.
    TargetStart,
    /// A character that names of Unix sockets do not have there.
    UnixCharacter {
        /// What is there.
        found: char,
    },
    /// The name of a Unix socket that is too long.
    UnixLen {
        /// Its length, in bytes.
        len: usize,
        /// The longest allowed.
        max: usize,
    },
    /// The name of a Unix socket that does not begin with `/`, `.` or `@` and a name.
    UnixStart,
    /// Text before `://` that is no scheme.
    UnknownScheme,
    /// A user name or password, which no scheme has.
    UserInfo,
    /// After `%` neither the index nor the name of an interface.
    Zone,
}

impl AddressProblem {
    pub(super) const fn at(self, offset: usize) -> AddressError {
        AddressError { offset, problem: self }
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}: {}", self.offset, self.problem)
    }
}

impl fmt::Display for AddressProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AfterBracket { found } => {
                write!(f, "expected a colon and a port after the address, found {found:?}")
            }
            Self::BracketMissing => f.write_str("expected a closing bracket"),
            Self::BracketsNeeded => {
                f.write_str("expected one colon, or brackets around an IPv6 address")
            }
            Self::HostCharacter { found } => {
                write!(f, "expected a letter, digit, hyphen or underscore, found {found:?}")
            }
            Self::HostLen { len, max } => {
                write!(f, "a host name of {len} bytes exceeds the limit of {max}")
            }
            Self::HostMissing => f.write_str("expected a host"),
            Self::Ipv4 => f.write_str("expected an IPv4 address in four decimal parts"),
            Self::Ipv6 => f.write_str("expected an IPv6 address"),
            Self::LabelLen { len, max } => {
                write!(f, "a part of a host name has {len} bytes, expected 1 to {max}")
            }
            Self::PortCharacter { found } => {
                write!(f, "expected a digit of the port, found {found:?}")
            }
            Self::PortMissing => f.write_str("expected a port"),
            Self::PortOutOfRange => f.write_str("expected a port of 65535 or less"),
            Self::TargetCharacter { found } => {
                write!(f, "expected a visible ASCII character other than '#', found {found:?}")
            }
            Self::TargetLen { len, max } => {
                write!(f, "a target of {len} bytes exceeds the limit of {max}")
            }
            Self::TargetStart => f.write_str("expected a target that begins with / or ?"),
            Self::UnixCharacter { found } => {
                write!(f, "expected a character of a socket's name, found {found:?}")
            }
            Self::UnixLen { len, max } => {
                write!(f, "a socket's name of {len} bytes exceeds the limit of {max}")
            }
            Self::UnixStart => {
                f.write_str("expected a path that begins with / or ., or @ and an abstract name")
            }
            Self::UnknownScheme => f.write_str(
                "expected tcp, tls, udp, unix, unixgram, tls+unix, http, https, http+unix or \
                 https+unix",
            ),
            Self::UserInfo => f.write_str("expected a host without a user name"),
            Self::Zone => f.write_str("expected the index or name of an interface"),
        }
    }
}

impl core::error::Error for AddressError {}
