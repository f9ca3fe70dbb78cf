//! How long a body is, and the lines between its chunks.

use alloc::vec;
use alloc::vec::Vec;

use super::head::{is_text, is_token, trim, values};
use super::stream::{Ending, Fault, Head};
use crate::http1::{HttpLimits, HttpPart, Violation};

/// Digits of a chunk's size: those of 64 bits.
const SIZE_LEN_MAX: usize = 16;

/// How the end of a body is told (RFC 9112, section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    None,
    Known(u64),
    Chunked,
    UntilClose,
}

/// What the fields of a message say.
fn said(head: &Head, faults: &mut Vec<Fault>) -> Length {
    let codings = values(&head.fields, "transfer-encoding");
    let lengths = values(&head.fields, "content-length");
    if !codings.is_empty() {
        if !lengths.is_empty() {
            faults.push(Fault::Invalid(Violation::LengthAndCoding));
        }
        if head.minor == 0 {
            faults.push(Fault::Invalid(Violation::TransferEncodingInHttp10));
        }
        check_codings(&codings, faults);
    }
    if lengths.len() > 1 {
        faults.push(Fault::Invalid(Violation::ContentLengthRepeated));
    }
    let mut known = Length::None;
    for length in &lengths {
        let is_number = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
        if !is_number || (length.len() > 1 && length[0] == b'0') {
            faults.push(Fault::Invalid(Violation::ContentLength));
        } else {
            match decimal(length) {
                Some(len) => known = Length::Known(len),
                None => faults.push(Fault::Invalid(Violation::ContentLengthOverflow)),
            }
        }
    }
    if codings.is_empty() { known } else { Length::Chunked }
}

/// Nothing but one `chunked` may be said.
fn check_codings(codings: &[Vec<u8>], faults: &mut Vec<Fault>) {
    let mut members: Vec<&[u8]> = vec![];
    for coding in codings {
        members.extend(coding.split(|byte| *byte == b',').map(trim));
    }
    if members.iter().any(|member| !is_token(member)) {
        faults.push(Fault::Invalid(Violation::TransferEncoding));
    }
    if members.len() > 1 {
        faults.push(Fault::Invalid(Violation::TransferCodings));
    } else if !members[0].eq_ignore_ascii_case(b"chunked") {
        faults.push(Fault::Invalid(Violation::TransferCodingUnknown));
    }
}

/// The body of a request.
pub(super) fn of_request(head: &Head, faults: &mut Vec<Fault>) -> Length {
    let length = said(head, faults);
    if head.method == "CONNECT" && !matches!(length, Length::None | Length::Known(0)) {
        faults.push(Fault::Invalid(Violation::ConnectBody));
    }
    length
}

/// The body of a response to a request with this method.
pub(super) fn of_response(head: &Head, method: &str, faults: &mut Vec<Fault>) -> Length {
    let mut seen = vec![];
    let length = said(head, &mut seen);
    let is_tunnel = method == "CONNECT" && head.status / 100 == 2;
    if head.status / 100 == 1 || matches!(head.status, 204 | 304) || method == "HEAD" || is_tunnel {
        // RFC 9112, section 6.3, rules 1 and 2: whatever the fields say.
        faults.append(&mut seen);
        return Length::None;
    }
    faults.append(&mut seen);
    if length == Length::None { Length::UntilClose } else { length }
}

/// What digits say if 64 bits can.
fn decimal(text: &[u8]) -> Option<u64> {
    let mut number: u128 = 0;
    for digit in text {
        number = (number * 10 + u128::from(digit - b'0')).min(u128::from(u64::MAX) + 1);
    }
    u64::try_from(number).ok()
}

/// Reads the line before a chunk: its size, the length of its extensions, and its own length.
///
/// Extensions are skipped, not read: they may be anything that could stand in a field.
pub(super) fn chunk_line(
    input: &[u8],
    extensions_len: usize,
    limits: &HttpLimits,
) -> Result<(u64, usize, usize), Ending> {
    let end = input.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(input.len());
    let line = &input[..end];
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (digits, extension) = line.split_at(digits);

    let mut faults = vec![];
    let size = hexadecimal(digits);
    if digits.len() > SIZE_LEN_MAX {
        faults.push(Fault::Invalid(Violation::ChunkSizeOverflow));
    }
    if digits.is_empty() && !input.is_empty() {
        faults.push(Fault::Invalid(Violation::ChunkSize));
    }
    // RFC 9112, section 7.1.1: an extension may have spaces before its semicolon.
    let is_whole = end < input.len();
    match trim(extension).first() {
        Some(b';') => {}
        None if extension.is_empty() || !is_whole => {}
        _ => faults.push(Fault::Invalid(Violation::ChunkSize)),
    }
    if !is_text(extension) {
        faults.push(Fault::Invalid(Violation::ChunkExtension));
    }
    let is_too_large = extensions_len + extension.len() > limits.chunk_extensions_len_max;
    if is_too_large {
        faults.push(Fault::TooLarge(HttpPart::ChunkExtensions));
    }
    match (&input[end..], size) {
        ([] | [b'\r'], _) if is_too_large || digits.len() > SIZE_LEN_MAX => {
            Err(Ending::Refused(faults))
        }
        ([] | [b'\r'], _) => Err(Ending::Truncated(faults)),
        ([b'\r', b'\n', ..], Some(size)) if faults.is_empty() => {
            Ok((size, extension.len(), end + 2))
        }
        ([b'\r', b'\n', ..], _) => Err(Ending::Refused(faults)),
        ([b'\r', ..], _) => {
            faults.push(Fault::Invalid(Violation::BareCr));
            Err(Ending::Refused(faults))
        }
        _ => {
            // A line feed is also something else than a size.
            faults.extend([Violation::ChunkSize, Violation::BareLf].map(Fault::Invalid));
            Err(Ending::Refused(faults))
        }
    }
}

/// What digits say if there are some and 64 bits can.
fn hexadecimal(digits: &[u8]) -> Option<u64> {
    let mut number: u64 = 0;
    for digit in digits {
        let digit = char::from(*digit).to_digit(16)?;
        number = number.checked_mul(16)? + u64::from(digit);
    }
    (!digits.is_empty()).then_some(number)
}
