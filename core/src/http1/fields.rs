//! The field lines of a message.

use core::fmt;

use memchr::{memchr, memchr_iter};

use super::grammar::{list_tokens, trim_ows};

/// The fields of a head or of trailers, in order and with their case.
///
/// Received ones are walked in place, in the receive buffer; to be sent are those of a slice.
///
/// ```
/// use drywire::http1::Fields;
///
/// let fields = Fields::new(&[("Content-Type", b"text/plain"), ("Connection", b"a, Close")]);
/// assert_eq!(fields.get("content-type"), Some(&b"text/plain"[..]));
/// assert!(fields.has_token("connection", "close"));
/// ```
///
/// # Specification
/// RFC 9110, section 5; RFC 9112, section 5.
#[derive(Clone, Copy)]
pub struct Fields<'a>(Source<'a>);

#[derive(Clone, Copy)]
enum Source<'a> {
    /// Field lines that were checked, each with its line end.
    Wire(&'a [u8]),
    Listed(&'a [(&'a str, &'a [u8])]),
}

impl<'a> Fields<'a> {
    /// No fields.
    pub const NONE: Fields<'static> = Fields(Source::Listed(&[]));

    /// Fields to be sent. They are checked when they are.
    #[must_use]
    pub const fn new(list: &'a [(&'a str, &'a [u8])]) -> Self {
        Self(Source::Listed(list))
    }

    /// The checked lines of a head or of trailers, without the empty line.
    pub(super) const fn from_wire(lines: &'a [u8]) -> Self {
        Self(Source::Wire(lines))
    }

    /// Names and values in order; the values without white space at their ends.
    #[must_use]
    #[inline]
    pub const fn iter(&self) -> FieldsIter<'a> {
        FieldsIter { rest: self.0 }
    }

    /// The value of the first field of that name, in any case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.get_all(name).next()
    }

    /// The values of all fields of that name, in any case and in order.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.iter()
            .filter(move |(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Whether `token` is an element, in any case, of the lists in the fields of that name.
    #[must_use]
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.get_all(name)
            .flat_map(list_tokens)
            .any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self.0 {
            Source::Wire(lines) => memchr_iter(b'\n', lines).count(),
            Source::Listed(list) => list.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        match self.0 {
            Source::Wire(lines) => lines.is_empty(),
            Source::Listed(list) => list.is_empty(),
        }
    }
}

impl<'a> IntoIterator for Fields<'a> {
    type Item = (&'a str, &'a [u8]);
    type IntoIter = FieldsIter<'a>;

    fn into_iter(self) -> FieldsIter<'a> {
        self.iter()
    }
}

impl PartialEq for Fields<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Fields<'_> {}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (name, value) in self.iter() {
            map.entry(&name, &format_args!("\"{}\"", value.escape_ascii()));
        }
        map.finish()
    }
}

/// Walks [`Fields`].
#[derive(Clone)]
pub struct FieldsIter<'a> {
    rest: Source<'a>,
}

impl<'a> Iterator for FieldsIter<'a> {
    type Item = (&'a str, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.rest {
            Source::Wire(lines) => {
                let colon = memchr(b':', lines)?;
                let (name, rest) = lines.split_at_checked(colon)?;
                let end = memchr(b'\n', rest)?;
                *lines = rest.get(end + 1..)?;
                let name = core::str::from_utf8(name).ok()?;
                Some((name, trim_ows(rest.get(1..end.checked_sub(1)?)?)))
            }
            Source::Listed(list) => {
                let ((name, value), rest) = list.split_first()?;
                *list = rest;
                Some((name, trim_ows(value)))
            }
        }
    }
}

impl fmt::Debug for FieldsIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Fields(self.rest).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn received_fields_are_those_that_were_sent() {
        let wire = Fields::from_wire(b"Host: a\r\nX:\r\nx: \t b:c \r\nConnection: p,, Q\r\n");
        let list = [("Host", &b"a"[..]), ("X", b" "), ("x", b"b:c\t"), ("Connection", b"p,, Q")];
        for fields in [wire, Fields::new(&list)] {
            assert_eq!((fields.len(), fields.is_empty()), (4, false));
            assert_eq!(fields.get("hOST"), Some(&b"a"[..]));
            assert_eq!(fields.get("y"), None);
            assert_eq!(fields.get_all("X").collect::<Vec<_>>(), [&b""[..], b"b:c"]);
            assert!(fields.has_token("connection", "q"));
            assert!(!fields.has_token("connection", "") && !fields.has_token("x", "b"));
            let text = r#"{"Host": "a", "X": "", "x": "b:c", "Connection": "p,, Q"}"#;
            assert_eq!(format!("{fields:?}"), text);
        }
        assert_eq!(wire, Fields::new(&list));
        assert_ne!(wire, Fields::new(&list[1..]));
        assert_eq!(Fields::from_wire(b""), Fields::NONE);
        assert!(Fields::NONE.is_empty());
    }
}
