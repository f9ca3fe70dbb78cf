//! The datagram side of a server: listeners, what they do, and what became of them.

use std::num::NonZeroUsize;

use drywire::Fault;
use drywire::address::Address;
use drywire::datagram::{
    DatagramDiscard, DatagramEcho, DatagramHandle, DatagramPeer, DatagramProtocol,
    DatagramStatistics, Dropped,
};
use drywire_std::datagram::DatagramListener;
use serde_json::{Map, Value, json};

use super::start::not_bound;
use crate::args::ServedProtocol;
use crate::exit::Stop;

/// The listeners of one address, for one process each.
pub(super) type Group = Vec<DatagramListener>;

/// Binds all addresses of datagrams, each for so many processes, or none.
pub(super) fn listen(addresses: &[Address], processes: NonZeroUsize) -> Result<Vec<Group>, Stop> {
    let is_ours = |address: &&Address| matches!(address, Address::Datagram { .. });
    let bind = |address| {
        let group = DatagramListener::bind_group(address, processes);
        group.map_err(|error| not_bound(&error, false))
    };
    addresses.iter().filter(is_ours).map(bind).collect()
}

/// The protocol of the command line, for datagrams.
#[derive(Clone, Copy)]
pub(super) struct ServedDatagrams(pub(super) ServedProtocol);

impl DatagramProtocol<DatagramPeer> for ServedDatagrams {
    fn on_datagram(
        &mut self,
        from: &DatagramPeer,
        bytes: &[u8],
        handle: &mut DatagramHandle<'_, DatagramPeer>,
    ) {
        match self.0 {
            ServedProtocol::Echo => DatagramEcho.on_datagram(from, bytes, handle),
            ServedProtocol::Discard => DatagramDiscard.on_datagram(from, bytes, handle),
        }
    }
}

/// What became of datagrams, in a few words.
pub(super) fn text(statistics: &DatagramStatistics) -> String {
    let DatagramStatistics { received, transmitted, failed, .. } = statistics;
    let mut text = format!("datagrams: {received} received, {transmitted} transmitted");
    if *failed > 0 {
        text.push_str(&format!(", {failed} not taken by the system"));
    }
    for reason in Dropped::ALL {
        let count = statistics.dropped_as(*reason);
        if count > 0 {
            text.push_str(&format!(", {count} dropped: {}", reason.name().replace('_', " ")));
        }
    }
    text
}

/// The same for programs, with every count.
pub(super) fn json(statistics: &DatagramStatistics) -> Value {
    let dropped: Map<_, _> = Dropped::ALL
        .iter()
        .map(|reason| (reason.name().to_owned(), statistics.dropped_as(*reason).into()))
        .collect();
    let faults: Map<_, _> = Fault::ALL
        .iter()
        .map(|fault| (fault.name().to_owned(), statistics.faults_as(*fault).into()))
        .collect();
    json!({
        "received": statistics.received,
        "received_bytes": statistics.received_len,
        "yielded": statistics.yielded,
        "dropped": dropped,
        "transmitted": statistics.transmitted,
        "transmitted_bytes": statistics.transmitted_len,
        "failed": statistics.failed,
        "discarded": statistics.discarded,
        "faults": faults,
    })
}
