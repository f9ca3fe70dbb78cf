use std::fmt::Write;
use std::path::Path;

use drywire::address::{Address, Endpoint, Host, HostPort, UnixPlace};
use drywire::framing::AnyFraming;

/// What the lines to copy depend on.
pub(super) struct Invitation<'a> {
    pub(super) framing: &'a AnyFraming,
    /// How clients verify the server.
    pub(super) trust: Trust<'a>,
    /// Clients must show a certificate.
    pub(super) wants_certificate: bool,
    /// Clients must begin with a PROXY header.
    pub(super) wants_header: bool,
}

/// How clients can verify a server.
#[derive(Clone, Copy)]
pub(super) enum Trust<'a> {
    /// By authorities that we do not know.
    Theirs,
    /// By the development certificate in this file.
    File(&'a Path),
    /// Not at all: the development certificate is nowhere to be had.
    Nothing,
}

impl Invitation<'_> {
    /// Lines to copy that talk to a listener on `address`.
    pub(super) fn lines(&self, address: &Address) -> String {
        let mut lines = String::new();
        let mut line = |line: std::fmt::Arguments<'_>| {
            let written = writeln!(lines, "  {line}");
            debug_assert!(written.is_ok(), "a string takes everything");
        };
        let address = reachable(address);
        if let Address::Http { endpoint, .. } = &address {
            let place = match endpoint {
                Endpoint::Internet(_) => address.to_string(),
                Endpoint::Unix(_) => quoted(Path::new(&address.to_string())),
            };
            // Who does not send headers is not served.
            if !self.wants_header {
                let trust = self.trust(&address);
                line(format_args!("drywire get{trust} --data hello {place}"));
            }
            line(format_args!("curl{} -d hello {}", self.curl(&address), curl_place(&address, "")));
            return lines;
        }
        line(format_args!("drywire send{} {address}{}", self.flags(&address), self.data()));
        // Others have no framing: text in lines is what they can do. Nor do they send headers.
        if self.wants_header || !matches!(self.framing, AnyFraming::Raw(_) | AnyFraming::Lines(_)) {
            return lines;
        }
        let is_datagram = matches!(address, Address::Datagram { .. });
        let (place, unix) = match address.endpoint() {
            Endpoint::Internet(place) => (place.to_string(), false),
            Endpoint::Unix(name) => match name.place() {
                UnixPlace::Path(path) => (path.to_owned(), true),
                UnixPlace::Abstract(_) => return lines,
            },
        };
        match (address.is_tls(), unix, address.endpoint()) {
            (true, true, _) => {
                line(format_args!("openssl s_client{} -unix {place}", self.openssl()))
            }
            (true, false, _) => {
                line(format_args!("openssl s_client{} -connect {place}", self.openssl()));
            }
            (false, true, _) if is_datagram => line(format_args!("nc -uU {place}")),
            (false, true, _) => line(format_args!("nc -U {place}")),
            (false, false, Endpoint::Internet(HostPort { host, port })) => {
                let host = host.to_string();
                let udp = if is_datagram { "-u " } else { "" };
                line(format_args!("nc {udp}{} {port}", host.trim_matches(['[', ']'])));
            }
            (false, false, Endpoint::Unix(_)) => {}
        }
        lines
    }

    fn flags(&self, address: &Address) -> String {
        let mut flags = String::new();
        if !matches!(self.framing, AnyFraming::Raw(_)) {
            flags.push_str(&format!(" --framing {}", self.framing));
        }
        if self.wants_header {
            flags.push_str(" --proxy-protocol v2");
        }
        flags.push_str(&self.trust(address));
        flags
    }

    /// Flags of ours for TLS.
    fn trust(&self, address: &Address) -> String {
        let mut flags = String::new();
        if address.is_tls() {
            match self.trust {
                Trust::Theirs => {}
                Trust::File(file) => flags.push_str(&format!(" --ca {}", quoted(file))),
                Trust::Nothing => flags.push_str(" --insecure"),
            }
            if self.wants_certificate {
                flags.push_str(" --cert CERT.pem --key KEY.pem");
            }
            if matches!(address.endpoint(), Endpoint::Unix(_)) {
                flags.push_str(" --server-name localhost");
            }
        }
        flags
    }

    fn curl(&self, address: &Address) -> String {
        let mut flags = String::new();
        if self.wants_header {
            flags.push_str(" --haproxy-protocol");
        }
        if address.is_tls() {
            match self.trust {
                Trust::Theirs => {}
                Trust::File(file) => flags.push_str(&format!(" --cacert {}", quoted(file))),
                Trust::Nothing => flags.push_str(" --insecure"),
            }
            if self.wants_certificate {
                flags.push_str(" --cert CERT.pem --key KEY.pem");
            }
        }
        flags
    }

    fn data(&self) -> &'static str {
        if matches!(self.framing, AnyFraming::Fixed(_)) { " < FILE" } else { " hello" }
    }

    fn openssl(&self) -> String {
        let mut flags = String::from(" -quiet");
        if let Trust::File(file) = self.trust {
            flags.push_str(&format!(" -verify_return_error -CAfile {}", quoted(file)));
        }
        if self.wants_certificate {
            flags.push_str(" -cert CERT.pem -key KEY.pem");
        }
        flags
    }
}

