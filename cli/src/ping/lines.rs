//! What is printed of a ping: a line for each event, and a summary like that of ping.

use std::net::SocketAddr;
use std::time::Duration;

use drywire::ping::{Distribution, Laps, PingStatistics};
use serde_json::{Value, json};

use super::news::Heard;
use super::target::Target;
use crate::args::Via;

/// A target's beginning.
pub(super) fn began(target: &Target, at: SocketAddr, size: usize) -> (String, Value) {
    let via = target.via.name();
    let text = format!("pinging {} by {via}, {size} bytes", named(target, at));
    let value = json!({
        "event": "ping",
        "target": target.text,
        "via": via,
        "address": shown(target, at),
        "size": size,
    });
    (text, value)
}

/// An event of a target.
pub(super) fn heard(target: &Target, at: SocketAddr, heard: &Heard) -> (String, Value) {
    let name = shown(target, at);
    let line = |number: &u64, what: &dyn std::fmt::Display| format!("{name}: seq={number} {what}");
    let value = |event: &str, number: &u64| json!({ "event": event, "target": target.text, "address": name, "number": number });
    match heard {
        Heard::Reply { number, round_trip, laps, is_reordered, from, hop_limit } => {
            let mut text = String::new();
            if let Some(hop_limit) = hop_limit {
                text.push_str(&format!("ttl={hop_limit} "));
            }
            for (name, lap) in named_laps(laps) {
                if let Some(lap) = lap {
                    text.push_str(&format!("{name}={} ms ", millis(lap)));
                }
            }
            text.push_str(&format!("time={} ms", millis(*round_trip)));
            if *is_reordered {
                text.push_str(" (reordered)");
            }
            let mut value = value("reply", number);
            value["round_trip"] = round_trip.as_secs_f64().into();
            for (name, lap) in named_laps(laps) {
                value[name] = json!(lap.map(|lap| lap.as_secs_f64()));
            }
            value["reordered"] = (*is_reordered).into();
            value["from"] = json!(from.map(|from| from.ip().to_string()));
            value["hop_limit"] = json!(hop_limit);
            (line(number, &text), value)
        }
        Heard::Duplicate { number } => (line(number, &"duplicate"), value("duplicate", number)),
        Heard::Late { number, round_trip } => {
            let mut value = value("late", number);
            value["round_trip"] = round_trip.as_secs_f64().into();
            (line(number, &format_args!("late, time={} ms", millis(*round_trip))), value)
        }
        Heard::TimedOut { number } => (line(number, &"timed out"), value("timed_out", number)),
        Heard::Failed { number, reason, report, .. } => {
            let mut value = value("failed", number);
            value["reason"] = reason.as_str().into();
            value["from"] = json!(report.as_ref().map(|(from, _)| from));
            value["cause"] = json!(report.as_ref().map(|(_, cause)| cause));
            (line(number, reason), value)
        }
    }
}

/// A request that failed for the same reason as the one before, for people.
pub(super) fn failed_again(target: &Target, at: SocketAddr, number: u64) -> String {
    format!("{}: seq={number} failed as before", shown(target, at))
}

/// What became of a target.
pub(super) fn summary(
    target: &Target,
    at: SocketAddr,
    statistics: &PingStatistics,
) -> (String, Value) {
    let PingStatistics { sent, received, timed_out, failed, .. } = *statistics;
    let PingStatistics { duplicates, late, reordered, foreign, .. } = *statistics;
    let mut text = format!("--- {} ping statistics ---\n{}", named(target, at), counts(statistics));
    for (name, times) in named_times(statistics) {
        if let Some(figures) = figures(times) {
            text.push_str(&format!("\n{name} {figures}"));
        }
    }
    let mut value = json!({
        "event": "statistics",
        "target": target.text,
        "via": target.via.name(),
        "address": shown(target, at),
        "sent": sent,
        "received": received,
        "loss": loss(statistics),
        "timed_out": timed_out,
        "failed": failed,
        "duplicates": duplicates,
        "late": late,
        "reordered": reordered,
        "foreign": foreign,
    });
    for (name, times) in named_times(statistics) {
        value[name.replace(' ', "_")] = times_json(times);
    }
    (text, value)
}

/// One line of figures while it goes on.
pub(super) fn live(target: &Target, at: SocketAddr, statistics: &PingStatistics) -> String {
    let PingStatistics { sent, received, .. } = statistics;
    let mut text = format!("{}: {received} of {sent}", shown(target, at));
    if let Some(loss) = loss(statistics) {
        text.push_str(&format!(", {}% lost", percent(loss)));
    }
    let times = &statistics.round_trip;
    if let (Some(min), Some(p50), Some(max)) = (times.min(), times.percentile(50), times.max()) {
        let (min, p50, max) = (millis(min), millis(p50), millis(max));
        text.push_str(&format!(", min/p50/max {min}/{p50}/{max} ms"));
    }
    text
}

/// The target and its address, if that says more.
fn named(target: &Target, at: SocketAddr) -> String {
    let address = shown(target, at);
    if address == target.text { address } else { format!("{} ({address})", target.text) }
}

/// The address as a target.
fn shown(target: &Target, at: SocketAddr) -> String {
    match target.via {
        Via::Icmp => {
            let text = at.to_string();
            let host = text.rsplit_once(':').map_or(text.as_str(), |(host, _)| host);
            host.trim_matches(['[', ']']).to_owned()
        }
        via => format!("{}://{at}", via.name()),
    }
}

