//! Where a redirect leads, and what of the request goes along.

use alloc::string::String;

use super::error::{GetError, RedirectProblem};
use super::request::Asking;
use crate::address::{Address, Endpoint};
use crate::http1::Response;

/// What redirects are allowed, and how many there were.
#[derive(Debug)]
pub(super) struct Redirects {
    pub(super) max: u32,
    pub(super) followed: u32,
    pub(super) may_downgrade: bool,
}

impl Redirects {
    /// Whether `response` is a redirect that is to be followed.
    ///
    /// # Specification
    /// RFC 9110, section 15.4. 300 leaves the choice to the user; 304, 305 and 306 lead nowhere.
    pub(super) fn location<'a>(&self, response: &Response<'a>) -> Option<&'a [u8]> {
        let is_redirect = matches!(response.status, 301 | 302 | 303 | 307 | 308);
        if is_redirect && self.max > 0 { response.fields.get("location") } else { None }
    }

    /// Turns `asking` into the request that follows.
    pub(super) fn follow(
        &mut self,
        status: u16,
        location: &[u8],
        asking: &mut Asking,
    ) -> Result<(), GetError> {
        if self.followed == self.max {
            return Err(RedirectProblem::TooMany { max: self.max }.into());
        }
        let from = &asking.address;
        let to = from.resolve(&text_of(location)).map_err(RedirectProblem::Location)?;
        self.check(from, &to)?;
        let is_same_origin = from.is_same_origin(&to);
        let becomes_get = match status {
            303 => asking.method != "HEAD",
            301 | 302 => asking.method == "POST",
            _ => false,
        };
        if becomes_get {
            asking.method = "GET".into();
            asking.drop_upload();
        }
        if asking.upload.is_some_and(|upload| !upload.is_repeatable) {
            return Err(RedirectProblem::Unrepeatable.into());
        }
        if !is_same_origin {
            asking.keep_harmless_fields();
            asking.has_left_origin = true;
        }
        asking.address = to;
        self.followed += 1;
        Ok(())
    }

    fn check(&self, from: &Address, to: &Address) -> Result<(), RedirectProblem> {
        if from.is_tls() && !to.is_tls() && !self.may_downgrade {
            return Err(RedirectProblem::Downgrade);
        }
        if matches!(to.endpoint(), Endpoint::Unix(_)) && to.endpoint() != from.endpoint() {
            return Err(RedirectProblem::UnixSocket);
        }
        Ok(())
    }
}

/// A location as text. Servers send other letters than those of URIs; they are written as URIs
/// write them, byte by byte (RFC 3987, section 3.1).
fn text_of(location: &[u8]) -> String {
    let mut text = String::with_capacity(location.len());
    for byte in location {
        if byte.is_ascii() {
            text.push(char::from(*byte));
        } else {
            text.push_str(&alloc::format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_uris_lack_are_escaped() {
        assert_eq!(text_of("/é?a b".as_bytes()), "/%C3%A9?a b");
        assert_eq!(text_of(b"/\xff"), "/%FF");
    }
}
