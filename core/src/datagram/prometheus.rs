use core::fmt;

use super::statistics::{DatagramStatistics, Dropped};
use crate::error::Fault;
use crate::statistics::head;

impl DatagramStatistics {
    /// Writes every count as a metric, with its help and type.
    ///
    /// | metric | type | labels |
    /// |---|---|---|
    /// | `drywire_datagrams_received_total` | counter | |
    /// | `drywire_datagrams_received_bytes_total` | counter | |
    /// | `drywire_datagrams_dropped_total` | counter | `reason`: [`Dropped`] |
    /// | `drywire_datagrams_transmitted_total` | counter | |
    /// | `drywire_datagrams_transmitted_bytes_total` | counter | |
    /// | `drywire_datagrams_lost_total` | counter | `reason`: `failed`, `discarded` |
    /// | `drywire_datagrams_faults_total` | counter | `kind` of [`Fault`] |
    ///
    /// # Errors
    /// Those of `out`.
    /// # Specification
    /// Prometheus, text-based exposition format, version 0.0.4.
    pub fn write_prometheus(&self, out: &mut impl fmt::Write) -> fmt::Result {
        for (name, help, count) in [
            ("received_total", "Datagrams that came.", self.received),
            ("received_bytes_total", "Bytes of datagrams that came.", self.received_len),
            ("transmitted_total", "Datagrams that were sent.", self.transmitted),
            ("transmitted_bytes_total", "Bytes of datagrams that were sent.", self.transmitted_len),
        ] {
            head(out, &alloc::format!("drywire_datagrams_{name}"), "counter", help)?;
            writeln!(out, "drywire_datagrams_{name} {count}")?;
        }

        let name = "drywire_datagrams_dropped_total";
        head(out, name, "counter", "Datagrams that came and were not taken, by reason.")?;
        for reason in Dropped::ALL {
            let count = self.dropped_as(*reason);
            writeln!(out, "{name}{{reason=\"{}\"}} {count}", reason.name())?;
        }

        let name = "drywire_datagrams_lost_total";
        head(out, name, "counter", "Datagrams that were queued and not sent, by reason.")?;
        writeln!(out, "{name}{{reason=\"failed\"}} {}", self.failed)?;
        writeln!(out, "{name}{{reason=\"discarded\"}} {}", self.discarded)?;

        let name = "drywire_datagrams_faults_total";
        head(out, name, "counter", "Faults that sockets reported, which end nothing.")?;
        for fault in Fault::ALL {
            let (kind, count) = (fault.name(), self.faults_as(*fault));
            writeln!(out, "{name}{{kind=\"{kind}\"}} {count}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    #[test]
    fn every_count_is_written_once_under_its_type() {
        let mut statistics = DatagramStatistics::new();
        statistics.arrived(5);
        statistics.arrived(6);
        statistics.dropped(Dropped::SourceRate);
        statistics.sent(7);
        statistics.failed();
        statistics.discarded(2);
        statistics.faulted(Fault::Refused);
        let mut text = String::new();
        statistics.write_prometheus(&mut text).unwrap();
        for line in [
            "# TYPE drywire_datagrams_received_total counter",
            "drywire_datagrams_received_total 2",
            "drywire_datagrams_received_bytes_total 11",
            "drywire_datagrams_dropped_total{reason=\"source_rate\"} 1",
            "drywire_datagrams_dropped_total{reason=\"closed\"} 0",
            "drywire_datagrams_transmitted_total 1",
            "drywire_datagrams_transmitted_bytes_total 7",
            "drywire_datagrams_lost_total{reason=\"failed\"} 1",
            "drywire_datagrams_lost_total{reason=\"discarded\"} 2",
            "drywire_datagrams_faults_total{kind=\"refused\"} 1",
        ] {
            assert_eq!(text.lines().filter(|other| *other == line).count(), 1, "{line}\n{text}");
        }
    }
}
