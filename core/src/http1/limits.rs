//! The bounds of HTTP/1.1 messages.

/// The most bytes of a body that are shown at once, and that one sent piece may have.
pub const PIECE_LEN_MAX: usize = 64 * 1024;

/// The bounds of the messages on one connection. Those of head and trailers hold in both
/// directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpLimits {
    /// A head, from the first byte to the empty line, with all line ends. It is held whole. Default
    /// 64 KiB, which is more than browsers and servers let cookies grow to.
    pub head_len_max: usize,
    /// The target of a request. Default 8 KiB, the least that RFC 9112, section 3 recommends.
    pub target_len_max: usize,
    /// Field lines of a head, and of the trailers. Default 100. More than
    /// [`FIELDS_MAX`](Self::FIELDS_MAX) counts as that.
    pub fields_max: usize,
    /// Chunk extensions of one body in all, with white space and semicolons. They are skipped, so
    /// that a peer which sends them only costs time. Default 4 KiB.
    pub chunk_extensions_len_max: usize,
    /// Trailers. They are held whole. Default 8 KiB.
    pub trailers_len_max: usize,
    /// The content of a received body. Bodies are shown in pieces, so that nothing here bounds
    /// memory. Default none.
    pub body_len_max: u64,
}

impl HttpLimits {
    /// The most that [`fields_max`](Self::fields_max) can be: fields are parsed on the stack.
    pub const FIELDS_MAX: usize = 256;

    /// The defaults that the fields name.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            head_len_max: 64 * 1024,
            target_len_max: 8 * 1024,
            fields_max: 100,
            chunk_extensions_len_max: 4 * 1024,
            trailers_len_max: 8 * 1024,
            body_len_max: u64::MAX,
        }
    }

    /// The fields that count.
    #[cfg(feature = "http1")]
    pub(super) fn field_count_max(&self) -> usize {
        self.fields_max.min(Self::FIELDS_MAX)
    }
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self::new()
    }
}
