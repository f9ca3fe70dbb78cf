//! JSON strings (RFC 8259, section 7), of text and of bytes that should have been text.

use core::fmt::{self, Write};

/// Text as a JSON string, with its quotes.
pub(crate) struct Text<'a>(pub(crate) &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        write_escaped(f, self.0)?;
        f.write_char('"')
    }
}

#[cfg(feature = "http1")]
/// Bytes as a JSON string, with its quotes: text as it is; where it is none, `\xNN` for each byte
/// that is no UTF-8 and `\\` for a backslash, which JSON then escapes again.
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

#[cfg(feature = "http1")]
impl Bytes<'_> {
    /// Whether the string has escapes of its own, to be undone after those of JSON.
    pub(crate) const fn is_escaped(&self) -> bool {
        core::str::from_utf8(self.0).is_err()
    }
}

#[cfg(feature = "http1")]
impl fmt::Display for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Ok(text) = core::str::from_utf8(self.0) {
            return Text(text).fmt(f);
        }
        f.write_char('"')?;
        for chunk in self.0.utf8_chunks() {
            for (index, part) in chunk.valid().split('\\').enumerate() {
                if index > 0 {
                    f.write_str(r"\\\\")?;
                }
                write_escaped(f, part)?;
            }
            for byte in chunk.invalid() {
                write!(f, r"\\x{byte:02x}")?;
            }
        }
        f.write_char('"')
    }
}

fn write_escaped(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for letter in text.chars() {
        match letter {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str(r"\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            // JSON only asks for the first 32; the others move cursors or hide text all the same.
            '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{2028}'..='\u{202e}' => {
                write!(f, "\\u{:04x}", u32::from(letter))?;
            }
            letter => f.write_char(letter)?,
        }
    }
    Ok(())
}

#[cfg(all(test, feature = "http1"))]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn strings_are_escaped() {
        for (bytes, json, is_escaped) in [
            (&b"plain"[..], r#""plain""#, false),
            (b"a\"b\\c/", r#""a\"b\\c/""#, false),
            (b"\r\n\t\0\x1f\x7f", "\"\\r\\n\\t\\u0000\\u001f\\u007f\"", false),
            ("é \u{202e}✓".as_bytes(), "\"é \\u202e✓\"", false),
            (b"caf\xe9", r#""caf\\xe9""#, true),
            (b"\\\xff\xc3", r#""\\\\\\xff\\xc3""#, true),
        ] {
            assert_eq!(
                (Bytes(bytes).to_string().as_str(), Bytes(bytes).is_escaped()),
                (json, is_escaped)
            );
        }
        assert_eq!(Text("a\"").to_string(), r#""a\"""#);
    }
}
