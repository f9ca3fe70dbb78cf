use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use drywire::address::Address;
use drywire::protocol::http_get::Range;

use super::{ClientTlsArguments, Runtime, Seconds, number};

/// Get resources over HTTP/1.1
///
/// The bodies of the answers are printed one after the other; what goes wrong with one ends the
/// command. A body that does not come whole is an error that says how much of it came, exit 6.
///
/// Redirects are followed, but not from https to http, and not to Unix sockets. To another host,
/// port or scheme go only fields that say nothing about who asks; -H fields such as Authorization
/// and Cookie stay behind.
///
/// With --output a body is written to FILE.part, which becomes FILE once it is whole: FILE is
/// never half there. If it ends before, FILE.part is kept if the server has said by what it can be
/// told whether the resource changes (a strong ETag, or a Last-Modified of an earlier second than
/// Date), which stands in FILE.part.from; --continue goes on from there, or from the beginning
/// if the resource has changed or there is nothing to go on with. What is no regular file, such as
/// /dev/null, is written to directly.
///
/// Servers are verified by the authorities that the system trusts, or by those of --ca.
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  drywire get https://example.com/
  drywire get --timing -o /dev/null https://example.com/
  drywire get --continue -o disk.iso https://example.com/disk.iso
  drywire get -X PUT --data @file --ca dev.pem https://localhost:7009/file
  drywire get -i http+unix:/run/echo.sock:/path?query")]
pub(crate) struct GetArguments {
    /// http://HOST:PORT/PATH, https://…, http+unix:SOCKET:/PATH or https+unix:…; :PORT and /PATH may be
    /// left out
    #[arg(value_name = "URL", required = true, value_parser = parse_address)]
    pub(crate) addresses: Vec<Address>,

    /// Write the body to this file instead of standard output; with several URLs once for each, in
    /// their order
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Vec<PathBuf>,

    /// Go on with what an earlier, interrupted run has left of FILE
    #[arg(long = "continue", requires = "output", conflicts_with = "range")]
    pub(crate) resume: bool,

    /// Print the heads of answers too, before the bodies, on standard output
    #[arg(short, long, conflicts_with = "json")]
    pub(crate) include: bool,

    /// Print on standard error how long each part took, and what TLS agreed on
    #[arg(long)]
    pub(crate) timing: bool,

    /// Make an answer of status 400 or above a failure, exit 1, and print nothing of it
    #[arg(short, long)]
    pub(crate) fail: bool,

    /// What drives the sockets
    #[arg(long, value_enum, default_value_t = Runtime::Std)]
    pub(crate) runtime: Runtime,

    /// Give up when connecting takes longer, or no byte comes or goes for as long [default: 30 for
    /// connecting, 10 for a TLS handshake, 300 after that]
    #[arg(long, value_name = "SECONDS", value_parser = Seconds::positive)]
    pub(crate) timeout: Option<Seconds>,

    /// Give up when connecting, or the TLS handshake after that, takes longer; before --timeout
    #[arg(long, value_name = "SECONDS", value_parser = Seconds::positive)]
    pub(crate) connect_timeout: Option<Seconds>,

    /// Give up when all of it together takes longer, whatever it is busy with; before --timeout.
    /// FILE.part is left as it is then, as when the command is interrupted
    #[arg(long, value_name = "SECONDS", value_parser = Seconds::positive)]
    pub(crate) max_time: Option<Seconds>,

    #[command(flatten)]
    pub(crate) request: RequestArguments,

    #[command(flatten)]
    pub(crate) tls: ClientTlsArguments,
}

/// What is asked for.
#[derive(Args, Debug)]
#[command(next_help_heading = "Request")]
pub(crate) struct RequestArguments {
    /// The method [default: GET, with --data POST]
    #[arg(short = 'X', long = "request", value_name = "METHOD")]
    pub(crate) method: Option<String>,

