//! Statistics as Prometheus reads them.

use core::fmt;
use core::time::Duration;

use super::{HandshakeKind, Histogram, RefusalKind, Statistics};
use crate::connection::CloseKind;

/// The media type of what [`Statistics::write_prometheus`] writes.
pub const PROMETHEUS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

impl Statistics {
    /// Writes every count as a metric, with its help and type.
    ///
    /// | metric | type | labels |
    /// |---|---|---|
    /// | `drywire_connections_accepted_total` | counter | |
    /// | `drywire_connections_active` | gauge | |
    /// | `drywire_connections_refused_total` | counter | `reason`: [`RefusalKind`] |
    /// | `drywire_connections_closed_total` | counter | `reason`: [`CloseKind`] |
    /// | `drywire_received_bytes_total` | counter | |
    /// | `drywire_transmitted_bytes_total` | counter | |
    /// | `drywire_tls_handshakes_total` | counter | `result`, `version` |
    /// | `drywire_tls_handshake_duration_seconds` | histogram | of those that came to a session |
    /// | `drywire_connection_duration_seconds` | histogram | of those that are closed |
    ///
    /// Every series is there from the beginning, so that none appears when it is first counted.
    ///
    /// # Errors
    /// Those of `out`.
    /// # Specification
    /// Prometheus, text-based exposition format, version 0.0.4.
    pub fn write_prometheus(&self, out: &mut impl fmt::Write) -> fmt::Result {
        head(out, "drywire_connections_accepted_total", "counter", "Connections admitted.")?;
        writeln!(out, "drywire_connections_accepted_total {}", self.accepted)?;

        head(out, "drywire_connections_active", "gauge", "Connections admitted and not closed.")?;
        writeln!(out, "drywire_connections_active {}", self.active)?;

        let name = "drywire_connections_refused_total";
        head(out, name, "counter", "Connections accepted from the system and turned away.")?;
        for kind in RefusalKind::ALL {
            writeln!(out, "{name}{{reason=\"{kind}\"}} {}", self.refused_for(*kind))?;
        }

        let name = "drywire_connections_closed_total";
        head(out, name, "counter", "Connections closed, by how they ended.")?;
        for kind in CloseKind::ALL {
            writeln!(out, "{name}{{reason=\"{kind}\"}} {}", self.closed_as(*kind))?;
        }

        head(out, "drywire_received_bytes_total", "counter", "Bytes that came from peers.")?;
        writeln!(out, "drywire_received_bytes_total {}", self.received_len)?;

        head(out, "drywire_transmitted_bytes_total", "counter", "Bytes that went to peers.")?;
        writeln!(out, "drywire_transmitted_bytes_total {}", self.transmitted_len)?;

        let name = "drywire_tls_handshakes_total";
        head(out, name, "counter", "TLS handshakes that are over, by what came of them.")?;
        for kind in HandshakeKind::ALL {
            let count = self.handshakes_as(*kind);
            match kind.version() {
                Some(version) => {
                    writeln!(out, "{name}{{result=\"ok\",version=\"{version}\"}} {count}")?;
                }
                None => writeln!(out, "{name}{{result=\"{kind}\",version=\"\"}} {count}")?,
            }
        }

        let name = "drywire_tls_handshake_duration_seconds";
        let help = "From accept to the end of TLS handshakes that came to a session.";
        histogram(out, name, help, &self.handshake_time)?;

        let name = "drywire_connection_duration_seconds";
        histogram(out, name, "From accept to the end of connections.", &self.connection_time)
    }
}

/// Writes what stands before the samples of a metric.
pub(crate) fn head(out: &mut impl fmt::Write, name: &str, kind: &str, help: &str) -> fmt::Result {
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}")
}

fn histogram(
    out: &mut impl fmt::Write,
    name: &str,
    help: &str,
    histogram: &Histogram,
) -> fmt::Result {
    head(out, name, "histogram", help)?;
    for (bound, count) in histogram.cumulative() {
        writeln!(out, "{name}_bucket{{le=\"{}\"}} {count}", Seconds(bound))?;
    }
    let count = histogram.count();
    writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {count}")?;
    writeln!(out, "{name}_sum {}", Seconds(histogram.sum()))?;
    writeln!(out, "{name}_count {count}")
}

/// A duration in seconds, in decimal and without loss.
pub(crate) struct Seconds(pub(crate) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.as_secs())?;
        let (mut nanos, mut digits) = (self.0.subsec_nanos(), 9);
        if nanos == 0 {
            return Ok(());
        }
        while nanos % 10 == 0 {
            nanos /= 10;
            digits -= 1;
        }
        write!(f, ".{nanos:0digits$}")
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::string::{String, ToString};

    use super::*;

    #[test]
    fn seconds_are_written_without_loss() {
        for (nanos, text) in [
            (0, "0"),
            (1, "0.000000001"),
            (500_000, "0.0005"),
            (1_000_000_000, "1"),
            (86_400_000_000_000, "86400"),
            (1_020_304_050, "1.02030405"),
        ] {
            assert_eq!(Seconds(Duration::from_nanos(nanos)).to_string(), text);
        }
    }

    #[test]
    fn every_count_is_written_once_under_its_type() {
        let mut statistics = Statistics::new();
        statistics.admitted();
        statistics.admitted();
        statistics.closed(CloseKind::Reset);
        statistics.refused(RefusalKind::Ending);
        statistics.transferred(3, 4);
        statistics.handshaken(HandshakeKind::Tls13, Duration::from_millis(3));
        statistics.handshaken(HandshakeKind::Failed, Duration::from_millis(3));
        statistics.lasted(Duration::from_millis(1500));
        let mut text = String::new();
        statistics.write_prometheus(&mut text).unwrap();
        for line in [
            "# TYPE drywire_connections_active gauge",
            "drywire_connections_accepted_total 2",
            "drywire_connections_active 1",
            "drywire_connections_refused_total{reason=\"ending\"} 1",
            "drywire_connections_refused_total{reason=\"resources\"} 0",
            "drywire_connections_closed_total{reason=\"reset\"} 1",
            "drywire_connections_closed_total{reason=\"finished\"} 0",
            "drywire_received_bytes_total 3",
            "drywire_transmitted_bytes_total 4",
            "drywire_tls_handshakes_total{result=\"ok\",version=\"TLSv1.3\"} 1",
            "drywire_tls_handshakes_total{result=\"failed\",version=\"\"} 1",
            "# TYPE drywire_tls_handshake_duration_seconds histogram",
            "drywire_tls_handshake_duration_seconds_bucket{le=\"0.002\"} 0",
            "drywire_tls_handshake_duration_seconds_bucket{le=\"0.005\"} 1",
            "drywire_tls_handshake_duration_seconds_bucket{le=\"+Inf\"} 1",
            "drywire_tls_handshake_duration_seconds_sum 0.003",
            "drywire_connection_duration_seconds_sum 1.5",
            "drywire_connection_duration_seconds_count 1",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
        let series: BTreeSet<_> =
            text.lines().map(|line| line.rsplit_once(' ').unwrap().0).collect();
        assert_eq!(series.len(), text.lines().count(), "no series twice");
        assert!(text.ends_with('\n'));
    }
}
