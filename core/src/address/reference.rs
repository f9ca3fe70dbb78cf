//! References within addresses of HTTP: where a redirect leads.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;

use super::scheme::Kind;
use super::{Address, AddressError, AddressProblem, Endpoint, Target};

/// Why a reference leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReferenceError {
    /// Neither the address that it is resolved against nor the one that it leads to may be anything
    /// but HTTP.
    NotHttp,
    /// What it leads to is no address. The offset is in the reference once resolved.
    Address(AddressError),
}

impl Address {
    /// Resolves `reference`, absolute or relative to this address of HTTP, as a redirect or a link
    /// has it. A fragment is left out.
    ///
    /// A Unix socket has no name that references could share: those that begin with `//` lead from
    /// `http+unix` to `http`, and from `https+unix` to `https`.
    ///
    /// # Errors
    /// [`ReferenceError`].
    /// # Bounds
    /// Linear in the length of both; the result is within the limits of the [module](super).
    /// # Specification
    /// RFC 3986, section 5.2, with strict parsing of schemes (section 5.2.2).
    /// # Examples
    /// ```
    /// use drywire::address::Address;
    ///
    /// let base: Address = "https://example.com/a/b?c".parse()?;
    /// assert_eq!(base.resolve("../d").unwrap().to_string(), "https://example.com/d");
    /// assert_eq!(base.resolve("//[::1]:8").unwrap().to_string(), "https://[::1]:8/");
    /// # Ok::<(), drywire::address::AddressError>(())
    /// ```
    pub fn resolve(&self, reference: &str) -> Result<Self, ReferenceError> {
        let Self::Http { endpoint, tls, target } = self else {
            return Err(ReferenceError::NotHttp);
        };
        let reference = Reference::parse(reference);
        if let Some(scheme) = reference.scheme {
            let Some((Kind::Http { .. }, is_unix)) = Kind::from_scheme(scheme) else {
                return Err(ReferenceError::NotHttp);
            };
            return if is_unix {
                absolute_unix(scheme, &reference)
            } else {
                absolute(scheme, &reference)
            };
        }
        if reference.authority.is_some() {
            return absolute(Kind::Http { tls: *tls }.scheme(false), &reference);
        }
        let (base_path, base_query) = split_query(target.as_str());
        let (path, query) = merge(base_path, base_query, &reference);
        Ok(Self::Http { endpoint: endpoint.clone(), tls: *tls, target: to_target(path, query)? })
    }

    /// Whether both are HTTP of the same scheme at the same place: one origin.
    ///
    /// # Specification
    /// RFC 9110, section 4.3.1.
    #[must_use]
    pub fn is_same_origin(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Http { endpoint, tls, .. },
                Self::Http { endpoint: other_endpoint, tls: other_tls, .. },
            ) => endpoint == other_endpoint && tls == other_tls,
            _ => false,
        }
    }

    /// What an HTTP request to this address names as its host: without the port that the scheme
    /// implies, and without the interface of a link-local address, which means nothing to others.
    /// `None` unless the address is of HTTP.
    ///
    /// # Specification
    /// RFC 9110, section 7.2; RFC 9844, section 4. A Unix socket has no name: `localhost`, as is
    /// usual.
    #[must_use]
    pub fn http_host(&self) -> Option<String> {
        use fmt::Write;

        let Self::Http { endpoint, tls, .. } = self else { return None };
        let Endpoint::Internet(place) = endpoint else { return Some("localhost".to_owned()) };
        let mut host = String::new();
        let written = match &place.host {
            super::Host::V6 { address, .. } => write!(host, "[{address}]"),
            other => write!(host, "{other}"),
        };
        debug_assert!(written.is_ok(), "a string takes everything");
        if (Kind::Http { tls: *tls }).default_port() != Some(place.port) {
            let written = write!(host, ":{}", place.port);
            debug_assert!(written.is_ok(), "a string takes everything");
        }
        Some(host)
    }
}

