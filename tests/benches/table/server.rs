//! A server in a process of its own.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::load::Workload;
use crate::options::ServerKind;

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
        server.port = server.number()?;
        Ok(server)
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The processor time that all of its threads have used.
    pub(crate) fn processor_time(&mut self) -> io::Result<Duration> {
        if let Some(input) = &mut self.input {
            input.write_all(b"\n")?;
        }
        self.number().map(Duration::from_nanos)
    }

    /// Bytes of its memory that are there.
    pub(crate) fn resident_len(&self) -> io::Result<u64> {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("Rss:"));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        number.map(|kib| kib * 1024).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn number<T: std::str::FromStr>(&mut self) -> io::Result<T> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        line.trim().parse().map_err(|_| io::Error::other("the server has ended"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The end of its input is its end.
        drop(self.input.take());
        let _ = self.child.wait();
    }
}
