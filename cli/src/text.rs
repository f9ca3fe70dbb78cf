//! Bytes as text: escaped for people, base64 for JSON.

use std::fmt;

use serde_json::{Value, json};

/// Bytes for people: text as it is, everything that could move a cursor or hide escaped.
///
/// Quotes are left alone. `\xNN` stands for a byte that is no UTF-8, `\u{NN}` for a character that
/// is not printable.
#[derive(Clone, Copy)]
pub(crate) struct Escaped<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;

        for chunk in self.0.utf8_chunks() {
            for letter in chunk.valid().chars() {
                match letter {
                    '"' | '\'' => f.write_char(letter)?,
                    _ => write!(f, "{}", letter.escape_debug())?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// A frame as `--json` prints it: always its bytes in base64, and as text if it is UTF-8.
pub(crate) fn frame_json(bytes: &[u8]) -> Value {
    bytes_json("frame", bytes)
}

/// Bytes of an event as `--json` prints them.
pub(crate) fn bytes_json(event: &str, bytes: &[u8]) -> Value {
    json!({
        "event": event,
        "len": bytes.len(),
        "base64": base64(bytes),
        "text": std::str::from_utf8(bytes).ok(),
    })
}

/// Base64 with padding (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let is_padding = digit > group.len();
            let index = bits >> (18 - 6 * digit) & 0x3f;
            text.push(if is_padding { '=' } else { char::from(ALPHABET[index as usize]) });
        }
    }
    text
}

/// Bytes as pairs of hexadecimal digits, with something between.
pub(crate) fn hex(bytes: &[u8], between: &str) -> String {
    let pairs: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(between)
}

/// Bytes as pairs of hexadecimal digits in upper case with colons between, as certificates'
/// fingerprints are written.
pub(crate) fn fingerprint(digest: &[u8]) -> String {
    let pairs: Vec<_> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        // RFC 4648, section 10.
        let vectors: [(&[u8], &str); 8] = [
            (b"", ""),
            (b"f", "Zg=="),
            (b"fo", "Zm8="),
            (b"foo", "Zm9v"),
            (b"foob", "Zm9vYg=="),
            (b"fooba", "Zm9vYmE="),
            (b"foobar", "Zm9vYmFy"),
            (b"\xff\xef\xbe", "/+++"),
        ];
        for (bytes, text) in vectors {
            assert_eq!(base64(bytes), text);
        }
    }

    #[test]
    fn what_could_move_a_cursor_is_escaped() {
        let cases: [(&[u8], &str); 5] = [
            (b"it's \"so\" \\ so", "it's \"so\" \\\\ so"),
            (b"a\r\n\t\0\x1b[2J\x7f", "a\\r\\n\\t\\0\\u{1b}[2J\\u{7f}"),
            ("é ✓".as_bytes(), "é ✓"),
            (b"\xffa\xc3", "\\xffa\\xc3"),
            ("\u{9b}\u{202e}".as_bytes(), "\\u{9b}\\u{202e}"),
        ];
        for (bytes, text) in cases {
            assert_eq!(Escaped(bytes).to_string(), text);
        }
    }

    #[test]
    fn a_frame_has_text_only_if_it_is_text() {
        let expected = r#"{"base64":"aGk=","event":"frame","len":2,"text":"hi"}"#;
        assert_eq!(frame_json(b"hi").to_string(), expected);
        let expected = r#"{"base64":"/w==","event":"frame","len":1,"text":null}"#;
        assert_eq!(frame_json(b"\xff").to_string(), expected);
    }

    #[test]
    fn hexadecimal_digits_are_pairs() {
        assert_eq!(hex(&[0, 0xab, 0xff], " "), "00 ab ff");
        assert_eq!(hex(&[], " "), "");
    }

    #[test]
    fn fingerprints_are_pairs() {
        assert_eq!(fingerprint(&[0, 0xab, 0xff]), "00:AB:FF");
    }
}
