//! How many files and sockets may be open at once.

use drywire_std::{descriptors, raise_descriptor_limit};

use crate::exit::Stop;

/// What is needed beside connections: a loop and its signals, and what libraries open for a while.
const SPARE: u64 = 16;

/// Refuses more connections of a client than can be open at once.
pub(crate) fn check(option: &str, connections: usize) -> Result<(), Stop> {
    shortage(connections).map_or(Ok(()), |shortage| {
        Err(Stop::usage(format_args!("{option} {connections}: {shortage}")))
    })
}

/// What is to be said of a server that is allowed more connections than can be open at once.
pub(crate) fn warning(option: &str, connections: usize) -> Option<String> {
    let shortage = shortage(connections)?;
    Some(format!("{option} {connections}: {shortage}; others will wait"))
}

/// What is to be known when there are no more.
pub(crate) fn hint() -> Option<String> {
    raise_descriptor_limit().map(allowance)
}

fn shortage(connections: usize) -> Option<String> {
    let limit = raise_descriptor_limit()?;
    let room = limit.saturating_sub(descriptors().unwrap_or_default() + SPARE);
    (connections as u64 > room).then(|| format!("{}, enough for {room}", allowance(limit)))
}

fn allowance(limit: u64) -> String {
    format!("this process may have {limit} descriptors open (`ulimit -Hn N` raises that, as root)")
}
