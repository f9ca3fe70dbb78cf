use core::fmt;

/// Bytes that are no packet of the kind that was expected. The sender is to blame; drop them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PacketError {
    /// The checksum of an ICMPv4 message is wrong.
    Checksum {
        /// What is in the packet.
        found: u16,
        /// What would be right.
        expected: u16,
    },
    /// A fragment that is not the first.
    Fragment {
        /// Where in the whole packet it belongs, in bytes.
        offset: u16,
    },
    /// A header whose length cannot be.
    HeaderLen {
        /// The length that it claims, in bytes.
        len: usize,
    },
    /// An IPv6 packet with more extension headers than are looked through.
    HeadersTooMany {
        /// How many are.
        max: usize,
    },
    /// The packet of another protocol.
    Protocol {
        /// Its number.
        found: u8,
    },
    /// The packet ends too early.
    Truncated {
        /// What is there, in bytes.
        len: usize,
        /// The least that must be.
        expected: usize,
    },
    /// Another version of IP.
    Version {
        /// Which.
        found: u8,
    },
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checksum { found, expected } => {
                write!(f, "a checksum of {found:#06x}, expected {expected:#06x}")
            }
            Self::Fragment { offset } => write!(f, "a fragment at byte {offset}"),
            Self::HeaderLen { len } => write!(f, "a header of {len} bytes"),
            Self::HeadersTooMany { max } => write!(f, "more than {max} extension headers"),
            Self::Protocol { found } => write!(f, "a packet of protocol {found}"),
            Self::Truncated { len, expected } => {
                write!(f, "a packet of {len} bytes, expected at least {expected}")
            }
            Self::Version { found } => write!(f, "a packet of IP version {found}"),
        }
    }
}

impl core::error::Error for PacketError {}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn errors_say_what_they_are() {
        for (error, text) in [
            (
                PacketError::Checksum { found: 1, expected: 0xabcd },
                "a checksum of 0x0001, expected 0xabcd",
            ),
            (PacketError::Fragment { offset: 8 }, "a fragment at byte 8"),
            (PacketError::HeaderLen { len: 16 }, "a header of 16 bytes"),
            (PacketError::HeadersTooMany { max: 8 }, "more than 8 extension headers"),
            (PacketError::Protocol { found: 6 }, "a packet of protocol 6"),
            (
                PacketError::Truncated { len: 7, expected: 8 },
                "a packet of 7 bytes, expected at least 8",
            ),
            (PacketError::Version { found: 6 }, "a packet of IP version 6"),
        ] {
            assert_eq!(error.to_string(), text);
        }
    }
}
