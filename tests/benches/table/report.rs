//! What came out, as Markdown.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::io;

use crate::allocations;
use crate::arguments::Arguments;
use crate::calls;
use crate::measure::{Cell, Effort, median};
use crate::options::ServerKind;
use crate::rows::Row;

pub(crate) struct Report {
    pub(crate) servers: Vec<ServerKind>,
    pub(crate) effort: Effort,
    /// A cell for each server.
    pub(crate) rows: Vec<(Row, Vec<Option<Cell>>)>,
    /// For each server, plain and TLS.
    pub(crate) idle: Vec<[f64; 2]>,
    /// For each server and round.
    pub(crate) scaling: Vec<Vec<Vec<f64>>>,
    /// System calls for a request, for each row and server.
    pub(crate) calls: Vec<(Row, ServerKind, BTreeMap<String, f64>)>,
}

impl Report {
    pub(crate) fn new(arguments: &Arguments) -> Self {
        Self {
            servers: arguments.servers.clone(),
            effort: arguments.effort.clone(),
            rows: Vec::new(),
            idle: Vec::new(),
            scaling: Vec::new(),
            calls: Vec::new(),
        }
    }

    /// Counts system calls in the rows that differ in them: size and TLS change little.
    pub(crate) fn count(&mut self, arguments: &Arguments) -> io::Result<()> {
        for row in
            arguments.rows.iter().filter(|row| ["64", "u32be-64", "connect"].contains(&row.name))
        {
            for server in &arguments.servers {
                if server.serves(row.workload.framing) {
                    let counted = calls::count(*server, row, &arguments.effort)?;
                    self.calls.extend(counted.map(|calls| (*row, *server, calls)));
                }
            }
        }
        Ok(())
    }

    pub(crate) fn markdown(&self) -> String {
        if allocations::ARE_COUNTED {
            // What else was measured is not as it is without counting.
            return self.allocations();
        }
        let mut text = self.costs();
        if self.rows.iter().any(|(row, _)| row.is_pipelined()) {
            text.push('\n');
            text.push_str(&self.tails());
        }
        if !self.idle.is_empty() {
            text.push('\n');
            text.push_str(&self.sizes());
        }
        if !self.calls.is_empty() {
            text.push('\n');
            text.push_str("<details><summary>System calls</summary>\n\n");
            text.push_str(&self.system_calls());
            text.push_str("</details>\n");
        }
        text
    }

    fn costs(&self) -> String {
        let mut lines = vec![self.heads("server CPU for a request")];
        for (row, cells) in &self.rows {
            let mut line = vec![row.title.to_owned()];
            line.extend(cells.iter().enumerate().map(|(at, cell)| match cell {
                None => "–".to_owned(),
                Some(cell) if at == 0 => {
                    format!("1.00 ({})", time(median(cell.costs.iter().map(|cost| cost.nanos))))
                }
                Some(cell) => spread(&cell.ratios),
            }));
            lines.push(line);
        }
        table(&lines)
    }

    fn allocations(&self) -> String {
        let mut lines = vec![self.heads("allocations for a request")];
        for (row, cells) in &self.rows {
            let mut line = vec![row.title.to_owned()];
            line.extend(cells.iter().map(|cell| match cell {
                None => "–".to_owned(),
                Some(cell) => {
                    format!("{:.2}", median(cell.costs.iter().map(|cost| cost.allocations)))
                }
            }));
            lines.push(line);
        }
        table(&lines)
    }

    fn tails(&self) -> String {
        let mut lines = vec![self.heads("p99.9 of the latency")];
        for (row, cells) in self.rows.iter().filter(|(row, _)| row.is_pipelined()) {
            let mut line = vec![row.title.to_owned()];
            line.extend(cells.iter().map(|cell| match cell {
                None => "–".to_owned(),
                Some(cell) => time(median(cell.costs.iter().map(|cost| cost.p999))),
            }));
            lines.push(line);
        }
        table(&lines)
    }

    fn sizes(&self) -> String {
        let mut lines = vec![self.heads("memory and scale")];
        let [plain, tls] = self.effort.idle;
        for (at, title) in
            [format!("idle, of {plain}, bytes"), format!("idle TLS, of {tls}, bytes")]
                .into_iter()
                .enumerate()
        {
            let mut line = vec![title];
            line.extend(self.idle.iter().map(|lens| grouped(lens[at])));
            lines.push(line);
        }
        let [few, _, many] = self.effort.scale;
        let mut line = vec![format!("CPU with {many} to {few} connections")];
        line.extend(self.scaling.iter().map(|rounds| {
            let ratio = |costs: &Vec<f64>| costs[costs.len() - 1] / costs[0];
            spread(&rounds.iter().map(ratio).collect::<Vec<_>>())
        }));
        lines.push(line);
        table(&lines)
    }

    fn system_calls(&self) -> String {
        let mut text = String::new();
        for (row, _) in &self.rows {
            let counted = || self.calls.iter().filter(|(other, ..)| other.name == row.name);
            if counted().next().is_none() {
                continue;
            }
            let head = format!("system calls for a request, {}", row.title);
            let mut lines = vec![vec![head]];
            lines[0].extend(counted().map(|(_, server, _)| server.title().to_owned()));
            let names: BTreeSet<_> = counted().flat_map(|(.., calls)| calls.keys()).collect();
            for name in names {
                let title = match calls::reason(name) {
                    "" => format!("`{name}`"),
                    reason => format!("`{name}`: {reason}"),
                };
                let mut line = vec![title];
                line.extend(counted().map(|(.., calls)| {
                    calls.get(name).map_or_else(|| "–".to_owned(), |count| format!("{count:.2}"))
                }));
                lines.push(line);
            }
            text.push_str(&table(&lines));
            text.push('\n');
        }
        text
    }

    fn heads(&self, first: &str) -> Vec<String> {
        let titles = self.servers.iter().map(|server| server.title().to_owned());
        std::iter::once(first.to_owned()).chain(titles).collect()
    }
}

/// The median, and from where to where.
fn spread(ratios: &[f64]) -> String {
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let most = ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let middle = median(ratios.iter().copied());
    if ratios.len() < 2 {
        format!("{middle:.2}")
    } else {
        format!("{middle:.2} ({least:.2}–{most:.2})")
    }
}

/// Three digits and a unit.
fn time(nanos: f64) -> String {
    let (figure, unit) = match nanos {
        nanos if nanos < 1e3 => (nanos, "ns"),
        nanos if nanos < 1e6 => (nanos / 1e3, "µs"),
        nanos if nanos < 1e9 => (nanos / 1e6, "ms"),
        nanos => (nanos / 1e9, "s"),
    };
    let digits = if figure < 10.0 { 2 } else { usize::from(figure < 100.0) };
    format!("{figure:.digits$} {unit}")
}

/// Thousands apart.
fn grouped(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let (head, tail) = digits.split_at(digits.len() % 3);
    let groups = tail.as_bytes().chunks(3).map(|group| String::from_utf8_lossy(group).into_owned());
    let groups = (!head.is_empty()).then(|| head.to_owned()).into_iter().chain(groups);
    groups.collect::<Vec<_>>().join(",")
}

/// The first line is the head.
fn table(lines: &[Vec<String>]) -> String {
    let mut text = String::new();
    for (at, line) in lines.iter().enumerate() {
        let _ = writeln!(text, "| {} |", line.join(" | "));
        if at == 0 {
            let _ = writeln!(text, "|---|{}", "---:|".repeat(line.len() - 1));
        }
    }
    text
}
