//! What a TARGET is, and where.

use std::io;
use std::net::{Ipv6Addr, SocketAddr, ToSocketAddrs};

use drywire::address::{Address, Endpoint, Host, HostPort, Resolution};
use drywire_std::rustls::pki_types::ServerName;

use crate::args::Via;
use crate::exit::{Exit, Stop, cause};

/// A target as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// As it was given.
    pub(super) text: String,
    pub(super) via: Via,
    place: HostPort,
}

impl Target {
    pub(super) fn parse(text: &str, via: Via) -> Result<Self, Stop> {
        let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        let via = match scheme.as_deref() {
            None => via,
            Some("udp") => Via::Udp,
            Some("tcp") => Via::Tcp,
            Some("tls") => Via::Tls,
            Some(_) => {
                return Err(Stop::usage(format_args!(
                    "{text}: hosts, and udp, tcp and tls addresses can be pinged only"
                )));
            }
        };
        let address = match (via, &scheme) {
            (_, Some(_)) => text.to_owned(),
            (Via::Icmp, None) => format!("udp://{}:0", bracketed(text)),
            (via, None) => format!("{}://{text}", via.name()),
        };
        let refuse = |problem: &dyn std::fmt::Display| {
            let form = if via == Via::Icmp { "HOST" } else { "HOST:PORT" };
            Stop::usage(format_args!("cannot ping {text} by {}: {problem} ({form})", via.name()))
        };
        if text.is_empty() {
            return Err(refuse(&"expected a host"));
        }
        let parsed = address.parse::<Address>().map_err(|error| {
            match format!("tcp://{text}").parse::<Address>() {
                Ok(place) if via == Via::Icmp && scheme.is_none() => Stop::usage(format_args!(
                    "cannot ping {text} by icmp, which has no ports: --via tcp, or {place}"
                )),
                _ => refuse(&error.problem),
            }
        })?;
        match parsed.endpoint() {
            Endpoint::Internet(place) => {
                Ok(Self { text: text.to_owned(), via, place: place.clone() })
            }
            Endpoint::Unix(_) => Err(refuse(&"a Unix socket")),
        }
    }

    /// Where it is: asks the system's resolver, if need be.
    pub(super) fn resolve(&self, ipv4: bool, ipv6: bool) -> Result<SocketAddr, Stop> {
        let is_wanted =
            |address: &SocketAddr| !(ipv4 && address.is_ipv6() || ipv6 && address.is_ipv4());
        let unresolved = |cause: &dyn std::fmt::Display| {
            Stop::new(Exit::Resolve, format_args!("cannot resolve {}: {cause}", self.text))
        };
        let found = match self.place.resolution() {
            Resolution::Known(address) => Ok(Some(address).filter(is_wanted)),
            Resolution::Lookup { name, port } => (name.as_str(), port)
                .to_socket_addrs()
                .map(|mut addresses| addresses.find(is_wanted)),
        };
        let found = found.map_err(|error: io::Error| unresolved(&cause(&error)))?;
        found.ok_or_else(|| {
            let family = match (ipv4, ipv6) {
                (true, _) => "no IPv4 address",
                (_, true) => "no IPv6 address",
                (false, false) => "no address",
            };
            unresolved(&family)
        })
    }

    /// Whom its certificate must be for; `None` if its address says so.
    pub(super) fn server_name(&self) -> Option<ServerName<'static>> {
        match &self.place.host {
            Host::Name(name) => ServerName::try_from(name.server_name().to_owned()).ok(),
            Host::V4(_) | Host::V6 { .. } => None,
        }
    }
}

/// An IPv6 address in brackets, anything else as it is.
fn bracketed(text: &str) -> String {
    let address = text.split_once('%').map_or(text, |(address, _)| address);
    if address.parse::<Ipv6Addr>().is_ok() { format!("[{text}]") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_hosts_or_hosts_with_ports() {
        for (text, via, expected, place) in [
            ("localhost", Via::Icmp, Via::Icmp, "localhost:0"),
            ("::1", Via::Icmp, Via::Icmp, "[::1]:0"),
            ("[::1]", Via::Icmp, Via::Icmp, "[::1]:0"),
            ("fe80::1%eth0", Via::Icmp, Via::Icmp, "[fe80::1%eth0]:0"),
            ("192.0.2.1", Via::Icmp, Via::Icmp, "192.0.2.1:0"),
            ("localhost:7", Via::Udp, Via::Udp, "localhost:7"),
            ("[::1]:7", Via::Tcp, Via::Tcp, "[::1]:7"),
            ("TLS://LocalHost:7", Via::Icmp, Via::Tls, "localhost:7"),
            ("udp://[::1]:7", Via::Tcp, Via::Udp, "[::1]:7"),
        ] {
            let target = Target::parse(text, via).unwrap();
            assert_eq!((target.via, target.place.to_string().as_str()), (expected, place));
            assert_eq!(target.text, text);
        }
    }

    #[test]
    fn other_targets_are_refused() {
        for (text, via, sentence) in [
            ("", Via::Icmp, "cannot ping  by icmp: expected a host (HOST)"),
            ("::1", Via::Tcp, "cannot ping ::1 by tcp: expected"),
            ("localhost", Via::Udp, "cannot ping localhost by udp: expected a port (HOST:PORT)"),
            (
                "localhost:7",
                Via::Icmp,
                "cannot ping localhost:7 by icmp, which has no ports: --via tcp, or tcp://localhost:7",
            ),
            ("[::1]:7", Via::Icmp, "cannot ping [::1]:7 by icmp, which has no ports: --via tcp"),
            ("a b", Via::Icmp, "cannot ping a b by icmp: expected"),
            ("http://localhost", Via::Icmp, "http://localhost: hosts, and udp, tcp and tls"),
        ] {
            let stop = Target::parse(text, via).unwrap_err();
            assert_eq!(stop.exit, Exit::Usage);
            let found = stop.sentence().unwrap();
            assert!(found.starts_with(sentence), "{found}");
        }
    }
}