/// A reference with scheme and authority: nothing of the base is left.
fn absolute(scheme: &str, reference: &Reference<'_>) -> Result<Address, ReferenceError> {
    let Some(authority) = reference.authority else {
        let problem = AddressProblem::HostMissing;
        return Err(ReferenceError::Address(problem.at(scheme.len() + 1)));
    };
    let mut text = scheme.to_owned();
    text.push_str("://");
    text.push_str(authority);
    let (path, query) = merge("", None, reference);
    push_target(&mut text, &path, query);
    text.parse().map_err(ReferenceError::Address)
}

/// A reference to a Unix socket, whose path is no path of a URI.
fn absolute_unix(scheme: &str, reference: &Reference<'_>) -> Result<Address, ReferenceError> {
    let mut text = scheme.to_owned();
    text.push(':');
    if let Some(authority) = reference.authority {
        text.push_str("//");
        text.push_str(authority);
    }
    push_target(&mut text, reference.path, reference.query);
    text.parse().map_err(ReferenceError::Address)
}

fn to_target(path: String, query: Option<&str>) -> Result<Target, ReferenceError> {
    let mut target = String::with_capacity(path.len() + query.map_or(0, |query| query.len() + 1));
    push_target(&mut target, &path, query);
    target.parse().map_err(ReferenceError::Address)
}

fn push_target(text: &mut String, path: &str, query: Option<&str>) {
    text.push_str(path);
    if let Some(query) = query {
        text.push('?');
        text.push_str(query);
    }
}

/// The parts of a reference; each may be missing but the path, which may be empty.
///
/// # Specification
/// RFC 3986, appendix B.
#[derive(Debug)]
struct Reference<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Reference<'a> {
    fn parse(text: &'a str) -> Self {
        let text = text.split_once('#').map_or(text, |(text, _fragment)| text);
        let (scheme, text) = match text.split_once(':') {
            Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
            _ => (None, text),
        };
        let (text, query) = split_query(text);
        let (authority, path) = match text.strip_prefix("//") {
            Some(rest) => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                (Some(authority), path)
            }
            None => (None, text),
        };
        Self { scheme, authority, path, query }
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

fn split_query(text: &str) -> (&str, Option<&str>) {
    match text.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (text, None),
    }
}

/// Path and query of `reference` once it is resolved against those of a base.
///
/// # Specification
/// RFC 3986, sections 5.2.2 and 5.2.3.
fn merge<'a>(
    base_path: &str,
    base_query: Option<&'a str>,
    reference: &Reference<'a>,
) -> (String, Option<&'a str>) {
    let is_absolute = reference.scheme.is_some() || reference.authority.is_some();
    if is_absolute || reference.path.starts_with('/') {
        return (remove_dot_segments(reference.path), reference.query);
    }
    if reference.path.is_empty() {
        return (base_path.to_owned(), reference.query.or(base_query));
    }
    // Targets begin with a slash, so that there is one.
    let folder = base_path.rfind('/').and_then(|last| base_path.get(..=last)).unwrap_or("/");
    let mut path = String::with_capacity(folder.len() + reference.path.len());
    path.push_str(folder);
    path.push_str(reference.path);
    (remove_dot_segments(&path), reference.query)
}

/// # Specification
/// RFC 3986, section 5.2.4, by its steps A to E.
fn remove_dot_segments(path: &str) -> String {
    let mut output = String::with_capacity(path.len());
    let mut input = path;
    while !input.is_empty() {
        if let Some(rest) = input.strip_prefix("../").or_else(|| input.strip_prefix("./")) {
            input = rest;
        } else if input.starts_with("/./") {
            input = input.get(2..).unwrap_or_default();
        } else if input == "/." {
            input = "/";
        } else if input.starts_with("/../") {
            input = input.get(3..).unwrap_or_default();
            output.truncate(output.rfind('/').unwrap_or(0));
        } else if input == "/.." {
            input = "/";
            output.truncate(output.rfind('/').unwrap_or(0));
        } else if input == "." || input == ".." {
            input = "";
        } else {
            let skip = usize::from(input.starts_with('/'));
            let tail = input.get(skip..).unwrap_or_default();
            let len = skip + tail.find('/').unwrap_or(tail.len());
            let (segment, rest) = input.split_at(len);
            output.push_str(segment);
            input = rest;
        }
    }
    output
}

