//! What the fields of a head say about the message and the connection.

use super::error::Violation;
use super::fields::Fields;
use super::frame::{BodyLen, Version};
use super::grammar::{is_token, list_elements, list_tokens};
use super::target;

/// What the fields say that the framing lives by. The same check is made of what is received and
/// of what is to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Announced {
    pub(super) length: Option<u64>,
    pub(super) coding: Coding,
    /// Means nothing in a response.
    pub(super) host: Host,
    /// Tokens of Connection.
    pub(super) close: bool,
    pub(super) keep_alive: bool,
    pub(super) upgrade: bool,
    /// There is an Upgrade field.
    pub(super) has_upgrade: bool,
    /// Expect holds `100-continue`.
    pub(super) expects_continue: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Coding {
    #[default]
    Plain,
    Chunked,
    Refused(Violation),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Host {
    #[default]
    Missing,
    Given,
    Refused(Violation),
}

impl Announced {
    pub(super) fn of(fields: &Fields<'_>) -> Result<Self, Violation> {
        let mut announced = Self::default();
        for (name, value) in fields.iter() {
            announced.take(name, value)?;
        }
        announced.check()
    }

    /// Takes note of a field.
    #[inline]
    pub(super) fn take(&mut self, name: &str, value: &[u8]) -> Result<(), Violation> {
        match name.len() {
            4 if name.eq_ignore_ascii_case("host") => self.take_host(value),
            6 if name.eq_ignore_ascii_case("expect") => {
                self.expects_continue |=
                    list_tokens(value).any(|element| element.eq_ignore_ascii_case(b"100-continue"));
            }
            7 if name.eq_ignore_ascii_case("upgrade") => self.has_upgrade = true,
            10 if name.eq_ignore_ascii_case("connection") => self.take_connection(value),
            14 if name.eq_ignore_ascii_case("content-length") => {
                if self.length.is_some() {
                    return Err(Violation::ContentLengthRepeated);
                }
                self.length = Some(content_length(value)?);
            }
            17 if name.eq_ignore_ascii_case("transfer-encoding") => self.take_codings(value),
            _ => {}
        }
        Ok(())
    }

    fn take_host(&mut self, value: &[u8]) {
        self.host = match self.host {
            Host::Missing if target::is_host(value) => Host::Given,
            Host::Missing => Host::Refused(Violation::HostInvalid),
            Host::Given | Host::Refused(_) => Host::Refused(Violation::HostRepeated),
        };
    }

    fn take_connection(&mut self, value: &[u8]) {
        for token in list_tokens(value) {
            self.close |= token.eq_ignore_ascii_case(b"close");
            self.keep_alive |= token.eq_ignore_ascii_case(b"keep-alive");
            self.upgrade |= token.eq_ignore_ascii_case(b"upgrade");
        }
    }

    fn take_codings(&mut self, value: &[u8]) {
        for coding in list_elements(value) {
            self.coding = match self.coding {
                Coding::Refused(Violation::TransferEncoding) => return,
                _ if !is_token(coding) => Coding::Refused(Violation::TransferEncoding),
                Coding::Plain if coding.eq_ignore_ascii_case(b"chunked") => Coding::Chunked,
                Coding::Plain => Coding::Refused(Violation::TransferCodingUnknown),
                Coding::Chunked | Coding::Refused(_) => Coding::Refused(Violation::TransferCodings),
            };
        }
    }

    /// Once all fields are known.
    #[inline]
    pub(super) const fn check(self) -> Result<Self, Violation> {
        match self.coding {
            Coding::Plain => Ok(self),
            Coding::Chunked | Coding::Refused(_) if self.length.is_some() => {
                Err(Violation::LengthAndCoding)
            }
            Coding::Refused(violation) => Err(violation),
            Coding::Chunked => Ok(self),
        }
    }

    /// What a message of that version must keep beside.
    pub(super) fn check_version(&self, version: Version) -> Result<(), Violation> {
        if version == Version::Http10 && self.coding != Coding::Plain {
            return Err(Violation::TransferEncodingInHttp10);
        }
        Ok(())
    }

    /// What a request must keep beside.
    pub(super) fn check_request(&self, method: &str, version: Version) -> Result<(), Violation> {
        self.check_version(version)?;
        match self.host {
            Host::Missing if version == Version::Http11 => return Err(Violation::HostMissing),
            Host::Refused(violation) => return Err(violation),
            Host::Missing | Host::Given => {}
        }
        if method == "CONNECT" && !matches!(self.body_len(), BodyLen::None | BodyLen::Length(0)) {
            return Err(Violation::ConnectBody);
        }
        Ok(())
    }

    pub(super) const fn body_len(&self) -> BodyLen {
        match (self.coding, self.length) {
            (Coding::Plain, None) => BodyLen::None,
            (Coding::Plain, Some(len)) => BodyLen::Length(len),
            (Coding::Chunked | Coding::Refused(_), _) => BodyLen::Chunked,
        }
    }

    /// Whether the connection is to go on behind the message (RFC 9112, section 9.3).
    pub(super) fn is_persistent(&self, version: Version) -> bool {
        !self.close && (version == Version::Http11 || self.keep_alive)
    }

    /// Whether the request offers to change protocols (RFC 9110, section 7.8).
    pub(super) fn offers_upgrade(&self, version: Version) -> bool {
        version == Version::Http11 && self.upgrade && self.has_upgrade
    }
}

/// A plain decimal number: no sign, no list, no leading zeros.
fn content_length(value: &[u8]) -> Result<u64, Violation> {
    if value.is_empty() || (value.len() > 1 && value.starts_with(b"0")) {
        return Err(Violation::ContentLength);
    }
    let mut len = 0_u64;
    let mut overflows = false;
    for byte in value {
        if !byte.is_ascii_digit() {
            return Err(Violation::ContentLength);
        }
        match len.checked_mul(10).and_then(|len| len.checked_add(u64::from(byte - b'0'))) {
            Some(longer) => len = longer,
            None => overflows = true,
        }
    }
    if overflows { Err(Violation::ContentLengthOverflow) } else { Ok(len) }
}