fn counts(statistics: &PingStatistics) -> String {
    let PingStatistics { sent, received, .. } = statistics;
    let mut text = format!("{sent} sent, {received} received");
    if let Some(loss) = loss(statistics) {
        text.push_str(&format!(", {}% lost", percent(loss)));
    }
    for (count, what) in [
        (statistics.timed_out, "timed out"),
        (statistics.failed, "failed"),
        (statistics.duplicates, "duplicate"),
        (statistics.late, "late"),
        (statistics.reordered, "reordered"),
        (statistics.foreign, "foreign"),
    ] {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    text
}

/// Which part of the requests that are settled did not come back in time.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn loss(statistics: &PingStatistics) -> Option<f64> {
    let lost = statistics.timed_out.saturating_add(statistics.failed);
    let settled = statistics.received.saturating_add(lost);
    (settled > 0).then(|| lost as f64 / settled as f64)
}

fn figures(times: &Distribution) -> Option<String> {
    let times = [
        times.min()?,
        times.mean()?,
        times.percentile(50)?,
        times.percentile(99)?,
        times.max()?,
        times.standard_deviation()?,
        times.jitter().unwrap_or_default(),
    ];
    let [min, mean, p50, p99, max, deviation, jitter] = times.map(millis);
    Some(format!(
        "min/mean/p50/p99/max/sd = {min}/{mean}/{p50}/{p99}/{max}/{deviation} ms, jitter {jitter} ms"
    ))
}

fn times_json(times: &Distribution) -> Value {
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
    if times.count() == 0 {
        return Value::Null;
    }
    json!({
        "min": seconds(times.min()),
        "mean": seconds(times.mean()),
        "p50": seconds(times.percentile(50)),
        "p99": seconds(times.percentile(99)),
        "max": seconds(times.max()),
        "standard_deviation": seconds(times.standard_deviation()),
        "jitter": seconds(times.jitter()),
    })
}

const fn named_laps(laps: &Laps) -> [(&'static str, Option<Duration>); 3] {
    [("connect", laps.connect), ("handshake", laps.handshake), ("echo", laps.echo)]
}

const fn named_times(statistics: &PingStatistics) -> [(&'static str, &Distribution); 4] {
    [
        ("round trip", &statistics.round_trip),
        ("connect", &statistics.connect),
        ("handshake", &statistics.handshake),
        ("echo", &statistics.echo),
    ]
}

/// Without zeros behind.
fn percent(part: f64) -> String {
    let text = format!("{:.3}", part * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// To a microsecond.
fn millis(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use drywire::Instant;
    use drywire::ping::{Answer, Ping, PingOptions, PingStep};

    use super::*;

    fn target(text: &str, via: Via) -> (Target, SocketAddr) {
        let target = Target::parse(text, via).unwrap();
        (target, "[2001:db8::1]:7".parse().unwrap())
    }

    /// Three requests: answered after 1 ms, failed, answered after 3 ms.
    fn statistics() -> PingStatistics {
        let mut options = PingOptions::new();
        options.interval = Duration::from_millis(10);
        options.payload_len = 0;
        let mut ping = Ping::new(options, Instant::ZERO);
        for (sequence, round_trip) in [(0_u16, Some(1)), (1, None), (2, Some(3))] {
            let now = Instant::ZERO + Duration::from_millis(u64::from(sequence) * 10);
            assert!(matches!(ping.next(now), Some(PingStep::Send(_))));
            match round_trip {
                None => assert!(ping.failed(sequence, now).is_some()),
                Some(millis) => {
                    let at = now + Duration::from_millis(millis);
                    assert!(matches!(ping.answered(sequence, &[], at), Answer::Reply(_)));
                }
            }
        }
        ping.statistics().clone()
    }

    #[test]
    fn a_summary_is_like_that_of_ping() {
        let (target, at) = target("example.org", Via::Icmp);
        let (text, value) = summary(&target, at, &statistics());
        assert_eq!(
            text,
            "--- example.org (2001:db8::1) ping statistics ---\n\
             3 sent, 2 received, 33.333% lost, 1 failed\n\
             round trip min/mean/p50/p99/max/sd = 1.000/2.000/1.000/3.000/3.000/1.000 ms, \
             jitter 0.125 ms"
        );
        assert_eq!((&value["sent"], &value["failed"]), (&json!(3), &json!(1)));
        assert_eq!(value["round_trip"]["mean"], json!(0.002));
        assert_eq!(value["handshake"], Value::Null);
        let (text, value) = summary(&target, at, &PingStatistics::default());
        assert!(text.ends_with("---\n0 sent, 0 received"));
        assert_eq!((&value["loss"], &value["round_trip"]), (&Value::Null, &Value::Null));
    }

    #[test]
    fn a_reply_tells_where_its_time_went() {
        let (target, at) = target("tls://example.org:7", Via::Icmp);
        let lap = |millis| Some(Duration::from_millis(millis));
        let reply = Heard::Reply {
            number: 4,
            round_trip: Duration::from_micros(6500),
            laps: Laps { connect: lap(1), handshake: lap(3), echo: lap(2) },
            is_reordered: false,
            from: None,
            hop_limit: None,
        };
        let (text, value) = heard(&target, at, &reply);
        assert_eq!(
            text,
            "tls://[2001:db8::1]:7: seq=4 connect=1.000 ms handshake=3.000 ms echo=2.000 ms \
             time=6.500 ms"
        );
        assert_eq!((&value["handshake"], &value["from"]), (&json!(0.003), &Value::Null));
    }
}
