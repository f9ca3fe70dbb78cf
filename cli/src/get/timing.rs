//! How long each exchange took, as bars and as JSON.

use std::fmt::{self, Write};
use std::time::{Duration, Instant};

use drywire::connector::Timings;
use drywire::protocol::http_get::Connected;
use serde_json::{Value, json};

use crate::certificate::Certificate;
use crate::text::Escaped;

/// How wide the longest bar may be, in characters.
const BAR_WIDTH: u32 = 40;

/// One exchange: each redirect has its own.
pub(super) struct Exchange {
    address: String,
    peer: String,
    timings: Timings,
    tls: Option<Tls>,
    /// When connecting began.
    began: Instant,
    /// From there to the head of the answer.
    answered: Option<Duration>,
    /// From there to the end of the answer.
    ended: Option<Duration>,
}

struct Tls {
    version: String,
    suite: &'static str,
    alpn: Option<String>,
    certificate: Option<Certificate>,
}

impl Exchange {
    pub(super) fn new(connected: &Connected<'_>) -> Self {
        let tls = connected.negotiated.map(|tls| Tls {
            version: tls.version.to_string(),
            suite: tls.suite_name,
            alpn: tls.alpn.as_ref().map(|alpn| Escaped(alpn).to_string()),
            certificate: tls.peer_certificates.first().and_then(|der| Certificate::parse(der)),
        });
        let now = Instant::now();
        Self {
            address: connected.address.to_string(),
            peer: connected.peer.to_string(),
            timings: connected.timings,
            tls,
            began: now.checked_sub(connected.timings.open()).unwrap_or(now),
            answered: None,
            ended: None,
        }
    }

    /// The first bytes of an answer have come, with its head.
    pub(super) fn answered(&mut self) {
        self.answered.get_or_insert_with(|| self.began.elapsed());
    }

    pub(super) fn ended(&mut self) {
        self.ended = Some(self.began.elapsed());
    }

    /// The parts in their order: name, beginning and end, each from when connecting began.
    fn parts(&self) -> Vec<(&'static str, Duration, Duration)> {
        let mut parts = Vec::new();
        let mut from = Duration::ZERO;
        let ends = [
            ("resolve", self.timings.resolved),
            ("connect", Some(self.timings.connected)),
            ("tls", self.timings.secured),
            ("first byte", self.answered),
            ("body", self.ended),
        ];
        for (name, end) in ends {
            if let Some(end) = end {
                parts.push((name, from, end.max(from)));
                from = end.max(from);
            }
        }
        parts
    }

    fn total(&self) -> Duration {
        self.parts().last().map_or(Duration::ZERO, |(_, _, end)| *end)
    }

    pub(super) fn json(&self) -> Value {
        let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
        let tls = self.tls.as_ref().map(|tls| {
            let certificate = tls.certificate.as_ref().map(|certificate| {
                json!({
                    "subject": certificate.subject,
                    "issuer": certificate.issuer,
                    "names": certificate.names,
                    "not_before": certificate.not_before.to_string(),
                    "not_after": certificate.not_after.to_string(),
                })
            });
            json!({
                "version": tls.version,
                "suite": tls.suite,
                "alpn": tls.alpn,
                "certificate": certificate,
            })
        });
        json!({
            "event": "timing",
            "url": self.address,
            "peer": self.peer,
            "resolved": seconds(self.timings.resolved),
            "connected": seconds(Some(self.timings.connected)),
            "secured": seconds(self.timings.secured),
            "first_byte": seconds(self.answered),
            "total": seconds(self.ended),
            "tls": tls,
        })
    }
}

/// For people.
impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} from {}", self.address, self.peer)?;
        if let Some(tls) = &self.tls {
            let alpn = tls.alpn.as_deref().unwrap_or("no ALPN");
            writeln!(f, "  {}, {}, {alpn}", tls.version, tls.suite)?;
            if let Some(certificate) = &tls.certificate {
                let left = Left(certificate.not_after.seconds());
                writeln!(f, "  certificate valid until {} ({left})", certificate.not_after)?;
            }
        }
        let total = self.total();
        for (name, from, end) in self.parts() {
            let took = end.saturating_sub(from);
            let bar = bar(from, end, total);
            writeln!(f, "  {name:<10} {:>9}  {bar}", Milliseconds(took).to_string())?;
        }
        write!(f, "  {:<10} {:>9}", "total", Milliseconds(total).to_string())
    }
}

/// A bar from `from` to `end` of `total`, at its place.
fn bar(from: Duration, end: Duration, total: Duration) -> String {
    let at = |time: Duration| {
        let share = time.as_nanos() * u128::from(BAR_WIDTH) / total.as_nanos().max(1);
        usize::try_from(share).unwrap_or(usize::MAX)
    };
    let (from, end) = (at(from), at(end));
    let mut text = " ".repeat(from);
    // Even the shortest is seen.
    text.push_str(&"#".repeat((end - from).max(1)));
    text
}

struct Milliseconds(Duration);

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        write!(text, "{:.1} ms", self.0.as_secs_f64() * 1000.0)?;
        f.pad(&text)
    }
}

/// How long it is until a time, in seconds since 1970.
struct Left(i64);

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAY: i64 = 24 * 60 * 60;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
        match self.0.saturating_sub(now) / DAY {
            days if days < 0 || self.0 < now => f.write_str("expired"),
            0 => f.write_str("less than a day"),
            1 => f.write_str("1 day"),
            days => write!(f, "{days} days"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stand_at_their_place_and_are_never_empty() {
        let ms = Duration::from_millis;
        assert_eq!(bar(ms(0), ms(20), ms(40)), "#".repeat(20));
        assert_eq!(bar(ms(20), ms(40), ms(40)), format!("{}{}", " ".repeat(20), "#".repeat(20)));
        assert_eq!(bar(ms(40), ms(40), ms(40)), format!("{}#", " ".repeat(40)));
        assert_eq!(bar(ms(0), ms(0), ms(0)), "#");
    }

    #[test]
    fn what_is_left_is_told_in_days() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let now = i64::try_from(now.as_secs()).unwrap();
        for (at, expected) in [
            (now - 10, "expired"),
            (0, "expired"),
            (now + 60, "less than a day"),
            (now + 36 * 60 * 60, "1 day"),
            (now + 60 * 60 * 60, "2 days"),
        ] {
            assert_eq!(Left(at).to_string(), expected);
        }
    }
}
