use core::fmt;

use super::kind;

/// Bytes that are no PROXY header. The peer is to blame. Offsets count from the first byte of the
/// header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderError {
    /// In a line, something else than an address of the family that the line names.
    Address {
        /// Where it begins, or where it is missing.
        offset: usize,
    },
    /// Less room than the addresses of the family take.
    AddressLen {
        /// Bytes that the header says follow.
        len: usize,
        /// Bytes that the addresses take.
        min: usize,
    },
    /// The checksum is another one.
    Checksum {
        /// What the header says.
        found: u32,
        /// What its bytes come to.
        computed: u32,
    },
    /// A second checksum.
    ChecksumRepeated {
        /// Where its TLV begins.
        offset: usize,
    },
    /// A command that is neither `LOCAL` nor `PROXY`.
    Command {
        /// The command.
        found: u8,
    },
    /// An address family that is not known.
    Family {
        /// The family.
        found: u8,
    },
    /// A carriage return or a line feed without the other.
    LineEnd {
        /// Where it is.
        offset: usize,
    },
    /// A line that has no end within the longest length there is.
    LineLen {
        /// That length, in bytes.
        max: usize,
    },
    /// In a line, something else than a port in decimal without leading zeros.
    Port {
        /// Where it begins, or where it is missing.
        offset: usize,
    },
    /// A line with another protocol than `TCP4`, `TCP6` and `UNKNOWN`.
    Protocol {
        /// Where it is.
        offset: usize,
    },
    /// No header: a byte that neither version begins with.
    Signature {
        /// Where it is.
        offset: usize,
        /// What is there.
        found: u8,
    },
    /// A TLV that reaches beyond the header, or into which another within it reaches.
    TlvEnd {
        /// Where it begins.
        offset: usize,
    },
    /// A TLV whose value has a length that it cannot have.
    TlvLen {
        /// Its type.
        kind: u8,
        /// Bytes of its value.
        len: usize,
    },
    /// A header that is longer than the limit.
    TooLong {
        /// Its length, in bytes.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// A transport that is neither a stream nor datagrams.
    Transport {
        /// The transport.
        found: u8,
    },
    /// A binary header of another version than 2.
    Version {
        /// The version.
        found: u8,
    },
}

/// Why something cannot be put into a header. The caller is to blame; the header is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// A checksum that is given: a header computes its own.
    Checksum,
    /// The header would be longer than its length field can say.
    TooLong {
        /// Bytes that would follow the length field.
        len: usize,
        /// The most it can say.
        max: usize,
    },
    /// A name that does not fit an address.
    UnixLen {
        /// Its length, in bytes.
        len: usize,
        /// The longest there is.
        max: usize,
    },
    /// A header of version 1, or one without addresses, has no TLVs.
    Unsupported,
    /// A value of a length that its type cannot have, or with something else than TLVs within.
    Value {
        /// The type.
        kind: u8,
    },
}

/// Text that is no list of networks. Whoever wrote it is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NetworksError {
    /// Where in the text the network begins, in bytes.
    pub offset: usize,
    /// What is wrong with it.
    pub problem: NetworksProblem,
}

/// What is wrong with the text of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworksProblem {
    /// Neither an IP address nor `unix`.
    Address,
    /// An address with bits that are not part of the network.
    HostBits,
    /// Not a number of bits that the address has.
    Prefix {
        /// The bits that it has.
        max: u8,
    },
    /// More networks than fit.
    TooMany {
        /// The most.
        max: usize,
    },
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PROXY header: ")?;
        match *self {
            Self::Address { offset } => write!(f, "expected an address at byte {offset}"),
            Self::AddressLen { len, min } => {
                write!(f, "{len} bytes cannot hold addresses of {min}")
            }
            Self::Checksum { found, computed } => {
                write!(f, "the checksum is {computed:#010x}, the header says {found:#010x}")
            }
            Self::ChecksumRepeated { offset } => write!(f, "a second checksum at byte {offset}"),
            Self::Command { found } => write!(f, "unknown command {found}"),
            Self::Family { found } => write!(f, "unknown address family {found}"),
            Self::LineEnd { offset } => {
                write!(f, "a carriage return or a line feed alone at byte {offset}")
            }
            Self::LineLen { max } => write!(f, "a line does not end within {max} bytes"),
            Self::Port { offset } => write!(f, "expected a port at byte {offset}"),
            Self::Protocol { offset } => {
                write!(f, "expected TCP4, TCP6 or UNKNOWN at byte {offset}")
            }
            Self::Signature { offset, found } => {
                write!(f, "no version begins with {found:#04x} at byte {offset}")
            }
            Self::TlvEnd { offset } => write!(f, "the TLV at byte {offset} has no end"),
            Self::TlvLen { kind, len } => {
                write!(f, "a TLV of type {kind:#04x} cannot have {len} bytes")
            }
            Self::TooLong { len, max } => write!(f, "{len} bytes exceed the limit of {max}"),
            Self::Transport { found } => write!(f, "unknown transport {found}"),
            Self::Version { found } => write!(f, "unknown version {found}"),
        }
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Checksum => f.write_str("a header computes its own checksum"),
            Self::TooLong { len, max } => {
                write!(f, "a header of {len} bytes does not fit its length field of {max}")
            }
            Self::UnixLen { len, max } => {
                write!(f, "a socket's name of {len} bytes exceeds the limit of {max}")
            }
            Self::Unsupported => {
                f.write_str("a header of version 1 or without addresses has no TLVs")
            }
            Self::Value { kind: kind::UNIQUE_ID } => f.write_str("the unique ID is too long"),
            Self::Value { kind } => write!(f, "a value that type {kind:#04x} cannot have"),
        }
    }
}

impl fmt::Display for NetworksError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}: {}", self.offset, self.problem)
    }
}

impl fmt::Display for NetworksProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("expected an IP address, a network or unix"),
            Self::HostBits => f.write_str("the address has bits beyond the prefix of its network"),
            Self::Prefix { max } => write!(f, "expected a prefix of 0 to {max} bits"),
            Self::TooMany { max } => write!(f, "more than {max} networks"),
        }
    }
}

impl core::error::Error for BuildError {}
impl core::error::Error for HeaderError {}
impl core::error::Error for NetworksError {}
