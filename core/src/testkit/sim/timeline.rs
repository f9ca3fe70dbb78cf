//! What happened in a run, in order, to be read and drawn.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::connection::Deadline;
use crate::testkit::way::{Tag, UNTAGGED};
use crate::time::Instant;

/// What happened in a run, in order.
///
/// It prints as text, a column for each node, and [draws](Self::svg) itself as a sequence diagram.
/// See [`Sim::with_timeline`](super::Sim::with_timeline).
///
/// # Bounds
/// Keeps as many entries as it was told; how many more there were is said at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    pub(super) lanes: Vec<String>,
    pub(super) entries: Vec<Entry>,
    pub(super) arrows: Vec<Arrow>,
    entries_max: usize,
    pub(super) left_out: usize,
}

/// Something that happened at one node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// When.
    pub at: Instant,
    /// The number of the node, in the order in which they were made.
    pub node: usize,
    /// What.
    pub mark: Mark,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mark {
    /// It sent what [`arrow`](Timeline::arrow) says.
    Sent(usize),
    /// It received what [`arrow`](Timeline::arrow) says.
    Received(usize),
    /// What it had sent, as [`arrow`](Timeline::arrow) says, was lost.
    Lost(usize),
    /// Its protocol was told something.
    Step(String),
    /// A deadline was due.
    Due(Deadline),
    /// A fault struck.
    Fault(String),
}

/// What went from one node to another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Arrow {
    /// The number of the node that sent it.
    pub from: usize,
    /// The number of the node that it was sent to.
    pub to: usize,
    /// What it was.
    pub freight: Freight,
    /// What it carried.
    pub label: String,
    /// How often the link lost it before.
    pub resends: u32,
}

/// What an [`Arrow`] stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Freight {
    /// A segment of a stream.
    Bytes,
    /// The end of a stream.
    End,
    /// The reset of a stream.
    Reset,
    /// A datagram.
    Datagram,
}

impl Timeline {
    pub(super) const fn new(entries_max: usize) -> Self {
        Self {
            lanes: Vec::new(),
            entries: Vec::new(),
            arrows: Vec::new(),
            entries_max,
            left_out: 0,
        }
    }

    /// The names of the nodes.
    pub fn nodes(&self) -> impl Iterator<Item = &str> {
        self.lanes.iter().map(String::as_str)
    }

    /// What happened, in order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What went from one node to another.
    #[must_use]
    pub fn arrow(&self, number: usize) -> Option<&Arrow> {
        self.arrows.get(number)
    }

    pub(super) fn note(&mut self, at: Instant, node: usize, mark: Mark) {
        if self.entries.len() < self.entries_max {
            self.entries.push(Entry { at, node, mark });
        } else {
            self.left_out += 1;
        }
    }

    pub(super) fn depart(
        &mut self,
        at: Instant,
        from: usize,
        to: usize,
        freight: Freight,
        label: String,
        resends: u32,
    ) -> Tag {
        let number = self.arrows.len();
        if self.entries.len() == self.entries_max {
            self.left_out += 1;
            return UNTAGGED;
        }
        let Ok(tag) = Tag::try_from(number) else { return UNTAGGED };
        self.arrows.push(Arrow { from, to, freight, label, resends });
        self.note(at, from, Mark::Sent(number));
        tag
    }

    pub(super) fn arrive(&mut self, at: Instant, tag: Tag) {
        if let Some(arrow) = self.arrows.get(tag as usize) {
            self.note(at, arrow.to, Mark::Received(tag as usize));
        }
    }

    pub(super) fn lose(&mut self, at: Instant, tag: Tag) {
        if let Some(arrow) = self.arrows.get(tag as usize) {
            self.note(at, arrow.from, Mark::Lost(tag as usize));
        }
    }

    /// What an entry says, without its time and node.
    pub(super) fn text(&self, entry: &Entry) -> String {
        let name = |node: usize| self.lanes.get(node).map_or("", String::as_str);
        match &entry.mark {
            Mark::Sent(number) => self.arrow(*number).map_or_else(String::new, |arrow| {
                let again = match arrow.resends {
                    0 => String::new(),
                    1 => " (lost once)".to_string(),
                    times => format!(" (lost {times} times)"),
                };
                format!("→ {}: {}{again}", name(arrow.to), arrow.label)
            }),
            Mark::Received(number) => self.arrow(*number).map_or_else(String::new, |arrow| {
                format!("← {}: {}", name(arrow.from), arrow.label)
            }),
            Mark::Lost(number) => self.arrow(*number).map_or_else(String::new, |arrow| {
                format!("✕ {}: lost {}", name(arrow.to), arrow.label)
            }),
            Mark::Step(text) => format!("• {text}"),
            Mark::Due(deadline) => format!("◷ {}", deadline.timer),
            Mark::Fault(text) => format!("! {text}"),
        }
    }
}

/// Width of a column, in characters, at most.
const COLUMN_MAX: usize = 44;

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<_> = self.entries.iter().map(|entry| self.text(entry)).collect();
        let len = |text: &str| text.chars().count();
        let mut widths: Vec<_> = self.lanes.iter().map(|name| len(name)).collect();
        for (entry, text) in self.entries.iter().zip(&texts) {
            if let Some(width) = widths.get_mut(entry.node) {
                *width = (*width).max(len(text).min(COLUMN_MAX));
            }
        }
        let times: Vec<_> = self.entries.iter().map(|entry| entry.at.to_string()).collect();
        let time_width = times.iter().map(|time| len(time)).max().unwrap_or(0).max(4);
        let mut line = format!("{:>time_width$}", "time");
        for (name, width) in self.lanes.iter().zip(&widths) {
            line.push_str(&format!("  {name:width$}"));
        }
        writeln!(f, "{}", line.trim_end())?;
        let mut last = "";
        for ((entry, text), time) in self.entries.iter().zip(&texts).zip(&times) {
            let shown = if time == last { "" } else { time };
            last = time;
            let before: usize = widths.iter().take(entry.node).map(|width| width + 2).sum();
            writeln!(f, "{shown:>time_width$}{:before$}  {text}", "")?;
        }
        match self.left_out {
            0 => Ok(()),
            left_out => writeln!(f, "… and {left_out} more"),
        }
    }
}

/// Bytes that a label shows.
const LABEL_LEN: usize = 24;

/// What is sent, in a few words.
pub(super) fn label(bytes: &[u8], freight: Freight, is_tls: bool) -> String {
    match freight {
        Freight::End => "end".to_string(),
        Freight::Reset => "reset".to_string(),
        Freight::Bytes if is_tls => format!("{} B {}", bytes.len(), record(bytes)),
        Freight::Bytes | Freight::Datagram => format!("{} B {}", bytes.len(), quoted(bytes)),
    }
}

/// The kind of the TLS record that a chunk begins with, if it begins with one.
fn record(bytes: &[u8]) -> &'static str {
    match bytes {
        [20, 3, ..] => "TLS change cipher spec",
        [21, 3, ..] => "TLS alert",
        [22, 3, _, _, _, 1, ..] => "TLS client hello",
        [22, 3, _, _, _, 2, ..] => "TLS server hello",
        [22, 3, ..] => "TLS handshake",
        [23, 3, ..] => "TLS data",
        _ => "of a TLS record",
    }
}

/// The beginning of `bytes` as it would be written in a program.
pub(in crate::testkit) fn quoted(bytes: &[u8]) -> String {
    let (shown, more) = bytes.split_at(bytes.len().min(LABEL_LEN));
    let more = if more.is_empty() { "" } else { "…" };
    format!("\"{}{more}\"", shown.escape_ascii())
}
