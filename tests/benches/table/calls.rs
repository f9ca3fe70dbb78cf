//! System calls for a request, counted by strace: what a server asks of the system, and why.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::load::Load;
use crate::measure::Effort;
use crate::options::ServerKind;
use crate::rows::Row;
use crate::server::Server;

/// What calls are for, by name.
const REASONS: [(&str, &str); 18] = [
    ("accept4", "the next connection, and once in vain"),
    ("clone3", "a thread for a connection; what follows from it has no reason here"),
    ("close", "a descriptor is given back"),
    ("epoll_ctl", "a socket is registered, or waited for once more"),
    ("epoll_pwait", "what has happened to many sockets"),
    ("epoll_wait", "what has happened to many sockets"),
    ("futex", "another thread is woken, or waited for"),
    ("getpeername", "the peer's address"),
    ("getsockname", "our address"),
    ("ioctl", "the socket does not block"),
    ("ppoll", "waits for one socket"),
    ("read", "a wake-up of async-io is taken note of"),
    ("recvfrom", "the request"),
    ("sendto", "the answer"),
    ("setsockopt", "Nagle's algorithm is off, or a read has a timeout"),
    ("shutdown", "our side is finished"),
    ("timerfd_settime", "async-io's next deadline"),
    ("writev", "the answer"),
];

/// How often each system call is made for a request. `None` where there is no strace.
pub(crate) fn count(
    kind: ServerKind,
    row: &Row,
    effort: &Effort,
) -> io::Result<Option<BTreeMap<String, f64>>> {
    let server = Server::start(kind, row.workload, effort.cores[0])?;
    let mut load = Load::connect(server.port(), row.workload)?;
    load.run(effort.warm_up)?;
    let output = tempfile::NamedTempFile::new()?;
    let strace = Command::new("strace")
        .args(["-f", "-c", "-U", "name,calls", "-o"])
        .arg(output.path())
        .args(["-p", &server.id().to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut strace = match strace {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        strace => strace?,
    };
    // It says when it is attached.
    let mut lines = BufReader::new(strace.stderr.take().expect("it is piped"));
    let mut line = String::new();
    lines.read_line(&mut line)?;
    if !line.contains("attached") {
        let _ = strace.wait();
        return Ok(None);
    }
    let done = load.run(effort.time.max(Duration::from_millis(100)));
    kill_process(Pid::from_child(&strace), Signal::INT)?;
    io::copy(&mut lines, &mut io::sink())?;
    strace.wait()?;
    let requests = done?.requests.max(1) as f64;
    let mut calls = BTreeMap::new();
    for line in fs::read_to_string(output.path())?.lines() {
        let mut words = line.split_whitespace();
        if let (Some(name), Some(Ok(count))) = (words.next(), words.next().map(str::parse::<f64>)) {
            if name != "total" && count / requests >= 0.005 {
                calls.insert(name.to_owned(), count / requests);
            }
        }
    }
    Ok(Some(calls))
}

/// Why a call is made.
pub(crate) fn reason(name: &str) -> &'static str {
    REASONS.iter().find(|(known, _)| *known == name).map_or("", |(_, reason)| reason)
}
