use std::io::Write;

use drywire::framing::AnyFraming;

use crate::text::frame_json;

/// How a frame that came back is printed.
pub(super) enum Rendering {
    Json,
    /// Its bytes, and these behind it: what ends it on the wire, where something does.
    Bytes {
        terminator: Vec<u8>,
    },
}

impl Rendering {
    pub(super) fn new(framing: &AnyFraming, is_json: bool) -> Self {
        if is_json {
            return Self::Json;
        }
        let terminator = match framing {
            AnyFraming::Lines(_) => b"\n".to_vec(),
            AnyFraming::Delimiter(delimiter) => delimiter.delimiter().to_vec(),
            _ => Vec::new(),
        };
        Self::Bytes { terminator }
    }

    pub(super) fn append(&self, frame: &[u8], bytes: &mut Vec<u8>) {
        match self {
            Self::Json => {
                let written = writeln!(bytes, "{}", frame_json(frame));
                debug_assert!(written.is_ok(), "a vector takes everything");
            }
            Self::Bytes { terminator } => {
                bytes.extend_from_slice(frame);
                bytes.extend_from_slice(terminator);
            }
        }
    }
}
