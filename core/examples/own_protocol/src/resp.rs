use drywire::buffer::Buffer;
use drywire::error::RemoteError;
use drywire::framing::{Framing, Payload, Scan, Whole};
use drywire::{DecodeError, EncodeError};

/// Longest line behind `+` and `-`, in bytes.
const LINE_LEN_MAX: usize = 128;

/// Longest length behind `$`, in digits.
const DIGITS_MAX: usize = 7;

/// The code of a frame that begins with another byte than `+`, `-` or `$`.
const UNKNOWN_KIND: u32 = 1;
/// The code of a length that is none.
const NO_LENGTH: u32 = 2;
/// The code of a CR without LF, or of bytes that end with something else.
const NO_END: u32 = 3;

/// What is said, either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A short text without CR.
    Simple(&'a [u8]),
    /// What is wrong, a short text without CR.
    Error(&'a [u8]),
    /// Any bytes.
    Bulk(&'a [u8]),
}

/// Values with their kind before them.
#[derive(Clone, Debug)]
pub struct Resp {
    bulk_len_max: usize,
    /// How much of the line has been looked at.
    seen: usize,
}

impl Resp {
    /// Values of at most `bulk_len_max` bytes.
    #[must_use]
    pub const fn new(bulk_len_max: usize) -> Self {
        Self { bulk_len_max, seen: 0 }
    }

    fn scan_bulk(&self, input: &[u8], digits: Payload) -> Result<Scan<(u8, Payload)>, DecodeError> {
        let text = digits.of(input);
        let len = core::str::from_utf8(text).ok().and_then(|text| text.parse::<usize>().ok());
        let is_short = !text.starts_with(b"+") && (text == b"0" || !text.starts_with(b"0"));
        let len = len.filter(|_| is_short).ok_or_else(|| refused(1, NO_LENGTH))?;
        if len > self.bulk_len_max {
            return Err(DecodeError::TooLong { len: len as u64, max: self.bulk_len_max as u64 });
        }
        let start = digits.end + 2;
        let end = start + len;
        match input.get(end..end + 2) {
            None => Ok(Scan::Need(end + 2)),
            Some(b"\r\n") => {
                let found = (b'$', Payload { start, end });
                Ok(Scan::Found(Whole { len: end + 2, found }))
            }
            Some(_) => Err(refused(end, NO_END)),
        }
    }
}

fn refused(offset: usize, code: u32) -> DecodeError {
    DecodeError::Invalid(RemoteError::Framing { offset, code })
}

impl Framing for Resp {
    type Found = (u8, Payload);
    type Frame<'a> = Value<'a>;
    type Item<'a> = Value<'a>;

    fn scan(&mut self, input: &[u8]) -> Result<Scan<(u8, Payload)>, DecodeError> {
        let line_len_max = match input.first() {
            None => return Ok(Scan::Need(3)),
            Some(b'+' | b'-') => LINE_LEN_MAX,
            Some(b'$') => DIGITS_MAX,
            Some(_) => return Err(refused(0, UNKNOWN_KIND)),
        };
        let from = self.seen.max(1);
        let found = input.iter().skip(from).position(|byte| *byte == b'\r');
        let end = found.map_or(input.len(), |at| from + at);
        if end > 1 + line_len_max {
            let (len, max) = (line_len_max as u64 + 1, line_len_max as u64);
            return Err(DecodeError::TooLong { len, max });
        }
        self.seen = end;
        match input.get(end + 1) {
            None => return Ok(Scan::Need(end + 2)),
            Some(b'\n') => {}
            Some(_) => return Err(refused(end + 1, NO_END)),
        }
        let payload = Payload { start: 1, end };
        let scanned = match input.first() {
            Some(b'$') => self.scan_bulk(input, payload)?,
            kind => {
                let found = (kind.copied().unwrap_or_default(), payload);
                Scan::Found(Whole { len: end + 2, found })
            }
        };
        if let Scan::Found(_) = scanned {
            self.seen = 0;
        }
        Ok(scanned)
    }

    fn view((kind, payload): (u8, Payload), bytes: &mut [u8]) -> Value<'_> {
        let bytes = payload.of(bytes);
        match kind {
            b'+' => Value::Simple(bytes),
            b'-' => Value::Error(bytes),
            _ => Value::Bulk(bytes),
        }
    }

    fn encode(&mut self, value: Value<'_>, transmit: &mut Buffer) -> Result<(), EncodeError> {
        let (kind, text) = match value {
            Value::Simple(text) => (b"+", text),
            Value::Error(text) => (b"-", text),
            Value::Bulk(bytes) => {
                let (len, max) = (bytes.len(), self.bulk_len_max);
                if len > max {
                    return Err(EncodeError::TooLong { len, max });
                }
                let head = format!("${len}\r\n");
                transmit.extend_from_slices([head.as_bytes(), bytes, b"\r\n"]);
                return Ok(());
            }
        };
        if text.len() > LINE_LEN_MAX {
            return Err(EncodeError::TooLong { len: text.len(), max: LINE_LEN_MAX });
        }
        if let Some(offset) = text.iter().position(|byte| *byte == b'\r') {
            return Err(EncodeError::Forbidden { offset });
        }
        transmit.extend_from_slices([&kind[..], text, b"\r\n"]);
        Ok(())
    }

    fn wire_len_max(&self) -> usize {
        let bulk_len_max = self.bulk_len_max.saturating_add(1 + DIGITS_MAX + 2 + 2);
        bulk_len_max.max(1 + LINE_LEN_MAX + 2)
    }
}
