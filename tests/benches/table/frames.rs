//! What all peers by hand do about frames: find where the last whole one ends. What ends there is
//! its own echo, so that nothing is copied.

use std::io;

use crate::options::Framing;

/// As in Drywire, for a length of 4 GiB must be refused.
pub(crate) const FRAME_LEN_MAX: usize = 1 << 20;

/// What one read may bring at most; as much as Drywire's buffers.
pub(crate) const BUFFER_LEN: usize = 65 * 1024;

/// How many of these bytes are whole frames.
#[inline]
pub(crate) fn whole(framing: Framing, bytes: &[u8]) -> io::Result<usize> {
    if framing == Framing::Raw {
        return Ok(bytes.len());
    }
    let mut at = 0;
    while let Some((header, rest)) = bytes[at..].split_first_chunk::<4>() {
        let len = u32::from_be_bytes(*header) as usize;
        if len > FRAME_LEN_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if rest.len() < len {
            break;
        }
        at += header.len() + len;
    }
    Ok(at)
}

/// What one read may bring at first.
const FIRST_LEN: usize = 8 * 1024;

/// A buffer that is read into and written from, again and again. It begins small, so that a
/// connection with little to say needs little, and grows when a read has filled it.
#[derive(Debug)]
pub(crate) struct Inbox {
    bytes: Vec<u8>,
    len: usize,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; FIRST_LEN], len: 0 }
    }

    /// Where to read to.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        if self.len == self.bytes.len() {
            // A frame that is larger. It arrived so far, so that no more is reserved than came.
            self.bytes.resize(self.len * 2, 0);
        }
        &mut self.bytes[self.len..]
    }

    pub(crate) fn received(&mut self, len: usize) {
        self.len += len;
        if self.len == self.bytes.len() && self.len < BUFFER_LEN {
            self.bytes.resize(BUFFER_LEN.min(self.len * 2), 0);
        }
    }

    /// The whole frames.
    pub(crate) fn whole(&self, framing: Framing) -> io::Result<&[u8]> {
        Ok(&self.bytes[..whole(framing, &self.bytes[..self.len])?])
    }

    /// Forgets the first bytes.
    pub(crate) fn consume(&mut self, len: usize) {
        self.bytes.copy_within(len..self.len, 0);
        self.len -= len;
    }
}