    /// A field of the request; `Accept:` and `User-Agent:` without a value leave out ours
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub(crate) fields: Vec<Field>,

    /// The body of the request: text, @FILE, or - for standard input. No content-type is sent
    /// unless -H gives one
    #[arg(long, value_name = "DATA", allow_hyphen_values = true)]
    pub(crate) data: Option<OsString>,

    /// Ask for some bytes only: FIRST-LAST from 0, FIRST-, or -COUNT for the last ones. Everything
    /// instead is a failure, exit 1
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true)]
    pub(crate) range: Option<Range>,

    /// How many redirects to follow; with 0 a redirect is the answer
    #[arg(long, value_name = "COUNT", value_parser = number::<u32>, default_value_t = drywire::protocol::http_get::REDIRECTS_MAX)]
    pub(crate) max_redirects: u32,

    /// Follow redirects from https to http, where everybody on the way can read and change the
    /// request and the answer
    #[arg(long)]
    pub(crate) allow_downgrade: bool,
}

/// A field as it is written on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl FromStr for Field {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.split_once(':').ok_or("expected a name, a colon and a value")?;
        Ok(Self { name: name.to_owned(), value: value.trim_matches([' ', '\t']).to_owned() })
    }
}

fn parse_address(text: &str) -> Result<Address, String> {
    const EXPECTED: &str = "expected a URL that begins with http://, https://, http+unix: or \
                            https+unix:";
    const SCHEMES: [&str; 4] = ["http", "https", "http+unix", "https+unix"];
    let scheme = text.split_once(':').map(|(scheme, _)| scheme);
    let is_http =
        SCHEMES.iter().any(|known| scheme.is_some_and(|it| it.eq_ignore_ascii_case(known)));
    match without_fragment(text).parse() {
        Ok(address @ Address::Http { .. }) => Ok(address),
        Err(error) if is_http => Err(error.to_string()),
        Ok(_) | Err(_) => Err(EXPECTED.to_owned()),
    }
}

/// A URL as it is asked for: the fragment is for whoever reads the answer (RFC 3986, section 3.5).
fn without_fragment(text: &str) -> &str {
    // The name of a Unix socket may have such a letter too; it ends before the path.
    let begin = match text.split_once("+unix:") {
        Some((_, place)) => match place.find(":/") {
            Some(colon) => text.len() - place.len() + colon,
            None => text.len(),
        },
        None => 0,
    };
    text[begin..].find('#').map_or(text, |hash| &text[..begin + hash])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_cut_at_its_first_colon() {
        let field = |name: &str, value: &str| Field { name: name.into(), value: value.into() };
        assert_eq!("A: b: c \t".parse(), Ok(field("A", "b: c")));
        assert_eq!("A:".parse(), Ok(field("A", "")));
        assert!("A".parse::<Field>().is_err());
    }

    #[test]
    fn urls_are_those_of_http() {
        for text in ["http://a", "https://[::1]:8/x", "http+unix:/run/x:/y", "HTTPS+UNIX:@x"] {
            assert!(parse_address(text).is_ok(), "{text}");
        }
        for text in
            ["example.com", "example.com:80", "tcp://a:1", "tcp://a:1/", "ftp://a/", "unix:/x", ""]
        {
            assert!(parse_address(text).unwrap_err().starts_with("expected a URL"), "{text}");
        }
        assert!(parse_address("http://a:x/").unwrap_err().starts_with("at byte 9: "));
        assert!(parse_address("http+unix:x").unwrap_err().starts_with("at byte 10: "));
    }

    #[test]
    fn fragments_are_left_out() {
        for (text, expected) in [
            ("http://a/b?c#d", "http://a/b?c"),
            ("http://a#d/e", "http://a/"),
            ("http+unix:/x#y:/z#d", "http+unix:/x#y:/z"),
            ("http+unix:/x#y", "http+unix:/x#y:/"),
        ] {
            assert_eq!(parse_address(text).unwrap().to_string(), expected);
        }
    }
}
