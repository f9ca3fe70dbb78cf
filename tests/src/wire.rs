//! Frames as they are on the wire, written down by hand.

/// A framing's name, some bytes in it, and the frames that they are.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// The framing.
    pub framing: &'static str,
    /// The bytes.
    pub bytes: &'static [u8],
    /// The frames. Of `raw` all that matters is what they are together.
    pub frames: &'static [&'static [u8]],
}

macro_rules! samples {
    ($($framing:literal: $bytes:expr => [$($frame:expr),*];)*) => {
        &[$(Sample { framing: $framing, bytes: $bytes, frames: &[$($frame),*] },)*]
    };
}

/// One sample for every framing.
pub const SAMPLES: &[Sample] = samples! {
    "raw": b"hello\0\xff\n" => [b"hello\0\xff\n"];
    "lines": b"hello\n\nworld\n" => [b"hello", b"", b"world"];
    "netstring": b"5:hello,0:,2:\n\xff," => [b"hello", b"", b"\n\xff"];
    "varint": b"\x05hello\0\x01\n" => [b"hello", b"", b"\n"];
    "quic-varint": b"\x05hello\0\x01\n" => [b"hello", b"", b"\n"];
    "u8": b"\x05hello\0\x01\n" => [b"hello", b"", b"\n"];
    "u16be": b"\0\x05hello\0\0\0\x01\n" => [b"hello", b"", b"\n"];
    "u16le": b"\x05\0hello\0\0\x01\0\n" => [b"hello", b"", b"\n"];
    "u32be": b"\0\0\0\x05hello\0\0\0\0\0\0\0\x01\n" => [b"hello", b"", b"\n"];
    "u32le": b"\x05\0\0\0hello\0\0\0\0\x01\0\0\0\n" => [b"hello", b"", b"\n"];
    "u64be": b"\0\0\0\0\0\0\0\x05hello\0\0\0\0\0\0\0\0" => [b"hello", b""];
    "u64le": b"\x05\0\0\0\0\0\0\0hello\0\0\0\0\0\0\0\0" => [b"hello", b""];
    "fixed:4": b"four\0\xff\n!" => [b"four", b"\0\xff\n!"];
    "delimiter:0d0a": b"hello\r\n\r\n\n\r\r\n" => [b"hello", b"", b"\n\r"];
};
