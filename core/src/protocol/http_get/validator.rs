use alloc::boxed::Box;

use crate::http1::Response;

/// What shows that a resource has not changed to the byte: a strong entity tag, or a date of last
/// modification that is old enough to tell.
///
/// # Specification
/// RFC 9110, sections 8.8 and 13.1.5.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator(Box<[u8]>);

impl Validator {
    /// The one of `response`, if it has one.
    ///
    /// A date says enough if the answer is of a later second (RFC 9110, section 8.8.2.2). Dates
    /// have one spelling each, so that two that differ are two seconds.
    #[must_use]
    pub fn of(response: &Response<'_>) -> Option<Self> {
        let fields = response.fields;
        if let Some(tag) = fields.get("etag") {
            let is_strong = tag.len() >= 2 && tag.starts_with(b"\"") && tag.ends_with(b"\"");
            return is_strong.then(|| Self(tag.into()));
        }
        let modified = fields.get("last-modified")?;
        let date = fields.get("date")?;
        (modified.ends_with(b" GMT") && modified != date).then(|| Self(modified.into()))
    }

    /// One that was kept as [bytes](Self::as_bytes); `None` if it cannot be one.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let is_text = bytes.iter().all(|byte| !byte.is_ascii_control());
        let has_a_shape = bytes.starts_with(b"\"") || bytes.ends_with(b" GMT");
        (is_text && has_a_shape).then(|| Self(bytes.into()))
    }

    /// The value of the field that it came from.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What there is of an earlier answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// How many bytes of it.
    pub offset: u64,
    /// What it was the answer of.
    pub validator: Validator,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::{Fields, Version};

    fn of(fields: &[(&str, &[u8])]) -> Option<Validator> {
        let fields = Fields::new(fields);
        Validator::of(&Response { version: Version::Http11, status: 200, reason: b"", fields })
    }

    #[test]
    fn only_what_tells_bytes_apart_is_a_validator() {
        let modified: (&str, &[u8]) = ("Last-Modified", b"Tue, 15 Nov 1994 12:45:26 GMT");
        let date: (&str, &[u8]) = ("Date", b"Tue, 15 Nov 1994 12:45:27 GMT");
        let same: (&str, &[u8]) = ("Date", b"Tue, 15 Nov 1994 12:45:26 GMT");
        assert_eq!(of(&[("ETag", b"\"a\""), modified]).unwrap().as_bytes(), b"\"a\"");
        assert_eq!(of(&[modified, date]).unwrap().as_bytes(), modified.1);
        for weak in [
            &[("ETag", &b"W/\"a\""[..]), modified, date][..],
            &[modified],
            &[modified, same],
            &[date],
            &[("ETag", b"a")],
            &[("ETag", b"\"")],
        ] {
            assert_eq!(of(weak), None, "{weak:?}");
        }
    }

    #[test]
    fn a_kept_validator_is_the_same_or_none() {
        let kept = Validator::from_bytes(b"\"a\"").unwrap();
        assert_eq!(Some(kept), of(&[("etag", b"\"a\"")]));
        assert_eq!(Validator::from_bytes(b"\"a\r\nX: y\""), None);
        assert_eq!(Validator::from_bytes(b""), None);
    }
}
