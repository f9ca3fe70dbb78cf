use drywire::CloseKind;
use drywire_std::Statistics;
use serde_json::{Map, Value, json};

/// What became of a server of either runtime.
pub(super) struct Summary {
    pub(super) drained: bool,
    pub(super) statistics: Statistics,
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
    text
}

/// The same for programs, with every count.
pub(super) fn json(summary: &Summary) -> Value {
    let statistics = &summary.statistics;
    let closed: Map<_, _> = CloseKind::ALL
        .iter()
        .map(|kind| (kind.name().to_owned(), statistics.closed_as(*kind).into()))
        .collect();
    json!({
        "event": "summary",
        "drained": summary.drained,
        "accepted": statistics.accepted,
        "active": statistics.active,
        "refused": statistics.refused,
        "received": statistics.received_len,
        "transmitted": statistics.transmitted_len,
        "closed": closed,
    })
}
