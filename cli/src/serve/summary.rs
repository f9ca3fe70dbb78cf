use drywire::CloseKind;
use drywire::datagram::DatagramStatistics;
use drywire_std::Statistics;
use serde_json::{Map, Value, json};

use super::datagrams;

/// What became of a server of either runtime.
pub(super) struct Summary {
    pub(super) drained: bool,
    pub(super) statistics: Statistics,
    /// None if no datagrams were served.
    pub(super) datagrams: Option<DatagramStatistics>,
}

/// What became of the server, in a few words.
pub(super) fn text(summary: &Summary) -> String {
    let statistics = &summary.statistics;
    let Statistics { accepted, refused, received_len, transmitted_len, .. } = statistics;
    let drained = if summary.drained { "drained" } else { "not drained" };
    let mut text = format!(
        "{drained}: {accepted} accepted, {refused} refused, {received_len} bytes received, \
         {transmitted_len} transmitted"
    );
    for kind in CloseKind::ALL {
        let count = statistics.closed_as(*kind);
        if count > 0 {
            text.push_str(&format!(", {count} {}", kind.name().replace('_', " ")));
        }
    }
    if let Some(statistics) = &summary.datagrams {
        text.push_str("; ");
        text.push_str(&datagrams::text(statistics));
    }
    text
}

/// The same for programs, with every count.
pub(super) fn json(summary: &Summary) -> Value {
    let statistics = &summary.statistics;
    let closed: Map<_, _> = CloseKind::ALL
        .iter()
        .map(|kind| (kind.name().to_owned(), statistics.closed_as(*kind).into()))
        .collect();
    let mut object = json!({
        "event": "summary",
        "drained": summary.drained,
        "accepted": statistics.accepted,
        "active": statistics.active,
        "refused": statistics.refused,
        "received": statistics.received_len,
        "transmitted": statistics.transmitted_len,
        "closed": closed,
    });
    if let Some(statistics) = &summary.datagrams {
        object["datagrams"] = datagrams::json(statistics);
    }
    object
}
