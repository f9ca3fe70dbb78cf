use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::error::{FieldProblem, GetError};
use super::range::Range;
use super::validator::Resume;
use crate::address::Address;
use crate::http1::{Fields, Frame, Request, Version};

/// The body of a request, as far as it is known before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Its length, if it is known: else it is sent in chunks.
    pub len: Option<u64>,
    /// Whether it can be read again from its beginning, which some redirects ask for.
    pub is_repeatable: bool,
}

/// What is asked for, for as long as it is asked.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) address: Address,
    /// A redirect led away from where it began.
    pub(super) has_left_origin: bool,
    pub(super) method: String,
    /// The caller's.
    pub(super) fields: Vec<(String, Vec<u8>)>,
    /// Names of our own fields that the caller does not want.
    pub(super) omitted: Vec<String>,
    pub(super) upload: Option<Upload>,
    pub(super) part: Part,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    Range(Range),
    Rest(Resume),
}

/// Fields that this client decides about.
const RESERVED: [&str; 6] =
    ["connection", "content-length", "expect", "if-range", "transfer-encoding", "upgrade"];

/// Our own fields that say nothing about the request: the caller may replace or omit them.
const OURS: [(&str, &str); 2] =
    [("user-agent", concat!("drywire/", env!("CARGO_PKG_VERSION"))), ("accept", "*/*")];

/// Fields that say nothing about who asks, so that they may go wherever a redirect leads.
const HARMLESS: [&str; 3] = ["user-agent", "cache-control", "pragma"];

impl Asking {
    pub(super) fn set_method(&mut self, method: &str) -> Result<(), GetError> {
        // A tunnel is no answer.
        if !is_token(method) || method == "CONNECT" {
            return Err(GetError::Method);
        }
        self.method = method.into();
        Ok(())
    }

    pub(super) fn add_field(&mut self, name: &str, value: &[u8]) -> Result<(), FieldProblem> {
        if !is_token(name) {
            return Err(FieldProblem::Name);
        }
        if RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) {
            return Err(FieldProblem::Reserved);
        }
        if value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            return Err(FieldProblem::Value);
        }
        self.fields.push((name.into(), value.into()));
        Ok(())
    }

    /// Whether the caller asks for a part by a field.
    pub(super) fn has_own_range(&self) -> bool {
        self.fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("range"))
    }

    /// Leaves behind what must not go to another origin.
    pub(super) fn keep_harmless_fields(&mut self) {
        let starts_with = |name: &str, start: &str| {
            name.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
        };
        self.fields.retain(|(name, _)| {
            HARMLESS.iter().any(|harmless| harmless.eq_ignore_ascii_case(name))
                || name.eq_ignore_ascii_case("accept")
                || starts_with(name, "accept-")
                || starts_with(name, "content-")
        });
    }

    /// Makes it a request without a body.
    pub(super) fn drop_upload(&mut self) {
        self.upload = None;
        self.fields.retain(|(name, _)| {
            !name
                .get(.."content-".len())
                .is_some_and(|start| start.eq_ignore_ascii_case("content-"))
        });
    }

    pub(super) fn head(&self) -> Head<'_> {
        let is_given =
            |name: &str| self.fields.iter().any(|(given, _)| given.eq_ignore_ascii_case(name));
        let is_omitted =
            |name: &str| self.omitted.iter().any(|given| given.eq_ignore_ascii_case(name));
        let mut fields = Vec::new();
        if !is_given("host") {
            let host = self.address.http_host().unwrap_or_default();
            fields.push(("host", Cow::Owned(host.into_bytes())));
        }
        for (name, value) in OURS {
            if !is_given(name) && !is_omitted(name) {
                fields.push((name, Cow::Borrowed(value.as_bytes())));
            }
        }
        for (name, value) in &self.fields {
            fields.push((name, Cow::Borrowed(value)));
        }
        let mut push = |name, value: String| fields.push((name, Cow::Owned(value.into_bytes())));
        match &self.part {
            Part::Whole => {}
            Part::Range(range) => push("range", alloc::format!("bytes={range}")),
            Part::Rest(resume) => push("range", alloc::format!("bytes={}-", resume.offset)),
        }
        match self.upload {
            None => {}
            Some(Upload { len: Some(len), .. }) => push("content-length", len.to_string()),
            Some(Upload { len: None, .. }) => push("transfer-encoding", "chunked".into()),
        }
        if let Part::Rest(resume) = &self.part {
            fields.push(("if-range", Cow::Borrowed(resume.validator.as_bytes())));
        }
        fields.push(("connection", Cow::Borrowed(b"close")));
        let target = match &self.address {
            Address::Http { target, .. } => target.as_str(),
            Address::Stream { .. } | Address::Datagram { .. } => "/",
        };
        Head { method: &self.method, target, fields }
    }
}

/// RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_letter)
}

/// The head of a request that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    method: &'a str,
    target: &'a str,
    fields: Vec<(&'a str, Cow<'a, [u8]>)>,
}

/// A frame that is to be sent, with what it is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing<'a> {
    /// The head.
    Head(Head<'a>),
    /// The end of the body.
    End,
}

impl Outgoing<'_> {
    /// The fields of the head, for [`frame`](Self::frame).
    #[must_use]
    pub fn fields(&self) -> Vec<(&str, &[u8])> {
        match self {
            Self::Head(head) => head.fields.iter().map(|(name, value)| (*name, &**value)).collect(),
            Self::End => Vec::new(),
        }
    }

    /// The frame, with [its fields](Self::fields).
    #[must_use]
    pub fn frame<'a>(&'a self, fields: &'a [(&'a str, &'a [u8])]) -> Frame<'a> {
        let Self::Head(head) = self else { return Frame::End };
        Frame::Request(Request {
            method: head.method,
            target: head.target,
            version: Version::Http11,
            fields: Fields::new(fields),
        })
    }
}
