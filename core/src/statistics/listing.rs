//! Connections as JSON.

use alloc::string::ToString;
use core::fmt;

use super::Visit;
use super::prometheus::Seconds;
use crate::json::Text;
use crate::time::Instant;

/// Displays connections as a JSON array, as old as they are at a time.
///
/// Each is an object: `peer` (address, or `unix`), `local` (ours, or null), `proxy` (behind one: its
/// address), `listener` (the name of it, or its number), `age` in seconds, `received` and
/// `transmitted` in bytes, `state`, and `tls` (the version, or null).
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    visits: &'a [Visit],
    listeners: &'a [&'a str],
    now: Instant,
}

impl<'a> Listing<'a> {
    /// The `visits` of a server whose listeners have these names, in their order.
    #[must_use]
    pub const fn new(visits: &'a [Visit], listeners: &'a [&'a str], now: Instant) -> Self {
        Self { visits, listeners, now }
    }
}

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (index, visit) in self.visits.iter().enumerate() {
            f.write_str(if index == 0 { "\n" } else { ",\n" })?;
            self.write_visit(f, visit)?;
        }
        f.write_str("\n]\n")
    }
}

impl Listing<'_> {
    fn write_visit(&self, f: &mut fmt::Formatter<'_>, visit: &Visit) -> fmt::Result {
        let peer = visit.peer.to_string();
        write!(f, "{{\"peer\":{},\"local\":", Text(&peer))?;
        match visit.peer.local() {
            Some(local) => write!(f, "\"{local}\"")?,
            None => f.write_str("null")?,
        }
        if visit.peer.header().is_some() {
            write!(f, ",\"proxy\":\"{}\"", visit.peer.ends())?;
        }
        let number = visit.peer.listener();
        let name = usize::try_from(number).ok().and_then(|number| self.listeners.get(number));
        match name {
            Some(name) => write!(f, ",\"listener\":{}", Text(name))?,
            None => write!(f, ",\"listener\":{number}")?,
        }
        let age = Seconds(self.now.saturating_duration_since(visit.since));
        let Visit { received_len, transmitted_len, stage, .. } = visit;
        write!(f, ",\"age\":{age},\"received\":{received_len},\"transmitted\":{transmitted_len}")?;
        write!(f, ",\"state\":\"{stage}\",\"tls\":")?;
        match visit.tls {
            Some(version) => write!(f, "\"{version}\"}}"),
            None => f.write_str("null}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::connection::Stage;
    use crate::peer::Peer;
    use crate::proxy::{Header, Transport, UnixAddress, Version};
    use crate::tls::TlsVersion;

    #[test]
    fn each_connection_is_an_object() -> Result<(), core::net::AddrParseError> {
        let mut first =
            Visit::new(Peer::ip("192.0.2.1:7".parse()?, "[::1]:8".parse()?), Instant::ZERO);
        (first.received_len, first.transmitted_len) = (3, 4);
        (first.stage, first.tls) = (Stage::HalfClosed, Some(TlsVersion::Tls13));
        let now = Instant::ZERO + Duration::from_millis(1500);
        let visits = [first, Visit::new(Peer::unix().by(5), now)];
        let expected = "[\n\
            {\"peer\":\"192.0.2.1:7\",\"local\":\"[::1]:8\",\"listener\":\"tcp://\\\"\",\"age\":1.5,\
            \"received\":3,\"transmitted\":4,\"state\":\"half_closed\",\"tls\":\"TLSv1.3\"},\n\
            {\"peer\":\"unix\",\"local\":null,\"listener\":5,\"age\":0,\
            \"received\":0,\"transmitted\":0,\"state\":\"opening\",\"tls\":null}\n]\n";
        assert_eq!(Listing::new(&visits, &["tcp://\""], now).to_string(), expected);
        let client = Header::tcp(Version::One, "[2001:db8::1]:9".parse()?, "[::1]:8".parse()?);
        let visits = [Visit::new(Peer::unix().introduced(client), now)];
        let expected = "[\n\
            {\"peer\":\"[2001:db8::1]:9\",\"local\":null,\"proxy\":\"unix\",\"listener\":0,\"age\":0,\
            \"received\":0,\"transmitted\":0,\"state\":\"opening\",\"tls\":null}\n]\n";
        assert_eq!(Listing::new(&visits, &[], now).to_string(), expected);
        assert_eq!(Listing::new(&[], &[], now).to_string(), "[\n]\n");

        // A name that a balancer told may be any.
        let name = UnixAddress::new(b"\"\xff").unwrap();
        let header = Header::unix(Transport::Stream, name.clone(), name);
        let visits = [Visit::new(Peer::unix().introduced(header), now)];
        let text = Listing::new(&visits, &[], now).to_string();
        let expected = r#"{"peer":"unix:\\\"\\xff","local":null,"proxy":"unix""#;
        assert!(text.contains(expected), "{text}");
        Ok(())
    }
}
