use std::num::NonZeroUsize;

use clap::Args;
use drywire::framing::{AnyFraming, Raw};
use drywire::limits::{FRAME_LEN_MAX, LINE_LEN_MAX};

use super::number;

/// How a byte stream is cut into frames.
#[derive(Args, Clone, Debug)]
pub(crate) struct FramingArguments {
    /// How bytes are cut into frames [default: raw]
    ///
    /// One of raw, lines, netstring, varint (LEB128), quic-varint, u8, u16be, u16le, u32be, u32le,
    /// u64be, u64le (length prefixes), fixed:N (N bytes each), delimiter:HEX (up to 16 bytes).
    #[arg(long, value_name = "NAME")]
    framing: Option<AnyFraming>,

    /// Longest frame, in bytes of payload [default: 1048576; 65536 with lines]
    #[arg(long, value_name = "BYTES", value_parser = number::<NonZeroUsize>)]
    max_frame: Option<NonZeroUsize>,
}

impl FramingArguments {
    /// The framing with its limit.
    pub(crate) fn framing(&self) -> AnyFraming {
        let framing = self.framing.clone().unwrap_or_else(|| AnyFraming::Raw(Raw::new()));
        match self.max_frame {
            None => framing,
            Some(max) => framing.with_frame_len_max(max.get()),
        }
    }

    /// An option that was given: it means nothing without frames.
    pub(crate) fn first_option(&self) -> Option<&'static str> {
        let framing = self.framing.as_ref().map(|_| "--framing");
        framing.or_else(|| self.max_frame.map(|_| "--max-frame"))
    }

    /// The limit, if it was given.
    pub(crate) fn given_max_frame(&self) -> Option<usize> {
        self.max_frame.map(NonZeroUsize::get)
    }

    /// The limit.
    pub(crate) fn max_frame(&self) -> usize {
        match (self.max_frame, &self.framing) {
            (Some(max), _) => max.get(),
            (None, Some(AnyFraming::Lines(_))) => LINE_LEN_MAX,
            (None, _) => FRAME_LEN_MAX,
        }
    }
}
