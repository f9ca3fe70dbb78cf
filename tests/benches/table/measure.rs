//! What is measured, in rounds: each server in a process of its own, one after the other, so that
//! what disturbs the machine meets all of them, and what counts is the ratio within a round.

use std::io;
use std::thread;
use std::time::Duration;

use crate::load::{Load, Workload};
use crate::options::{Framing, ServerKind};
use crate::rows::{Row, idle, scale};
use crate::server::Server;

/// How thorough to be.
#[derive(Clone, Debug)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    pub(crate) warm_up: Duration,
    pub(crate) time: Duration,
    /// Connections that do nothing, plain and TLS.
    pub(crate) idle: [usize; 2],
    pub(crate) scale: [usize; 3],
    /// Of the server and of the load.
    pub(crate) cores: [usize; 2],
}

/// What one run of one server came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Nanoseconds of the server's processor time for a request.
    pub(crate) nanos: f64,
    /// Nothing unless they are counted.
    pub(crate) allocations: f64,
    /// Nanoseconds, exceeded by one answer of a thousand.
    pub(crate) p999: f64,
}

/// Figures of one server in one row, by round.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    pub(crate) costs: Vec<Cost>,
    /// To the first server in the same round.
    pub(crate) ratios: Vec<f64>,
}

/// All rounds of a row, for each server or none if it does not serve that.
pub(crate) fn row(
    row: &Row,
    servers: &[ServerKind],
    effort: &Effort,
) -> io::Result<Vec<Option<Cell>>> {
    let serves = |server: &ServerKind| server.serves(row.workload.framing);
    let cell = |server: &ServerKind| serves(server).then(Cell::default);
    let mut cells: Vec<_> = servers.iter().map(cell).collect();
    for round in 0..effort.rounds {
        let mut costs = vec![None; servers.len()];
        // Each round begins with another server.
        for at in (0..servers.len()).map(|at| (at + round) % servers.len()) {
            if cells[at].is_some() {
                costs[at] = Some(cost(servers[at], row, effort)?);
            }
        }
        let base = costs.first().copied().flatten();
        for (cell, cost) in cells.iter_mut().zip(&costs) {
            if let (Some(cell), Some(cost)) = (cell, cost) {
                cell.costs.push(*cost);
                cell.ratios.extend(base.map(|base| cost.nanos / base.nanos));
            }
        }
        progress(&format!("{}, round {}", row.name, round + 1), servers, &costs);
    }
    Ok(cells)
}

fn progress(what: &str, servers: &[ServerKind], costs: &[Option<Cost>]) {
    let cost = |(server, cost): (&ServerKind, &Option<Cost>)| {
        cost.map(|cost| format!("{} {:.0}", server.name(), cost.nanos))
    };
    let costs: Vec<_> = servers.iter().zip(costs).filter_map(cost).collect();
    eprintln!("{what}: ns {}", costs.join(", "));
}

fn cost(kind: ServerKind, row: &Row, effort: &Effort) -> io::Result<Cost> {
    let named = |error: io::Error| {
        io::Error::new(error.kind(), format!("{} at {}: {error}", kind.name(), row.name))
    };
    let mut server = Server::start(kind, row.workload, effort.cores[0]).map_err(named)?;
    let mut load = Load::connect(server.port(), row.workload).map_err(named)?;
    load.run(effort.warm_up).map_err(named)?;
    let before = server.used()?;
    let done = load.run(effort.time).map_err(named)?;
    let after = server.used()?;
    let requests = done.requests.max(1) as f64;
    Ok(Cost {
        nanos: (after.processor - before.processor).as_nanos() as f64 / requests,
        allocations: (after.allocations - before.allocations) as f64 / requests,
        p999: done.latency.value_at_quantile(0.999) as f64,
    })
}

/// Bytes of memory of a connection that does nothing, plain and TLS.
pub(crate) fn idle_len(kind: ServerKind, effort: &Effort) -> io::Result<[f64; 2]> {
    let mut lens = [0.0; 2];
    for (at, len) in lens.iter_mut().enumerate() {
        let workload = spoken_by(kind, idle(effort.idle[at], at == 1));
        let server = Server::start(kind, workload, effort.cores[0])?;
        // What it needs once is there.
        let first = Load::connect(server.port(), Workload { connections: 16, ..workload })?;
        let before = server.resident_len()?;
        let load = Load::connect(server.port(), workload)?;
        // What it gives back when it has nothing to do.
        let more = settled_len(&server)?.saturating_sub(before);
        *len = more as f64 / workload.connections as f64;
        drop((first, load));
    }
    eprintln!("{}: {:.0} B idle, {:.0} B with TLS", kind.name(), lens[0], lens[1]);
    Ok(lens)
}

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// After so many looks that show the same, memory stands still.
const SAME_LOOKS: usize = 5;
/// After so many looks it is taken as it is.
const LOOKS_MAX: usize = 100;

/// Bytes of the server's memory once they stand still.
fn settled_len(server: &Server) -> io::Result<u64> {
    let (mut len, mut same) = (server.resident_len()?, 0);
    for _ in 0..LOOKS_MAX {
        thread::sleep(LOOK);
        let now = server.resident_len()?;
        same = if now == len { same + 1 } else { 0 };
        len = now;
        if same == SAME_LOOKS {
            return Ok(len);
        }
    }
    eprintln!("its memory does not stand still");
    Ok(len)
}

/// Nanoseconds for a request with more and more connections, in each round.
pub(crate) fn scaling(kind: ServerKind, effort: &Effort) -> io::Result<Vec<Vec<f64>>> {
    let mut rounds = Vec::new();
    for _ in 0..effort.rounds.div_ceil(2) {
        let row = |connections| Row {
            name: "scale",
            title: "",
            workload: spoken_by(kind, scale(connections)),
        };
        let costs = effort.scale.map(|connections| cost(kind, &row(connections), effort));
        let costs: io::Result<Vec<_>> = costs.into_iter().collect();
        rounds.push(costs?.iter().map(|cost| cost.nanos).collect());
    }
    eprintln!("{}: ns {:.0?} with {:?} connections", kind.name(), rounds, effort.scale);
    Ok(rounds)
}

/// The same in frames, if a server knows nothing else.
fn spoken_by(kind: ServerKind, workload: Workload) -> Workload {
    if kind.serves(workload.framing) {
        workload
    } else {
        Workload { framing: Framing::U32be, ..workload }
    }
}

/// The middle one.
pub(crate) fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<_> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    match figures.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => figures[len / 2],
        len => f64::midpoint(figures[len / 2 - 1], figures[len / 2]),
    }
}