/// A line to copy that asks whether a server is ready that tells of itself at `admin`.
pub(super) fn readiness(admin: &Address) -> String {
    format!("  curl {}\n", curl_place(admin, "readyz"))
}

/// An address of HTTP as curl takes it, with `target` behind the slash.
fn curl_place(address: &Address, target: &str) -> String {
    let Endpoint::Unix(name) = address.endpoint() else { return format!("{address}{target}") };
    let (option, place) = match name.place() {
        UnixPlace::Path(path) => ("--unix-socket", path),
        UnixPlace::Abstract(name) => ("--abstract-unix-socket", name),
    };
    let scheme = if address.is_tls() { "https" } else { "http" };
    format!("{option} {} {scheme}://localhost/{target}", quoted(Path::new(place)))
}

/// A file's name as a shell takes it.
fn quoted(file: &Path) -> String {
    let name = file.display().to_string();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+,:@%".contains(letter);
    if name.chars().all(is_plain) { name } else { format!("'{}'", name.replace('\'', r"'\''")) }
}

/// The address to connect to from here: one that stands for all addresses is none.
fn reachable(address: &Address) -> Address {
    let mut address = address.clone();
    if let Address::Stream { endpoint: Endpoint::Internet(HostPort { host, .. }), .. }
    | Address::Datagram { endpoint: Endpoint::Internet(HostPort { host, .. }) }
    | Address::Http { endpoint: Endpoint::Internet(HostPort { host, .. }), .. } = &mut address
    {
        if host.is_unspecified() {
            *host = match host {
                Host::V6 { .. } => Host::V6 { address: std::net::Ipv6Addr::LOCALHOST, zone: None },
                Host::Name(_) | Host::V4(_) => Host::V4(std::net::Ipv4Addr::LOCALHOST),
            };
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(framing: &str, trust: Trust<'_>, wants_certificate: bool, address: &str) -> String {
        let framing = &framing.parse().unwrap();
        Invitation { framing, trust, wants_certificate, wants_header: false }
            .lines(&address.parse().unwrap())
    }

    #[test]
    fn behind_a_balancer_only_our_own_client_can_be_copied() {
        let invitation = Invitation {
            framing: &"raw".parse().unwrap(),
            trust: Trust::Theirs,
            wants_certificate: false,
            wants_header: true,
        };
        assert_eq!(
            invitation.lines(&"tcp://127.0.0.1:7".parse().unwrap()),
            "  drywire send --proxy-protocol v2 tcp://127.0.0.1:7 hello\n"
        );
        assert_eq!(
            invitation.lines(&"http://127.0.0.1:8".parse().unwrap()),
            "  curl --haproxy-protocol -d hello http://127.0.0.1:8/\n"
        );
    }

    #[test]
    fn readiness_can_be_asked_for() {
        for (admin, expected) in [
            ("http://127.0.0.1:9", "  curl http://127.0.0.1:9/readyz\n"),
            ("http+unix:/s", "  curl --unix-socket /s http://localhost/readyz\n"),
        ] {
            assert_eq!(readiness(&admin.parse().unwrap()), expected);
        }
    }

    #[test]
    fn names_are_quoted_where_a_shell_would_cut_them() {
        for (name, expected) in
            [("/a/b-c.pem", "/a/b-c.pem"), ("a b.pem", "'a b.pem'"), ("it's", r"'it'\''s'")]
        {
            assert_eq!(quoted(Path::new(name)), expected);
        }
    }

    #[test]
    fn lines_can_be_copied() {
        let file = Trust::File(Path::new("dev.pem"));
        for (lines, expected) in [
            (
                lines("raw", Trust::Theirs, false, "tcp://[::]:7"),
                "  drywire send tcp://[::1]:7 hello\n  nc ::1 7\n",
            ),
            (
                lines("lines", Trust::Nothing, false, "tls://0.0.0.0:8"),
                "  drywire send --framing lines --insecure tls://127.0.0.1:8 hello\n  \
                 openssl s_client -quiet -connect 127.0.0.1:8\n",
            ),
            (
                lines("raw", file, true, "tls+unix:/s"),
                "  drywire send --ca dev.pem --cert CERT.pem --key KEY.pem --server-name localhost \
                 tls+unix:/s hello\n  openssl s_client -quiet -verify_return_error -CAfile dev.pem \
                 -cert CERT.pem -key KEY.pem -unix /s\n",
            ),
            (
                lines("raw", Trust::Theirs, false, "unix:/s"),
                "  drywire send unix:/s hello\n  nc -U /s\n",
            ),
            (
                lines("u8", Trust::Theirs, false, "http://[::]:8080"),
                "  drywire get --data hello http://[::1]:8080/\n  curl -d hello http://[::1]:8080/\n",
            ),
            (
                lines("raw", file, true, "https://0.0.0.0"),
                "  drywire get --ca dev.pem --cert CERT.pem --key KEY.pem --data hello \
                 https://127.0.0.1/\n  \
                 curl --cacert dev.pem --cert CERT.pem --key KEY.pem -d hello https://127.0.0.1/\n",
            ),
            (
                lines("raw", Trust::Nothing, false, "https+unix:/a'b"),
                "  drywire get --insecure --server-name localhost --data hello \
                 'https+unix:/a'\\''b:/'\n  \
                 curl --insecure -d hello --unix-socket '/a'\\''b' https://localhost/\n",
            ),
            (
                lines("raw", Trust::Theirs, false, "http+unix:@s"),
                "  drywire get --data hello http+unix:@s:/\n  \
                 curl -d hello --abstract-unix-socket s http://localhost/\n",
            ),
            (
                lines("raw", Trust::Theirs, false, "udp://[::]:7"),
                "  drywire send udp://[::1]:7 hello\n  nc -u ::1 7\n",
            ),
            (
                lines("lines", Trust::Theirs, false, "unixgram:/s"),
                "  drywire send --framing lines unixgram:/s hello\n  nc -uU /s\n",
            ),
            (lines("raw", Trust::Theirs, false, "unix:@s"), "  drywire send unix:@s hello\n"),
            (
                lines("fixed:4", Trust::Theirs, false, "unix:/s"),
                "  drywire send --framing fixed:4 unix:/s < FILE\n",
            ),
        ] {
            assert_eq!(lines, expected);
        }
    }
}
