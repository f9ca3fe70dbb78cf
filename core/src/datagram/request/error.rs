use core::fmt;

/// Why a request was not taken. Nothing is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// There are as many requests as may be; what became of one must be taken first.
    Full {
        /// The limit.
        max: usize,
    },
    /// The request is longer than the limit.
    TooLong {
        /// Its length, in bytes.
        len: usize,
        /// The limit.
        max: usize,
    },
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { max } => write!(f, "there are {max} requests already"),
            Self::TooLong { len, max } => {
                write!(f, "a datagram of {len} bytes exceeds the limit of {max}")
            }
        }
    }
}

impl core::error::Error for RequestError {}
