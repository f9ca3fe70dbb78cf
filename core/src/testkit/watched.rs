//! A framing that watches the connection that uses it.

use alloc::rc::Rc;
use core::cell::Cell;

use crate::buffer::Buffer;
use crate::error::{DecodeError, EncodeError};
use crate::framing::{Framing, Scan, Whole};

/// What a connection had its framing do. Clones share the figures.
#[derive(Clone, Debug, Default)]
pub struct Work {
    scans: Rc<Cell<usize>>,
    frames: Rc<Cell<usize>>,
    len: Rc<Cell<usize>>,
}

impl Work {
    /// How often the framing was asked to scan.
    #[must_use]
    pub fn scans(&self) -> usize {
        self.scans.get()
    }

    /// How many frames it found.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.frames.get()
    }

    /// How many bytes it was shown that it had not been shown in the scan before: what a framing
    /// looks at that looks at a byte once.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len.get()
    }

    /// Whether it was shown nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Another framing, with the work counted, and with a check that the connection keeps its side:
/// the bytes of a frame are shown again from its first one and never fewer than before, nothing is
/// scanned after an error, and the end comes once, after a scan that needed more.
#[derive(Clone, Debug)]
pub struct Watched<F> {
    framing: F,
    work: Work,
    seen_len: usize,
    is_over: bool,
}

impl<F> Watched<F> {
    /// Watches `framing`, and counts in `work`.
    #[must_use]
    pub const fn new(framing: F, work: Work) -> Self {
        Self { framing, work, seen_len: 0, is_over: false }
    }
}

impl<F: Framing> Framing for Watched<F> {
    type Found = F::Found;
    type Frame<'a> = F::Frame<'a>;
    type Item<'a> = F::Item<'a>;

    fn scan(&mut self, input: &[u8]) -> Result<Scan<F::Found>, DecodeError> {
        assert!(!self.is_over, "scanned after an error");
        assert!(input.len() >= self.seen_len, "{} bytes after {}", input.len(), self.seen_len);
        self.work.scans.set(self.work.scans() + 1);
        let seen = self.work.len() + (input.len() - self.seen_len);
        let scanned = self.framing.scan(input);
        match &scanned {
            Ok(Scan::Need(_)) => {
                self.work.len.set(seen);
                self.seen_len = input.len();
            }
            Ok(Scan::Found(whole)) => {
                self.work.frames.set(self.work.frames() + 1);
                self.work.len.set(self.work.len() + whole.len.saturating_sub(self.seen_len));
                self.seen_len = 0;
            }
            Ok(Scan::Hold) => {}
            Err(_) => self.is_over = true,
        }
        scanned
    }

    fn scan_end(&mut self, input: &[u8]) -> Result<Option<Whole<F::Found>>, DecodeError> {
        assert!(!self.is_over, "scanned after an error");
        assert_eq!(input.len(), self.seen_len, "the end without a scan before");
        self.seen_len = 0;
        let whole = self.framing.scan_end(input);
        self.is_over = whole.is_err();
        whole
    }

    fn view(found: F::Found, bytes: &mut [u8]) -> F::Frame<'_> {
        F::view(found, bytes)
    }

    fn encode(&mut self, item: F::Item<'_>, transmit: &mut Buffer) -> Result<(), EncodeError> {
        self.framing.encode(item, transmit)
    }

    fn verbatim<'i>(&self, item: &'i F::Item<'_>) -> Option<&'i [u8]> {
        self.framing.verbatim(item)
    }

    fn wire_len_max(&self) -> usize {
        self.framing.wire_len_max()
    }

    fn has_whole_frames(&self) -> bool {
        self.framing.has_whole_frames()
    }

    fn is_over(&self) -> bool {
        self.framing.is_over()
    }
}
