use core::fmt;

use super::Version;

/// Why a packet did not arrive, as a router or the host says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The packet is too big for a link and may not be cut.
    PacketTooBig {
        /// The largest that fits, in bytes; 0 from old routers that do not say.
        mtu: u32,
    },
    /// A field of the packet has a value that cannot be.
    ParameterProblem {
        /// The standard's number of the problem.
        code: u8,
        /// Where in the packet, in bytes.
        pointer: u32,
    },
    /// The packet was too long under way.
    TimeExceeded(Exceeded),
    /// The destination cannot be reached.
    Unreachable(Unreachable),
}

/// Where time ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Exceeded {
    /// Under way: the packet has passed as many routers as it may.
    HopLimit,
    /// At the destination: fragments of the packet did not come.
    Reassembly,
    /// Another reason, by its number.
    Other(u8),
}

/// What cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unreachable {
    /// The destination lies beyond the scope of the source's address.
    BeyondScope,
    /// The host.
    Host,
    /// The network: there is no route.
    Network,
    /// The port.
    Port,
    /// A policy forbids it.
    Prohibited,
    /// The protocol.
    Protocol,
    /// Another reason, by its number.
    Other(u8),
}

impl Cause {
    /// The cause that type and code of an ICMP message stand for; `None` if the message is no error.
    ///
    /// `info` is the MTU or the pointer, where the type has one. Linux gives all three apart, in
    /// the error queue of a socket.
    ///
    /// # Specification
    /// RFC 792 and RFC 1812, section 5.2.7; RFC 1191, section 4; RFC 4443, section 3.
    #[must_use]
    pub const fn from_parts(version: Version, kind: u8, code: u8, info: u32) -> Option<Self> {
        Some(match (version, kind) {
            (Version::V4, 3) => match code {
                4 => Self::PacketTooBig { mtu: info },
                code => Self::Unreachable(Unreachable::from_v4(code)),
            },
            (Version::V4, 11) | (Version::V6, 3) => Self::TimeExceeded(match code {
                0 => Exceeded::HopLimit,
                1 => Exceeded::Reassembly,
                code => Exceeded::Other(code),
            }),
            (Version::V4, 12) | (Version::V6, 4) => Self::ParameterProblem { code, pointer: info },
            (Version::V6, 1) => Self::Unreachable(Unreachable::from_v6(code)),
            (Version::V6, 2) => Self::PacketTooBig { mtu: info },
            (Version::V4 | Version::V6, _) => return None,
        })
    }

    /// The MTU or the pointer in the second word of a message's header.
    pub(super) const fn info(version: Version, kind: u8, word: u32) -> u32 {
        match (version, kind) {
            (Version::V4, 3) => word & 0xffff,
            (Version::V4, 12) => word >> 24,
            (Version::V4 | Version::V6, _) => word,
        }
    }

    /// A name for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PacketTooBig { .. } => "packet_too_big",
            Self::ParameterProblem { .. } => "parameter_problem",
            Self::TimeExceeded(_) => "time_exceeded",
            Self::Unreachable(_) => "unreachable",
        }
    }
}

impl Unreachable {
    const fn from_v4(code: u8) -> Self {
        match code {
            0 | 6 | 11 => Self::Network,
            1 | 7 | 8 | 12 => Self::Host,
            2 => Self::Protocol,
            3 => Self::Port,
            9 | 10 | 13 => Self::Prohibited,
            code => Self::Other(code),
        }
    }

    const fn from_v6(code: u8) -> Self {
        match code {
            0 => Self::Network,
            // 5 and 6 are kinds of 1.
            1 | 5 | 6 => Self::Prohibited,
            2 => Self::BeyondScope,
            3 => Self::Host,
            4 => Self::Port,
            code => Self::Other(code),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PacketTooBig { mtu: 0 } => f.write_str("packet too big"),
            Self::PacketTooBig { mtu } => write!(f, "packet too big, {mtu} bytes fit"),
            Self::ParameterProblem { code, pointer } => {
                write!(f, "parameter problem {code} at byte {pointer}")
            }
            Self::TimeExceeded(Exceeded::HopLimit) => f.write_str("hop limit exceeded"),
            Self::TimeExceeded(Exceeded::Reassembly) => f.write_str("fragments missing"),
            Self::TimeExceeded(Exceeded::Other(code)) => write!(f, "time exceeded, code {code}"),
            Self::Unreachable(what) => what.fmt(f),
        }
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BeyondScope => "destination beyond the scope of the source",
            Self::Host => "destination host unreachable",
            Self::Network => "destination network unreachable",
            Self::Port => "destination port unreachable",
            Self::Prohibited => "destination prohibited",
            Self::Protocol => "destination protocol unreachable",
            Self::Other(code) => return write!(f, "destination unreachable, code {code}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn causes_say_what_they_are() {
        for (version, kind, code, info, name, text) in [
            (Version::V4, 3, 0, 0, "unreachable", "destination network unreachable"),
            (Version::V4, 3, 1, 0, "unreachable", "destination host unreachable"),
            (Version::V4, 3, 2, 0, "unreachable", "destination protocol unreachable"),
            (Version::V4, 3, 3, 0, "unreachable", "destination port unreachable"),
            (Version::V4, 3, 4, 1400, "packet_too_big", "packet too big, 1400 bytes fit"),
            (Version::V4, 3, 4, 0, "packet_too_big", "packet too big"),
            (Version::V4, 3, 13, 0, "unreachable", "destination prohibited"),
            (Version::V4, 3, 5, 0, "unreachable", "destination unreachable, code 5"),
            (Version::V4, 11, 0, 0, "time_exceeded", "hop limit exceeded"),
            (Version::V4, 11, 1, 0, "time_exceeded", "fragments missing"),
            (Version::V4, 12, 0, 9, "parameter_problem", "parameter problem 0 at byte 9"),
            (Version::V6, 1, 0, 0, "unreachable", "destination network unreachable"),
            (Version::V6, 1, 1, 0, "unreachable", "destination prohibited"),
            (Version::V6, 1, 2, 0, "unreachable", "destination beyond the scope of the source"),
            (Version::V6, 1, 3, 0, "unreachable", "destination host unreachable"),
            (Version::V6, 1, 4, 0, "unreachable", "destination port unreachable"),
            (Version::V6, 1, 7, 0, "unreachable", "destination unreachable, code 7"),
            (Version::V6, 2, 0, 1280, "packet_too_big", "packet too big, 1280 bytes fit"),
            (Version::V6, 3, 0, 0, "time_exceeded", "hop limit exceeded"),
            (Version::V6, 3, 7, 0, "time_exceeded", "time exceeded, code 7"),
            (Version::V6, 4, 1, 40, "parameter_problem", "parameter problem 1 at byte 40"),
        ] {
            let cause = Cause::from_parts(version, kind, code, info).unwrap();
            assert_eq!((cause.name(), cause.to_string().as_str()), (name, text));
        }
    }

    #[test]
    fn only_errors_have_causes() {
        let count = |version| {
            (0..=u8::MAX).filter(|kind| Cause::from_parts(version, *kind, 0, 0).is_some()).count()
        };
        assert_eq!((count(Version::V4), count(Version::V6)), (3, 4));
    }
}
