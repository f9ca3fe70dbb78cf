//! A server in a process of its own.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::load::Workload;
use crate::options::ServerKind;

/// What a server has used since it began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    pub(crate) processor: Duration,
    /// Nothing unless they are counted.
    pub(crate) allocations: u64,
}

pub(crate) struct Server {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    port: u16,
}

impl Server {
    pub(crate) fn start(kind: ServerKind, workload: Workload, core: usize) -> io::Result<Self> {
        let security = if workload.is_tls { "tls" } else { "plain" };
        let mut child = Command::new(env::current_exe()?)
            .args(["serve", kind.name(), workload.framing.name(), security, &core.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take();
        let output = child.stdout.take().map(BufReader::new).expect("it is piped");
        let mut server = Self { child, input, output, port: 0 };
        server.port = server.line()?.parse().map_err(|_| io::Error::other("no port"))?;
        Ok(server)
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What all of its threads have used.
    pub(crate) fn used(&mut self) -> io::Result<Used> {
        if let Some(input) = &mut self.input {
            input.write_all(b"\n")?;
        }
        let line = self.line()?;
        let mut numbers = line.split_whitespace().map(str::parse);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(nanos)), Some(Ok(allocations))) => {
                Ok(Used { processor: Duration::from_nanos(nanos), allocations })
            }
            _ => Err(io::Error::other("the server has ended")),
        }
    }

    /// Bytes of its memory that are there.
    pub(crate) fn resident_len(&self) -> io::Result<u64> {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("Rss:"));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        number.map(|kib| kib * 1024).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The end of its input is its end.
        drop(self.input.take());
        let _ = self.child.wait();
    }
}
