//! What the servers are asked, a row of the table each.

use crate::load::Workload;
use crate::options::Framing;

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// On the command line.
    pub(crate) name: &'static str,
    /// In the table.
    pub(crate) title: &'static str,
    pub(crate) workload: Workload,
}

impl Row {
    /// Whether the tail of its latency is worth a table.
    pub(crate) const fn is_pipelined(&self) -> bool {
        self.workload.depth > 1
    }
}

pub(crate) const ROWS: [Row; 9] = [
    Row { name: "64", title: "64 B × 64 connections", workload: echo(64) },
    Row { name: "16k", title: "16 KiB × 64", workload: echo(16 << 10) },
    Row { name: "u32be-64", title: "u32be 64 B × 64, 32 in flight", workload: frames(64, 64, 32) },
    Row {
        name: "u32be-16k",
        title: "u32be 16 KiB × 16, 4 in flight",
        workload: frames(16 << 10, 16, 4),
    },
    Row { name: "tls-64", title: "TLS 64 B × 64", workload: within_tls(echo(64)) },
    Row { name: "tls-16k", title: "TLS 16 KiB × 64", workload: within_tls(echo(16 << 10)) },
    Row {
        name: "tls-u32be-64",
        title: "TLS u32be 64 B × 64, 32 in flight",
        workload: within_tls(frames(64, 64, 32)),
    },
    Row { name: "connect", title: "connect, echo, close", workload: CONNECTS },
    Row {
        name: "handshake",
        title: "TLS full handshake, echo, close",
        workload: within_tls(CONNECTS),
    },
];

/// One after the other, 16 at a time.
const CONNECTS: Workload = Workload { connections: 16, active: 16, connects: true, ..echo(64) };

const fn echo(size: usize) -> Workload {
    Workload {
        framing: Framing::Raw,
        is_tls: false,
        size,
        connections: 64,
        active: 64,
        depth: 1,
        connects: false,
    }
}

const fn frames(size: usize, connections: usize, depth: usize) -> Workload {
    Workload { framing: Framing::U32be, connections, active: connections, depth, ..echo(size) }
}

const fn within_tls(workload: Workload) -> Workload {
    Workload { is_tls: true, ..workload }
}

/// So many connections, a tenth of which ask.
pub(crate) const fn scale(connections: usize) -> Workload {
    Workload { connections, active: connections / 10, ..echo(64) }
}

/// So many connections that have been served once and then say nothing.
pub(crate) const fn idle(connections: usize, is_tls: bool) -> Workload {
    Workload { connections, active: 0, is_tls, ..echo(64) }
}
