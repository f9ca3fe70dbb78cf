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
    /// A date says enough if the answer is of a later second (RFC 9110, section 8.8.2.2). Only the
    /// one spelling that servers may use is known.
    #[must_use]
    pub fn of(response: &Response<'_>) -> Option<Self> {
        let fields = response.fields;
        if let Some(tag) = fields.get("etag") {
            let is_strong = tag.len() >= 2 && tag.starts_with(b"\"") && tag.ends_with(b"\"");
            return is_strong.then(|| Self(tag.into()));
        }
        let modified = fields.get("last-modified")?;
        let date = fields.get("date")?;
        (second_of(modified)? < second_of(date)?).then(|| Self(modified.into()))
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

/// Year, month, day, hour, minute and second of a date, which compare as the dates do.
///
/// # Specification
/// RFC 9110, section 5.6.7, `IMF-fixdate`. The day of the week is not looked at.
fn second_of(date: &[u8]) -> Option<[u32; 6]> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let text = core::str::from_utf8(date).ok()?.strip_suffix(" GMT")?;
    let (_, text) = text.split_once(", ")?;
    let mut parts = text.split([' ', ':']);
    let mut part = |len: usize| parts.next().filter(|part| part.len() == len);
    let number = |text: &str| {
        let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
        if is_digits { text.parse::<u32>().ok() } else { None }
    };
    let day = number(part(2)?)?;
    let name = part(3)?;
    let month = (0..12).find(|month| MONTHS.get(month * 3..month * 3 + 3) == Some(name))?;
    let year = number(part(4)?)?;
    let (hour, minute, second) = (number(part(2)?)?, number(part(2)?)?, number(part(2)?)?);
    let is_whole = parts.next().is_none();
    is_whole.then_some([year, u32::try_from(month).ok()?, day, hour, minute, second])
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
        // Years, months and hours count for more than what is behind them.
        for earlier in [
            &b"Fri, 30 Dec 1993 23:59:59 GMT"[..],
            b"Mon, 31 Oct 1994 23:59:59 GMT",
            b"Tue, 15 Nov 1994 11:59:59 GMT",
        ] {
            assert!(of(&[("Last-Modified", earlier), date]).is_some());
        }
        let later: (&str, &[u8]) = ("Last-Modified", b"Tue, 15 Nov 1994 12:45:28 GMT");
        let much_later: (&str, &[u8]) = ("Last-Modified", b"Thu, 01 Dec 1994 00:00:00 GMT");
        let other: (&str, &[u8]) = ("Last-Modified", b"Tuesday, 15-Nov-94 12:45:20 GMT");
        let signed: (&str, &[u8]) = ("Last-Modified", b"Tue, +5 Nov 1994 12:45:20 GMT");
        for weak in [
            &[("ETag", &b"W/\"a\""[..]), modified, date][..],
            &[later, date],
            &[much_later, date],
            &[other, date],
            &[signed, date],
            &[modified, ("Date", b"yesterday GMT")],
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
