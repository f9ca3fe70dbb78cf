use core::fmt;

/// Why a datagram was not queued. Nothing is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DatagramSendError {
    /// The endpoint is closed.
    Closed,
    /// The queue is full.
    Full,
    /// The datagram is longer than the limit.
    TooLong {
        /// Its length, in bytes.
        len: usize,
        /// The limit.
        max: usize,
    },
}

/// More datagrams were said to be transmitted than were queued. The driver is to blame; nothing is
/// changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransmittedTooMany {
    /// How many were said to be.
    pub count: usize,
    /// How many were queued.
    pub queued: usize,
}

impl fmt::Display for DatagramSendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the endpoint is closed"),
            Self::Full => f.write_str("the transmit queue is full"),
            Self::TooLong { len, max } => {
                write!(f, "a datagram of {len} bytes exceeds the limit of {max}")
            }
        }
    }
}

impl fmt::Display for TransmittedTooMany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, queued } = self;
        write!(f, "{count} datagrams reported as transmitted, {queued} queued")
    }
}

impl core::error::Error for DatagramSendError {}
impl core::error::Error for TransmittedTooMany {}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn errors_say_what_they_are() {
        for (error, expected) in [
            (DatagramSendError::Closed, "the endpoint is closed"),
            (DatagramSendError::Full, "the transmit queue is full"),
            (
                DatagramSendError::TooLong { len: 3, max: 2 },
                "a datagram of 3 bytes exceeds the limit of 2",
            ),
        ] {
            assert_eq!(error.to_string(), expected);
        }
        let error = TransmittedTooMany { count: 2, queued: 1 };
        assert_eq!(error.to_string(), "2 datagrams reported as transmitted, 1 queued");
    }
}