impl fmt::Display for ReferenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHttp => f.write_str("it does not lead from HTTP to HTTP"),
            Self::Address(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ReferenceError {}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use super::*;

    /// RFC 3986, sections 5.4.1 and 5.4.2, against `http://a/b/c/d;p?q`: all but `g:h` and `http:g`.
    const EXAMPLES: &[(&str, &str)] = &[
        ("g", "http://a/b/c/g"),
        ("./g", "http://a/b/c/g"),
        ("g/", "http://a/b/c/g/"),
        ("/g", "http://a/g"),
        ("//g", "http://g/"),
        ("?y", "http://a/b/c/d;p?y"),
        ("g?y", "http://a/b/c/g?y"),
        ("#s", "http://a/b/c/d;p?q"),
        ("g#s", "http://a/b/c/g"),
        ("g?y#s", "http://a/b/c/g?y"),
        (";x", "http://a/b/c/;x"),
        ("g;x", "http://a/b/c/g;x"),
        ("g;x?y#s", "http://a/b/c/g;x?y"),
        ("", "http://a/b/c/d;p?q"),
        (".", "http://a/b/c/"),
        ("./", "http://a/b/c/"),
        ("..", "http://a/b/"),
        ("../", "http://a/b/"),
        ("../g", "http://a/b/g"),
        ("../..", "http://a/"),
        ("../../", "http://a/"),
        ("../../g", "http://a/g"),
        ("../../../g", "http://a/g"),
        ("../../../../g", "http://a/g"),
        ("/./g", "http://a/g"),
        ("/../g", "http://a/g"),
        ("g.", "http://a/b/c/g."),
        (".g", "http://a/b/c/.g"),
        ("g..", "http://a/b/c/g.."),
        ("..g", "http://a/b/c/..g"),
        ("./../g", "http://a/b/g"),
        ("./g/.", "http://a/b/c/g/"),
        ("g/./h", "http://a/b/c/g/h"),
        ("g/../h", "http://a/b/c/h"),
        ("g;x=1/./y", "http://a/b/c/g;x=1/y"),
        ("g;x=1/../y", "http://a/b/c/y"),
        ("g?y/./x", "http://a/b/c/g?y/./x"),
        ("g?y/../x", "http://a/b/c/g?y/../x"),
        ("g#s/./x", "http://a/b/c/g"),
        ("g#s/../x", "http://a/b/c/g"),
    ];

    fn resolved(base: &str, reference: &str) -> Result<String, ReferenceError> {
        base.parse::<Address>().unwrap().resolve(reference).map(|address| address.to_string())
    }

    #[test]
    fn the_examples_of_the_standard_resolve_as_it_says() {
        for (reference, expected) in EXAMPLES {
            let found = resolved("http://a/b/c/d;p?q", reference);
            assert_eq!(found.as_deref(), Ok(*expected), "{reference}");
        }
        assert_eq!(resolved("http://a/b", "g:h"), Err(ReferenceError::NotHttp));
        // Strictly parsed: a scheme without an authority, which HTTP must have.
        assert!(matches!(resolved("http://a/b", "http:g"), Err(ReferenceError::Address(_))));
    }

    /// RFC 3986, section 5.2.4, and its edges.
    #[test]
    fn dot_segments_are_removed() {
        for (path, expected) in [
            ("/a/b/c/./../../g", "/a/g"),
            ("mid/content=5/../6", "mid/6"),
            ("/..", "/"),
            ("/.", "/"),
            ("..", ""),
            ("./a", "a"),
            ("../a", "a"),
            ("/a//../b", "/a/b"),
            ("/a/...", "/a/..."),
            ("", ""),
        ] {
            assert_eq!(remove_dot_segments(path), expected, "{path}");
        }
    }

    #[test]
    fn schemes_ports_and_sockets_are_kept_or_changed() {
        for (base, reference, expected) in [
            ("https://a:8/x", "y", "https://a:8/y"),
            ("https://a:8/x", "//b/y", "https://b/y"),
            ("https://a/x", "http://a/../y", "http://a/y"),
            ("https://a/x", "HTTP://A:443?q", "http://a:443/?q"),
            ("http://a", "?q", "http://a/?q"),
            ("http://a/x?q", "#f", "http://a/x?q"),
            ("http+unix:/run/s:/x/y?q", "../z", "http+unix:/run/s:/z"),
            ("http+unix:/run/s:/x", "?q", "http+unix:/run/s:/x?q"),
            ("http+unix:/run/s:/x", "//a/y", "http://a/y"),
            ("https+unix:@s:/x", "http+unix:/run/t:/y?q", "http+unix:/run/t:/y?q"),
            ("http://a/x", "http+unix:///run/t", "http+unix:/run/t:/"),
            ("http://a/x", "a/b:c", "http://a/a/b:c"),
            ("http://a/x", "1a:b", "http://a/1a:b"),
        ] {
            let found = resolved(base, reference);
            assert_eq!(found.as_deref(), Ok(expected), "{base} {reference}");
        }
        for (base, reference) in [
            ("tcp://a:1", "/x"),
            ("http://a/", "tcp://b:1"),
            ("http://a/", "ftp://b/"),
            ("http://a/", "mailto:x@b"),
            ("http://a/", "javascript:alert(1)"),
        ] {
            assert_eq!(resolved(base, reference), Err(ReferenceError::NotHttp), "{reference}");
        }
        for reference in ["//u@b/", "//", "/é", "/ x", "//b:99999/", "http:///x", "//[::1/"] {
            let found = resolved("http://a/", reference);
            assert!(matches!(found, Err(ReferenceError::Address(_))), "{reference}: {found:?}");
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let address = |text: &str| text.parse::<Address>().unwrap();
        let base = address("https://a/x");
        for (other, expected) in [
            ("https://A:443/y?z", true),
            ("http://a:443/x", false),
            ("https://a:444/x", false),
            ("https://a./x", false),
            ("https+unix:/a:/x", false),
            ("tls://a:443", false),
        ] {
            assert_eq!(base.is_same_origin(&address(other)), expected, "{other}");
        }
        assert!(address("http+unix:/a:/x").is_same_origin(&address("http+unix:/a")));
        assert!(!address("tcp://a:1").is_same_origin(&address("tcp://a:1")));
    }

    #[test]
    fn a_host_field_has_neither_implied_port_nor_interface() {
        for (text, expected) in [
            ("http://Example.org/x", Some("example.org")),
            ("http://example.org:443", Some("example.org:443")),
            ("https://example.org:443", Some("example.org")),
            ("http://[fe80::1%eth0]:8/", Some("[fe80::1]:8")),
            ("http://127.0.0.1", Some("127.0.0.1")),
            ("http+unix:/run/x", Some("localhost")),
            ("tcp://a:1", None),
        ] {
            let host = text.parse::<Address>().unwrap().http_host();
            assert_eq!(host.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn errors_say_what_they_are() {
        let error = resolved("http://a/", "//b:x/").unwrap_err();
        let expected = "at byte 9: expected a digit of the port, found 'x'";
        assert_eq!(error.to_string(), expected);
        assert_eq!(format!("{}", ReferenceError::NotHttp), "it does not lead from HTTP to HTTP");
    }
}
