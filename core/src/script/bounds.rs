/// What a script may have at most; beyond it is refused.
///
/// The defaults let through what a recording with its default limit writes, and keep a file that
/// somebody sent from taking the memory of who looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bounds {
    /// Entries. Default 2,000,000.
    pub entries_max: usize,
    /// Bytes of the text in all. Default 256 MiB.
    pub len_max: usize,
    /// Bytes of one line. Default 4 MiB: a frame of 1 MiB in the longest way to write it.
    pub line_len_max: usize,
    /// Bytes that a [replay](super::replay_within) may take: its connections and what came of
    /// them. Default 1 GiB.
    pub replay_len_max: usize,
}

impl Bounds {
    /// The defaults that the fields name.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            entries_max: 2_000_000,
            len_max: 256 * 1024 * 1024,
            // And what stands before the bytes.
            line_len_max: 4 * 1024 * 1024 + 1024,
            replay_len_max: 1024 * 1024 * 1024,
        }
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self::new()
    }
}
