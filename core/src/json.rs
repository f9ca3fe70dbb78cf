//! JSON strings (RFC 8259, section 7).

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

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn strings_are_escaped() {
        for (text, json) in [
            ("plain", r#""plain""#),
            ("a\"b\\c/", r#""a\"b\\c/""#),
            ("\r\n\t\0\x1f\x7f", "\"\\r\\n\\t\\u0000\\u001f\\u007f\""),
            ("é \u{202e}✓", "\"é \\u202e✓\""),
        ] {
            assert_eq!(Text(text).to_string(), json);
        }
    }
}
