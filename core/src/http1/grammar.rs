//! Characters and lists (RFC 9110, section 5.6).

/// Whether `byte` may be in a token: visible, and no delimiter.
#[inline]
pub(super) const fn is_token_byte(byte: u8) -> bool {
    matches!(byte,
        b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`'
        | b'|' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z')
}

pub(super) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| is_token_byte(*byte))
}

/// Whether `byte` may be in a field's value or a reason phrase (RFC 9110, section 5.5).
#[inline]
pub(super) const fn is_text_byte(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

pub(super) fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| is_text_byte(*byte))
}

#[inline]
const fn is_ows(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// `bytes` without spaces and tabs at both ends.
#[inline]
pub(super) const fn trim_ows(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes {
        if !is_ows(*first) {
            break;
        }
        bytes = rest;
    }
    while let [rest @ .., last] = bytes {
        if !is_ows(*last) {
            break;
        }
        bytes = rest;
    }
    bytes
}

/// The elements of a comma-separated list, trimmed; empty ones as well.
pub(super) fn list_elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(trim_ows)
}

/// The elements of a comma-separated list, trimmed, without empty ones (RFC 9110, section 5.6.1.2).
pub(super) fn list_tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    list_elements(value).filter(|element| !element.is_empty())
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// httparse parses what arrives and these classes check what is sent.
    #[test]
    fn bytes_are_of_the_same_classes_as_for_httparse() {
        for byte in 0..=u8::MAX {
            let parses = |head: &[u8]| {
                let mut headers = [httparse::EMPTY_HEADER; 2];
                let parsed = httparse::Request::new(&mut headers).parse(head);
                parsed == Ok(httparse::Status::Complete(head.len()))
            };
            let head = |parts: [&[u8]; 3]| parts.concat();
            let method = head([b"G", &[byte], b"T / HTTP/1.1\r\n\r\n"]);
            // A space ends the method.
            assert_eq!(parses(&method), is_token(&method[..3]), "{byte:#04x}");
            let name = head([b"GET / HTTP/1.1\r\nX", &[byte], b"Y: z\r\n\r\n"]);
            // A colon ends the name.
            assert_eq!(parses(&name), is_token_byte(byte) || byte == b':', "{byte:#04x}");
            let value = head([b"GET / HTTP/1.1\r\nX: y", &[byte], b"z\r\n\r\n"]);
            assert_eq!(parses(&value), is_text_byte(byte), "{byte:#04x}");
        }
    }

    #[test]
    fn lists_have_elements_and_perhaps_empty_ones() {
        let elements: Vec<_> = list_elements(b" a ,,\tb c\t, ").collect();
        assert_eq!(elements, [&b"a"[..], b"", b"b c", b""]);
        let tokens: Vec<_> = list_tokens(b" a ,,\tb c\t, ").collect();
        assert_eq!(tokens, [&b"a"[..], b"b c"]);
        assert_eq!(trim_ows(b" \t "), b"");
        assert!(!is_token(b""));
    }
}
