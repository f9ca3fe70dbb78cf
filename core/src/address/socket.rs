use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use super::{AddressError, AddressProblem, TARGET_LEN_MAX, UNIX_LEN_MAX};

/// The name of a Unix socket in the grammar of the [module](super): a path, or a name that Linux
/// keeps apart from the file system.
///
/// It has no white space, no control characters and no `:/`, which is where a target begins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixName(String);

/// Where a Unix socket has its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnixPlace<'a> {
    /// In the file system.
    Path(&'a str),
    /// In the abstract namespace of Linux; without the leading `@` or zero.
    Abstract(&'a str),
}

impl UnixName {
    /// Where the name is, and the name.
    #[must_use]
    pub fn place(&self) -> UnixPlace<'_> {
        match self.0.strip_prefix('@') {
            Some(name) => UnixPlace::Abstract(name),
            None => UnixPlace::Path(&self.0),
        }
    }

    pub(super) fn parse(text: &str, at: usize) -> Result<Self, AddressError> {
        let is_path = text.starts_with(['/', '.']) && !text.starts_with("//");
        let is_abstract = text.starts_with('@') && text.len() > 1;
        if !is_path && !is_abstract {
            return Err(AddressProblem::UnixStart.at(at));
        }
        let end = text.find(":/").unwrap_or(text.len());
        for (offset, found) in text.char_indices() {
            if found.is_control() || found.is_whitespace() || offset == end {
                return Err(AddressProblem::UnixCharacter { found }.at(at + offset));
            }
        }
        // The `@` stands for the zero byte that the system counts too.
        if text.len() > UNIX_LEN_MAX {
            return Err(AddressProblem::UnixLen { len: text.len(), max: UNIX_LEN_MAX }.at(at));
        }
        Ok(Self(text.into()))
    }
}

/// # Errors
/// [`AddressError`] for text that is no name of a socket.
impl FromStr for UnixName {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::parse(text, 0)
    }
}

impl fmt::Display for UnixName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an HTTP address asks for: path and query, beginning with `/`, in visible ASCII without `#`.
/// Percent-encoding is kept as it is.
///
/// # Specification
/// RFC 9112, section 3.2.1 (origin-form), with more characters than it has: servers must refuse
/// what they do not like, clients meet such addresses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target(String);

impl Target {
    /// The target as it stands in a request line.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn parse(text: &str, at: usize) -> Result<Self, AddressError> {
        let root = match text.chars().next() {
            Some('/') => "",
            // A query without a path asks the root (RFC 9112, section 3.2.1).
            Some('?') => "/",
            Some(_) | None => return Err(AddressProblem::TargetStart.at(at)),
        };
        for (offset, found) in text.char_indices() {
            if !found.is_ascii_graphic() || found == '#' {
                return Err(AddressProblem::TargetCharacter { found }.at(at + offset));
            }
        }
        let len = root.len() + text.len();
        if len > TARGET_LEN_MAX {
            return Err(AddressProblem::TargetLen { len, max: TARGET_LEN_MAX }.at(at));
        }
        let mut target = String::with_capacity(len);
        target.push_str(root);
        target.push_str(text);
        Ok(Self(target))
    }
}

/// `/`.
impl Default for Target {
    fn default() -> Self {
        Self("/".into())
    }
}

/// # Errors
/// [`AddressError`] for text that is no target.
impl FromStr for Target {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::parse(text, 0)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
